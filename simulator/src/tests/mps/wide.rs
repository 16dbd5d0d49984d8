//! More qubits than any state vector has.

use ketch_interface::{
    BitString, Circuit,
    circuit::{Gate, SaveKind},
};

use super::{brickwork, expectation, ghz, mps, saved};
use crate::{Options, Saved, tests::run};

#[test]
fn ghz_states_of_any_width_have_two_outcomes() {
    for n in [1, 63, 64, 65, 129, 300] {
        let outcome = run(&ghz(n).measure_all(), &Options { memory: true, ..mps() });
        assert!(outcome.facts.bond_dimension.unwrap() <= 2);
        let counts = outcome.counts.unwrap();
        let mut ones = BitString::zeros(n);
        (0..n).for_each(|i| ones.set(i, true));
        let (zeros, ones) = (counts.of(&BitString::zeros(n)), counts.of(&ones));
        assert_eq!(zeros + ones, 1024);
        // Within 6 standard deviations: a false alarm once in 5 * 10^8 seeds.
        assert!(zeros.abs_diff(512) < 96, "{zeros} of 1024");
        assert_eq!(outcome.memory.unwrap().len(), 1024);
    }
}

/// The star: every gate reaches further, and sites move to each other.
#[test]
fn gates_between_distant_qubits() {
    let n = 70;
    let star = (1..n).fold(Circuit::new(n, n).h(0), |circuit, i| circuit.cx(0, i));
    let outcome = run(&star.clone().measure_all(), &mps());
    assert_eq!(outcome.facts.bond_dimension, Some(2));
    assert_eq!(outcome.counts.unwrap().len(), 2);
    let all: Vec<u32> = (0..n).collect();
    assert!((expectation(star.clone(), &"X".repeat(70), &all) - 1.0).abs() < 1e-12);
    // 70 is 4k + 2, so that all Y give -1.
    assert!((expectation(star.clone(), &"Y".repeat(70), &all) + 1.0).abs() < 1e-12);
    assert!(expectation(star.clone(), &format!("Y{}", "X".repeat(69)), &all).abs() < 1e-12);
    assert!((expectation(star.clone(), "ZZ", &[69, 3]) - 1.0).abs() < 1e-12);
    assert!((expectation(star, "II", &[69, 3]) - 1.0).abs() < 1e-12);
}

#[test]
fn a_gate_with_ninety_controls() {
    let n = 91;
    let controls: Vec<u32> = (0..90).collect();
    let flipped = |circuit: Circuit| circuit.controlled(Gate::X, u64::MAX, &[], &controls, &[90]);
    let all = (0..90).fold(Circuit::new(n, n), |circuit, q| circuit.x(q));
    let mut one_less = all.clone().x(17);
    one_less = flipped(one_less);
    assert!((expectation(flipped(all), "Z", &[90]) + 1.0).abs() < 1e-12);
    assert!((expectation(one_less, "Z", &[90]) - 1.0).abs() < 1e-12);
}

/// A Clifford circuit on 100 qubits, undone again: all measure 0, and nothing is left of the bonds.
#[test]
fn a_wide_circuit_and_its_inverse_do_nothing() {
    let n = 100;
    let mut gates: Vec<(u32, u32, u32)> = Vec::new();
    for layer in 0..6_u32 {
        gates.extend((0..n).map(|q| ((q * 7 + layer * 5) % 3, q, q)));
        gates.extend((layer % 2..n - 1).step_by(2).map(|q| (3 + (q + layer) % 2, q, q + 1)));
    }
    let apply = |circuit: Circuit, &(kind, a, b): &(u32, u32, u32), back: bool| match kind {
        0 => circuit.h(a),
        1 if back => circuit.sdg(a),
        1 => circuit.s(a),
        2 => circuit.x(a),
        3 => circuit.cx(a, b),
        _ => circuit.cz(b, a),
    };
    let there = gates.iter().fold(Circuit::new(n, n), |circuit, gate| apply(circuit, gate, false));
    let back = gates.iter().rev().fold(there, |circuit, gate| apply(circuit, gate, true));
    let outcome = run(&back.clone().measure_all(), &mps());
    assert_eq!(outcome.counts.unwrap().of(&BitString::zeros(n)), 1024);
    assert!(outcome.facts.bond_dimension.unwrap() > 1);
    let Saved::MatrixProductState { sites, weights } =
        saved(back, SaveKind::MatrixProductState, &[])
    else {
        panic!("expected a chain")
    };
    assert!(sites.len() == 100 && weights.len() == 99);
    assert!(weights.iter().all(|weights| weights.len() == 1));
}

/// A W state of 90 qubits, each of which is 1 in one of 90 shots.
#[test]
fn a_w_state_has_one_one() {
    let n = 90_u32;
    let mut circuit = Circuit::new(n, n).x(0);
    for i in 0..n - 1 {
        let angle = 2.0 * (1.0 / f64::from(n - i)).sqrt().acos();
        circuit = circuit.controlled(Gate::Ry, 1, &[angle], &[i], &[i + 1]).cx(i + 1, i);
    }
    let outcome = run(&circuit.measure_all(), &Options { shots: 9000, ..mps() });
    assert_eq!(outcome.facts.bond_dimension, Some(2));
    let counts = outcome.counts.unwrap();
    for (bits, shots) in counts.iter() {
        assert_eq!((0..n).filter(|&i| bits.get(i)).count(), 1);
        // 100 expected, deviation 9.9; 90 numbers within 6: a false alarm once in 5 * 10^6 seeds.
        assert!(shots.abs_diff(100) < 60, "{shots}");
    }
}

/// Teleportation down a chain of 40 qubits: measurements in the middle and corrections.
#[test]
fn measurements_in_the_middle_of_a_wide_circuit() {
    let n = 81;
    let mut circuit = Circuit::new(n, 3).ry(1.1, 0);
    for from in (0..n - 1).step_by(2) {
        let (a, b) = (from + 1, from + 2);
        circuit = circuit.h(a).cx(a, b).cx(from, a).h(from).measure(from, 0).measure(a, 1);
        circuit = circuit.if_equal(0, 1, |then| then.z(b)).if_equal(0, 2, |then| then.x(b));
        circuit = circuit.if_equal(0, 3, |then| then.x(b).z(b));
    }
    let circuit = circuit.ry(-1.1, n - 1).measure(n - 1, 2);
    let outcome = run(&circuit, &Options { shots: 50, ..mps() });
    assert!(!outcome.facts.sampled);
    assert!(outcome.counts.unwrap().iter().all(|(bits, _)| !bits.get(2)));
}

#[test]
fn outcomes_do_not_depend_on_the_number_of_threads() {
    let sampled = brickwork(30, 8, 0.6).measure_all();
    let dynamic = brickwork(12, 3, 0.6).measure(3, 3).reset(3).h(3).measure_all();
    for circuit in [sampled, dynamic] {
        let counts = [1, 2, 3].map(|threads| {
            let options = Options { threads, shots: 300, memory: true, ..mps() };
            run(&circuit, &options).memory.unwrap()
        });
        assert!(counts[0] == counts[1] && counts[1] == counts[2]);
    }
}
