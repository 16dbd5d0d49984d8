//! Every gate of the table, at every position, in both precisions; random circuits.

use ketch_interface::{
    Circuit, Matrix,
    circuit::{GATES, Gate, Op, Qubit},
};
use proptest::prelude::*;

use super::{distance, generic, generic_state, state};
use crate::{Precision, reference};

const TOLERANCES: [(Precision, f64); 2] = [(Precision::Double, 1e-12), (Precision::Single, 1e-5)];

/// All ways to put `k` different qubits of `n` in order.
fn placements(n: u32, k: usize) -> Vec<Vec<u32>> {
    if k == 0 {
        return vec![vec![]];
    }
    let shorter = placements(n, k - 1);
    let longer = shorter.iter().flat_map(|start| {
        let free = (0..n).filter(|qubit| !start.contains(qubit));
        free.map(|qubit| [&start[..], &[qubit]].concat())
    });
    longer.collect()
}

#[test]
fn every_gate_with_controls_at_every_position_agrees_with_its_matrix() {
    let params = [0.3, -1.1, 2.3, 0.7];
    let (n, start) = (5, generic_state(5));
    let mut compared = 0;
    for info in GATES {
        let params = &params[..info.n_params as usize];
        for n_controls in 0..=3_u32.min(n - info.n_qubits) {
            for qubits in placements(n, (n_controls + info.n_qubits) as usize) {
                for pattern in 0..1_u64 << n_controls {
                    let (controls, targets) = qubits.split_at(n_controls as usize);
                    let circuit =
                        generic(n).controlled(info.gate, pattern, params, controls, targets);
                    let matrix = info.gate.matrix(params).controlled(n_controls, pattern);
                    let places: Vec<usize> = qubits.iter().map(|q| *q as usize).collect();
                    let expected = reference::applied(&matrix, &places, &start);
                    for (precision, tolerance) in TOLERANCES {
                        let found = state(&circuit, precision);
                        let off = distance(&found, &expected);
                        assert!(off < tolerance, "{} on {qubits:?}: off by {off}", info.name);
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 20_000, "only {compared} comparisons");
}

#[test]
fn parameters_of_every_size_agree() {
    for info in GATES.iter().filter(|info| info.n_params > 0) {
        for angle in [0.0, 1e-9, std::f64::consts::PI, -std::f64::consts::TAU, 1e4] {
            let params = vec![angle; info.n_params as usize];
            let qubits: Vec<u32> = (0..info.n_qubits).rev().collect();
            let circuit = generic(4).gate(info.gate, 0, &params, &qubits);
            let off = distance(&state(&circuit, Precision::Double), &reference::state(&circuit));
            assert!(off < 1e-12, "{} at {angle}: off by {off}", info.name);
        }
    }
}

#[test]
fn matrices_diagonals_multiplexers_and_paulis_at_every_position() {
    let u = Gate::U.matrix(&[0.4, 1.2, -0.7]);
    let three = Gate::Rccx.matrix(&[]).product(&Gate::H.matrix(&[]).controlled(2, 1));
    let diagonal = [0.1, 0.2, 0.3, 0.4, -0.5, 0.6, 0.7, 0.8].map(ketch_interface::Complex64::cis);
    let arms: Vec<Matrix> = (0..4).map(|i| Gate::Ry.matrix(&[f64::from(i)])).collect();
    let labelled = |value| ketch_interface::circuit::Labelled { label: None, value };
    let two = u.controlled(1, 0);
    let ops = [
        Op::Unitary(Box::new(labelled(Matrix::diagonal(&diagonal[..1])))),
        Op::Unitary(Box::new(labelled(u))),
        Op::Unitary(Box::new(labelled(two.clone()))),
        Op::Unitary(Box::new(labelled(three))),
        Op::Diagonal(diagonal[..1].into()),
        Op::Diagonal(diagonal[..2].into()),
        Op::Diagonal(diagonal[..].into()),
        Op::Multiplexer(arms.into()),
        Op::Multiplexer([two.clone(), two.adjoint()].into()),
        Op::Pauli("XIZ".into()),
        Op::Pauli("YXYZ".into()),
        Op::Pauli("I".into()),
    ];
    let sizes = [0, 1, 2, 3, 0, 1, 3, 3, 3, 3, 4, 1];
    for (op, size) in ops.into_iter().zip(sizes) {
        for placement in placements(4, size) {
            let qubits: Vec<Qubit> = placement.into_iter().map(Qubit).collect();
            let mut circuit = generic(4);
            circuit.push(op.clone(), &qubits, &[], &[]).unwrap();
            for (precision, tolerance) in TOLERANCES {
                let off = distance(&state(&circuit, precision), &reference::state(&circuit));
                assert!(off < tolerance, "{} on {qubits:?}: off by {off}", op.name());
            }
        }
    }
}

/// A gate of the table by number, on qubits by lot.
pub(super) fn random_gate(
    circuit: Circuit,
    (gate, order, angles): (usize, u64, [f64; 4]),
) -> Circuit {
    let info = &GATES[gate % GATES.len()];
    let n = circuit.n_qubits();
    let mut qubits: Vec<u32> = (0..n).collect();
    qubits.sort_by_key(|&qubit| order.wrapping_mul(2 * u64::from(qubit) + 1) >> 32);
    let spare = n.saturating_sub(info.n_qubits);
    if info.n_qubits > n {
        return circuit;
    }
    let n_controls = (order % 3).min(u64::from(spare)) as usize;
    let (controls, targets) = qubits.split_at(n_controls);
    let params = &angles[..info.n_params as usize];
    let pattern = order >> 8 & ((1 << n_controls) - 1);
    circuit.controlled(info.gate, pattern, params, controls, &targets[..info.n_qubits as usize])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn random_circuits_agree_with_the_reference(
        n in 1_u32..=6,
        phase in -4.0..4.0,
        gates in prop::collection::vec(
            (any::<usize>(), any::<u64>(), prop::array::uniform4(-7.0..7.0)), 0..60),
    ) {
        let mut circuit = gates.into_iter().fold(Circuit::new(n, 0), random_gate);
        circuit.global_phase = phase;
        let expected = reference::state(&circuit);
        for (precision, tolerance) in [(Precision::Double, 1e-10), (Precision::Single, 1e-4)] {
            let off = distance(&state(&circuit, precision), &expected);
            prop_assert!(off < tolerance, "off by {off}\n{circuit:?}");
        }
    }
}

#[test]
fn merging_saves_passes_and_changes_nothing() {
    let circuit = generic(3).h(0).t(0).h(1).x(0).z(2).h(0).cx(0, 1).s(1).s(1).id(2).sdg(0);
    let options = crate::Options { final_state: true, ..super::options() };
    let outcome = super::run(&circuit, &options);
    // One pass each for: the first state, qubit 0, qubit 1, cx, and at the end qubits 0, 1 and 2.
    assert_eq!((outcome.facts.n_gates, outcome.facts.n_passes), (11, 7));
    let off = distance(&state(&circuit, Precision::Double), &reference::state(&circuit));
    assert!(off < 1e-12, "off by {off}");
}
