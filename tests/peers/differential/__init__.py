"""Random circuits through Ketch, by each of its methods, and through two other simulators.

    draw       circuits, each made from its number alone
    others     Aer, and Qiskit's own states, which follow the definition step by step
    __main__   asks all of them and compares

Ketch is wrong where it differs from Qiskit's states. Aer is the second opinion: where it differs
from them, its row of the summary says so, and that alone fails nothing.
"""
