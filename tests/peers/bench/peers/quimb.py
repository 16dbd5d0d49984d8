"""quimb's matrix product states."""

import time

import quimb.tensor as tensor

# Samples that are drawn; the time of more is in proportion.
DRAWN = 50


def chain(cell):
    circuit = cell.read()
    gates = cell.construct(
        lambda: [
            tensor.Gate(name.upper(), params=parameters, qubits=qubits)
            for name, parameters, qubits in circuit.gates
        ]
    )

    def evolve():
        state = tensor.CircuitMPS(cell.n, cutoff=1e-10)
        state.apply_gates(gates)
        return state

    state = cell.time("evolve", evolve)
    start = time.perf_counter()
    drawn = list(state.sample(DRAWN, seed=1))
    sampling = (time.perf_counter() - start) * cell.shots / DRAWN
    evolution = cell.answer["evolve"]
    cell.answer["sample"] = {
        **evolution,
        "median_s": evolution["median_s"] + sampling,
        "min_s": evolution["min_s"] + sampling,
    }
    cell.note(bond=state.psi.max_bond(), drawn=DRAWN)
    ones = [sum(one[q] == "1" for one in drawn) / DRAWN for q in range(cell.n)]
    cell.check_marginals(ones, DRAWN)
