"""Stim; one thread only."""

import numpy as np
import stim

from ..reference import LOOKED_AT


def stim_circuit(circuit):
    out = stim.Circuit()
    for name, _, qubits in circuit.gates:
        out.append(name.upper(), list(qubits))
    out.append("M", list(range(circuit.n)))
    return out


def samples(cell):
    circuit = cell.construct(lambda: stim_circuit(cell.read()))
    packed = cell.time(
        "sample", lambda: circuit.compile_sampler().sample(cell.shots, bit_packed=True)
    )
    bits = np.unpackbits(packed, axis=1, bitorder="little")[:, : cell.n]
    cell.check_marginals([float(share) for share in bits.mean(axis=0)])


def code(cell):
    """Samples of the measurements; making the sampler is not part of it."""
    file = cell.suite / f"{cell.circuit}.stim"
    circuit = cell.construct(lambda: stim.Circuit.from_file(file))
    sampler = circuit.compile_sampler()
    packed = cell.time("sample", lambda: sampler.sample(cell.shots, bit_packed=True))
    bits = np.unpackbits(packed[:LOOKED_AT], axis=1, bitorder="little")[:, : cell.n]
    cell.check_marginals([float(share) for share in bits.mean(axis=0)], LOOKED_AT)
