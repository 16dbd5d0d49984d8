//! What circuits save, and snapshots.

use ketch_interface::{
    BitString, Circuit, Complex64, Matrix,
    circuit::{Op, PauliTerm, Qubit, Save, SaveKind, SaveSubtype, SetState, Snapshot},
};

use super::{distance, generic, generic_state, options, run};
use crate::{Cancel, Error, Options, Saved, reference, simulate};

fn save(circuit: &mut Circuit, kind: SaveKind, subtype: SaveSubtype, qubits: &[u32]) {
    let key = kind.default_key().to_owned();
    let qubits: Vec<Qubit> = qubits.iter().copied().map(Qubit).collect();
    let op = Op::Save(Box::new(Save { kind, key, subtype }));
    circuit.push(op, &qubits, &[], &[]).unwrap();
}

fn saved(mut circuit: Circuit, kind: SaveKind, qubits: &[u32]) -> Saved {
    let key = kind.default_key();
    save(&mut circuit, kind, SaveSubtype::Single, qubits);
    run(&circuit, &options()).data.remove(key).unwrap()
}

fn terms(terms: &[(&str, f64)]) -> Vec<PauliTerm> {
    let term = |&(pauli, weight): &(&str, f64)| PauliTerm {
        pauli: pauli.to_owned(),
        coefficient: Complex64::new(weight, 0.0),
    };
    terms.iter().map(term).collect()
}

/// Σ weight · P as a matrix.
fn observable(terms: &[(&str, f64)]) -> Matrix {
    let matrices: Vec<(Matrix, f64)> =
        terms.iter().map(|(pauli, weight)| (reference::pauli(pauli), *weight)).collect();
    let dim = matrices[0].0.dim();
    let entry = |i: usize| matrices.iter().map(|(m, weight)| m.entries()[i] * weight).sum();
    Matrix::new(dim, (0..dim * dim).map(entry).collect()).unwrap()
}

fn expectation(matrix: &Matrix, qubits: &[usize], state: &[Complex64]) -> f64 {
    let image = reference::applied(matrix, qubits, state);
    state.iter().zip(&image).map(|(a, b)| (a.conj() * b).re).sum()
}

#[test]
fn expectation_values_and_variances() {
    let state = generic_state(4);
    let sums: [&[(&str, f64)]; 4] = [
        &[("XYZ", 1.0)],
        &[("ZZI", 0.5), ("IXX", -1.5), ("YIY", 0.25)],
        &[("III", 2.0), ("ZII", 1.0), ("XII", 1.0), ("XZY", -0.7)],
        &[("XXI", 1.0), ("YYI", 1.0), ("ZZI", 1.0)],
    ];
    for sum in sums {
        let matrix = observable(sum);
        let qubits = [2, 0, 3];
        let value = expectation(&matrix, &qubits, &state);
        let variance = expectation(&matrix.product(&matrix), &qubits, &state) - value * value;
        let Saved::Number(found) =
            saved(generic(4), SaveKind::ExpectationValue(terms(sum)), &[2, 0, 3])
        else {
            panic!("expected a number")
        };
        assert!((found - value).abs() < 1e-12, "{sum:?}: {found} for {value}");
        let kind = SaveKind::ExpectationValueVariance(terms(sum));
        let Saved::Reals(found) = saved(generic(4), kind, &[2, 0, 3]) else {
            panic!("expected two numbers")
        };
        assert!((found[0] - value).abs() < 1e-12 && (found[1] - variance).abs() < 1e-12);
    }
}

#[test]
fn probabilities_and_amplitudes() {
    let state = generic_state(3);
    let Saved::Reals(found) = saved(generic(3), SaveKind::Probabilities, &[2, 0]) else {
        panic!("expected numbers")
    };
    for (value, probability) in found.iter().enumerate() {
        let same = |i: &usize| i >> 2 & 1 == value & 1 && i & 1 == value >> 1;
        let expected: f64 = (0..8).filter(same).map(|i| state[i].norm_sqr()).sum();
        assert!((probability - expected).abs() < 1e-12);
    }
    let some = vec![BitString::from_u64(3, 6), BitString::from_u64(3, 1)];
    let Saved::Vector(found) = saved(generic(3), SaveKind::Amplitudes(some.clone()), &[]) else {
        panic!("expected amplitudes")
    };
    assert!(distance(&found, &[state[6], state[1]]) < 1e-12);
    let Saved::Reals(found) = saved(generic(3), SaveKind::AmplitudesSquared(some), &[]) else {
        panic!("expected numbers")
    };
    assert!((found[0] - state[6].norm_sqr()).abs() < 1e-12);
}

#[test]
fn dictionaries_leave_out_zeros() {
    let bell = || Circuit::new(3, 0).h(0).cx(0, 2);
    let key = |value| BitString::from_u64(3, value);
    let Saved::Probabilities(found) = saved(bell(), SaveKind::ProbabilitiesDict, &[0, 1, 2]) else {
        panic!("expected probabilities")
    };
    assert_eq!(found.keys().cloned().collect::<Vec<_>>(), [key(0), key(5)]);
    let Saved::Amplitudes(found) = saved(bell(), SaveKind::StatevectorDict, &[]) else {
        panic!("expected amplitudes")
    };
    assert!((found[&key(5)] - 0.5_f64.sqrt()).norm() < 1e-12 && found.len() == 2);
}

#[test]
fn density_matrices_of_some_qubits() {
    let state = generic_state(4);
    let Saved::Matrix { dim, entries } = saved(generic(4), SaveKind::DensityMatrix, &[3, 1]) else {
        panic!("expected a matrix")
    };
    assert_eq!(dim, 4);
    let reduced = |index: usize| index >> 3 & 1 | (index >> 1 & 1) << 1;
    let others = |index: usize| index & 0b101;
    let mut expected = vec![Complex64::ZERO; 16];
    for a in 0..16 {
        for b in (0..16).filter(|&b| others(a) == others(b)) {
            expected[reduced(a) * 4 + reduced(b)] += state[a] * state[b].conj();
        }
    }
    assert!(distance(&entries, &expected) < 1e-12);
}

#[test]
fn a_state_in_the_middle_is_that_of_the_circuit_so_far() {
    let start = Circuit::new(3, 3).h(0).t(0).cx(0, 1).global_phased(0.4);
    let expected = reference::state(&start);
    let mut circuit = start;
    save(&mut circuit, SaveKind::Statevector, SaveSubtype::List, &[]);
    let circuit = circuit.h(2).measure_all();
    let outcome = run(&circuit, &Options { shots: 7, ..options() });
    let Some(Saved::List(states)) = outcome.data.get("statevector") else { panic!("{outcome:?}") };
    assert_eq!(states.len(), 7);
    let Saved::Vector(found) = &states[6] else { panic!("expected amplitudes") };
    assert!(distance(found, &expected) < 1e-12);
}

trait GlobalPhased {
    fn global_phased(self, phase: f64) -> Self;
}

impl GlobalPhased for Circuit {
    fn global_phased(mut self, phase: f64) -> Self {
        self.global_phase = phase;
        self
    }
}

#[test]
fn averages_are_over_shots_and_split_by_clbits() {
    let z = || SaveKind::ExpectationValue(terms(&[("Z", 1.0)]));
    let circuit = |subtype| {
        let mut circuit = Circuit::new(1, 1).ry(1.0, 0).measure(0, 0);
        save(&mut circuit, z(), subtype, &[0]);
        run(&circuit, &Options { shots: 1000, ..options() })
    };
    let outcome = circuit(SaveSubtype::Average);
    let ones = outcome.counts.unwrap().get("1") as f64;
    let Some(Saved::Number(average)) = outcome.data.get("expectation_value") else {
        panic!("expected a number")
    };
    assert!((average - (1.0 - 2.0 * ones / 1000.0)).abs() < 1e-9);
    let outcome = circuit(SaveSubtype::CAccum);
    let Some(Saved::ByClbits(by)) = outcome.data.get("expectation_value") else {
        panic!("expected values by clbits")
    };
    let one = by[&BitString::from_u64(1, 1)].clone();
    let Saved::Number(one) = one else { panic!("expected a number") };
    assert!((one + ones).abs() < 1e-9);
}

#[test]
fn averages_do_not_depend_on_threads() {
    let mut circuit = Circuit::new(2, 2).ry(1.0, 0).cx(0, 1).measure(0, 0).rx(0.3, 1);
    save(&mut circuit, SaveKind::DensityMatrix, SaveSubtype::Average, &[0, 1]);
    let with = |threads| run(&circuit, &Options { threads, shots: 500, ..options() }).data;
    assert_eq!(with(1), with(2));
    assert_eq!(with(1), with(3));
}

fn snapshot(circuit: &mut Circuit, kind: &str, paulis: Vec<PauliTerm>, qubits: &[u32]) {
    let qubits: Vec<Qubit> = qubits.iter().copied().map(Qubit).collect();
    let (kind, label) = (kind.to_owned(), "here".to_owned());
    let op = Op::Snapshot(Box::new(Snapshot { kind, label, paulis }));
    circuit.push(op, &qubits, &[], &[]).unwrap();
}

#[test]
fn snapshots_of_2018() {
    let mut circuit = generic(2);
    snapshot(&mut circuit, "statevector", vec![], &[]);
    snapshot(&mut circuit, "probabilities", vec![], &[1]);
    snapshot(&mut circuit, "expectation_value_pauli", terms(&[("ZX", 2.0)]), &[0, 1]);
    let snapshots = run(&circuit, &options()).snapshots;
    let state = generic_state(2);
    let [all, probabilities, pauli] = &snapshots[..] else { panic!("{snapshots:?}") };
    let Saved::Vector(amplitudes) = &all.values[0] else { panic!("expected amplitudes") };
    assert!(all.kind == "statevector" && all.label == "here" && all.values.len() == 1);
    assert!(distance(amplitudes, &state) < 1e-12);
    let Saved::Probabilities(found) = &probabilities.values[0] else { panic!("{probabilities:?}") };
    let one = state[2].norm_sqr() + state[3].norm_sqr();
    assert!((found[&BitString::from_u64(1, 1)] - one).abs() < 1e-12);
    let expected = 2.0 * expectation(&reference::pauli("ZX"), &[0, 1], &state);
    let Saved::Number(found) = pauli.values[0] else { panic!("expected a number") };
    assert!((found - expected).abs() < 1e-12);
}

#[test]
fn snapshots_of_the_memory_are_per_shot() {
    let mut circuit = Circuit::new(1, 2).h(0).measure(0, 0);
    snapshot(&mut circuit, "memory", vec![], &[]);
    let circuit = circuit.x(0).measure(0, 1);
    let outcome = run(&circuit, &Options { shots: 200, memory: true, ..options() });
    let values = &outcome.snapshots[0].values;
    assert_eq!(values.len(), 200);
    for (value, shot) in values.iter().zip(outcome.memory.unwrap().iter()) {
        let mut first = shot;
        first.set(1, false);
        assert_eq!(*value, Saved::Bits(first));
    }
}

#[test]
fn states_are_set() {
    let mut circuit = Circuit::new(2, 0).h(0);
    let op = Op::SetState(Box::new(SetState::Statevector(generic_state(2))));
    circuit.push(op, &[Qubit(0), Qubit(1)], &[], &[]).unwrap();
    let outcome = run(&circuit, &Options { final_state: true, ..options() });
    let Some(Saved::Vector(found)) = outcome.data.get("statevector") else { panic!("no state") };
    assert!(distance(found, &generic_state(2)) < 1e-12);
}

#[test]
fn runs_start_where_they_are_told() {
    let circuit = Circuit::new(2, 0).x(0);
    let initial = Some(generic_state(2).into());
    let with = Options { initial_state: initial, final_state: true, ..options() };
    let outcome = run(&circuit, &with);
    let Some(Saved::Vector(found)) = outcome.data.get("statevector") else { panic!("no state") };
    let s = generic_state(2);
    assert!(distance(found, &[s[1], s[0], s[3], s[2]]) < 1e-12);
    // A reset is not left out then.
    let outcome = run(&Circuit::new(2, 2).reset(0).reset(1).measure_all(), &with);
    assert_eq!(outcome.counts.unwrap().get("00"), 1024);
    let three = Circuit::new(3, 0);
    let refused = simulate(&three, &with, &Cancel::new());
    assert!(matches!(refused, Err(Error::BadValue { .. })));
}
