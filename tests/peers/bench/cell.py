"""One simulator on one circuit, in a process of its own: `python -m bench.cell SPECIFICATION`.

The specification is JSON: `peer`, `circuit`, `suite` (a folder), `threads`, `reps`, `budget_s`, and
for Ketch the path of `program` and the folder of `plugins`. The last line on stdout is the answer.
"""

import json
import pathlib
import sys
import time

from . import qasm, timer
from .peers import PEERS
from .reference import Reference


class Cell:
    """What a simulator is asked to do, and the answer as it grows."""

    def __init__(self, specification, facts):
        self.__dict__.update(facts)
        for key in ("circuit", "threads", "reps", "budget_s", "program", "plugins"):
            setattr(self, key, specification.get(key))
        self.peer = PEERS[specification["peer"]]
        self.suite = pathlib.Path(specification["suite"])
        self.reference = Reference(self.suite / "reference", self.circuit, self.n)
        self.answer = {}

    @property
    def file(self):
        return self.suite / f"{self.circuit}.qasm"

    def read(self):
        return qasm.read(self.file.read_text())

    def construct(self, build):
        """Times how long the simulator's own circuit takes to be made."""
        start = time.perf_counter()
        value = build()
        self.answer["construct_s"] = time.perf_counter() - start
        return value

    def time(self, what, work):
        """Times `work`, keeps the times as `what`, and returns its value."""
        self.answer[what], value = timer.measure(work, self.reps, self.budget_s)
        self.answer["rss_mb"] = timer.peak_mib()
        return value

    def check_amplitudes(self, get):
        found = [complex(get(state)) for state in self.reference.states()]
        check = self.reference.check_amplitudes(found, self.peer.precision)
        self.answer["check_amplitudes"] = check

    def check_marginals(self, marginals, shots=None):
        """Shares of ones, of so many shots: those of the circuit if it is not said."""
        shots = shots or self.shots
        known = self.reference.known is not None
        self.reference.offer_marginals(marginals, shots)
        check = self.reference.check_marginals(marginals, shots) if known else "is reference"
        self.answer["check_marginals"] = check

    def note(self, **extra):
        self.answer.setdefault("extra", {}).update(extra)


def main():
    specification = json.loads(sys.argv[1])
    suite = pathlib.Path(specification["suite"])
    facts = json.loads((suite / "index.json").read_text())[specification["circuit"]]
    cell = Cell(specification, facts)
    cell.peer.run(cell)
    print(json.dumps(cell.answer), flush=True)


if __name__ == "__main__":
    main()
