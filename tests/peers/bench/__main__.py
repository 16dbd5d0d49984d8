"""Runs the comparison: `python -m bench --help`, with `tests/peers` on the path.

`cargo xtask bench --peers` makes the virtual environments and calls this.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import signal
import subprocess
import sys
import time

from . import circuits, limits, plan, table

ROOT = pathlib.Path(__file__).parents[3]
PACKAGE = pathlib.Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def arguments():
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="circuits and results")
    parser.add_argument("--program", required=True, help="the program of the package ketch-peers")
    parser.add_argument("--plugins", required=True, help="the folder of the local provider")
    parser.add_argument("--prism", required=True, help="a Python that has prism-q")
    parser.add_argument("--quick", action="store_true", help="a few small rows")
    parser.add_argument("--only", default="", help="circuits, as patterns with commas between")
    parser.add_argument("--peers", default="", help="simulators, as patterns with commas between")
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true", help="keep the cells that are done")
    parser.add_argument("--write", action="store_true", help="put the table into the document")
    parser.add_argument("--table", action="store_true", help="print the table of the last run")
    return parser.parse_args()


def main():
    given = arguments()
    suite, results = given.folder / "circuits", given.folder / "peers.jsonl"
    index = suite_index(suite)
    if not given.table:
        if results.exists() and not given.resume:
            results.unlink()
        measure(given, index, suite, results)
    text = table.markdown([json.loads(line) for line in results.read_text().splitlines()], suite)
    print("\n" + text)
    if given.write:
        write(text)


def suite_index(suite):
    """The index of the suite, which is made if this is the first run."""
    file = suite / "index.json"
    # An older suite is no suite: what makes the circuits is part of what it is.
    stamp, source = suite / "source.txt", pathlib.Path(circuits.__file__).read_text()
    if not file.exists() or not stamp.exists() or stamp.read_text() != source:
        print(f"writing the circuits to {suite}", flush=True)
        circuits.write(suite)
        for old in (suite / "reference").glob("*.json"):
            old.unlink()
        stamp.write_text(source)
    return json.loads(file.read_text())


def measure(given, index, suite, results):
    done = set()
    if results.exists():
        records = [json.loads(line) for line in results.read_text().splitlines()]
        done = {(record.get("circuit"), record.get("peer")) for record in records}
    with open(results, "a") as file:

        def keep(record):
            file.write(json.dumps(record) + "\n")
            file.flush()

        if ("machine", None) not in done:
            keep({"circuit": "machine", **machine(given)})
        split = lambda words: [word for word in words.split(",") if word]
        wanted = plan.cells(index, given.reps, split(given.only), split(given.peers), given.quick)
        if not wanted:
            sys.exit("no circuit and simulator of the plan fit what was asked for")
        begun = time.monotonic()
        for number, cell in enumerate(wanted, 1):
            if (cell.circuit, cell.peer) in done:
                continue
            record = run(given, cell, suite)
            keep(record)
            minutes = (time.monotonic() - begun) / 60
            print(f"{number:4}/{len(wanted)} {minutes:5.1f} min  {line(record)}", flush=True)


def machine(given):
    """What it was measured on."""
    names = ["qiskit-aer", "qsimcirq", "qulacs", "scaluq", "mqt.ddsim", "stim", "quimb"]
    show = "import importlib.metadata as m; print(m.version('prism-q'))"
    prism = subprocess.run([given.prism, "-c", show], capture_output=True, text=True, check=True)
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {
        "date": datetime.date.today().isoformat(),
        "processor": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count(),
        "threads": given.threads,
        "limits": limits.measure(given.threads),
        "versions": {
            **{name: importlib.metadata.version(name) for name in names},
            "prism-q": prism.stdout.strip(),
        },
    }


def run(given, cell, suite):
    """The record of one cell, which runs in a process group of its own."""
    specification = {
        "peer": cell.peer, "circuit": cell.circuit, "suite": str(suite), "reps": cell.reps,
        "budget_s": cell.budget_s, "threads": given.threads, "program": given.program,
        "plugins": given.plugins,
    }  # fmt: skip
    record = {"circuit": cell.circuit, "peer": cell.peer, "load": os.getloadavg()[0]}
    python = given.prism if cell.environment == "prism" else sys.executable
    process = subprocess.Popen(
        [python, "-m", "bench.cell", json.dumps(specification)],
        env=environment(given.threads),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, errors = process.communicate(timeout=plan.LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return {**record, "error": f"took more than {plan.LIMIT_S} s"}
    if process.returncode != 0:
        return {**record, "error": (errors.strip().splitlines() or ["no message"])[-1][:300]}
    return {**record, **json.loads(out.strip().splitlines()[-1])}


def environment(threads):
    """Every library is told how many threads it may use, in the words that it knows."""
    count = str(threads)
    names = ["OMP_NUM_THREADS", "QULACS_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"]
    return {
        **os.environ,
        **dict.fromkeys(names, count),
        "KOKKOS_DISABLE_WARNINGS": "1",
        "OMP_PROC_BIND": "spread",
        "OMP_PLACES": "threads",
        "PYTHONPATH": str(PACKAGE),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def line(record):
    """A record as one line of progress."""
    parts = [f"{record['circuit']:13} {record['peer']:13}"]
    for key in ("evolve", "sample"):
        if key in record:
            parts.append(f"{key} {record[key]['median_s']:.3g} s")
    parts += [f"{way} {rate:,.0f}" for way, rate in record.get("jobs", {}).items()]
    for key in ("check_amplitudes", "check_marginals"):
        if record.get(key, "ok") not in ("ok", "is reference"):
            parts.append(f"{key}: {record[key]}")
    if "error" in record:
        parts.append(f"failed: {record['error']}")
    return "  ".join(parts)


def write(text):
    """Puts the table between the marks of the document."""
    before, rest = DOCUMENT.read_text().split(BEGIN)
    after = rest.split(END)[1]
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")
    print(f"wrote {DOCUMENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
