"""scaluq, in either precision."""

import scaluq

from ..qasm import read
from ..reference import marginals_of_integers
from . import choice, jobs


def space(cell):
    """The module of the cell's precision."""
    return scaluq.default.f64 if cell.peer.precision == "double" else scaluq.default.f32


def scaluq_circuit(module, circuit):
    gates, out = module.gate, module.Circuit()
    fixed = {
        "h": gates.H, "x": gates.X, "y": gates.Y, "z": gates.Z, "s": gates.S, "sdg": gates.Sdag,
        "t": gates.T, "tdg": gates.Tdag, "cx": gates.CX, "cz": gates.CZ, "ccx": gates.CCX,
        "swap": gates.Swap,
    }  # fmt: skip
    turns = {"u1": gates.U1, "u3": gates.U3, "rx": gates.RX, "ry": gates.RY, "rz": gates.RZ}
    for name, parameters, qubits in circuit.gates:
        if name in fixed:
            out.add_gate(fixed[name](*qubits))
        elif name in turns:
            out.add_gate(turns[name](*qubits, *parameters))
        elif name == "cu1":
            out.add_gate(gates.U1(qubits[1], *parameters, [qubits[0]]))
        else:
            raise KeyError(name)
    return out


def run(module, circuit, n):
    state = module.StateVector(n)
    circuit.update_quantum_state(state)
    scaluq.synchronize()
    return state


def state(cell):
    module = space(cell)
    base = cell.construct(lambda: scaluq_circuit(module, cell.read()))
    optimised = {}

    def evolve(setting):
        if setting not in optimised:
            optimised[setting] = base.copy()
            if setting:
                optimised[setting].optimize(setting)
        return run(module, optimised[setting], cell.n)

    setting = choice.fastest(cell, f"scaluq-{cell.peer.precision}", [0, 2, 3, 4], evolve)
    if setting not in optimised:
        # Optimising is not part of the evolution.
        optimised[setting] = base.copy()
        if setting:
            optimised[setting].optimize(setting)
    cell.note(optimised=setting)
    final = cell.time("evolve", lambda: evolve(setting))
    cell.check_amplitudes(final.get_amplitude_at)
    del final
    drawn = cell.time("sample", lambda: evolve(setting).sampling(cell.shots, 7))
    cell.check_marginals(marginals_of_integers(drawn, cell.n))


def small_jobs(cell):
    module = space(cell)
    jobs.one_by_one(
        cell,
        lambda text: scaluq_circuit(module, read(text)),
        lambda circuit: run(module, circuit, cell.n).sampling(cell.shots),
    )
