"""Files that `qiskit.qpy.dump` writes, run by Ketch, against Qiskit and Aer.

The circuits are those of check_qasm3.py, and more of Qiskit's library. Those of gates stand in one
file for each version of the format, and are compared by all their amplitudes to TOLERANCE, but for
one phase. Those that measure and go on are compared by counts, as there.

Usage: check_qpy.py KETCH SCRATCH
"""

import math
import pathlib
import sys

import numpy as np
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Parameter, ParameterVector, library
from qiskit.quantum_info import SparsePauliOp, random_unitary
from qiskit.synthesis import LieTrotter, SuzukiTrotter
from qiskit_aer import AerSimulator

import check_qasm3
import chi_square
import ketch

TOLERANCE = 1e-10
VERSIONS = range(13, 19)
# Qiskit writes these without the numbers that make them, and does not read them either.
LEFT_OUT = {"half adder", "modular adder", "integer comparator"}


def main(program, scratch):
    scratch = pathlib.Path(scratch)
    simulator = AerSimulator(
        method="statevector", seed_simulator=check_qasm3.SEED, max_parallel_threads=1
    )
    circuits = [*check_qasm3.gate_circuits(), *library_circuits(), *parameterized()]
    circuits = [circuit.copy(name) for name, circuit in circuits if name not in LEFT_OUT]
    numbers = {p.name: number(p.name) for circuit in circuits for p in circuit.parameters}
    given = [word for name in numbers for word in ("-p", f"{name}={numbers[name]}")]
    states = []
    for circuit in circuits:
        values = {p: numbers[p.name] for p in circuit.parameters}
        states.append(check_qasm3.aers_state(simulator, circuit.assign_parameters(values)))
    for version in VERSIONS:
        file = scratch / f"gates{version}.qpy"
        with file.open("wb") as written:
            qpy.dump(circuits, written, version=version)
        found = ketch.run(program, file, "--save", "statevector", *given)
        worst = 0.0
        for circuit, experiment, expected in zip(circuits, found, states, strict=True):
            worst = max(worst, difference(circuit.name, version, experiment, expected))
        print(f"version {version}: {len(circuits)} circuits of gates, at most {worst:.1e} off")
    for name, circuit, known in check_qasm3.dynamic_circuits():
        expected = None if known else check_qasm3.aers_counts(simulator, circuit)
        for version in (13, 18):
            file = scratch / "dynamic.qpy"
            with file.open("wb") as written:
                qpy.dump(circuit, written, version=version)
            shots = ("--shots", check_qasm3.SHOTS, "--seed", check_qasm3.SEED)
            (found,) = ketch.run(program, file, *shots)
            found = check_qasm3.joined(found["counts"])
            if known is None:
                verdict = check_qasm3.compare_counts(name, found, expected)
            else:
                seen = {int(bits, 2): count for bits, count in found.items()}
                p, verdict = chi_square.test(known, seen)
                if p < check_qasm3.FALSE_ALARM:
                    raise AssertionError(f"{name}: counts differ: {verdict}")
            print(f"{name}, version {version}: {verdict}")


def number(name):
    """A number for a parameter, the same for the same name."""
    return round(0.2 + sum(name.encode()) % 97 / 50, 2)


def difference(name, version, experiment, expected):
    found = check_qasm3.state(experiment)
    overlap = np.vdot(found, expected)
    off = np.max(np.abs(found * (overlap / abs(overlap)) - expected)) if overlap else 1.0
    if not off < TOLERANCE:
        raise AssertionError(f"{name}, version {version}: amplitudes differ by {off}")
    return off


def library_circuits():
    """What OpenQASM has no words for."""
    generator = np.random.default_rng(check_qasm3.SEED)

    def start(n=4):
        circuit = QuantumCircuit(n)
        for qubit in range(n):
            circuit.u(*generator.uniform(-3, 3, 3), qubit)
        return circuit

    for n in (1, 2, 3):
        circuit = start()
        circuit.unitary(random_unitary(2**n, seed=n), generator.permutation(4)[:n].tolist())
        controlled = library.UnitaryGate(random_unitary(2, seed=n)).control(n, annotated=False)
        circuit.append(controlled, generator.permutation(4)[: n + 1].tolist())
        yield f"unitary on {n}", circuit
    for n in (2, 3, 4):
        circuit = start()
        places = generator.permutation(4)[:n].tolist()
        circuit.append(library.PauliGate("XYZI"[:n]), places)
        circuit.append(library.PermutationGate(generator.permutation(n).tolist()), places)
        phases = np.exp(1j * generator.uniform(0, 6, 2**n)).tolist()
        circuit.append(library.DiagonalGate(phases), places)
        for gate in (library.UCRXGate, library.UCRYGate, library.UCRZGate):
            circuit.append(gate(generator.uniform(-3, 3, 2 ** (n - 1)).tolist()), places)
        circuit.append(library.QFTGate(n), places)
        matrix = np.tril(generator.integers(2, size=(n, n)), -1) + np.eye(n, dtype=int)
        circuit.append(library.LinearFunction((matrix @ matrix.T % 2).astype(bool)), places)
        yield f"library on {n}", circuit
    operator = SparsePauliOp.from_list(
        [("XXYI", 0.4), ("ZIIZ", -1.1), ("IYII", 0.3), ("IIXZ", 0.8), ("IIII", 0.2)]
    )
    formulas = [LieTrotter(reps=2), SuzukiTrotter(2), SuzukiTrotter(4, reps=2)]
    for index, formula in enumerate(formulas):
        circuit = start()
        gate = library.PauliEvolutionGate(operator, 0.7, synthesis=formula)
        circuit.append(gate, [2, 0, 3, 1])
        yield f"evolution {index}", circuit
    amplitudes = generator.normal(size=8) + 1j * generator.normal(size=8)
    circuit = QuantumCircuit(4)
    circuit.prepare_state(amplitudes / np.linalg.norm(amplitudes), [2, 0, 3])
    circuit.prepare_state("l", 1)
    yield "prepared", circuit
    circuit = start()
    inner = check_qasm3.custom_gates().to_gate()
    circuit.append(inner.inverse(annotated=True), [3, 1, 0, 2])
    controlled = library.CUGate(0.1, 0.2, 0.3, 0.4).control(2, ctrl_state=1, annotated=True)
    circuit.append(controlled, [0, 3, 1, 2])
    circuit.append(library.ECRGate().power(3, annotated=True), [2, 1])
    circuit.append(library.RXXGate(0.6).power(-0.5, annotated=True), [1, 3])
    yield "annotated", circuit


def parameterized():
    generator = np.random.default_rng(check_qasm3.SEED)
    yield "free real amplitudes", library.real_amplitudes(3, parameter_prefix="turn")
    yield "free feature map", library.zz_feature_map(3, parameter_prefix="data")
    a, b, v = Parameter("a"), Parameter("b"), ParameterVector("v", 3)
    terms = [a, b, v[0], v[2], a * b, a + 2, 1 - b, v[1] / a, b**2, 2**a, (a - b).sin(), a.exp()]
    terms += [(a / 9).arcsin(), (b / 9).arccos(), v[0].arctan(), (-b).abs(), a.log(), b.tan()]
    for index in range(8):
        circuit = QuantumCircuit(2, global_phase=terms[index])
        for _ in range(12):
            x, y, z = (terms[place] for place in generator.integers(len(terms), size=3))
            circuit.rx(x * y - z, 0)
            circuit.ry((x + z).cos() * math.pi, 1)
            circuit.cp(z / (2 + y * y), 0, 1)
        yield f"expressions {index}", circuit


if __name__ == "__main__":
    main(*sys.argv[1:])
