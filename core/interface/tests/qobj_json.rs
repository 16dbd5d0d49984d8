//! Qobj documents: what they say, in every dialect, and how faults are named.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod circuits;

use circuits::{Tape, circuit};
use ketch_interface::circuit::{
    Clbit, Expr, Gate, GateOp, Op, Param, Qubit, Scope, Value, VarType,
};
use ketch_interface::qobj::{Program, QobjDialect, QobjJsonError};
use ketch_interface::{BitString, Circuit, Qobj};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// A document of one experiment.
fn document(header: Json, instructions: Json) -> Json {
    json!({
        "qobj_id": "q", "schema_version": "1.0.0", "type": "QASM",
        "header": {}, "config": {"shots": 1, "memory_slots": 4},
        "experiments": [{"header": header, "config": {}, "instructions": instructions}],
    })
}

fn read(instructions: Json) -> Result<Circuit, QobjJsonError> {
    let header = json!({"n_qubits": 3, "memory_slots": 4});
    Qobj::from_json_value(&document(header, instructions)).map(|qobj| qobj.circuits()[0].clone())
}

fn fault(instructions: Json) -> String {
    let error = read(instructions).unwrap_err();
    match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn written(circuit: Circuit, dialect: QobjDialect) -> Vec<Json> {
    let document = Qobj::from_circuit(circuit).to_json_as(dialect).unwrap();
    document["experiments"][0]["instructions"].as_array().unwrap().clone()
}

/// Whether the first condition of a circuit holds for these clbits.
fn holds(circuit: &Circuit, clbits: &str) -> bool {
    let condition = circuit.instructions().find_map(|instruction| match instruction.op {
        Op::If { condition, .. } => Some(*condition),
        _ => None,
    });
    let clbits: BitString = clbits.parse().unwrap();
    let variables = vec![Value::Bool(true); circuit.variables().len()];
    let scope = Scope { clbits: &clbits, variables: &variables, bindings: &[] };
    circuit.evaluate(condition.unwrap(), scope).unwrap().is_true()
}

#[test]
fn faults_are_named_with_their_place() {
    let cases = [
        (
            json!([{"name": "h", "qubits": [7]}]),
            "`experiments[0].instructions[0].qubits[0]`: expected a qubit below 3, found 7",
        ),
        (
            json!([{"name": "cx", "qubits": [0, "1"]}]),
            "`experiments[0].instructions[0].qubits[1]`: expected a qubit below 3, found \"1\"",
        ),
        (
            json!([{"qubits": [0]}]),
            "`experiments[0].instructions[0]`: expected an object with `name`, found an object without it",
        ),
        (
            json!([{"name": "cx", "qubits": [0]}]),
            "`experiments[0].instructions[0]` is not well formed: `cx` takes 2 qubits, found 1",
        ),
        (
            json!([{"name": "cx", "qubits": [1, 1]}]),
            "`experiments[0].instructions[0]` is not well formed: `cx` names qubit 1 twice",
        ),
        (
            json!([{"name": "rx", "qubits": [0], "params": ["theta"]}]),
            "`experiments[0].instructions[0].params[0]`: expected a number, as a parameter of `rx`, found \"theta\"",
        ),
        (
            json!([{"name": "teleport", "qubits": [0], "params": [[1]]}]),
            "`experiments[0].instructions[0].params[0]`: expected a number, as a parameter of `teleport`, found a list of 1",
        ),
        (
            json!([{"name": "unitary", "qubits": [0], "params": [[[[1, 0], [0, 0]], [[0, 0]]]]}]),
            "`experiments[0].instructions[0].params[0][1]`: expected a row of 2 complex numbers, found a list of 1",
        ),
        (
            json!([{"name": "measure", "qubits": [0], "memory": [4]}]),
            "`experiments[0].instructions[0].memory[0]`: expected a clbit below 4, found 4",
        ),
        (
            json!([{"name": "bfunc", "mask": "0x1", "relation": "~", "val": "0x1", "register": 0}]),
            "`experiments[0].instructions[0].relation`: expected == != < <= > or >=, found \"~\"",
        ),
        (
            json!([{"name": "bfunc", "mask": "f", "relation": "==", "val": "0x1", "register": 0}]),
            "`experiments[0].instructions[0].mask`: expected a number such as \"0x1f\", found \"f\"",
        ),
        (
            json!([{"name": "delay", "qubits": [0], "params": [1], "unit": "h"}]),
            "`experiments[0].instructions[0].unit`: expected one of s, ms, us, ns, ps, dt, found \"h\"",
        ),
        (json!([5]), "`experiments[0].instructions[0]`: expected an object, found 5"),
    ];
    for (instructions, expected) in cases {
        assert_eq!(fault(instructions), expected);
    }
}

#[test]
fn broken_json_is_named_by_line_and_column() {
    let error = Qobj::from_json("{\n  \"qobj_id\": oops\n}").unwrap_err();
    assert_eq!(error.to_string(), "not JSON at line 2, column 14");
    assert!(Qobj::from_json("[]").is_err());
    assert!(Qobj::from_json(&"[".repeat(100_000)).is_err());
}

#[test]
fn older_and_other_documents_are_refused_by_what_they_lack() {
    let error = Qobj::from_json_value(&json!({"id": "x", "circuits": []})).unwrap_err();
    assert!(error.to_string().contains("`experiments`"), "{error}");
    let error = Qobj::from_json_value(&json!({"type": "QUIL", "experiments": []})).unwrap_err();
    assert_eq!(error.to_string(), "`type`: expected \"QASM\" or \"PULSE\", found \"QUIL\"");
}

#[test]
fn huge_sizes_are_refused_before_anything_is_allocated() {
    for header in [json!({"n_qubits": 4_000_000_000_u32}), json!({"memory_slots": 1_u64 << 40})] {
        assert!(Qobj::from_json_value(&document(header, json!([]))).is_err());
    }
    let error =
        Qobj::from_json_value(&document(json!({}), json!([{"name": "h", "qubits": [99_999_999]}])));
    assert!(error.is_err());
}

#[test]
fn sizes_come_from_the_instructions_where_nothing_says_them() {
    let mut document = document(
        json!({}),
        json!([{"name": "h", "qubits": [5]}, {"name": "measure", "qubits": [5], "memory": [2]}]),
    );
    document["config"] = json!({});
    let qobj = Qobj::from_json_value(&document).unwrap();
    assert_eq!((qobj.circuits()[0].n_qubits(), qobj.circuits()[0].n_clbits()), (6, 3));
}

#[test]
fn registers_come_from_sizes_or_labels_of_either_generation() {
    let registers = |header: Json| {
        let qobj = Qobj::from_json_value(&document(header, json!([]))).unwrap();
        let registers = qobj.circuits()[0].cregs().to_vec();
        registers.into_iter().map(|r| (r.name, r.start, r.size)).collect::<Vec<_>>()
    };
    let two = vec![("a".to_owned(), 0, 1), ("b".to_owned(), 1, 2)];
    assert_eq!(registers(json!({"memory_slots": 3, "creg_sizes": [["a", 1], ["b", 2]]})), two);
    assert_eq!(
        registers(json!({"memory_slots": 3, "clbit_labels": [["a", 0], ["b", 0], ["b", 1]]})),
        two
    );
    assert_eq!(
        registers(json!({"number_of_clbits": 3, "clbit_labels": [["a", 1], ["b", 2]]})),
        two
    );
    let one = vec![("c".to_owned(), 0, 3)];
    assert_eq!(
        registers(json!({"memory_slots": 3, "creg_sizes": [["a", 4_000_000_000_u32]]})),
        one
    );
    assert_eq!(registers(json!({"memory_slots": 3, "clbit_labels": [["a", 0], null, null]})), one);
}

#[test]
fn a_mask_beside_an_instruction_moves_the_value_up_and_a_bfunc_does_not() {
    let beside = |mask: &str, val: &str| {
        let conditional = json!({"type": "equals", "mask": mask, "val": val});
        read(json!([{"name": "x", "qubits": [0], "conditional": conditional}])).unwrap()
    };
    let circuit = beside("0x6", "0x1");
    assert!(holds(&circuit, "0011") && !holds(&circuit, "0001") && !holds(&circuit, "0110"));
    assert!(matches!(circuit.expressions()[0], Expr::Clbits { start: 1, size: 2 }));
    // Bits that are not next to each other need the mask itself.
    let circuit = beside("0xa", "0x1");
    assert!(holds(&circuit, "0111") && !holds(&circuit, "1010"));
    let circuit = beside("0x0", "0x5");
    assert!(holds(&circuit, "0000"), "an empty mask is no condition");

    let bfunc = |mask: &str, relation: &str, val: &str| {
        read(json!([
            {"name": "bfunc", "mask": mask, "relation": relation, "val": val, "register": 3},
            {"name": "x", "qubits": [0], "conditional": 3},
            {"name": "h", "qubits": [0], "conditional": 3},
        ]))
        .unwrap()
    };
    let circuit = bfunc("0x6", "==", "0x2");
    assert!(holds(&circuit, "0011") && !holds(&circuit, "0110"));
    assert_eq!(circuit.len(), 3, "one condition for both gates, and no register");
    assert!(circuit.variables().is_empty());
    let circuit = bfunc("0x6", "<", "0x5");
    assert!(holds(&circuit, "0100") && !holds(&circuit, "0110"));
    let circuit = bfunc("0x6", "==", "0x1");
    assert!(!holds(&circuit, "0001"), "a bit outside of the mask is never equal");
}

#[test]
fn a_register_that_is_used_twice_is_a_variable() {
    let circuit = read(json!([
        {"name": "bfunc", "mask": "0x1", "relation": "!=", "val": "0x0", "register": 2, "memory": 3},
        {"name": "x", "qubits": [0], "conditional": 2},
        {"name": "measure", "qubits": [0, 1], "memory": [0, 1], "register": [2, 5]},
        {"name": "copy", "register_orig": 2, "register_copy": [6]},
        {"name": "measure", "qubits": [2], "register": [6]},
        {"name": "y", "qubits": [0], "conditional": 6},
    ]))
    .unwrap();
    let names: Vec<&str> = circuit.variables().iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["r2", "r5", "r6"]);
    let ops: Vec<String> = circuit.instructions().map(|i| i.op.name()).collect();
    assert_eq!(
        ops,
        [
            "store", "store", "if_else", "x", "measure", "store", "store", "store", "measure",
            "if_else", "y"
        ]
    );
    // Both generations write it so that it is read as the same.
    for dialect in [QobjDialect::V1, QobjDialect::Terra06] {
        let again = Qobj::from_circuit(circuit.clone()).to_json_as(dialect).unwrap();
        assert_eq!(Qobj::from_json_value(&again).unwrap().circuits()[0], circuit);
    }
}

#[test]
fn conditions_are_written_in_the_words_of_the_dialect() {
    let circuit = Circuit::new(1, 2).if_equal(0, 2, |circuit| circuit.x(0));
    assert_eq!(
        written(circuit.clone(), QobjDialect::V1),
        [
            json!({"name": "bfunc", "mask": "0x3", "relation": "==", "val": "0x2", "register": 0}),
            json!({"name": "x", "qubits": [0], "conditional": 0}),
        ]
    );
    assert_eq!(
        written(circuit, QobjDialect::Terra06),
        [
            json!({"name": "x", "qubits": [0], "conditional": {"type": "equals", "mask": "0x3", "val": "0x2"}})
        ]
    );
}

#[test]
fn a_condition_for_nothing_is_not_written() {
    let circuit = Circuit::new(1, 1).if_equal(0, 1, |circuit| circuit);
    assert_eq!(written(circuit, QobjDialect::V1), Vec::<Json>::new());
}

#[test]
fn both_branches_are_decided_before_either_runs() {
    let mut circuit = Circuit::new(1, 1);
    let condition = circuit.add_expr(Expr::Clbit(Clbit(0)));
    let x = Op::Gate(GateOp::new(Gate::X, 0));
    circuit.push_if(
        condition,
        |c| c.push(Op::Measure, &[Qubit(0)], &[Clbit(0)], &[]).unwrap(),
        Some(&mut |c: &mut Circuit| c.push(x.clone(), &[Qubit(0)], &[], &[]).unwrap()),
    );
    for dialect in [QobjDialect::V1, QobjDialect::Terra06] {
        assert_eq!(
            written(circuit.clone(), dialect)[..2],
            [
                json!({"name": "bfunc", "mask": "0x1", "relation": "==", "val": "0x1", "register": 0}),
                json!({"name": "bfunc", "mask": "0x1", "relation": "!=", "val": "0x1", "register": 1}),
            ]
        );
    }
}

#[test]
fn a_block_that_changes_its_own_condition_keeps_a_copy() {
    let mut circuit = Circuit::new(2, 0);
    let var = circuit.add_variable("flag", VarType::Bool);
    let condition = circuit.add_expr(Expr::Var(var));
    let block = circuit.open_if(condition);
    circuit.push(Op::MeasureVar { var, bit: 0 }, &[Qubit(0)], &[], &[]).unwrap();
    circuit.push(Op::Reset, &[Qubit(1)], &[], &[]).unwrap();
    circuit.close_block(block);
    assert_eq!(
        written(circuit, QobjDialect::V1),
        [
            json!({"name": "copy", "register_orig": 0, "register_copy": [1]}),
            json!({"name": "measure", "qubits": [0], "register": [0], "conditional": 1}),
            json!({"name": "reset", "qubits": [1], "conditional": 1}),
        ]
    );
}

#[test]
fn what_documents_cannot_say_is_refused_by_name() {
    let refused = |circuit: Circuit| Qobj::from_circuit(circuit).to_json().unwrap_err().to_string();
    let nested = Circuit::new(1, 1).if_equal(0, 1, |c| c.if_equal(0, 0, |c| c.x(0)));
    assert_eq!(
        refused(nested),
        "experiment 0: an if inside an if cannot be written in a Qobj document"
    );

    let mut looped = Circuit::new(1, 1);
    let condition = looped.register_equals(0, 1, 0);
    looped.push(Op::End, &[], &[], &[]).unwrap();
    let body = looped.push_block(|_| {});
    looped.set_op(0, Op::While { condition, body });
    assert_eq!(
        refused(looped),
        "experiment 0: a `while_loop` cannot be written in a Qobj document"
    );

    let mut wide = Circuit::new(1, 1);
    let var = wide.add_variable("angle", VarType::Float);
    let value = wide.add_expr(Expr::Literal(Value::Float(0.5)));
    wide.push(Op::Store { var, value }, &[], &[], &[]).unwrap();
    assert!(refused(wide).contains("the variable `angle`, which is not a bit,"));

    let mut dynamic = Circuit::new(1, 1);
    let var = dynamic.add_variable("angle", VarType::Float);
    let angle = Param::Expr(dynamic.add_expr(Expr::Var(var)));
    dynamic.push(Op::Gate(GateOp::new(Gate::Rx, 0)), &[Qubit(0)], &[], &[angle]).unwrap();
    assert!(refused(dynamic).contains("a parameter of `rx` that is computed during the run"));
    assert!(refused(Circuit::new(1, 0).rx(f64::NAN, 0)).contains("the parameter NaN of `rx`"));

    let unbound = Qobj::from_circuit(Circuit::new(1, 0).rx("theta", 0)).to_json().unwrap_err();
    assert!(matches!(unbound, QobjJsonError::Bind { experiment: 0, .. }));
}

#[test]
fn bindings_become_numbers() {
    let mut qobj = Qobj::from_circuit(Circuit::new(1, 0).rx("theta", 0));
    let Program::Circuits { experiments, .. } = &mut qobj.program else { unreachable!() };
    experiments[0].bindings = vec![0.1];
    experiments.push(experiments[0].clone());
    experiments[1].bindings = vec![1e-300];
    let document = qobj.to_json().unwrap();
    let angle = |place: usize| document["experiments"][place]["instructions"][0]["params"].clone();
    assert_eq!((angle(0), angle(1)), (json!([0.1]), json!([1e-300])));
}

#[test]
fn configurations_are_taken_apart() {
    let mut document = document(json!({}), json!([]));
    document["config"] = json!({
        "shots": 7, "seed_simulator": 5, "memory": true, "memory_slots": 3, "n_qubits": 2,
        "method": "stabilizer",
    });
    document["experiments"][0]["config"] = json!({"shots": 9, "seed": 6});
    let qobj = Qobj::from_json_value(&document).unwrap();
    assert_eq!(
        (qobj.config.shots, qobj.config.seed, qobj.config.memory),
        (Some(7), Some(5), Some(true))
    );
    assert_eq!(qobj.config.options.keys().collect::<Vec<_>>(), ["method"]);
    assert_eq!(qobj.experiments()[0].config.shots, Some(9));
    let written = qobj.to_json().unwrap();
    assert_eq!(written["config"]["seed"], 5);
    assert_eq!(written["config"]["seed_simulator"], 5);
    assert_eq!(written["experiments"][0]["config"]["shots"], 9);
    document["config"]["shots"] = json!(-1);
    let error = Qobj::from_json_value(&document).unwrap_err();
    assert_eq!(error.to_string(), "`config.shots`: expected a whole number from 0, found -1");
}

#[test]
fn pulse_documents_pass_unchanged() {
    let document = json!({
        "qobj_id": "p", "schema_version": "1.1.0", "type": "PULSE", "header": {"a": [1, 2.5]},
        "config": {"shots": 3, "pulse_library": []}, "unknown": {"kept": true},
        "experiments": [{"instructions": [{"name": "fc", "ch": "d0", "t0": 0, "phase": 0.1}]}],
    });
    let qobj = Qobj::from_json_value(&document).unwrap();
    assert!(matches!(qobj.program, Program::Pulse(_)));
    assert_eq!(qobj.to_json().unwrap(), document);
    assert_eq!(qobj.with_shots(8).to_json().unwrap()["config"]["shots"], 8);
}

#[test]
fn every_spelling_is_read() {
    use ketch_interface::circuit::{Controls, SPELLINGS};
    for spelling in SPELLINGS {
        let info = spelling.gate.info();
        let controls = match spelling.controls {
            Controls::Exactly(n) => n,
            Controls::Any => 2,
        };
        let qubits: Vec<u32> = (0..u32::from(controls) + info.n_qubits).collect();
        let params = vec![0.5; info.n_params as usize];
        let instruction = json!([{"name": spelling.name, "qubits": qubits, "params": params}]);
        let header = json!({"n_qubits": 8, "memory_slots": 0});
        let qobj = Qobj::from_json_value(&document(header, instruction)).unwrap();
        let expected = Op::Gate(GateOp::new(spelling.gate, controls));
        assert_eq!(*qobj.circuits()[0].instruction(0).op, expected, "{}", spelling.name);
    }
}

#[test]
fn matrices_are_read_alone_in_a_list_or_as_they_are() {
    let x = json!([[[0, 0], [1, 0]], [[1, 0], [0, 0]]]);
    let listed = read(json!([{"name": "unitary", "qubits": [0], "params": [x]}])).unwrap();
    let plain = read(json!([{"name": "unitary", "qubits": [0], "params": x}])).unwrap();
    let real =
        read(json!([{"name": "unitary", "qubits": [0], "params": [[0, 1], [1, 0]]}])).unwrap();
    assert_eq!(listed, plain);
    assert_eq!(listed, real);
}

#[test]
fn snapshots_of_every_generation_are_read() {
    let circuit = read(json!([
        {"name": "snapshot", "label": "", "type": "", "params": [10]},
        {"name": "snapshot", "label": "s", "snapshot_type": "statevector"},
        {"name": "snapshot", "label": "e", "type": "expectation_value_pauli", "qubits": [0, 1],
         "params": [[0.5, "XX"], [[0.25, -1.0], "ZI"]]},
    ]))
    .unwrap();
    let snapshots: Vec<(String, String, usize)> = circuit
        .instructions()
        .filter_map(|instruction| match instruction.op {
            Op::Snapshot(s) => Some((s.kind.clone(), s.label.clone(), s.paulis.len())),
            _ => None,
        })
        .collect();
    let expected =
        [("statevector", "10", 0), ("statevector", "s", 0), ("expectation_value_pauli", "e", 2)];
    assert_eq!(snapshots, expected.map(|(k, l, n)| (k.to_owned(), l.to_owned(), n)));
}

#[test]
fn a_bool_and_a_comparison_both_are_conditions() {
    let mut circuit = Circuit::new(1, 70);
    let bit = circuit.add_expr(Expr::Clbit(Clbit(69)));
    let block = circuit.open_if(bit);
    circuit.push(Op::Reset, &[Qubit(0)], &[], &[]).unwrap();
    circuit.close_block(block);
    let written = Qobj::from_circuit(circuit).to_json().unwrap();
    assert_eq!(
        written["experiments"][0]["instructions"][0]["mask"],
        format!("0x2{}", "0".repeat(17))
    );
    let again = Qobj::from_json_value(&written).unwrap();
    assert!(holds(&again.circuits()[0], &format!("1{}", "0".repeat(69))));
    assert!(!holds(&again.circuits()[0], &format!("0{}", "1".repeat(69))));
}

proptest! {
    #[test]
    fn circuits_survive_as_documents(numbers in prop::collection::vec(any::<u64>(), 0..400)) {
        let original = circuit(&mut Tape { rest: &numbers, all: false });
        for dialect in [QobjDialect::V1, QobjDialect::Terra06] {
            let text = Qobj::from_circuit(original.clone()).to_json_as(dialect).unwrap().to_string();
            let read = Qobj::from_json(&text).unwrap();
            prop_assert_eq!(&read.circuits()[0], &original);
        }
    }

    #[test]
    fn any_field_may_be_anything(
        field in prop::sample::select(vec![
            "name", "qubits", "params", "memory", "register", "conditional", "mask", "val",
            "relation", "label", "snapshot_type", "register_orig", "register_copy", "unit",
        ]),
        name in prop::sample::select(vec![
            "h", "cx", "measure", "bfunc", "copy", "snapshot", "unitary", "kraus", "initialize",
            "save_expval", "save_amplitudes", "roerror", "multiplexer", "delay", "pauli",
        ]),
        value in prop::sample::select(vec![
            json!(null), json!(-1), json!(1e300), json!("0x"), json!(""), json!([]), json!([[]]),
            json!({}), json!([[[0.5]]]), json!([["X", 1]]), json!({"mask": "0x1", "val": 3}),
            json!(18_446_744_073_709_551_615_u64), json!([0, 1]), json!([2_147_483_647]),
        ]),
    ) {
        let mut instruction = json!({"name": name, "qubits": [0], "memory": [0]});
        instruction[field] = value;
        if let Ok(circuit) = read(json!([instruction])) {
            prop_assert!(circuit.validate().is_ok());
            let _ = Qobj::from_circuit(circuit).to_json();
        }
    }
}
