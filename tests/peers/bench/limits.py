"""The limits of the machine, measured by a small program in C."""

import json
import pathlib
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).with_name("limits.c")


def measure(threads):
    """Bytes a second read and written in place, by the bytes worked on, and operations a second."""
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "limits"
        build = ["cc", "-O3", "-march=native", "-ffp-contract=fast", "-pthread"]
        subprocess.run([*build, "-o", program, SOURCE], check=True)
        done = subprocess.run([program, str(threads)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def bandwidth(limits, size):
    """The bytes a second of a state of so many bytes: that of the next larger one measured."""
    for measured, rate in limits["bandwidth"]:
        if size <= measured:
            return rate
    return limits["bandwidth"][-1][1]
