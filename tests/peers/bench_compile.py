"""Compares compiled circuits and compile times with `qiskit.transpile(optimization_level=1)`.

Usage: bench_compile.py PROGRAM FOLDER

PROGRAM is the example `compile_file` of ketch-compiler; circuits and devices are written to FOLDER.
Both sides read the same OpenQASM 2 files; reading is not timed. Each time is the median of three.
"""

import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

# One process, one thread, on both sides.
os.environ["QISKIT_PARALLEL"] = "FALSE"
os.environ["RAYON_NUM_THREADS"] = "1"

import numpy as np
from qiskit import QuantumCircuit, qasm2, transpile
from qiskit.circuit.library import (
    CDKMRippleCarryAdder,
    DraperQFTAdder,
    QFTGate,
    VBERippleCarryAdder,
    quantum_volume,
)
from qiskit.circuit.random import random_circuit
from qiskit.transpiler import CouplingMap

SEED = 2026
BASIS = ["rz", "sx", "x", "cx"]
# What the files are written in: the gates that people write.
WRITTEN = ["h", "x", "y", "z", "s", "sdg", "t", "tdg", "p", "rx", "ry", "rz", "u", "cx", "cy", "cz",
           "ch", "cp", "crx", "cry", "crz", "swap", "rzz", "rxx", "ccx", "cswap"]
RUNS = 3


def qaoa(n, layers, rng):
    """Max-cut on a random graph of degree three."""
    circuit = QuantumCircuit(n)
    circuit.h(range(n))
    edges = set()
    while len(edges) < 3 * n // 2:
        a, b = sorted(rng.choice(n, 2, replace=False).tolist())
        degree = lambda q: sum(q in edge for edge in edges)
        if degree(a) < 3 and degree(b) < 3:
            edges.add((a, b))
        elif all(degree(a) >= 3 or degree(b) >= 3 or a == b or (a, b) in edges
                 for a in range(n) for b in range(a + 1, n)):
            edges.clear()
    for _ in range(layers):
        gamma, beta = rng.uniform(0, math.pi, 2)
        for a, b in sorted(edges):
            circuit.rzz(gamma, a, b)
        circuit.rx(2 * beta, range(n))
    return circuit


def qft(n):
    circuit = QuantumCircuit(n)
    circuit.append(QFTGate(n), range(n))
    return circuit


def circuits():
    rng = np.random.default_rng(SEED)
    for n in (4, 6, 8, 10, 12, 14, 16, 18, 20, 24):
        yield f"qft_{n}", qft(n)
    for n in (2, 3, 4, 6, 8, 10):
        yield f"cdkm_{n}", CDKMRippleCarryAdder(n)
    for n in (2, 4, 6):
        yield f"vbe_{n}", VBERippleCarryAdder(n)
    for n in (3, 5, 8):
        yield f"draper_{n}", DraperQFTAdder(n)
    for n in (6, 8, 10, 12, 16, 20, 24):
        yield f"qaoa_{n}", qaoa(n, 1, rng)
    for n in (8, 12, 16, 20):
        yield f"qaoa2_{n}", qaoa(n, 2, rng)
    for n in (3, 4, 5, 6, 8, 10, 12, 14, 16, 20):
        yield f"volume_{n}", quantum_volume(n, n, seed=SEED + n)
    for n in (4, 5, 6, 8, 10, 12, 16, 20):
        yield f"random_{n}", random_circuit(n, 2 * n, max_operands=2, seed=SEED + n)
    for n in (5, 8, 12):
        yield f"random3_{n}", random_circuit(n, n, max_operands=3, seed=SEED + n)


def devices():
    yield "line", CouplingMap.from_line(25)
    yield "grid", CouplingMap.from_grid(5, 5)
    yield "heavy-hex", CouplingMap.from_heavy_hex(5)
    yield "full", CouplingMap.from_full(25)


def time_transpile(circuit, coupling):
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        out = transpile(circuit, basis_gates=BASIS, coupling_map=coupling, optimization_level=1,
                        seed_transpiler=SEED)
        seconds.append(time.perf_counter() - start)
    return sum(1 for i in out.data if i.operation.num_qubits == 2), statistics.median(seconds)


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, circuit in circuits():
        written = transpile(circuit, basis_gates=WRITTEN, optimization_level=0)
        files.append(folder / f"{name}.qasm")
        qasm2.dump(written, files[-1])
    # Qiskit writes names that only its extended `qelib1.inc` has.
    known = qasm2.LEGACY_CUSTOM_INSTRUCTIONS
    loaded = [qasm2.load(file, custom_instructions=known) for file in files]
    transpile(loaded[0], basis_gates=BASIS, coupling_map=CouplingMap.from_line(5))

    ratios = {}
    print(f"{'circuit':12} {'device':10} {'ketch 2q':>9} {'qiskit 2q':>9} {'ratio':>6} "
          f"{'ketch ms':>9} {'qiskit ms':>10} {'times':>7}")
    for device, coupling in devices():
        description = folder / f"{device}.json"
        description.write_text(json.dumps({
            "n_qubits": coupling.size(),
            "basis_gates": BASIS,
            "coupling_map": [list(edge) for edge in coupling.get_edges()],
        }))
        ours = subprocess.run([program, description, *files], check=True, capture_output=True,
                              text=True).stdout.split("\n")
        for file, circuit, line in zip(files, loaded, ours):
            gates, seconds = int(line.split()[0]), float(line.split()[1])
            their_gates, their_seconds = time_transpile(circuit, coupling)
            ratio, times = gates / their_gates, their_seconds / seconds
            family = file.stem.split("_")[0]
            for group in (device, family, "all"):
                ratios.setdefault(group, []).append((ratio, times))
            print(f"{file.stem:12} {device:10} {gates:9} {their_gates:9} {ratio:6.2f} "
                  f"{seconds * 1e3:9.3f} {their_seconds * 1e3:10.2f} {times:7.1f}", flush=True)

    print(f"\n{'geometric means':24} {'compiled':>8} {'2q gates':>9} {'times faster':>13}")
    for group, pairs in ratios.items():
        gates, times = (geometric_mean(column) for column in zip(*pairs))
        print(f"{group:24} {len(pairs):8} {gates:9.3f} {times:13.1f}")


if __name__ == "__main__":
    main()
