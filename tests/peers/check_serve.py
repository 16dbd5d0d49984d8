"""IBM's own client, as it is, against `ketch serve`.

The client gets to the server once by environment variables alone, and once by using the server as its
HTTP proxy. What a user does is done each time: choose a backend, transpile, sample, estimate, wait,
find old jobs, tag, cancel, see a failure, use sessions and batches, delete. The rest of what the
client offers, call by call, is in `serve_calls.py`, which is gone through once.

Usage: check_serve.py KETCH SCRATCH
"""

import logging
import os
import subprocess
import sys
import warnings

# How the client gets there, and whether it is asked for everything.
WAYS = {"environment": "--every-call", "proxy": "--user"}
SHOTS = 4000
# Six standard deviations of a fair coin.
SPREAD = 6 * (SHOTS * 0.25) ** 0.5


def start(ketch):
    """A server, and the port that it listens at."""
    server = subprocess.Popen([ketch, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    return server, int(line.rsplit(":", 1)[1])


def environment(way, port, token):
    """What points the client at the server."""
    found = {name: value for name, value in os.environ.items() if "QISKIT" not in name}
    found["QISKIT_IBM_TOKEN"] = token
    # No account of the tester's own.
    found["HOME"] = os.environ["SCRATCH"]
    if way == "environment":
        found["QISKIT_IBM_URL"] = f"http://127.0.0.1:{port}/experimental/api/v1"
        found["IAM_URL"] = f"http://127.0.0.1:{port}"
        crn = "crn:v1:bluemix:public:quantum-computing:us-east:a/local:0000::"
        found["QISKIT_IBM_INSTANCE"] = crn
        found["QISKIT_FUNCTIONS_EXPERIMENTAL"] = "1"
    else:
        found["http_proxy"] = f"http://127.0.0.1:{port}"
        found["QISKIT_IBM_URL"] = "http://q.local"
        found["IAM_URL"] = "http://iam.q.local"
    return found


def bell():
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def fair(counts, register_bits):
    """Counts of a Bell pair without noise."""
    zeros, ones = "0" * register_bits, "1" * register_bits
    assert set(counts) == {zeros, ones}, counts
    assert abs(counts[zeros] - SHOTS / 2) < SPREAD, counts


def backends(service):
    names = {backend.name for backend in service.backends()}
    assert {"local_qasm_simulator", "noisy_synthetic_5"} <= names, names
    simulator = service.backend("local_qasm_simulator")
    device = service.backend("noisy_synthetic_5")
    status = device.status()
    assert status.operational and status.pending_jobs == 0, status
    assert device.num_qubits == 5 and device.coupling_map is not None
    assert device.properties().t1(0) > 0
    least = service.least_busy(min_num_qubits=20, simulator=False)
    assert least.num_qubits >= 20, least
    return simulator, device


def sampler(simulator, device):
    from qiskit import QuantumCircuit
    from qiskit.circuit import Parameter, ParameterVector
    from qiskit.transpiler import generate_preset_pass_manager
    from qiskit_ibm_runtime import SamplerV2

    sampling = SamplerV2(mode=simulator)
    fair(sampling.run([bell()], shots=SHOTS).result()[0].data.meas.get_counts(), 2)

    # Two registers, numbers for parameters whose names are not in the order of their use.
    turned = QuantumCircuit(2)
    late, vector = Parameter("z"), ParameterVector("a", 11)
    from qiskit import ClassicalRegister

    first, second = ClassicalRegister(1, "first"), ClassicalRegister(1, "second")
    turned.add_register(first, second)
    turned.ry(late, 0)
    turned.ry(sum(vector[:10]) * 0 + vector[10], 1)
    turned.measure(0, first[0])
    turned.measure(1, second[0])
    pi = 3.141592653589793
    # By name: a[0] .. a[10], z.
    rows = [[0] * 10 + [pi, 0], [0] * 10 + [0, pi]]
    result = sampling.run([(turned, rows)], shots=50).result()[0]
    assert result.data.first.array.shape == (2, 50, 1)
    assert list(result.data.first.get_counts(0)) == ["0"], result.data.first.get_counts(0)
    assert list(result.data.second.get_counts(0)) == ["1"]
    assert list(result.data.first.get_counts(1)) == ["1"]
    assert list(result.data.second.get_counts(1)) == ["0"]

    # What depends on what was measured.
    dynamic = QuantumCircuit(2, 2)
    dynamic.x(0)
    dynamic.measure(0, 0)
    with dynamic.if_test((dynamic.clbits[0], 1)):
        dynamic.x(1)
    dynamic.measure(1, 1)
    counts = sampling.run([dynamic], shots=20).result()[0].data.c.get_counts()
    assert counts == {"11": 20}, counts

    manager = generate_preset_pass_manager(backend=device, optimization_level=1, seed_transpiler=7)
    on_device = manager.run(bell())
    counts = SamplerV2(mode=device).run([on_device], shots=SHOTS).result()[0].data.meas.get_counts()
    agreeing = counts.get("00", 0) + counts.get("11", 0)
    assert 0.6 * SHOTS < agreeing < SHOTS, counts
    return on_device


def estimator(simulator, device):
    from qiskit import QuantumCircuit
    from qiskit.circuit import Parameter
    from qiskit.quantum_info import SparsePauliOp
    from qiskit.transpiler import generate_preset_pass_manager
    from qiskit_ibm_runtime import EstimatorV2

    theta = Parameter("theta")
    circuit = QuantumCircuit(2)
    circuit.ry(theta, 0)
    circuit.cx(0, 1)
    observables = [[SparsePauliOp("ZZ")], [SparsePauliOp(["IZ", "XX"], [1.0, 2.0])]]
    angles = [[0.0], [1.5707963267948966]]
    estimating = EstimatorV2(mode=simulator)
    result = estimating.run([(circuit, observables, angles)], precision=0.02).result()[0]
    expected = [[1.0, 1.0], [1.0, 2.0]]
    assert result.data.evs.shape == (2, 2), result.data.evs
    for row, wanted in zip(result.data.evs, expected):
        for found, number in zip(row, wanted):
            assert abs(found - number) < 0.15, result.data.evs
    assert (result.data.stds >= 0).all()

    manager = generate_preset_pass_manager(backend=device, optimization_level=1, seed_transpiler=7)
    on_device = manager.run(circuit)
    observable = SparsePauliOp("ZZ").apply_layout(on_device.layout)
    result = EstimatorV2(mode=device).run([(on_device, observable, [0.3])], precision=0.05).result()
    assert 0.6 < result[0].data.evs < 1.1, result[0].data.evs


def jobs(service, simulator):
    from qiskit import QuantumCircuit
    from qiskit_ibm_runtime import RuntimeInvalidStateError, SamplerV2

    sampling = SamplerV2(mode=simulator)
    sampling.options.environment.job_tags = ["check", "serve"]
    job = sampling.run([bell()], shots=10)
    job.wait_for_final_state()
    assert job.status() == "DONE" and job.errored() is False
    assert job.metrics()["timestamps"]["finished"] and job.usage() >= 0
    again = service.job(job.job_id())
    assert again.result()[0].data.meas.num_shots == 10
    assert again.inputs["pubs"][0][0].num_qubits == 2
    assert again.creation_date is not None and again.backend().name == simulator.name
    assert sorted(again.tags) == ["check", "serve"]
    again.update_tags(["other"])
    assert service.job(job.job_id()).tags == ["other"]
    found = service.jobs(job_tags=["other"], limit=None)
    assert [one.job_id() for one in found] == [job.job_id()], found
    everything = service.jobs(limit=None)
    assert len(everything) == len({one.job_id() for one in everything}) >= 1
    assert service.jobs(program_id="sampler", pending=False, limit=3)

    try:
        again.cancel()
        raise AssertionError("a finished job was cancelled")
    except RuntimeInvalidStateError:
        pass

    large = QuantumCircuit(24)
    for layer in range(300):
        for qubit in range(24):
            large.rx(0.1 * layer, qubit)
            large.cx(qubit, (qubit + 1) % 24)
    large.measure_all()
    long = sampling.run([large], shots=10)
    long.cancel()
    long.wait_for_final_state()
    assert long.status() == "CANCELLED", long.status()
    service.delete_job(long.job_id())
    assert all(one.job_id() != long.job_id() for one in service.jobs(limit=None))


def executor(simulator):
    """The sampler that post-processes for itself, and the estimator that sends what is not run."""
    from qiskit_ibm_runtime import RuntimeJobFailureError
    from qiskit_ibm_runtime.executor_estimator import EstimatorV2
    from qiskit_ibm_runtime.executor_sampler import SamplerV2

    sampling = SamplerV2(mode=simulator)
    result = sampling.run([bell(), bell()], shots=SHOTS).result()
    for one in result:
        fair(one.data.meas.get_counts(), 2)
    circuit = bell().remove_final_measurements(inplace=False)
    job = EstimatorV2(mode=simulator).run([(circuit, "ZZ")])
    try:
        job.result()
        raise AssertionError("a samplex was run")
    except RuntimeJobFailureError:
        assert "samplex" in job.error_message(), job.error_message()


def failure(service):
    from qiskit import QuantumCircuit
    from qiskit_ibm_runtime import RuntimeJobFailureError, SamplerV2

    # Its state has more amplitudes than any memory.
    wide = QuantumCircuit(50)
    wide.h(0)
    wide.measure_all()
    job = SamplerV2(mode=service.backend("local_statevector_simulator")).run([wide], shots=1)
    try:
        job.result()
        raise AssertionError("a circuit was run that is too large")
    except RuntimeJobFailureError as error:
        assert job.status() == "ERROR" and len(str(error)) > 40, error
        assert job.error_message(), error


def sessions(device, on_device):
    from qiskit_ibm_runtime import Batch, SamplerV2, Session

    for kind in [Session, Batch]:
        with kind(backend=device) as session:
            sampling = SamplerV2(mode=session)
            found = [sampling.run([on_device], shots=20) for _ in range(2)]
            for job in found:
                assert job.result()[0].data.meas.num_shots == 20
                assert job.session_id == session.session_id
            assert session.details()["backend_name"] == device.name
        assert session.status() in {"Closed", "In progress, not accepting new jobs"}, session.status()


def user(every_call):
    """What a user does, with an environment that points at the server."""
    warnings.simplefilter("ignore")
    from qiskit_ibm_runtime import QiskitRuntimeService

    # It warns of everything that it chooses by itself.
    logging.getLogger("qiskit_ibm_runtime").setLevel(logging.ERROR)

    service = QiskitRuntimeService()
    simulator, device = backends(service)
    on_device = sampler(simulator, device)
    estimator(simulator, device)
    jobs(service, simulator)
    executor(simulator)
    failure(service)
    sessions(device, on_device)
    if every_call:
        import serve_calls

        serve_calls.everything(service, simulator, device, on_device)


def main():
    ketch, scratch = sys.argv[1:]
    os.environ["SCRATCH"] = scratch
    server, port = start(ketch)
    try:
        for way, what in WAYS.items():
            # A user each: nobody sees the jobs of the other.
            new = [ketch, "serve", "token", "new", way]
            made = subprocess.run(new, check=True, capture_output=True, text=True)
            token = made.stdout.strip()
            command = [sys.executable, __file__, what]
            subprocess.run(command, check=True, env=environment(way, port, token), timeout=600)
            also = ", and every other call" if what == "--every-call" else ""
            print(f"serve: IBM's client by {way}: sampler, estimator, jobs, sessions{also}")
    finally:
        server.terminate()
        assert server.wait(timeout=30) == 0, "the server did not go in good order"


if sys.argv[1] in WAYS.values():
    user(every_call=sys.argv[1] == "--every-call")
else:
    main()
