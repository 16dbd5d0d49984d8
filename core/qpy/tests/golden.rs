//! Files that Qiskit wrote, against what Qiskit knows of their circuits; and the same files broken.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use ketch_interface::{
    Circuit, Complex64,
    circuit::{Op, Save, SaveKind, SaveSubtype},
};
use ketch_qpy::{Error, Inputs, Program, VERSIONS, read, read_with};
use ketch_simulator::{Cancel, Options, Saved, simulate};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/qpy")
}

/// The files of a folder, by name.
fn files(of: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder().join(of)).unwrap();
    let files = entries.map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read(path).unwrap())
    });
    files.collect()
}

fn expected(file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder().join(file)).unwrap()).unwrap()
}

#[test]
fn circuits_of_qiskit_2_are_what_qiskit_knows() {
    let expected = expected("expected.json");
    for version in VERSIONS {
        let files = files(&format!("v{version}"));
        assert!(files.len() >= 22, "version {version}: {} files", files.len());
        for (name, bytes) in files {
            compare(&format!("{name}, version {version}"), &bytes, &expected[&name]);
        }
    }
}

#[test]
fn circuits_of_qiskit_1_are_what_qiskit_knows() {
    let expected = expected("expected-qiskit1.json");
    let files = files("v13-qiskit1");
    assert!(files.len() >= 9, "{} files", files.len());
    for (name, bytes) in files {
        compare(&format!("{name}, Qiskit 1"), &bytes, &expected[&name]);
    }
}

fn compare(name: &str, bytes: &[u8], expected: &Value) {
    let expected = expected.as_array().unwrap();
    let inputs = inputs_of(expected);
    let programs = read_with(bytes, &inputs).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(programs.len(), expected.len(), "{name}");
    for (program, known) in programs.iter().zip(expected) {
        assert_eq!(program.circuit.name, known["name"].as_str().unwrap(), "{name}");
        compare_names(name, program, known);
        let used: Vec<&String> = inputs.keys().collect();
        assert_eq!(program.inputs.iter().collect::<Vec<_>>(), used, "{name}");
        let numbers = known["parameters"].as_array().unwrap().iter();
        let numbers: Vec<f64> = numbers.map(|pair| pair[1].as_f64().unwrap()).collect();
        let bound = program.circuit.bind(&numbers).unwrap();
        match known["counts"].as_str() {
            Some(bits) => assert_eq!(counted(name, &bound), [bits], "{name}"),
            None => compare_amplitudes(name, bound, &known["amplitudes"]),
        }
    }
}

fn inputs_of(expected: &[Value]) -> Inputs {
    let inputs = expected.iter().filter_map(|known| known["inputs"].as_object());
    let pairs = inputs.flatten().map(|(name, number)| (name.clone(), number.as_f64().unwrap()));
    pairs.collect()
}

/// Parameters and registers stand in Qiskit's order.
fn compare_names(name: &str, program: &Program, known: &Value) {
    let names = known["parameters"].as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|pair| pair[0].as_str().unwrap()).collect();
    assert_eq!(program.circuit.parameters(), names, "{name}");
    let registers: Vec<Value> = program
        .registers
        .iter()
        .map(|register| serde_json::json!([register.name, register.clbits]))
        .collect();
    assert_eq!(Value::from(registers), known["registers"], "{name}");
}

/// The different values of the clbits in some shots.
fn counted(name: &str, circuit: &Circuit) -> Vec<String> {
    let options = Options { shots: 20, seed: 3, ..Options::default() };
    let outcome = simulate(circuit, &options, &Cancel::new());
    let outcome = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
    let counts = outcome.counts.unwrap();
    let text = |bits: &ketch_interface::BitString| {
        (0..bits.width()).rev().map(|place| if bits.get(place) { '1' } else { '0' }).collect()
    };
    counts.iter().map(|(bits, _)| text(bits)).collect()
}

fn compare_amplitudes(name: &str, mut circuit: Circuit, known: &Value) {
    let known: Vec<Complex64> = known
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| Complex64::new(pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap()))
        .collect();
    let kind = SaveKind::Statevector;
    let save = Save { key: "state".to_owned(), kind, subtype: SaveSubtype::Single };
    circuit.push(Op::Save(Box::new(save)), &[], &[], &[]).unwrap();
    let options = Options { shots: 1, ..Options::default() };
    let outcome = simulate(&circuit, &options, &Cancel::new());
    let outcome = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
    let Saved::Vector(found) = &outcome.data["state"] else { panic!("{name}: no amplitudes") };
    assert_eq!(found.len(), known.len(), "{name}");
    let off = found.iter().zip(&known).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
    assert!(off < 1e-10, "{name}: amplitudes are up to {off:.1e} off");
}

#[test]
fn other_versions_are_refused_with_what_is_accepted() {
    let mut bytes = files("v13")["bell"].clone();
    for (version, advice) in [(12, "Qiskit 1.3 and later"), (19, "version=18"), (0, "Qiskit 1.3")] {
        bytes[6] = version;
        let error = read(&bytes).unwrap_err();
        assert_eq!(error, Error::Version { found: version });
        let message = error.to_string();
        assert!(message.contains("expected 13 to 18"), "{message}");
        assert!(message.contains(advice), "{message}");
    }
    assert_eq!(read(b"OPENQASM 3.0;"), Err(Error::NotQpy));
    assert_eq!(read(b""), Err(Error::NotQpy));
}

#[test]
fn inputs_without_numbers_are_asked_for() {
    let files = files("v14");
    let error = read(&files["variables"]).unwrap_err().to_string();
    assert!(error.contains("`-p flag=1`"), "{error}");
    let wrong = Inputs::from([("flag".to_owned(), 1.0), ("start".to_owned(), 256.0)]);
    let error = read_with(&files["variables"], &wrong).unwrap_err().to_string();
    assert!(error.contains("`start` does not hold 256"), "{error}");
    // Numbers become parameters.
    assert_eq!(read(&files["floats"]).unwrap()[0].circuit.parameters(), ["x"]);
}

#[test]
fn files_cut_at_any_byte_are_refused() {
    for version in VERSIONS {
        for (name, bytes) in files(&format!("v{version}")) {
            for size in 0..bytes.len() {
                let cut = read(&bytes[..size]);
                assert!(cut.is_err(), "{name}, version {version}, {size} bytes");
            }
        }
    }
}

#[test]
fn files_with_any_byte_changed_are_read_or_refused() {
    let mut state = 1_u64;
    for version in [13, 16, 18] {
        for (_, mut bytes) in files(&format!("v{version}")) {
            // Large files are large because they repeat themselves.
            for place in (7..bytes.len()).step_by(1 + bytes.len() / 3000) {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                let kept = bytes[place];
                bytes[place] = match state >> 60 {
                    0 => 0xff,
                    1 => 0,
                    bit => kept ^ 1 << (bit & 7),
                };
                for program in read(&bytes).into_iter().flatten() {
                    program.circuit.validate().unwrap();
                }
                bytes[place] = kept;
            }
        }
    }
}
