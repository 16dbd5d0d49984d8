"""Counts of every examples/*.qasm against exact probabilities.

The probabilities of a circuit that measures last are Aer's. One that measures and goes on is
followed along all its outcomes with Qiskit's Statevector. Two things must hold: no impossible
outcome shows up, and a chi-square test over all others does not reject. The seed is fixed, so
the answer is the same every time; for a correct program a new seed raises a false alarm with
probability FALSE_ALARM for each circuit.

Usage: check_counts.py KETCH SCRATCH
"""

import pathlib
import sys

import numpy as np
from qiskit import qasm2
from qiskit.circuit.library import XGate
from qiskit.quantum_info import Statevector
from qiskit_aer import AerSimulator

import chi_square
import ketch
from chi_square import ZERO

SHOTS = 20000
SEED = 7
FALSE_ALARM = 1e-6


def main(program):
    files = sorted(pathlib.Path("examples").glob("*.qasm"))
    if not files:
        sys.exit("found no examples/*.qasm")
    compared = 0
    for file in files:
        text = file.read_text()
        if not text_is_version_2(text):
            print(f"{file}: not OpenQASM 2, left out")
            continue
        circuit = qasm2.loads(
            text,
            include_path=[file.parent],
            custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS,
        )
        (experiment,) = ketch.run(program, file, "--shots", SHOTS, "--seed", SEED)
        print(f"{file}: {compare(exact(circuit), experiment['counts'])}")
        compared += 1
    if compared == 0:
        sys.exit("found no OpenQASM 2 in examples")


def text_is_version_2(text):
    lines = (line.split("//")[0].strip() for line in text.splitlines())
    return next(line for line in lines if line).startswith("OPENQASM 2")


def compare(probabilities, counts):
    """The verdict of the test on counts keyed by bit strings; raises on a difference.

    `probabilities` maps the number that a bit string spells to its probability; impossible
    outcomes may be left out.
    """
    seen = {int(bits.replace(" ", ""), 2): count for bits, count in counts.items()}
    shots = sum(seen.values())
    if shots != SHOTS:
        raise AssertionError(f"asked for {SHOTS} shots, found {shots}")
    p, verdict = chi_square.test(probabilities, seen)
    if p < FALSE_ALARM:
        raise AssertionError(f"counts differ: {verdict}")
    return verdict


def exact(circuit):
    """The probability of each value of the classical bits, classical bit 0 lowest."""
    measured_last = all(
        instruction.operation.name in ("measure", "barrier")
        or (not instruction.clbits and instruction.operation.name != "reset")
        for instruction in circuit.data
    ) and not acts_after_measurement(circuit)
    return measure_last(circuit) if measured_last else follow(circuit)


def acts_after_measurement(circuit):
    done = set()
    for instruction in circuit.data:
        if instruction.operation.name == "measure":
            # Measured again, a qubit gives the same; a second one into the same bit does not.
            if done & (set(instruction.clbits) | set(instruction.qubits)):
                return True
            done.update(instruction.qubits, instruction.clbits)
        elif instruction.operation.name != "barrier" and done & set(instruction.qubits):
            return True
    return False


def measure_last(circuit):
    gates = circuit.copy_empty_like()
    measured = []
    for instruction in circuit.data:
        if instruction.operation.name == "measure":
            qubit = circuit.find_bit(instruction.qubits[0]).index
            measured.append((qubit, circuit.find_bit(instruction.clbits[0]).index))
        elif instruction.operation.name != "barrier":
            gates.append(instruction)
    # User gates are opened down to those that Aer has.
    simulator = AerSimulator(method="statevector")
    gates = open_gates(gates, set(simulator.operation_names))
    gates.save_statevector()
    state = np.asarray(simulator.run(gates).result().get_statevector())

    index = np.arange(len(state))
    outcomes = np.zeros(len(state), dtype=np.int64)
    for qubit, clbit in measured:
        outcomes |= ((index >> qubit) & 1) << clbit
    values, position = np.unique(outcomes, return_inverse=True)
    weights = np.bincount(position, np.abs(state) ** 2)
    return {int(value): weight for value, weight in zip(values, weights) if weight >= ZERO}


def open_gates(circuit, known):
    for _ in range(32):
        strange = {i.operation.name for i in circuit.data} - known
        if not strange:
            return circuit
        circuit = circuit.decompose(list(strange))
    raise RuntimeError(f"cannot open the gates {sorted(strange)}")


def follow(circuit):
    """All paths through measurements, resets and conditions; states carry their weights."""
    paths = [(0, Statevector.from_int(0, 2**circuit.num_qubits))]
    for instruction in circuit.data:
        paths = [after for path in paths for after in step(circuit, instruction, *path)]
    probabilities = {}
    for bits, state in paths:
        weight = float(np.sum(np.abs(state.data) ** 2))
        if weight >= ZERO:
            probabilities[bits] = probabilities.get(bits, 0.0) + weight
    return probabilities


def step(circuit, instruction, bits, state):
    operation = instruction.operation
    qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
    clbits = [circuit.find_bit(clbit).index for clbit in instruction.clbits]
    if operation.name == "barrier":
        return [(bits, state)]
    if operation.name == "measure":
        return [
            (bits & ~(1 << clbits[0]) | outcome << clbits[0], part)
            for outcome, part in project(state, qubits[0])
        ]
    if operation.name == "reset":
        return [
            (bits, part.evolve(XGate(), qubits) if outcome else part)
            for outcome, part in project(state, qubits[0])
        ]
    if operation.name == "if_else":
        target, value = operation.condition
        places = [circuit.find_bit(clbit).index for clbit in target]
        found = sum((bits >> place & 1) << at for at, place in enumerate(places))
        if found != value:
            return [(bits, state)]
        body = operation.blocks[0]
        paths = [(bits, state)]
        for inner in body.data:
            outer = inner.replace(
                qubits=[instruction.qubits[body.find_bit(q).index] for q in inner.qubits],
                clbits=[instruction.clbits[body.find_bit(c).index] for c in inner.clbits],
            )
            paths = [after for path in paths for after in step(circuit, outer, *path)]
        return paths
    return [(bits, state.evolve(operation, qubits))]


def project(state, qubit):
    """The possible outcomes of a qubit, each with the part of the state that it leaves."""
    index = np.arange(len(state.data)) >> qubit & 1
    for outcome in (0, 1):
        part = np.where(index == outcome, state.data, 0)
        if np.sum(np.abs(part) ** 2) >= ZERO:
            yield outcome, Statevector(part)


if __name__ == "__main__":
    main(sys.argv[1])
