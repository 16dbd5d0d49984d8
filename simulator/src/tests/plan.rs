//! What `automatic` makes of wide circuits.

use ketch_interface::{
    BitString, Circuit,
    circuit::{Op, PauliTerm, Qubit, Save, SaveKind, SaveSubtype},
};

use super::{options, run, sampling::assert_distributed};
use crate::{
    Cancel, Error, Method, Options, Outcome, Saved, choose, memory_needed, reference, simulate,
    size,
};

fn method(circuit: &Circuit) -> Method {
    choose(circuit, &Options::default()).0
}

/// (|10…0> + |01…0> + … + |0…01>) / sqrt n, by rotations that each hand on a part of the one.
fn w(n: u32) -> Circuit {
    (0..n - 1).fold(Circuit::new(n, n).x(0), |circuit, i| {
        let half = (1.0 / f64::from(n - i)).sqrt().acos();
        circuit.ry(half, i + 1).cx(i, i + 1).ry(-half, i + 1).cx(i, i + 1).cx(i + 1, i)
    })
}

/// Each qubit on its own, in no basis state and by no Clifford gate.
fn product(n: u32) -> Circuit {
    (0..n).fold(Circuit::new(n, n), |circuit, i| circuit.ry(0.4 + 0.1 * f64::from(i), i).t(i))
}

#[test]
fn w_states_of_many_qubits_are_sparse() {
    for n in [16, 24, 65, 200] {
        let circuit = w(n).measure_all();
        assert_eq!(method(&circuit), Method::Sparse, "{n} qubits");
        let counts = run(&circuit, &Options { shots: 2000, ..options() }).counts.unwrap();
        assert!(counts.iter().all(|(bits, _)| (0..n).filter(|&i| bits.get(i)).count() == 1));
        let expected = (0..n).map(|i| {
            let mut bits = BitString::zeros(n);
            bits.set(i, true);
            (bits, 1.0 / f64::from(n))
        });
        assert_distributed(&counts, &expected.collect());
    }
}

#[test]
fn qubits_that_nothing_joins_run_in_parts() {
    let circuit = product(40).measure_all();
    let outcome = run(&circuit, &Options { shots: 5000, memory: true, ..options() });
    assert_eq!(outcome.facts.method, Method::Statevector);
    assert!(outcome.facts.reason.contains("parts"), "{}", outcome.facts.reason);
    assert_eq!(outcome.facts.n_qubits, 40);
    let (counts, memory) = (outcome.counts.unwrap(), outcome.memory.unwrap());
    assert_eq!((counts.total(), memory.len()), (5000, 5000));
    for i in 0..40 {
        let ones = memory.iter().filter(|shot| shot.get(i)).count() as f64;
        let p = (0.2 + 0.05 * f64::from(i)).sin().powi(2);
        // Within 6 standard deviations: a false alarm once in 10^7 seeds for all 40 qubits.
        let deviation = (5000.0 * p * (1.0 - p)).sqrt();
        assert!((ones - 5000.0 * p).abs() < 6.0 * deviation + 1.0, "qubit {i}: {ones}");
    }
    // Parts do not share their random numbers: qubits of two parts are independent.
    let both = memory.iter().filter(|shot| shot.get(9) && shot.get(12)).count() as f64;
    let p = 0.65_f64.sin().powi(2) * 0.8_f64.sin().powi(2);
    assert!((both - 5000.0 * p).abs() < 6.0 * (5000.0 * p * (1.0 - p)).sqrt());
}

#[test]
fn parts_do_not_depend_on_threads() {
    let circuit = product(20).cx(0, 13).measure_all();
    let with = |threads| {
        let outcome = run(&circuit, &Options { threads, memory: true, ..options() });
        (outcome.counts, outcome.memory)
    };
    assert_eq!(with(1), with(2));
    let counted = run(&circuit, &Options { memory: false, ..options() });
    assert_eq!((counted.counts, counted.memory), (with(1).0, None));
}

fn with_z(mut circuit: Circuit, qubits: &[u32]) -> Circuit {
    let term = PauliTerm { pauli: "Z".repeat(qubits.len()), coefficient: 1.0.into() };
    let key = format!("z{}", qubits[0]);
    let kind = SaveKind::ExpectationValue(vec![term]);
    let save = Save { kind, key, subtype: SaveSubtype::Single };
    let qubits: Vec<Qubit> = qubits.iter().copied().map(Qubit).collect();
    circuit.push(Op::Save(Box::new(save)), &qubits, &[], &[]).unwrap();
    circuit
}

fn number(outcome: &Outcome, key: &str) -> f64 {
    match outcome.data.get(key) {
        Some(Saved::Number(value)) => *value,
        other => panic!("expected a number, found {other:?}"),
    }
}

#[test]
fn observables_of_parts_are_those_of_the_whole() {
    let circuit = with_z(with_z(product(50).cx(3, 30), &[3, 30]), &[7]);
    let outcome = run(&circuit, &options());
    // Z on both sides of a CX is Z on its target before.
    let z = |i: u32| (0.4 + 0.1 * f64::from(i)).cos();
    assert!((number(&outcome, "z3") - z(30)).abs() < 1e-12);
    assert!((number(&outcome, "z7") - z(7)).abs() < 1e-12);
    assert!(outcome.counts.is_none());
}

#[test]
fn only_the_light_cone_is_run() {
    // Entangles all 60 qubits, but one that is measured before has seen 2 others.
    let start = product(60).cx(1, 0).cx(2, 1);
    let circuit = (0..59).fold(start, |circuit, i| circuit.crx(0.3, i, i + 1));
    let (seen, whole) = (circuit.clone().measure(0, 0), circuit.measure_all());
    let outcome = run(&seen, &Options { shots: 4000, ..options() });
    assert!(outcome.facts.n_qubits <= 10, "{:?}", outcome.facts);
    let small = Circuit::new(2, 1).ry(0.4, 0).ry(0.5, 1).cx(1, 0).measure(0, 0);
    let p = reference::distribution(&small)[&BitString::from_u64(1, 1)];
    let ones =
        outcome.counts.unwrap().iter().filter(|(b, _)| b.get(0)).map(|(_, n)| n).sum::<u64>();
    assert!((ones as f64 - 4000.0 * p).abs() < 6.0 * (4000.0 * p * (1.0 - p)).sqrt());
    assert_ne!(method(&whole), Method::Sparse);
}

#[test]
fn what_is_left_out_is_checked_all_the_same() {
    let wrong = ketch_interface::Matrix::from_rows([[2.0.into(), 0.0.into()]; 2]);
    let circuit = product(20).measure(0, 0).unitary(wrong, &[5]);
    match simulate(&circuit, &options(), &Cancel::new()) {
        Err(Error::BadValue { instruction, .. }) => assert_eq!(instruction, "unitary"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_too_large_is_refused_with_figures_before_it_is_taken() {
    let tangled = (0..6).fold(product(50), |circuit, layer| {
        (0..50).fold(circuit, |circuit, i| circuit.cp(0.3, i, (i + 7 + layer) % 50).ry(0.2, i))
    });
    let circuit = tangled.measure_all();
    match simulate(&circuit, &options(), &Cancel::new()) {
        Err(Error::InsufficientMemory { needed, available, advice, .. }) => {
            assert_eq!(needed >> 50, 16);
            assert!(available > 0 && advice.contains("matrix_product_state"), "{advice}");
        }
        other => panic!("{other:?}"),
    }
    let found = size(&circuit, &Options::default(), 1).unwrap();
    assert_eq!(found.qubits, 50);
    assert_eq!(found.bytes, memory_needed(&circuit, &Options::default(), 1));
    let w = size(&w(80).measure_all(), &Options::default(), 1).unwrap();
    assert!(w.qubits == 0 && w.bytes < 1 << 20, "{w:?}");
}

#[test]
fn a_state_that_is_asked_for_is_held_in_full() {
    let circuit = w(17);
    let outcome = run(&circuit, &Options { final_state: true, ..options() });
    assert_eq!(outcome.facts.method, Method::Statevector);
    let Some(Saved::Vector(amplitudes)) = outcome.data.get("statevector") else {
        panic!("expected a state")
    };
    assert!((amplitudes[1 << 16].re - (1.0_f64 / 17.0).sqrt()).abs() < 1e-12);
}
