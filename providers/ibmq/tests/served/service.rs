//! `ketch serve` as it was built, with a directory and a token of its own.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use ketch_core::{Backend, Filter, Provider};
use ketch_jobs::{JobFilter, JobRecord, Store};
use ketch_provider_ibmq::{IbmqProvider, Settings};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    replay::lock,
    support::{TestHost, fast, provider_of},
};

/// The backend that all this is about, as the service names it.
pub(crate) const BACKEND: &str = "local_qasm_simulator";

/// How long the port of a server that comes back is waited for.
const PORT_PATIENCE: Duration = Duration::from_secs(30);

/// A service; it ends when it is dropped.
pub(crate) struct Service {
    directory: TempDir,
    arguments: Vec<String>,
    process: Mutex<Option<Process>>,
    /// Held by who puts a server in the place of another.
    restarting: Mutex<()>,
    pub(crate) token: String,
    pub(crate) port: u16,
    _alone: MutexGuard<'static, ()>,
}

/// One service at a time: how fast it answers is a part of what is tested.
static ALONE: Mutex<()> = Mutex::new(());

struct Process {
    child: Child,
    /// Who closes it makes the server fail when it says something.
    _out: BufReader<ChildStdout>,
}

/// How a server is stopped.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// It answers what it has begun to.
    Orderly,
    /// In the middle of whatever it does.
    Killed,
}

impl Service {
    /// Starts one with these arguments and waits until it listens.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("home")).unwrap();
        let (process, restarting, token) = (Mutex::default(), Mutex::default(), String::new());
        let (port, _alone) = (0, lock(&ALONE));
        let mut service = Self { directory, arguments, process, restarting, token, port, _alone };
        service.token = service.told(&["serve", "token", "new", "ada"]);
        service.port = service.start();
        service
    }

    /// `ketch` with nothing of the tester's own environment.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built("ketch"));
        let home = self.directory.path().join("home");
        command
            .args(arguments)
            .current_dir(&home)
            .env_clear()
            .env("HOME", &home)
            .env("XDG_DATA_HOME", self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// What a command prints.
    fn told(&self, arguments: &[&str]) -> String {
        let run = self.command(arguments).output().unwrap();
        assert!(run.status.success(), "{arguments:?}: {run:?}");
        String::from_utf8(run.stdout).unwrap().trim_end().to_owned()
    }

    /// Starts a process at the port of the one before, and returns its port.
    ///
    /// While no server was there, the system may have lent the port to a connection; then it is
    /// waited for.
    fn start(&self) -> u16 {
        let begun = Instant::now();
        loop {
            match self.try_start() {
                Ok(port) => return port,
                Err(_) if self.port != 0 && begun.elapsed() < PORT_PATIENCE => {}
                Err(said) => panic!("no server at port {}: {said}", self.port),
            }
        }
    }

    /// The port of a new process, or what it said when it ended.
    fn try_start(&self) -> Result<u16, String> {
        let port = self.port.to_string();
        let more = self.arguments.iter().map(String::as_str);
        let arguments: Vec<&str> = ["serve", "--port", &port].into_iter().chain(more).collect();
        let mut command = self.command(&arguments);
        command.stdout(Stdio::piped()).stderr(File::create(self.said()).unwrap());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        let Some(port) = port else {
            let _ = child.kill();
            let status = child.wait().unwrap();
            let said = std::fs::read_to_string(self.said()).unwrap();
            return Err(format!("{status}, {line:?}, {said}"));
        };
        *lock(&self.process) = Some(Process { child, _out: out });
        Ok(port)
    }

    /// Where what the latest process says of errors stands.
    fn said(&self) -> PathBuf {
        self.directory.path().join("said")
    }

    /// The server ends, and nobody takes its place.
    pub(crate) fn stop(&self, end: End) {
        let Some(mut process) = lock(&self.process).take() else { return };
        let signal = match end {
            End::Orderly => Signal::TERM,
            End::Killed => Signal::KILL,
        };
        kill_process(Pid::from_child(&process.child), signal).unwrap();
        process.child.wait().unwrap();
    }

    /// Another server takes the place of the one before, with its jobs.
    pub(crate) fn restart(&self, end: End) {
        let _one = lock(&self.restarting);
        self.stop(end);
        self.start();
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// An account at the service, or at what stands before it.
    pub(crate) fn account(&self, url: &str) -> Value {
        json!({"name": "lab", "token": self.token, "url": url})
    }

    /// The service's backends, as the provider has them that is told of this account.
    pub(crate) fn provider(&self, url: &str, settings: Settings) -> IbmqProvider {
        provider_of(&TestHost::with(&[self.account(url)]), settings)
    }

    /// Where the service keeps its jobs.
    pub(crate) fn store(&self) -> Store {
        Store::open(&self.directory.path().join("ketch/jobs")).unwrap()
    }

    /// All jobs that the service has.
    pub(crate) fn jobs(&self) -> Vec<JobRecord> {
        self.store().jobs(&JobFilter::default()).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop(End::Killed);
    }
}

#[test]
fn a_server_comes_back_to_its_port_when_that_is_free() {
    let service = Service::with(&[]);
    service.stop(End::Killed);
    let taken = TcpListener::bind(("127.0.0.1", service.port));
    let said = || std::fs::read_to_string(service.said()).unwrap_or_default();
    thread::scope(|scope| {
        let restarts = scope.spawn(|| service.restart(End::Killed));
        while said().is_empty() && !restarts.is_finished() {
            thread::yield_now();
        }
        drop(taken);
    });
    let provider = service.provider(&service.url(), fast());
    assert!(provider.get_backend(BACKEND).unwrap().status().unwrap().operational);
}

/// A provider with some of its backends only.
pub(crate) struct Only<'n> {
    pub(crate) provider: IbmqProvider,
    pub(crate) names: &'n [&'n str],
}

impl Provider for Only<'_> {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn backends(&self, filter: &Filter) -> ketch_core::Result<Vec<Arc<dyn Backend>>> {
        let mut backends = self.provider.backends(filter)?;
        backends.retain(|backend| self.names.contains(&backend.name()));
        Ok(backends)
    }

    fn get_backend(&self, name: &str) -> ketch_core::Result<Arc<dyn Backend>> {
        self.provider.get_backend(name)
    }
}

/// Something that the build left behind.
fn built(name: &str) -> PathBuf {
    let executable = std::env::current_exe().unwrap();
    let profile = executable.parent().and_then(Path::parent).unwrap();
    let path = profile.join(name);
    assert!(path.exists(), "{} is missing: run `cargo xtask test`", path.display());
    path
}
