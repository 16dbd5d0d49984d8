//! Bad input: one clear error, the right exit code, never a panic.

use serde_json::Value;

use crate::sandbox::{Sandbox, example};

/// Runs a file with this content and checks how that fails and what is said.
#[track_caller]
fn check(name: &str, content: &[u8], exit: i32, expected: &[&str]) {
    let sandbox = Sandbox::new();
    sandbox.write(name, content);
    let run = sandbox.ketch(&["run", name]);
    assert_eq!(run.stdout, "", "{name}");
    let said = run.fails(exit);
    assert_eq!(said.matches("error:").count(), 1, "one error: {said}");
    for part in expected {
        assert!(said.contains(part), "`{part}` in: {said}");
    }
    let run = sandbox.ketch(&["run", name, "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["schema"], "ketch.error/1");
    assert!(!document["error"]["message"].as_str().unwrap().is_empty());
    run.fails(exit);
}

#[test]
fn a_broken_circuit_is_shown_with_line_column_and_caret() {
    let text = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[2];\n  hh q[0];\n";
    check("a.qasm", text.as_bytes(), 9, &["a.qasm:4:3", "  hh q[0];", "^^", "did you mean `h`?"]);
    check("b.qasm", b"OPENQASM 2.0;\nqreg q[2];\nh q[2];\n", 9, &["b.qasm:3", "^"]);
    check("c.qasm", b"OPENQASM 2.0;\nqreg q[99999999999999999999];\n", 9, &["c.qasm:2:8"]);
    check("d.qasm", b"OPENQASM 2.0;\ninclude \"../../secret\";\n", 9, &["d.qasm:2"]);
    check("e.qasm", b"OPENQASM 2.0;\nqreg q[1]", 9, &["e.qasm:2"]);
}

#[test]
fn hostile_circuits_are_bounded() {
    let deep = format!("OPENQASM 2.0;\nqreg q[1];\nU({}0,0,0) q[0];\n", "(".repeat(100_000));
    check("deep.qasm", deep.as_bytes(), 9, &["deep.qasm:3"]);
    let mut bomb = "OPENQASM 2.0;\ngate g0 a { U(0,0,0) a; }\n".to_owned();
    for level in 1..64 {
        let below = level - 1;
        bomb.push_str(&format!("gate g{level} a {{ g{below} a; g{below} a; g{below} a; }}\n"));
    }
    bomb.push_str("qreg q[1];\ng63 q[0];\n");
    check("bomb.qasm", bomb.as_bytes(), 9, &["bomb.qasm"]);
    check("large.qasm", b"OPENQASM 2.0;\nqreg q[4000000000];\n", 9, &["large.qasm:2"]);
}

#[test]
fn broken_qpy_files_are_refused_with_the_reason() {
    let bell = crate::qpy::file("v18/bell.qpy");
    check("cut.qpy", &bell[..100], 9, &["cannot use `cut.qpy`", "broken QPY file", "at byte"]);
    let mut other = bell;
    other[6] = 9;
    check("old.qpy", &other, 9, &["QPY version 9, expected 13 to 18", "Qiskit 1.3 and later"]);
    let inputs = crate::qpy::file("v18/variables.qpy");
    check("inputs.qpy", &inputs, 9, &["circuit `variables`", "the input `flag`", "-p flag=1"]);
}

#[test]
fn files_that_are_no_circuits() {
    check("text.qasm", b"hello\n", 9, &["text.qasm:2:1"]);
    check("empty.qasm", b"", 9, &["`empty.qasm` is no circuit file", "OPENQASM 2.0;"]);
    check("binary.qasm", &[0xff, 0x00, 0x9f], 9, &["not UTF-8"]);
    let sandbox = Sandbox::new();
    let said = sandbox.ketch(&["run", "missing.qasm"]).fails(3);
    assert!(said.contains("cannot read `missing.qasm`"), "{said}");
    let said = sandbox.ketch(&["run", "."]).fails(9);
    assert!(said.contains("is a directory"), "{said}");
}

#[test]
fn qobj_documents_with_wrong_types() {
    check("id.json", br#"{"qobj_id": 3}"#, 9, &["`qobj_id`", "found 3"]);
    check("json.json", br#"{"qobj_id": "#, 9, &["json.json"]);
    check("list.json", b"[1, 2]", 9, &["list.json"]);
    let shots = std::fs::read_to_string(example("bell.json")).unwrap();
    let mut document: Value = serde_json::from_str(&shots).unwrap();
    document["config"]["shots"] = "many".into();
    check("shots.json", document.to_string().as_bytes(), 9, &["shots", "many"]);
    document["config"]["shots"] = 10.into();
    document["experiments"][0]["instructions"][0]["qubits"] = Value::from(vec![77]);
    check("qubit.json", document.to_string().as_bytes(), 9, &["77"]);
    document["experiments"] = 5.into();
    check("experiments.json", document.to_string().as_bytes(), 9, &["experiments"]);
}

#[test]
fn pulse_documents_are_refused_by_name() {
    let pulses = "tests/golden/qiskit-schemas/terra-0.18.3/examples/qobj_openpulse_example.json";
    let content = std::fs::read(crate::sandbox::repository(pulses)).unwrap();
    check("pulse.json", &content, 9, &["pulse"]);
}

#[test]
fn instructions_that_the_backend_does_not_know_are_named() {
    let opaque = "OPENQASM 2.0;\nopaque wobble a;\nqreg q[1];\ncreg c[1];\nwobble q[0];\n\
                  measure q -> c;\n";
    check("opaque.qasm", opaque.as_bytes(), 9, &["wobble"]);
    // Every qubit meets every other, so that nothing about it is cheap in disguise.
    let mut wide = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[80];\ncreg c[80];\n".to_owned();
    for a in 0..80 {
        wide += &format!("u3(0.3,{a},0.5) q[{a}];\n");
        (0..80).filter(|b| *b != a).for_each(|b| wide += &format!("cx q[{a}],q[{b}];\n"));
    }
    wide += "measure q -> c;\n";
    check("wide.qasm", wide.as_bytes(), 9, &["80"]);
}

#[test]
fn counts_need_a_measurement() {
    let bare = b"OPENQASM 2.0;\nqreg q[2];\n";
    check("bare.qasm", bare, 9, &["measures nothing", "--measure-all"]);
    let sandbox = Sandbox::new();
    sandbox.write("bare.qasm", bare);
    let document = sandbox.ketch(&["run", "bare.qasm", "--measure-all", "--json"]).json();
    assert_eq!(document["experiments"][0]["counts"]["00"], 1024);
}

#[test]
fn names_that_there_are_not_get_the_nearest() {
    let sandbox = Sandbox::new();
    let file = example("bell.qasm");
    for (name, expected) in [
        ("local/qsam_simulator", "did you mean `local/qasm_simulator`?"),
        ("qasm_simulatr", "did you mean `qasm_simulator`?"),
        ("nobody/qasm_simulator", "there are: ibmq, local, noisy"),
    ] {
        let said = sandbox.ketch(&["run", &file, "-b", name]).fails(3);
        assert!(said.contains(expected), "{name}: {said}");
        let said = sandbox.ketch(&["backend", name]).fails(3);
        assert!(said.contains(expected), "{name}: {said}");
    }
}

#[test]
fn wrong_command_lines_are_usage() {
    let sandbox = Sandbox::new();
    let file = example("bell.qasm");
    let wrong: [&[&str]; 9] = [
        &[],
        &["run"],
        &["frobnicate"],
        &["run", &file, "--shots", "0"],
        &["run", &file, "--shots", "many"],
        &["run", &file, "--timeout", "soon"],
        &["run", &file, "-O", "counts.xyz"],
        &["backends", "simulator"],
        &["completions", "nosh"],
    ];
    for arguments in wrong {
        sandbox.ketch(arguments).fails(2);
    }
    let run = sandbox.ketch(&["run", "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((document["error"]["code"].as_str(), run.exit), (Some("usage"), Some(2)));
}
