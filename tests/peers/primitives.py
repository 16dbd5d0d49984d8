"""The sampler and the estimator against Qiskit's StatevectorSampler and StatevectorEstimator.

Random circuits with parameters, arrays of values and of observables that are broadcast together,
drawn by Qiskit and written as OpenQASM 3. Exact values must agree within TOLERANCE in every place.
Measured values must be within WIDE standard errors of the exact ones; the samples of every place must
fit the exact distribution. The seeds are fixed, so the same run passes each time; FALSE_ALARM is how
often a correct program would fail for another choice of seeds.

Usage: primitives.py PROGRAM PLUGINS, where PROGRAM is that of the package ketch-peers.
"""

import json
import random
import subprocess
import sys

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qasm3
from qiskit.circuit import Parameter
from qiskit.primitives import BitArray, StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparsePauliOp, Statevector

import chi_square

ESTIMATES, SAMPLES = 40, 15
SEED = 2024
TOLERANCE = 1e-10
# A normal number is further away once in 500 million times; there are some hundred values.
WIDE = 6
SHOTS = 2000
FALSE_ALARM = 1e-7
# Shapes of the values and of the observables, and that of both.
SHAPES = [
    ((), (), ()), ((4,), (), (4,)), ((), (3,), (3,)), ((4,), (4,), (4,)), ((5,), (3, 1), (3, 5)),
    ((2, 1), (3,), (2, 3)), ((2, 3), (2, 1), (2, 3)), ((1,), (2, 2), (2, 2)),
    ((2, 1, 2), (3, 1), (2, 3, 2)),
]  # fmt: skip


class Ketch:
    """The program, a request a line in, an answer a line out."""

    def __init__(self, program, plugins):
        self.plugins = plugins
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program], stdin=pipe, stdout=pipe, text=True)

    def ask(self, circuit, values, **request):
        names = [parameter.name for parameter in circuit.parameters]
        array = {"shape": values.shape, "elements": values.ravel().tolist()}
        request |= {"task": "primitives", "plugins": self.plugins, "qasm": qasm3.dumps(circuit)}
        request |= {"names": names, "values": array, "seed": SEED}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(f"{answer['error']}\n{qasm3.dumps(circuit)}")
        return answer


def main(program, plugins):
    ketch = Ketch(program, plugins)
    numbers = random.Random(SEED)
    worst, places, furthest = 0.0, 0, 0.0
    for number in range(ESTIMATES):
        difference, distances = estimate(ketch, numbers, *SHAPES[number % len(SHAPES)])
        worst = max(worst, difference)
        places += len(distances)
        furthest = max(furthest, *distances)
    print(
        f"primitives: {places} expectation values agree with Qiskit within {worst:.1e}; "
        f"measured, the furthest is {furthest:.1f} standard errors away"
    )
    least = min(sample(ketch, numbers, SHAPES[number % 5][0]) for number in range(SAMPLES))
    print(f"primitives: {SAMPLES} arrays of samples fit their distributions, least p {least:.2g}")


def estimate(ketch, numbers, values_shape, observables_shape, shape):
    circuit = draw(numbers, numbers.randint(1, 4))
    values = angles(numbers, values_shape, circuit)
    count = int(np.prod(observables_shape, dtype=int))
    sums = [draw_sum(numbers, circuit.num_qubits) for _ in range(count)]
    observables = np.empty(count, dtype=object)
    observables[:] = [SparsePauliOp.from_list(terms) for terms in sums]
    observables = observables.reshape(observables_shape)
    given = observables.tolist() if observables_shape else observables.item()
    data = StatevectorEstimator().run([(circuit, given, values)]).result()[0].data
    request = {"primitive": "estimator", "observables": {"shape": observables_shape, "elements": sums}}

    exact = ketch.ask(circuit, values, **request, precision=0.0, measured=False)
    if not tuple(exact["shape"]) == shape == np.shape(data.evs):
        raise AssertionError(f"shape {exact['shape']}, Qiskit's is {np.shape(data.evs)}")
    expected = np.ravel(data.evs)
    difference = float(np.max(np.abs(np.array(exact["evs"]) - expected)))
    if difference > TOLERANCE or any(exact["stds"]) or exact["by"] != "expectation_values":
        raise AssertionError(f"exact values differ by {difference}: {exact}")

    measured = ketch.ask(circuit, values, **request, precision=0.02, measured=True)
    # Where all shots agree no error shows; one in 2500 may still have differed.
    floor = 1e-9 + np.array([sum(abs(w) for _, w in terms) for terms in sums]).max() / 500
    errors = np.maximum(measured["stds"], floor / WIDE)
    distances = np.abs(np.array(measured["evs"]) - expected) / errors
    if measured["by"] != "measurement" or distances.max() > WIDE:
        raise AssertionError(f"{measured}, expected {expected}")
    return difference, distances.tolist()


def sample(ketch, numbers, shape):
    qubits = numbers.randint(2, 4)
    circuit = draw(numbers, qubits)
    low, high = ClassicalRegister(qubits - 1, "low"), ClassicalRegister(9, "high")
    circuit.add_register(low, high)
    circuit.measure(range(qubits - 1), low)
    circuit.measure(qubits - 1, high[8])
    values = angles(numbers, shape, circuit)
    theirs = StatevectorSampler(seed=SEED).run([(circuit, values)], shots=SHOTS).result()[0].data
    answer = ketch.ask(circuit, values, primitive="sampler", shots=SHOTS)
    if tuple(answer["shape"]) != shape or list(theirs) != [r["name"] for r in answer["registers"]]:
        raise AssertionError(f"{answer['shape']}, Qiskit has {theirs}")
    ours = {}
    for register in answer["registers"]:
        name, other = register["name"], theirs[register["name"]]
        array = np.frombuffer(bytes.fromhex(register["bytes"]), dtype=np.uint8)
        array = BitArray(array.reshape(other.array.shape), register["bits"])
        if (array.num_bits, array.num_shots) != (other.num_bits, other.num_shots):
            raise AssertionError(f"{name}: {array}, Qiskit has {other}")
        ours[name] = array
    least = 1.0
    for place in np.ndindex(shape):
        gates = circuit.remove_final_measurements(inplace=False)
        bound = gates.assign_parameters(dict(zip(circuit.parameters, values[place])))
        weights = Statevector(bound).probabilities()
        probabilities = {index: float(weight) for index, weight in enumerate(weights)}
        counts = {}
        for low, high in zip(*(ours[name][place].get_bitstrings() for name in ("low", "high"))):
            if "1" in high[1:]:
                raise AssertionError(f"bits that are never written: {high}")
            outcome = int(high[0] + low, 2)
            counts[outcome] = counts.get(outcome, 0) + 1
        p, verdict = chi_square.test(probabilities, counts)
        if p < FALSE_ALARM:
            raise AssertionError(f"samples at {place}: {verdict}")
        least = min(least, p)
    return least


def draw(numbers, qubits):
    """Gates with three parameters, whose order by name is not that in which they come."""
    circuit = QuantumCircuit(QuantumRegister(qubits, "q"))
    waiting = [Parameter(name) for name in ("zeta", "alpha", "mid")]
    while len(circuit) < 14 or waiting:
        q, r = (numbers.sample(range(qubits), 2) if qubits > 1 else (0, None))
        choice = numbers.randrange(7 if r is not None else 5)
        if choice == 0 and waiting:
            parameter = waiting.pop(0)
            circuit.rx(2 * parameter + 0.25, q)
            circuit.ry(parameter, q)
        elif choice == 1:
            circuit.h(q)
        elif choice == 2:
            circuit.u(*(numbers.uniform(-3, 3) for _ in range(3)), q)
        elif choice == 3:
            circuit.t(q)
        elif choice == 4:
            circuit.sx(q)
        elif choice == 5:
            circuit.cx(q, r)
        elif choice == 6:
            circuit.rzz(numbers.uniform(-3, 3), q, r)
    return circuit


def angles(numbers, shape, circuit):
    shape = (*shape, len(circuit.parameters))
    count = int(np.prod(shape))
    return np.array([numbers.uniform(-4, 4) for _ in range(count)]).reshape(shape)


def draw_sum(numbers, qubits):
    strings = {"".join(numbers.choices("IXYZ", k=qubits)) for _ in range(numbers.randint(1, 6))}
    return [(string, numbers.uniform(-2, 2)) for string in sorted(strings)]


if __name__ == "__main__":
    main(*sys.argv[1:])
