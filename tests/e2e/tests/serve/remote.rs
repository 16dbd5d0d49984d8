//! Backends of a service, served on to others.

use serde_json::json;

use super::{
    Server,
    submit::{sampler, submit, wait},
};
use crate::{
    sandbox::Sandbox,
    service::{KEY, ReplayServer, save},
};

/// In the device's own gates, and measured by all the wires that the service answers for.
const FLIP: &str = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[5] q; bit[2] c; x q[0]; cx q[0], q[1]; \
     c[0] = measure q[0]; c[1] = measure q[1];";

#[test]
fn jobs_for_an_account_of_the_owner_are_sent_on_and_brought_back() {
    let there = ReplayServer::start();
    let sandbox = Sandbox::new();
    save(&sandbox, "lab", &there.url(), KEY);
    let server = Server::start(&sandbox);
    let (ada, bob) = (server.client(&sandbox, "ada"), server.client(&sandbox, "bob"));
    let name = "ibmq_fake_lima";
    let configuration = ada.get(&format!("/api/v1/backends/{name}/configuration")).ok();
    assert_eq!(configuration["n_qubits"], 5);
    // What the device does not take is refused here, and not sent.
    let bell = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[5] q; bit[1] c; h q[0]; \
                c[0] = measure q[0];";
    let body = sampler(name, json!([bell])).to_string();
    let error = ada.send("POST", "/api/v1/jobs", body.as_bytes()).refused(400);
    assert_eq!(error["code"], "circuit.unfit");

    let jobs = [&ada, &ada, &bob]
        .map(|client| (client, submit(client, &sampler(name, json!([[FLIP, null, 100]])))));
    // Workers send them and bring back what they come to, whether or not the server lives.
    drop(server);
    let server = Server::start(&sandbox);
    for (client, path) in jobs {
        let client = client.at(server.port);
        let done = wait(&client, &path);
        assert_eq!(done["status"], "Completed", "{done}");
        let result = client.get(&format!("{path}/results")).ok();
        let samples = result["results"][0]["data"]["c"]["samples"].as_array().unwrap();
        // The outcomes are that service's: zeros and ones by turns.
        let ones = samples.iter().filter(|sample| *sample == "0x3").count();
        assert_eq!((samples.len(), ones), (100, 50), "{result}");
    }
    let listed = sandbox.ketch(&["jobs", "--json"]).json();
    let listed = listed["jobs"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|job| job["status"] == "DONE"), "{listed:?}");
    let (exit, said) = server.end();
    assert_eq!(exit, Some(0));
    assert!(!said.contains(KEY), "{said}");
}
