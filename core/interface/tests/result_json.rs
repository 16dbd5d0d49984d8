//! Result documents: what they say, in both dialects, and how faults are named.

use std::sync::Arc;

use ketch_interface::circuit::Register;
use ketch_interface::result::{Data, ExperimentResult, Memory, ResultDialect, SnapshotResult};
use ketch_interface::{BitString, Complex64, Counts, RunResult};
use serde_json::{Value, json};

fn result() -> RunResult {
    let registers = vec![Register::new("a", 0, 1), Register::new("b", 1, 69)];
    let mut counts = Counts::new(registers.clone());
    let mut high = BitString::zeros(70);
    high.set(69, true);
    counts.add(high.clone(), 3);
    counts.add(BitString::from_u64(70, 2), 1);
    let shots: Vec<u8> = high.words().flat_map(u64::to_le_bytes).take(9).collect();
    let vector = vec![Complex64::new(0.1, -0.2), Complex64::new(1e-300, 0.0)];
    let mut experiment = ExperimentResult {
        name: "one".to_owned(),
        shots: 4,
        seed: Some(7),
        success: true,
        status: "DONE".to_owned(),
        registers,
        counts: Some(counts),
        memory: Memory::from_bytes(70, shots.into()),
        snapshots: vec![SnapshotResult {
            kind: "statevector".to_owned(),
            label: "s".to_owned(),
            values: vec![Data::Vector(vector.clone().into()), Data::Vector(vector.clone().into())],
        }],
        time_taken: 0.5,
        ..ExperimentResult::default()
    };
    Arc::make_mut(&mut experiment.metadata).insert("method".to_owned(), "statevector".into());
    for (key, data) in [
        ("statevector", Data::Vector(vector.clone().into())),
        ("unitary", Data::Matrix { dim: 1, entries: vec![Complex64::I].into() }),
        ("probabilities", Data::Reals(vec![0.1, 0.9].into())),
        ("energy", Data::Number(-1.137)),
        ("custom", Data::Json(json!({"a": [1, 2]}))),
    ] {
        experiment.data.insert(key.to_owned(), data);
    }
    let failed =
        ExperimentResult { status: "no such gate".to_owned(), ..ExperimentResult::default() };
    RunResult {
        backend_name: "qasm_simulator".to_owned(),
        backend_version: "0.1.0".to_owned(),
        qobj_id: "q".to_owned(),
        job_id: "j".to_owned(),
        date: Some("2018-04-02T15:00:00Z".to_owned()),
        status: "PARTIAL".to_owned(),
        experiments: vec![experiment, failed],
        ..RunResult::default()
    }
}

#[test]
fn a_result_survives_but_for_what_its_header_gains() {
    for dialect in [ResultDialect::V1, ResultDialect::Terra06] {
        let original = result();
        let text = original.to_qiskit_json_as(dialect).to_string();
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut read = RunResult::from_qiskit_json(&document).unwrap();
        let names: Vec<&String> = read.experiments[0].header.keys().collect();
        assert_eq!(names, ["name", "memory_slots", "creg_sizes", "clbit_labels"]);
        read.experiments.iter_mut().for_each(|experiment| experiment.header.clear());
        assert_eq!(read, original, "{dialect:?}");
    }
}

#[test]
fn the_dialects_differ_in_seed_and_lists() {
    let new = result().to_qiskit_json();
    let old = result().to_qiskit_json_as(ResultDialect::Terra06);
    assert_eq!((&new["results"][0]["seed"], &old["results"][0]["seed"]), (&json!(7), &json!("7")));
    let vector = |document: &Value| document["results"][0]["data"]["statevector"].clone();
    assert_eq!(json!([vector(&new)]), vector(&old));
    let counts = json!({"0x200000000000000000": 3, "0x2": 1});
    assert_eq!(new["results"][0]["data"]["counts"], counts);
    assert_eq!(new["results"][0]["data"]["memory"], json!(["0x200000000000000000"]));
}

fn document(header: Value, data: Value) -> Value {
    json!({
        "success": true,
        "results": [{"header": header, "success": true, "shots": 4, "data": data}],
    })
}

#[test]
fn widths_come_from_the_outcomes_where_the_header_says_none() {
    let data = json!({"counts": {"0x0": 1, "0x5": 3}, "memory": ["0x5", "0x0"]});
    let read = RunResult::from_qiskit_json(&document(json!({}), data.clone())).unwrap();
    assert_eq!(read.counts(0).unwrap().get("101"), 3);
    let header = json!({"memory_slots": 4, "creg_sizes": [["x", 1], ["y", 3]]});
    let read = RunResult::from_qiskit_json(&document(header, data)).unwrap();
    assert_eq!(read.counts(0).unwrap().to_string(), "{000 0: 1, 010 1: 3}");
    assert_eq!(read.memory(0).unwrap().shot(0).unwrap().to_string(), "0101");
    let bits = json!({"counts": {"1 01": 4}});
    let read = RunResult::from_qiskit_json(&document(json!({}), bits)).unwrap();
    assert_eq!(read.counts(0).unwrap().get("101"), 4);
}

#[test]
fn faults_are_named_with_their_place() {
    let cases = [
        (
            json!({"counts": {"0x4": 1}}),
            "`results[0].data.counts.0x4`: expected an outcome of 2 bits as key, found 1",
        ),
        (
            json!({"counts": {"0x1": -1}}),
            "`results[0].data.counts.0x1`: expected a whole number from 0, found -1",
        ),
        (json!({"counts": []}), "`results[0].data.counts`: expected an object, found a list of 0"),
        (
            json!({"memory": ["0x1", "0x9"]}),
            "`results[0].data.memory[1]`: expected an outcome of 2 bits, found \"0x9\"",
        ),
        (
            json!({"snapshots": {"statevector": 1}}),
            "`results[0].data.snapshots.statevector`: expected an object, found 1",
        ),
    ];
    for (data, expected) in cases {
        let document = document(json!({"memory_slots": 2}), data);
        assert_eq!(RunResult::from_qiskit_json(&document).unwrap_err().to_string(), expected);
    }
    let error = RunResult::from_qiskit_json(&json!({"success": true, "result": []})).unwrap_err();
    assert!(error.to_string().contains("an object with `results`"));
}

#[test]
fn a_short_document_cannot_ask_for_much_memory() {
    let shots = vec!["0x0"; 5000];
    let document = document(json!({"memory_slots": 1 << 20}), json!({"memory": shots}));
    let error = RunResult::from_qiskit_json(&document).unwrap_err();
    assert!(error.to_string().contains("outcomes of at most"), "{error}");
}

#[test]
fn the_result_from_before_the_schema_is_refused() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/golden/qiskit-schemas/terra-0.6.1/deprecated/result/result_example.json"
    );
    let document = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let error = RunResult::from_qiskit_json(&document).unwrap_err().to_string();
    assert_eq!(
        error,
        "`the document`: expected an object with `results`, found an object without it"
    );
}
