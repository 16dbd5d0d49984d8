"""Files that `qiskit.qasm3.dumps` writes, run by Ketch, against Aer.

Circuits of gates are compared by their states: all amplitudes to TOLERANCE, but for one phase.
Circuits that measure and go on are compared by counts: a chi-square test of whether both samples
come from one distribution. All seeds are fixed, so the answer is the same every time; for a
correct program a new seed raises a false alarm with probability FALSE_ALARM for each of them.

Usage: check_qasm3.py KETCH SCRATCH
"""

import math
import pathlib
import sys

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qasm3, transpile
from qiskit.circuit import Parameter, library
from qiskit.circuit.classical import expr, types
from qiskit_aer import AerSimulator
from scipy.stats import chi2

import chi_square
import ketch

TOLERANCE = 1e-9
SHOTS = 4000
SEED = 11
FALSE_ALARM = 1e-6
# Shots of both sides that a group of outcomes must have.
GROUP = 20


def main(program, scratch):
    file = pathlib.Path(scratch) / "dumped.qasm"
    simulator = AerSimulator(method="statevector", seed_simulator=SEED, max_parallel_threads=1)
    for name, circuit in gate_circuits():
        write(file, name, circuit)
        (found,) = ketch.run(program, file, "--save", "statevector")
        compare_states(name, state(found), aers_state(simulator, circuit))
    for name, circuit, known in dynamic_circuits():
        write(file, name, circuit)
        (found,) = ketch.run(program, file, "--shots", SHOTS, "--seed", SEED)
        found = joined(found["counts"])
        # What Aer cannot run comes with its distribution.
        if known is None:
            print(f"{name}: {compare_counts(name, found, aers_counts(simulator, circuit))}")
        else:
            seen = {int(bits, 2): count for bits, count in found.items()}
            p, verdict = chi_square.test(known, seen)
            if p < FALSE_ALARM:
                raise AssertionError(f"{name}: counts differ: {verdict}")
            print(f"{name}: {verdict}")


def write(file, name, circuit):
    text = qasm3.dumps(circuit)
    file.write_text(text)
    # The last one is left behind for whoever looks into a failure.
    file.with_name(f"{name.replace(' ', '_')}.qasm").write_text(text)


# Circuits of gates.


def gate_circuits():
    yield from library_circuits()
    generator = np.random.default_rng(SEED)
    for index in range(24):
        yield f"random gates {index}", random_gates(generator, index)
    yield "custom gates", custom_gates()
    yield "bound parameters", bound_parameters()


def library_circuits():
    generator = np.random.default_rng(SEED)

    def bound(circuit):
        values = generator.uniform(-math.pi, math.pi, circuit.num_parameters)
        return circuit.assign_parameters(values)

    def opened(circuit):
        """For what Qiskit cannot write, or not in the words of the language."""
        return transpile(circuit, basis_gates=["u", "cx"], optimization_level=0)

    def gate(instruction):
        circuit = QuantumCircuit(instruction.num_qubits)
        circuit.h(range(0, circuit.num_qubits, 2))
        circuit.append(instruction, range(circuit.num_qubits))
        return circuit

    yield "fourier transform", gate(library.QFTGate(5))
    yield "efficient su2", bound(library.efficient_su2(4, reps=2))
    yield "real amplitudes", bound(library.real_amplitudes(4, entanglement="full"))
    yield "zz feature map", bound(library.zz_feature_map(4))
    yield "excitation preserving", bound(library.excitation_preserving(4))
    yield "quantum volume", library.quantum_volume(5, seed=SEED).decompose()
    yield "iqp", library.iqp([[6, 5, 3], [5, 4, 5], [3, 5, 1]])
    yield "half adder", gate(library.HalfAdderGate(2))
    yield "modular adder", gate(library.ModularAdderGate(3))
    yield "integer comparator", gate(library.IntegerComparatorGate(3, 5))
    yield "multiplexed rotation", opened(gate(library.UCRYGate([0.1, 0.7, -1.2, 2.5])))
    yield "many controls", gate(library.MCXGate(5))
    yield "permutation", gate(library.PermutationGate([2, 0, 3, 1]))
    amplitudes = generator.normal(size=8) + 1j * generator.normal(size=8)
    amplitudes /= np.linalg.norm(amplitudes)
    yield "prepared state", opened(gate(library.StatePreparation(amplitudes)))


def standard_gates():
    """Every gate of Qiskit's library with a name of its own, with its number of parameters."""
    left_out = {"delay", "reset", "measure", "global_phase"}
    gates = library.get_standard_gate_name_mapping()
    return [gate for name, gate in sorted(gates.items()) if name not in left_out]


def random_gates(generator, index):
    """40 gates on 5 qubits, so that every gate comes about 20 times in all circuits."""
    circuit = QuantumCircuit(5, global_phase=0.1 * index)
    gates = standard_gates()
    for qubit in range(5):
        circuit.ry(0.3 + 0.5 * qubit, qubit)
    for step in range(40):
        gate = gates[(40 * index + step) % len(gates)]
        angles = generator.uniform(-2 * math.pi, 2 * math.pi, len(gate.params))
        gate = gate.base_class(*angles)
        # Some get more controls, open and closed ones.
        room = 5 - gate.num_qubits
        if room > 0 and generator.random() < 0.4:
            controls = int(generator.integers(1, min(room, 2) + 1))
            state = int(generator.integers(2**controls))
            gate = gate.control(controls, ctrl_state=state, annotated=False)
        elif generator.random() < 0.2:
            gate = gate.inverse()
        circuit.append(gate, generator.permutation(5)[: gate.num_qubits].tolist())
    return circuit


def custom_gates():
    inner = QuantumCircuit(2, name="inner")
    inner.h(0)
    inner.crz(0.4, 0, 1)
    angle = Parameter("angle")
    outer = QuantumCircuit(3, name="outer")
    outer.append(inner.to_gate(), [0, 2])
    outer.rx(angle, 1)
    outer.append(inner.to_gate().inverse(), [1, 0])
    outer.append(inner.to_gate().control(1, ctrl_state=0), [2, 0, 1])
    circuit = QuantumCircuit(4)
    circuit.h(range(4))
    circuit.append(outer.to_gate(parameter_map={angle: 0.3}), [3, 1, 0])
    circuit.append(inner.to_gate().power(3), [1, 2])
    circuit.append(inner.to_gate().repeat(2), [2, 3])
    return circuit


def bound_parameters():
    a, b = Parameter("a"), Parameter("β")
    circuit = QuantumCircuit(2)
    circuit.rx(2 * a - b / 3, 0)
    circuit.cu(a, b, a * b, 0.1, 0, 1)
    circuit.barrier()
    circuit.delay(100, 0, unit="ns")
    circuit.ry((a + b).sin(), 1)
    return circuit.assign_parameters({a: 0.7, b: -1.9})


def state(experiment):
    pairs = experiment["data"]["statevector"]
    return np.array([complex(*pair) for pair in pairs])


def aers_state(simulator, circuit):
    circuit = transpile(circuit, simulator, optimization_level=0)
    circuit.save_statevector()
    return np.asarray(simulator.run(circuit).result().get_statevector())


def compare_states(name, found, expected):
    overlap = np.vdot(found, expected)
    off = np.max(np.abs(found * (overlap / abs(overlap)) - expected)) if overlap else 1.0
    print(f"{name}: {len(found)} amplitudes, at most {off:.1e} off")
    if not off < TOLERANCE:
        raise AssertionError(f"{name}: amplitudes differ by {off}")


# Circuits that measure and go on.


def dynamic_circuits():
    for make in (
        teleportation,
        repeat_until_success,
        loop_over_a_range,
        switch_on_a_register,
        loop_left_early,
        reset_and_delay,
    ):
        yield make.__name__.replace("_", " "), make(), None
    yield "arithmetic", *arithmetic()
    yield "variables", *variables()
    generator = np.random.default_rng(SEED)
    for index in range(12):
        circuit = start()
        random_block(circuit, generator, depth=3, in_loop=False)
        circuit.measure(circuit.qubits[:3], circuit.cregs[1])
        yield f"random control flow {index}", circuit, None


def start(bits=3):
    c, d = (ClassicalRegister(bits, name) for name in "cd")
    return QuantumCircuit(QuantumRegister(4, "q"), c, d)


def teleportation():
    circuit = start()
    c = circuit.cregs[0]
    circuit.u(0.9, 0.4, 0.1, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], c[:2])
    with circuit.if_test((c[1], 1)):
        circuit.x(2)
    with circuit.if_test((c[0], 1)) as otherwise:
        circuit.z(2)
    with otherwise:
        circuit.id(2)
    circuit.h(2)
    circuit.measure(2, circuit.cregs[1][0])
    return circuit


def repeat_until_success():
    circuit = start()
    c, d = circuit.cregs
    circuit.ry(1.0, 2)
    circuit.h([0, 1])
    circuit.measure([0, 1], c[:2])
    with circuit.while_loop(expr.bit_or(c[0], c[1])):
        circuit.reset([0, 1])
        circuit.h([0, 1])
        circuit.ccx(0, 1, 2)
        circuit.measure([0, 1], c[:2])
    circuit.measure(2, d[2])
    return circuit


def loop_over_a_range():
    circuit = start()
    angle = Parameter("i")
    with circuit.for_loop(range(1, 9, 3), angle):
        circuit.rx(angle * 0.3, 0)
        circuit.crz(angle, 0, 1)
        # Not `angle / 5`: Qiskit writes `i/5` with a whole `i`, which the language rounds down.
        circuit.ry(angle * 0.2, 1)
    with circuit.for_loop((0, 3, 4)):
        circuit.cx(0, 2)
        circuit.ry(0.2, 0)
    circuit.measure([0, 1, 2], circuit.cregs[0])
    return circuit


def switch_on_a_register():
    circuit = start()
    c, d = circuit.cregs
    circuit.h([0, 1, 2])
    circuit.measure([0, 1, 2], c)
    with circuit.switch(c) as case:
        with case(0):
            circuit.x(3)
        with case(1, 2, 6):
            circuit.ry(0.8, 3)
        with case(case.DEFAULT):
            circuit.h(3)
            with circuit.switch(d) as inner:
                with inner(0, 4):
                    circuit.t(3)
                    circuit.h(3)
    circuit.measure(3, d[1])
    return circuit


def variables():
    """Aer has no variables of type bool. The distribution: each c is as likely, by the rules."""
    circuit = start()
    c, d = circuit.cregs
    flag = circuit.add_var("flag", expr.lift(False))
    value = circuit.add_var("value", expr.lift(5, types.Uint(3)))
    circuit.h([0, 1, 2])
    circuit.measure([0, 1, 2], c)
    circuit.store(flag, expr.logic_or(expr.less(c, 3), expr.equal(value, c)))
    with circuit.if_test(expr.logic_and(flag, expr.logic_not(c[0]))) as otherwise:
        circuit.store(value, expr.bit_and(expr.bit_not(value), c))
        circuit.x(3)
    with otherwise:
        circuit.store(value, expr.bit_xor(value, c))
    with circuit.if_test(expr.greater_equal(value, 4)):
        circuit.ry(0.7, 3)
    circuit.measure(3, d[0])

    probabilities = {}
    for number in range(8):
        flag = number < 3 or number == 5
        flipped = flag and number % 2 == 0
        left = (~5 & 7) & number if flipped else 5 ^ number
        stays = math.cos(0.35) ** 2 if left >= 4 else 1.0
        for bit in (0, 1):
            probabilities[bit << 3 | number] = (stays if bit == flipped else 1 - stays) / 8
    return circuit, probabilities


def loop_left_early():
    circuit = start()
    c, d = circuit.cregs
    with circuit.for_loop(range(6)):
        circuit.ry(0.9, 0)
        circuit.measure(0, c[0])
        with circuit.if_test((c[0], 1)):
            circuit.h(1)
            circuit.measure(1, c[1])
            with circuit.if_test((c[1], 1)):
                circuit.break_loop()
            circuit.reset(0)
            circuit.continue_loop()
        circuit.ry(0.4, 2)
    circuit.measure(2, d[0])
    return circuit


def reset_and_delay():
    circuit = start()
    circuit.ry(1.1, 0)
    circuit.cx(0, 1)
    circuit.delay(1.5, 0, unit="us")
    circuit.delay(20, 1, unit="ns")
    circuit.barrier(0, 1)
    circuit.reset(0)
    circuit.ry(0.5, 0)
    circuit.measure([0, 1], circuit.cregs[0][:2])
    return circuit


def arithmetic():
    """What Aer does not know: sums and shifts. d = (c + 3) mod 4, doubled, mod 4."""
    circuit = start(bits=2)
    c, d = circuit.cregs
    circuit.h([0, 1])
    circuit.measure([0, 1], c)
    value = circuit.add_var("value", expr.add(c, expr.lift(3, types.Uint(2))))
    circuit.store(value, expr.shift_left(value, 1))
    for place in range(2):
        with circuit.if_test(expr.index(value, place)):
            circuit.x(2 + place)
    circuit.measure([2, 3], d)
    return circuit, {((a + 3) % 4 << 1 & 3) << 2 | a: 0.25 for a in range(4)}


def random_condition(circuit, generator):
    c, d = circuit.cregs
    number = int(generator.integers(8))
    bit = c[int(generator.integers(3))]
    return [
        (bit, number % 2),
        (c, number),
        expr.logic_or(bit, expr.greater(c, number)),
        expr.not_equal(expr.bit_xor(c, d), number),
        expr.logic_and(expr.logic_not(bit), expr.less_equal(d, number)),
    ][generator.integers(5)]


def random_block(circuit, generator, depth, in_loop):
    """Some statements; conditions, switches and loops have blocks that are one less deep."""
    c, d = circuit.cregs
    for _ in range(4):
        a, b = generator.permutation(4)[:2].tolist()
        which = generator.integers(5 if depth == 0 else 10)
        if which == 0:
            circuit.u(*generator.uniform(-3, 3, 3), a)
        elif which == 1:
            circuit.cp(generator.uniform(-3, 3), a, b)
            circuit.h([a, b])
        elif which == 2:
            circuit.cx(a, b)
        elif which == 3:
            circuit.measure(a, c[int(generator.integers(3))])
        elif which == 4:
            circuit.measure(b, d[int(generator.integers(3))])
            if in_loop and generator.random() < 0.5:
                with circuit.if_test(random_condition(circuit, generator)):
                    circuit.break_loop() if generator.random() < 0.5 else circuit.continue_loop()
        elif which in (5, 6):
            with circuit.if_test(random_condition(circuit, generator)) as otherwise:
                random_block(circuit, generator, depth - 1, in_loop)
            with otherwise:
                random_block(circuit, generator, depth - 1, in_loop)
        elif which == 7:
            with circuit.switch(c) as case:
                with case(0, 5):
                    random_block(circuit, generator, depth - 1, False)
                with case(3):
                    random_block(circuit, generator, depth - 1, False)
                with case(case.DEFAULT):
                    random_block(circuit, generator, depth - 1, False)
        elif which == 8:
            with circuit.for_loop(range(3)):
                random_block(circuit, generator, depth - 1, True)
        else:
            # Ends at last: each round tosses the coin that it asks for.
            coin = c[int(generator.integers(3))]
            with circuit.while_loop((coin, 1)):
                random_block(circuit, generator, depth - 1, False)
                circuit.reset(a)
                circuit.h(a)
                circuit.measure(a, coin)


def aers_counts(simulator, circuit):
    circuit = transpile(circuit, simulator, optimization_level=0)
    return joined(simulator.run(circuit, shots=SHOTS).result().get_counts())


def joined(counts):
    return {bits.replace(" ", ""): count for bits, count in counts.items()}


def compare_counts(name, found, expected):
    """The verdict of the test that two samples of equal size have one source; raises if not."""
    if sum(found.values()) != SHOTS:
        raise AssertionError(f"{name}: asked for {SHOTS} shots, found {sum(found.values())}")
    both = {bits: (found.get(bits, 0), expected.get(bits, 0)) for bits in {*found, *expected}}
    # Groups are formed by falling total, ties by name, so that chance has no say in them.
    groups = [(0, 0)]
    for bits, (ours, theirs) in sorted(both.items(), key=lambda one: (-sum(one[1]), one[0])):
        (last_ours, last_theirs) = groups[-1]
        if last_ours + last_theirs >= GROUP:
            groups.append((ours, theirs))
        else:
            groups[-1] = (last_ours + ours, last_theirs + theirs)
    statistic = sum((ours - theirs) ** 2 / (ours + theirs) for ours, theirs in groups)
    freedom = len(groups) - 1
    if freedom == 0:
        return "one outcome, the same"
    p = float(chi2.sf(statistic, freedom))
    verdict = f"chi-square {statistic:.1f} with {freedom} degrees of freedom, p = {p:.3g}"
    if p < FALSE_ALARM:
        raise AssertionError(f"{name}: counts differ: {verdict}\n{found}\n{expected}")
    return verdict


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
