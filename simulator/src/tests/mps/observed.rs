//! Saves of every kind.

use ketch_interface::{
    BitString, Circuit, Complex64,
    circuit::{PauliTerm, SaveKind},
};

use super::{brickwork, ghz, saved, saved_with};
use crate::{
    Method, Options, Saved,
    tests::{distance, options},
};

#[test]
fn a_saved_chain_is_the_state() {
    let circuit = random_order(brickwork(7, 6, 1.3));
    let exact = crate::tests::state(&circuit, crate::Precision::Double);
    let Saved::MatrixProductState { sites, weights } = saved(circuit, SaveKind::State, &[]) else {
        panic!("expected a chain")
    };
    for (index, expected) in exact.iter().enumerate() {
        let mut row = vec![Complex64::ONE];
        for (qubit, tensors) in sites.iter().enumerate() {
            let tensor = &tensors[index >> qubit & 1];
            let entry = |column: usize| {
                let terms =
                    (0..tensor.rows).map(|k| row[k] * tensor.entries[k * tensor.columns + column]);
                let weight = weights.get(qubit).map_or(1.0, |weights| weights[column]);
                terms.sum::<Complex64>() * weight
            };
            row = (0..tensor.columns).map(entry).collect();
        }
        assert!((row[0] - expected).norm() < 1e-10);
    }
    let norms = weights.iter().map(|weights| weights.iter().map(|w| w * w).sum::<f64>());
    norms.for_each(|norm| assert!((norm - 1.0).abs() < 1e-12));
}

/// The same circuit behind swaps and gates that move its sites.
fn random_order(circuit: Circuit) -> Circuit {
    circuit.swap(0, 5).cx(1, 6).swap(2, 3).cz(0, 4).ccx(5, 1, 3).swap(6, 0)
}

#[test]
fn saves_agree_with_the_state_vector() {
    let circuit = random_order(brickwork(7, 5, 1.1));
    let dense = Options { method: Method::Statevector, ..options() };
    let term = |pauli: &str, weight: f64| PauliTerm {
        pauli: pauli.to_owned(),
        coefficient: weight.into(),
    };
    let states = [0_u64, 5, 77, 127].map(|i| BitString::from_u64(7, i)).to_vec();
    let sum = vec![term("XYZ", 0.5), term("ZZI", -1.5), term("IIY", 0.7), term("III", 0.2)];
    let kinds = [
        (SaveKind::Statevector, vec![]),
        (SaveKind::StatevectorDict, vec![]),
        (SaveKind::DensityMatrix, vec![3]),
        (SaveKind::DensityMatrix, vec![5, 0, 3]),
        (SaveKind::Probabilities, vec![6, 1, 2, 0]),
        (SaveKind::Probabilities, vec![3, 5]),
        (SaveKind::ProbabilitiesDict, vec![0, 1, 2, 3, 4, 5, 6]),
        (SaveKind::ExpectationValue(sum.clone()), vec![4, 0, 6]),
        (SaveKind::ExpectationValueVariance(sum), vec![1, 6, 2]),
        (SaveKind::Amplitudes(states.clone()), vec![]),
        (SaveKind::AmplitudesSquared(states), vec![]),
    ];
    for (kind, qubits) in kinds {
        let found = saved(circuit.clone(), kind.clone(), &qubits);
        let expected = saved_with(&dense, circuit.clone(), kind, &qubits);
        let off = match (&found, &expected) {
            (Saved::Number(a), Saved::Number(b)) => (a - b).abs(),
            (Saved::Reals(a), Saved::Reals(b)) => {
                a.iter().zip(&b[..]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
            }
            (Saved::Vector(a), Saved::Vector(b))
            | (Saved::Matrix { entries: a, .. }, Saved::Matrix { entries: b, .. }) => {
                distance(a, b)
            }
            (Saved::Probabilities(a), Saved::Probabilities(b)) => {
                assert!(a.keys().eq(b.keys()));
                a.values().zip(b.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
            }
            (Saved::Amplitudes(a), Saved::Amplitudes(b)) => {
                assert!(a.keys().eq(b.keys()));
                a.values().zip(b.values()).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max)
            }
            other => panic!("not of one kind: {other:?}"),
        };
        assert!(off < 1e-10, "{found:?} on {qubits:?}: off by {off}");
    }
}

/// Some qubits of a wide state, the basis states of all of it, and amplitudes by wide indices.
#[test]
fn wide_states_are_saved_in_parts() {
    let n = 130;
    let Saved::Amplitudes(amplitudes) = saved(ghz(n), SaveKind::StatevectorDict, &[]) else {
        panic!("expected amplitudes")
    };
    let half = 0.5_f64.sqrt();
    assert!(amplitudes.len() == 2 && amplitudes.values().all(|a| (a - half).norm() < 1e-12));
    let keys: Vec<BitString> = amplitudes.keys().cloned().collect();
    let Saved::Vector(named) = saved(ghz(n), SaveKind::Amplitudes(keys), &[]) else {
        panic!("expected amplitudes")
    };
    assert!(named.iter().all(|a| (a - half).norm() < 1e-12));
    let Saved::Matrix { dim, entries } = saved(ghz(n), SaveKind::DensityMatrix, &[129, 0]) else {
        panic!("expected a matrix")
    };
    let expected = |i| if i == 0 || i == 15 { 0.5 } else { 0.0 };
    assert!(dim == 4 && (0..16).all(|i| (entries[i] - expected(i)).norm() < 1e-12));
}
