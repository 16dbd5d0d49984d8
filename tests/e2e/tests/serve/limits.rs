//! How much the server lets others have of its memory and its time.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Client, Server,
    submit::{submit, wait},
    token,
};
use crate::sandbox::Sandbox;

const MIB: usize = 1 << 20;

/// A job that fails as soon as it is kept, asked for in so many bytes.
fn wordy(bytes: usize) -> Value {
    let program = json!({ "items": [{ "item_type": "samplex" }], "odd": "x".repeat(bytes) });
    json!({ "program_id": "executor", "backend": "local_qasm_simulator",
            "params": { "quantum_program": program } })
}

#[test]
fn who_may_not_ask_is_told_so_before_the_body_is_there() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let reader = token(&sandbox, &["new", "ada", "--scope", "read"]);
    let runner = token(&sandbox, &["new", "ada"]);
    for (method, path, token, bytes, status) in [
        ("POST", "/api/v1/jobs", "", 15 * MIB, 401),
        ("POST", "/api/v1/jobs", "ketch-0000", 15 * MIB, 401),
        ("POST", "/api/v1/jobs", &reader, 15 * MIB, 403),
        ("POST", "/api/v1/jabs", &runner, 15 * MIB, 404),
        ("PUT", "/api/v1/jobs", &runner, 15 * MIB, 405),
        ("POST", "/api/v1/jobs", &runner, 17 * MIB, 413),
        ("PUT", "/api/v1/jobs/1/tags", &runner, 2 * MIB, 413),
        ("POST", "/identity/token", "", MIB, 413),
        ("GET", "/healthz", "", MIB, 413),
    ] {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {bytes}\r\n\r\n"
        );
        // Not one byte of the body is ever sent.
        let answer = Client::new(server.port, "").raw(head.as_bytes());
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        answer.refused(status);
    }
    // Nothing but the head says how much there will be.
    let mut chunked =
        b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    chunked.extend_from_slice(b"5\r\n[[[[[\r\n");
    Client::new(server.port, "").raw(&chunked).refused(401);
    // All of it is written down, with who it was if that was known.
    drop(server);
    let audit = fs::read_to_string(sandbox.path("data/ketch/jobs/audit.log")).unwrap();
    let lines: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses: Vec<u64> = lines.iter().map(|line| line["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [401, 401, 403, 404, 405, 413, 413, 413, 413, 401]);
    assert_eq!((&lines[2]["user"], &lines[1]["user"]), (&"ada".into(), &Value::Null));
}

#[test]
fn who_keeps_the_server_waiting_is_hung_up_on() {
    let sandbox = Sandbox::new();
    // One at a time: as long as one is served, nobody else is.
    let server = Server::with(&sandbox, &["--max-connections", "1", "--timeout", "2"]);
    let ada = server.client(&sandbox, "ada");
    let path = submit(&ada, &wordy(15 * MIB));
    let token = token(&sandbox, &["new", "ada"]);
    let begin = |request: String| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let with_token = format!("Host: x\r\nAuthorization: Bearer {token}\r\n");
    let healthy = || Client::new(server.port, "").get("/healthz").ok();

    // One who does not take the answer, which no buffer on the way can hold.
    let mut deaf = begin(format!("GET {path} HTTP/1.1\r\n{with_token}\r\n"));
    healthy();
    let mut heard = Vec::new();
    // The connection may end in whatever way.
    let _ = deaf.read_to_end(&mut heard);
    assert!(heard.starts_with(b"HTTP/1.1 200") && heard.len() < 15 * MIB, "{}", heard.len());
    // One whose body does not come, one whose head does not, and one who says nothing more.
    let mut slow =
        begin(format!("POST /api/v1/jobs HTTP/1.1\r\n{with_token}Content-Length: 9\r\n\r\n{{"));
    let mut heard = String::new();
    let _ = slow.read_to_string(&mut heard);
    assert!(heard.starts_with("HTTP/1.1 408"), "{heard}");
    let _half = begin("GET /healthz HT".to_owned());
    healthy();
    let _idle = begin("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".to_owned());
    healthy();
    // One who takes everything in time gets everything.
    let job = ada.get(&path).ok();
    assert_eq!(job["params"]["quantum_program"]["odd"].as_str().unwrap().len(), 15 * MIB);
}

#[test]
fn sessions_are_counted_while_they_take_jobs() {
    let sandbox = Sandbox::new();
    let server = Server::with(&sandbox, &["--max-sessions", "2"]);
    let (ada, bob) = (server.client(&sandbox, "ada"), server.client(&sandbox, "bob"));
    let asked = |ttl: &str| format!(r#"{{"backend": "noisy_ibmqx4"{ttl}}}"#).into_bytes();
    let open = |client: &Client, ttl| client.send("POST", "/api/v1/sessions", &asked(ttl));
    let first = open(&ada, "").ok();
    // Nobody says when it ends, and it does all the same.
    assert_eq!(first["max_ttl"], 24 * 60 * 60);
    // This one is over at once.
    open(&ada, r#", "max_ttl": 0"#).ok();
    open(&ada, r#", "max_ttl": 3600"#).ok();
    let error = open(&ada, "").refused(429);
    assert_eq!(error["code"], "quota.exceeded");
    assert!(error["message"].as_str().unwrap().starts_with("2 sessions of yours"), "{error}");
    open(&bob, "").ok();
    let path = format!("/api/v1/sessions/{}", first["id"].as_str().unwrap());
    ada.send("DELETE", &format!("{path}/close"), b"").done();
    open(&ada, "").ok();
    open(&ada, "").refused(429);
}

#[test]
fn one_user_s_slow_uploads_leave_room_for_others() {
    let sandbox = Sandbox::new();
    // Who sends slowly may go on for longer than anybody here waits.
    let server = Server::with(&sandbox, &["--timeout", "3600"]);
    let (ada, bob) = (server.client(&sandbox, "ada"), server.client(&sandbox, "bob"));
    let token = token(&sandbox, &["new", "ada"]);
    let head = format!(
        "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {}\r\n\r\n{{",
        16 * MIB
    );
    // As many as would fill all the room that bodies have: half of them find their places.
    let slow: Vec<TcpStream> = (0..16)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    submit(&bob, &wordy(15 * MIB));
    drop(slow);
    submit(&ada, &wordy(MIB));
}

#[test]
fn a_page_of_long_jobs_is_a_short_page() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    let paths: Vec<String> = (0..4).map(|_| submit(&ada, &wordy(12 * MIB))).collect();
    let ids = |page: &Value| -> Vec<String> {
        let jobs = page["jobs"].as_array().unwrap();
        jobs.iter().map(|job| format!("/api/v1/jobs/{}", job["id"].as_str().unwrap())).collect()
    };
    let page = |query: &str| ada.get(&format!("/api/v1/jobs?sort=ASC&{query}")).ok();
    let first = page("exclude_params=false");
    assert_eq!((ids(&first), &first["count"]), (paths[..3].to_vec(), &4.into()));
    assert_eq!(first["jobs"][0]["params"], wordy(12 * MIB)["params"]);
    // As clients do it: on behind the last job that came.
    let second = page("exclude_params=false&offset=3");
    assert_eq!((ids(&second), &second["count"]), (paths[3..].to_vec(), &4.into()));
    let all = page("exclude_params=true&limit=10");
    assert_eq!((ids(&all), &all["limit"]), (paths, &10.into()));
    assert!(all["jobs"][0].get("params").is_none());
}

#[test]
fn a_million_shots_take_little_memory() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    let flip = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[1] q; bit[1] c; x q[0]; \
                c[0] = measure q[0];";
    let job = json!({ "program_id": "sampler", "backend": "local_qasm_simulator",
                      "params": { "pubs": [[flip, null, 1_000_000]] } });
    let path = submit(&ada, &job);
    assert_eq!(wait(&ada, &path)["status"], "Completed");
    let before = server.most_memory();
    let result = ada.get(&format!("{path}/results")).text();
    assert_eq!(result.matches("\"0x1\"").count(), 1_000_000);
    let took = server.most_memory() - before;
    // As kept, by registers, and as text; a value for each shot is 60 bytes at least, and its text.
    assert!(took < 48 * MIB, "{took}");
}

#[test]
fn what_may_be_kept_is_not_sent_again() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let ada = server.client(&sandbox, "ada");
    let (documents, away) =
        (sandbox.path("data/ketch/jobs/documents"), sandbox.path("data/ketch/jobs/away"));
    fs::rename(&documents, &away).unwrap();
    // Python's client sends it again for 500, 502, 503 and 504.
    let error = ada.send("POST", "/api/v1/jobs", wordy(MIB).to_string().as_bytes()).refused(501);
    assert_eq!(error["code"], "store.unavailable");
    assert!(error["solution"].as_str().unwrap().contains("before you send"), "{error}");
    fs::rename(&away, &documents).unwrap();
    assert_eq!(ada.get("/api/v1/jobs").ok()["count"], 0);
    submit(&ada, &wordy(MIB));
}
