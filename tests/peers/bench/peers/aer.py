"""Qiskit Aer."""

import time

from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
import qiskit_aer.library  # noqa: F401 (adds the save instructions to QuantumCircuit)

from ..circuits import relaxation
from ..qasm import read
from ..reference import marginals_of_counts
from .jobs import lines

NAMES = {"u1": "p", "u3": "u", "cu1": "cp"}


def qiskit_circuit(circuit, measured=False):
    out = QuantumCircuit(circuit.n, circuit.n if measured else 0)
    for name, parameters, qubits in circuit.gates:
        getattr(out, NAMES.get(name, name))(*parameters, *qubits)
    if measured:
        out.measure(range(circuit.n), range(circuit.n))
    return out


def simulator(cell, method, **settings):
    return AerSimulator(
        method=method,
        precision=cell.peer.precision,
        max_parallel_threads=cell.threads,
        **settings,
    )


def run(backend, circuit, shots, **options):
    result = backend.run(circuit, shots=shots, **options).result()
    if not result.success:
        raise RuntimeError(result.results[0].status if result.results else result.status)
    return result


def state(cell, method):
    circuit = cell.read()
    backend = simulator(cell, method)
    plain = cell.construct(lambda: qiskit_circuit(circuit))
    if cell.reference.known is None:
        whole = plain.copy()
        whole.save_statevector()
        cell.reference.offer_state(run(backend, whole, 1).data(0)["statevector"].data)
    saving = plain.copy()
    states = cell.reference.states()
    saving.save_amplitudes(states)
    result = cell.time("evolve", lambda: run(backend, saving, 1))
    found = dict(zip(states, result.data(0)["amplitudes"]))
    cell.check_amplitudes(lambda state: found[state])
    samples(cell, method)


def samples(cell, method):
    measured = cell.construct(lambda: qiskit_circuit(cell.read(), measured=True))
    backend = simulator(cell, method)
    result = cell.time("sample", lambda: run(backend, measured, cell.shots))
    cell.note(method=result.results[0].metadata.get("method"))
    cell.check_marginals(marginals_of_counts(result.data(0)["counts"], cell.n))


def noise_model(noise):
    from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error, kraus_error

    model = NoiseModel()
    # Aer's parameter is the chance of the completely mixed state, which holds the identity too.
    one = depolarizing_error(noise["p1"] * 4 / 3, 1)
    two = depolarizing_error(noise["p2"] * 16 / 15, 2)
    if noise.get("relaxation"):
        one = one.compose(kraus_error(relaxation(noise, 1)))
        each = kraus_error(relaxation(noise, 2))
        two = two.compose(each.tensor(each))
    model.add_all_qubit_quantum_error(one, ["h", "x", "u", "rx", "ry", "rz", "p"])
    model.add_all_qubit_quantum_error(two, ["cz", "cx"])
    wrong = noise["readout"]
    model.add_all_qubit_readout_error(ReadoutError([[1 - wrong, wrong], [wrong, 1 - wrong]]))
    return model


def noisy(cell, method):
    import numpy as np

    circuit, model = cell.read(), noise_model(cell.noise)
    backend = simulator(cell, method, noise_model=model)
    if method == "density_matrix" and cell.reference.known is None:
        saving = qiskit_circuit(circuit)
        saving.save_probabilities()
        p = np.asarray(run(backend, saving, 1).data(0)["probabilities"])
        ones = [float(p.reshape(-1, 2, 1 << q)[:, 1, :].sum()) for q in range(cell.n)]
        wrong = cell.noise["readout"]
        cell.reference.offer_marginals([(1 - wrong) * p + wrong * (1 - p) for p in ones])
    measured = cell.construct(lambda: qiskit_circuit(circuit, measured=True))
    result = cell.time("sample", lambda: run(backend, measured, cell.shots, seed_simulator=11))
    cell.check_marginals(marginals_of_counts(result.data(0)["counts"], cell.n))


def small_jobs(cell):
    # A fifth of the jobs: Aer is slow enough to be timed on them.
    jobs = lines(cell)[:2000]
    start = time.perf_counter()
    circuits = [qiskit_circuit(read(text), measured=True) for text in jobs]
    rates = {"construct_per_s": len(jobs) / (time.perf_counter() - start)}
    for name, settings in (
        ("batch_per_s", {}),
        ("side_by_side_per_s", {"max_parallel_experiments": cell.threads}),
    ):
        backend = simulator(cell, "statevector", **settings)
        run(backend, circuits[:20], cell.shots)
        start = time.perf_counter()
        run(backend, circuits, cell.shots)
        rates[name] = len(jobs) / (time.perf_counter() - start)
    cell.answer["jobs"] = rates
