"""Runs the program `ketch` as its users do, and reads its JSON."""

import json
import subprocess


def run(ketch, *arguments):
    """The experiments of one `ketch run`; raises with what it printed if it fails."""
    command = [ketch, "run", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        )
    answer = json.loads(done.stdout)
    if answer["schema"] != "ketch.run/1":
        raise RuntimeError(f"expected the schema ketch.run/1, found {answer['schema']}")
    return answer["experiments"]
