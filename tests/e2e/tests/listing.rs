//! The commands that list, describe and convert.

use serde_json::Value;

use crate::sandbox::{Sandbox, example, finish};

/// The names of the backends that `ketch backends` lists with these filters.
fn names(sandbox: &Sandbox, filters: &[&str]) -> Vec<String> {
    let document = sandbox.ketch(&[&["backends", "--json"], filters].concat()).json();
    assert_eq!(document["schema"], "ketch.backends/1");
    let backends = document["backends"].as_array().unwrap().iter();
    backends.map(|backend| backend["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn backends_are_listed_and_filtered() {
    let sandbox = Sandbox::new();
    let local = ["local/qasm_simulator", "local/statevector_simulator", "local/unitary_simulator"];
    let noisy = [
        "noisy/ibmq_16_melbourne",
        "noisy/ibmqx2",
        "noisy/ibmqx4",
        "noisy/ibmqx5",
        "noisy/synthetic_127",
        "noisy/synthetic_16",
        "noisy/synthetic_20",
        "noisy/synthetic_27",
        "noisy/synthetic_5",
    ];
    let mut all = names(&sandbox, &[]);
    all.sort();
    assert_eq!(all, [&local[..], &noisy].concat());
    assert_eq!(names(&sandbox, &["simulator=true", "operational=true"]).len(), all.len());
    assert_eq!(names(&sandbox, &["backend_name=unitary_simulator"]), local[2..]);
    assert_eq!(names(&sandbox, &["backend_name=ibmqx4"]), ["noisy/ibmqx4"]);
    assert_eq!(names(&sandbox, &["n_qubits>=1000000"]), [""; 0]);
    let table = sandbox.ketch(&["backends"]).ok();
    let mut lines = table.lines();
    let head = lines.next().unwrap();
    assert!(["NAME", "QUBITS", "STATUS"].iter().all(|word| head.contains(word)), "{table}");
    for name in all {
        let line = table.lines().find(|line| line.split_whitespace().next() == Some(&name));
        assert!(line.is_some_and(|line| line.contains("active")), "{name} in: {table}");
    }
}

#[test]
fn one_backend_is_described() {
    let sandbox = Sandbox::new();
    let document = sandbox.ketch(&["backend", "qasm_simulator", "--json"]).json();
    assert_eq!(document["schema"], "ketch.backend/1");
    assert_eq!(document["name"], "local/qasm_simulator");
    assert_eq!(document["configuration"]["backend_name"], "qasm_simulator");
    assert_eq!(document["status"]["operational"], true);
    let text = sandbox.ketch(&["backend", "local/qasm_simulator"]).ok();
    for part in ["local/qasm_simulator", "basis gates", "couplings", "no calibration"] {
        assert!(text.contains(part), "`{part}` in: {text}");
    }
}

#[test]
fn without_any_plugin_it_says_where_it_looked() {
    let sandbox = Sandbox::without_plugins();
    for arguments in [&["backends"][..], &["backend", "x"], &["run", &example("bell.qasm")]] {
        let said = sandbox.ketch(arguments).fails(8);
        for part in [
            sandbox.user_plugins().to_str().unwrap(),
            sandbox.path("bin").to_str().unwrap(),
            "cargo build --release",
            "cargo xtask install",
            "--plugin-dir",
        ] {
            assert!(said.contains(part), "`{part}` in: {said}");
        }
    }
    let text = sandbox.ketch(&["providers"]).ok();
    assert!(text.contains(sandbox.user_plugins().to_str().unwrap()), "{text}");
    let text = finish(&mut sandbox.command(&["doctor"]));
    assert!(text.stdout.contains("something is wrong"), "{text:?}");
    text.fails(1);
    // What needs no plugin works without.
    sandbox.ketch(&["convert", &example("bell.qasm"), "--to", "qobj"]).ok();
    sandbox.ketch(&["completions", "bash"]).ok();
}

#[test]
fn the_doctor_runs_a_bell_pair() {
    let sandbox = Sandbox::new();
    let text = sandbox.ketch(&["doctor"]).ok();
    assert!(text.contains("bell pair") && text.contains("all is well"), "{text}");
    let document = sandbox.ketch(&["doctor", "--json"]).json();
    assert!(document["schema"].as_str().unwrap().starts_with("ketch.doctor/"), "{document}");
}

#[test]
fn circuits_convert_there_and_back() {
    let sandbox = Sandbox::new();
    for name in ["bell", "ghz", "qft", "grover", "teleport"] {
        let file = example(&format!("{name}.qasm"));
        let qobj = sandbox.ketch(&["convert", &file, "--to", "qobj"]).ok();
        let document: Value = serde_json::from_str(&qobj).unwrap();
        assert_eq!(document["type"], "QASM");
        sandbox.write("there.json", &qobj);
        sandbox.ketch(&["convert", "there.json", "--to", "qasm2", "-O", "back.qasm"]).ok();
        let counts = |file: &str| {
            let arguments = ["run", file, "--json", "--seed", "11"];
            sandbox.ketch(&arguments).json()["experiments"][0]["counts"].clone()
        };
        assert_eq!(counts(&file), counts("back.qasm"), "{name}");
        assert_eq!(counts(&file), counts("there.json"), "{name}");
    }
    let said = sandbox.ketch(&["convert", &example("bell.qasm"), "--to", "pdf"]).fails(2);
    assert!(said.contains("pdf"), "{said}");
}

#[test]
fn parameters_get_numbers_or_stay_inputs() {
    let sandbox = Sandbox::new();
    let text = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\ninput float theta;\nqubit[2] q;\nbit[2] c;\n\
                rx(2 * theta) q[0];\ncx q[0], q[1];\nc = measure q;\n";
    sandbox.write("a.qasm", text);
    let counts = |arguments: &[&str]| {
        let arguments = [&["run", "--json", "--seed", "5"], arguments].concat();
        sandbox.ketch(&arguments).json()["experiments"][0]["counts"].clone()
    };
    let expected = counts(&["a.qasm", "-p", "theta=0.4"]);
    for (form, file) in [("qasm2", "b.qasm"), ("qasm3", "b.qasm"), ("qobj", "b.json")] {
        sandbox.ketch(&["convert", "a.qasm", "--to", form, "-p", "theta=0.4", "-O", file]).ok();
        assert_eq!(counts(&[file]), expected, "{form}");
    }
    // OpenQASM 3 has words for a parameter without a number; nothing else has.
    sandbox.ketch(&["convert", "a.qasm", "--to", "qasm3", "-O", "b.qasm"]).ok();
    assert_eq!(counts(&["b.qasm", "-p", "theta=0.4"]), expected);
    for form in ["qasm2", "qobj"] {
        let said = sandbox.ketch(&["convert", "a.qasm", "--to", form]).fails(2);
        assert!(said.contains("a.qasm") && said.contains("-p theta="), "{said}");
    }
    let said = sandbox.ketch(&["convert", "a.qasm", "--to", "qasm3", "-p", "teta=1"]).fails(2);
    assert!(said.contains("did you mean `theta`?"), "{said}");
    sandbox.write("t.qasm", text.replace("theta", "t"));
    let said = sandbox.ketch(&["run", "t.qasm"]).fails(9);
    assert!(said.contains("t.qasm:3:13") && said.contains("a gate of \"stdgates.inc\""), "{said}");
}

#[test]
fn several_files_convert_into_a_directory() {
    let sandbox = Sandbox::new();
    let (bell, ghz) = (example("bell.qasm"), example("ghz.qasm"));
    let said = sandbox.ketch(&["convert", &bell, &ghz, "--to", "qobj"]).fails(2);
    assert!(said.contains("-O DIRECTORY"), "{said}");
    std::fs::create_dir(sandbox.path("work/out")).unwrap();
    sandbox.ketch(&["convert", &bell, &ghz, "--to", "qasm3", "-O", "out"]).ok();
    for name in ["bell", "ghz"] {
        assert!(sandbox.read(&format!("out/{name}.qasm")).starts_with("OPENQASM 3.0;"));
    }
}

#[test]
fn circuits_are_drawn() {
    let sandbox = Sandbox::new();
    let bell = example("bell.qasm");
    let text = sandbox.ketch(&["draw", &bell]).ok();
    assert!(text.contains("┤ H ├───●───┤ M ├"), "{text}");
    let text =
        sandbox.ketch_reading(&["draw", "-", "--ascii"], std::fs::read_to_string(&bell).unwrap());
    assert!(text.stdout.is_ascii() && text.stdout.contains("+ H +---@---+ M +"), "{text:?}");
    sandbox.ketch(&["draw", &bell, "-O", "bell.svg"]).ok();
    assert!(sandbox.read("bell.svg").starts_with("<svg "));
    sandbox.ketch(&["draw", &bell, "-O", "bell.pdf"]).fails(2);
    sandbox.ketch(&["draw", &bell, &example("ghz.qasm"), "-O", "two.svg"]).fails(9);
}

#[test]
fn completions_name_the_commands() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = sandbox.ketch(&["completions", shell]).ok();
        for command in ["run", "backends", "backend", "providers", "convert", "doctor"] {
            assert!(script.contains(command), "{shell} completes {command}");
        }
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let sandbox = Sandbox::new();
    let bell = example("bell.qasm");
    for arguments in [
        &["backends"][..],
        &["providers"],
        &["--help"],
        &["completions", "bash"],
        &["run", &bell],
        &["run", &bell, "--json"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = sandbox.command(arguments).stdout(writer).status().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}");
    }
}
