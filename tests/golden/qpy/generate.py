"""Writes the QPY files beside it, and what is known of their circuits.

Each circuit is written in every version of the format that has all of it, as
`vVERSION/NAME.qpy`; `expected.json` holds, for each circuit of each file, the parameters in
Qiskit's order with the numbers that the tests bind, the classical registers, and either the
amplitudes by Qiskit's own matrices, or what must be counted.

The files of `v13-qiskit1` come from Qiskit 1.3.3, the last that writes conditions of gates, pulses
and substitutions; `generate.py --qiskit1` writes them.

Usage: generate.py FOLDER [--qiskit1]
"""

import io
import json
import math
import pathlib
import sys

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qpy
from qiskit.circuit import Clbit, Gate, Parameter, ParameterVector, Qubit, library
from qiskit.circuit.classical import expr, types
from qiskit.quantum_info import SparsePauliOp, Statevector

VERSIONS = range(13, 19)


def main(folder, old):
    folder = pathlib.Path(folder)
    file = folder / ("expected-qiskit1.json" if old else "expected.json")
    known = {}
    for make in (OLD if old else CIRCUITS):
        first = getattr(make, "first", 13)
        made = make()
        several = made if isinstance(made, list) else [made]
        circuits = [circuit for circuit, _ in several]
        for number, circuit in enumerate(circuits):
            if not (circuit.name and len(circuits) > 1):
                circuit.name = make.__name__
        name = make.__name__
        for version in [13] if old else VERSIONS:
            if version < first:
                continue
            path = folder / ("v13-qiskit1" if old else f"v{version}") / f"{name}.qpy"
            path.parent.mkdir(exist_ok=True)
            written = io.BytesIO()
            qpy.dump(circuits, written, version=version, **getattr(make, "options", {}))
            path.write_bytes(written.getvalue())
        known[name] = [description(circuit, what) for circuit, what in several]
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(what)}" for name, what in known.items())
    file.write_text("{\n" + text + "\n}\n")


def description(circuit, what):
    values = {p.name: round(0.3 + 0.37 * i, 2) for i, p in enumerate(circuit.parameters)}
    registers = [
        [register.name, [circuit.find_bit(bit).index for bit in register]]
        for register in circuit.cregs
    ]
    described = {
        "name": circuit.name,
        "parameters": [[name, number] for name, number in values.items()],
        "registers": registers,
    }
    if what is None:
        # An evolution is what its product formula makes of it.
        opened = circuit.assign_parameters(values).decompose("PauliEvolution")
        state = Statevector(opened).data
        described["amplitudes"] = [[float(a.real), float(a.imag)] for a in state]
    else:
        described |= what
    return described


def counts(bits, **inputs):
    """All shots give these bits, the highest clbit first."""
    return {"counts": bits, "inputs": inputs}


def from_version(first, **options):
    def mark(make):
        make.first, make.options = first, options
        return make

    return mark


def spread(n, **options):
    circuit = QuantumCircuit(n, **options)
    for qubit in range(n):
        circuit.ry(0.4 + 0.5 * qubit, qubit)
        circuit.p(0.2 * qubit, qubit)
    return circuit


def bell():
    circuit = QuantumCircuit(2, 2, metadata={"tag": [1, "two"]})
    circuit.x(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit, counts("11")


def empty():
    return QuantumCircuit(), {"amplitudes": [[1, 0]]}


def standard_gates():
    circuit = spread(5, global_phase=0.7)
    names = library.get_standard_gate_name_mapping()
    places = np.random.default_rng(5)
    for name, gate in sorted(names.items()):
        if name in ("delay", "reset", "measure", "global_phase"):
            continue
        angles = places.uniform(-3, 3, len(gate.params))
        qubits = places.permutation(5)[: gate.num_qubits].tolist()
        circuit.append(gate.base_class(*angles), qubits)
    circuit.append(library.GlobalPhaseGate(0.2), [])
    circuit.barrier()
    circuit.delay(100, 0)
    return circuit, None


def controls():
    circuit = spread(5)
    circuit.append(library.XGate().control(4, ctrl_state=5), [0, 1, 2, 3, 4])
    circuit.append(library.XGate().control(2, ctrl_state=1), [3, 1, 0])
    circuit.append(library.CXGate(ctrl_state=0), [4, 2])
    circuit.append(library.CSwapGate(ctrl_state=0), [2, 0, 1])
    circuit.append(library.CU3Gate(0.3, 0.2, 0.1, ctrl_state=0), [1, 4])
    circuit.append(library.MCPhaseGate(0.6, 3, ctrl_state=2), [0, 1, 2, 3])
    circuit.append(library.RYGate(0.9).control(2, ctrl_state=1, annotated=False), [4, 3, 2])
    circuit.append(library.HGate().control(1, ctrl_state=0), [0, 3])
    circuit.append(library.MCXGate(3), [4, 0, 2, 1])
    circuit.append(library.C3SXGate(), [0, 1, 2, 3])
    return circuit, None


def parameters():
    a, b, gate = Parameter("a"), Parameter("β"), Parameter("a1")
    circuit = spread(2, global_phase=a / 3)
    circuit.rx(2 * a - b / 3, 0)
    circuit.ry(1 - a, 0)
    circuit.rz(2 / (a + b), 1)
    circuit.p(2**a + a**b + a**2, 1)
    circuit.rx((a + b).sin() * a.cos() + b.tan(), 0)
    circuit.ry((a / 4).arcsin() + (b / 4).arccos() - a.arctan(), 1)
    circuit.rz(a.exp().log() + (-b).abs() + (a - b).sign(), 0)
    circuit.u(a, -b, a.conjugate() * 1.5, 1)
    circuit.cu(a, b, gate, 0.5, 0, 1)
    return circuit, None


def vectors():
    theta, b = ParameterVector("theta", 12), ParameterVector("B", 2)
    circuit = spread(2)
    circuit.rx(theta[10], 0)
    circuit.ry(theta[2] * theta[11] + b[1], 1)
    circuit.rz(Parameter("theta2"), 0)
    circuit.crx(theta[0], 0, 1)
    circuit.ry(Parameter("alpha"), 0)
    return circuit, None


def substituted():
    a, b, v = Parameter("a"), Parameter("b"), ParameterVector("v", 3)
    circuit = spread(1)
    circuit.rx((2 * a + b).subs({a: v[2], b: a * a}), 0)
    circuit.ry((a + b * b).assign(a, 0.25), 0)
    circuit.rz((a.sin() + 1).subs({a: b + 1}).subs({b: v[0] - v[1]}), 0)
    return circuit, None


def custom():
    angle = Parameter("angle")
    inner = QuantumCircuit(2, name="inner_part", global_phase=0.3)
    inner.h(0)
    inner.crz(0.4, 0, 1)
    outer = QuantumCircuit(3, name="outer")
    outer.append(inner.to_gate(), [0, 2])
    outer.rx(angle, 1)
    outer.append(inner.to_gate().control(1, ctrl_state=0), [2, 0, 1])
    circuit = spread(4)
    circuit.append(outer.to_gate(), [3, 1, 0])
    circuit.append(outer.to_gate({angle: 0.3}).inverse(), [1, 2, 3])
    circuit.append(outer.to_gate({angle: -0.9}).control(1, annotated=False), [2, 3, 1, 0])
    circuit.append(inner.to_instruction(label="labelled"), [0, 1])
    circuit.append(inner.to_gate().repeat(2), [2, 3])
    return circuit, None


def annotated():
    angle = Parameter("angle")
    inner = QuantumCircuit(2, name="inner", global_phase=0.3)
    inner.u(0.1, 0.2, 0.3, 0)
    inner.crz(angle, 0, 1)
    inner.iswap(0, 1)
    circuit = spread(4)
    circuit.append(inner.to_gate().inverse(annotated=True), [0, 1])
    circuit.append(inner.to_gate({angle: 0.3}).control(2, ctrl_state=1, annotated=True), [3, 2, 0, 1])
    twice = inner.to_gate().power(2, annotated=True).control(1, annotated=True)
    circuit.append(twice.inverse(annotated=True), [2, 1, 3])
    circuit.append(library.SGate().power(0.5, annotated=True).control(1, annotated=True), [0, 3])
    circuit.append(library.U2Gate(0.3, 0.9).inverse(annotated=True), [2])
    matrix = library.RYGate(0.7).to_matrix()
    circuit.append(library.UnitaryGate(matrix).control(1, ctrl_state=0, annotated=True), [1, 0])
    return circuit, None


def matrices():
    circuit = spread(4)
    turn = library.XXPlusYYGate(0.7, 0.2).to_matrix()
    circuit.unitary(turn, [2, 0], label="turn")
    circuit.append(library.UnitaryGate(library.U3Gate(0.1, 0.2, 0.3).to_matrix()).control(1), [3, 1])
    circuit.append(library.PauliGate("XYZ"), [0, 2, 3])
    circuit.append(library.PermutationGate([2, 0, 3, 1]), [0, 1, 2, 3])
    circuit.append(library.DiagonalGate([1, 1j, -1, np.exp(0.3j)]), [1, 3])
    circuit.append(library.UCRYGate([0.1, 0.7, -1.2, 2.5]), [0, 2, 3])
    circuit.append(library.UCRXGate([0.4, -0.2]), [3, 1])
    circuit.append(library.UCRZGate([0.4, -0.2]), [1, 2])
    circuit.append(library.QFTGate(3), [1, 3, 0])
    circuit.append(library.LinearFunction([[1, 1, 0], [0, 1, 1], [0, 0, 1]]), [2, 0, 3])
    return circuit, None


def prepared():
    circuit = QuantumCircuit(7)
    circuit.initialize([0.6, 0, 0, 0.8j], [2, 0])
    circuit.prepare_state([math.sqrt(0.3), 0, -math.sqrt(0.7) * 1j, 0], [1, 3])
    circuit.h(4)
    circuit.prepare_state("r-", [4, 5])
    circuit.prepare_state(2, [4, 5])
    circuit.initialize("+", [4])
    circuit.initialize(1, [6])
    return circuit, None


def evolution():
    time = Parameter("t")
    circuit = spread(4)
    operator = SparsePauliOp(["XXII", "ZIZI", "IIYI", "XYZX", "IIII"], [0.3, -0.7, 1.1, 0.5, 0.2])
    formulas = library.PauliEvolutionGate
    from qiskit.synthesis import LieTrotter, SuzukiTrotter

    circuit.append(formulas(operator, time), [0, 1, 2, 3])
    circuit.append(formulas(operator, 0.4, synthesis=LieTrotter(reps=3)), [3, 1, 2, 0])
    circuit.append(formulas(operator, 0.4, synthesis=SuzukiTrotter(order=2)), [0, 1, 2, 3])
    circuit.append(formulas(operator, 2 * time, synthesis=SuzukiTrotter(4, reps=2)), [0, 1, 2, 3])
    groups = [SparsePauliOp(["XZ", "ZX"]), SparsePauliOp(["YY", "ZI"], [0.3, 0.4])]
    circuit.append(formulas(groups, 0.9, synthesis=SuzukiTrotter(reps=1)), [2, 1])
    return circuit, None


@from_version(17)
def projectors():
    from qiskit.quantum_info import SparseObservable

    circuit = spread(4)
    operator = SparseObservable.from_list([("+0XI", 0.4), ("Y1rl", -0.9), ("IIIZ", 0.2), ("-III", 1)])
    circuit.append(library.PauliEvolutionGate(operator, 0.7), [0, 2, 1, 3])
    return circuit, None


def registers():
    bits = [Clbit() for _ in range(4)]
    qubits = [Qubit() for _ in range(3)]
    q, c = QuantumRegister(2, "q"), ClassicalRegister(2, "c")
    crossing = ClassicalRegister(name="crossing", bits=[bits[3], c[1], bits[0]])
    circuit = QuantumCircuit(qubits[:1], q, qubits[1:], bits[:2], c, bits[2:], crossing)
    circuit.add_register(QuantumRegister(name="alias", bits=[q[1], qubits[0]]))
    circuit.x([0, 2, 4])
    circuit.measure([0, 2, 4], [bits[0], bits[3], c[0]])
    # 1, 0 and 1 from the highest to the lowest.
    with circuit.if_test((crossing, 0b101)):
        circuit.x(1)
    with circuit.if_test((crossing, 0b100)):
        circuit.x(3)
    circuit.measure([1, 3], [bits[1], bits[2]])
    return circuit, counts("100111")


def if_else():
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)) as otherwise:
        circuit.x(1)
        circuit.measure(1, 1)
        with circuit.if_test((circuit.cregs[0], 3)):
            circuit.x(2)
    with otherwise:
        circuit.x(0)
    with circuit.if_test((1, 0)) as otherwise:
        circuit.x(0)
    with otherwise:
        circuit.global_phase = 0
        circuit.y(0)
    circuit.measure([0, 2], [0, 2])
    return circuit, counts("110")


def switch():
    circuit = QuantumCircuit(4, 4)
    circuit.x([0, 2])
    circuit.measure([0, 1, 2], [0, 1, 2])
    with circuit.switch(circuit.cregs[0]) as case:
        with case(0):
            circuit.x(3)
        with case(1, 5, 6):
            circuit.x(1)
        with case(case.DEFAULT):
            circuit.x(2)
    with circuit.switch(expr.bit_xor(circuit.cregs[0], 3)) as case:
        with case(6):
            circuit.x(3)
        with case(case.DEFAULT):
            circuit.x(0)
    with circuit.switch(circuit.clbits[3]) as case:
        with case(1):
            circuit.x(0)
    circuit.measure(range(4), range(4))
    return circuit, counts("1111")


def for_loop():
    circuit = QuantumCircuit(3, 3)
    i, free = Parameter("i"), Parameter("free")
    with circuit.for_loop(range(1, 8, 3), i):
        circuit.rx(i * math.pi / 2, 0)
        circuit.ry(free - free * i / i, 1)
    with circuit.for_loop((2, 5, -1)) as j:
        circuit.rx(math.pi * j / 6, 1)
    with circuit.for_loop(range(5, 0, -2)):
        circuit.x(2)
    circuit.measure(range(3), range(3))
    return circuit, counts("110")


def while_loop():
    circuit = QuantumCircuit(2, 3)
    circuit.x(0)
    circuit.measure(0, 0)
    with circuit.while_loop((0, 1)):
        circuit.x([0, 1])
        circuit.measure([0, 1], [0, 1])
    with circuit.while_loop(expr.logic_not(circuit.clbits[2])):
        circuit.x(0)
        circuit.measure(0, 2)
    return circuit, counts("110")


def jumps():
    circuit = QuantumCircuit(2, 3)
    i = Parameter("i")
    with circuit.for_loop(range(2000), i):
        circuit.rx(math.pi * (i + 1), 0)
        circuit.measure(0, 0)
        with circuit.if_test((0, 1)):
            circuit.x(1)
            circuit.measure(1, 1)
            with circuit.if_test((1, 0)):
                circuit.break_loop()
            circuit.continue_loop()
        circuit.y(0)
        circuit.measure(0, 2)
        circuit.y(0)
    circuit.measure(0, 0)
    return circuit, counts("001")


@from_version(14)
def box():
    circuit = QuantumCircuit(3, 3)
    with circuit.box(duration=100, unit="ns"):
        circuit.x(2)
        with circuit.box():
            circuit.cx(2, 0)
    circuit.measure(range(3), range(3))
    return circuit, counts("101")


def expressions():
    c, d = ClassicalRegister(4, "c"), ClassicalRegister(8, "d")
    circuit = QuantumCircuit(QuantumRegister(4, "q"), c, d)
    circuit.x([0, 3])
    circuit.measure(range(4), c)
    wide = expr.cast(c, types.Uint(8))
    values = [
        expr.equal(expr.shift_left(wide, 3), 72),
        expr.equal(expr.shift_right(c, 3), 1),
        expr.equal(expr.add(expr.mul(wide, 5), 250), 39),
        expr.equal(expr.div(expr.sub(wide, 2), 3), 2),
        expr.logic_and(expr.less(c, 10), expr.greater_equal(c, 9)),
        expr.logic_or(expr.not_equal(c, 9), expr.less_equal(c, 8)),
        expr.equal(expr.bit_or(expr.bit_and(expr.bit_not(c), 7), expr.bit_xor(c, 8)), 7),
        expr.logic_and(expr.index(c, 3), expr.greater(c, 12)),
    ]
    for place, value in enumerate(values):
        circuit.store(d[place], value)
    with circuit.if_test(expr.logic_not(expr.lift(circuit.clbits[1]))):
        circuit.store(c, expr.cast(expr.lift(2**70 + 6, types.Uint(80)), types.Uint(4)))
    return circuit, counts("010111110110")


def variables():
    flag, start = expr.Var.new("flag", types.Bool()), expr.Var.new("start", types.Uint(8))
    c = ClassicalRegister(4, "c")
    circuit = QuantumCircuit(QuantumRegister(4, "q"), c, inputs=[flag, start])
    local = circuit.add_var("local", expr.bit_xor(start, 1))
    with circuit.if_test(flag):
        inner = circuit.add_var("inner", expr.bit_and(local, 7))
        with circuit.for_loop(range(2)):
            circuit.store(local, expr.add(local, inner))
            with circuit.if_test(expr.equal(local, 14)):
                circuit.x(1)
    circuit.store(expr.index(local, 0), expr.lift(True))
    circuit.x(0)
    circuit.measure(range(2), c[:2])
    with circuit.if_test(expr.equal(local, 21)):
        circuit.x(3)
    circuit.measure(3, c[3])
    circuit.store(expr.index(c, 2), expr.index(c, 3))
    return circuit, counts("1111", flag=1, start=6)


@from_version(14)
def floats():
    x = expr.Var.new("x", types.Float())
    circuit = QuantumCircuit(QuantumRegister(1, "q"), ClassicalRegister(1, "c"), inputs=[x])
    y = circuit.add_var("y", expr.mul(expr.add(x, 0.5), 2.0))
    with circuit.if_test(expr.greater(expr.div(y, 4.0), x)):
        circuit.x(0)
    circuit.measure(0, 0)
    return circuit, counts("1", x=0.25)


@from_version(16)
def durations():
    from qiskit.circuit import Duration

    circuit = QuantumCircuit(2, 2)
    stretch = circuit.add_stretch("stretch")
    circuit.delay(stretch, 0)
    circuit.delay(expr.add(Duration.us(1.5), expr.mul(Duration.ns(250), 2.0)), 1)
    circuit.delay(expr.lift(Duration.ps(7.0)), 0)
    circuit.x(1)
    with circuit.if_test(expr.less(Duration.ns(900), Duration.us(1))):
        circuit.x(0)
    circuit.measure([0, 1], [0, 1])
    return circuit, counts("11")


def compiled():
    from qiskit import transpile

    circuit = QuantumCircuit(4)
    circuit.h(0)
    circuit.cx(0, [1, 2, 3])
    line = [[i, i + 1] for i in range(4)]
    done = transpile(circuit, basis_gates=["rz", "sx", "cx"], coupling_map=line, seed_transpiler=7)
    return done, None


def two_circuits():
    first, second = spread(1, name="first"), spread(2, name="second")
    second.rx(Parameter("x"), 0)
    return [(first, None), (second, None)]


class Pencil:
    """Reads and writes annotations of a namespace of its own."""

    def __init__(self):
        from qiskit.circuit import annotation

        class Serializer(annotation.QPYSerializer):
            def dump_annotation(self, namespace, note):
                return note.text.encode()

            def load_annotation(self, payload):
                raise NotImplementedError

            def dump_state(self):
                return b"the state"

        class Note(annotation.Annotation):
            namespace = "pencil.note"

            def __init__(self, text):
                self.text = text

        self.serializer, self.note = Serializer, Note


def annotations():
    circuit = QuantumCircuit(1, 1)
    pencil = Pencil()
    annotations.options = {"annotation_factories": {"pencil": pencil.serializer}}
    with circuit.box(annotations=[pencil.note("a"), pencil.note("longer")]):
        circuit.x(0)
    circuit.measure(0, 0)
    return circuit, counts("1")


annotations.first = 15


def products():
    from qiskit.circuit.library import PauliProductMeasurement
    from qiskit.quantum_info import Pauli

    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.h(1)
    circuit.sdg(2)
    circuit.h(2)
    circuit.sdg(2)
    circuit.append(PauliProductMeasurement(Pauli("XZ")), [0, 1], [0])
    circuit.append(PauliProductMeasurement(Pauli("-XZ")), [0, 1], [1])
    circuit.append(PauliProductMeasurement(Pauli("-Y")), [2], [2])
    return circuit, None


CIRCUITS = [
    bell, empty, standard_gates, controls, parameters, vectors, substituted, custom, annotated,
    matrices, prepared, evolution, projectors, registers, if_else, switch, for_loop, while_loop,
    jumps, box, expressions, variables, floats, durations, compiled, two_circuits, annotations,
]  # fmt: skip


# What Qiskit 1 writes.


def conditions():
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.x(1).c_if(0, 1)
    circuit.x(2).c_if(circuit.cregs[0], 3)
    circuit.measure(1, 1).c_if(circuit.cregs[0], 1)
    circuit.x(2).c_if(circuit.cregs[0], 3)
    circuit.measure(2, 2)
    return circuit, counts("111")


def pulses():
    import warnings

    warnings.simplefilter("ignore")
    from qiskit import pulse

    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    with pulse.build(name="pulses") as schedule:
        channel = pulse.DriveChannel(0)
        pulse.play(pulse.Gaussian(160, 0.1, 40), channel)
        with pulse.align_right():
            pulse.delay(10, channel)
            pulse.play(pulse.Waveform([0.1, 0.2]), channel)
            pulse.set_phase(0.3, channel)
    circuit.add_calibration("x", [0], schedule)
    circuit.add_calibration("rx", [0], schedule, [0.5])
    second = spread(1, name="behind")
    circuit.name = "before"
    return [(circuit, counts("1")), (second, None)]


def renamed():
    # Qiskit 1.3 writes substitutions of symbols by symbols and numbers only.
    a, b, v = Parameter("a"), Parameter("b"), ParameterVector("v", 3)
    circuit = spread(1)
    circuit.rx((2 * a + b).subs({a: v[2]}), 0)
    circuit.ry((a + b * b).subs({b: v[0]}) * 2, 0)
    return circuit, None


OLD = [conditions, pulses, renamed, parameters, vectors, custom, annotated, evolution, if_else]


if __name__ == "__main__":
    main(sys.argv[1], "--qiskit1" in sys.argv)
