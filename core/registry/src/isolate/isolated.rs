//! A plugin behind a worker: which worker serves the next call.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use ketch_abi::{Manifest, message};
use ketch_core::{Error, Extensions, Message, Result};

use super::{
    call::{Method, PROVIDER},
    hello::{Hello, Welcome},
    limits::Limits,
    lock,
    pause::Pause,
    program,
    worker::{Request, Worker},
};
use crate::Refusal;

/// The step at which a plugin that dies or hangs while it is loaded is refused.
pub(crate) const START: &str = "start";

/// A plugin behind a worker. A worker that died is replaced at the next call.
pub(super) struct Isolated {
    path: PathBuf,
    manifest: Manifest,
    /// What the file must be.
    sha256: Option<String>,
    host: Arc<dyn Extensions>,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    worker: Option<Arc<Worker>>,
    pause: Pause,
    /// How the last worker ended.
    last_end: String,
}

impl Isolated {
    /// Starts the first worker.
    pub(super) fn start(
        path: &Path,
        manifest: &Manifest,
        sha256: Option<&str>,
        host: Arc<dyn Extensions>,
        limits: Limits,
    ) -> Result<Self, Refusal> {
        let (path, manifest) = (path.to_owned(), manifest.clone());
        let sha256 = sha256.map(str::to_owned);
        let isolated = Self { path, manifest, sha256, host, limits, state: Mutex::default() };
        let worker = isolated.new_worker()?;
        lock(&isolated.state).worker = Some(Arc::new(worker));
        Ok(isolated)
    }

    /// The id of the provider.
    pub(super) fn id(&self) -> &str {
        &self.manifest.id
    }

    /// The worker for the next call: the one that there is, or a fresh one.
    pub(super) fn worker(&self) -> Result<Arc<Worker>> {
        let mut state = lock(&self.state);
        if let Some(worker) = &state.worker {
            match worker.death() {
                None => return Ok(Arc::clone(worker)),
                Some(death) => {
                    state.pause.died(death.at);
                    death.message().clone_into(&mut state.last_end);
                    state.worker = None;
                }
            }
        }
        let now = Instant::now();
        if let Some(left) = state.pause.left(now) {
            return Err(self.paused(&state.last_end, left));
        }
        match self.new_worker() {
            Ok(worker) => {
                let worker = Arc::new(worker);
                state.worker = Some(Arc::clone(&worker));
                Ok(worker)
            }
            Err(refusal) => {
                state.pause.died(now);
                state.last_end = refusal.to_string();
                Err(Error::other("plugin.refused", refusal.to_string()))
            }
        }
    }

    fn paused(&self, last_end: &str, left: Duration) -> Error {
        let seconds = left.as_secs() + 1;
        Error::Other {
            code: "plugin.paused".to_owned(),
            message: format!(
                "provider `{}` is paused for {seconds} s, because it keeps dying: {last_end}",
                self.id()
            ),
            hint: Some(format!("try again in {seconds} s, or ask its author for a newer build")),
            retryable: true,
            source: None,
        }
    }

    fn new_worker(&self) -> Result<Worker, Refusal> {
        let refuse = |step, found: String, expected: &str, fix: &str| Refusal {
            path: self.path.clone(),
            step,
            found,
            expected: expected.to_owned(),
            fix: fix.to_owned(),
            details: None,
        };
        let program = program::find().map_err(|places| {
            let places: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
            let found = format!("no executable `ketch` at {}", places.join(", "));
            let fix = "put `ketch` there, let the program's main begin with \
                       `ketch::run_if_plugin_host()`, or choose no isolation";
            refuse("isolation", found, "a program to run the plugin in", fix)
        })?;
        let unstarted = |found: String| {
            refuse("isolation", found, "a child process", "check the limits of the system")
        };
        let host = Arc::clone(&self.host);
        let worker = Worker::start(&program, self.id(), host, &self.limits)
            .map_err(|error| unstarted(format!("{}: {error}", program.display())))?;
        let sha256 = self.sha256.clone();
        let hello = Hello::new(&self.path, &self.manifest, sha256, (&self.limits).into());
        let hello = hello.to_message().map_err(|error| unstarted(error.to_string()))?;
        match self.greet(&worker, hello) {
            Ok(welcome) => welcome.into_result(&self.path).map(|()| worker),
            Err(error) => {
                let death = worker.death();
                let last = death.as_deref().and_then(|death| death.last_line());
                let last = last.map(|line| format!(", saying \"{line}\"")).unwrap_or_default();
                let fix = "ask its author for a newer build";
                let found = format!("{error}{last}");
                let step = if error.code() == "plugin.died" { START } else { "loading" };
                let mut refusal = refuse(step, found, "a library that loads", fix);
                refusal.details = death.map(|death| death.story().into());
                Err(refusal)
            }
        }
    }

    fn greet(&self, worker: &Worker, hello: Message) -> Result<Welcome> {
        let request = Request {
            method: Method::Load,
            object: PROVIDER,
            subject: "the plugin",
            name: "",
            message: hello,
        };
        let answer = worker.call_within(request, self.limits.start)?;
        message::to_document(&answer.message, "greeting")
    }
}
