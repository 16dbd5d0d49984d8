"""What `ketch serve` bears: `bench_serve.py PROGRAM KETCH FOLDER`.

`PROGRAM` is that of the package ketch-peers, whose clients ask the server what Python's client asks,
as often; Python itself would need more of the processor for that than the server. Prints a table as
Markdown; with `--write`, it goes into docs/benchmarks.md too.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time
import urllib.parse
import urllib.request

from qiskit import QuantumCircuit
from qiskit_ibm_runtime.json import RuntimeEncoder

from bench_jobs import processor, s

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- serve: begin -->", "<!-- serve: end -->"
BACKEND = "local_qasm_simulator"
CLIENTS, SHOTS = 200, 1024
# In seconds: until all clients are at work, and for how long is measured.
WARM, MEASURED = 3, 15
# How long Python's client waits between two polls, outside of a session and in one.
POLLS = {"asking every 0.5 s": 0.5, "asking every 0.1 s, as in a session": 0.1}


def main():
    given = arguments()
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    job = given.folder / "job.json"
    job.write_text(json.dumps(bell(), cls=RuntimeEncoder))
    load, sync = os.getloadavg()[0], disk(given.folder)
    columns = [measured(given, job, poll) for poll in POLLS.values()]
    text = table(load, sync, columns)
    print(text)
    if given.write:
        before, rest = DOCUMENT.read_text().split(BEGIN)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("ketch", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path, help="for jobs; emptied first")
    parser.add_argument("--write", action="store_true", help="put the table into the document")
    return parser.parse_args()


def bell():
    """What Python's client sends for a Bell circuit, in its own encoding."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    params = {"pubs": [[circuit, [], SHOTS]], "options": {}, "version": 2, "support_qiskit": True}
    return {"program_id": "sampler", "backend": BACKEND, "params": params, "log_level": "WARNING"}


def measured(given, job, poll):
    """A server with an empty store, and clients that ask it for a while."""
    store = given.folder / f"store-{poll}"
    environment = {**os.environ, "XDG_DATA_HOME": str(store.absolute())}
    new = [given.ketch, "serve", "token", "new", "bench"]
    made = subprocess.run(new, env=environment, check=True, capture_output=True, text=True)
    serve = [given.ketch, "serve", "--port", "0"]
    log = open(given.folder / "serve.log", "a")
    server = subprocess.Popen(
        serve, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
    )
    try:
        address = server.stdout.readline().rsplit("/", 1)[1].strip()
        request = {
            "task": "serve",
            "address": address,
            "token": access(address, made.stdout.strip()),
            "backend": BACKEND,
            "job": str(job),
            "clients": CLIENTS,
            "poll_s": poll,
            "warm_s": WARM,
            "seconds": MEASURED,
        }
        before = busy(server.pid)
        clients = subprocess.Popen(
            [given.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        answer, _ = clients.communicate(json.dumps(request) + "\n")
        after = busy(server.pid)
        if "error" in (found := json.loads(answer)):
            raise SystemExit(found["error"])
        found["share"] = {name: after[name] - before[name] for name in after}
        found["server"] = status(server.pid)
        return found
    finally:
        server.terminate()
        server.wait(timeout=60)


def access(address, token):
    """The access token that the client gets before anything else."""
    form = urllib.parse.urlencode({"apikey": token}).encode()
    with urllib.request.urlopen(f"http://{address}/identity/token", form) as answer:
        return json.load(answer)["access_token"]


def disk(folder):
    """How long it takes until a page is on the disk, the middle one of many: jobs wait for that."""
    times = []
    with open(folder / "page", "wb", buffering=0) as file:
        for _ in range(100):
            file.write(bytes(4096))
            start = time.perf_counter()
            os.fdatasync(file)
            times.append(time.perf_counter() - start)
    return statistics.median(times)


TICK = os.sysconf("SC_CLK_TCK")


def busy(server):
    """For how many seconds each worked so far: the clients that have ended, the server, everybody."""
    children = os.times()
    # Behind the name, which ends with the last bracket: the eleven fields before utime.
    fields = pathlib.Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()
    # user, nice, system, idle, iowait, irq, softirq
    cpu = [int(number) for number in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return {
        "clients": children.children_user + children.children_system,
        "server": (int(fields[11]) + int(fields[12])) / TICK,
        "everybody": (sum(cpu[:3]) + sum(cpu[5:7])) / TICK,
        "everything": sum(cpu[:7]) / TICK,
    }


def status(server):
    """The server's memory at its most, in MiB, and its threads."""
    lines = pathlib.Path(f"/proc/{server}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {"mib": int(fields["VmHWM"].split()[0]) / 1024, "threads": int(fields["Threads"])}


def table(load, sync, columns):
    def each(name, shown):
        return name, *(shown(column) for column in columns)

    def call(name):
        def shown(column):
            times = column["calls"][name]
            return f"{s(times['p50_s'])} / {s(times['p99_s'])}"

        return shown

    def share(name):
        return lambda column: f"{column['share'][name] / column['share']['everything']:.0%}"

    def rest(column):
        of = column["share"]
        return f"{(of['everybody'] - of['server'] - of['clients']) / of['everything']:.0%}"

    rows = [
        each("jobs a second", lambda column: f"{column['jobs_per_second']:,.0f}"),
        each(
            "from submitting a job to having its result, p50 / p99",
            lambda column: f"{s(column['jobs']['p50_s'])} / {s(column['jobs']['p99_s'])}",
        ),
        each("asking for a job, p50 / p99", call("poll")),
        each("submitting a job, p50 / p99", call("submit")),
        each("reading a result, p50 / p99", call("result")),
        each("status of the backend, usage, p50 / p99", call("before")),
        each(
            "calls a second",
            lambda column: f"{sum(c['count'] for c in column['calls'].values()) / MEASURED:,.0f}",
        ),
        each("of both processors: the server", share("server")),
        each("of both processors: the clients", share("clients")),
        each("of both processors: workers and other programs", rest),
        each("memory of the server, at most", lambda column: f"{column['server']['mib']:.0f} MiB"),
        each("threads of the server", lambda column: str(column["server"]["threads"])),
    ]
    head = (
        f"Measured on {datetime.date.today()}: {processor()}, {os.cpu_count()} threads, load {load:.1f}"
        f" at the beginning; the disk takes {s(sync)} to sync a page."
    )
    lines = [head, "", f"| {CLIENTS} clients | {' | '.join(POLLS)} |", "| --- | --- | --- |"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
