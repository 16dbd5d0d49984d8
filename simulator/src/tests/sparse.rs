//! The sparse method against the reference, and where nothing else can follow.

use ketch_interface::{
    BitString, Circuit, Complex64,
    circuit::{GATES, PauliTerm, Save, SaveKind, SaveSubtype},
};
use proptest::prelude::*;

use super::{distance, gates::random_gate, generic, options, run, sampling::assert_distributed};
use crate::{Cancel, Error, Method, Options, Saved, reference, simulate};

fn sparse() -> Options {
    Options { method: Method::Sparse, ..options() }
}

fn state(circuit: &Circuit) -> Vec<Complex64> {
    let with = Options { final_state: true, shots: 1, ..sparse() };
    match run(circuit, &with).data.remove("statevector") {
        Some(Saved::Vector(amplitudes)) => amplitudes.to_vec(),
        other => panic!("expected a state, found {other:?}"),
    }
}

#[test]
fn every_gate_with_controls_agrees_with_its_matrix() {
    let params = [0.3, -1.1, 2.3, 0.7];
    for info in GATES {
        for n_controls in 0..=5 - info.n_qubits.min(5) {
            let n_controls = n_controls.min(2);
            let qubits = [3, 0, 4, 1, 2];
            let (controls, rest) = qubits.split_at(n_controls as usize);
            let targets = &rest[..(info.n_qubits as usize).min(rest.len())];
            if targets.len() < info.n_qubits as usize {
                continue;
            }
            for pattern in 0..1_u64 << n_controls {
                let params = &params[..info.n_params as usize];
                let circuit = generic(5).controlled(info.gate, pattern, params, controls, targets);
                let off = distance(&state(&circuit), &reference::state(&circuit));
                assert!(off < 1e-12, "{} with {n_controls} controls: off by {off}", info.name);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn random_circuits_agree_with_the_reference(
        n in 1_u32..=6,
        phase in -4.0..4.0,
        gates in prop::collection::vec(
            (any::<usize>(), any::<u64>(), prop::array::uniform4(-7.0..7.0)), 0..40),
    ) {
        let mut circuit = gates.into_iter().fold(Circuit::new(n, 0), random_gate);
        circuit.global_phase = phase;
        let off = distance(&state(&circuit), &reference::state(&circuit));
        prop_assert!(off < 1e-10, "off by {off}\n{circuit:?}");
    }

    /// 4000 shots of gates, measurements, resets and conditions in random order.
    #[test]
    fn random_dynamic_circuits_are_distributed_as_they_should_be(
        seed in any::<u64>(),
        steps in prop::collection::vec((0..7, 0..3_u32, 0..3_u32, -3.0..3.0), 1..14),
    ) {
        let mut circuit = Circuit::new(3, 3);
        for (kind, a, b, angle) in steps {
            circuit = match kind {
                0 | 1 => circuit.u(angle, 0.3, 0.4, a),
                2 if a != b => circuit.cx(a, b),
                3 => circuit.measure(a, b),
                4 => circuit.reset(a),
                5 => circuit.if_equal(0, u64::from(b), |inside| inside.ry(angle, a)),
                6 => circuit.initialize(super::generic_state(1), &[a]),
                _ => circuit.h(a),
            };
        }
        let circuit = circuit.measure(2, 2);
        let outcome = run(&circuit, &Options { shots: 4000, seed, ..sparse() });
        assert_distributed(&outcome.counts.unwrap(), &reference::distribution(&circuit));
    }
}

/// Adds two registers of `n` bits by ripple carry (Cuccaro, Draper, Kutin and Moulton,
/// arXiv:quant-ph/0410184): b becomes a + b, the last qubit its carry.
fn adder(n: u32, a: &BitString, b: &BitString) -> Circuit {
    let (a_at, b_at) = (|i: u32| 1 + 2 * i, |i: u32| 2 + 2 * i);
    let carry = 2 * n + 1;
    let mut circuit = Circuit::new(2 * n + 2, n + 1);
    for i in 0..n {
        circuit = if a.get(i) { circuit.x(a_at(i)) } else { circuit };
        circuit = if b.get(i) { circuit.x(b_at(i)) } else { circuit };
    }
    let before = |i: u32| if i == 0 { 0 } else { a_at(i - 1) };
    for i in 0..n {
        circuit = circuit.cx(a_at(i), b_at(i)).cx(a_at(i), before(i));
        circuit = circuit.ccx(before(i), b_at(i), a_at(i));
    }
    circuit = circuit.cx(a_at(n - 1), carry);
    for i in (0..n).rev() {
        circuit = circuit.ccx(before(i), b_at(i), a_at(i));
        circuit = circuit.cx(a_at(i), before(i)).cx(before(i), b_at(i));
    }
    (0..n).fold(circuit, |circuit, i| circuit.measure(b_at(i), i)).measure(carry, n)
}

#[test]
fn sums_of_wide_numbers_are_right() {
    let (a, b) = (0xffff_ffff_ffff_fff0_u64, 0x1234_5678_9abc_def1_u64);
    let circuit = adder(64, &BitString::from_u64(64, a), &BitString::from_u64(64, b));
    let outcome = run(&circuit, &sparse());
    let sum = u128::from(a) + u128::from(b);
    let expected = BitString::from_words(65, &[sum as u64, (sum >> 64) as u64]);
    assert_eq!(outcome.counts.unwrap().of(&expected), 1024);
    assert_eq!(outcome.facts.bytes, 3 * 8 + 16);
}

fn ghz(n: u32) -> Circuit {
    (1..n).fold(Circuit::new(n, n).h(0), |circuit, i| circuit.cx(i - 1, i))
}

#[test]
fn ghz_states_of_any_width_have_two_outcomes() {
    for n in [1, 63, 64, 65, 128, 129, 1000] {
        let options = Options { memory: true, ..sparse() };
        let outcome = run(&ghz(n).measure_all(), &options);
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

fn saved(mut circuit: Circuit, kind: SaveKind, qubits: &[u32]) -> Saved {
    let key = kind.default_key().to_owned();
    let qubits: Vec<_> = qubits.iter().copied().map(ketch_interface::circuit::Qubit).collect();
    let save = Save { kind, key: key.clone(), subtype: SaveSubtype::Single };
    let op = ketch_interface::circuit::Op::Save(Box::new(save));
    circuit.push(op, &qubits, &[], &[]).unwrap();
    run(&circuit, &sparse()).data.remove(&key).unwrap()
}

#[test]
fn wide_states_are_saved_as_dictionaries() {
    let n = 130;
    let Saved::Amplitudes(amplitudes) = saved(ghz(n), SaveKind::StatevectorDict, &[]) else {
        panic!("expected amplitudes")
    };
    let half = 0.5_f64.sqrt();
    assert!(amplitudes.len() == 2 && amplitudes.values().all(|a| (a - half).norm() < 1e-12));
    let ends = [129, 0];
    let Saved::Matrix { dim, entries } = saved(ghz(n), SaveKind::DensityMatrix, &ends) else {
        panic!("expected a matrix")
    };
    // The rest of the qubits knows which it is, so the ends are a mixture.
    let mixed = [(0, 0.5), (15, 0.5)];
    let expected = |i| mixed.iter().find(|(at, _)| *at == i).map_or(0.0, |(_, value)| *value);
    assert!(dim == 4 && (0..16).all(|i| (entries[i] - expected(i)).norm() < 1e-12));
}

/// All X or all Y of a GHZ state: with 4k qubits 1 and 1, with 4k+2 qubits 1 and -1; an odd number
/// of Y flips the state to one that is orthogonal.
#[test]
fn pauli_strings_with_any_number_of_y() {
    for n in [4_u32, 66, 68, 130] {
        let value = |letters: String| {
            let term = PauliTerm { pauli: letters, coefficient: Complex64::ONE };
            let all: Vec<u32> = (0..n).collect();
            let kind = SaveKind::ExpectationValueVariance(vec![term]);
            match saved(ghz(n), kind, &all) {
                Saved::Reals(values) => (values[0], values[1]),
                other => panic!("expected numbers, found {other:?}"),
            }
        };
        let y = |k: u32| "Y".repeat(k as usize) + &"X".repeat((n - k) as usize);
        for k in [0, 1, 2, 3, n - 1, n] {
            let expected = [1.0, 0.0, -1.0, 0.0][k as usize % 4];
            let (found, variance) = value(y(k));
            assert!((found - expected).abs() < 1e-12, "{k} Y of {n}: {found}");
            assert!((variance - (1.0 - expected * expected)).abs() < 1e-12);
        }
    }
}

#[test]
fn what_is_not_sparse_is_refused_in_time() {
    let all = (0..60).fold(Circuit::new(60, 60), |circuit, qubit| circuit.h(qubit)).measure_all();
    let with = Options { max_memory: Some(1 << 20), ..sparse() };
    match simulate(&all, &with, &Cancel::new()) {
        Err(Error::InsufficientMemory { needed, available, .. }) => {
            assert!(available <= 1 << 20 && needed > 1 << 19 && needed < 1 << 25);
        }
        other => panic!("{other:?}"),
    }
}
