"""Random circuits, each made from its number alone."""

import random
from dataclasses import dataclass

from qiskit import QuantumCircuit, qasm2

from check_statevector import DEFINED, QELIB1, angle, make

# Gates by name, with their numbers of parameters and qubits: those of qelib1.inc that both Ketch
# and Aer run as they are written.
ONE = {"id": 0, "x": 0, "y": 0, "z": 0, "h": 0, "s": 0, "sdg": 0, "t": 0, "tdg": 0, "rx": 1,
       "ry": 1, "rz": 1, "u1": 1, "u2": 2, "u3": 3}  # fmt: skip
TWO = {"cx": 0, "cz": 0, "cy": 0, "swap": 0, "cu1": 1, "rzz": 1}
CLIFFORD_ONE = ["id", "x", "y", "z", "h", "s", "sdg"]
CLIFFORD_TWO = ["cx", "cz", "cy", "swap"]
FAMILIES = {
    "any": None,
    "clifford": (CLIFFORD_ONE, CLIFFORD_TWO),
    "phases": (["h", "u1", "rz", "t"], ["cu1", "cz", "rzz", "swap"]),
    "permutations": (["x", "x", "z", "h"], ["cx", "cx", "swap"]),
    "layers": (["ry", "rz"], ["cx"]),
}


@dataclass
class Drawn:
    """A circuit, and what is compared."""

    number: int
    family: str
    # `state`, `noise` or `dynamic`.
    kind: str
    qasm: str
    qubits: int
    noise: dict | None = None

    @property
    def is_clifford(self):
        return self.family == "clifford"


def draw(number):
    """The circuit of this number."""
    chance = random.Random(number)
    kind = chance.choices(["state", "noise", "dynamic"], [6, 2, 2])[0]
    family = chance.choice(list(FAMILIES))
    if kind == "state":
        qubits = chance.randint(1, 8)
        if family == "any":
            qasm = qasm2.dumps(any_gates(chance, qubits))
        else:
            qasm = program(qubits, 0, gates(chance, family, qubits))
        return Drawn(number, family, kind, qasm, qubits)

    family = "layers" if family == "any" else family
    qubits = chance.randint(1, 4)
    if kind == "noise":
        noise = {key: chance.uniform(0, 0.2) for key in ("p1", "p2", "damping")}
        qasm = program(qubits, 0, gates(chance, family, qubits))
        return Drawn(number, family, kind, qasm, qubits, noise)
    return Drawn(number, family, kind, dynamic(chance, family, qubits), qubits)


def any_gates(chance, qubits):
    """Gates of Qiskit's whole standard library, most of them away from the basis states."""
    circuit = QuantumCircuit(qubits)
    for _ in range(chance.randint(0, 8 * qubits)):
        gate = make(chance, chance.choice(QELIB1 + DEFINED))
        if gate.num_qubits <= qubits:
            circuit.append(gate, chance.sample(range(qubits), gate.num_qubits))
    return circuit


def gates(chance, family, qubits):
    """Statements of a family. Some circuits have none, and some leave qubits idle."""
    used = chance.sample(range(qubits), chance.randint(1, qubits))
    return [gate(chance, family, used) for _ in range(chance.randint(0, 10 * qubits))]


def gate(chance, family, used):
    one, two = FAMILIES[family]
    pair = len(used) > 1 and chance.random() < 0.4
    name = chance.choice(two if pair else one)
    parameters = [repr(angle(chance)) for _ in range((TWO if pair else ONE)[name])]
    on = ",".join(f"q[{q}]" for q in chance.sample(used, 2 if pair else 1))
    return f"{name}({','.join(parameters)}) {on};" if parameters else f"{name} {on};"


def dynamic(chance, family, qubits):
    """Gates between measurements out of order, resets and conditions, in two registers."""
    used = list(range(qubits))
    statements = []
    for _ in range(chance.randint(2, 6 * qubits)):
        form = chance.random()
        if form < 0.15:
            bit = f"{chance.choice('ab')}[{chance.randrange(2)}]"
            statements.append(f"measure q[{chance.choice(used)}] -> {bit};")
        elif form < 0.2:
            statements.append(f"reset q[{chance.choice(used)}];")
        elif form < 0.35:
            condition = f"if({chance.choice('ab')}=={chance.randrange(4)})"
            statements.append(f"{condition} {gate(chance, family, used)}")
        else:
            statements.append(gate(chance, family, used))
    statements.append(f"measure q[{chance.choice(used)}] -> a[1];")
    return program(qubits, 2, statements)


def program(qubits, bits, statements):
    registers = [f"creg {name}[{bits}];" for name in "ab"] if bits else []
    head = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{qubits}];", *registers]
    return "\n".join([*head, *statements]) + "\n"
