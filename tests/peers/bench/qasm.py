"""Circuits as the suite writes them: a list of (name, parameters, qubits), and OpenQASM 2."""

import re

STATEMENT = re.compile(r"^(\w+)(?:\(([^)]*)\))? (.*);$")


class Circuit:
    """Gates on one register, in order."""

    def __init__(self, n):
        self.n, self.gates = n, []

    def __call__(self, name, *qubits, p=()):
        self.gates.append((name, tuple(float(x) for x in p), tuple(int(q) for q in qubits)))

    def qasm(self):
        lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{self.n}];"]
        for name, parameters, qubits in self.gates:
            values = "(" + ",".join(repr(x) for x in parameters) + ")" if parameters else ""
            lines.append(f"{name}{values} " + ",".join(f"q[{q}]" for q in qubits) + ";")
        return "\n".join(lines) + "\n"


def read(text):
    """The circuit of a text that `Circuit.qasm` wrote."""
    circuit = None
    for line in text.splitlines():
        if not line or line.startswith(("OPENQASM", "include")):
            continue
        if line.startswith("qreg"):
            circuit = Circuit(int(line[line.index("[") + 1 : line.index("]")]))
            continue
        name, values, operands = STATEMENT.match(line).groups()
        parameters = [float(x) for x in values.split(",")] if values else ()
        circuit(name, *(int(q[2:-1]) for q in operands.split(",")), p=parameters)
    return circuit
