"""Amplitudes of random circuits against Qiskit's Statevector.

Each circuit is drawn from Qiskit's standard gates on 1 to 6 qubits and written as OpenQASM 2 by
Qiskit, which spells out gates that qelib1.inc lacks as definitions. The states must agree up to
a global phase within TOLERANCE in every amplitude.

Usage: check_statevector.py KETCH SCRATCH
"""

import math
import pathlib
import random
import sys

import numpy as np
from qiskit import QuantumCircuit, qasm2
from qiskit.circuit import library as gates
from qiskit.quantum_info import Statevector

import ketch

CIRCUITS = 120
SEED = 2018
TOLERANCE = 1e-10

# Each gate with its numbers of parameters; the number of qubits is the gate's own.
QELIB1 = [
    (gates.U3Gate, 3), (gates.U2Gate, 2), (gates.U1Gate, 1), (gates.CXGate, 0),
    (gates.IGate, 0), (gates.XGate, 0), (gates.YGate, 0), (gates.ZGate, 0),
    (gates.HGate, 0), (gates.SGate, 0), (gates.SdgGate, 0), (gates.TGate, 0),
    (gates.TdgGate, 0), (gates.RXGate, 1), (gates.RYGate, 1), (gates.RZGate, 1),
    (gates.SXGate, 0), (gates.SXdgGate, 0), (gates.CZGate, 0), (gates.CYGate, 0),
    (gates.SwapGate, 0), (gates.CHGate, 0), (gates.CCXGate, 0), (gates.CSwapGate, 0),
    (gates.CRXGate, 1), (gates.CRYGate, 1), (gates.CRZGate, 1), (gates.CU1Gate, 1),
    (gates.CU3Gate, 3), (gates.RXXGate, 1), (gates.RZZGate, 1), (gates.RCCXGate, 0),
    (gates.RC3XGate, 0), (gates.C3XGate, 0), (gates.C3SXGate, 0), (gates.C4XGate, 0),
    (gates.PhaseGate, 1), (gates.CPhaseGate, 1), (gates.UGate, 3), (gates.CUGate, 4),
    (gates.CSXGate, 0),
]  # fmt: skip
# Qiskit writes these with definitions of their own.
DEFINED = [
    (gates.RYYGate, 1), (gates.RZXGate, 1), (gates.ECRGate, 0), (gates.iSwapGate, 0),
    (gates.DCXGate, 0), (gates.RGate, 2), (gates.XXPlusYYGate, 2), (gates.XXMinusYYGate, 2),
    (gates.CCZGate, 0), (gates.CSGate, 0), (gates.CSdgGate, 0),
]  # fmt: skip


def main(program, scratch):
    random_numbers = random.Random(SEED)
    # A round through the table first, so that every gate is in some circuit.
    waiting = QELIB1 + DEFINED
    random_numbers.shuffle(waiting)
    used = set()
    worst = 0.0
    for number in range(CIRCUITS):
        circuit = draw(random_numbers, 1 + number % 6, waiting)
        used |= {instruction.operation.name for instruction in circuit.data}
        file = pathlib.Path(scratch) / f"random_{number}.qasm"
        file.write_text(qasm2.dumps(circuit))
        difference = distance(program, file, Statevector(circuit).data)
        if difference > TOLERANCE:
            sys.exit(f"amplitudes differ by {difference:.3g} in\n{file.read_text()}")
        worst = max(worst, difference)
    if waiting:
        sys.exit(f"no circuit held {[gate.__name__ for gate, _ in waiting]}")
    print(f"{CIRCUITS} circuits of {len(used)} gates: amplitudes differ by at most {worst:.1e}")


def draw(random_numbers, qubits, waiting):
    """A circuit of about 8 gates per qubit that starts away from the basis states."""
    circuit = QuantumCircuit(qubits)
    for qubit in range(qubits):
        circuit.append(gates.UGate(*(angle(random_numbers) for _ in range(3))), [qubit])
    table = QELIB1 + DEFINED
    for _ in range(8 * qubits):
        fitting = [row for row in waiting if make(random_numbers, row).num_qubits <= qubits]
        if fitting:
            row = fitting[0]
            waiting.remove(row)
        else:
            row = random_numbers.choice(table)
        gate = make(random_numbers, row)
        if gate.num_qubits <= qubits:
            circuit.append(gate, random_numbers.sample(range(qubits), gate.num_qubits))
    return circuit


def make(random_numbers, row):
    gate, parameters = row
    return gate(*(angle(random_numbers) for _ in range(parameters)))


def angle(random_numbers):
    """Any angle, or a fraction of pi, which Qiskit writes as an expression."""
    if random_numbers.random() < 0.5:
        return random_numbers.uniform(-2 * math.pi, 2 * math.pi)
    return random_numbers.randint(-8, 8) * math.pi / random_numbers.choice([1, 2, 3, 4, 8])


def distance(program, file, expected):
    """The largest difference between amplitudes once the global phases agree."""
    (experiment,) = ketch.run(
        program, file, "-b", "statevector_simulator", "--save", "statevector"
    )
    found = np.array([complex(*pair) for pair in experiment["data"]["statevector"]])
    if found.shape != expected.shape:
        sys.exit(f"{file}: expected {len(expected)} amplitudes, found {len(found)}")
    overlap = np.vdot(found, expected)
    if abs(overlap) == 0:
        return 1.0
    return float(np.max(np.abs(found * overlap / abs(overlap) - expected)))


if __name__ == "__main__":
    main(*sys.argv[1:])
