"""The suite: the same circuits, byte by byte, for the same versions of NumPy, Qiskit and Stim.

All are OpenQASM 2 with numbers for parameters, one register and no measurements (whoever runs
them adds those), of the gates h x y z s sdg t tdg u1 u3 rx ry rz cx cz cu1 ccx swap. Beside them:
surface codes in Stim's own format, and `small_jobs.jsonl` with 10,000 circuits of 5 qubits.
"""

import json
import math
import zlib

import numpy as np

from .qasm import Circuit

PI = math.pi
# Noise of the noisy circuits: the chance of any error, and of a bit read wrongly.
NOISE = {"p1": 0.001, "p2": 0.01, "readout": 0.02}
# And of those with all that a device's calibration says: behind the depolarizing noise each qubit
# of a gate relaxes for as long as the gate takes. Times are in nanoseconds.
FULL_NOISE = {**NOISE, "relaxation": {"t1": 100_000, "t2": 120_000, "gate1": 35, "gate2": 300}}


def relaxation(noise, n_qubits):
    """The Kraus operators of each qubit of a gate on so many, as rows; none without relaxation."""
    times = noise.get("relaxation")
    if not times:
        return []
    time = times[f"gate{n_qubits}"]
    decayed, coherence = -math.expm1(-time / times["t1"]), math.exp(-time / times["t2"])
    left = math.sqrt(1 - decayed - coherence**2)
    return [
        [[1, 0], [0, coherence]],
        [[0, 0], [0, left]],
        [[0, math.sqrt(decayed)], [0, 0]],
    ]


def numbers_for(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def from_qiskit(circuit):
    out = Circuit(circuit.num_qubits)
    names = {"p": "u1", "cp": "cu1", "u": "u3"}
    for instruction in circuit.data:
        name = instruction.operation.name
        if name != "barrier":
            qubits = [circuit.find_bit(bit).index for bit in instruction.qubits]
            out(names.get(name, name), *qubits, p=map(float, instruction.operation.params))
    return out


def fourier(circuit, qubits, inverse=False):
    gates = []
    for j in reversed(range(len(qubits))):
        gates.append(("h", (), (qubits[j],)))
        for m in reversed(range(j)):
            gates.append(("cu1", (PI / 2 ** (j - m),), (qubits[m], qubits[j])))
    if inverse:
        gates = [(name, tuple(-x for x in p), q) for name, p, q in reversed(gates)]
    for name, p, q in gates:
        circuit(name, *q, p=p)


def qft(n):
    """The Fourier transform of a random product state."""
    circuit, numbers = Circuit(n), numbers_for(f"qft{n}")
    for q in range(n):
        theta = math.acos(1 - 2 * numbers.random())
        circuit("u3", q, p=(theta, numbers.uniform(0, 2 * PI), numbers.uniform(0, 2 * PI)))
    fourier(circuit, list(range(n)))
    for i in range(n // 2):
        circuit("swap", i, n - 1 - i)
    return circuit


def quantum_volume(n):
    from qiskit import transpile
    from qiskit.circuit.library import quantum_volume

    circuit = quantum_volume(n, n, seed=1000 + n)
    return from_qiskit(
        transpile(circuit, basis_gates=["u3", "cx"], optimization_level=1, seed_transpiler=7)
    )


def random_grid(n, depth=14):
    """As in the experiments on quantum supremacy: in each cycle one of four patterns of cz on a
    grid, and on every qubit a square root of X, Y or W that differs from its last."""
    numbers = numbers_for(f"rqc{n}-{depth}")
    columns = max(d for d in range(1, math.isqrt(n) + 1) if n % d == 0)
    columns = n // columns if columns > 1 else math.ceil(math.sqrt(n))
    rows = (n + columns - 1) // columns
    circuit = Circuit(n)
    for q in range(n):
        circuit("h", q)
    last = [-1] * n
    for cycle in range(depth):
        pattern = cycle % 4
        bonds = []
        for y in range(rows):
            for x in range(columns):
                a = y * columns + x
                right, below = a + 1, a + columns
                if a >= n:
                    continue
                even = (x + y + pattern // 2) % 2 == 0
                if pattern in (0, 2) and x + 1 < columns and even and right < n:
                    bonds.append((a, right))
                if pattern in (1, 3) and y + 1 < rows and even and below < n:
                    bonds.append((a, below))
        for q in range(n):
            last[q] = int(numbers.choice([i for i in range(3) if i != last[q]]))
            if last[q] == 0:
                circuit("rx", q, p=(PI / 2,))
            elif last[q] == 1:
                circuit("ry", q, p=(PI / 2,))
            else:
                circuit("u3", q, p=(PI / 2, -PI / 4, PI / 4))
        for a, b in bonds:
            circuit("cz", a, b)
    return circuit


def hardware_efficient(n, depth=6):
    circuit, numbers = Circuit(n), numbers_for(f"hea{n}")
    for _ in range(depth):
        for q in range(n):
            circuit("ry", q, p=(numbers.uniform(-PI, PI),))
            circuit("rz", q, p=(numbers.uniform(-PI, PI),))
        for q in range(n - 1):
            circuit("cx", q, q + 1)
    for q in range(n):
        circuit("ry", q, p=(numbers.uniform(-PI, PI),))
    return circuit


def cubic_graph(n, numbers):
    while True:
        stubs = [v for v in range(n) for _ in range(3)]
        numbers.shuffle(stubs)
        edges = {tuple(sorted(stubs[i : i + 2])) for i in range(0, len(stubs), 2)}
        if len(edges) == 3 * n // 2 and all(a != b for a, b in edges):
            return sorted((int(a), int(b)) for a, b in edges)


def qaoa(n, layers=2):
    """Max-cut on a random graph of degree three, its couplings written as cx rz cx."""
    numbers = numbers_for(f"qaoa{n}")
    edges = cubic_graph(n - n % 2, numbers)
    circuit = Circuit(n)
    for q in range(n):
        circuit("h", q)
    for _ in range(layers):
        gamma, beta = numbers.uniform(0.2, 1.2), numbers.uniform(0.2, 1.2)
        for a, b in edges:
            circuit("cx", a, b)
            circuit("rz", b, p=(2 * gamma,))
            circuit("cx", a, b)
        for q in range(n):
            circuit("rx", q, p=(2 * beta,))
    return circuit


def grover(n, iterations=3):
    from qiskit import QuantumCircuit, transpile
    from qiskit.circuit.library import MCPhaseGate

    marked = [int(bit) for bit in numbers_for(f"grover{n}").integers(0, 2, n)]
    circuit = QuantumCircuit(n)
    circuit.h(range(n))
    zeros = [q for q in range(n) if not marked[q]]
    for _ in range(iterations):
        if zeros:
            circuit.x(zeros)
        circuit.append(MCPhaseGate(PI, n - 1), range(n))
        if zeros:
            circuit.x(zeros)
        circuit.h(range(n))
        circuit.x(range(n))
        circuit.append(MCPhaseGate(PI, n - 1), range(n))
        circuit.x(range(n))
        circuit.h(range(n))
    basis = ["h", "x", "u3", "u1", "cx"]
    return from_qiskit(
        transpile(circuit, basis_gates=basis, optimization_level=0, seed_transpiler=7)
    )


def ripple(n):
    """Cuccaro's ripple-carry adder; both addends are in superposition."""
    k = (n - 2) // 2
    circuit, numbers = Circuit(n), numbers_for(f"ripple{n}")
    carry, out = 0, n - 1
    a, b = [2 + 2 * i for i in range(k)], [1 + 2 * i for i in range(k)]
    for q in a + b:
        circuit("ry", q, p=(numbers.uniform(0.3, 2.8),))
    chain = [(carry, b[0], a[0])] + [(a[i - 1], b[i], a[i]) for i in range(1, k)]
    for x, y, z in chain:
        circuit("cx", z, y)
        circuit("cx", z, x)
        circuit("ccx", x, y, z)
    circuit("cx", a[-1], out)
    for x, y, z in reversed(chain):
        circuit("ccx", x, y, z)
        circuit("cx", z, x)
        circuit("cx", x, y)
    return circuit


def draper(n):
    """Draper's adder in Fourier space; both addends are in superposition."""
    k = n // 2
    circuit, numbers = Circuit(n), numbers_for(f"draper{n}")
    a, b = list(range(k)), list(range(k, 2 * k))
    for q in a + b:
        circuit("ry", q, p=(numbers.uniform(0.3, 2.8),))
    fourier(circuit, b)
    for j in reversed(range(k)):
        for m in range(j + 1):
            circuit("cu1", a[m], b[j], p=(PI / 2 ** (j - m),))
    fourier(circuit, b, inverse=True)
    return circuit


def ghz(n):
    circuit = Circuit(n)
    circuit("h", 0)
    for i in range(n - 1):
        circuit("cx", i, i + 1)
    return circuit


def bernstein_vazirani(n):
    secret = numbers_for(f"bv{n}").integers(0, 2, n - 1)
    circuit = Circuit(n)
    circuit("x", n - 1)
    for q in range(n):
        circuit("h", q)
    for q in range(n - 1):
        if secret[q]:
            circuit("cx", q, n - 1)
    for q in range(n):
        circuit("h", q)
    return circuit


def w_state(n):
    circuit = Circuit(n)
    circuit("x", 0)
    for i in range(n - 1):
        half = math.acos(math.sqrt(1 / (n - i)))
        # A controlled ry.
        circuit("ry", i + 1, p=(half,))
        circuit("cx", i, i + 1)
        circuit("ry", i + 1, p=(-half,))
        circuit("cx", i, i + 1)
        circuit("cx", i + 1, i)
    return circuit


def clifford(n, depth=20):
    numbers = numbers_for(f"clifford{n}")
    circuit = Circuit(n)
    for _ in range(depth):
        for q in range(n):
            for name in (("h",), ("s",), ("h", "s"), ("s", "h"), ())[int(numbers.integers(0, 5))]:
                circuit(name, q)
        order = numbers.permutation(n)
        for i in range(0, n - 1, 2):
            circuit("cx", order[i], order[i + 1])
    return circuit


def brickwork(n, depth=12, strength=0.35):
    """Little entanglement: weak couplings between neighbours, and any rotations."""
    numbers = numbers_for(f"mps{n}")
    circuit = Circuit(n)
    for layer in range(depth):
        for q in range(n):
            circuit("ry", q, p=(numbers.uniform(-PI, PI),))
        for q in range(layer % 2, n - 1, 2):
            circuit("cx", q, q + 1)
            circuit("rz", q + 1, p=(strength * numbers.uniform(0.5, 1.5),))
            circuit("cx", q, q + 1)
    return circuit


def small_job(number, n=5, depth=20):
    numbers = np.random.default_rng(100000 + number)
    circuit = Circuit(n)
    names = ["h", "x", "t", "s", "rx", "ry", "rz", "u3"]
    for _ in range(depth):
        qubits = list(numbers.permutation(n))
        while qubits:
            if len(qubits) >= 2 and numbers.random() < 0.4:
                circuit("cx", qubits.pop(), qubits.pop())
            else:
                name = names[int(numbers.integers(0, len(names)))]
                n_parameters = 3 if name == "u3" else 1 if name in ("rx", "ry", "rz") else 0
                circuit(name, qubits.pop(), p=numbers.uniform(-PI, PI, n_parameters))
    return circuit


# Family: what makes it, and its sizes.
STATES = {
    "qft": (qft, (16, 20, 22, 24, 26)),
    "qv": (quantum_volume, (16, 20, 22, 24)),
    "rqc": (random_grid, (16, 20, 22, 24, 26)),
    "hea": (hardware_efficient, (16, 20, 22, 24, 26)),
    "qaoa": (qaoa, (16, 20, 22, 24, 26)),
    "draper": (draper, (20, 24)),
    "ripple": (ripple, (20, 24)),
    "grover": (grover, (10, 12, 14)),
}
WIDE = {
    "ghz": (ghz, (24, 60, 100)),
    "bv": (bernstein_vazirani, (24, 60, 100)),
    "w": (w_state, (24, 40, 60)),
}
DENSITY_SIZES = (8, 10, 12)
FULL_DENSITY_SIZES = (8, 10)
# Qubits and shots.
TRAJECTORIES = {16: 1000, 20: 100}
CLIFFORD_SIZES = (100, 500, 1000)
CHAIN_SIZES = (40, 60, 100)
# Distance and shots.
CODES = {5: 200_000, 11: 100_000, 17: 20_000, 25: 10_000}
SMALL_JOBS = 10_000
# The chance of each kind of error in the surface codes.
CODE_NOISE = 0.001


def write(folder):
    """Writes the suite and its index, and returns the index: facts about each circuit by name."""
    folder.mkdir(parents=True, exist_ok=True)
    index = {}

    def put(name, circuit, family, kind, shots, **facts):
        (folder / f"{name}.qasm").write_text(circuit.qasm())
        index[name] = {
            "family": family, "kind": kind, "n": circuit.n, "gates": len(circuit.gates),
            "shots": shots, **facts,
        }  # fmt: skip

    for kind, families in (("state", STATES), ("wide", WIDE)):
        for family, (make, sizes) in families.items():
            for n in sizes:
                put(f"{family}_{n}", make(n), family, kind, 10_000)
    for n in DENSITY_SIZES:
        put(f"dm_{n}", random_grid(n, 10), "dm", "density", 10_000, noise=NOISE)
    for n, shots in TRAJECTORIES.items():
        put(f"traj_{n}", random_grid(n, 10), "traj", "trajectories", shots, noise=NOISE)
    for n in FULL_DENSITY_SIZES:
        put(f"dm_full_{n}", random_grid(n, 10), "dm_full", "density", 10_000, noise=FULL_NOISE)
    for n, shots in TRAJECTORIES.items():
        name, kind = f"traj_full_{n}", "trajectories"
        put(name, random_grid(n, 10), "traj_full", kind, shots, noise=FULL_NOISE)
    for n in CLIFFORD_SIZES:
        put(f"clifford_{n}", clifford(n), "clifford", "clifford", 1000)
    for n in CHAIN_SIZES:
        put(f"mps_{n}", brickwork(n), "mps", "chain", 1000)
    write_codes(folder, index)
    with open(folder / "small_jobs.jsonl", "w") as file:
        for number in range(SMALL_JOBS):
            file.write(json.dumps({"id": number, "qasm": small_job(number).qasm()}) + "\n")
    index["small_jobs"] = {"family": "small_jobs", "kind": "small_jobs", "n": 5, "shots": 1024}
    # The index comes last, so that a suite that is half written counts as none.
    (folder / "index.json").write_text(json.dumps(index, indent=1))
    return index


def write_codes(folder, index):
    """Surface-code memories: as many rounds as the distance."""
    import stim

    for distance, shots in CODES.items():
        circuit = stim.Circuit.generated(
            "surface_code:rotated_memory_z",
            distance=distance,
            rounds=distance,
            after_clifford_depolarization=CODE_NOISE,
            before_measure_flip_probability=CODE_NOISE,
            after_reset_flip_probability=CODE_NOISE,
            before_round_data_depolarization=CODE_NOISE,
        )
        (folder / f"surface_{distance}.stim").write_text(str(circuit))
        index[f"surface_{distance}"] = {
            "family": "surface", "kind": "code", "n": circuit.num_measurements, "shots": shots,
            "qubits": circuit.num_qubits,
        }  # fmt: skip
