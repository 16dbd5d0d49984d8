//! The unitary method.

use ketch_interface::{
    Circuit, Complex64, Matrix,
    circuit::{GATES, Gate, Op, Qubit, Save, SaveKind, SaveSubtype, SetState},
};

use super::{distance, options, run};
use crate::{Cancel, Error, Method, Options, Outcome, Precision, Saved, reference, simulate};

fn unitary(circuit: &Circuit, precision: Precision) -> (usize, Vec<Complex64>, Outcome) {
    let options = Options { method: Method::Unitary, precision, final_state: true, ..options() };
    let mut outcome = run(circuit, &options);
    match outcome.data.remove("unitary") {
        Some(Saved::Matrix { dim, entries }) => (dim, entries.to_vec(), outcome),
        other => panic!("expected a unitary, found {other:?}"),
    }
}

/// Column by column: the image of each basis state.
fn expected(circuit: &Circuit) -> Vec<Complex64> {
    let dim = 1_usize << circuit.n_qubits();
    let mut entries = vec![Complex64::ZERO; dim * dim];
    for column in 0..dim {
        let mut state = vec![Complex64::ZERO; dim];
        state[column] = Complex64::cis(circuit.global_phase);
        for instruction in circuit.instructions() {
            let Op::Gate(op) = instruction.op else { continue };
            let params: Vec<f64> =
                instruction.params.iter().map(|param| param.as_number().unwrap()).collect();
            let qubits: Vec<usize> = instruction.qubits.iter().map(|q| q.0 as usize).collect();
            state = reference::applied(&op.matrix(&params), &qubits, &state);
        }
        (0..dim).for_each(|row| entries[row * dim + column] = state[row]);
    }
    entries
}

#[test]
fn every_gate_has_its_unitary() {
    let params = [0.3, -1.1, 2.3, 0.7];
    for info in GATES {
        for n_controls in 0..=1 {
            let n = 5;
            let qubits: Vec<u32> =
                (0..n_controls + info.n_qubits).map(|i| (i * 3 + 1) % n).collect();
            let mut circuit = Circuit::new(n, 0).h(0).u(0.2, 0.3, 0.4, 3).gate(
                info.gate,
                n_controls as u16,
                &params[..info.n_params as usize],
                &qubits,
            );
            circuit.global_phase = 0.3;
            let expected = expected(&circuit);
            for (precision, tolerance) in [(Precision::Double, 1e-12), (Precision::Single, 1e-5)] {
                let (dim, found, _) = unitary(&circuit, precision);
                assert_eq!(dim, 32);
                let off = distance(&found, &expected);
                assert!(off < tolerance, "{}: off by {off}", info.name);
            }
        }
    }
}

#[test]
fn entries_stand_row_by_row() {
    // |01> to |11>: row 3, column 1.
    let (_, found, _) = unitary(&Circuit::new(2, 0).cx(0, 1).s(1), Precision::Double);
    assert!((found[3 * 4 + 1] - Complex64::I).norm() < 1e-15);
    assert!(found[4 + 3].norm() > 0.9);
}

#[test]
fn measurements_at_the_end_are_left_out_with_a_note() {
    let (_, found, outcome) = unitary(&Circuit::new(2, 2).x(0).measure_all(), Precision::Double);
    let x = Gate::X.matrix(&[]);
    let expected = (0..16).map(|i| (i / 4, i % 4)).map(|(row, column)| {
        if row / 2 == column / 2 { x.at(row % 2, column % 2) } else { Complex64::ZERO }
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert!(outcome.facts.notes[0].contains("left out") && outcome.counts.is_none());
}

#[test]
fn what_has_no_unitary_is_refused_by_name() {
    let circuits = [
        ("x", Circuit::new(1, 1).measure(0, 0).x(0)),
        ("reset", Circuit::new(1, 1).reset(0)),
        ("if_else", Circuit::new(1, 1).if_equal(0, 1, |inside| inside.x(0))),
        ("initialize", super::generic(1)),
    ];
    for (name, circuit) in circuits {
        let options = Options { method: Method::Unitary, ..options() };
        match simulate(&circuit, &options, &Cancel::new()) {
            Err(Error::UnsupportedInstruction { instruction, .. }) => {
                assert_eq!(instruction, name);
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_unitary_is_set_and_saved_on_the_way() {
    let y = Gate::Y.matrix(&[]);
    let mut circuit = Circuit::new(1, 0).h(0);
    let push = |circuit: &mut Circuit, op| circuit.push(op, &[Qubit(0)], &[], &[]).unwrap();
    push(&mut circuit, Op::SetState(Box::new(SetState::Unitary(y.clone()))));
    let save = |key: &str| {
        let (kind, key) = (SaveKind::Unitary, key.to_owned());
        Op::Save(Box::new(Save { kind, key, subtype: SaveSubtype::Single }))
    };
    push(&mut circuit, save("before"));
    let mut circuit = circuit.z(0);
    push(&mut circuit, save("after"));
    // Chosen without being asked for.
    let mut data = run(&circuit, &options()).data;
    let mut matrix = |key| match data.remove(key) {
        Some(Saved::Matrix { dim, entries }) => Matrix::new(dim, entries.to_vec()).unwrap(),
        other => panic!("expected a matrix, found {other:?}"),
    };
    assert_eq!(matrix("before"), y);
    assert!(matrix("after").distance(&Gate::Z.matrix(&[]).product(&y)) < 1e-15);
}
