"""Ketch, through the program of this folder's package."""

import json
import subprocess

from ..reference import LOOKED_AT


def ask(cell, **request):
    """The program's answer to one request."""
    done = subprocess.run(
        [cell.program], input=json.dumps(request) + "\n", capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer


def time(cell, method):
    found = ask(
        cell,
        task="time",
        circuit=str(cell.file),
        method=method,
        precision=cell.peer.precision,
        threads=cell.threads,
        shots=cell.shots,
        reps=cell.reps,
        budget_s=cell.budget_s,
        evolve=cell.kind == "state",
        amplitudes=cell.reference.states(),
        noise=getattr(cell, "noise", None),
    )
    for key in ("construct_s", "evolve", "sample", "rss_mb"):
        if key in found:
            cell.answer[key] = found[key]
    cell.note(**found["facts"])
    if found.get("amplitudes"):
        pairs = dict(zip(cell.reference.states(), found["amplitudes"]))
        cell.check_amplitudes(lambda state: complex(*pairs[state]))
    cell.check_marginals(found["marginals"])


def code(cell):
    found = ask(
        cell,
        task="code",
        circuit=str(cell.suite / f"{cell.circuit}.stim"),
        # Stim has one.
        threads=1,
        shots=cell.shots,
        reps=cell.reps,
        budget_s=cell.budget_s,
    )
    cell.answer.update({key: found[key] for key in ("construct_s", "sample", "rss_mb")})
    cell.check_marginals(found["marginals"], LOOKED_AT)


def small_jobs(cell):
    found = ask(
        cell,
        task="small_jobs",
        jobs=str(cell.suite / "small_jobs.jsonl"),
        shots=cell.shots,
        threads=cell.threads,
        reps=min(cell.reps, 3),
        plugins=cell.plugins,
    )
    cell.answer["jobs"] = found
