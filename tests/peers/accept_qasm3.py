"""How many of the official OpenQASM 3 examples Ketch and Qiskit's two readers take, and how fast
Qiskit's two read the same plain gates.

An example that a reader refuses is named with the first line of its reason.

Usage: accept_qasm3.py KETCH
"""

import contextlib
import os
import pathlib
import subprocess
import sys
import time
import warnings

from qiskit import qasm3

EXAMPLES = pathlib.Path("tests/golden/openqasm3")
# Lines of plain gates; `qasm3.loads` takes a second for a few thousand.
LINES = 4000
ROUNDS = 3


def main(program):
    warnings.simplefilter("ignore")
    readers = {
        "ketch": lambda text, file: draw(program, file),
        "qiskit.qasm3.loads": lambda text, file: qasm3.loads(text),
        "qiskit.qasm3.loads_experimental": lambda text, file: qasm3.loads_experimental(text),
    }
    files = sorted(EXAMPLES.glob("*.qasm"))
    for name, read in readers.items():
        refused = {}
        for file in files:
            try:
                with silence():
                    read(file.read_text(), file)
            # A reader in Rust that panics raises what is no Exception.
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                refused[file.name] = (str(error).strip().splitlines() or ["no reason"])[0]
        print(f"{name}: {len(files) - len(refused)} of {len(files)} examples")
        for file, reason in refused.items():
            print(f"    {file}: {reason}")

    text = plain_gates()
    for name, read in list(readers.items())[1:]:
        seconds = min(timed(read, text) for _ in range(ROUNDS))
        speed = len(text) / 1e6 / seconds
        print(f"{name}: {len(text)} bytes of plain gates in {seconds:.4f} s, {speed:.2f} MB/s")


def draw(program, file):
    """Drawing is the least that asks for a whole circuit, with any control flow."""
    done = subprocess.run([program, "draw", file], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


@contextlib.contextmanager
def silence():
    """The experimental reader writes page after page past Python's own streams."""
    kept = [os.dup(stream) for stream in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sys.stdout.flush()
    try:
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        yield
    finally:
        for stream, copy in zip((1, 2), kept):
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)


def plain_gates():
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', "qubit[64] q;"]
    for line in range(LINES):
        a, b = line % 64, (line * 7 + 1) % 64
        lines.append(f"rz({line / 1000}) q[{a}];" if a == b or line % 2 else f"cx q[{a}],q[{b}];")
    return "\n".join(lines) + "\n"


def timed(read, text):
    start = time.perf_counter()
    read(text, None)
    return time.perf_counter() - start


if __name__ == "__main__":
    main(sys.argv[1])
