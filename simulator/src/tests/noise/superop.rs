//! Superoperators against what becomes of each |a><b|.

use ketch_interface::{
    Circuit, Complex64, Matrix,
    circuit::{GATES, Gate, Op, SaveKind, SetState},
    noise::Channel,
};

use super::{channel, noisy, oracle, save, with};
use crate::{
    Cancel, Error, Method, Options, Precision, Saved, check, choose, simulate,
    tests::{options, run},
};

/// Column-stacking: the column `b d + a` is what becomes of |a><b|.
fn defined(circuit: &Circuit) -> Matrix {
    let d = 1 << circuit.n_qubits();
    let dim = d * d;
    let mut entries = vec![Complex64::ZERO; dim * dim];
    for (a, b) in (0..dim).map(|i| (i / d, i % d)) {
        let image = oracle::run_from(circuit, (a, b)).rho;
        for (row, column) in (0..dim).map(|i| (i / d, i % d)) {
            entries[(column * d + row) * dim + b * d + a] = image.at(row, column);
        }
    }
    Matrix::new(dim, entries).unwrap()
}

fn superop(circuit: &Circuit, precision: Precision) -> Matrix {
    let options = Options { method: Method::Superop, final_state: true, precision, ..options() };
    match run(circuit, &options).data.remove("superop") {
        Some(Saved::Matrix { dim, entries }) => Matrix::new(dim, entries.to_vec()).unwrap(),
        other => panic!("expected a matrix, found {other:?}"),
    }
}

#[test]
fn noisy_circuits_agree_with_the_definition() {
    let variants = [noisy(0), noisy(5)];
    for circuit in &variants {
        let expected = defined(circuit);
        for (precision, tolerance) in [(Precision::Double, 1e-12), (Precision::Single, 1e-5)] {
            let off = superop(circuit, precision).distance(&expected);
            assert!(off < tolerance, "off by {off}");
        }
    }
}

#[test]
fn every_gate_agrees_with_its_matrix() {
    let params = [0.3, -1.1, 2.3, 0.7];
    for info in GATES.iter().filter(|info| info.n_qubits <= 3) {
        let params = &params[..info.n_params as usize];
        for n_controls in 0..=3 - info.n_qubits {
            let order: Vec<u32> = (0..n_controls + info.n_qubits).rev().collect();
            let (controls, targets) = order.split_at(n_controls as usize);
            let circuit =
                Circuit::new(3, 0).ry(0.4, 1).controlled(info.gate, 0, params, controls, targets);
            let off = superop(&circuit, Precision::Double).distance(&defined(&circuit));
            assert!(off < 1e-12, "{} on {order:?}: off by {off}", info.name);
        }
    }
}

#[test]
fn a_superoperator_can_be_set_and_goes_on() {
    let first = channel(
        Circuit::new(2, 0).h(0).cx(0, 1),
        &Channel::thermal_relaxation(50.0, 60.0, 20.0, 0.2).unwrap(),
        &[1],
    );
    let set = Op::SetState(Box::new(SetState::Superop(defined(&first))));
    let circuit = with(Circuit::new(2, 0).x(0), set, &[0, 1]).ry(0.7, 0).reset(1);
    assert_eq!(choose(&circuit, &options()).0, Method::Superop);
    let expected = defined(&first.ry(0.7, 0).reset(1));
    assert!(superop(&circuit, Precision::Double).distance(&expected) < 1e-12);
}

#[test]
fn it_is_saved_where_the_circuit_says() {
    let half = channel(Circuit::new(2, 2).h(0), &Channel::amplitude_damping(0.3).unwrap(), &[0]);
    let circuit = with(half.clone(), save(SaveKind::Superop), &[0, 1]).cx(0, 1).measure_all();
    let outcome = run(&circuit, &options());
    assert_eq!(outcome.facts.method, Method::Superop);
    assert_eq!(outcome.counts, None);
    assert!(outcome.facts.notes[0].contains("left out"));
    let Saved::Matrix { dim, entries } = &outcome.data["saved"] else {
        panic!("expected a matrix");
    };
    let found = Matrix::new(*dim, entries.to_vec()).unwrap();
    assert!(found.distance(&defined(&half)) < 1e-12);
}

#[test]
fn what_has_no_superoperator_is_refused() {
    let refusal = |circuit: &Circuit| check(circuit, Method::Superop).unwrap_err().to_string();
    let middle = refusal(&Circuit::new(1, 1).measure(0, 0).h(0));
    assert!(middle.contains("behind a measurement"), "{middle}");
    let branches = refusal(&Circuit::new(1, 1).if_equal(0, 1, |circuit| circuit.x(0)));
    assert!(branches.contains("no superoperator"), "{branches}");
    let saved = refusal(&with(Circuit::new(1, 0), save(SaveKind::Statevector), &[0]));
    assert!(saved.contains("no such form"), "{saved}");
    let twice = Matrix::diagonal(&[2.0, 2.0, 2.0, 2.0].map(|x| Complex64::new(x, 0.0)));
    let set = Op::SetState(Box::new(SetState::Superop(twice)));
    let trace = refusal(&with(Circuit::new(1, 0), set, &[0]));
    assert!(trace.contains("does not keep the trace"), "{trace}");
    let skew = Gate::Rz.matrix(&[0.3]);
    let skew = Matrix::diagonal(&[Complex64::ONE, skew.at(0, 0), skew.at(0, 0), Complex64::ONE]);
    let set = Op::SetState(Box::new(SetState::Superop(skew)));
    let skew = refusal(&with(Circuit::new(1, 0), set, &[0]));
    assert!(skew.contains("Hermitian"), "{skew}");
    let options = Options { method: Method::Superop, ..options() };
    let large = simulate(&Circuit::new(12, 0).h(0), &options, &Cancel::new());
    assert!(matches!(large, Err(Error::InsufficientMemory { .. })));
}
