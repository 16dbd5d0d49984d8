//! The user's own devices.

use std::{error::Error as _, fs, path::Path};

use ketch_core::{BackendExt, Filter, Host, Provider, Qobj};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::bell;
use crate::{NoisyProvider, described};

const CONF: &str = include_str!("../../devices/conf_ibmqx4.json");
const PROPS: &str = include_str!("../../devices/props_ibmqx4.json");

/// Changes a configuration and properties.
type Change = fn(&mut Value, &mut Value);

/// The documents of a device called `mine`, changed.
fn documents(change: impl FnOnce(&mut Value, &mut Value)) -> (Value, Value) {
    let mut conf: Value = serde_json::from_str(CONF).unwrap();
    let mut props: Value = serde_json::from_str(PROPS).unwrap();
    conf["backend_name"] = json!("mine");
    props["backend_name"] = json!("mine");
    change(&mut conf, &mut props);
    (conf, props)
}

fn write(directory: &Path, name: &str, document: &Value) {
    fs::write(directory.join(name), document.to_string()).unwrap();
}

fn provider(directory: &TempDir) -> NoisyProvider {
    NoisyProvider::with_directory(Host::none(), Some(directory.path().to_owned()))
}

/// Why the device of these documents is refused, with `DIR` for the directory; the devices that are
/// built in, and another of the user's, still work.
fn refusal(change: impl FnOnce(&mut Value, &mut Value)) -> String {
    let directory = TempDir::new().unwrap();
    let (conf, props) = documents(change);
    write(directory.path(), "conf_mine.json", &conf);
    write(directory.path(), "props_mine.json", &props);
    let (mut conf, mut props) = documents(|_, _| {});
    conf["backend_name"] = json!("other");
    props["backend_name"] = json!("other");
    write(directory.path(), "other.json", &json!({"configuration": conf, "properties": props}));
    let provider = provider(&directory);
    assert_eq!(provider.backends(&Filter::new()).unwrap().len(), 10);
    assert!(provider.get_backend("other").is_ok() && provider.get_backend("ibmqx4").is_ok());
    let (name, error) = provider.refused().next().unwrap();
    assert_eq!(name, "mine");
    let text = described(error);
    let found = provider.get_backend("mine").err().unwrap();
    assert_eq!(found.code(), "calibration.invalid");
    assert!(text.starts_with(&found.source().unwrap().to_string()));
    text.replace(&directory.path().display().to_string(), "DIR")
}

#[test]
fn pairs_and_single_files_are_devices() {
    let directory = TempDir::new().unwrap();
    let (conf, props) = documents(|_, _| {});
    write(directory.path(), "conf_x.json", &conf);
    write(directory.path(), "props_x.json", &props);
    fs::write(directory.path().join("notes.txt"), "not a device").unwrap();
    let provider = provider(&directory);
    assert_eq!(provider.refused().count(), 0);
    let mine = provider.get_backend("mine").unwrap();
    assert_eq!(mine.configuration().unwrap().n_qubits(), Some(5));
    let circuit = super::bell_2018(5, 1, 0);
    let result = mine.run_and_wait(Qobj::from_circuit(circuit).with_shots(100), None).unwrap();
    assert_eq!(result.counts(0).unwrap().total(), 100);
}

#[test]
fn one_clear_error_with_file_and_key() {
    let cases: [(Change, &str); 12] = [
        (
            |_, props| props["qubits"][3][0]["unit"] = json!("parsec"),
            "DIR/props_mine.json: the calibration makes no sense: qubits[3].T1 is in `parsec`, \
             expected a unit of time: s, ms, us, ns or ps",
        ),
        (
            |_, props| props["gates"][0]["parameters"][0]["unit"] = json!("ns"),
            "DIR/props_mine.json: the calibration makes no sense: u1 on [0]: gate_error is in \
             `ns`, expected no unit: it is a probability",
        ),
        (
            |_, props| {
                props["qubits"][2].as_array_mut().unwrap().remove(1);
            },
            "DIR/props_mine.json: qubits[2].T2 is missing",
        ),
        (
            |_, props| {
                props["qubits"][2].as_array_mut().unwrap().remove(3);
            },
            "DIR/props_mine.json: qubits[2].readout_error is missing",
        ),
        (
            |_, props| {
                props["gates"].as_array_mut().unwrap().pop();
            },
            "DIR/props_mine.json: the gate_error of cx on [4, 2] is missing",
        ),
        (
            |_, props| props["gates"][1]["parameters"] = json!([]),
            "DIR/props_mine.json: the gate_error of u2 on [0] is missing",
        ),
        (
            |_, props| {
                props["qubits"].as_array_mut().unwrap().pop();
            },
            "DIR/props_mine.json: qubits is a list of 4, expected one entry for each of 5 qubits",
        ),
        (
            |_, props| props["backend_name"] = json!("yours"),
            "DIR/props_mine.json: backend_name is `yours`, expected `mine`, as in the \
             configuration",
        ),
        (
            |conf, _| conf["coupling_map"][2] = json!([2, 9]),
            "DIR/conf_mine.json: coupling_map[2] is [2, 9], expected qubits below 5",
        ),
        (
            |conf, _| conf["n_qubits"] = json!(-1),
            "DIR/conf_mine.json: n_qubits is -1, expected 1 to 1000",
        ),
        (
            |conf, _| {
                conf.as_object_mut().unwrap().remove("basis_gates");
            },
            "DIR/conf_mine.json is not a configuration document: missing field `basis_gates`",
        ),
        (
            |_, props| {
                props["qubits"][0][0].as_object_mut().unwrap().remove("unit");
            },
            "DIR/props_mine.json is not a properties document: missing field `unit`",
        ),
    ];
    for (change, expected) in cases {
        let found = refusal(change);
        assert!(found.starts_with(expected), "{found}\nexpected: {expected}");
    }
}

#[test]
fn names_and_partners() {
    let directory = TempDir::new().unwrap();
    let (conf, props) = documents(|conf, props| {
        conf["backend_name"] = json!("ibmqx4");
        props["backend_name"] = json!("ibmqx4");
    });
    write(directory.path(), "conf_lonely.json", &conf);
    write(directory.path(), "props_widowed.json", &props);
    write(directory.path(), "twin.json", &json!({"configuration": conf, "properties": props}));
    fs::write(directory.path().join("broken.json"), "{\"configuration\": ").unwrap();
    fs::create_dir(directory.path().join("folder.json")).unwrap();
    let provider = provider(&directory);
    let refused: Vec<(&str, String)> =
        provider.refused().map(|(name, error)| (name, described(error))).collect();
    let expected = [
        ("broken", "is not a device document: EOF while parsing"),
        ("lonely", "has no partner props_lonely.json"),
        ("folder", "it is no regular file"),
        ("widowed", "has no partner conf_widowed.json"),
        ("twin", "there is another device `ibmqx4`; rename one"),
    ];
    assert_eq!(refused.len(), expected.len(), "{refused:?}");
    for (name, part) in expected {
        let found = refused.iter().find(|(refused, _)| *refused == name).unwrap();
        assert!(found.1.contains(part), "{}", found.1);
    }
    assert_eq!(provider.backends(&Filter::new()).unwrap().len(), 9);
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let directory = TempDir::new().unwrap();
    let gone = directory.path().join("gone");
    let provider = NoisyProvider::with_directory(Host::none(), Some(gone));
    assert_eq!(provider.backends(&Filter::new()).unwrap().len(), 9);
    assert!(described(provider.refused().next().unwrap().1).starts_with("cannot read "));
}

#[test]
fn a_device_that_says_less_and_more() {
    let directory = TempDir::new().unwrap();
    let (conf, props) = documents(|conf, _| {
        conf.as_object_mut().unwrap().remove("max_shots");
        conf["conditional"] = json!(true);
        conf["basis_gates"] = json!(["u1", "u2", "u3", "cx", "id", "warp", "reset"]);
        conf["quantum_volume"] = json!(8);
    });
    write(directory.path(), "mine.json", &json!({"configuration": conf, "properties": props}));
    let mine = provider(&directory).get_backend("mine").unwrap();
    let configuration = mine.configuration().unwrap();
    assert_eq!(configuration.extra["quantum_volume"], json!(8));
    let names = configuration.supported_instructions.as_ref().unwrap();
    assert!(names.iter().any(|name| name == "if_else"));
    let conditional = super::bell_2018(5, 1, 0).reset(1).if_equal(0, 3, |c| c.cx(1, 0));
    assert!(mine.run_and_wait(Qobj::from_circuit(conditional), None).unwrap().success);
    assert!(mine.run_and_wait(Qobj::from_circuit(bell(5, 1, 0)), None).is_err());
}
