"""The devices of MQT Core through the plugin `qdmi`: a simulator that runs jobs, and descriptions
of superconducting devices that run none.

The plugin is installed as its users do. The devices' libraries are used where pip put them. Counts
must be within six standard deviations, state vectors within TOLERANCE of those of Ketch's own
simulator, up to a global phase.

Usage: qdmi_devices.py KETCH PLUGIN SCRATCH VERSION
"""

import cmath
import importlib.util
import json
import math
import os
import pathlib
import subprocess
import sys

SHOTS = 4096
TOLERANCE = 1e-10
HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
DDSIM = "libmqt-core-qdmi-ddsim-device.so"
SC = "libmqt-core-qdmi-sc-device.so"

# Gates of one, two and three qubits, at angles that are no fractions of pi.
GATES = [
    "h q[0]; sx q[1]; ry(0.3) q[2]; cx q[0],q[1]; ccx q[0],q[1],q[2]; t q[2]; sdg q[0];",
    "u3(0.3,0.7,1.1) q[0]; u2(0.2,0.4) q[1]; u1(0.9) q[1]; rx(1.3) q[2]; swap q[0],q[2];",
    "h q[0]; h q[1]; h q[2]; cu1(0.4) q[0],q[1]; crz(0.8) q[1],q[2]; cswap q[0],q[1],q[2];",
    "h q[0]; ry(0.6) q[1]; rzz(0.5) q[0],q[1]; rxx(0.7) q[1],q[2]; ch q[0],q[2]; cy q[2],q[1];",
]


class Ketch:
    """`ketch` with directories of its own, and devices at these places."""

    def __init__(self, program, plugin, scratch, places):
        self.program = program
        self.scratch = pathlib.Path(scratch)
        words = {"data": "XDG_DATA_HOME", "cache": "XDG_CACHE_HOME", "config": "XDG_CONFIG_HOME"}
        self.environment = os.environ | {
            word: str(self.scratch / name) for name, word in words.items()
        }
        self.environment["KETCH_QDMI_DEVICES"] = os.pathsep.join(map(str, places))
        self.ok("provider", "install", plugin)

    def __call__(self, *arguments):
        command = [self.program, *map(str, arguments)]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=600
        )

    def ok(self, *arguments):
        done = self(*arguments)
        if done.returncode != 0:
            sys.exit(f"ketch {arguments} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def circuit(self, name, text):
        file = self.scratch / f"{name}.qasm"
        file.write_text(text)
        return file

    def run(self, circuit, backend, *options):
        (experiment,) = json.loads(self.ok("run", circuit, "-b", backend, "--json", *options))[
            "experiments"
        ]
        return experiment

    def refusal(self, circuit, backend, words):
        done = self("run", circuit, "-b", backend)
        if done.returncode == 0 or words not in done.stderr or "panicked" in done.stderr:
            sys.exit(f"expected a refusal with `{words}`, found {done.returncode}: {done.stderr}")
        print(f"refused: {done.stderr.splitlines()[0]}")


def main(program, plugin, scratch, version):
    (package,) = importlib.util.find_spec("mqt.core").submodule_search_locations
    libraries = next(place for place in pathlib.Path(package).glob("lib*") if (place / DDSIM).exists())
    manifests = bool(list(libraries.glob("*.qdmi.json")))
    places = [libraries] if manifests else [libraries / DDSIM, libraries / SC]
    ketch = Ketch(program, plugin, scratch, places)
    simulator, device = (
        ("qdmi/mqt.ddsim.default", "qdmi/mqt.sc.iqm.garnet") if manifests
        else ("qdmi/mqt_ddsim", "qdmi/mqt_sc")
    )  # fmt: skip

    listed = ketch.ok("backends")
    for backend in (simulator, device):
        expect(backend in listed, f"{backend} is not listed in\n{listed}")
    describe(ketch, simulator, device, version)
    count(ketch, simulator)
    states(ketch, simulator)
    errors(ketch, simulator, device, version)
    if manifests:
        check(ketch, plugin, simulator)
    print(f"QDMI {version}: the devices do what they say")


def expect(holds, otherwise):
    if not holds:
        sys.exit(otherwise)


def describe(ketch, simulator, device, version):
    told = json.loads(ketch.ok("backend", simulator, "--json"))["configuration"]
    expect(told["qdmi"]["version"].startswith(version), f"of version {told['qdmi']}")
    expect(told["n_qubits"] == 65535 and told["simulator"], f"{told['n_qubits']} qubits")
    expect("coupling_map" not in told, "all qubits of a simulator are coupled")
    missing = {"h", "cx", "u3", "ccx", "mcx", "rzz"} - set(told["basis_gates"])
    expect(not missing, f"lacks {missing}")
    answer = json.loads(ketch.ok("backend", device, "--json"))
    told = answer["configuration"]
    expect(set(told["basis_gates"]) == {"r", "cz"}, f"has {told['basis_gates']}")
    expect(not told["simulator"] and told["coupling_map"], "the device has no coupling map")
    if version != "1.3":
        t1 = [number for number in answer["properties"]["qubits"][0] if number["name"] == "T1"]
        expect(t1[0]["value"] > 0, f"qubit 0 has T1 {t1}")


def count(ketch, simulator):
    for qubits in (2, 5):
        ghz = "".join(f"cx q[{i}],q[{i + 1}];" for i in range(qubits - 1))
        text = f"{HEAD}qreg q[{qubits}];creg c[{qubits}];h q[0];{ghz}measure q -> c;"
        counts = ketch.run(ketch.circuit("ghz", text), simulator, "-s", SHOTS)["counts"]
        expect(set(counts) == {"0" * qubits, "1" * qubits}, f"GHZ: {counts}")
        expect(sum(counts.values()) == SHOTS, f"GHZ: {counts}")
        expect(abs(counts["0" * qubits] - SHOTS / 2) < 3 * math.sqrt(SHOTS), f"GHZ: {counts}")
        print(f"{qubits} qubits: {counts}")
    # Which bit is whose shows only where outcomes are not their own mirror images.
    text = f"{HEAD}qreg a[2];qreg b[1];creg c[2];creg d[1];x a[1];measure a[1]->c[0];measure b[0]->d[0];"
    counts = ketch.run(ketch.circuit("order", text), simulator, "-s", 10)["counts"]
    expect(counts == {"0 01": 10}, f"the order of bits: {counts}")
    # Later gates depend on what was measured.
    text = f"{HEAD}qreg q[2];creg c[1];creg d[1];h q[0];measure q[0]->c[0];if(c==1) x q[1];measure q[1]->d[0];"
    counts = ketch.run(ketch.circuit("conditional", text), simulator, "-s", SHOTS)["counts"]
    expect(set(counts) == {"0 0", "1 1"}, f"a condition: {counts}")


def states(ketch, simulator):
    worst = 0.0
    for place, gates in enumerate(GATES):
        file = ketch.circuit(f"state_{place}", f"{HEAD}qreg q[3];{gates}")
        found, expected = (
            [complex(*pair) for pair in ketch.run(file, backend, "--save", "statevector")["data"]["statevector"]]
            for backend in (simulator, "local/statevector_simulator")
        )  # fmt: skip
        overlap = sum(a.conjugate() * b for a, b in zip(found, expected))
        phase = cmath.exp(1j * cmath.phase(overlap))
        worst = max(worst, *(abs(a * phase - b) for a, b in zip(found, expected)))
    expect(worst < TOLERANCE, f"amplitudes differ by {worst:.3g}")
    print(f"{len(GATES)} state vectors: amplitudes differ by at most {worst:.1e}")


def errors(ketch, simulator, device, version):
    bell = ketch.circuit("bell", f"{HEAD}qreg q[2];creg c[2];h q[0];cx q[0],q[1];measure q -> c;")
    ketch.refusal(bell, device, "does not support running circuits: it takes no OpenQASM")
    opaque = ketch.circuit("opaque", f"{HEAD}opaque magic a;qreg q[1];creg c[1];magic q[0];measure q -> c;")
    ketch.refusal(opaque, simulator, "`magic`")
    wide = "".join(f"qreg q{i}[1000];" for i in range(66))
    ketch.refusal(ketch.circuit("wide", f"{HEAD}{wide}creg c[1];measure q0[0]->c[0];"), simulator, "65535 qubits")
    if version == "1.4":
        # OpenQASM 2 has no words for the condition, and MQT's OpenQASM 3 wants every bit written.
        text = 'OPENQASM 3.0;include "stdgates.inc";bit[2] c;qubit[2] q;c[0] = measure q[0];if (c[0]) { x q[1]; }'
        ketch.refusal(ketch.circuit("unwritten", text), simulator, "is not fully initialized")


def check(ketch, plugin, simulator):
    name = simulator.removeprefix("qdmi/")
    done = ketch("provider", "check", plugin, "--backend", name, "--json", "--time-limit", "2m")
    report = json.loads(done.stdout)
    failed = [line for line in report["checks"] if line["outcome"] == "failed"]
    expect(report["conformant"] and report["passed"] >= 100, f"the contract: {failed}")
    print(f"the contract: {report['passed']} checks passed, {report['not_applicable']} not applicable")


if __name__ == "__main__":
    main(*sys.argv[1:])
