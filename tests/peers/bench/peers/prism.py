"""PRISM-Q, in a virtual environment of its own."""

import time

import prism_q

from ..reference import marginals_of_counts
from . import jobs


def program(text, measured=None):
    """The text with the names that PRISM-Q knows, and all of so many qubits measured."""
    for name, known in (("cu1(", "cp("), ("\nu1(", "\np("), ("\nu3(", "\nu(")):
        text = text.replace(name, known)
    if measured:
        lines = [f"measure q[{q}] -> c[{q}];" for q in range(measured)]
        text += "\n".join([f"creg c[{measured}];", *lines]) + "\n"
    return text


def parse(cell, measured=False):
    text = program(cell.file.read_text(), cell.n if measured else None)
    return cell.construct(lambda: prism_q.parse_qasm(text))


def marginals(result, n):
    counts = result.counts if hasattr(result, "counts") else result
    counts = counts() if callable(counts) else counts
    # Its strings put qubit 0 first.
    named = {
        key[::-1] if isinstance(key, str) else hex(int(key)): count
        for key, count in counts.items()
    }
    return marginals_of_counts(named, n)


def state(cell):
    circuit = parse(cell)
    backend = prism_q.BackendKind.statevector()
    # It has no lighter way to hold an exact state: the amplitudes are handed to NumPy. The table
    # therefore counts the time with shots where that is the shorter one.
    final = cell.time("evolve", lambda: prism_q.simulate(circuit).backend(backend).state_vector())
    cell.reference.offer_state(final)
    cell.check_amplitudes(lambda state: final[state])
    del final
    samples(cell, "statevector")


def samples(cell, backend):
    circuit = parse(cell, measured=True)
    kind = getattr(prism_q.BackendKind, backend)()
    found = cell.time(
        "sample", lambda: prism_q.simulate(circuit).backend(kind).sample_counts(cell.shots)
    )
    cell.check_marginals(marginals(found, cell.n))


def noisy(cell, backend):
    circuit = parse(cell, measured=True)
    p1, wrong = cell.noise["p1"], cell.noise["readout"]
    one = prism_q.NoiseChannel.pauli(p1 / 3, p1 / 3, p1 / 3)
    two = prism_q.NoiseChannel.two_qubit_depolarizing(cell.noise["p2"])
    model = (
        prism_q.NoiseBuilder()
        .after_gates(prism_q.GateFilter().arity(1), one)
        .after_gates_joint(prism_q.GateFilter().arity(2), two)
        .uniform_readout_error(wrong, wrong)
    )
    times = cell.noise.get("relaxation")
    for arity in (1, 2) if times else ():
        decay = prism_q.NoiseChannel.thermal_relaxation(
            times["t1"], times["t2"], times[f"gate{arity}"]
        )
        model = model.after_gates(prism_q.GateFilter().arity(arity), decay)
    model = model.build(circuit)
    kind = getattr(prism_q.BackendKind, backend)()
    found = cell.time(
        "sample",
        lambda: prism_q.simulate(circuit).backend(kind).noise(model).sample_counts(cell.shots),
    )
    cell.check_marginals(marginals(found, cell.n))


def small_jobs(cell):
    kind = prism_q.BackendKind.statevector()
    jobs.one_by_one(
        cell,
        lambda text: prism_q.parse_qasm(program(text, cell.n)),
        lambda circuit: prism_q.simulate(circuit).backend(kind).sample_counts(cell.shots),
    )
    circuits = [prism_q.parse_qasm(program(text)) for text in jobs.lines(cell)]
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        prism_q.run_batch(circuits, backend=kind)
        seconds.append(time.perf_counter() - start)
    cell.answer["jobs"]["probabilities_per_s"] = len(circuits) / min(seconds)
