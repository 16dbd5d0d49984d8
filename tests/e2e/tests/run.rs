//! `ketch run`: what goes in, what comes out.

use serde_json::Value;

use crate::sandbox::{Sandbox, example};

const BELL: &str = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[2];\ncreg c[2];\n\
                    h q[0];\ncx q[0],q[1];\nmeasure q -> c;\n";

/// The counts of one experiment of a `ketch.run/1` document.
fn counts(document: &Value, experiment: usize) -> Vec<(String, u64)> {
    let counts = document["experiments"][experiment]["counts"].as_object().unwrap();
    counts.iter().map(|(outcome, count)| (outcome.clone(), count.as_u64().unwrap())).collect()
}

#[test]
fn a_bell_pair_for_people() {
    let sandbox = Sandbox::new();
    let run = sandbox.ketch(&["run", &example("bell.qasm"), "--seed", "7", "--shots", "1000"]);
    let text = run.ok();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    assert!(lines[0].contains("on local/qasm_simulator: 1000 shots, seed 7"), "{text}");
    assert!(lines[1].contains("rightmost is clbit 0"), "the bit order is named: {text}");
    let counted = |line: &str, outcome: &str| -> u64 {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some(outcome), "{text}");
        words.next().unwrap().parse().unwrap()
    };
    // Of 1000 fair coins, 400 to 600 show heads but for a chance of 3e-10, and the seed is fixed.
    let zeros = counted(lines[2], "00");
    assert!((400..=600).contains(&zeros), "{text}");
    assert_eq!(zeros + counted(lines[3], "11"), 1000);
    assert!(!text.contains('\u{1b}'), "no colours off a terminal: {text}");
}

#[test]
fn a_bell_pair_for_programs() {
    let sandbox = Sandbox::new();
    let document = sandbox.ketch(&["run", &example("bell.qasm"), "--json", "--seed", "7"]).json();
    assert_eq!(document["schema"], "ketch.run/1");
    assert_eq!(document["backend"], "local/qasm_simulator");
    assert_eq!(document["status"], "DONE");
    assert!(!document["job_id"].as_str().unwrap().is_empty());
    let experiment = &document["experiments"][0];
    assert_eq!((&experiment["name"], &experiment["shots"]), (&"bell".into(), &1024.into()));
    assert_eq!((&experiment["seed"], &experiment["success"]), (&7.into(), &true.into()));
    let counts = counts(&document, 0);
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 1024);
    assert!(counts.iter().all(|(outcome, _)| outcome == "00" || outcome == "11"), "{counts:?}");
}

#[test]
fn every_example_circuit_runs() {
    let sandbox = Sandbox::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(crate::sandbox::repository("examples")).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("qasm" | "json")) {
            continue;
        }
        let file = path.to_str().unwrap();
        let document = sandbox.ketch(&["run", file, "--json", "--shots", "100"]).json();
        let counted: u64 = counts(&document, 0).iter().map(|(_, count)| count).sum();
        assert_eq!(counted, 100, "{file}");
        seen += 1;
    }
    assert!(seen >= 7, "{seen} example circuits");
}

#[test]
fn grover_finds_what_it_searches_and_teleportation_brings_it_over() {
    let sandbox = Sandbox::new();
    let run = |file: &str| {
        sandbox.ketch(&["run", &example(file), "--json", "--seed", "1", "--shots", "1000"]).json()
    };
    let found = counts(&run("grover.qasm"), 0);
    let best = found.iter().max_by_key(|(_, count)| count).unwrap();
    assert_eq!(best.0.replace(' ', ""), "101", "{found:?}");
    assert!(best.1 > 900, "{found:?}");
    let teleported = counts(&run("ghz.qasm"), 0);
    assert!(teleported.iter().all(|(bits, _)| bits == "00000" || bits == "11111"));
}

#[test]
fn a_seed_decides_the_counts_for_any_number_of_threads() {
    let sandbox = Sandbox::new();
    let run = |threads: &str, seed: &str| {
        let file = example("quantum_volume_20.qasm");
        let arguments =
            ["run", &file, "--json", "--seed", seed, "--shots", "200", "--threads", threads];
        counts(&sandbox.ketch(&arguments).json(), 0)
    };
    let first = run("1", "5");
    assert_eq!(first, run("2", "5"));
    assert_eq!(first, run("3", "5"));
    assert_ne!(first, run("1", "6"));
}

#[test]
fn several_files_and_a_broken_one_among_them() {
    let sandbox = Sandbox::new();
    sandbox.write("broken.qasm", "OPENQASM 2.0;\nqreg q[1]\n");
    let files = [&example("bell.qasm"), "broken.qasm", &example("ghz.qasm")];
    let arguments = [&["run", "--json", "--seed", "1"], files.as_slice()].concat();
    let run = sandbox.ketch(&arguments);
    let mut lines: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_key(|line| line["file"].as_str().unwrap().to_owned());
    let schemas: Vec<&str> = lines.iter().map(|line| line["schema"].as_str().unwrap()).collect();
    assert_eq!(schemas, ["ketch.run/1", "ketch.run/1", "ketch.error/1"], "{run:?}");
    assert_eq!(lines[2]["error"]["code"], "qasm.invalid");
    assert!(run.fails(9).contains("broken.qasm:2"));
}

#[test]
fn standard_input_and_qobj_documents() {
    let sandbox = Sandbox::new();
    let from_file = sandbox.ketch(&["run", &example("bell.qasm"), "--json", "--seed", "3"]).json();
    let arguments = ["run", "-", "--json", "--seed", "3"];
    let from_stdin = sandbox.ketch_reading(&arguments, BELL).json();
    let from_qobj = sandbox.ketch(&["run", &example("bell.json"), "--json", "--seed", "3"]).json();
    assert_eq!(counts(&from_file, 0), counts(&from_stdin, 0));
    assert_eq!(counts(&from_file, 0), counts(&from_qobj, 0));
    let converted = sandbox.ketch(&["convert", &example("bell.qasm"), "--to", "qobj"]).ok();
    let piped = sandbox.ketch_reading(&arguments, &converted).json();
    assert_eq!(counts(&from_file, 0), counts(&piped, 0));
}

#[test]
fn the_memory_is_every_shot_in_order() {
    let sandbox = Sandbox::new();
    let arguments = ["run", &example("bell.qasm"), "--seed", "2", "--shots", "50", "--memory"];
    let document = sandbox.ketch(&[&arguments[..], &["--json"]].concat()).json();
    let memory: Vec<&str> = document["experiments"][0]["memory"]
        .as_array()
        .unwrap()
        .iter()
        .map(|shot| shot.as_str().unwrap())
        .collect();
    assert_eq!(memory.len(), 50);
    for (outcome, count) in counts(&document, 0) {
        assert_eq!(memory.iter().filter(|shot| **shot == outcome).count() as u64, count);
    }
    let text = sandbox.ketch(&arguments).ok();
    let shown: Vec<&str> = text.lines().rev().take(50).map(str::trim).collect();
    assert_eq!(shown.into_iter().rev().collect::<Vec<_>>(), memory);
}

#[test]
fn states_are_saved_and_written_to_files() {
    let sandbox = Sandbox::new();
    let save = |what: &str| {
        let arguments = ["run", &example("bell.qasm"), "--save", what, "--json"];
        sandbox.ketch(&arguments).json()["experiments"][0]["data"][what].clone()
    };
    let number = |value: &Value| value.as_f64().unwrap();
    let close = |found: f64, expected: f64| (found - expected).abs() < 1e-12;
    let half = std::f64::consts::FRAC_1_SQRT_2;
    let state = save("statevector");
    for (index, expected) in [half, 0.0, 0.0, half].into_iter().enumerate() {
        assert!(close(number(&state[index][0]), expected), "{state}");
        assert!(close(number(&state[index][1]), 0.0), "{state}");
    }
    let probabilities = save("probabilities");
    for (index, expected) in [0.5, 0.0, 0.0, 0.5].into_iter().enumerate() {
        assert!(close(number(&probabilities[index]), expected), "{probabilities}");
    }

    let file = example("bell.qasm");
    let arguments = ["run", &file, "--expval", "ZZ=1,XX=0.5,IZ=3", "--json"];
    let document = sandbox.ketch(&arguments).json();
    let data = document["experiments"][0]["data"].as_object().unwrap();
    assert_eq!(data.len(), 1, "{document}");
    assert!(data.values().all(|value| close(number(value), 1.5)), "{document}");

    sandbox.ketch(&["run", &file, "--save", "statevector", "-O", "state.npy"]).ok();
    let bytes = std::fs::read(sandbox.path("work/state.npy")).unwrap();
    assert_eq!(bytes[..6], *b"\x93NUMPY");
    let data = bytes.len() - 4 * 16;
    assert!(String::from_utf8_lossy(&bytes[..data]).contains("'descr': '<c16'"));
    assert_eq!(bytes[data..data + 8], half.to_le_bytes());
    assert_eq!(bytes[data + 48..data + 56], half.to_le_bytes());

    sandbox.ketch(&["run", &file, "--seed", "1", "-O", "counts.csv", "--plot", "plot.svg"]).ok();
    let csv = sandbox.read("counts.csv");
    let column = csv.lines().next().unwrap().split(',').position(|name| name == "count").unwrap();
    let count = |line: &str| -> u64 { line.split(',').nth(column).unwrap().parse().unwrap() };
    let total: u64 = csv.lines().skip(1).map(count).sum();
    assert_eq!(total, 1024, "{csv}");
    let plot = sandbox.read("plot.svg");
    assert!(plot.starts_with("<svg") && plot.trim_end().ends_with("</svg>"), "{plot}");
    sandbox.ketch(&["run", &file, "--seed", "1", "-O", "result.json"]).ok();
    let document: Value = serde_json::from_str(&sandbox.read("result.json")).unwrap();
    assert_eq!(counts(&document, 0).iter().map(|(_, count)| count).sum::<u64>(), 1024);
}

#[test]
fn the_other_simulators_and_their_older_names() {
    let sandbox = Sandbox::new();
    let file = example("bell.qasm");
    let run = sandbox.ketch(&["run", &file, "-b", "statevector_simulator", "--json"]);
    assert!(run.stderr.contains("before the measurements"), "{run:?}");
    assert!(run.json()["experiments"][0]["data"]["statevector"].is_array());
    let document = sandbox.ketch(&["run", &file, "-b", "local/unitary_simulator", "--json"]).json();
    assert_eq!(document["experiments"][0]["data"]["unitary"].as_array().unwrap().len(), 4);
    let run = sandbox.ketch(&["run", &file, "-b", "aer/qasm_simulator_py", "--json"]);
    assert!(run.stderr.contains("qasm_simulator_py"), "a note names the old name: {run:?}");
    assert_eq!(run.json()["backend"], "local/qasm_simulator");
    let least_busy = "least-busy:simulator=true,n_qubits>=20";
    let document = sandbox.ketch(&["run", &file, "-b", least_busy, "--json"]).json();
    assert_eq!(document["status"], "DONE");
    let mut command = sandbox.command(&["run", &file, "--json"]);
    let run = crate::sandbox::finish(command.env("KETCH_BACKEND", "local/statevector_simulator"));
    assert_eq!(run.json()["backend"], "local/statevector_simulator");
}

#[test]
fn the_result_document_of_qiskit() {
    let sandbox = Sandbox::new();
    let arguments = ["run", &example("bell.qasm"), "--format", "result", "--seed", "1"];
    let document = sandbox.ketch(&arguments).json();
    assert_eq!((&document["success"], &document["status"]), (&true.into(), &"COMPLETED".into()));
    let counts = document["results"][0]["data"]["counts"].as_object().unwrap();
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["0x0", "0x3"]);
}

#[test]
fn parameters_and_options() {
    let sandbox = Sandbox::new();
    let file = example("bell.qasm");
    sandbox.ketch(&["run", &file, "-o", "method=statevector"]).ok();
    sandbox.ketch(&["run", &file, "-o", "precision=single"]).ok();
    let said = sandbox.ketch(&["run", &file, "-o", "methd=statevector"]).fails(2);
    assert!(said.contains("did you mean `method`?"), "{said}");
    let said = sandbox.ketch(&["run", &file, "-p", "theta=pi/2"]).fails(2);
    assert!(said.contains("theta"), "{said}");
}

#[test]
fn inputs_come_from_a_json_file() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "inputs.qasm",
        "OPENQASM 3.0; include \"stdgates.inc\"; input uint[3] n; input angle theta;\n\
         qubit[3] q; bit[3] c; for int i in [0:2] { if (n[i]) x q[i]; }\n\
         rx(theta) q[1]; c = measure q;",
    );
    sandbox.write("numbers.json", r#"{"n": 4, "theta": "pi"}"#);
    let run = ["run", "inputs.qasm", "--json", "-s", "10", "-p", "@numbers.json"];
    assert_eq!(counts(&sandbox.ketch(&run).json(), 0), [("110".to_owned(), 10)]);
    // What comes later wins.
    let later = [&run[..], &["-p", "n=1"]].concat();
    assert_eq!(counts(&sandbox.ketch(&later).json(), 0), [("011".to_owned(), 10)]);
    let said = sandbox.ketch(&["run", "inputs.qasm", "-p", "@nowhere.json"]).fails(2);
    assert!(said.contains("cannot read `nowhere.json`"), "{said}");
}

#[test]
fn a_time_out_has_an_exit_code_of_its_own() {
    let sandbox = Sandbox::new();
    // Ten thousand layers on 20 qubits take far longer than the time-out on any machine.
    let layer = "h q;\nbarrier q;\ncx q[0],q[19];\n".repeat(10_000);
    let head = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[20];\ncreg c[20];\n";
    sandbox.write("long.qasm", format!("{head}{layer}measure q -> c;\n"));
    let said = sandbox.ketch(&["run", "long.qasm", "--timeout", "50ms"]).fails(7);
    assert!(said.contains("no result within 50"), "{said}");
    let run = sandbox.ketch(&["run", "long.qasm", "--timeout", "50ms", "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["error"]["code"], "job.timeout");
    run.fails(7);
}
