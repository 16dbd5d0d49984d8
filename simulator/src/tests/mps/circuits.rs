//! Every gate, random circuits, dynamic circuits and noise on few qubits.

use ketch_interface::{
    BitString, Circuit, Complex64, Matrix,
    circuit::{GATES, Gate, Op, Qubit, SaveKind},
    noise::Channel,
};
use proptest::prelude::*;

use super::{exact, mps, saved_with, state};
use crate::{
    Method, Options, Saved, reference,
    tests::{distance, gates::random_gate, generic, options, run, sampling::assert_distributed},
};

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
        let before = saved_with(&exact(), circuit.clone(), SaveKind::DensityMatrix, &read);
        let dense = Options { method: Method::Statevector, ..options() };
        let exact = saved_with(&dense, circuit.clone(), SaveKind::DensityMatrix, &read);
        let (Saved::Matrix { entries: a, .. }, Saved::Matrix { entries: b, .. }) = (before, exact)
        else { panic!("expected matrices") };
        prop_assert!(distance(&a, &b) < 1e-10);
        let circuit = more.into_iter().fold(circuit, random_gate);
        let exact = crate::tests::state(&circuit, crate::Precision::Double);
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
                6 if a != b => circuit.initialize(crate::tests::generic_state(2), &[a, b]),
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
    let Saved::Reals(expected) =
        saved_with(&exact, without_measurements(&circuit), SaveKind::Probabilities, &[0, 1, 2, 3])
    else {
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
