//! The stabilizer engine against the state vector, the definition, and a plain tableau.

mod exact;
mod frames;
mod noise;
mod oracle;
mod refusals;

use std::f64::consts::FRAC_PI_2;

use ketch_interface::{
    Circuit,
    circuit::{GATES, Op, PauliTerm, Qubit, Save, SaveKind, SaveSubtype},
};

use super::{options, run};
use crate::{Method, Options, Outcome, rng::ShotRandom};

/// Draws for random circuits.
struct Draw(ShotRandom);

impl Draw {
    fn new(seed: u64) -> Self {
        Self(ShotRandom::new(seed, 0))
    }

    /// One of `0..n`.
    fn below(&mut self, n: u32) -> u32 {
        (self.0.uniform() * f64::from(n)) as u32
    }

    /// `k` different ones of `0..n`.
    fn different(&mut self, k: u32, n: u32) -> Vec<u32> {
        let mut all: Vec<u32> = (0..n).collect();
        (0..k).map(|left| all.swap_remove(self.below(n - left) as usize)).collect()
    }
}

/// A random gate of the table that is Clifford, on random qubits, with and without controls.
fn any_gate(circuit: Circuit, draw: &mut Draw) -> Circuit {
    let n = circuit.n_qubits();
    loop {
        let info = &GATES[draw.below(GATES.len() as u32) as usize];
        let params: Vec<f64> =
            (0..info.n_params).map(|_| f64::from(draw.below(8)) * FRAC_PI_2).collect();
        let controls = if draw.below(3) == 0 { 1 } else { 0 };
        if info.n_qubits == 0 || info.n_qubits + controls > n.min(4) {
            continue;
        }
        let matrix = info.gate.matrix(&params).controlled(controls, u64::from(controls));
        if crate::stabilizer::is_clifford(&matrix) {
            let qubits = draw.different(info.n_qubits + controls, n);
            return circuit.gate(info.gate, controls as u16, &params, &qubits);
        }
    }
}

/// A gate of a few that scramble fast.
fn gate(circuit: Circuit, draw: &mut Draw) -> Circuit {
    let n = circuit.n_qubits();
    let [a, b] = draw.different(2, n)[..] else { unreachable!("two were drawn") };
    match draw.below(8) {
        0 | 1 => circuit.h(a),
        2 => circuit.s(a),
        3 => circuit.sx(a),
        4 => circuit.cz(a, b),
        5 => circuit.swap(a, b),
        6 => circuit.y(a),
        _ => circuit.cx(a, b),
    }
}

fn stabilizer(shots: u64) -> Options {
    Options { method: Method::Stabilizer, shots, ..options() }
}

fn sampled(circuit: &Circuit, shots: u64) -> Outcome {
    let outcome = run(circuit, &stabilizer(shots));
    assert!(outcome.facts.sampled, "{:?}", outcome.facts.notes);
    outcome
}

fn save(mut circuit: Circuit, kind: SaveKind, key: &str, qubits: &[u32]) -> Circuit {
    let save = Save { kind, key: key.to_owned(), subtype: SaveSubtype::Single };
    let qubits: Vec<Qubit> = qubits.iter().map(|&qubit| Qubit(qubit)).collect();
    circuit.push(Op::Save(Box::new(save)), &qubits, &[], &[]).unwrap();
    circuit
}

fn term(pauli: &str, weight: f64) -> PauliTerm {
    PauliTerm { pauli: pauli.to_owned(), coefficient: weight.into() }
}

/// A random string, mostly of letters other than I.
fn pauli(draw: &mut Draw, n: usize) -> String {
    (0..n).map(|_| b"IXYZ"[draw.below(4) as usize] as char).collect()
}
