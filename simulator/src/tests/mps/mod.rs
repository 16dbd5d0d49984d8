//! Matrix product states against the reference and the state vector, and where those cannot follow.

mod circuits;
mod observed;
mod refusals;
mod truncated;
mod wide;

use ketch_interface::{
    Circuit, Complex64,
    circuit::{Op, PauliTerm, Qubit, Save, SaveKind, SaveSubtype},
};

use super::{options, run};
use crate::{Method, Options, Outcome, Saved, Truncation};

fn mps() -> Options {
    Options { method: Method::MatrixProductState, ..options() }
}

/// Without truncation: by default weights below 1e-16 go, which is 1e-8 in an amplitude.
fn exact() -> Options {
    let truncation = Truncation { threshold: 0.0, ..Truncation::default() };
    Options { truncation, ..mps() }
}

/// With at most so many Schmidt values of a bond.
fn at_most(bond: usize) -> Options {
    let truncation = Truncation { max_bond_dimension: Some(bond), ..Truncation::default() };
    Options { truncation, ..mps() }
}

fn vector(mut outcome: Outcome) -> Vec<Complex64> {
    match outcome.data.remove("statevector") {
        Some(Saved::Vector(amplitudes)) => amplitudes.to_vec(),
        other => panic!("expected a state, found {other:?}"),
    }
}

fn state(circuit: &Circuit) -> Vec<Complex64> {
    vector(run(circuit, &Options { final_state: true, shots: 1, ..exact() }))
}

fn saved_with(options: &Options, mut circuit: Circuit, kind: SaveKind, qubits: &[u32]) -> Saved {
    let key = kind.default_key().to_owned();
    let qubits: Vec<Qubit> = qubits.iter().copied().map(Qubit).collect();
    let save = Save { kind, key: key.clone(), subtype: SaveSubtype::Single };
    circuit.push(Op::Save(Box::new(save)), &qubits, &[], &[]).unwrap();
    run(&circuit, options).data.remove(&key).unwrap()
}

fn saved(circuit: Circuit, kind: SaveKind, qubits: &[u32]) -> Saved {
    saved_with(&mps(), circuit, kind, qubits)
}

fn expectation(circuit: Circuit, letters: &str, qubits: &[u32]) -> f64 {
    let term = PauliTerm { pauli: letters.to_owned(), coefficient: Complex64::ONE };
    match saved(circuit, SaveKind::ExpectationValue(vec![term]), qubits) {
        Saved::Number(value) => value,
        other => panic!("expected a number, found {other:?}"),
    }
}

/// Layers of random rotations and weak couplings of neighbours.
fn brickwork(n: u32, depth: u32, strength: f64) -> Circuit {
    let angle = |a: u32, b: u32| (f64::from(a * 131 + b * 17) * 0.713).sin() * 3.0;
    let mut circuit = Circuit::new(n, n);
    for layer in 0..depth {
        circuit = (0..n).fold(circuit, |circuit, q| circuit.ry(angle(layer, q), q));
        for q in (layer % 2..n - 1).step_by(2) {
            let coupling = strength * (1.0 + 0.5 * angle(q, layer).sin());
            circuit = circuit.cx(q, q + 1).rz(coupling, q + 1).cx(q, q + 1);
        }
    }
    circuit
}

fn ghz(n: u32) -> Circuit {
    (1..n).fold(Circuit::new(n, n).h(0), |circuit, i| circuit.cx(i - 1, i))
}
