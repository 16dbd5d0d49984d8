//! The checks of documents, on a device with all of them and on the same with one fault each.

use ketch_conformance::{Outcome, run_one};
use ketch_core::{
    BackendConfiguration, BackendProperties,
    device::{GateConfig, GateProperties, Nduv},
};

use super::Tiny;

const DATE: &str = "2018-07-06T12:00:00Z";

fn configuration() -> BackendConfiguration {
    let mut it = BackendConfiguration::simulator("tiny", "1.0.0", 4);
    it.basis_gates = ["x", "h", "ry", "cx"].map(str::to_owned).to_vec();
    it.conditional = false;
    it.coupling_map = Some(vec![vec![0, 1], vec![1, 2]]);
    it.tags = Some(vec!["small".to_owned()]);
    let mut supported = it.basis_gates.clone();
    supported.extend(["measure", "barrier"].map(str::to_owned));
    it.supported_instructions = Some(supported);
    let mut cx = GateConfig::new("cx", &[], "gate cx c,t { CX c,t; }");
    cx.coupling_map = it.coupling_map.clone();
    it.gates = vec![GateConfig::new("ry", &["theta"], "gate ry(theta) q { U(theta,0,0) q; }"), cx];
    it
}

fn properties() -> BackendProperties {
    let number = |name: &str, value: f64, unit: &str| Nduv::new(name, value, unit, DATE);
    let qubit = || {
        vec![
            number("T1", 60.0, "us"),
            number("frequency", 5.0, "GHz"),
            number("readout_error", 0.02, ""),
        ]
    };
    let cx = GateProperties {
        qubits: vec![0, 1],
        gate: "cx".to_owned(),
        parameters: vec![number("gate_error", 0.01, "")],
        name: None,
        extra: serde_json::Map::new(),
    };
    BackendProperties {
        backend_name: "tiny".to_owned(),
        backend_version: "1.0.0".to_owned(),
        last_update_date: DATE.to_owned(),
        qubits: (0..4).map(|_| qubit()).collect(),
        gates: vec![cx],
        general: Vec::new(),
        extra: serde_json::Map::new(),
    }
}

type Change = fn(&mut BackendConfiguration, &mut BackendProperties);

/// A check, what breaks it, and a part of what it says then.
const FAULTS: &[(&str, Change, &str)] = &[
    ("the version is three numbers", |c, _| c.backend_version = "1.0".into(), "`1.0` is no"),
    ("gates are described once", |c, _| c.gates[0].name = "cx".into(), "\"cx\""),
    ("gates that are described are basis gates", |c, _| c.gates[0].name = "rz".into(), "`rz`"),
    (
        "couplings join different qubits",
        |c, _| c.coupling_map = Some(vec![vec![1, 1]]),
        "joins a qubit with itself",
    ),
    ("couplings join different qubits", |c, _| c.n_qubits = Some(2), "outside of 2 qubits"),
    ("couplings stand once", |c, _| c.coupling_map = Some(vec![vec![0, 1]; 2]), "[0, 1]"),
    (
        "gates act on couplings",
        |c, _| c.gates[1].coupling_map = Some(vec![vec![0, 2]]),
        "`cx` acts on [0, 2]",
    ),
    (
        "the supported instructions hold the basis gates",
        |c, _| c.supported_instructions = Some(vec!["x".into()]),
        "\"h\"",
    ),
    ("tags stand once", |c, _| c.tags = Some(vec!["a".into(), "a".into()]), "\"a\""),
    (
        "a device has a number of qubits",
        |c, _| (c.n_qubits, c.simulator) = (None, false),
        "without a number of qubits",
    ),
    ("the properties name the backend", |_, p| p.backend_name = "other".into(), "of `other`"),
    ("the properties have every qubit", |_, p| p.qubits.truncate(3), "of 3 qubits, it has 4"),
    ("calibrated gates are of the device", |_, p| p.gates[0].qubits = vec![3, 4], "of 4 qubits"),
    (
        "each calibrated number stands once",
        |_, p| p.qubits[2][0].name = "frequency".into(),
        "\"frequency\"",
    ),
    ("calibrated numbers are numbers", |_, p| p.qubits[1][0].value = f64::NAN, "is NaN"),
    ("the properties survive JSON", |_, p| p.qubits[1][0].value = f64::NAN, "the properties"),
    ("error rates are probabilities", |_, p| p.qubits[1][2].value = 1.5, "qubit 1 is 1.5"),
    ("error rates are probabilities", |_, p| p.gates[0].parameters[0].unit = "%".into(), "`%`"),
    ("times and frequencies have units", |_, p| p.qubits[0][0].unit = "GHz".into(), "`GHz`"),
    ("times and frequencies have units", |_, p| p.qubits[0][1].value = -5.0, "is -5 GHz"),
    ("calibrated numbers have dates", |_, p| p.qubits[0][0].date = "today".into(), "`today`"),
    // The simulator behind has no idea of couplings.
    ("qubits that are not coupled are refused", |_, _| {}, "a gate on (0, 2) ran"),
];

fn outcome(check: &str, change: Change) -> Outcome {
    let (mut configuration, mut properties) = (configuration(), properties());
    change(&mut configuration, &mut properties);
    let tiny = Tiny::describing_itself(configuration, Some(properties));
    run_one(&tiny, check, Some("tiny")).expect("a check of this name").outcome
}

#[test]
fn each_fault_of_a_document_fails_its_check_and_no_fault_does_not() {
    for (check, change, expected) in FAULTS {
        match outcome(check, *change) {
            Outcome::Failed(how) => assert!(how.contains(expected), "{check}: {how}"),
            other => panic!("`{check}` says {other:?}, expected {expected}"),
        }
        if !check.starts_with("qubits that are not") {
            assert_eq!(outcome(check, |_, _| {}), Outcome::Passed, "{check}");
        }
    }
    assert_eq!(outcome("every coupling can be used", |_, _| {}), Outcome::Passed);
}
