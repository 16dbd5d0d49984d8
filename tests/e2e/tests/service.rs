//! A small IBM Quantum as a process of its own, for as long as a test needs it.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use crate::sandbox::{Run, Sandbox, built};

/// The key of today's API.
pub(crate) const KEY: &str = "key-that-must-stay-secret";

/// The key of the API of 2018.
pub(crate) const EARLY_KEY: &str = "2018-key-that-must-stay-secret";

/// The device of today's API.
pub(crate) const DEVICE: &str = "fake_lima";

/// What no output may contain: keys, and the tokens that the service gives for them.
const SECRETS: &[&str] = &[KEY, EARLY_KEY, "secret-token-", "dummyapiusersloginWithTokenid"];

/// The replay server of `ketch-provider-ibmq`; ends when it is dropped.
pub(crate) struct ReplayServer {
    process: Child,
    port: u16,
}

impl ReplayServer {
    /// Starts it on a port that nobody uses, and waits until it listens.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// As [`start`](Self::start); it keeps the jobs that it takes in this directory.
    pub(crate) fn keeping(directory: &Path) -> Self {
        Self::with(&[directory.as_os_str()])
    }

    /// Ends it and starts another one with the same jobs at the same place.
    pub(crate) fn restart(&mut self, directory: &Path) {
        self.end();
        let port = self.port.to_string();
        *self = Self::with(&[directory.as_os_str(), OsStr::new(&port)]);
    }

    fn with(arguments: &[&OsStr]) -> Self {
        let mut process = Command::new(built("examples/replay_server"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, port: line.trim().parse().unwrap() }
    }

    /// Where today's API is.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where the API of 2018 is.
    pub(crate) fn early_url(&self) -> String {
        format!("{}/api", self.url())
    }
}

impl ReplayServer {
    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for ReplayServer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Answers every question with the same bytes, until the test process ends; returns its URL.
pub(crate) fn answering(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let mut question = BufReader::new(&stream);
            let mut line = String::new();
            // The head suffices: a client that hears an answer stops sending.
            while question.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            // A client that hangs up is no failure of the server.
            let _ = (&stream).write_all(bytes);
        }
    });
    format!("http://127.0.0.1:{port}")
}

/// Saves an account as a user does.
#[track_caller]
pub(crate) fn save(sandbox: &Sandbox, name: &str, url: &str, key: &str) {
    let saved = sandbox.ketch_reading(&["account", "save", name, "--url", url], key);
    without_secrets(saved).ok();
}

/// The run, after asserting that it shows no key and no token.
#[track_caller]
pub(crate) fn without_secrets(run: Run) -> Run {
    for secret in SECRETS {
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{run:?}");
    }
    run
}
