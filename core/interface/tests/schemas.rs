//! Every official example loads, survives a round trip with all that it says, and what is written
//! obeys the official schema of the same release.
//!
//! The golden folder's NOTICE says where the schemas and examples come from.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{
    read, read_json, reload, reload_opaque, reload_qobj, reload_qobj_06, reload_result,
    reload_result_06, repair_memory_slots, says_all_of, validate,
};
use ketch_interface::circuit::{Gate, Register, TimeUnit};
use ketch_interface::device::{
    BackendConfiguration, BackendProperties, BackendStatus, GateConfig, JobStatus,
    JobStatusDocument,
};
use ketch_interface::qobj::QobjDialect;
use ketch_interface::result::{Data, ExperimentResult, Memory, ResultDialect};
use ketch_interface::{Array, Circuit, Complex64, Counts, Qobj, RunResult};
use serde_json::{Value, json};

/// Reads a text into our type and returns what the type writes.
type Reload = fn(&str) -> Result<Value, String>;

/// Releases, schema (without `_schema.json`), example (below the release's folder), loader.
type Row = (&'static [&'static str], &'static str, &'static str, Reload);

const RELEASES: [&str; 3] = ["terra-0.6.1", "terra-0.7.0", "terra-0.18.3"];
/// Those whose results have a number as seed, and no list around a state vector.
const RELEASES_1: [&str; 2] = ["terra-0.7.0", "terra-0.18.3"];

#[rustfmt::skip]
const DOCUMENTS: &[Row] = &[
    (&RELEASES, "backend_configuration", "examples/backend_configuration_openpulse_example.json", reload::<BackendConfiguration>),
    (&RELEASES, "backend_configuration", "examples/backend_configuration_openqasm_example.json", reload::<BackendConfiguration>),
    (&RELEASES, "backend_configuration", "examples/backend_configuration_openqasm_simulator_example.json", reload::<BackendConfiguration>),
    (&RELEASES, "backend_properties", "examples/backend_properties_example.json", reload::<BackendProperties>),
    (&RELEASES, "backend_status", "examples/backend_status_example.json", reload::<BackendStatus>),
    (&RELEASES, "job_status", "examples/job_status_example.json", reload::<JobStatusDocument>),
    (&RELEASES, "default_pulse_configuration", "examples/default_pulse_configuration_example.json", reload_opaque),
    (&RELEASES, "qobj", "examples/qobj_openqasm_example.json", reload_qobj),
    (&RELEASES, "qobj", "examples/qobj_openqasm_example.json", reload_qobj_06),
    (&RELEASES, "qobj", "examples/qobj_openpulse_example.json", reload_qobj),
    (&["terra-0.18.3"], "qobj", "examples/qasm_w_pulse_gates.json", reload_qobj),
    (&["terra-0.6.1"], "result", "examples/result_openqasm_example.json", reload_result_06),
    (&["terra-0.6.1"], "result", "examples/result_statevector_simulator_example.json", reload_result_06),
    (&["terra-0.6.1"], "result", "examples/result_unitary_simulator_example.json", reload_result_06),
    (&["terra-0.6.1"], "result", "examples/result_openpulse_level_0_example.json", reload_result_06),
    (&["terra-0.6.1"], "result", "examples/result_openpulse_level_1_example.json", reload_result_06),
    (&RELEASES_1, "result", "examples/result_openqasm_example.json", reload_result),
    (&RELEASES_1, "result", "examples/result_statevector_simulator_example.json", reload_result),
    (&RELEASES_1, "result", "examples/result_unitary_simulator_example.json", reload_result),
    (&RELEASES_1, "result", "examples/result_openpulse_level_0_example.json", reload_result),
    (&RELEASES_1, "result", "examples/result_openpulse_level_1_example.json", reload_result),
];

/// The beginnings of the names of the examples that `DOCUMENTS` answers for.
const COVERED: [&str; 6] =
    ["backend_", "job_status", "default_pulse_configuration", "qobj_", "qasm_w_", "result_"];

/// Every document of the table, as (release, schema, example, loader).
fn documents() -> impl Iterator<Item = (&'static str, &'static str, &'static str, Reload)> {
    DOCUMENTS.iter().flat_map(|&(releases, schema, example, reload)| {
        releases.iter().map(move |&release| (release, schema, example, reload))
    })
}

#[test]
fn official_examples_survive_and_obey_their_schema() {
    let mut faults = Vec::new();
    for (release, schema, example, reload) in documents() {
        let text = read(&format!("{release}/{example}"));
        let mut original: Value = serde_json::from_str(&text).unwrap();
        repair_memory_slots(&mut original);
        let outcome = reload(&text).and_then(|written| {
            says_all_of(&written, &original)?;
            validate(&format!("{release}/{schema}_schema.json"), &written)
        });
        if let Err(fault) = outcome {
            faults.push(format!("{release}/{example}: {fault}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_official_example_is_forgotten() {
    for release in RELEASES {
        let listed: BTreeSet<String> = documents()
            .filter(|row| row.0 == release)
            .filter_map(|row| row.2.strip_prefix("examples/").map(str::to_owned))
            .collect();
        let found: BTreeSet<String> = fs::read_dir(common::golden().join(release).join("examples"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| COVERED.iter().any(|start| name.starts_with(start)))
            .collect();
        assert_eq!(listed, found, "{release}");
    }
}

/// The inputs of the first C++ simulator's own tests. They are written with other words than they
/// are read (`u` for `U`), so they are compared as circuits.
#[test]
fn simulator_tests_survive_and_obey_the_schema() {
    let folder = common::golden().join("terra-0.6.1/test-qobj");
    let mut n_files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = read(&format!("terra-0.6.1/test-qobj/{name}"));
        let written = reload_qobj_06(&text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        for release in RELEASES {
            let verdict = validate(&format!("{release}/qobj_schema.json"), &written);
            assert_eq!(verdict, Ok(()), "{name} in {release}");
        }
        let written = reload_qobj(&text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(validate("terra-0.18.3/qobj_schema.json", &written), Ok(()), "{name}");
        n_files += 1;
    }
    assert_eq!(n_files, 7);
}

#[test]
fn the_qobj_from_before_the_schema_is_read() {
    for release in RELEASES {
        let text = read(&format!("{release}/deprecated/qobj/qobj_example.json"));
        let written = reload_qobj(&text).unwrap();
        assert_eq!(written["qobj_id"], "S4cmORrEe5OtQXwecLQSCLmDpw13NC");
        assert_eq!(written["experiments"][0]["header"]["name"], "test");
        assert_eq!(written["experiments"][0]["header"]["creg_sizes"], json!([["cr", 5]]));
        assert_eq!(written["experiments"][0]["config"]["shots"], 2048);
        assert_eq!(validate(&format!("{release}/qobj_schema.json"), &written), Ok(()));
    }
}

#[test]
fn every_schema_compiles_and_refuses_an_empty_document() {
    for release in RELEASES {
        for entry in fs::read_dir(common::golden().join(release)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with("_schema.json") {
                let verdict = validate(&format!("{release}/{name}"), &json!({}));
                assert!(verdict.is_err(), "{release}/{name} accepts an empty document");
            }
        }
    }
}

#[test]
fn broken_documents_are_refused() {
    let schema = "terra-0.7.0/backend_configuration_schema.json";
    let good =
        read_json("terra-0.7.0/examples/backend_configuration_openqasm_simulator_example.json");
    assert_eq!(validate(schema, &good), Ok(()));
    let faults = [
        ("n_qubits", json!(-1)),
        ("n_qubits", json!("32")),
        ("backend_version", json!("one")),
        ("basis_gates", json!("u1,u2")),
        ("gates", json!([{"name": "h"}])),
        ("open_pulse", json!(true)),
    ];
    for (field, value) in faults {
        let mut broken = good.clone();
        broken[field] = value;
        assert!(validate(schema, &broken).is_err(), "{field} = {} was accepted", broken[field]);
    }
    for field in ["backend_name", "memory", "max_shots"] {
        let mut broken = good.clone();
        broken.as_object_mut().unwrap().remove(field);
        assert!(validate(schema, &broken).is_err(), "a document without {field} was accepted");
    }
}

#[test]
fn the_comparison_sees_every_kind_of_loss() {
    let original = json!({"a": [1, {"b": 60}], "c": "x"});
    assert_eq!(says_all_of(&json!({"a": [1, {"b": 60.0}], "c": "x", "d": 1}), &original), Ok(()));
    let losses = [
        (json!({"a": [1, {"b": 60}]}), ".c: lost"),
        (json!({"a": [1, {}], "c": "x"}), ".a[1].b: lost"),
        (json!({"a": [1, {"b": 61}], "c": "x"}), ".a[1].b: 60 became 61"),
        (json!({"a": [1], "c": "x"}), ".a: [1,{\"b\":60}] became [1]"),
        (json!({"a": [1, {"b": 60}], "c": null}), ".c: \"x\" became null"),
    ];
    for (written, expected) in losses {
        assert_eq!(says_all_of(&written, &original), Err(expected.to_owned()));
    }
}

#[test]
fn our_own_documents_obey_every_schema() {
    let mut simulator = BackendConfiguration::simulator("qasm_simulator", "0.1.0", 29);
    simulator.basis_gates = vec!["u1".to_owned()];
    simulator.gates =
        vec![GateConfig::new("u1", &["lambda"], "gate u1(lambda) q { U(0,0,lambda) q; }")];
    simulator.tags = Some(Vec::new());
    let configuration = serde_json::to_value(&simulator).unwrap();
    let status = serde_json::to_value(BackendStatus {
        backend_name: "qasm_simulator".to_owned(),
        backend_version: "0.1.0".to_owned(),
        operational: true,
        pending_jobs: 0,
        status_msg: "active".to_owned(),
        extra: serde_json::Map::new(),
    })
    .unwrap();
    for release in RELEASES {
        let schema = |name: &str| format!("{release}/{name}_schema.json");
        assert_eq!(validate(&schema("backend_configuration"), &configuration), Ok(()));
        assert_eq!(validate(&schema("backend_status"), &status), Ok(()));
        for status in [
            JobStatus::Initializing,
            JobStatus::Queued,
            JobStatus::Validating,
            JobStatus::Running,
            JobStatus::Cancelled,
            JobStatus::Done,
            JobStatus::Error,
        ] {
            let document = serde_json::to_value(JobStatusDocument::new("1", status)).unwrap();
            assert_eq!(validate(&schema("job_status"), &document), Ok(()));
        }
    }
}

#[test]
fn our_own_qobjs_and_results_obey_every_schema() {
    let circuit = Circuit::new(3, 3)
        .named("own")
        .h(0)
        .ccx(0, 1, 2)
        .mcx(&[0, 1], 2)
        .u(0.1, 0.2, 0.3, 0)
        .initialize(vec![Complex64::I, Complex64::ZERO], &[1])
        .unitary(Gate::H.matrix(&[]), &[0])
        .delay(7.0, TimeUnit::Tick, 2)
        .barrier()
        .reset(0)
        .measure_all()
        .if_equal(0, 5, |circuit| circuit.x(0).cp(0.5, 0, 1));
    let qobj = Qobj::from_circuit(circuit).with_seed(1).with_memory();
    let mut counts = Counts::new(vec![Register::new("c", 0, 3)]);
    counts.add("101".parse().unwrap(), 1024);
    let mut experiment = ExperimentResult {
        shots: 1024,
        seed: Some(1),
        success: true,
        registers: counts.registers().to_vec(),
        counts: Some(counts),
        memory: Memory::from_bytes(3, vec![5; 1024].into()),
        ..ExperimentResult::default()
    };
    let vector = Array::from(vec![Complex64::ONE, Complex64::ZERO]);
    experiment.data.insert("statevector".to_owned(), Data::Vector(vector.clone()));
    let square = Array::from([&vector[..], &vector[..]].concat());
    experiment.data.insert("unitary".to_owned(), Data::Matrix { dim: 2, entries: square });
    let result = RunResult {
        backend_version: "0.1.0".to_owned(),
        experiments: vec![experiment],
        ..RunResult::default()
    };
    for release in RELEASES {
        let oldest = release == "terra-0.6.1";
        // Up to 0.7, the schema contradicts itself about a `bfunc`'s register.
        let dialect =
            if release == "terra-0.18.3" { QobjDialect::V1 } else { QobjDialect::Terra06 };
        let document = qobj.to_json_as(dialect).unwrap();
        assert_eq!(validate(&format!("{release}/qobj_schema.json"), &document), Ok(()));
        let dialect = if oldest { ResultDialect::Terra06 } else { ResultDialect::V1 };
        let document = result.to_qiskit_json_as(dialect);
        assert_eq!(validate(&format!("{release}/result_schema.json"), &document), Ok(()));
    }
}

#[test]
fn no_limit_of_qubits_obeys_the_schema_that_can_say_so() {
    let mut simulator = BackendConfiguration::simulator("clifford_simulator", "0.1.0", None);
    simulator.basis_gates = vec!["h".to_owned()];
    simulator.gates = vec![GateConfig::new("h", &[], "gate h q { U(pi/2,0,pi) q; }")];
    let document = serde_json::to_value(&simulator).unwrap();
    assert_eq!(validate("terra-0.6.1/backend_configuration_schema.json", &document), Ok(()));
}

#[test]
fn the_accessors_read_the_official_calibration() {
    for release in RELEASES {
        let text = read(&format!("{release}/examples/backend_properties_example.json"));
        let properties: BackendProperties = serde_json::from_str(&text).unwrap();
        assert_eq!(properties.t1(0), Some(60e-6));
        assert_eq!(properties.frequency(0), Some(5.2e9));
        assert_eq!(properties.frequency(1), None, "the example gives this frequency in us");
        assert_eq!(properties.gate_error("cx", &[0, 1]), Some(0.02));
        assert_eq!(properties.gate_length("cx", &[0, 1]), None);
    }
}
