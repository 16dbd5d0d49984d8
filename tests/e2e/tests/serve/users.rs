//! Who may ask, and what is never told.

use std::{fs, path::Path};

use super::{Client, Server, token};
use crate::sandbox::Sandbox;

#[test]
fn nobody_is_answered_without_a_good_token() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let as_who = |token: &str| Client::new(server.port, token);
    for wrong in ["", "x", "ketch-0000", "a.b.c"] {
        let error = as_who(wrong).get("/api/v1/backends").refused(401);
        assert_eq!(error["code"], "unauthenticated", "{wrong}");
        assert_eq!(
            as_who("").send("POST", "/identity/token", format!("apikey={wrong}").as_bytes()).status,
            400
        );
    }
    let secret = token(&sandbox, &["new", "ada"]);
    as_who(&secret).get("/api/v1/backends").ok();
    let exchange = format!("apikey={secret}");
    let exchanged = as_who("").send("POST", "/identity/token", exchange.as_bytes()).ok();
    let access = exchanged["access_token"].as_str().unwrap();
    assert_eq!(access.split('.').count(), 3);
    assert_eq!(exchanged["expires_in"], 3600);
    as_who(access).get("/api/v1/backends").ok();

    // What was given for a token goes with it.
    let listed = sandbox.ketch(&["serve", "token", "list", "--json"]).json();
    let id = listed["tokens"][0]["id"].as_str().unwrap();
    assert_eq!(token(&sandbox, &["revoke", id]), id);
    for revoked in [&secret, access] {
        assert_eq!(as_who(revoked).get("/api/v1/backends").refused(401)["code"], "unauthenticated");
    }
    assert_eq!(as_who("").send("POST", "/identity/token", exchange.as_bytes()).status, 400);
    let said = sandbox.ketch(&["serve", "token", "revoke", "nothing"]).fails(3);
    assert!(said.contains("no token `nothing`"), "{said}");
}

#[test]
fn access_tokens_outlive_a_restart() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let exchange = format!("apikey={}", token(&sandbox, &["new", "ada"]));
    let exchanged =
        Client::new(server.port, "").send("POST", "/identity/token", exchange.as_bytes());
    let access = exchanged.ok()["access_token"].as_str().unwrap().to_owned();
    server.end();
    let server = Server::start(&sandbox);
    Client::new(server.port, &access).get("/api/v1/backends").ok();
}

#[test]
fn a_token_is_good_for_what_it_says() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let looking = Client::new(server.port, &token(&sandbox, &["new", "ada", "--scope", "read"]));
    looking.get("/api/v1/jobs").ok();
    let session = br#"{"backend": "noisy_ibmqx4"}"#;
    let error = looking.send("POST", "/api/v1/sessions", session).refused(403);
    assert_eq!(error["code"], "token.scope");
    let over = Client::new(server.port, &token(&sandbox, &["new", "ada", "--expires", "0s"]));
    over.get("/api/v1/jobs").refused(401);
    let said = sandbox.ketch(&["serve", "token", "new", "a b"]).fails(2);
    assert!(said.contains("letters"), "{said}");
}

#[test]
fn sessions_and_jobs_are_their_users() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let (ada, bob) = (server.client(&sandbox, "ada"), server.client(&sandbox, "bob"));
    let asked = br#"{"backend": "noisy_ibmqx4", "mode": "dedicated", "max_ttl": 600}"#;
    let session = ada.send("POST", "/api/v1/sessions", asked).ok();
    let path = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    assert_eq!((&session["state"], &session["mode"]), (&"open".into(), &"dedicated".into()));
    bob.get(&path).refused(404);
    bob.send("DELETE", &format!("{path}/close"), b"").refused(404);
    ada.send("PATCH", &path, br#"{"accepting_jobs": false}"#).done();
    let session = ada.get(&path).ok();
    assert_eq!((&session["state"], &session["accepting_jobs"]), (&"closed".into(), &false.into()));
    ada.send("DELETE", &format!("{path}/close"), b"").done();
    ada.send("POST", "/api/v1/sessions", br#"{"backend": "none_such"}"#).refused(404);
    ada.send("POST", "/api/v1/sessions", br#"{"backend": 5}"#).refused(400);
}

/// No file below the directory has these bytes.
fn is_nowhere(secret: &str, directory: &Path) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            is_nowhere(secret, &path);
        } else if let Ok(bytes) = fs::read(&path) {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn tokens_are_told_once_and_found_nowhere() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let secret = token(&sandbox, &["new", "ada"]);
    let client = Client::new(server.port, &secret);
    let exchange = format!("apikey={secret}");
    let exchanged = client.send("POST", "/identity/token", exchange.as_bytes()).ok();
    let access = exchanged["access_token"].as_str().unwrap().to_owned();
    // Where a token might be repeated: refusals, wrong places, and the wrong methods.
    let mut told = String::new();
    for (method, path, body) in [
        ("GET", "/api/v1/backends/x", ""),
        ("DELETE", "/api/v1/jobs/x", ""),
        ("POST", "/api/v1/sessions", exchange.as_str()),
        ("POST", "/api/v1/backends", ""),
        ("PUT", "/api/v1/jobs/x/tags", "{"),
    ] {
        for client in [&client, &Client::new(server.port, &access)] {
            told += &client.send(method, path, body.as_bytes()).body;
        }
    }
    let wrong = Client::new(server.port, &format!("{secret}0"));
    told += &wrong.get("/api/v1/backends").body;
    told += &sandbox.ketch(&["serve", "token", "list"]).ok();
    told += &sandbox.ketch(&["serve", "token", "list", "--json"]).ok();
    told += &server.end().1;
    for secret in [&secret, &access] {
        assert!(!told.contains(secret.as_str()), "{told}");
        is_nowhere(secret, sandbox.path("").as_path());
    }
}
