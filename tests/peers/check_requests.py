"""The provider for IBM Quantum against the models that IBM publishes and the encoder it uses.

A small service takes the jobs that `ketch run -b ibmq/...` sends. Each is held against the
published model of the sampler's parameters (ibm-quantum-schemas) and against the fields that IBM's
own client sends; the programs run on Aer, and the results go back as IBM's own encoder writes them.

Usage: check_requests.py KETCH SCRATCH
"""

import http.server
import inspect
import json
import os
import pathlib
import re
import subprocess
import sys
import threading

import qiskit_ibm_runtime
from ibm_quantum_schemas.sampler.version_0_1 import ParamsModel
from qiskit import QuantumCircuit, qasm3
from qiskit_aer.primitives import SamplerV2
from qiskit_ibm_runtime import RuntimeEncoder
from qiskit_ibm_runtime.api.rest.runtime import Runtime

import ketch

DEVICE = "fake_manila"
KEY = "a-key"
TOKEN = "a-token"
SHOTS = 100


class Service(http.server.BaseHTTPRequestHandler):
    """Takes every job, runs it at once, and remembers what was sent."""

    bodies = []
    paths = set()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        if self.path == "/identity/token":
            found = f"apikey={KEY}" in body and "grant_type=" in body
            self.answer({"access_token": TOKEN, "expires_in": 3600} if found else None)
        elif self.route() == "/jobs":
            self.bodies.append(json.loads(body))
            self.answer({"id": f"job-{len(self.bodies) - 1}", "backend": DEVICE})
        else:
            self.answer(None)

    def do_GET(self):
        route = self.route()
        device = f"/backends/{DEVICE}"
        job = re.fullmatch(r"/jobs/job-(\d+)(/results)?", route)
        if route == "/backends":
            self.answer({"devices": [{"name": DEVICE, "status": {"name": "online"}}]})
        elif route == device + "/status":
            state = {"state": True, "status": "active", "length_queue": 0, "backend_version": "1"}
            self.answer(state)
        elif route in (device + "/configuration", device + "/properties"):
            self.answer(json.loads(calibration(route.endswith("properties")).read_text()))
        elif job and job[2]:
            self.answer(result_of(self.bodies[int(job[1])]))
        elif job:
            self.answer({"id": f"job-{job[1]}", "backend": DEVICE, "state": {"status": "Completed"}})
        else:
            self.answer(None)

    def route(self):
        """The path below the API's base; empty for a question that IBM would refuse."""
        path = self.path.split("?")[0]
        authorized = self.headers["Authorization"] == f"Bearer {TOKEN}"
        versioned = re.fullmatch(r"\d{4}-\d\d-\d\d", self.headers["IBM-API-Version"] or "")
        known = authorized and versioned and path.startswith("/api/v1")
        self.paths.add(path)
        return path.removeprefix("/api/v1") if known else ""

    def answer(self, document):
        body = json.dumps(document, cls=RuntimeEncoder).encode()
        self.send_response(404 if document is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def calibration(properties):
    """A file of the device's calibration, as the client carries it."""
    folder = pathlib.Path(qiskit_ibm_runtime.__file__).parent / "fake_provider" / "backends"
    return folder / "manila" / ("props_manila.json" if properties else "conf_manila.json")


def result_of(body):
    """What a job comes to."""
    pubs = [(qasm3.loads(program), None, shots) for program, _, shots in body["params"]["pubs"]]
    return SamplerV2(seed=7).run(pubs).result()


def sent_by_the_client():
    """The fields of a job that IBM's client may send."""
    source = inspect.getsource(Runtime.program_run)
    return set(re.findall(r'payload\["(\w+)"\]', source)) | {"program_id", "params"}


def circuits():
    """Circuits, and the counts that they must come to; None where they are random."""
    known = QuantumCircuit(4, 4)
    known.x([0, 2])
    known.cx(2, 3)
    known.measure(range(4), range(4))

    registers = QuantumCircuit.from_qasm_str(
        'OPENQASM 2.0; include "qelib1.inc"; qreg q[3]; creg low[1]; creg high[11];'
        "x q[1]; measure q[0] -> low[0]; measure q[1] -> high[9];"
    )
    forward = QuantumCircuit(2, 2)
    forward.x(0)
    forward.measure(0, 0)
    with forward.if_test((forward.clbits[0], 1)):
        forward.x(1)
    forward.measure(1, 1)

    bell = QuantumCircuit(2, 2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure(range(2), range(2))
    return {
        "known": (known, {"1101": SHOTS}),
        "registers": (registers, {"01000000000 0": SHOTS}),
        "forward": (forward, {"11": SHOTS}),
        "bell": (bell, None),
    }


def main(program, scratch):
    scratch = pathlib.Path(scratch)
    os.environ["XDG_CONFIG_HOME"] = str(scratch / "config")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    subprocess.run([program, "account", "save", "--url", url], input=KEY, text=True, check=True)
    backend = ("-b", f"ibmq/{DEVICE}", "--shots", SHOTS)

    expected = circuits()
    for name, (circuit, counts) in expected.items():
        file = scratch / f"{name}.qasm"
        file.write_text(qasm3.dumps(circuit))
        (found,) = ketch.run(program, file, *backend)
        found = found["counts"]
        right = found == counts if counts else set(found) == {"00", "11"}
        if not right or sum(found.values()) != SHOTS:
            raise AssertionError(f"{name}: expected {counts}, found {found}")
    options = ["max_execution_time=60", "init_qubits=true", "rep_delay=0.0002"]
    options += ['twirling={"enable_measure":true}', 'dynamical_decoupling={"enable":true}']
    options = [word for option in options for word in ("-o", option)]
    ketch.run(program, scratch / "bell.qasm", *backend, *options)

    allowed = sent_by_the_client()
    for body in Service.bodies:
        if not set(body) <= allowed:
            raise AssertionError(f"IBM's client sends none of {sorted(set(body) - allowed)}")
        if body["program_id"] != "sampler" or not all(isinstance(tag, str) for tag in body["tags"]):
            raise AssertionError(body)
        ParamsModel.model_validate_json(json.dumps(body["params"]), strict=True)
    whole = ParamsModel.model_validate(Service.bodies[-1]["params"]).options
    told = (
        Service.bodies[-1]["cost"],
        whole.execution.init_qubits,
        whole.execution.rep_delay,
        whole.twirling.enable_measure,
        whole.dynamical_decoupling.enable,
    )
    if told != (60, True, 0.0002, True, True):
        raise AssertionError(f"options arrived as {told}")
    print(f"{len(Service.bodies)} jobs for IBM Quantum: as published, and their results are read")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
