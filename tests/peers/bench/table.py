"""The results as Markdown."""

import json

from . import floor, plan, qasm
from .peers import PEERS

# A share of the time that threads waited for a processor, above which a time is marked.
DISTURBED = 0.1
KINDS = [
    ("state", "State vectors"),
    ("density", "Density matrices with noise"),
    ("trajectories", "Trajectories with noise"),
    ("clifford", "Random Clifford circuits, 1,000 shots"),
    ("code", "Noisy surface codes, one thread"),
    ("chain", "Matrix product states, 1,000 shots"),
    ("wide", "Structured wide circuits, 10,000 shots"),
]
RUNS = {"evolve": "evolution", "sample": "and shots"}


class Results:
    """The records of a run, by circuit and simulator."""

    def __init__(self, records, suite):
        self.suite = suite
        self.index = json.loads((suite / "index.json").read_text())
        self.machine = next(record for record in records if record["circuit"] == "machine")
        self.cells = {
            (record["circuit"], record["peer"]): record for record in records if "peer" in record
        }

    def circuits(self, kind):
        """Those of a kind that were run, by family and size."""
        run = {circuit for circuit, _ in self.cells}
        named = [name for name, facts in self.index.items() if facts["kind"] == kind]
        return [name for name in named if name in run]

    def peers(self, circuit):
        return [peer for peer in PEERS if (circuit, peer) in self.cells]

    def is_wrong(self, circuit, peer):
        record = self.cells[circuit, peer]
        checks = (record.get("check_amplitudes", ""), record.get("check_marginals", ""))
        return any("differ" in check for check in checks)

    def seconds(self, circuit, peer, run):
        """The median, or `None`. Nobody's evolution counts longer than that with shots."""
        record = self.cells.get((circuit, peer), {})
        times = [record[key] for key in (run, "sample") if key in record]
        if run not in record or "error" in record:
            return None
        return min(time["median_s"] for time in times)

    def marks(self, circuit, peer, run):
        record = self.cells[circuit, peer]
        times = record[run]
        once = "¹" if times["reps"] == 1 else ""
        disturbed = "*" if times["waited"] > DISTURBED else ""
        return once + disturbed + (" (wrong)" if self.is_wrong(circuit, peer) else "")

    def best(self, circuit, run, precision=None):
        """The fastest rival with a right answer, as (seconds, name), or `None`."""
        rivals = [p for p in self.peers(circuit) if not PEERS[p].is_ketch]
        rivals = [p for p in rivals if precision in (None, PEERS[p].precision)]
        timed = [(self.seconds(circuit, p, run), p) for p in rivals]
        right = [t for t in timed if t[0] is not None and not self.is_wrong(circuit, t[1])]
        return min(right, default=None)

    def ours(self, circuit, run, precision):
        """Our time in a precision, as (seconds, name), or `None`."""
        forms = [p for p in self.peers(circuit) if PEERS[p].is_ketch]
        forms = [p for p in forms if PEERS[p].precision == precision]
        timed = [(self.seconds(circuit, p, run), p) for p in forms]
        return min((t for t in timed if t[0] is not None), default=None)

    def floor(self, circuit, precision):
        gates = qasm.read((self.suite / f"{circuit}.qasm").read_text())
        return floor.seconds(gates, precision, self.machine["limits"])


def markdown(records, suite):
    """All tables."""
    results = Results(records, suite)
    parts = [head(results)]
    for kind, title in KINDS:
        if results.circuits(kind):
            parts.append(f"### {title}\n\n{ratios(results, kind)}")
    if results.circuits("small_jobs"):
        parts.append(f"### Many small circuits\n\n{jobs(results)}")
    parts.append(f"### Every simulator\n\n{everything(results)}")
    failed = failures(results)
    if failed:
        parts.append(f"### What failed\n\n{failed}")
    return "\n\n".join(parts) + "\n"


def head(results):
    facts, limits = results.machine, results.machine["limits"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    memory = limits["bandwidth"][-1][1] / 1e9
    cache = max(rate for _, rate in limits["bandwidth"]) / 1e9
    return (
        f"Measured on {facts['date']}: {facts['processor']}, {facts['cores']} cores,"
        f" {facts['threads']} threads. In place, {memory:.0f} GB/s from memory and up to"
        f" {cache:.0f} GB/s from caches; {limits['double'] / 1e9:.0f} GFLOP/s double,"
        f" {limits['single'] / 1e9:.0f} single. {versions}.\n\n"
        "Seconds, medians; ¹ one repetition; * the threads waited for a processor for more than"
        " a tenth of the time."
    )


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def header(*cells):
    return [row(*cells), "|" + " --- |" * len(cells)]


def ratios(results, kind):
    """A line for each circuit and kind of run; both precisions side by side."""
    columns = [
        f"{what} {precision}"
        for precision in ("double", "single")
        for what in ("best", "Ketch", "ratio")
    ]
    lines = header("circuit", "run", *columns, "wanted", "of the limit")
    for circuit in results.circuits(kind):
        for run in ("evolve", "sample"):
            if results.ours(circuit, run, "double") is None and run == "evolve":
                continue
            cells = [circuit, RUNS[run]]
            for precision in ("double", "single"):
                cells += compared(results, kind, circuit, run, precision)
            wanted = plan.WANTED.get(results.index[circuit]["family"])
            cells.append(" / ".join(f"{w:g}" for w in wanted) if wanted else "-")
            cells.append(limit(results, circuit) if (kind, run) == ("state", "evolve") else "-")
            lines.append(row(*cells))
    return "\n".join(lines)


def compared(results, kind, circuit, run, precision):
    """The best rival, Ketch, and the ratio. State vectors compete within a precision; elsewhere
    rivals often have one form only, and all of them count."""
    best = results.best(circuit, run, precision if kind == "state" else None)
    ours = results.ours(circuit, run, precision)
    forms = [p for p in results.peers(circuit) if PEERS[p].is_ketch]
    if kind != "state" and all(PEERS[form].precision != precision for form in forms):
        return ["-", "-", "-"]
    show = lambda found: (
        f"{name(found[1])} {found[0]:.3g}{results.marks(circuit, found[1], run)}" if found else "-"
    )
    ratio = f"**{best[0] / ours[0]:.3g}**" if best and ours else "-"
    mine = f"{ours[0]:.3g}{results.marks(circuit, ours[1], run)}" if ours else "-"
    return [show(best), mine, ratio]


def name(peer):
    return peer.removesuffix("-f64").removesuffix("-f32")


def limit(results, circuit):
    """The share of the time that the machine's limits account for."""
    shares = []
    for precision in ("double", "single"):
        ours = results.ours(circuit, "evolve", precision)
        share = results.floor(circuit, precision) / ours[0] if ours else None
        shares.append(f"{share:.0%}" if share else "-")
    return " / ".join(shares)


def jobs(results):
    """Circuits a second, each way."""
    rates = {
        peer: results.cells["small_jobs", peer].get("jobs", {})
        for peer in results.peers("small_jobs")
    }
    ways = {
        "one_by_one_per_s": "one after the other, with shots",
        "side_by_side_per_s": "side by side, with shots",
        "batch_per_s": "as one batch, with shots",
        "plugin_per_s": "as one Qobj through the plugin, with shots",
        "probabilities_per_s": "side by side, probabilities only",
        "parse_per_s": "read from OpenQASM 2",
        "construct_per_s": "made in the simulator's own form",
    }
    lines = header("circuits a second", *rates)
    for way, title in ways.items():
        if any(way in found for found in rates.values()):
            found = [f"{rates[peer][way]:,.0f}" if way in rates[peer] else "-" for peer in rates]
            lines.append(row(title, *found))
    lines.append(
        f"\nWanted: {plan.WANTED_JOBS_PER_S:,} a second with shots, through the plugin too; without"
        f" shots {plan.WANTED_PROBABILITIES} times PRISM-Q."
    )
    return "\n".join(lines)


def everything(results):
    """All medians, the fastest first."""
    lines = header("circuit", "evolution", "evolution and shots")
    for kind, _ in KINDS:
        for circuit in results.circuits(kind):
            cells = [circuit]
            for run in ("evolve", "sample"):
                timed = [(results.seconds(circuit, p, run), p) for p in results.peers(circuit)]
                timed = sorted(t for t in timed if t[0] is not None)
                shown = [f"{p} {s:.3g}{results.marks(circuit, p, run)}" for s, p in timed]
                cells.append("; ".join(shown) or "-")
            lines.append(row(*cells))
    return "\n".join(lines)


def failures(results):
    """Cells without a time, and cells with a wrong answer."""
    lines = []
    for (circuit, peer), record in results.cells.items():
        for key in ("error", "check_amplitudes", "check_marginals"):
            if key == "error" and key in record or "differ" in record.get(key, ""):
                lines.append(f"- {circuit}, {peer}: {record[key]}")
    return "\n".join(lines)
