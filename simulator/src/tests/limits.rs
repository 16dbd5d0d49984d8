//! Bad circuits, too much memory, cancelling, idle qubits, no qubits.

use ketch_interface::{
    BitString, Circuit, Complex64, Matrix,
    circuit::{Clbit, Op, Param, PauliTerm, Qubit, Save, SaveKind, SaveSubtype, Snapshot},
};

use super::{counts, options, run};
use crate::{
    Cancel, Error, Method, Options, Threads, check, dense::State, density::state::PauliState,
    memory_needed, simulate, simulate_on,
};

fn refusal(circuit: &Circuit) -> String {
    let error = simulate(circuit, &options(), &Cancel::new()).unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

fn with(op: Op, qubits: &[u32]) -> Circuit {
    let mut circuit = Circuit::new(2, 2);
    let qubits: Vec<Qubit> = qubits.iter().copied().map(Qubit).collect();
    circuit.push_unchecked(op, &qubits, &[], &[]);
    circuit
}

#[test]
fn what_cannot_run_is_named() {
    let half = Matrix::diagonal(&[Complex64::ONE, Complex64::new(0.5, 0.0)]);
    let labelled = ketch_interface::circuit::Labelled { label: None, value: half };
    let save = |kind, subtype| Op::Save(Box::new(Save { kind, key: "k".to_owned(), subtype }));
    let pauli = |pauli: &str| {
        let coefficient = Complex64::ONE;
        SaveKind::ExpectationValue(vec![PauliTerm { pauli: pauli.to_owned(), coefficient }])
    };
    let single = SaveSubtype::Single;
    let snapshot = Snapshot { kind: "stabilizer".to_owned(), label: String::new(), paulis: vec![] };
    let cases = [
        (with(Op::Kraus([].into()), &[0]), "`kraus`"),
        (with(Op::Opaque("warp".into()), &[0]), "`warp`"),
        (with(Op::Unitary(Box::new(labelled)), &[0]), "not unitary: it is off by"),
        (with(Op::Diagonal([Complex64::ONE, Complex64::ZERO].into()), &[0]), "modulus 1"),
        (with(Op::Snapshot(Box::new(snapshot)), &[]), "snapshot (stabilizer)"),
        (with(save(SaveKind::Unitary, single), &[0]), "it saves all qubits in order"),
        (with(save(SaveKind::Statevector, SaveSubtype::Average), &[]), "not averaged"),
        (with(save(SaveKind::Statevector, single), &[1, 0]), "all qubits in order"),
        (with(save(pauli("XQ"), single), &[0, 1]), "`Q` in `XQ`"),
        (with(save(pauli("X"), single), &[0, 1]), "1 letters for 2 qubits"),
        (
            with(save(SaveKind::Amplitudes(vec![BitString::from_u64(3, 4)]), single), &[]),
            "basis state 100 of 2 qubits",
        ),
        (with(Op::Break, &[]), "outside of a loop"),
        (Circuit::new(1, 0).rx("theta", 0), "parameter `theta` is not bound"),
        (Circuit::new(1, 0).rx(f64::NAN, 0), "a parameter is NaN"),
        (with(Op::Reset, &[2]), "names qubit 2"),
    ];
    for (circuit, expected) in cases {
        let found = refusal(&circuit);
        assert!(found.contains(expected), "expected `{expected}` in `{found}`");
    }
}

#[test]
fn deep_nesting_is_refused_without_a_deep_stack() {
    let mut circuit = Circuit::new(1, 1);
    let condition = circuit.register_equals(0, 1, 1);
    let blocks: Vec<_> = (0..20_000).map(|_| circuit.open_if(condition)).collect();
    blocks.into_iter().rev().for_each(|block| circuit.close_block(block));
    let refused = simulate(&circuit, &options(), &Cancel::new());
    assert!(matches!(refused, Err(Error::InvalidCircuit(_))));
}

#[test]
fn shared_operands_do_not_blow_up() {
    use ketch_interface::circuit::{Binary, Expr, Value};
    for (n, operator) in [(80, Binary::Add), (100_000, Binary::Mul)] {
        let mut circuit = Circuit::new(1, 1);
        let one = circuit.add_expr(Expr::Literal(Value::Float(1.0)));
        let twice = |circuit: &mut Circuit, last| {
            let other = if operator == Binary::Add { last } else { one };
            circuit.add_expr(Expr::Binary(operator, last, other))
        };
        let last = (0..n).fold(one, |last, _| twice(&mut circuit, last));
        circuit.push_unchecked(Op::StoreClbits(last), &[], &[Clbit(0)], &[]);
        let refused = simulate(&circuit, &options(), &Cancel::new());
        assert!(matches!(refused, Err(Error::InvalidCircuit(_))), "{n}");
    }
}

#[test]
fn memory_is_refused_before_it_is_taken() {
    let all_busy = (0..60).fold(Circuit::new(60, 0), |circuit, qubit| circuit.h(qubit));
    let whole = Options { method: Method::Statevector, final_state: true, ..options() };
    match simulate(&all_busy, &whole, &Cancel::new()) {
        Err(Error::InsufficientMemory { needed, .. }) => assert!(needed >= 16 << 60),
        other => panic!("{other:?}"),
    }
    for n_qubits in [64, 65, 1000, 1 << 20] {
        let wide = Options { final_state: true, ..options() };
        let outcome = simulate(&Circuit::new(n_qubits, 0).h(0), &wide, &Cancel::new());
        assert!(matches!(outcome, Err(Error::InsufficientMemory { .. })), "{n_qubits}");
    }
    let small = Options { max_memory: Some(1 << 10), ..options() };
    let error = simulate(&super::generic(7), &small, &Cancel::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a circuit of 7 qubits needs 2 KiB, 1 KiB free; try single precision, the stabilizer \
         method for Clifford gates, the matrix_product_state method for little entanglement, or \
         fewer qubits"
    );
    let unitary = Options { method: Method::Unitary, ..options() };
    // 4^10 entries, and two tiles for each of two threads.
    assert_eq!(memory_needed(&Circuit::new(10, 0), &unitary, 2), (16 << 20) + (4 << 20));
}

#[test]
fn a_cancelled_run_stops() {
    let cancel = Cancel::new();
    cancel.cancel();
    let outcome = simulate(&Circuit::new(2, 2).h(0).measure_all(), &options(), &cancel);
    assert!(matches!(outcome, Err(Error::Cancelled)));
}

#[test]
fn the_identity_that_a_large_unitary_begins_with_is_left_when_cancelled() {
    let (threads, cancel) = (Threads::new(1).unwrap(), Cancel::new());
    cancel.cancel();
    let unitary = State::<f64>::identity(3, &threads, &cancel);
    assert!(matches!(unitary, Err(Error::Cancelled)));
    let superop = PauliState::<f64>::identity(2, &threads, &cancel);
    assert!(matches!(superop, Err(Error::Cancelled)));
}

#[test]
fn idle_qubits_cost_nothing() {
    let mut circuit = Circuit::new(200, 200).h(7).cx(7, 150).x(3).reset(90);
    for qubit in 0..200 {
        circuit = circuit.measure(qubit, qubit);
    }
    let outcome = run(&circuit, &Options { memory: true, ..options() });
    assert_eq!((outcome.facts.n_qubits, outcome.facts.sampled), (3, true));
    for (outcome, _) in outcome.counts.unwrap().iter() {
        let ones: Vec<u32> = (0..200).filter(|&bit| outcome.get(bit)).collect();
        assert!(ones == [3] || ones == [3, 7, 150], "{ones:?}");
    }
    assert_eq!(outcome.memory.unwrap().len(), 1024);
}

#[test]
fn no_qubits_and_no_shots_are_circuits_too() {
    let outcome = run(&Circuit::new(0, 0), &Options { final_state: true, ..options() });
    assert_eq!(outcome.data["statevector"], crate::Saved::Vector(vec![Complex64::ONE].into()));
    assert_eq!(counts(&Circuit::new(1, 1).h(0).measure(0, 0), 0).total(), 0);
    let idle = Circuit::new(3, 3).measure_all();
    assert_eq!(counts(&idle, 9).get("000"), 9);
}

#[test]
fn a_barrier_a_delay_and_an_identity_do_nothing() {
    let unit = ketch_interface::circuit::TimeUnit::Nanosecond;
    let circuit = Circuit::new(1, 1).x(0).barrier().delay(100.0, unit, 0).id(0).measure(0, 0);
    let outcome = run(&circuit, &options());
    assert_eq!((outcome.counts.unwrap().get("1"), outcome.facts.sampled), (1024, true));
}

#[test]
fn experiments_run_side_by_side_as_they_do_alone() {
    let circuits: Vec<Circuit> =
        (0..20).map(|i| Circuit::new(2, 2).ry(f64::from(i), 0).cx(0, 1).measure_all()).collect();
    let threads = Threads::new(2).unwrap();
    let serial = Threads::serial();
    let together = threads.map(circuits.len(), |i| {
        simulate_on(&serial, &circuits[i], &options(), &Cancel::new()).unwrap().counts
    });
    let alone: Vec<_> = circuits.iter().map(|circuit| run(circuit, &options()).counts).collect();
    assert_eq!(together, alone);
}

#[test]
fn checking_does_not_run() {
    let large = (0..40).fold(Circuit::new(40, 40), |circuit, qubit| circuit.h(qubit));
    check(&large.measure_all(), Method::Statevector).unwrap();
    let mut late = Circuit::new(1, 1).measure(0, 0);
    let bit = late.add_expr(ketch_interface::circuit::Expr::Clbit(Clbit(0)));
    let rx = Op::Gate(ketch_interface::circuit::GateOp::new(ketch_interface::circuit::Gate::Rx, 0));
    late.push(rx, &[Qubit(0)], &[], &[Param::Expr(bit)]).unwrap();
    check(&late, Method::Statevector).unwrap();
    assert!(check(&late, Method::Unitary).is_err());
}

#[test]
fn counts_and_memory_are_asked_for_before_they_are_taken() {
    let mut circuit = Circuit::new(2, 0).h(0).h(1);
    circuit.add_creg("wide", 1_000_000);
    let circuit = circuit.measure(0, 0).measure(1, 999_999);
    let options = Options { shots: 10_000_000, memory: true, ..Options::default() };
    match simulate(&circuit, &options, &Cancel::new()) {
        Err(Error::InsufficientMemory { needed, .. }) => assert!(needed > 1 << 40),
        other => panic!("{other:?}"),
    }
}

/// Whatever is counted, passes over one state, shots or parts: shares ascend, and end at 1.
#[test]
fn progress_is_reported() {
    let many =
        (0..14).fold(Circuit::new(14, 14), |circuit, q| circuit.ry(0.3, q).cx(q, (q + 1) % 14));
    let dynamic = Circuit::new(2, 2).h(0).measure(0, 0).reset(0).h(0).measure(0, 1);
    let apart = (0..20).fold(Circuit::new(20, 20), |circuit, q| circuit.rx(0.3, q)).measure_all();
    for circuit in [many.clone().measure_all(), dynamic, apart] {
        let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let list = std::sync::Arc::clone(&told);
        let cancel = Cancel::new().reporting(move |share| list.lock().unwrap().push(share));
        simulate(&circuit, &options(), &cancel).unwrap();
        let told = told.lock().unwrap();
        assert!(told.is_sorted() && told.last() == Some(&1.0), "{told:?}");
    }
}
