"""A simulator's best setting, found by trial, so that each is measured at its best."""

import json
import time

# Seconds; a setting that takes longer is tried once.
LONG = 0.7


def fastest(cell, simulator, candidates, trial):
    """The candidate that `trial` runs fastest; above 20 qubits, the one of the family at 20."""
    file = cell.suite / "reference" / "settings.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    key = f"{simulator}/{cell.family}"
    if cell.n > 20 and key in known:
        return known[key]
    seconds = {}
    for candidate in candidates:
        for _ in range(3):
            start = time.perf_counter()
            trial(candidate)
            taken = time.perf_counter() - start
            seconds[candidate] = min(taken, seconds.get(candidate, taken))
            if taken > LONG:
                break
    best = min(seconds, key=seconds.get)
    if cell.n >= 20:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**known, key: best}))
    cell.note(tried={str(candidate): taken for candidate, taken in seconds.items()})
    return best
