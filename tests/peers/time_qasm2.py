"""Prints how many seconds `qiskit.qasm2.load` takes for a file; starting Python is not counted.

Usage: time_qasm2.py FILE
"""

import sys
import time

from qiskit import qasm2

# Whatever is set up on first use is not counted either.
qasm2.loads('OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; u3(pi/2,0,pi) q[0]; cx q[0],q[1];')

start = time.perf_counter()
qasm2.load(sys.argv[1])
print(time.perf_counter() - start)
