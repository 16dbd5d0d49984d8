"""What the other simulators find."""

import numpy as np
from qiskit import qasm2
from qiskit.quantum_info import DensityMatrix, Kraus, Operator, Statevector, SuperOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, amplitude_damping_error, depolarizing_error

import check_counts

from .draw import ONE, TWO

PAULIS = [
    np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])
]  # fmt: skip


def load(qasm):
    return qasm2.loads(qasm, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


def aer(method, circuit, **settings):
    """Aer's data of a circuit, whose gates are opened down to those that Aer has."""
    backend = AerSimulator(method=method, max_parallel_threads=1, **settings)
    opened = check_counts.open_gates(circuit, set(backend.operation_names))
    result = backend.run(opened, shots=settings.pop("shots", 1)).result()
    if not result.success:
        raise RuntimeError(f"Aer: {result.status}")
    return result.data(0)


def aer_state(circuit):
    saving = circuit.copy()
    saving.save_statevector()
    return np.asarray(aer("statevector", saving)["statevector"])


def aer_density(circuit, noise):
    saving = circuit.copy()
    saving.save_density_matrix()
    model = NoiseModel()
    # Aer's parameter is the chance of the completely mixed state, which holds the identity too.
    one = depolarizing_error(noise["p1"] * 4 / 3, 1)
    one = one.compose(amplitude_damping_error(noise["damping"]))
    two = depolarizing_error(noise["p2"] * 16 / 15, 2)
    model.add_all_qubit_quantum_error(one, list(ONE))
    model.add_all_qubit_quantum_error(two, list(TWO))
    return np.asarray(aer("density_matrix", saving, noise_model=model)["density_matrix"])


def aer_counts(circuit, shots, seed):
    backend = AerSimulator(method="statevector", max_parallel_threads=1, seed_simulator=seed)
    result = backend.run(circuit, shots=shots).result()
    if not result.success:
        raise RuntimeError(f"Aer: {result.status}")
    return {int(key, 16): count for key, count in result.data(0)["counts"].items()}


def exact_state(circuit):
    return Statevector(circuit).data


def exact_unitary(circuit):
    return Operator(circuit).data


def exact_density(circuit, noise):
    return evolved(DensityMatrix.from_int(0, 2**circuit.num_qubits), circuit, noise).data


def exact_superop(circuit, noise):
    """Column-stacking, as Qiskit's and Ketch's are."""
    start = SuperOp(np.eye(4**circuit.num_qubits))
    return evolved(start, circuit, noise, lambda it, what, on: it.compose(what, qargs=on)).data


def evolved(it, circuit, noise, step=lambda it, what, on: it.evolve(what, on)):
    """Each gate, then its channels, from their definitions."""
    one, two = depolarizing(noise["p1"], 1), depolarizing(noise["p2"], 2)
    gamma = noise["damping"]
    keeps, falls = np.diag([1, np.sqrt(1 - gamma)]), np.array([[0, np.sqrt(gamma)], [0, 0]])
    damping = Kraus([keeps, falls])
    for instruction in circuit.data:
        on = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        it = step(it, Operator(instruction.operation), on)
        for channel in [one, damping] if len(on) == 1 else [two]:
            it = step(it, channel, on)
    return it


def depolarizing(p, qubits):
    """All Paulis but the identity, equally likely, with chance `p` in all."""
    strings = [np.eye(1)]
    for _ in range(qubits):
        strings = [np.kron(pauli, string) for pauli in PAULIS for string in strings]
    weights = [1 - p] + [p / (len(strings) - 1)] * (len(strings) - 1)
    return Kraus([np.sqrt(weight) * string for weight, string in zip(weights, strings)])


def exact_probabilities(circuit):
    """The probability of each value of the clbits, along all paths through the circuit."""
    return check_counts.follow(circuit)
