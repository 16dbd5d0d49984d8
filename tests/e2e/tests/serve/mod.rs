//! `ketch serve`: the real server over real sockets.

mod broken;
mod client;
mod far;
mod hostile;
mod limits;
mod packed;
mod planted;
mod remote;
mod store;
mod submit;
mod users;

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Stdio},
    thread,
};

use serde_json::Value;

use crate::sandbox::{Sandbox, repository};
use client::Client;

/// A server, until it is dropped.
pub(crate) struct Server {
    process: Child,
    _out: BufReader<ChildStdout>,
    said: Option<thread::JoinHandle<String>>,
    pub(crate) port: u16,
}

impl Server {
    /// Starts one in the sandbox and waits until it listens.
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        Self::with(sandbox, &[])
    }

    /// As [`start`](Self::start), with these arguments.
    pub(crate) fn with(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let free = if arguments.contains(&"--port") { &[][..] } else { &["--port", "0"] };
        let arguments = [&["serve"], free, arguments].concat();
        let mut process = sandbox
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut err = process.stderr.take().unwrap();
        let said = thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).unwrap();
            text
        });
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let Some(port) = line.trim().rsplit(':').next().and_then(|port| port.parse().ok()) else {
            panic!("no port in {line:?}: {}", said.join().unwrap())
        };
        Self { process, _out: out, said: Some(said), port }
    }

    /// Somebody with a token of their own for it.
    pub(crate) fn client(&self, sandbox: &Sandbox, user: &str) -> Client {
        Client::new(self.port, &token(sandbox, &["new", user]))
    }

    /// The most bytes of memory that it ever had.
    pub(crate) fn most_memory(&self) -> usize {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }

    /// Asks it to go, and returns how it went and what it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let id = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let exit = self.process.wait().unwrap().code();
        (exit, self.said.take().unwrap().join().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What `ketch serve token` prints.
#[track_caller]
pub(crate) fn token(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let run = sandbox.ketch(&[&["serve", "token"], arguments].concat());
    run.ok().trim_end().to_owned()
}

#[test]
fn it_says_where_it_is_and_goes_when_it_is_asked_to() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let health = Client::new(server.port, "").get("/healthz").ok();
    assert_eq!(health["status"], "ok");
    let (exit, said) = server.end();
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("serving") && said.contains("nobody may ask yet"), "{said}");
}

#[test]
fn others_than_this_machine_need_a_word() {
    let said = Sandbox::new().ketch(&["serve", "--address", "0.0.0.0", "--port", "0"]).fails(2);
    assert!(said.contains("--insecure"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let said = sandbox.ketch(&["serve", "--port", &server.port.to_string()]).fails(1);
    assert!(said.contains("cannot listen at 127.0.0.1") && said.contains("--port"), "{said}");
}

#[test]
fn every_backend_is_listed_described_and_up() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let client = server.client(&sandbox, "ada");
    let devices = client.get("/api/v1/backends?include_mocks=True").ok()["devices"].clone();
    let devices = devices.as_array().unwrap();
    let listed = sandbox.ketch(&["backends", "--json"]).json();
    assert_eq!(devices.len(), listed["backends"].as_array().unwrap().len());
    for device in devices {
        assert_eq!(device["status"]["name"], "online", "{device}");
        assert_eq!(device["queue_length"], 0);
    }
    let named = |name: &str| devices.iter().find(|device| device["name"] == name).unwrap();
    assert_eq!(named("noisy_ibmqx4")["qubits"], 5);
    assert_eq!(named("local_qasm_simulator")["is_simulator"], true);

    let configuration = client.get("/api/v1/backends/noisy_ibmqx4/configuration").ok();
    assert_eq!(configuration["backend_name"], "noisy_ibmqx4");
    assert_eq!(configuration["coupling_map"].as_array().unwrap().len(), 6);
    let properties = client.get("/experimental/api/v1/backends/noisy_ibmqx4/properties").ok();
    assert_eq!(properties["backend_name"], "noisy_ibmqx4");
    assert_eq!(properties["qubits"].as_array().unwrap().len(), 5);
    let none = client.get("/api/v1/backends/local_qasm_simulator/properties").ok();
    assert_eq!(none, serde_json::json!({}));
    let status = client.get("/api/v1/backends/local_qasm_simulator/status").ok();
    assert_eq!((&status["state"], &status["length_queue"]), (&true.into(), &0.into()));
    let error = client.get("/api/v1/backends/local_qasm_simulatr/status").refused(404);
    assert_eq!(error["code"], "backend.not_found");
    assert!(error["solution"].as_str().unwrap().contains("local_qasm_simulator"), "{error}");
}

#[test]
fn a_client_may_use_it_as_its_proxy() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let secret = token(&sandbox, &["new", "ada"]);
    let client = Client::new(server.port, &secret);
    let form =
        format!("grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey={secret}");
    let exchanged = client.send("POST", "http://iam.q.local/identity/token", form.as_bytes()).ok();
    let bearer = Client::new(server.port, exchanged["access_token"].as_str().unwrap());
    let search = "http://api.global-search-tagging.q.local/v3/resources/search?limit=100";
    let found =
        bearer.send("POST", search, b"{\"query\": \"service_name:quantum-computing\"}").ok();
    let plan = found["items"][0]["service_plan_unique_id"].as_str().unwrap().to_owned();
    let plan = bearer.get(&format!("http://globalcatalog.q.local/api/v1/{plan}")).ok();
    assert_eq!(plan["metadata"]["pricing"]["type"], "free");
    let devices = bearer.get("http://quantum.q.local/api/v1/backends").ok();
    assert!(devices["devices"].as_array().unwrap().len() > 2);
}

#[test]
fn what_it_does_is_counted_and_written_down() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let client = server.client(&sandbox, "ada");
    client.get("/api/v1/backends").ok();
    let session = br#"{"backend": "noisy_ibmqx4", "mode": "batch"}"#;
    client.send("POST", "/api/v1/sessions", session).ok();
    client.get("/api/v1/jobs/none").refused(404);
    let metrics = client.get("/metrics").text();
    for line in [
        "ketch_requests_total{status=\"2xx\"} 2",
        "ketch_requests_total{status=\"4xx\"} 1",
        "# TYPE ketch_request_duration_seconds histogram",
        "ketch_request_duration_seconds_count{kind=\"change\"} 1",
        "ketch_request_duration_seconds_bucket{kind=\"read\",le=\"+Inf\"} 2",
        "# TYPE ketch_jobs gauge",
        "ketch_jobs{state=\"QUEUED\"} 0",
        "# TYPE process_start_time_seconds gauge",
        concat!("ketch_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(metrics.contains(line), "{line} in: {metrics}");
    }
    let audit = std::fs::read_to_string(sandbox.path("data/ketch/jobs/audit.log")).unwrap();
    let lines: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{audit}");
    assert_eq!((&lines[0]["user"], &lines[0]["path"]), (&"ada".into(), &"/api/v1/sessions".into()));
    let sessions = client.send("POST", "/api/v1/sessions", session).ok();
    let audit = std::fs::read_to_string(sandbox.path("data/ketch/jobs/audit.log")).unwrap();
    let last: Value = serde_json::from_str(audit.lines().last().unwrap()).unwrap();
    assert_eq!(last["made"], sessions["id"]);
}

#[test]
fn with_a_certificate_everything_is_encrypted() {
    let sandbox = Sandbox::new();
    let file = |name: &str| repository("tests/golden/tls").join(name);
    let text = |name: &str| file(name).into_os_string().into_string().unwrap();
    let (certificate, key) = (text("certificate.pem"), text("key.pem"));
    let server = Server::with(&sandbox, &["--certificate", &certificate, "--key", &key]);
    let client = server.client(&sandbox, "ada").believing(&file("authority.pem"));
    client.get("/api/v1/backends").ok();
    client.send("POST", "/api/v1/sessions", b"{").refused(400);
    // Without encryption nothing is said, and to a wrong authority no request is sent.
    let plain = server.client(&sandbox, "ada");
    assert_eq!(plain.get("/api/v1/backends").status, 0);
    let mistaken = server.client(&sandbox, "ada").believing(&file("certificate.pem"));
    assert_eq!(mistaken.get("/api/v1/backends").status, 0);
    client.get("/api/v1/backends").ok();

    let said = sandbox.ketch(&["serve", "--certificate", &certificate]).fails(2);
    assert!(said.contains("--key"), "{said}");
    for (certificate, key) in [(&key, &key), (&certificate, &certificate), (&text("none"), &key)] {
        let said = sandbox.ketch(&["serve", "--certificate", certificate, "--key", key]).fails(9);
        assert!(said.contains("certificate") || said.contains("key"), "{said}");
    }
}
