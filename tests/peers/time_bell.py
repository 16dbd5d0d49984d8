"""What a Python user writes to run examples/bell.qasm on Aer; timed as a whole process."""

from qiskit import qasm2
from qiskit_aer import AerSimulator

circuit = qasm2.load("examples/bell.qasm")
print(AerSimulator().run(circuit, shots=1024).result().get_counts())
