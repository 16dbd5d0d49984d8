//! The user's own devices, from calibration files.

use std::fs;

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, example, repository};

/// Puts IBM's `ibmqx2` of 2018 among the user's devices as `mine`, its properties changed.
fn with_device(sandbox: &Sandbox, change: impl FnOnce(String) -> String) {
    let devices = sandbox.path("data/ketch/devices");
    fs::create_dir_all(&devices).unwrap();
    let shipped = |kind: &str| {
        let file = repository(&format!("providers/noisy/devices/{kind}_ibmqx2.json"));
        fs::read_to_string(file).unwrap().replace("\"ibmqx2\"", "\"mine\"")
    };
    fs::write(devices.join("conf_mine.json"), shipped("conf")).unwrap();
    fs::write(devices.join("props_mine.json"), change(shipped("props"))).unwrap();
}

#[test]
fn a_calibration_of_the_users_own_becomes_a_backend() {
    let sandbox = Sandbox::new();
    with_device(&sandbox, |props| props);
    assert!(sandbox.ketch(&["backends"]).ok().contains("noisy/mine"));
    let run = ["run", &example("bell.qasm"), "-b", "noisy/mine", "--seed", "3", "--json"];
    let counts = &sandbox.ketch(&run).json()["experiments"][0]["counts"];
    let shots = |outcome: &str| counts[outcome].as_u64().unwrap_or(0);
    // Mostly a Bell pair, and not only: the device makes errors.
    assert!(shots("00") + shots("11") > 700, "{counts}");
    assert!(shots("01") + shots("10") > 0, "{counts}");
}

#[test]
fn a_bad_calibration_is_one_clear_error_and_the_others_work() {
    for (wrong, right, key) in [("\"parsec\"", "\"µs\"", "T1"), ("\"t_one\"", "\"T1\"", "T1")] {
        let sandbox = Sandbox::new();
        with_device(&sandbox, |props| props.replacen(right, wrong, 1));
        let said = sandbox.ketch(&["run", &example("bell.qasm"), "-b", "noisy/mine"]).fails(9);
        assert!(said.contains("props_mine.json") && said.contains(key), "{said}");
        let listed = sandbox.ketch(&["backends"]).ok();
        assert!(listed.contains("noisy/ibmqx2") && !listed.contains("noisy/mine"), "{listed}");
    }
}

#[test]
fn devices_are_drawn_with_their_errors() {
    let sandbox = Sandbox::new();
    let text = sandbox.ketch(&["backend", "noisy/synthetic_27"]).ok();
    assert!(text.contains("error of the gate on both, in %"), "{text}");
    let svg = sandbox.path("device.svg");
    let to = svg.to_str().unwrap();
    sandbox.ketch(&["backend", "noisy/synthetic_5", "--svg", to]).ok();
    let drawn = fs::read_to_string(&svg).unwrap();
    assert_eq!(drawn.matches("<circle").count(), 5);
    sandbox.ketch(&["backend", "local/qasm_simulator", "--svg", to]).fails(1);
    assert_eq!(fs::read_to_string(&svg).unwrap(), drawn, "a failure leaves the file");
}

#[test]
fn noisy_counts_stand_beside_ideal_ones() {
    let sandbox = Sandbox::new();
    let bell = example("bell.qasm");
    let run = ["run", &bell, "-b", "noisy/ibmqx4", "--seed", "3", "--shots", "4000", "--compare"];
    let document = sandbox.ketch(&[&run[..], &["--json"]].concat()).json();
    let comparison = &document["experiments"][0]["comparison"];
    let ideal = comparison["ideal"].as_object().unwrap();
    let total: u64 = ideal.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((total, ideal.len()), (4000, 2));
    let number = |name: &str| comparison[name].as_f64().unwrap();
    // The two errors of reading alone come to 0.12.
    assert!((0.08..0.2).contains(&number("total_variation")), "{comparison}");
    assert!(number("total_variation_by_chance") < 0.02);
    assert!((0.7..0.95).contains(&number("hellinger_fidelity")), "{comparison}");
    let text = sandbox.ketch(&run).ok();
    assert!(text.contains("ideal") && text.contains("total variation"), "{text}");
    let same = ["run", &bell, "--seed", "3", "--compare", "--json"];
    let document = sandbox.ketch(&same).json();
    assert_eq!(document["experiments"][0]["comparison"]["total_variation"], 0.0);
    sandbox.ketch(&["run", &bell, "--compare", "--format", "result"]).fails(2);
}

#[test]
fn noise_comes_from_files_and_from_backends() {
    let sandbox = Sandbox::new();
    let bell = example("bell.qasm");
    let run = |noise: &str| {
        let args = ["run", &bell, "--noise", noise, "--seed", "3", "--json"];
        sandbox.ketch(&args).json()
    };
    let device = |name: &str| {
        repository("providers/noisy/devices").join(name).to_string_lossy().into_owned()
    };
    let (conf, props) = (device("conf_ibmqx2.json"), device("props_ibmqx2.json"));
    let by_file = run(&conf);
    assert_eq!(by_file["backend"], "local/qasm_simulator");
    let experiment = &by_file["experiments"][0];
    assert!(experiment["counts"]["01"].as_u64().unwrap_or(0) > 0, "{experiment}");
    assert_eq!(experiment["metadata"]["noise"], true);
    // Either half, or the backend with this calibration: one model.
    for noise in [&*props, "noisy/ibmqx2"] {
        assert_eq!(run(noise)["experiments"][0]["counts"], experiment["counts"], "{noise}");
    }
    let model = sandbox.path("model.json");
    let flips = r#"{"errors": [{"type": "qerror", "operations": ["cx"], "probabilities": [1.0],
        "instructions": [[{"name": "x", "qubits": [1]}]]}]}"#;
    fs::write(&model, flips).unwrap();
    let flipped = run(&model.to_string_lossy());
    let counts = &flipped["experiments"][0]["counts"];
    let shots = |outcome: &str| counts[outcome].as_u64().unwrap_or(0);
    assert_eq!(shots("01") + shots("10"), 1024, "{counts}");

    fs::write(&model, flips.replace("1.0", "1.5")).unwrap();
    let path = model.to_string_lossy().into_owned();
    let said = sandbox.ketch(&["run", &bell, "--noise", &path]).fails(9);
    assert!(said.contains("model.json") && said.contains("errors[0]"), "{said}");
    assert!(said.contains("probabilities[0] is 1.5"), "{said}");
    let said = sandbox.ketch(&["run", &bell, "--noise", "local/qasm_simulator"]).fails(9);
    assert!(said.contains("no calibration"), "{said}");
    sandbox.ketch(&["run", &bell, "--noise", "absent.json"]).fails(3);
}

#[test]
fn noise_of_the_command_line_takes_the_place_of_a_qobjs_own() {
    let sandbox = Sandbox::new();
    let (qobj, model) = (sandbox.path("own.json"), sandbox.path("model.json"));
    let u_error = json!({"U_error": [[[0, 0], [1, 0]], [[1, 0], [0, 0]]]});
    let own = json!({"noise_params": {"U": u_error}});
    let header = |name: &str| json!({"name": name, "n_qubits": 1, "memory_slots": 1, "qreg_sizes": [["q", 1]], "creg_sizes": [["c", 1]], "qubit_labels": [["q", 0]], "clbit_labels": [["c", 0]]});
    let experiment = |name: &str, config: &Value| {
        json!({"config": config, "header": header(name), "instructions": [
            {"name": "x", "qubits": [0]}, {"name": "measure", "qubits": [0], "memory": [0]},
        ]})
    };
    let document = json!({
        "qobj_id": "noisy", "schema_version": "1.0.0", "type": "QASM", "header": {},
        "config": {"shots": 64, "memory_slots": 1, "n_qubits": 1, "noise_params": own["noise_params"]},
        "experiments": [experiment("own", &own), experiment("common", &json!({}))],
    });
    fs::write(&qobj, document.to_string()).unwrap();
    let args = ["run", qobj.to_str().unwrap(), "--json"];
    let counts = |document: Value| -> Vec<Value> {
        let experiments = document["experiments"].as_array().unwrap();
        experiments.iter().map(|one| one["counts"].clone()).collect()
    };
    let flipped = counts(sandbox.ketch(&args).json());
    assert_eq!(flipped, [json!({"0": 64}), json!({"0": 64})]);
    fs::write(&model, r#"{"errors": []}"#).unwrap();
    let args = [&args[..], &["--noise", model.to_str().unwrap()]].concat();
    let ideal = counts(sandbox.ketch(&args).json());
    assert_eq!(ideal, [json!({"1": 64}), json!({"1": 64})]);
}

/// The model is kept with the job.
#[test]
fn a_retried_job_has_the_same_noise() {
    let sandbox = Sandbox::new();
    let bell = example("bell.qasm");
    let args = ["run", &bell, "--noise", "noisy/ibmqx4", "--seed", "5", "--json"];
    let first = sandbox.ketch(&args).json();
    let id = first["job_id"].as_str().unwrap();
    let retried = sandbox.ketch(&["retry", id]).ok();
    let again = sandbox.ketch(&["result", retried.trim(), "--json", "--timeout", "60s"]).json();
    assert_eq!(again["experiments"][0]["counts"], first["experiments"][0]["counts"]);
    assert_eq!(again["experiments"][0]["metadata"]["noise"], true);
}
