"""MQT DDSIM: decision diagrams."""

import mqt.core
import mqt.ddsim

from ..reference import marginals_of_counts


def samples(cell):
    text = cell.file.read_text() + f"creg c[{cell.n}];\n"
    text += "".join(f"measure q[{q}] -> c[{q}];\n" for q in range(cell.n))
    circuit = cell.construct(lambda: mqt.core.load(text))

    def run():
        return mqt.ddsim.CircuitSimulator(circuit, seed=1).simulate(cell.shots)

    cell.check_marginals(marginals_of_counts(cell.time("sample", run), cell.n))
