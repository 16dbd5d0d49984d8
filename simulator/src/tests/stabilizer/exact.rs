//! Values that do not depend on chance.

use std::collections::BTreeMap;

use ketch_interface::{
    BitString, Circuit, Complex64,
    circuit::{Initialize, Op, Qubit, SaveKind},
};

use super::{Draw, any_gate, gate, oracle::Plain, pauli, save, stabilizer, term};
use crate::{
    Method, Options, Saved,
    tests::{options, run},
};

fn both(circuit: &Circuit) -> [BTreeMap<String, Saved>; 2] {
    [Method::Stabilizer, Method::Statevector]
        .map(|method| run(circuit, &Options { method, shots: 1, ..options() }).data)
}

fn assert_close(a: &Saved, b: &Saved, what: &str) {
    let close = |a: f64, b: f64| (a - b).abs() < 1e-10;
    let same = match (a, b) {
        (Saved::Number(a), Saved::Number(b)) => close(*a, *b),
        (Saved::Reals(a), Saved::Reals(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| close(*a, *b))
        }
        (Saved::Probabilities(a), Saved::Probabilities(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && close(*a.1, *b.1))
        }
        _ => false,
    };
    assert!(same, "{what}: {a:?} and {b:?}");
}

/// Expectation values of random strings, a sum and its variance, probabilities of some qubits in
/// any order: all agree with the state vector.
#[test]
fn random_clifford_circuits_agree_with_the_state_vector() {
    for seed in 0..120 {
        let mut draw = Draw::new(seed);
        let n = 2 + draw.below(5);
        let mut circuit = Circuit::new(n, 0);
        for _ in 0..6 * n {
            circuit = any_gate(circuit, &mut draw);
        }
        let all: Vec<u32> = draw.different(n, n);
        let letters: Vec<String> = (0..6).map(|_| pauli(&mut draw, n as usize)).collect();
        for (place, letters) in letters.iter().enumerate() {
            let kind = SaveKind::ExpectationValue(vec![term(letters, 1.0)]);
            circuit = save(circuit, kind, &format!("string {place}"), &all);
        }
        let sum: Vec<_> = letters.iter().zip([0.5, -1.5, 2.0]).map(|(l, w)| term(l, w)).collect();
        circuit = save(circuit, SaveKind::ExpectationValueVariance(sum), "variance", &all);
        let k = 1 + draw.below(n);
        let some = draw.different(k, n);
        circuit = save(circuit, SaveKind::Probabilities, "probabilities", &some);
        circuit = save(circuit, SaveKind::ProbabilitiesDict, "dict", &some);
        let basis = (0..4).map(|_| BitString::from_u64(n, u64::from(draw.below(1 << n)))).collect();
        circuit = save(circuit, SaveKind::AmplitudesSquared(basis), "amplitudes", &[]);
        let [ours, expected] = both(&circuit);
        assert_eq!(ours.len(), 10);
        for (key, value) in &ours {
            assert_close(value, &expected[key], &format!("seed {seed}, {key}"));
        }
    }
}

/// The final state stabilizes what it says: each string has the expectation value 1 in the state
/// vector, and the strings are those of the plain tableau.
#[test]
fn saved_stabilizers_stabilize() {
    for seed in 0..40 {
        let mut draw = Draw::new(1000 + seed);
        let n = 2 + draw.below(4);
        let mut circuit = Circuit::new(n, 0);
        for _ in 0..5 * n {
            circuit = any_gate(circuit, &mut draw);
        }
        let saved = save(circuit.clone(), SaveKind::Stabilizer, "s", &[]);
        let data = run(&saved, &stabilizer(1)).data;
        let Some(Saved::Stabilizers { stabilizers, destabilizers }) = data.get("s") else {
            panic!("expected stabilizers, found {data:?}")
        };
        assert_eq!((stabilizers.len(), destabilizers.len()), (n as usize, n as usize));
        let all: Vec<u32> = (0..n).collect();
        for (place, string) in stabilizers.iter().enumerate() {
            let (sign, letters) = string.split_at(1);
            let weight = if sign == "-" { -1.0 } else { 1.0 };
            let kind = SaveKind::ExpectationValue(vec![term(letters, weight)]);
            circuit = save(circuit, kind, &place.to_string(), &all);
        }
        for (key, value) in &both(&circuit)[1] {
            assert_close(value, &Saved::Number(1.0), &format!("seed {seed}, {key}"));
        }
    }
}

/// More qubits than a word has bits, with measurements in between: every outcome that is certain,
/// and which ones are, agree with the plain tableau; so do all strings of the final state.
#[test]
fn wide_circuits_agree_with_the_plain_tableau() {
    for (seed, n) in [(1, 63), (2, 64), (3, 65), (4, 130), (5, 300)] {
        let mut draw = Draw::new(seed);
        let mut plain = Plain::new(n);
        let mut tableau = crate::stabilizer::Tableau::zero(n).unwrap();
        for step in 0..12 * n {
            let a = draw.below(n as u32);
            let b = (a + 1 + draw.below(n as u32 - 1)) % n as u32;
            use crate::stabilizer::Clifford::{Cx, H, S};
            let (gate, at, other) = (draw.below(10), a as usize, b as usize);
            match gate {
                0..=2 => {
                    plain.h(at);
                    tableau.apply(H(a));
                }
                3..=5 => {
                    plain.s(at);
                    tableau.apply(S(a));
                }
                6..=8 => {
                    plain.cx(at, other);
                    tableau.apply(Cx(a, b));
                }
                _ => {
                    let wanted = draw.below(2) == 1;
                    let (expected, random) = plain.measure(at, wanted);
                    let mut chosen = false;
                    let outcome = tableau.measure(at, || {
                        chosen = true;
                        wanted
                    });
                    assert_eq!((outcome, chosen), (expected, random), "{n} qubits, step {step}");
                    assert_eq!(tableau.certain(at), Some(outcome));
                }
            }
        }
        // The stabilizers may differ by products, so they are asked for their value.
        for row in &plain.rows[n..] {
            let places = |bits: &[bool]| {
                let set = bits.iter().enumerate().filter(|(_, bit)| **bit);
                set.map(|(place, _)| place).collect::<Vec<_>>()
            };
            let string = tableau.pauli(places(&row.x), places(&row.z));
            let expected = if row.minus { -1.0 } else { 1.0 };
            assert_eq!(tableau.expectation(&string), expected, "{}", Plain::text(row));
        }
    }
}

/// Without measurement the tableaus are the same row by row.
#[test]
fn the_strings_of_a_circuit_are_those_of_the_plain_tableau() {
    let n = 70;
    let mut draw = Draw::new(77);
    let (mut plain, mut circuit) = (Plain::new(n), Circuit::new(n as u32, 0));
    for _ in 0..1500 {
        let [a, b] = draw.different(2, n as u32)[..] else { unreachable!("two were drawn") };
        circuit = match draw.below(3) {
            0 => {
                plain.h(a as usize);
                circuit.h(a)
            }
            1 => {
                plain.s(a as usize);
                circuit.s(a)
            }
            _ => {
                plain.cx(a as usize, b as usize);
                circuit.cx(a, b)
            }
        };
    }
    let circuit = save(circuit, SaveKind::Clifford, "c", &[]);
    let texts: Vec<String> = plain.rows.iter().map(Plain::text).collect();
    let expected =
        Saved::Stabilizers { stabilizers: texts[n..].to_vec(), destabilizers: texts[..n].to_vec() };
    assert_eq!(run(&circuit, &stabilizer(3)).data["c"], expected);
}

#[test]
fn states_of_the_computational_basis_and_labels_are_prepared() {
    let letters: Vec<char> = "01+-rl".chars().collect();
    for &a in &letters {
        for &b in &letters {
            let mut circuit = Circuit::new(3, 0).h(0).cx(0, 1).h(2);
            let label = Op::Initialize(Box::new(Initialize::Labels(format!("{a}{b}"))));
            circuit.push(label, &[Qubit(2), Qubit(1)], &[], &[]).unwrap();
            for (key, string) in ["XX", "XZ", "ZY", "YY", "ZI", "IX", "YI"].iter().enumerate() {
                let kind = SaveKind::ExpectationValue(vec![term(string, 1.0)]);
                circuit = save(circuit, kind, &key.to_string(), &[2, 1]);
            }
            // The states are the same in every shot, but the reset in front of them is not.
            let [ours, expected] = both(&circuit);
            for (key, value) in &ours {
                assert_close(value, &expected[key], &format!("{a}{b}, {key}"));
            }
        }
    }
    let (zero, one) = (Complex64::ZERO, Complex64::I);
    let circuit = Circuit::new(2, 2).h(1).initialize(vec![zero, zero, one, zero], &[1, 0]);
    let counts = run(&circuit.measure_all(), &stabilizer(50)).counts.unwrap();
    assert_eq!(counts.get("01"), 50);
}

#[test]
fn probabilities_of_many_qubits_are_counted_by_their_coins() {
    let n = 200;
    let mut circuit = (1..n).fold(Circuit::new(n, 0).h(0), |c, q| c.cx(q - 1, q)).x(3);
    let all: Vec<u32> = (0..n).collect();
    circuit = save(circuit, SaveKind::ProbabilitiesDict, "dict", &all);
    let mut ones = BitString::zeros(n);
    (0..n).for_each(|q| ones.set(q, true));
    let mut low = BitString::zeros(n);
    low.set(3, true);
    let mut high = ones.clone();
    high.set(3, false);
    let kind = SaveKind::AmplitudesSquared(vec![low.clone(), high.clone(), ones]);
    circuit = save(circuit, kind, "amplitudes", &[]);
    let data = run(&circuit, &stabilizer(1)).data;
    let expected = BTreeMap::from([(low, 0.5), (high, 0.5)]);
    assert_eq!(data["dict"], Saved::Probabilities(expected));
    assert_eq!(data["amplitudes"], Saved::Reals(vec![0.5, 0.5, 0.0].into()));
}

#[test]
fn random_circuits_keep_their_stabilizers_through_swaps_and_resets() {
    for seed in 0..20 {
        let mut draw = Draw::new(300 + seed);
        let mut circuit = Circuit::new(5, 0);
        for _ in 0..30 {
            circuit = gate(circuit, &mut draw);
        }
        // A reset qubit is |0> whatever it was entangled with.
        circuit = circuit.reset(2);
        let kind = SaveKind::ExpectationValue(vec![term("Z", 1.0)]);
        let circuit = save(circuit, kind, "z", &[2]);
        assert_eq!(run(&circuit, &stabilizer(7)).data["z"], Saved::Number(1.0));
    }
}
