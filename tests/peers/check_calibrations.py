"""Calibrations of real devices, from the files that qiskit-ibm-runtime carries.

Every pair of conf_NAME.json and props_NAME.json gives a noise model that runs a circuit compiled
to the device. For some of them, Aer makes a model of the same files, and the exact distribution of
a circuit must be the same.

Usage: check_calibrations.py KETCH SCRATCH
"""

import pathlib
import sys

import numpy as np
from qiskit import QuantumCircuit, qasm2
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

import ketch

EXACT = 1e-9
BELL = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;"
# Devices whose gates are rz, sx, x and cx, and whose qubits 0 and 1 are coupled.
COMPARED = ("FakeManilaV2", "FakeLagosV2", "FakeMumbaiV2")


def exact(backend):
    """A circuit in the device's gates on qubits 0 and 1, and Aer's probabilities of it."""
    circuit = QuantumCircuit(2)
    for _ in range(3):
        circuit.sx(0)
        circuit.rz(0.4, 0)
        circuit.cx(0, 1)
        circuit.x(1)
    saving = circuit.copy()
    saving.save_probabilities()
    model = NoiseModel.from_backend(backend)
    simulator = AerSimulator(method="density_matrix", noise_model=model)
    result = simulator.run(saving, shots=1).result()
    return circuit, np.asarray(result.data(0)["probabilities"])


def main(program, scratch):
    import qiskit_ibm_runtime
    from qiskit_ibm_runtime import fake_provider

    folder = pathlib.Path(qiskit_ibm_runtime.__file__).parent / "fake_provider" / "backends"
    file = pathlib.Path(scratch) / "circuit.qasm"
    file.write_text(BELL)
    run = 0
    for conf in sorted(folder.glob("*/conf_*.json")):
        props = conf.with_name(conf.name.replace("conf_", "props_", 1))
        if not props.exists():
            continue
        (found,) = ketch.run(program, file, "--noise", conf, "--shots", 200, "--seed", 7)
        if found["metadata"]["noise"] is not True or sum(found["counts"].values()) != 200:
            raise AssertionError(f"{conf.name}: {found}")
        run += 1
    if run < 20:
        raise AssertionError(f"found {run} calibrations in {folder}")
    worst = 0.0
    for name in COMPARED:
        backend = getattr(fake_provider, name)()
        circuit, expected = exact(backend)
        file.write_text(qasm2.dumps(circuit))
        directory = pathlib.Path(backend.dirname)
        (found,) = ketch.run(
            program, file, "--noise", directory / backend.conf_filename, "--no-compile",
            "--shots", 1, "--save", "probabilities", "-o", "method=density_matrix",
        )  # fmt: skip
        found = np.asarray(found["data"]["probabilities"])
        distance = float(np.abs(found - expected).sum() / 2)
        if distance >= EXACT:
            raise AssertionError(f"{name}: total variation distance {distance:.1e}")
        worst = max(worst, distance)
    print(
        f"{run} calibrations run; {len(COMPARED)} are the models that Aer makes of them, "
        f"the furthest off by {worst:.1e} (bound {EXACT})"
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
