"""Prints how many seconds `qiskit.qasm3.loads_experimental` takes for a file; starting Python is not
counted. (`qiskit.qasm3.loads`, in Python, takes minutes for a file of this size.)

Usage: time_qasm3.py FILE
"""

import pathlib
import sys
import time
import warnings

from qiskit import qasm3

warnings.simplefilter("ignore")

# Whatever is set up on first use is not counted either.
qasm3.loads_experimental(
    'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; rz(0.5) q[0]; cx q[0],q[1];'
)

start = time.perf_counter()
qasm3.loads_experimental(pathlib.Path(sys.argv[1]).read_text())
print(time.perf_counter() - start)
