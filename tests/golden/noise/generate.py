"""Noise models of Qiskit Aer 0.18, as its own `to_dict(serializable=True)` writes them, with the
superoperator of each error beside it. Run: python generate.py OUT"""
import json, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import Kraus, SuperOp
from qiskit.circuit.library import UnitaryGate, RXGate, SXGate
import qiskit_aer.noise as n

def model(*adds):
    m = n.NoiseModel()
    for add in adds: add(m)
    return m

def on(error, name, *qubits):
    if qubits: return lambda m: m.add_quantum_error(error, name, list(qubits), warnings=False)
    return lambda m: m.add_all_qubit_quantum_error(error, name, warnings=False)

relax = n.thermal_relaxation_error(50e-6, 30e-6, 1e-6, 0.1)
slow = n.thermal_relaxation_error(50e-6, 80e-6, 1e-6)
u = np.array([[np.cos(.1), -1j*np.sin(.1)], [-1j*np.sin(.1), np.cos(.1)]])
rx = QuantumCircuit(2); rx.rx(.2, 0); rx.sx(1); rx.reset(0)
MODELS = {
  "depolarizing": model(on(n.depolarizing_error(.02, 1), ["x", "sx"]), on(n.depolarizing_error(.05, 2), "cx"), on(n.depolarizing_error(.1, 2), "cx", 0, 1)),
  "composed": model(on(n.depolarizing_error(.02, 2).compose(relax.expand(relax)), "cx"), on(relax, "x", 3), on(slow, "x", 3), on(n.depolarizing_error(.02, 2).compose(slow.expand(relax)), "cz", 1, 4)),
  "damping": model(on(n.phase_amplitude_damping_error(.1, .2, .3), "x"), on(n.amplitude_damping_error(.2), "y"), on(n.phase_damping_error(.3), "z"), on(n.reset_error(.1, .2), "reset")),
  "unitaries": model(on(n.coherent_unitary_error(u), "h"), on(n.mixed_unitary_error([(u, .25), (u.conj(), .5), (np.eye(2), .25)]), "s"), on(n.kraus_error([np.sqrt(.7) * u, np.sqrt(.3) * np.diag([1, 1j])]), "t"), on(n.QuantumError([(rx, .5), (QuantumCircuit(2), .5)]), "swap"), on(n.QuantumError([([(UnitaryGate(u, label="named"), [0])], 1.0)]), "named")),
  "pauli": model(on(n.PauliError(["XZ", "YI", "II"], [.1, .2, .7]), "cx"), on(n.PauliLindbladError(["XX", "ZI", "IY"], [.1, .2, .3]), "cz", 2, 0), on(n.pauli_error([("Y", .1), ("I", .9)]), "measure")),
  "readout": model(lambda m: m.add_all_qubit_readout_error([[.99, .01], [.05, .95]]), lambda m: m.add_readout_error([[.9, .1], [.2, .8]], [2]), lambda m: m.add_readout_error(np.kron([[.9, .1], [.2, .8]], [[.7, .3], [.4, .6]]), [0, 1])),
  "superop": model(on(n.QuantumError([([(SuperOp(Kraus([np.sqrt(.7) * u, np.sqrt(.3) * np.diag([1, 1j])])).to_instruction(), [0])], 1.0)]), "x")),
}

out = {}
for name, m in MODELS.items():
    d = m.to_dict(serializable=True)
    for e in d["errors"]: e.pop("id", None)
    supers = []
    for table, q in [(m._default_quantum_errors, None), (m._local_quantum_errors, True)]:
        for op, v in table.items():
            for qubits, err in ([((), v)] if q is None else v.items()):
                S = SuperOp(err).data
                supers.append({"operation": op, "qubits": list(qubits), "superop": [[[z.real, z.imag] for z in row] for row in S]})
    out[name] = {"model": d, "superops": supers}
json.dump(out, open(sys.argv[1], "w"), separators=(",", ":"))
