"""Compares Ketch with Qiskit's states and with Aer: `python -m differential --help`.

Exits with 1 if Ketch differs from Qiskit's states. Each circuit that it does is written to a file
that names its number; `--first NUMBER --circuits 1` runs it again.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import numpy as np

import chi_square

from . import others
from .draw import draw

# Largest difference of an entry of a state or of a probability.
TOLERANCE = {"double": 1e-9, "single": 1e-4}
# For a correct program, the chance that one test of counts rejects. A full run makes about 7,000
# tests, and raises a false alarm once in 140,000 runs with new seeds; the seeds are fixed.
FALSE_ALARM = 1e-9
SHOTS = 2000
# Qubits up to which the larger states are shown.
UNITARY_UP_TO, SUPEROP_UP_TO = 5, 2


class Ketch:
    """The program of the package ketch-peers."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.methods, self.missing = self.known_methods()

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def known_methods(self):
        """The methods that have an engine in this version, and those that have none."""
        methods = self.ask(task="methods")["methods"]
        runs = [[method, "double"] for method in methods]
        qasm = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; h q[0];'
        tried = self.ask(task="compare", qasm=qasm, runs=runs, show="state")
        missing = [
            method for method in methods
            if "no such engine" in str(tried[f"{method}/double"])
        ]  # fmt: skip
        return [method for method in methods if method not in missing], missing

    def runs(self, *methods):
        """The methods that there are, each with its precision."""
        return [run for run in methods if run[0] in self.methods]


class Comparison:
    """What differs, and how much was compared."""

    def __init__(self, ketch, keep):
        self.ketch, self.keep = ketch, keep
        self.compared, self.worst, self.wrong, self.aer_differs = {}, {}, [], []

    def note(self, drawn, who, difference, limit):
        """Counts a comparison; `difference` above `limit` is a disagreement."""
        key = (drawn.kind, who)
        self.compared[key] = self.compared.get(key, 0) + 1
        self.worst[key] = max(self.worst.get(key, 0.0), difference)
        if difference > limit:
            self.blame(drawn, who, f"differs by {difference:.3g}")

    def blame(self, drawn, who, what):
        if who == "aer":
            self.aer_differs.append(drawn.number)
            return
        self.keep.mkdir(parents=True, exist_ok=True)
        file = self.keep / f"{drawn.number}.qasm"
        file.write_text(f"// {drawn.kind}, {drawn.family}, noise {drawn.noise}\n{drawn.qasm}")
        self.wrong.append(f"circuit {drawn.number} ({drawn.kind}, {drawn.family}): {who} {what}")
        print(f"{self.wrong[-1]}; see {file}", flush=True)

    def one(self, drawn):
        getattr(self, drawn.kind)(drawn, others.load(drawn.qasm))

    def answers(self, drawn, runs, **request):
        """What Ketch answers by each run; a run that fails is a disagreement."""
        found = self.ketch.ask(task="compare", qasm=drawn.qasm, runs=runs, **request)
        for who, answer in found.items():
            if isinstance(answer, dict) and "error" in answer:
                self.blame(drawn, who, f"fails: {answer['error']}")
            else:
                yield who, answer

    def state(self, drawn, circuit):
        expected = others.exact_state(circuit)
        self.note(drawn, "aer", apart(others.aer_state(circuit), expected), TOLERANCE["double"])
        dense = [["statevector", "double"], ["statevector", "single"]]
        for who, answer in self.answers(drawn, dense, show="state"):
            self.note(drawn, who, apart(complexes(answer), expected), tolerance(who))

        # Methods differ in what they hold, but all know the probabilities at the end.
        every = self.ketch.runs(
            ["automatic", "double"], ["density_matrix", "double"],
            ["matrix_product_state", "double"], ["sparse", "double"],
        )  # fmt: skip
        if drawn.is_clifford:
            every += self.ketch.runs(["stabilizer", "double"])
        probabilities = np.abs(expected) ** 2
        for who, answer in self.answers(drawn, every, show="probabilities"):
            difference = np.max(np.abs(np.array(answer) - probabilities))
            self.note(drawn, f"{who} probabilities", float(difference), tolerance(who))

        if drawn.qubits <= UNITARY_UP_TO:
            expected = others.exact_unitary(circuit).ravel()
            runs = [["unitary", "double"], ["unitary", "single"]]
            for who, answer in self.answers(drawn, runs, show="state"):
                self.note(drawn, who, apart(complexes(answer), expected), tolerance(who))

    def noise(self, drawn, circuit):
        expected = others.exact_density(circuit, drawn.noise).ravel()
        found = others.aer_density(circuit, drawn.noise).ravel()
        self.note(drawn, "aer", largest(found - expected), TOLERANCE["double"])
        runs = [["density_matrix", "double"], ["density_matrix", "single"]]
        for who, answer in self.answers(drawn, runs, show="state", noise=drawn.noise):
            self.note(drawn, who, largest(complexes(answer) - expected), tolerance(who))
        if drawn.qubits <= SUPEROP_UP_TO:
            whole = others.exact_superop(circuit, drawn.noise).ravel()
            runs = self.ketch.runs(["superop", "double"])
            for who, answer in self.answers(drawn, runs, show="state", noise=drawn.noise):
                self.note(drawn, who, largest(complexes(answer) - whole), tolerance(who))
        diagonal = expected.reshape(2**drawn.qubits, -1).diagonal().real
        self.counts(drawn, dict(enumerate(diagonal)), measure_all=True, noise=drawn.noise)

    def dynamic(self, drawn, circuit):
        expected = others.exact_probabilities(circuit)
        counts = others.aer_counts(circuit, SHOTS, drawn.number)
        self.test(drawn, "aer", expected, counts)
        self.counts(drawn, expected)

    def counts(self, drawn, expected, **request):
        """Counts by every method that runs the circuit."""
        runs = self.ketch.runs(
            ["statevector", "double"], ["statevector", "single"], ["automatic", "double"],
            ["density_matrix", "double"], ["matrix_product_state", "double"],
        )  # fmt: skip
        if drawn.is_clifford and not drawn.noise:
            runs += self.ketch.runs(["stabilizer", "double"])
        if not drawn.noise:
            runs += self.ketch.runs(["sparse", "double"])
        asked = dict(show="counts", shots=SHOTS, seed=drawn.number, **request)
        for who, answer in self.answers(drawn, runs, **asked):
            counts = {int(key, 16): count for key, count in answer.items()}
            self.test(drawn, f"{who} counts", expected, counts)

    def test(self, drawn, who, expected, counts):
        shots = sum(counts.values())
        p, words = chi_square.test(expected, counts)
        key = (drawn.kind, who)
        self.compared[key] = self.compared.get(key, 0) + 1
        if shots != SHOTS or p < FALSE_ALARM:
            self.blame(drawn, who, f"gives {shots} shots with {words}")


def complexes(numbers):
    pairs = np.array(numbers).reshape(-1, 2)
    return pairs[:, 0] + 1j * pairs[:, 1]


def largest(differences):
    return float(np.max(np.abs(differences)))


def apart(found, expected):
    """The largest difference of an entry once the global phases agree."""
    overlap = np.vdot(found, expected)
    if found.shape != expected.shape or abs(overlap) == 0:
        return 1.0
    return largest(found * overlap / abs(overlap) - expected)


def tolerance(who):
    return TOLERANCE[who.split("/")[1]]


def main():
    parser = argparse.ArgumentParser(prog="differential")
    parser.add_argument("--program", required=True, help="the program of the package ketch-peers")
    parser.add_argument("--keep", type=pathlib.Path, required=True, help="where files go")
    parser.add_argument("--circuits", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()

    comparison = Comparison(Ketch(given.program), given.keep)
    begun = time.monotonic()
    for number in range(given.first, given.first + given.circuits):
        comparison.one(draw(number))
    print(f"{given.circuits} circuits in {time.monotonic() - begun:.0f} s, against Qiskit's states:")
    for (kind, who), times in sorted(comparison.compared.items()):
        worst = comparison.worst.get((kind, who))
        words = f"at most {worst:.1e} off" if worst is not None else "the test does not reject"
        print(f"  {kind:8} {who:36} {times:6} times, {words}")
    if comparison.ketch.missing:
        print(f"this version has no engine for {', '.join(comparison.ketch.missing)}")
    if comparison.aer_differs:
        print(f"Aer differs in the circuits {comparison.aer_differs}")
    if comparison.wrong:
        sys.exit(f"Ketch differs in {len(comparison.wrong)} comparisons")


if __name__ == "__main__":
    main()
