"""The small jobs, and the loop that most simulators run them in."""

import json
import time


def lines(cell):
    """The jobs as texts in OpenQASM 2."""
    with open(cell.suite / "small_jobs.jsonl") as file:
        return [json.loads(line)["qasm"] for line in file]


def one_by_one(cell, build, run):
    """Builds all circuits, then times `run` over all of them; the better of two passes."""
    texts = lines(cell)
    start = time.perf_counter()
    circuits = [build(text) for text in texts]
    rates = {"construct_per_s": len(texts) / (time.perf_counter() - start)}
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        for circuit in circuits:
            run(circuit)
        seconds.append(time.perf_counter() - start)
    rates["one_by_one_per_s"] = len(texts) / min(seconds)
    cell.answer["jobs"] = rates
    return circuits
