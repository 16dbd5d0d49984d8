"""Qulacs."""

import qulacs
from qulacs import gate as gates
from qulacs.circuit import QuantumCircuitOptimizer

from ..circuits import relaxation
from ..qasm import read
from ..reference import marginals_of_integers
from . import choice, jobs


def controlled_phase(angle, control, target):
    gate = gates.to_matrix_gate(gates.U1(target, angle))
    gate.add_control_qubit(control, 1)
    return gate


# Given parameters, then qubits. Qulacs turns the other way round.
GATES = {
    "h": gates.H, "x": gates.X, "y": gates.Y, "z": gates.Z, "s": gates.S, "sdg": gates.Sdag,
    "t": gates.T, "tdg": gates.Tdag, "cx": gates.CNOT, "cz": gates.CZ, "ccx": gates.TOFFOLI,
    "swap": gates.SWAP, "cu1": controlled_phase,
    "u1": lambda a, q: gates.U1(q, a), "u3": lambda t, p, m, q: gates.U3(q, t, p, m),
    "rx": lambda a, q: gates.RX(q, -a), "ry": lambda a, q: gates.RY(q, -a),
    "rz": lambda a, q: gates.RZ(q, -a),
}  # fmt: skip


def qulacs_circuit(circuit, noise=None):
    out = qulacs.QuantumCircuit(circuit.n)
    for name, parameters, qubits in circuit.gates:
        out.add_gate(GATES[name](*parameters, *qubits))
        if noise and len(qubits) == 1:
            out.add_gate(gates.DepolarizingNoise(*qubits, noise["p1"]))
        elif noise:
            out.add_gate(gates.TwoQubitDepolarizingNoise(*qubits, noise["p2"]))
        kraus = relaxation(noise, len(qubits)) if noise else []
        for qubit in qubits if kraus else []:
            out.add_gate(gates.CPTP([gates.DenseMatrix(qubit, rows) for rows in kraus]))
    if noise:
        for q in range(circuit.n):
            out.add_gate(gates.BitFlipNoise(q, noise["readout"]))
    return out


def state(cell):
    base = cell.construct(lambda: qulacs_circuit(cell.read()))
    optimised = {}

    def circuit(setting):
        if setting not in optimised:
            optimised[setting] = base.copy()
            if setting == "light":
                QuantumCircuitOptimizer().optimize_light(optimised[setting])
            else:
                QuantumCircuitOptimizer().optimize(optimised[setting], setting)
        return optimised[setting]

    def evolve(setting):
        state = qulacs.QuantumState(cell.n)
        circuit(setting).update_quantum_state(state)
        return state

    setting = choice.fastest(cell, "qulacs", ["light", 2, 3, 4], evolve)
    circuit(setting)
    cell.note(optimised=setting)
    final = cell.time("evolve", lambda: evolve(setting))
    cell.check_amplitudes(final.get_amplitude)
    del final
    drawn = cell.time("sample", lambda: evolve(setting).sampling(cell.shots))
    cell.check_marginals(marginals_of_integers(drawn, cell.n))


def noisy(cell):
    circuit = cell.construct(lambda: qulacs_circuit(cell.read(), cell.noise))

    def trajectories():
        return qulacs.NoiseSimulator(circuit, qulacs.QuantumState(cell.n)).execute(cell.shots)

    def exact():
        state = qulacs.DensityMatrix(cell.n)
        circuit.update_quantum_state(state)
        return state.sampling(cell.shots)

    drawn = cell.time("sample", exact if cell.kind == "density" else trajectories)
    cell.check_marginals(marginals_of_integers(drawn, cell.n))


def small_jobs(cell):
    def run(circuit):
        state = qulacs.QuantumState(cell.n)
        circuit.update_quantum_state(state)
        return state.sampling(cell.shots)

    jobs.one_by_one(cell, lambda text: qulacs_circuit(read(text)), run)
