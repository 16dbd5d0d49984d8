"""The rest of what IBM's client offers its users, call by call, against `ketch serve`.

`check_serve.py` starts the server and goes the ways that users go first; here is what they come to
later: every filter of the lists, what a job says of itself, sessions that are found again, options,
arrays of many shapes, circuits that depend on what they measure, and failures with their reasons.
"""

import datetime

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_ibm_runtime import (
    Batch,
    EstimatorV2,
    IBMInputValueError,
    RuntimeInvalidStateError,
    RuntimeJobFailureError,
    RuntimeJobNotFound,
    RuntimeJobTimeoutError,
    SamplerV2,
    Session,
)
from qiskit_ibm_runtime.exceptions import IBMBackendError, IBMRuntimeError
from qiskit_ibm_runtime.executor_sampler import SamplerV2 as ExecutorSampler

# As often as the client lets anybody ask.
POLL = 0.1


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def long():
    """A circuit that takes seconds."""
    circuit = QuantumCircuit(24)
    for layer in range(300):
        for qubit in range(24):
            circuit.rx(0.1 * layer, qubit)
            circuit.cx(qubit, (qubit + 1) % 24)
    circuit.measure_all()
    return circuit


def raises(kind, call, *words):
    """The call fails with an error of this kind, whose text has these words."""
    try:
        call()
    except kind as error:
        for word in words:
            assert word in str(error), error
        return
    raise AssertionError(f"no {kind.__name__}")


def service_calls(service):
    """Accounts, instances, and which backends there are."""
    (instance,) = service.instances()
    assert service.active_instance() == instance["crn"], instance
    account = service.active_account()
    assert account["channel"] == service.channel == "ibm_quantum_platform", account
    assert not service.is_local
    usage = service.usage()
    assert usage["usage_consumed_seconds"] >= 0 and usage["usage_period"]["start_time"], usage

    every = {backend.name for backend in service.backends()}
    simulators = {backend.name for backend in service.backends(simulator=True)}
    assert "local_qasm_simulator" in simulators and "noisy_synthetic_5" not in simulators
    assert {backend.name for backend in service.backends(operational=True)} == every
    large = {backend.name for backend in service.backends(min_num_qubits=20, simulator=False)}
    assert "noisy_synthetic_20" in large and "noisy_synthetic_5" not in large, large
    five = service.backends(filters=lambda backend: backend.num_qubits == 5)
    assert {backend.name for backend in five} >= {"noisy_synthetic_5"}, five
    dynamic = {backend.name for backend in service.backends(dynamic_circuits=True)}
    assert dynamic <= every
    assert [backend.name for backend in service.backends(name="noisy_ibmqx4")] == ["noisy_ibmqx4"]
    raises(QiskitBackendNotFoundError, lambda: service.backend("noisy_nothing"))


def backend_calls(service, device):
    """What a device says of itself."""
    configuration = device.configuration()
    assert configuration.backend_name == device.name and configuration.n_qubits == 5
    assert not configuration.simulator and not configuration.local
    assert device.operation_names and device.max_circuits is None
    assert len(device.meas_map) >= 1 and device.version == 2
    assert device.instruction_durations is not None and device.calibration_id is None
    qubit = device.qubit_properties(0)
    assert qubit.t1 == device.properties().t1(0) and qubit.t2 > 0
    properties = device.properties(refresh=True)
    edge = device.coupling_map.get_edges()[0]
    gate = next(name for name in ("cx", "ecr", "cz") if name in device.target.operation_names)
    assert 0 < properties.gate_error(gate, list(edge)) < 1
    assert 0 < properties.readout_error(0) < 1 and properties.gate_length(gate, list(edge)) > 0
    assert not properties.faulty_qubits() and not properties.faulty_gates()
    device.check_faulty(bell())
    before = device.target
    device.refresh()
    assert device.target.operation_names == before.operation_names
    # The one calibration that there is holds for every day.
    week = datetime.datetime.now() - datetime.timedelta(days=7)
    assert device.properties(datetime=week).t1(0) == properties.t1(0)
    assert device.target_history(datetime=week).num_qubits == 5
    raises(IBMBackendError, lambda: device.run(bell()))
    # The couplings of the device as of the day it is asked for, gates with angles included.
    fractional = service.backend(device.name, use_fractional_gates=None)
    assert set(fractional.operation_names) >= set(device.operation_names)


def job_calls(service, simulator):
    """What a job says of itself, and how it is found."""
    begun = datetime.datetime.now() - datetime.timedelta(seconds=2)
    sampling = SamplerV2(mode=simulator)
    sampling.options.environment.job_tags = ["calls", "one"]
    sampling.options.max_execution_time = 300
    first = sampling.run([bell()], shots=16)
    sampling.options.environment.job_tags = ["calls", "two"]
    second = sampling.run([bell(), bell()], shots=16)
    estimating = EstimatorV2(mode=simulator)
    estimating.options.environment.job_tags = ["calls"]
    circuit = bell().remove_final_measurements(inplace=False)
    third = estimating.run([(circuit, "ZZ")], precision=0.1)
    for job in [first, second, third]:
        job.wait_for_final_state(timeout=120, poll_interval=POLL)
        assert job.done() and job.in_final_state(), job.error_message()
        assert not (job.running() or job.cancelled() or job.errored() or job.private)
    assert (first.primitive_id, third.primitive_id) == ("sampler", "estimator")
    assert first.error_message() is None and first.image in ("", None)
    assert first.instance == service.active_instance()

    metrics = second.metrics()
    times = metrics["timestamps"]
    assert times["created"] <= times["running"] <= times["finished"], times
    assert metrics["num_circuits"] == 2 and metrics["usage"]["status"] == "finalized", metrics
    assert second.usage() == second.usage(partial=True) >= 0
    assert second.usage_estimation == {"quantum_seconds": None}
    assert "completed" in second.logs() and "2 experiments" in second.logs(), second.logs()
    assert first.properties() is None and first.session_id is None

    # The same result as often as it is asked for, by whoever has the id.
    again = service.job(second.job_id())
    counts = [one.data.meas.get_counts() for one in second.result()]
    for _ in range(2):
        assert [one.data.meas.get_counts() for one in again.result()] == counts
    pubs = again.inputs["pubs"]
    assert len(pubs) == 2 and pubs[0][0] == bell() and pubs[0][2] == 16, pubs
    assert again.update_tags(["calls", "two", "changed"]) and "changed" in again.tags
    again.update_tags(["calls", "two"])

    def found(**given):
        return [job.job_id() for job in service.jobs(**{"limit": None, **given})]

    ids = [job.job_id() for job in (third, second, first)]
    assert found(job_tags=["calls"]) == ids
    assert found(job_tags=["calls"], descending=False) == ids[::-1]
    assert found(job_tags=["calls"], limit=2) == ids[:2]
    assert found(job_tags=["calls"], limit=2, skip=1) == ids[1:]
    assert found(job_tags=["calls", "two"]) == ids[1:2] and found(job_tags=["none"]) == []
    assert found(job_tags=["calls"], program_id="estimator") == ids[:1]
    assert found(job_tags=["calls"], pending=False) == ids
    assert found(job_tags=["calls"], pending=True) == []
    assert found(job_tags=["calls"], backend_name=simulator.name) == ids
    assert found(job_tags=["calls"], backend_name="noisy_ibmqx4") == []
    assert found(job_tags=["calls"], instance=service.active_instance()) == ids
    assert found(job_tags=["calls"], created_after=begun) == ids
    assert found(job_tags=["calls"], created_before=begun) == []
    assert found(job_tags=["calls"], session_id="none") == []
    raises(RuntimeJobNotFound, lambda: service.job("none"))
    service.delete_job(first.job_id())
    raises(RuntimeJobNotFound, lambda: service.job(first.job_id()))
    raises(RuntimeJobNotFound, lambda: service.delete_job(first.job_id()))


def ends(service, simulator):
    """Jobs that are stopped: one that runs and one that waits for it; and one that is not waited for."""
    sampling = SamplerV2(mode=simulator)
    running = sampling.run([long()], shots=10)
    queued = sampling.run([long()], shots=10)
    while (status := running.status()) != "RUNNING":
        assert status == "QUEUED", status
    raises(
        RuntimeJobTimeoutError, lambda: running.wait_for_final_state(timeout=0, poll_interval=POLL)
    )
    assert queued.metrics()["position_in_queue"] == 1, queued.metrics()
    assert running.job_id() in [job.job_id() for job in service.jobs(pending=True, limit=None)]
    assert simulator.status().pending_jobs == 2
    assert running.usage() == 0 and running.metrics()["usage"]["status"] == "pending"
    queued.cancel()
    assert service.job(queued.job_id()).cancelled()
    running.cancel()
    stopped = service.job(running.job_id())
    stopped.wait_for_final_state(timeout=60, poll_interval=POLL)
    assert stopped.cancelled() and "cancelled" in stopped.logs(), stopped.logs()
    raises(RuntimeInvalidStateError, stopped.result, "cancelled")
    raises(RuntimeInvalidStateError, stopped.cancel)


def shapes(simulator):
    """Arrays of parameters and of observables, broadcast as NumPy does it."""
    one, two = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2)
    circuit.rx(one, 0)
    circuit.rx(two, 1)
    measured = circuit.measure_all(inplace=False)
    half, whole = np.pi / 2, np.pi
    sampling = SamplerV2(mode=simulator)
    grid = np.array([[[0, 0], [0, whole], [whole, 0]], [[whole, whole], [0, 0], [whole, 0]]])
    flipped = {"a": grid[..., 0], "b": grid[..., 1]}
    job = sampling.run(
        [(measured, grid), (measured, flipped, 7), (measured, [0, whole])], shots=5
    )
    by_rows, by_names, alone = job.result(poll_interval=POLL)
    expected = [["00", "10", "01"], ["11", "00", "01"]]
    for result, shots in [(by_rows, 5), (by_names, 7)]:
        assert result.data.shape == (2, 3) and result.data.meas.num_shots == shots
        for place in np.ndindex(2, 3):
            wanted = {expected[place[0]][place[1]]: shots}
            assert result.data.meas.get_counts(place) == wanted, (place, result.data.meas)
    assert alone.data.shape == () and alone.data.meas.get_counts() == {"10": 5}

    angles = np.array([[0, 0], [0, whole], [whole, whole]])
    columns = [[SparsePauliOp("IZ")], [SparsePauliOp("ZI")], [{"ZZ": 2.0, "II": 1.0}]]
    job = EstimatorV2(mode=simulator).run(
        [
            # (3,) with (3, 1), (3,) with one, one with (2,), one with one.
            (circuit, columns, angles),
            (circuit, "ZZ", angles, 0.5),
            (circuit, ["IZ", "ZI"], [0, whole]),
            (circuit, SparsePauliOp("ZI"), [half, half]),
        ],
        precision=0.05,
    )
    table, row, pair, alone = job.result(poll_interval=POLL)
    # Six standard deviations; two terms of weights 2 and 1 come to more than one.
    expected = [[1, 1, -1], [1, -1, -1], [3, -1, 3]]
    assert np.allclose(table.data.evs, expected, rtol=0, atol=0.9), table.data.evs
    assert row.data.evs.shape == (3,) and row.metadata["target_precision"] == 0.5, row.data
    assert np.allclose(pair.data.evs, [1, -1], rtol=0, atol=0.3), pair.data.evs
    assert alone.data.evs.shape == () and abs(alone.data.evs) < 0.3, alone.data.evs
    assert 0.02 < alone.data.stds < 0.08, alone.data.stds


def circuits(simulator, device):
    """Registers of several widths, measurements on the way, and gates that depend on them."""
    qubits = QuantumRegister(3, "q")
    wide, narrow = ClassicalRegister(9, "wide"), ClassicalRegister(2, "narrow")
    circuit = QuantumCircuit(qubits, wide, narrow)
    circuit.x(0)
    circuit.measure(0, wide[8])
    circuit.reset(0)
    circuit.measure(0, wide[0])
    circuit.x(1)
    circuit.measure(1, narrow[1])
    with circuit.if_test((narrow, 2)) as otherwise:
        circuit.x(2)
    with otherwise:
        circuit.y(0)
    with circuit.switch(narrow) as case:
        with case(1):
            circuit.x(0)
        with case(case.DEFAULT):
            circuit.x(0)
    with circuit.for_loop(range(3)):
        circuit.x(2)
    circuit.measure(2, narrow[0])
    circuit.measure(0, wide[1])
    for sampling in [SamplerV2(mode=simulator), ExecutorSampler(mode=simulator)]:
        data = sampling.run([circuit], shots=6).result(poll_interval=POLL)[0].data
        assert data.wide.get_counts() == {"100000010": 6}, data.wide.get_counts()
        assert data.narrow.get_counts() == {"10": 6}, data.narrow.get_counts()
        assert data.wide.num_bits == 9 and data.wide.array.shape == (6, 2)

    # On a device: a mid-circuit measurement, transpiled.
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.cx(0, 1)
    circuit.measure(1, 1)
    manager = generate_preset_pass_manager(backend=device, optimization_level=1, seed_transpiler=7)
    data = SamplerV2(mode=device).run([manager.run(circuit)], shots=500)
    data = data.result(poll_interval=POLL)[0].data
    assert data.c.get_counts()["11"] > 300, data.c.get_counts()


def options(simulator, device, on_device):
    """What options do, what they do not, and which are refused."""
    sampling = SamplerV2(mode=device, options={"default_shots": 33})
    sampling.options.dynamical_decoupling.enable = True
    sampling.options.twirling.enable_measure = True
    sampling.options.execution.init_qubits = True
    result = sampling.run([on_device]).result(poll_interval=POLL)[0]
    assert result.data.meas.num_shots == 33
    ignored = result.metadata["options_without_effect"]
    assert "dynamical_decoupling.enable" in ignored and "twirling.enable_measure" in ignored

    seeded = SamplerV2(mode=simulator, options={"simulator": {"seed_simulator": 11}})
    counts = []
    for _ in range(2):
        counts.append(seeded.run([bell()], shots=99).result(poll_interval=POLL)[0].data.meas)
    assert counts[0] == counts[1]

    circuit = bell().remove_final_measurements(inplace=False)
    estimating = EstimatorV2(mode=simulator, options={"default_precision": 0.25})
    result = estimating.run([(circuit, "ZZ")]).result(poll_interval=POLL)[0]
    assert result.metadata["target_precision"] == 0.25, result.metadata
    # Level 1 is about the noise of measurements, level 2 extrapolates.
    estimating = EstimatorV2(mode=simulator, options={"resilience_level": 1})
    result = estimating.run([(circuit, "ZZ")]).result(poll_interval=POLL)[0]
    assert result.metadata["options_without_effect"] == ["resilience_level"], result.metadata
    estimating.options.resilience_level = 2
    raises(IBMRuntimeError, lambda: estimating.run([(circuit, "ZZ")]), "resilience_level 2")
    bare = on_device.remove_final_measurements(inplace=False)
    for mitigation in ["zne_mitigation", "pec_mitigation"]:
        estimating = EstimatorV2(mode=device, options={"resilience": {mitigation: True}})
        raises(IBMRuntimeError, lambda: estimating.run([(bare, "Z" * 5)]), mitigation)
    kerneled = SamplerV2(mode=simulator, options={"execution": {"meas_type": "kerneled"}})
    raises(IBMRuntimeError, lambda: kerneled.run([bell()]), "meas_type")
    secret = SamplerV2(mode=simulator)
    secret.options.environment.private = True
    raises(IBMRuntimeError, lambda: secret.run([bell()]), "private")


def failures(service, simulator, device):
    """What is refused, by the client or by the server, and what fails later."""
    # A circuit that is not written in the device's gates: the client sees it.
    raises(IBMInputValueError, lambda: SamplerV2(mode=device).run([bell()]), "not supported")
    nothing = QuantumCircuit(1)
    nothing.h(0)
    sampling = SamplerV2(mode=simulator)
    raises(IBMRuntimeError, lambda: sampling.run([nothing], shots=3), "measures nothing")
    # More qubits than the simulator has: the job is taken, and fails.
    wide = QuantumCircuit(50)
    wide.h(range(50))
    wide.measure_all()
    vectors = service.backend("local_statevector_simulator")
    raises(IBMRuntimeError, lambda: SamplerV2(mode=vectors).run([wide], shots=3), "runs one shot")
    job = SamplerV2(mode=vectors).run([wide], shots=1)
    job.wait_for_final_state(timeout=120, poll_interval=POLL)
    assert job.errored() and "circuit.too_large" in job.error_message(), job.error_message()
    raises(RuntimeJobFailureError, job.result, "needs 50")
    assert "needs 50" in job.logs(), job.logs()


def sessions(service, device, on_device):
    """Sessions and batches: found again, closed, and ended with their jobs."""
    for kind, mode in [(Session, "dedicated"), (Batch, "batch")]:
        session = kind(backend=device, max_time="1h")
        assert session.status() == "Pending" and session.backend() == device.name
        assert session.service is service
        details = session.details()
        assert details["mode"] == mode and details["accepting_jobs"] is True, details
        assert details["max_time"] == 3600 and details["started_at"], details
        job = SamplerV2(mode=session).run([on_device], shots=20)
        job.wait_for_final_state(timeout=60)
        same = kind.from_id(session.session_id, service=service)
        again = SamplerV2(mode=same).run([on_device], shots=20)
        assert again.result().metadata is not None
        assert again.properties().t1(0) == device.properties().t1(0)
        found = service.jobs(session_id=session.session_id, limit=None)
        assert [one.job_id() for one in found] == [again.job_id(), job.job_id()]
        assert session.details()["last_job_completed"] and session.usage() >= 0
        session.close()
        assert session.status() == "Closed" and not session.details()["accepting_jobs"]
        raises(IBMRuntimeError, lambda: SamplerV2(mode=session).run([on_device]), "closed")
        # The client does not know of it there; the server does.
        raises(IBMRuntimeError, lambda: SamplerV2(mode=same).run([on_device]), "closed")
    other = Session if kind is Batch else Batch
    raises(IBMInputValueError, lambda: other.from_id(session.session_id, service=service))
    raises(IBMInputValueError, lambda: Session.from_id("none", service=service))
    session = Session(backend=device)
    job = SamplerV2(mode=session).run([on_device] * 3, shots=100_000)
    session.cancel()
    job.wait_for_final_state(timeout=60)
    assert job.cancelled() or job.done(), job.status()
    assert session.details()["state"] in {"active", "closed"}


def everything(service, simulator, device, on_device):
    service_calls(service)
    backend_calls(service, device)
    job_calls(service, simulator)
    ends(service, simulator)
    shapes(simulator)
    circuits(simulator, device)
    options(simulator, device, on_device)
    failures(service, simulator, device)
    sessions(service, device, on_device)
