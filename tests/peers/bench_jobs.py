"""What it is like to have a job, with Ketch and with Aer: `bench_jobs.py PROGRAM PLUGINS FOLDER`.

`PROGRAM` is that of the package ketch-peers. The two take turns, a measurement each. Prints a table
as Markdown; with `--write`, it goes into docs/benchmarks.md too.
"""

import argparse
import datetime
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import random
import shutil
import statistics
import subprocess
import threading
import time

from qiskit import qasm2
from qiskit.providers import JobStatus
from qiskit_aer import AerSimulator

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- jobs: begin -->", "<!-- jobs: end -->"
QUBITS, LAYERS, SHOTS = 24, 10, 1024
# How often each is measured.
TINY, SUBMITTED, CANCELLED = 100, 100, 3


def main():
    given = arguments()
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    long, tiny = given.folder / "long.qasm", given.folder / "tiny.qasm"
    long.write_text(layers())
    tiny.write_text(HEAD + "qreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n")
    request = {
        "task": "jobs",
        "plugins": given.plugins,
        "store": str(given.folder / "store"),
        "long": str(long),
        "tiny": str(tiny),
    }

    def ketch(measure, reps=1, **more):
        """A process of its own for each measurement."""
        line = json.dumps({**request, "measure": measure, "reps": reps, **more})
        done = subprocess.run([given.program], input=line, capture_output=True, text=True, check=True)
        answer = json.loads(done.stdout)
        if "error" in answer:
            raise SystemExit(f"ketch, {measure}: {answer['error']}")
        return answer

    text = table(ketch, Aer(long, tiny))
    print(text)
    if given.write:
        before, rest = DOCUMENT.read_text().split(BEGIN)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("plugins", help="the folder of the local provider")
    parser.add_argument("folder", type=pathlib.Path, help="for circuits and jobs; emptied first")
    parser.add_argument("--write", action="store_true", help="put the table into the document")
    return parser.parse_args()


HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


def layers():
    """Rotations of all qubits and a chain of CX, many times."""
    draw = random.Random(1)
    lines = [f"qreg q[{QUBITS}];", f"creg c[{QUBITS}];"]
    for _ in range(LAYERS):
        for qubit in range(QUBITS):
            angles = ",".join(f"{draw.uniform(0, math.pi):.6f}" for _ in range(3))
            lines.append(f"u3({angles}) q[{qubit}];")
        lines += [f"cx q[{qubit}],q[{qubit + 1}];" for qubit in range(QUBITS - 1)]
    return HEAD + "\n".join(lines) + "\nmeasure q -> c;\n"


class Aer:
    """The same measurements on Aer's jobs."""

    def __init__(self, long, tiny):
        self.backend = AerSimulator(method="statevector")
        self.long, self.tiny = qasm2.load(long), qasm2.load(tiny)

    def run(self, circuit, **options):
        return self.backend.run(circuit, shots=SHOTS, seed_simulator=1, **options)

    def stall(self):
        """The longest that another thread stood still, and how long the job took."""
        done, longest = threading.Event(), 0.0

        def nap():
            nonlocal longest
            while not done.is_set():
                start = time.perf_counter()
                time.sleep(0.001)
                longest = max(longest, time.perf_counter() - start - 0.001)

        thread = threading.Thread(target=nap)
        thread.start()
        start = time.perf_counter()
        self.run(self.long).result()
        took = time.perf_counter() - start
        done.set()
        thread.join()
        return longest, took

    def time_out(self):
        job = self.run(self.long)
        start = time.perf_counter()
        try:
            job.result(timeout=0.3)
            said = "no error"
        except Exception as error:  # whichever it is: its name is part of the answer
            said = type(error).__name__
        took = time.perf_counter() - start
        job.result()
        return took, said

    def cancel(self):
        """From 0.1 s after its start, when a job is to stop, to its end; and how it ended."""
        start = time.perf_counter() + 0.1
        job = self.run(self.long)
        time.sleep(0.1)
        job.cancel()
        while job.status() not in (JobStatus.DONE, JobStatus.CANCELLED, JobStatus.ERROR):
            time.sleep(0.0001)
        return time.perf_counter() - start, job.status().name

    def failed(self):
        """What a job says whose state does not fit into the memory that it may take."""
        job = self.run(self.long, max_memory_mb=64)
        success = job.result().success
        return f"{job.status().name}, `success` is {success}"

    def tiny_seconds(self):
        times = []
        for _ in range(TINY + 1):
            start = time.perf_counter()
            counts = self.run(self.tiny).result().get_counts()
            times.append(time.perf_counter() - start)
            assert sum(counts.values()) == SHOTS
        return statistics.median(times[1:])


def table(ketch, aer):
    load = os.getloadavg()[0]
    stall, (aer_stall, aer_job) = ketch("stall"), aer.stall()
    late, (aer_late, aer_error) = ketch("time_out"), aer.time_out()
    stop = ketch("cancel", CANCELLED)
    aer_stop, aer_end = aer.cancel()
    tiny, aer_tiny = ketch("tiny", TINY), aer.tiny_seconds()
    kept = ketch("tiny_kept", TINY)
    start = time.perf_counter()
    back = ketch("read_back", job=kept["job"])
    process = time.perf_counter() - start
    assert back["shots"] == SHOTS
    submit = ketch("submit", SUBMITTED)
    rows = [
        ("the job: " f"{QUBITS} qubits, {LAYERS} layers", s(stall["job_seconds"]), s(aer_job)),
        ("longest stall of another thread meanwhile", s(stall["seconds"]), s(aer_stall)),
        (
            "`result` with a time-out of 0.3 s gives up after",
            f"{s(late['seconds'])} (`{late['said']}`)",
            f"{s(aer_late)} (`{aer_error}`)",
        ),
        (
            "to be cancelled 0.1 s after its start: from then to its end",
            f"{s(stop['seconds'])} ({stop['said']})",
            f"{s(aer_stop)} ({aer_end})",
        ),
        (
            "256 MiB of amplitudes where 64 MiB are allowed",
            ketch("failed")["said"],
            aer.failed(),
        ),
        ("a Bell circuit from `run` to its counts", s(tiny["seconds"]), s(aer_tiny)),
        ("the same, kept on disk", s(kept["seconds"]), "-"),
        (
            "a job read back by a second process",
            f"{s(back['seconds'])} ({s(process)} with its start)",
            "-",
        ),
        ("jobs submitted durably, a second", f"{submit['per_second']:,.0f}", "-"),
    ]
    lines = [heading(load), "", "| | Ketch | Aer |", "| --- | --- | --- |"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def heading(load):
    version = importlib.metadata.version("qiskit-aer")
    return (
        f"Measured on {datetime.date.today()}: {processor()}, {os.cpu_count()} threads, load {load:.1f}"
        f" at the beginning. qiskit-aer {version}, Python {platform.python_version()}."
    )


def processor():
    names = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    named = [line.split(":")[1].strip() for line in names if line.startswith("model name")]
    return named[0] if named else platform.machine()


def s(seconds):
    """A time for people."""
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


if __name__ == "__main__":
    main()
