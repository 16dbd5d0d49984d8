"""Calibrations of real devices, from the files that qiskit-ibm-runtime carries.

Every pair of conf_NAME.json and props_NAME.json gives a noise model that runs a circuit compiled
to the device. For some of them, Aer makes a model of the same files, and the exact distribution of
a circuit must be the same; with --all for all whose first two qubits are coupled.

Usage: check_calibrations.py KETCH SCRATCH [--all]
"""

import json
import pathlib
import sys

import numpy as np
import qiskit_ibm_runtime
from qiskit import QuantumCircuit, qasm2
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime import fake_provider

import aer
import ketch

SHOTS = 200
# Devices with cx, ecr and cz.
COMPARED = ("FakeManilaV2", "FakeLagosV2", "FakeMumbaiV2", "FakeSherbrooke", "FakeTorino")


def entangled(n):
    """A measured circuit on n qubits."""
    circuit = QuantumCircuit(n, n)
    circuit.h(0)
    for q in range(n - 1):
        circuit.cx(q, q + 1)
    circuit.measure(range(n), range(n))
    return circuit


def pairs():
    """The configurations that have properties beside them."""
    folder = pathlib.Path(qiskit_ibm_runtime.__file__).parent / "fake_provider" / "backends"
    found = sorted(folder.glob("*/conf_*.json"))
    found = [conf for conf in found if props_of(conf).exists()]
    if len(found) < 60:
        raise AssertionError(f"found {len(found)} calibrations in {folder}, expected 60 or more")
    return found


def props_of(conf):
    return conf.with_name(conf.name.replace("conf_", "props_", 1))


def run_all(program, file):
    """How many calibrations run a circuit."""
    for conf in pairs():
        n = min(2, json.loads(conf.read_text())["n_qubits"])
        file.write_text(qasm2.dumps(entangled(n)))
        (found,) = ketch.run(program, file, "--noise", conf, "--shots", SHOTS, "--seed", 7)
        if found["metadata"]["noise"] is not True or sum(found["counts"].values()) != SHOTS:
            raise AssertionError(f"{conf.name}: {found}")
    return len(pairs())


def native(backend):
    """A circuit of the device's own gates on qubits 0 and 1; None if they are not coupled."""
    gates = [
        (name, on)
        for name in ("cx", "ecr", "cz")
        for on in ((0, 1), (1, 0))
        if on in (backend.target.get(name) or {})
    ]
    if not gates:
        return None
    name, on = gates[0]
    circuit = QuantumCircuit(2)
    for _ in range(3):
        circuit.sx(0)
        circuit.rz(0.4, 0)
        circuit.sx(1)
        getattr(circuit, name)(*on)
        circuit.rz(0.7, 1)
        circuit.sx(1)
        circuit.x(0)
    return circuit


def compare(program, file, names):
    """How many devices Aer and Ketch agree on, and the greatest distance between them."""
    compared, worst = 0, 0.0
    for name in names:
        backend = getattr(fake_provider, name)()
        circuit = native(backend)
        if circuit is None:
            continue
        expected = aer.probabilities(circuit, NoiseModel.from_backend(backend))
        if aer.distance(aer.probabilities(circuit), expected) < 1e-5:
            raise AssertionError(f"{name}: the noise changes nothing")
        # `ecr` is in no header of OpenQASM 2; Ketch knows it, and would take a definition apart.
        lines = qasm2.dumps(circuit).splitlines()
        file.write_text("\n".join(line for line in lines if not line.startswith("gate ")))
        (found,) = ketch.run(
            program, file, "--noise", pathlib.Path(backend.dirname) / backend.conf_filename,
            "--no-compile", "--shots", 1, "--save", "probabilities", "-o", "method=density_matrix",
        )  # fmt: skip
        apart = aer.distance(np.asarray(found["data"]["probabilities"]), expected)
        if apart >= aer.EXACT:
            raise AssertionError(f"{name}: total variation distance {apart:.1e}")
        print(f"{name}: {apart:.1e}")
        worst = max(worst, apart)
        compared += 1
    return compared, worst


def main(program, scratch, everything):
    file = pathlib.Path(scratch) / "circuit.qasm"
    ran = run_all(program, file)
    names = COMPARED
    if everything:
        names = [
            name for name, kind in sorted(vars(fake_provider).items())
            if name.startswith("Fake") and hasattr(kind, "conf_filename")
        ]  # fmt: skip
    compared, worst = compare(program, file, names)
    if compared < len(COMPARED):
        raise AssertionError(f"compared {compared} devices")
    print(
        f"{ran} calibrations run; {compared} are the models that Aer makes of them, "
        f"the furthest off by {worst:.1e} (bound {aer.EXACT})"
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], "--all" in sys.argv[3:])
