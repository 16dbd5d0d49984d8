//! Jobs that are in the store: read, listed, tagged, stopped and forgotten over HTTP.

use std::sync::Arc;

use ketch::{
    Circuit, Qobj, RunOptions,
    jobs::{NewJob, Runner, Store, StoredError, served::Served},
};

use super::Server;
use crate::sandbox::Sandbox;

/// Keeps a job as a server does that takes it; nobody here can run it.
fn keep(store: &Arc<Store>, user: &str, refused: Option<StoredError>) -> String {
    let served = Served {
        user: user.to_owned(),
        program: "sampler".to_owned(),
        session: None,
        cost: Some(300),
        params: br#"{"pubs": [], "odd":  1.50}"#.to_vec(),
        refused,
    };
    let options = RunOptions { tags: vec!["first".to_owned()], ..RunOptions::default() };
    let new = NewJob::new("local/qasm_simulator", Runner::Worker, options);
    let qobj = Qobj::from_circuit(Circuit::new(1, 1).h(0).measure(0, 0));
    store.submit(&NewJob { served: Some(served), ..new }, &qobj).unwrap()
}

fn store(sandbox: &Sandbox) -> Arc<Store> {
    Arc::new(Store::open(&sandbox.path("data/ketch/jobs")).unwrap())
}

#[test]
fn a_refused_job_is_read_listed_tagged_and_forgotten() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let (ada, bob) = (server.client(&sandbox, "ada"), server.client(&sandbox, "bob"));
    let store = store(&sandbox);
    let error = StoredError::new("served.samplex", "no such item", Some("turn it off"));
    let id = keep(&store, "ada", Some(error));
    let path = format!("/api/v1/jobs/{id}");

    let answer = ada.get(&path);
    assert!(answer.body.contains(r#""params":{"pubs": [], "odd":  1.50}"#), "{}", answer.body);
    let job = answer.ok();
    assert_eq!((&job["id"], &job["status"]), (&id.clone().into(), &"Failed".into()));
    assert_eq!(job["state"]["reason"], "no such item; turn it off (served.samplex)");
    assert_eq!(job["backend"], "local_qasm_simulator");
    assert_eq!((&job["program"]["id"], &job["cost"]), (&"sampler".into(), &300.into()));
    assert!(ada.get(&format!("{path}?exclude_params=true")).ok().get("params").is_none());
    for path in [path.clone(), format!("{path}/metrics"), format!("{path}/logs")] {
        assert_eq!(bob.get(&path).refused(404)["code"], "job.not_found");
    }
    assert!(ada.get(&format!("{path}/metrics")).ok()["timestamps"]["finished"].is_string());
    assert!(ada.get(&format!("{path}/logs")).text().contains("no such item"));

    bob.send("PUT", &format!("{path}/tags"), br#"{"tags": ["x"]}"#).refused(404);
    ada.send("PUT", &format!("{path}/tags"), br#"{"tags": ["red", "big", "red"]}"#).done();
    assert_eq!(ada.get(&path).ok()["tags"], serde_json::json!(["red", "big"]));
    ada.send("PUT", &format!("{path}/tags"), br#"{"tags": "x"}"#).refused(400);
    let listed = |query: &str| {
        let listed = ada.get(&format!("/api/v1/jobs?{query}")).ok();
        assert_eq!(listed["count"].as_u64(), Some(listed["jobs"].as_array().unwrap().len() as u64));
        listed["count"].as_u64().unwrap()
    };
    for (query, count) in [
        ("", 1),
        ("tags=red&tags=big", 1),
        ("tags=red&tags=small", 0),
        ("backend=local_qasm_simulator", 1),
        ("backend=noisy_ibmqx4", 0),
        ("pending=True", 0),
        ("pending=false", 1),
        ("program=sampler", 1),
        ("program=estimator", 0),
        ("created_before=2020-01-01T00%3A00%3A00Z", 0),
        ("created_after=2020-01-01T00%3A00%3A00%2B02%3A00", 1),
    ] {
        assert_eq!(listed(query), count, "{query}");
    }
    assert_eq!(bob.get("/api/v1/jobs").ok()["count"], 0);

    assert_eq!(
        ada.send("POST", &format!("{path}/cancel"), b"").refused(409)["code"],
        "job.wrong_state"
    );
    bob.send("DELETE", &path, b"").refused(404);
    ada.send("DELETE", &path, b"").done();
    ada.get(&path).refused(404);
}

#[test]
fn a_job_that_was_kept_is_run_and_its_state_followed() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    // The server sees within a second or so that there is work, and starts a worker.
    let id = keep(&store(&sandbox), "ada", None);
    let done = sandbox.ketch(&["result", &id, "--timeout", "60s", "--json"]).json();
    assert_eq!(done["status"], "DONE");
    let job = ada.get(&format!("/api/v1/jobs/{id}")).ok();
    assert_eq!(job["state"]["status"], "Completed");
    assert_eq!(job["usage"]["status"], "finalized");
    assert!(ada.get("/api/v1/instances/usage").ok()["usage_consumed_seconds"].is_f64());
}
