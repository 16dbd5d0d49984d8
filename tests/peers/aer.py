"""Exact distributions of Qiskit Aer, and how far others are from them."""

import numpy as np
from qiskit_aer import AerSimulator

# Total variation by which two programs may differ.
EXACT = 1e-9
# Aer leaves out each circuit of an error that has a probability below 1e-10 (`threshold_` in its
# C++), so its distributions of devices lack some 1e-9. More than this is another mistake.
LACKING = 1e-8


def probabilities(circuit, model=None):
    """Aer's, by density matrix, without readout errors."""
    saving = circuit.copy()
    saving.save_probabilities()
    simulator = AerSimulator(method="density_matrix", noise_model=model)
    result = simulator.run(saving, shots=1).result()
    if not result.success:
        raise RuntimeError(result.status)
    found = np.asarray(result.data(0)["probabilities"])
    if not -EXACT < 1 - found.sum() < LACKING:
        raise RuntimeError(f"Aer's probabilities add up to {found.sum()}")
    return found


def distance(found, expected):
    """Total variation of a distribution and Aer's; what that lacks of 1 may lie anywhere."""
    if found.shape != expected.shape or abs(found.sum() - 1) > EXACT or found.min() < -EXACT:
        raise AssertionError(f"no distribution on {expected.size} outcomes: {found}")
    return float(np.maximum(expected - found, 0).sum())
