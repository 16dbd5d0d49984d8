//! Matrix product states against the reference and the state vector, and where those cannot follow.

use ketch_interface::{
    BitString, Circuit, Complex64, Matrix,
    circuit::{GATES, Gate, Op, PauliTerm, Qubit, Save, SaveKind, SaveSubtype},
    noise::Channel,
};
use proptest::prelude::*;

use super::{distance, gates::random_gate, generic, options, run, sampling::assert_distributed};
use crate::{Cancel, Error, Method, Options, Outcome, Saved, Truncation, reference, simulate};

fn mps() -> Options {
    Options { method: Method::MatrixProductState, ..options() }
}

/// With at most so many Schmidt values of a bond.
fn at_most(bond: usize) -> Options {
    let truncation =
        Truncation { max_bond_dimension: Some(bond), ..Truncation::default() };
    Options { truncation, ..mps() }
}

fn vector(mut outcome: Outcome) -> Vec<Complex64> {
    match outcome.data.remove("statevector") {
        Some(Saved::Vector(amplitudes)) => amplitudes.to_vec(),
        other => panic!("expected a state, found {other:?}"),
    }
}

fn state(circuit: &Circuit) -> Vec<Complex64> {
    vector(run(circuit, &Options { final_state: true, shots: 1, ..mps() }))
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

#[test]
fn every_gate_with_controls_agrees_with_its_matrix() {
    let params = [0.3, -1.1, 2.3, 0.7];
    for info in GATES {
        for n_controls in 0..=3.min(5 - info.n_qubits) {
            for qubits in [[3, 0, 4, 1, 2], [0, 1, 2, 3, 4], [4, 2, 3, 0, 1]] {
                let (controls, rest) = qubits.split_at(n_controls as usize);
                let targets = &rest[..info.n_qubits as usize];
                for pattern in 0..1_u64 << n_controls {
                    let params = &params[..info.n_params as usize];
                    let circuit =
                        generic(5).controlled(info.gate, pattern, params, controls, targets);
                    let off = distance(&state(&circuit), &reference::state(&circuit));
                    assert!(off < 1e-12, "{} with {n_controls} controls: {off}", info.name);
                }
            }
        }
    }
}

#[test]
fn matrices_diagonals_multiplexers_and_paulis_agree() {
    let u = Gate::U.matrix(&[0.4, 1.2, -0.7]);
    let three = Gate::Rccx.matrix(&[]).product(&Gate::H.matrix(&[]).controlled(2, 1));
    let diagonal: Vec<Complex64> = (0..16).map(|i| Complex64::cis(f64::from(i * i))).collect();
    let arms = |n: i32| (0..n).map(|i| Gate::Ry.matrix(&[f64::from(i)])).collect::<Vec<_>>();
    let labelled = |value| ketch_interface::circuit::Labelled { label: None, value };
    let two = u.controlled(1, 0);
    let unitary = |matrix: &Matrix| Op::Unitary(Box::new(labelled(matrix.clone())));
    let ops = [
        (unitary(&u), 1),
        (unitary(&two), 2),
        (unitary(&three), 3),
        (unitary(&three.controlled(2, 2)), 5),
        (Op::Diagonal(diagonal[..4].into()), 2),
        (Op::Diagonal(diagonal[..].into()), 4),
        (Op::Multiplexer(arms(4).into()), 3),
        (Op::Multiplexer(arms(64).into()), 7),
        (Op::Multiplexer([two.clone(), two.adjoint()].into()), 3),
        (Op::Pauli("YXYZ".into()), 4),
    ];
    for (op, size) in ops {
        for order in [[0, 1, 2, 3, 4, 5, 6], [6, 2, 5, 1, 0, 4, 3], [3, 5, 1, 6, 0, 2, 4]] {
            let qubits: Vec<Qubit> = order[..size].iter().copied().map(Qubit).collect();
            let mut circuit = generic(7);
            circuit.push(op.clone(), &qubits, &[], &[]).unwrap();
            let off = distance(&state(&circuit), &reference::state(&circuit));
            assert!(off < 1e-12, "{} on {qubits:?}: off by {off}", op.name());
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

    /// Gates, then states in the middle, then gates: what is read leaves the state as it is.
    #[test]
    fn wider_circuits_agree_with_the_state_vector(
        n in 7_u32..=10,
        gates in prop::collection::vec(
            (any::<usize>(), any::<u64>(), prop::array::uniform4(-7.0..7.0)), 0..40),
        more in prop::collection::vec(
            (any::<usize>(), any::<u64>(), prop::array::uniform4(-7.0..7.0)), 0..20),
    ) {
        let circuit = gates.into_iter().fold(Circuit::new(n, 0), random_gate);
        let read = [4, 0, 6];
        let before = saved(circuit.clone(), SaveKind::DensityMatrix, &read);
        let dense = Options { method: Method::Statevector, ..options() };
        let exact = saved_with(&dense, circuit.clone(), SaveKind::DensityMatrix, &read);
        let (Saved::Matrix { entries: a, .. }, Saved::Matrix { entries: b, .. }) = (before, exact)
        else { panic!("expected matrices") };
        prop_assert!(distance(&a, &b) < 1e-10);
        let circuit = more.into_iter().fold(circuit, random_gate);
        let exact = super::state(&circuit, crate::Precision::Double);
        prop_assert!(distance(&state(&circuit), &exact) < 1e-10);
    }

    /// 4000 shots of gates, measurements, resets and conditions in random order.
    #[test]
    fn random_dynamic_circuits_are_distributed_as_they_should_be(
        seed in any::<u64>(),
        steps in prop::collection::vec((0..8, 0..4_u32, 0..3_u32, -3.0..3.0), 1..14),
    ) {
        let mut circuit = Circuit::new(4, 3);
        for (kind, a, b, angle) in steps {
            circuit = match kind {
                0 | 1 => circuit.u(angle, 0.3, 0.4, a),
                2 if a != b => circuit.cx(a, b),
                3 => circuit.measure(a, b),
                4 => circuit.reset(a),
                5 => circuit.if_equal(0, u64::from(b), |inside| inside.ry(angle, a)),
                6 if a != b => circuit.initialize(super::generic_state(2), &[a, b]),
                7 if a != b => circuit.swap(a, b),
                _ => circuit.h(a),
            };
        }
        let circuit = circuit.measure(2, 2);
        let outcome = run(&circuit, &Options { shots: 4000, seed, ..mps() });
        assert_distributed(&outcome.counts.unwrap(), &reference::distribution(&circuit));
    }

    /// Shots drawn from one state, of some of the qubits, in any order.
    #[test]
    fn measurements_at_the_end_are_distributed_as_they_should_be(
        seed in any::<u64>(),
        order in any::<u64>(),
        gates in prop::collection::vec(
            (any::<usize>(), any::<u64>(), prop::array::uniform4(-7.0..7.0)), 0..30),
    ) {
        let mut circuit = gates.into_iter().fold(Circuit::new(5, 3), random_gate);
        for clbit in 0..3 {
            circuit = circuit.measure(((order >> (8 * clbit)) % 5) as u32, clbit as u32);
        }
        let outcome = run(&circuit, &Options { shots: 4000, seed, ..mps() });
        prop_assert!(outcome.facts.sampled);
        assert_distributed(&outcome.counts.unwrap(), &reference::distribution(&circuit));
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

#[test]
fn what_is_left_out_is_as_much_as_is_said() {
    let circuit = brickwork(10, 10, 1.0);
    let exact = super::state(&circuit, crate::Precision::Double);
    for bond in [2, 4, 8, 16, 32] {
        let outcome =
            run(&circuit, &Options { final_state: true, shots: 1, ..at_most(bond) });
        let (largest, discarded) =
            (outcome.facts.bond_dimension.unwrap(), outcome.facts.discarded_weight.unwrap());
        let found = vector(outcome);
        let overlap: Complex64 = exact.iter().zip(&found).map(|(a, b)| a.conj() * b).sum();
        let lost = 1.0 - overlap.norm_sqr();
        assert!(largest <= bond);
        let norm: f64 = found.iter().map(Complex64::norm_sqr).sum();
        assert!((norm - 1.0).abs() < 1e-9, "norm {norm} at bond {bond}");
        match bond {
            32 => assert!(lost < 1e-12 && discarded < 1e-13, "{lost} {discarded}"),
            // Errors of the steps add up as if they were independent, up to a small factor.
            _ => assert!(
                lost < 3.0 * discarded && (discarded > 0.5 || lost > 0.1 * discarded),
                "bond {bond}: lost {lost}, said {discarded}"
            ),
        }
    }
}

#[test]
fn a_larger_threshold_leaves_out_more() {
    let circuit = brickwork(10, 10, 0.3);
    let bond = |threshold| {
        let truncation = Truncation { threshold, ..Truncation::default() };
        let facts = run(&circuit, &Options { truncation, shots: 1, ..mps() }).facts;
        (facts.bond_dimension.unwrap(), facts.discarded_weight.unwrap())
    };
    let [exact, fine, coarse] = [0.0, 1e-12, 1e-4].map(bond);
    assert!(exact.0 <= 32 && fine.0 < exact.0 && coarse.0 < fine.0, "{exact:?} {fine:?} {coarse:?}");
    assert!(exact.1 < 1e-25 && fine.1 < coarse.1, "{exact:?} {fine:?} {coarse:?}");
}

fn ghz(n: u32) -> Circuit {
    (1..n).fold(Circuit::new(n, n).h(0), |circuit, i| circuit.cx(i - 1, i))
}

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

#[test]
fn a_saved_chain_is_the_state() {
    let circuit = random_order(brickwork(7, 6, 1.3));
    let exact = super::state(&circuit, crate::Precision::Double);
    let Saved::MatrixProductState { sites, weights } =
        saved(circuit, SaveKind::State, &[])
    else {
        panic!("expected a chain")
    };
    for (index, expected) in exact.iter().enumerate() {
        let mut row = vec![Complex64::ONE];
        for (qubit, tensors) in sites.iter().enumerate() {
            let tensor = &tensors[index >> qubit & 1];
            let entry = |column: usize| {
                let terms = (0..tensor.rows).map(|k| row[k] * tensor.entries[k * tensor.columns + column]);
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
fn noise_is_drawn_as_the_density_matrix_says() {
    let damping = Channel::amplitude_damping(0.3).unwrap();
    // Both decay, each on its own.
    let pairs = damping.kraus().iter().flat_map(|a| damping.kraus().iter().map(move |b| (a, b)));
    let both = pairs.map(|(a, b)| {
        let entry = |i: usize| {
            let (row, column) = (i / 4, i % 4);
            a.at(row & 1, column & 1) * b.at(row >> 1, column >> 1)
        };
        Matrix::new(4, (0..16).map(entry).collect()).unwrap()
    });
    let both = Channel::new(both.collect()).unwrap();
    let depolarizing = Channel::depolarizing(0.2, 2).unwrap();
    let mut circuit = Circuit::new(4, 4).h(0).cx(0, 3).ry(0.8, 1).cx(1, 2);
    circuit.push(damping.to_op(), &[Qubit(3)], &[], &[]).unwrap();
    circuit.push(depolarizing.to_op(), &[Qubit(2), Qubit(0)], &[], &[]).unwrap();
    circuit.push(both.to_op(), &[Qubit(3), Qubit(0)], &[], &[]).unwrap();
    let circuit = circuit.cx(3, 1).measure_all();
    let exact = Options { method: Method::DensityMatrix, ..options() };
    let Saved::Reals(expected) = saved_with(
        &exact, without_measurements(&circuit), SaveKind::Probabilities, &[0, 1, 2, 3]) else {
        panic!("expected probabilities")
    };
    let distribution = expected.iter().enumerate().filter(|(_, p)| **p > 1e-12);
    let distribution = distribution.map(|(i, p)| (BitString::from_u64(4, i as u64), *p)).collect();
    let outcome = run(&circuit, &Options { shots: 20_000, ..mps() });
    assert_distributed(&outcome.counts.unwrap(), &distribution);
}

fn without_measurements(circuit: &Circuit) -> Circuit {
    let mut without = Circuit::new(circuit.n_qubits(), circuit.n_clbits());
    for i in circuit.instructions().filter(|i| !matches!(i.op, Op::Measure)) {
        without.push(i.op.clone(), i.qubits, i.clbits, i.params).unwrap();
    }
    without
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

#[test]
fn more_entanglement_than_memory_is_refused() {
    let options = Options { max_memory: Some(1 << 20), ..mps() };
    let circuit = brickwork(40, 30, 3.0);
    match simulate(&circuit.measure_all(), &options, &Cancel::new()) {
        Err(error @ Error::InsufficientMemory { .. }) => {
            assert!(error.to_string().contains("max_bond_dimension"), "{error}");
        }
        other => panic!("expected a refusal, found {other:?}"),
    }
    let outcome = run(&brickwork(40, 30, 3.0).measure_all(), &Options { shots: 10, ..at_most(8) });
    assert!(outcome.facts.discarded_weight.unwrap() > 0.0);
}

#[test]
fn a_cancelled_run_stops() {
    let cancel = Cancel::new();
    cancel.cancel();
    let found = simulate(&ghz(80).measure_all(), &mps(), &cancel);
    assert!(matches!(found, Err(Error::Cancelled)));
}

#[test]
fn what_a_chain_cannot_do_is_refused_by_name() {
    let refused = |kind: SaveKind, method: Method| {
        let mut circuit = Circuit::new(2, 0).h(0);
        let save = Save { kind, key: "k".to_owned(), subtype: SaveSubtype::Single };
        circuit.push(Op::Save(Box::new(save)), &[], &[], &[]).unwrap();
        let options = Options { method, ..options() };
        simulate(&circuit, &options, &Cancel::new()).unwrap_err().to_string()
    };
    let unitary = refused(SaveKind::Unitary, Method::MatrixProductState);
    assert!(unitary.contains("`save_unitary`"), "{unitary}");
    let chain = refused(SaveKind::MatrixProductState, Method::Statevector);
    assert!(chain.contains("matrix_product_state"), "{chain}");
}
