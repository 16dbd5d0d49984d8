"""Noise against Qiskit Aer: exact distributions, trajectories, devices, idle qubits.

Every circuit of a table runs under every noise model of another, which Ketch reads as Aer writes
it. By density matrix both give the exact probabilities, and their total variation distance must be
below EXACT. Then each model is run with trajectories of SHOTS shots, readout errors included, and a
chi-square test must not reject; for a correct program a new seed raises a false alarm with
probability FALSE_ALARM for each of the runs, which are about thirty, so in all in one of 30,000. So
do models that Aer makes of the fake devices of qiskit-ibm-runtime, and circuits whose idle qubits
relax as Qiskit schedules them. With --long, trajectories are of five times as many gates.

Usage: check_noise.py KETCH SCRATCH [--long]
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
from qiskit import QuantumCircuit, qasm2, qasm3, transpile
from qiskit.circuit import Delay
from qiskit.circuit.library import quantum_volume
from qiskit.transpiler import InstructionDurations, PassManager
from qiskit.transpiler.passes import (
    ALAPScheduleAnalysis,
    ASAPScheduleAnalysis,
    PadDelay,
    TimeUnitConversion,
)
from qiskit_aer.noise import (
    NoiseModel,
    ReadoutError,
    RelaxationNoisePass,
    amplitude_damping_error,
    coherent_unitary_error,
    depolarizing_error,
    kraus_error,
    pauli_error,
    phase_amplitude_damping_error,
    phase_damping_error,
    reset_error,
    thermal_relaxation_error,
)

import aer
import chi_square
import ketch
from aer import EXACT

SHOTS = 1_000_000
SEED = 7
FALSE_ALARM = 1e-6
BASIS = ["id", "rz", "sx", "x", "h", "cx"]
# Of the device whose qubits wait: times in seconds.
TICK = 1e-9
T1S = [50e-6, 40e-6, 70e-6, 30e-6, 90e-6]
T2S = [60e-6, 30e-6, 70e-6, 55e-6, 20e-6]


def circuits():
    """Four qubits each, so that devices of five hold them; gates of BASIS."""
    ghz = QuantumCircuit(4)
    ghz.h(0)
    for q in range(3):
        ghz.cx(q, q + 1)
    fourier = QuantumCircuit(4)
    for q in range(4):
        fourier.rz(0.3 + q, q)
        fourier.sx(q)
    for j in range(4):
        fourier.h(j)
        for k in range(j + 1, 4):
            fourier.cp(np.pi / 2 ** (k - j), k, j)
    volume = quantum_volume(4, 3, seed=5).decompose()
    clifford = QuantumCircuit(4)
    for layer in range(3):
        for q in range(4):
            clifford.h(q) if (q + layer) % 2 else clifford.sx(q)
        clifford.cx(layer, (layer + 1) % 4)
        clifford.cx((layer + 2) % 4, (layer + 3) % 4)
    found = {"ghz": ghz, "fourier": fourier, "volume": volume, "clifford": clifford}
    options = {"basis_gates": BASIS, "optimization_level": 1, "seed_transpiler": 3}
    return {name: transpile(circuit, **options) for name, circuit in found.items()}


def models():
    """One model for each kind of error, and some of several kinds."""

    def of(one, two=None):
        model = NoiseModel(basis_gates=BASIS)
        model.add_all_qubit_quantum_error(one, ["h", "sx", "x", "rz"])
        model.add_all_qubit_quantum_error(two or one.tensor(one), ["cx"])
        return model

    def relaxing(t2, excited=0.0):
        return of(
            thermal_relaxation_error(50e3, t2, 100, excited),
            thermal_relaxation_error(50e3, t2, 600, excited).tensor(
                thermal_relaxation_error(70e3, t2 * 0.8, 600, excited)
            ),
        )

    turned = np.array([[np.cos(0.05), -1j * np.sin(0.05)], [-1j * np.sin(0.05), np.cos(0.05)]])
    zz = np.diag(np.exp(1j * np.array([-0.04, 0.04, 0.04, -0.04])))
    full = of(
        depolarizing_error(0.002, 1).compose(thermal_relaxation_error(50e3, 70e3, 100)),
        depolarizing_error(0.02, 2).compose(
            thermal_relaxation_error(50e3, 70e3, 600).tensor(
                thermal_relaxation_error(90e3, 40e3, 600)
            )
        ),
    )
    full.add_all_qubit_readout_error(ReadoutError([[0.98, 0.02], [0.05, 0.95]]))
    full.add_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]), [2])
    local = NoiseModel(basis_gates=BASIS)
    local.add_quantum_error(amplitude_damping_error(0.1), "sx", [1])
    local.add_quantum_error(depolarizing_error(0.1, 2), "cx", [0, 1])
    local.add_readout_error(ReadoutError([[0.7, 0.3], [0.1, 0.9]]), [0])
    kraus = [np.array([[1, 0], [0, np.sqrt(0.9)]]), np.array([[0, np.sqrt(0.1)], [0, 0]])]
    return {
        "depolarizing": of(depolarizing_error(0.01, 1), depolarizing_error(0.05, 2)),
        "pauli": of(pauli_error([("X", 0.02), ("Y", 0.01), ("Z", 0.03), ("I", 0.94)])),
        "amplitude damping": of(amplitude_damping_error(0.03, 0.1)),
        "phase damping": of(phase_damping_error(0.05)),
        "both damped": of(phase_amplitude_damping_error(0.02, 0.03, 0.1)),
        "relaxation, T2 below T1": relaxing(30e3),
        "relaxation, T2 above T1": relaxing(80e3, 0.05),
        "reset": of(reset_error(0.02, 0.01)),
        "coherent": of(coherent_unitary_error(turned), coherent_unitary_error(zz)),
        "kraus": of(kraus_error(kraus)),
        "full": full,
        "local": local,
    }


def devices():
    """Models that Aer makes of calibrations that were taken of real devices with cx gates."""
    from qiskit_ibm_runtime import fake_provider

    for name in ("FakeManilaV2", "FakeLagosV2", "FakeMumbaiV2", "FakeWashingtonV2"):
        backend = getattr(fake_provider, name)()
        yield name, backend, NoiseModel.from_backend(backend)


def measured(circuit, qubits=None):
    """With a measurement of these qubits, or of all, at the end."""
    qubits = qubits or range(circuit.num_qubits)
    out = QuantumCircuit(circuit.num_qubits, len(qubits))
    for gate in circuit.data:
        out.append(gate.operation, [circuit.find_bit(bit).index for bit in gate.qubits])
    out.measure(qubits, range(len(qubits)))
    return out


def misread(probabilities, model, n):
    """What is read, by the readout errors in the model's own document."""
    errors = [error for error in model.to_dict()["errors"] if error["type"] == "roerror"]
    everywhere = [error for error in errors if "gate_qubits" not in error]
    tensor = probabilities.reshape([2] * n)
    for q in range(n):
        own = [e for e in errors if (q,) in [tuple(on) for on in e.get("gate_qubits", [])]]
        for error in (own or everywhere)[:1]:
            # Rows are true values; the first axis is the last qubit.
            rows, axis = np.asarray(error["probabilities"]), n - 1 - q
            tensor = np.moveaxis(np.tensordot(rows, tensor, axes=(0, axis)), 0, axis)
    return tensor.reshape(-1)


class Check:
    """The program, where it may write, and what was found so far."""

    def __init__(self, program, scratch, long=False):
        self.program, self.folder, self.long = program, pathlib.Path(scratch), long
        self.compared, self.worst, self.drawn = 0, 0.0, 0

    def given(self, circuit, model, qubits=None):
        """The arguments that name a circuit and a model."""
        file, noise = self.folder / "circuit.qasm", self.folder / "noise.json"
        file.write_text(qasm2.dumps(measured(circuit, qubits)))
        noise.write_text(json.dumps(model.to_dict(serializable=True)))
        return [file, "--noise", noise, "--no-compile"]

    def same(self, name, given, expected):
        """Exact probabilities are the expected ones."""
        saving = ["--shots", 1, "--save", "probabilities", "-o", "method=density_matrix"]
        (found,) = ketch.run(self.program, *given, *saving)
        distance = aer.distance(np.asarray(found["data"]["probabilities"]), expected)
        if distance >= EXACT:
            raise AssertionError(f"{name}: total variation distance {distance:.1e}")
        self.worst = max(self.worst, distance)
        self.compared += 1

    def drawn_as(self, name, given, expected, method):
        """Counts of many shots are distributed as expected."""
        method = [] if method is None else ["-o", f"method={method}"]
        # Seeds of their own, or all runs would be lucky or unlucky together.
        seed = ["--seed", SEED + self.drawn]
        (found,) = ketch.run(self.program, *given, "--shots", SHOTS, *seed, *method)
        counts = found["counts"].items()
        seen = {int(bits.replace(" ", ""), 2): count for bits, count in counts}
        p, verdict = chi_square.test(dict(enumerate(expected)), seen)
        if p < FALSE_ALARM:
            raise AssertionError(f"{name}, {found['metadata']['method']}: {verdict}")
        print(f"{name}, {found['metadata']['method']}: {verdict}")
        self.drawn += 1

    def table(self):
        for kind, model in models().items():
            for name, circuit in circuits().items():
                given, expected = self.given(circuit, model), aer.probabilities(circuit, model)
                self.same(f"{kind} on {name}", given, expected)
                expected = misread(expected, model, circuit.num_qubits)
                if name == ("volume" if self.long else "fourier"):
                    self.drawn_as(f"{kind} on {name}", given, expected, "statevector")
                if name == "ghz" and kind in ("depolarizing", "pauli", "reset"):
                    self.drawn_as(f"{kind} on {name}", given, expected, "stabilizer")

    def devices(self):
        for device, backend, model in devices():
            for name, circuit in circuits().items():
                on_device = transpile(circuit, backend, optimization_level=1, seed_transpiler=5)
                small, active = onto_active(on_device)
                part = restricted(model, active)
                expected = aer.probabilities(small, part)
                title = f"{device} with {name} on qubits {active}"
                self.same(title, self.given(small, part), expected)
                if name == ("volume" if self.long else "fourier"):
                    # All of the device, and its own choice of the method.
                    given = self.given(on_device, model, active)
                    expected = misread(expected, part, len(active))
                    self.drawn_as(title, given, expected, None)

    def idle(self):
        """Qubits that wait relax as Aer's pass says behind Qiskit's scheduling.

        Delays that Qiskit put in relax exactly so. Where Ketch schedules, the backend is a device
        and gives counts.
        """
        device, lengths = waiting(self.program)
        configuration = device["configuration"]
        folder = self.folder / "devices"
        folder.mkdir()
        (folder / "waiting.json").write_text(json.dumps(device))
        os.environ["KETCH_NOISY_DEVICES"] = str(folder)
        model = NoiseModel(basis_gates=configuration["basis_gates"])
        for name, on, length in lengths:
            if length > 0:
                error = thermal_relaxation_error(T1S[on[0]], T2S[on[0]], length * TICK)
                for q in on[1:]:
                    error = thermal_relaxation_error(T1S[q], T2S[q], length * TICK).tensor(error)
                model.add_quantum_error(error, name, on)
        relaxation = [
            {"qubit": q, "T1": t1, "T2": t2} for q, (t1, t2) in enumerate(zip(T1S, T2S))
        ]
        noise = self.folder / "noise.json"
        document = {**model.to_dict(serializable=True), "relaxation": relaxation, "dt": TICK}
        noise.write_text(json.dumps(document))

        # The device does not say how long it measures, and nothing follows.
        known = [*lengths, ("measure", None, 0)]
        durations = InstructionDurations(known, dt=TICK)
        relax = RelaxationNoisePass(T1S, T2S, dt=TICK, op_types=Delay)
        moved = 0.0
        for method, analysis in (("alap", ALAPScheduleAnalysis), ("asap", ASAPScheduleAnalysis)):
            schedule = PassManager([
                TimeUnitConversion(durations), analysis(durations), PadDelay(durations=durations)
            ])  # fmt: skip
            for name, circuit in circuits().items():
                title = f"idle, {method}, {name}"
                on_device = transpile(
                    circuit, basis_gates=configuration["basis_gates"], seed_transpiler=5,
                    coupling_map=configuration["coupling_map"], optimization_level=1,
                )  # fmt: skip
                scheduled = until_measured(schedule.run(measured(on_device)))
                expected = aer.probabilities(relax(scheduled), model)
                without = aer.probabilities(on_device, model)
                moved = max(moved, float(np.abs(expected - without).sum() / 2))
                file = self.folder / "scheduled.qasm"
                file.write_text(qasm3.dumps(measured(scheduled)))
                self.same(title, [file, "--noise", noise, "--no-compile"], expected)
                file = self.folder / "circuit.qasm"
                file.write_text(qasm2.dumps(measured(on_device)))
                given = [file, "-b", "noisy/waiting", "--no-compile"]
                given += ["-o", f"scheduling_method={method}"]
                self.drawn_as(title, given, expected, "density_matrix")
        if moved < 0.01:
            raise AssertionError(f"waiting changes a distribution by {moved:.1e} at most")


def waiting(program):
    """A device whose only noise is that its qubits relax, and its gates' lengths in ticks."""
    shown = [program, "backend", "noisy/synthetic_5", "--json"]
    device = json.loads(subprocess.run(shown, capture_output=True, check=True).stdout)
    configuration, properties = device["configuration"], device["properties"]
    configuration["backend_name"] = properties["backend_name"] = "waiting"
    configuration["max_shots"] = SHOTS
    for numbers, t1, t2 in zip(properties["qubits"], T1S, T2S, strict=True):
        for number in numbers:
            if number["name"] in ("T1", "T2"):
                number.update(value=(t1 if number["name"] == "T1" else t2) * 1e6, unit="us")
            elif number["name"] != "frequency":
                number["value"] = 0.0
    lengths = []
    for gate in properties["gates"]:
        for number in gate["parameters"]:
            if number["name"] == "gate_error":
                number["value"] = 0.0
            if number["name"] == "gate_length":
                number.update(value=float(round(number["value"])), unit="ns")
                lengths.append((gate["gate"], gate["qubits"], int(number["value"])))
    return {"configuration": configuration, "properties": properties}, lengths


def until_measured(circuit):
    """What happens to each qubit before its measurement."""
    out, done = QuantumCircuit(*circuit.qregs), set()
    for gate in circuit.data:
        if gate.operation.name == "measure":
            done.update(gate.qubits)
        elif not done & set(gate.qubits):
            out.append(gate.operation, gate.qubits)
    return out


def onto_active(circuit):
    """The circuit on the qubits that gates act on alone, and which they are."""
    places = {bit: number for number, bit in enumerate(circuit.qubits)}
    active = sorted({places[bit] for gate in circuit.data for bit in gate.qubits})
    small = QuantumCircuit(len(active))
    for gate in circuit.data:
        if gate.operation.name != "barrier":
            small.append(gate.operation, [active.index(places[bit]) for bit in gate.qubits])
    return small, active


def restricted(model, active):
    """A model of some of a device's qubits, under new numbers."""
    errors = []
    for error in model.to_dict()["errors"]:
        if "gate_qubits" in error:
            on = [list(map(active.index, q)) for q in error["gate_qubits"] if set(q) <= set(active)]
            if not on:
                continue
            error = {**error, "gate_qubits": on}
        errors.append(error)
    return NoiseModel.from_dict({"errors": errors})


def main(program, scratch, long):
    check = Check(program, scratch, long)
    check.table()
    check.devices()
    check.idle()
    print(
        f"{check.compared} exact distributions agree, the furthest off by {check.worst:.1e} "
        f"(bound {EXACT}); {check.drawn} runs of {SHOTS} shots are distributed as they should be"
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], "--long" in sys.argv[3:])
