//! Qiskit's QPY files on the command line.

use std::fs;

use serde_json::Value;

use crate::sandbox::{Sandbox, repository};

/// A file that Qiskit wrote.
pub(crate) fn file(name: &str) -> Vec<u8> {
    fs::read(repository("tests/golden/qpy").join(name)).unwrap()
}

fn counts(document: &Value) -> String {
    let counts = document["experiments"][0]["counts"].as_object().unwrap();
    let outcomes: Vec<String> = counts.keys().map(|bits| bits.replace(' ', "")).collect();
    outcomes.join(",")
}

#[test]
fn they_run_from_files_and_from_standard_input() {
    let sandbox = Sandbox::new();
    for (name, expected, inputs) in [
        ("v13/bell.qpy", "11", &[][..]),
        ("v13-qiskit1/conditions.qpy", "111", &[]),
        ("v15/if_else.qpy", "110", &[]),
        ("v17/jumps.qpy", "001", &[]),
        ("v18/registers.qpy", "100111", &[]),
        ("v18/variables.qpy", "1111", &["-p", "flag=1", "-p", "start=6"]),
    ] {
        let bytes = file(name);
        sandbox.write("a.qpy", &bytes);
        let run = |file: &'static str| [&["run", file, "--json"], inputs].concat();
        assert_eq!(counts(&sandbox.ketch(&run("a.qpy")).json()), expected, "{name}");
        assert_eq!(counts(&sandbox.ketch_reading(&run("-"), &bytes).json()), expected, "{name}");
    }
}

#[test]
fn elements_of_vectors_get_their_numbers_by_name() {
    let sandbox = Sandbox::new();
    sandbox.write("a.qpy", file("v18/vectors.qpy"));
    let said = sandbox.ketch(&["run", "a.qpy"]).fails(2);
    let names = ["B[1]", "alpha", "theta[0]", "theta[2]", "theta[10]", "theta[11]", "theta2"];
    assert!(said.contains(&names.join(", ")), "{said}");
    let numbers: Vec<String> = names.iter().map(|name| format!("{name}=0.5")).collect();
    let mut command = vec!["run", "a.qpy", "--save", "probabilities", "--json"];
    command.extend(numbers.iter().flat_map(|number| ["-p", number]));
    let document = sandbox.ketch(&command).json();
    assert_eq!(document["experiments"][0]["name"], "vectors");
    assert_eq!(document["experiments"][0]["data"]["probabilities"].as_array().unwrap().len(), 4);
}

#[test]
fn several_circuits_are_several_experiments() {
    let sandbox = Sandbox::new();
    sandbox.write("a.qpy", file("v16/two_circuits.qpy"));
    let document =
        sandbox.ketch(&["run", "a.qpy", "-p", "x=1", "--save", "statevector", "--json"]).json();
    let experiments = document["experiments"].as_array().unwrap();
    let names: Vec<&str> = experiments.iter().map(|e| e["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["first", "second"]);
}

#[test]
fn they_convert_to_other_forms() {
    let sandbox = Sandbox::new();
    for name in ["if_else", "switch", "while_loop", "registers", "compiled"] {
        sandbox.write("a.qpy", file(&format!("v18/{name}.qpy")));
        let saved = ["--save", "statevector"];
        let run = |file: &str| {
            let mut command = vec!["run", file, "--json", "--seed", "4"];
            if name == "compiled" {
                command.extend(saved);
            }
            sandbox.ketch(&command).json()["experiments"][0].clone()
        };
        sandbox.ketch(&["convert", "a.qpy", "--to", "qasm3", "-O", "b.qasm"]).ok();
        let (before, after) = (run("a.qpy"), run("b.qasm"));
        assert_eq!(before["counts"], after["counts"], "{name}");
        assert_eq!(before["data"], after["data"], "{name}");
    }
}
