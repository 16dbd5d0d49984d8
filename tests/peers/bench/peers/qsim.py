"""qsim, through qsimcirq; single precision only."""

import math

import cirq
import numpy as np
import qsimcirq

from ..circuits import relaxation
from ..reference import marginals_of_integers
from . import choice


def u3(theta, phi, lam):
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    rows = [
        [c, -np.exp(1j * lam) * s],
        [np.exp(1j * phi) * s, np.exp(1j * (phi + lam)) * c],
    ]
    return cirq.MatrixGate(np.array(rows))


GATES = {
    "h": lambda: cirq.H, "x": lambda: cirq.X, "y": lambda: cirq.Y, "z": lambda: cirq.Z,
    "s": lambda: cirq.S, "sdg": lambda: cirq.S**-1, "t": lambda: cirq.T, "tdg": lambda: cirq.T**-1,
    "u1": lambda a: cirq.ZPowGate(exponent=a / math.pi), "u3": u3,
    "rx": cirq.rx, "ry": cirq.ry, "rz": cirq.rz,
    "cx": lambda: cirq.CNOT, "cz": lambda: cirq.CZ, "ccx": lambda: cirq.CCNOT,
    "cu1": lambda a: cirq.CZPowGate(exponent=a / math.pi), "swap": lambda: cirq.SWAP,
}  # fmt: skip


def cirq_circuit(circuit, noise=None):
    n = circuit.n
    # Cirq's first qubit is the highest bit of the index.
    qubits = [cirq.LineQubit(n - 1 - q) for q in range(n)]
    operations = []
    for name, parameters, places in circuit.gates:
        on = [qubits[q] for q in places]
        operations.append(GATES[name](*parameters).on(*on))
        if noise:
            p = noise["p1"] if len(on) == 1 else noise["p2"]
            operations.append(cirq.depolarize(p, len(on)).on(*on))
            kraus = [np.array(rows) for rows in relaxation(noise, len(on))]
            if kraus:
                operations.extend(cirq.KrausChannel(kraus).on(qubit) for qubit in on)
    out = cirq.Circuit(operations)
    out.append(cirq.I(q) for q in set(qubits) - set(out.all_qubits()))
    if noise:
        out.append(cirq.bit_flip(noise["readout"]).on_each(*qubits))
        out.append(cirq.measure(*reversed(qubits), key="m"))
    return out


def state(cell):
    def build():
        circuit = qsimcirq.QSimCircuit(cirq_circuit(cell.read()))
        order = cirq.QubitOrder.explicit(sorted(circuit.all_qubits()))
        return circuit.translate_cirq_to_qsim(order)[0]

    translated = cell.construct(build)
    simulator = qsimcirq.QSimSimulator(qsimcirq.QSimOptions(cpu_threads=cell.threads))
    # The compiled module for this processor; below the wrapper, which copies the state.
    qsim = simulator._sim_module

    def options(fused):
        return {**simulator.qsim_options, "f": fused, "c": translated, "s": 1}

    def evolve(fused):
        return qsim.qsim_simulate_fullstate(options(fused), 0)

    fused = choice.fastest(cell, "qsim", [2, 3, 4, 5], evolve)
    cell.note(fused=fused, module=qsim.__name__)
    amplitudes = cell.time("evolve", lambda: evolve(fused)).view(np.complex64)
    cell.check_amplitudes(lambda state: amplitudes[state])
    del amplitudes
    drawn = cell.time("sample", lambda: qsim.qsim_sample_final(options(fused), cell.shots))
    cell.check_marginals(marginals_of_integers(drawn, cell.n))


def noisy(cell):
    circuit = cell.construct(lambda: cirq_circuit(cell.read(), cell.noise))
    options = qsimcirq.QSimOptions(cpu_threads=cell.threads, max_fused_gate_size=3)
    simulator = qsimcirq.QSimSimulator(options, seed=3)
    found = cell.time("sample", lambda: simulator.run(circuit, repetitions=cell.shots))
    # The first column is our last qubit.
    shares = np.asarray(found.measurements["m"]).mean(axis=0)[::-1]
    cell.check_marginals([float(share) for share in shares])
