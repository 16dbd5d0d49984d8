//! Jobs that are sent, run by workers, and answered.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{Client, Server, token};
use crate::{
    sandbox::{Sandbox, example},
    service::save,
};

const BELL: &str = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[2] q; bit[2] c; \
     h q[0]; cx q[0], q[1]; c = measure q;";

/// Takes as long as a test needs: a state of many qubits, turned again and again.
pub(super) fn long() -> String {
    let mut text = String::from("OPENQASM 2.0; include \"qelib1.inc\"; qreg q[24]; creg c[24];\n");
    for layer in 0..400 {
        for qubit in 0..24 {
            text +=
                &format!("rx(0.{layer}1) q[{qubit}]; cx q[{qubit}], q[{}];\n", (qubit + 1) % 24);
        }
    }
    text + "measure q -> c;"
}

pub(super) fn sampler(backend: &str, pubs: Value) -> Value {
    json!({ "program_id": "sampler", "backend": backend,
            "params": { "pubs": pubs, "version": 2 } })
}

/// Sends a job and returns its path.
#[track_caller]
pub(super) fn submit(client: &Client, job: &Value) -> String {
    let accepted = client.send("POST", "/api/v1/jobs", job.to_string().as_bytes()).ok();
    assert_eq!(accepted["backend"], job["backend"]);
    format!("/api/v1/jobs/{}", accepted["id"].as_str().unwrap())
}

/// Polls until the job is at its end, and returns what it is then.
#[track_caller]
pub(super) fn wait(client: &Client, path: &str) -> Value {
    let begun = Instant::now();
    loop {
        let job = client.get(&format!("{path}?exclude_params=true")).ok();
        if !matches!(job["status"].as_str(), Some("Queued" | "Running")) {
            return job;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{job}");
        std::thread::yield_now();
    }
}

/// Asks until it is so.
#[track_caller]
fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it is not so yet");
        std::thread::yield_now();
    }
}

/// Another Ketch is a client, too: it compiles for the device and sends OpenQASM 3.
#[test]
fn what_ketch_compiles_for_a_device_is_taken_for_it() {
    let lab = Sandbox::new();
    let server = Server::start(&lab);
    let user = Sandbox::new();
    let url = format!("http://127.0.0.1:{}", server.port);
    save(&user, "lab", &url, &token(&lab, &["new", "ada"]));
    // Devices whose gates are u1, u2, u3, cx and rz, sx, x, cx.
    for device in ["ibmq/noisy_ibmqx4", "ibmq/noisy_synthetic_5"] {
        let run = user.ketch(&["run", &example("bell.qasm"), "-b", device, "-s", "300", "--json"]);
        let counts = run.json()["experiments"][0]["counts"].clone();
        let shots: u64 = counts.as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!(shots, 300, "{device}: {counts}");
    }
}

/// Forty requests that wait for a worker that stands still, which are more than the server has threads.
#[test]
fn who_only_looks_does_not_wait_for_those_who_change_something() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    // They wait for five seconds. Who is held up for as long has seen nothing, and tries again.
    assert!((0..10).any(|_| is_answered_while_others_wait(&sandbox, &ada)));
}

/// Whether a request that only looks is answered while forty others wait.
fn is_answered_while_others_wait(sandbox: &Sandbox, ada: &Client) -> bool {
    let pubs = json!([[long(), null, 1]]);
    let path = submit(ada, &sampler("local_statevector_simulator", pubs));
    until(|| ada.get(&path).ok()["status"] == "Running");
    let id = path.rsplit('/').next().unwrap();
    let known = sandbox.ketch(&["job", id, "--json"]).json();
    let worker = known["process"].as_i64().and_then(|id| Pid::from_raw(i32::try_from(id).unwrap()));
    let worker = worker.unwrap_or_else(|| panic!("{known}"));
    until(|| {
        kill_process(worker, Signal::STOP).unwrap();
        let is_asked_to_stop = ada.send("POST", &format!("{path}/cancel"), b"").status == 204;
        if !is_asked_to_stop {
            // It stood still while it wrote into the store, so that nobody else could.
            kill_process(worker, Signal::CONT).unwrap();
        }
        is_asked_to_stop
    });
    let answered = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| {
                ada.send("DELETE", &path, b"");
                answered.store(true, Ordering::SeqCst);
            });
        }
        let begun = Instant::now();
        let mut looked = false;
        while !looked && !answered.load(Ordering::SeqCst) {
            // By then all of them are there.
            let is_late = begun.elapsed() > Duration::from_secs(1);
            ada.get("/api/v1/instances/usage").ok();
            looked = is_late && !answered.load(Ordering::SeqCst);
        }
        kill_process(worker, Signal::KILL).unwrap();
        looked
    })
}

#[test]
fn samples_come_back_in_the_order_of_shots() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    let turn = "OPENQASM 3.0; include \"stdgates.inc\"; input float a; qubit[1] q; bit[1] m; \
                rx(a) q[0]; m[0] = measure q[0];";
    let pi = std::f64::consts::PI;
    let pubs = json!([[BELL, null, 200], [turn, [[0.0], [pi]], 3]]);
    let path = submit(&ada, &sampler("local_qasm_simulator", pubs));
    assert_eq!(wait(&ada, &path)["status"], "Completed");
    let result = ada.get(&format!("{path}/results")).ok();
    let samples = result["results"][0]["data"]["c"]["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 200);
    let ones = samples.iter().filter(|sample| *sample == "0x3").count();
    assert_eq!(ones + samples.iter().filter(|sample| *sample == "0x0").count(), 200);
    // Six standard deviations from the half.
    assert!((58..=142).contains(&ones), "{ones}");
    let sweep = &result["results"][1]["data"]["m"];
    assert_eq!(sweep["samples"], json!([["0x0", "0x0", "0x0"], ["0x1", "0x1", "0x1"]]));
    // Asked again, it is the same.
    assert_eq!(ada.get(&format!("{path}/results")).ok(), result);
}

#[test]
fn expectation_values_come_back_with_their_errors() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    let bell = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; h q[0]; cx q[0],q[1];";
    let pubs = json!([[bell, ["ZZ", { "XX": 2.0, "IZ": 1.0 }], null, 0.0]]);
    let job = json!({ "program_id": "estimator", "backend": "local_qasm_simulator",
                      "params": { "pubs": pubs, "version": 2 }, "tags": ["a", "a", "b"] });
    let path = submit(&ada, &job);
    let done = wait(&ada, &path);
    assert_eq!((&done["status"], &done["tags"]), (&"Completed".into(), &json!(["a", "b"])));
    let result = ada.get(&format!("{path}/results")).ok();
    let values = result["results"][0]["data"]["evs"].as_array().unwrap();
    for (found, expected) in values.iter().zip([1.0, 2.0]) {
        assert!((found.as_f64().unwrap() - expected).abs() < 1e-9, "{result}");
    }
}

#[test]
fn a_device_takes_circuits_in_its_own_gates_only() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    let body = sampler("noisy_synthetic_5", json!([BELL])).to_string();
    let error = ada.send("POST", "/api/v1/jobs", body.as_bytes()).refused(400);
    assert_eq!(error["code"], "circuit.unfit");
    assert!(error["solution"].as_str().unwrap().contains("transpile"), "{error}");
    let flip = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[5] q; bit[1] c; x q[2]; \
                c[0] = measure q[2];";
    let path = submit(&ada, &sampler("noisy_synthetic_5", json!([[flip, null, 300]])));
    assert_eq!(wait(&ada, &path)["status"], "Completed");
    let result = ada.get(&format!("{path}/results")).ok();
    let samples = result["results"][0]["data"]["c"]["samples"].as_array().unwrap();
    let ones = samples.iter().filter(|sample| *sample == "0x1").count();
    assert!((200..=300).contains(&ones), "{ones}");
}

#[test]
fn a_job_that_fails_says_why_everywhere() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    let items = json!([{ "item_type": "samplex", "shape": [1] }]);
    let job = json!({ "program_id": "executor", "backend": "local_qasm_simulator",
                      "params": { "quantum_program": { "items": items } } });
    let path = submit(&ada, &job);
    let failed = wait(&ada, &path);
    assert_eq!(failed["state"]["status"], "Failed");
    let reason = failed["state"]["reason"].as_str().unwrap();
    assert!(reason.contains("samplex"), "{reason}");
    assert_eq!(ada.get(&format!("{path}/results")).text(), reason);
    // It does as it is told, and has no samples to give.
    let refused = |job: &Value| {
        let refused = ada.send("POST", "/api/v1/jobs", job.to_string().as_bytes()).refused(400);
        refused["code"].as_str().unwrap().to_owned()
    };
    let pubs = json!([[BELL, null, 1]]);
    assert_eq!(refused(&sampler("local_unitary_simulator", pubs)), "backend.no_samples");
    let pair = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[2] q; h q[0]; cx q[0], q[1];";
    let estimator = json!({ "program_id": "estimator", "backend": "local_unitary_simulator",
                            "params": { "pubs": [[pair, "ZZ"]], "version": 2 } });
    assert_eq!(refused(&estimator), "backend.no_expectations");
    let two_shots = sampler("local_statevector_simulator", json!([[BELL, null, 2]]));
    assert_eq!(refused(&two_shots), "backend.one_shot");
    // More qubits than that simulator says it takes.
    let measured = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[64] q; bit[64] c; \
                    for int i in [0:62] { rx(0.1) q[i]; cx q[i], q[i+1]; } ry(0.3) q[0]; \
                    for int i in [0:61] { cx q[i], q[i+2]; ry(0.2) q[i]; } c = measure q;";
    let job = sampler("local_statevector_simulator", json!([[measured, null, 1]]));
    let path = submit(&ada, &job);
    let failed = wait(&ada, &path);
    assert_eq!(failed["state"]["status"], "Failed");
    assert!(failed["state"]["reason"].as_str().unwrap().len() > 10, "{failed}");
}

#[test]
fn a_job_is_stopped_and_its_session_with_it() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    let backend = "local_qasm_simulator";
    let session = json!({ "backend": backend, "mode": "batch" }).to_string();
    let session = ada.send("POST", "/api/v1/sessions", session.as_bytes()).ok();
    let id = session["id"].as_str().unwrap();
    let mut job = sampler(backend, json!([[long(), null, 10]]));
    let alone = submit(&ada, &job);
    job["session_id"] = id.into();
    let within = submit(&ada, &job);
    assert_eq!(ada.get(&within).ok()["session_id"], id);
    assert_eq!(ada.get(&format!("/api/v1/jobs?session_id={id}")).ok()["count"], 1);
    assert_eq!(ada.get(&format!("/api/v1/sessions/{id}")).ok()["state"], "active");
    ada.send("POST", &format!("{alone}/cancel"), b"").done();
    ada.send("DELETE", &format!("/api/v1/sessions/{id}/close"), b"").done();
    for path in [&alone, &within] {
        assert_eq!(wait(&ada, path)["status"], "Cancelled");
        assert_eq!(ada.get(&format!("{path}/results")).text(), "the job was cancelled");
    }
    // One that was just asked to stop can be deleted at once.
    let short = submit(&ada, &sampler(backend, json!([[long(), null, 10]])));
    ada.send("POST", &format!("{short}/cancel"), b"").done();
    ada.send("DELETE", &short, b"").done();
    ada.get(&short).refused(404);
    let error = ada.send("POST", "/api/v1/jobs", job.to_string().as_bytes()).refused(409);
    assert_eq!(error["code"], "session.closed");
    let bob = server.client(&sandbox, "bob");
    bob.send("POST", "/api/v1/jobs", job.to_string().as_bytes()).refused(404);
}

#[test]
fn a_job_that_runs_longer_than_it_may_is_stopped_and_counts_for_good() {
    let sandbox = Sandbox::new();
    let server = Server::with(&sandbox, &["--max-seconds", "1"]);
    let ada = server.client(&sandbox, "ada");
    let mut job = sampler("local_qasm_simulator", json!([[long(), null, 10]]));
    job["cost"] = 1.into();
    let path = submit(&ada, &job);
    // It is the worker that stops it.
    drop(server);
    let server = Server::with(&sandbox, &["--max-seconds", "1"]);
    let ada = server.client(&sandbox, "ada");
    let over = wait(&ada, &path);
    let state = &over["state"];
    assert_eq!((&state["status"], &state["reason_code"]), (&"Cancelled".into(), &1305.into()));
    let reason = state["reason"].as_str().unwrap();
    assert!(reason.contains("longer than the 1 s"), "{over}");
    assert_eq!(ada.get(&format!("{path}/results")).text(), reason);
    let seconds = over["usage"]["quantum_seconds"].as_f64().unwrap();
    assert!(seconds >= 1.0, "{over}");

    let usage = || ada.get("/api/v1/instances/usage").ok();
    let before = usage();
    let is_all = |usage: &Value| {
        let consumed = usage["usage_consumed_seconds"].as_f64().unwrap();
        assert!((consumed - seconds).abs() < 1e-9, "{usage} of {seconds}");
    };
    is_all(&before);
    assert_eq!(before["usage_limit_reached"], true);
    // To forget it gives nothing back.
    ada.send("DELETE", &path, b"").done();
    is_all(&usage());
    let error = ada.send("POST", "/api/v1/jobs", job.to_string().as_bytes()).refused(403);
    assert_eq!(error["code"], "quota.exceeded");
}

#[test]
fn a_restart_loses_nothing_and_jobs_run_on_meanwhile() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    let pubs: Vec<Value> = (0..40).map(|_| json!([BELL, null, 10])).collect();
    let paths: Vec<String> = (0..5)
        .map(|_| submit(&ada, &sampler("local_qasm_simulator", pubs.clone().into())))
        .collect();
    let (exit, said) = server.end();
    assert_eq!(exit, Some(0), "{said}");
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    for path in &paths {
        assert_eq!(wait(&ada, path)["status"], "Completed");
        let result = ada.get(&format!("{path}/results")).ok();
        assert_eq!(result["results"].as_array().unwrap().len(), 40);
    }
    assert_eq!(ada.get("/api/v1/jobs").ok()["count"], 5);
    let usage = ada.get("/api/v1/instances/usage").ok();
    assert!(usage["usage_consumed_seconds"].as_f64().unwrap() > 0.0, "{usage}");
}

#[test]
fn jobs_that_make_no_sense_are_refused_and_nothing_is_kept() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    let sim = "local_qasm_simulator";
    let with = |field: &str, value: Value| {
        let mut job = sampler(sim, json!([BELL]));
        job[field] = value;
        job
    };
    for (job, status) in [
        (json!({}), 400),
        (json!([]), 400),
        (with("program_id", json!(5)), 400),
        (with("program_id", json!("vqe")), 404),
        (with("backend", json!("nowhere_x")), 404),
        (with("params", json!(null)), 400),
        (with("tags", json!("x")), 400),
        (with("tags", json!(["x".repeat(300)])), 400),
        (with("cost", json!(-1)), 400),
        (with("cost", json!(u64::MAX)), 400),
        (with("private", json!(true)), 400),
        (with("session_id", json!("none")), 404),
        (sampler(sim, json!([])), 400),
        (sampler(sim, json!([["OPENQASM 3.0; qubit q;"]])), 400),
        (sampler(sim, json!([[BELL, null, 0]])), 400),
        (sampler(sim, json!([[BELL, [[1.0]]]])), 400),
    ] {
        let answer = ada.send("POST", "/api/v1/jobs", job.to_string().as_bytes());
        assert_eq!(answer.status, status, "{job}: {answer:?}");
        answer.refused(status);
    }
    let deep = format!("{{\"params\": {}", "[".repeat(100_000));
    ada.send("POST", "/api/v1/jobs", deep.as_bytes()).refused(400);
    assert_eq!(ada.get("/api/v1/jobs").ok()["count"], 0);
}

#[test]
fn nobody_has_more_than_their_share() {
    let sandbox = Sandbox::new();
    let quotas = ["--max-pending", "2", "--max-shots", "100", "--max-qubits", "24"];
    let server = Server::with(&sandbox, &[&quotas[..], &["--max-seconds", "600"]].concat());
    let ada = server.client(&sandbox, "ada");
    let sim = "local_qasm_simulator";
    let over = |client: &Client, job: &Value, status| {
        let answer = client.send("POST", "/api/v1/jobs", job.to_string().as_bytes());
        let error = answer.refused(status);
        assert_eq!(error["code"], "quota.exceeded");
        error["message"].as_str().unwrap().to_owned()
    };
    let many = sampler(sim, json!([[BELL, null, 60], [BELL, null, 41]]));
    assert!(over(&ada, &many, 400).contains("101 shots"));
    let wide = "OPENQASM 3.0; qubit[25] q; bit[1] c; c[0] = measure q[0];";
    assert!(over(&ada, &sampler(sim, json!([[wide, null, 1]])), 400).contains("25 qubits"));
    let job = sampler(sim, json!([[long(), null, 10]]));
    let paths = [submit(&ada, &job), submit(&ada, &job)];
    assert!(over(&ada, &job, 429).contains("2 jobs"));
    let bob = server.client(&sandbox, "bob");
    let own = submit(&bob, &sampler(sim, json!([[BELL, null, 10]])));
    for path in &paths {
        ada.send("POST", &format!("{path}/cancel"), b"").done();
        wait(&ada, path);
    }
    assert_eq!(wait(&bob, &own)["status"], "Completed");
    wait(&ada, &submit(&ada, &sampler(sim, json!([[BELL, null, 10]]))));
    let usage = ada.get("/api/v1/instances/usage").ok();
    assert_eq!(
        (&usage["usage_limit_seconds"], &usage["usage_limit_reached"]),
        (&600.into(), &false.into())
    );
}
