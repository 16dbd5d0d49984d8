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
    let server = Server::with(&sandbox, &["--remote"]);
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
    let server = Server::with(&sandbox, &["--remote"]);
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

#[test]
fn what_is_the_owners_account_is_nobody_elses_without_a_word() {
    let there = ReplayServer::start();
    let sandbox = Sandbox::new();
    save(&sandbox, "lab", &there.url(), KEY);
    let listed = sandbox.ketch(&["backends", "--json"]).json();
    let listed = listed["backends"].as_array().unwrap();
    let remote = listed.iter().filter(|backend| backend["local"] == false).count();
    assert!(remote > 0 && remote < listed.len(), "{listed:?}");

    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    let devices = ada.get("/api/v1/backends").ok()["devices"].clone();
    let devices = devices.as_array().unwrap();
    assert_eq!(devices.len(), listed.len() - remote);
    assert!(devices.iter().all(|device| !device["name"].as_str().unwrap().starts_with("ibmq")));
    for name in ["ibmq_fake_lima", "ibmq_lab:fake_lima", "ibmq@lab_fake_lima"] {
        for what in ["configuration", "properties", "status"] {
            ada.get(&format!("/api/v1/backends/{name}/{what}")).refused(404);
        }
        let body = sampler(name, json!([[FLIP, null, 100]])).to_string();
        let error = ada.send("POST", "/api/v1/jobs", body.as_bytes()).refused(404);
        assert_eq!(error["code"], "backend.not_found");
        let session = json!({ "backend": name, "mode": "batch" }).to_string();
        ada.send("POST", "/api/v1/sessions", session.as_bytes()).refused(404);
    }
    assert!(sandbox.ketch(&["jobs", "--json"]).json()["jobs"].as_array().unwrap().is_empty());
    let (_, said) = server.end();
    let plural = match remote {
        1 => "1 backend of a remote service is not served; --remote serves it".to_owned(),
        _ => format!("{remote} backends of remote services are not served; --remote serves them"),
    };
    assert!(said.contains(&format!("note: {plural}\n")), "{said}");

    let (_, said) = Server::with(&sandbox, &["--remote"]).end();
    assert!(said.contains(&format!("serving {} backends", listed.len())), "{said}");
    assert!(!said.contains("--remote"), "{said}");
}

#[test]
fn a_server_does_not_serve_itself() {
    let sandbox = Sandbox::new();
    let listed = sandbox.ketch(&["backends", "--json"]).json();
    let own = listed["backends"].as_array().unwrap().len();
    // A place of loopback that is this process's alone, so that the port is free.
    let [_, second, third, last] = std::process::id().to_be_bytes();
    let address = format!("127.{}.{third}.{last}", 64 + second);
    save(&sandbox, "lab", &format!("http://{address}:8642"), KEY);
    for remote in [&["--remote"][..], &[]] {
        let arguments = [&["--address", &address, "--port", "8642"], remote].concat();
        let (exit, said) = Server::with(&sandbox, &arguments).end();
        assert_eq!(exit, Some(0), "{said}");
        assert!(said.contains(&format!("serving {own} backends")), "{said}");
        // It was not asked either, which would have been in vain.
        assert!(!said.contains("warn"), "{said}");
        let note = "note: account `lab` is at this server itself and is left out";
        assert_eq!(said.contains(note), !remote.is_empty(), "{said}");
    }
}
