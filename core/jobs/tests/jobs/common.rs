//! A backend of real jobs on real threads, and stores in directories of their own.

use std::{
    sync::{
        Arc, Condvar, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ketch_core::{
    Backend, BackendConfiguration, BackendStatus, Circuit, Error, Job, JobQueue, Qobj, Result,
    RunOptions, RunResult, codec, result::ExperimentResult,
};
use ketch_jobs::{NewJob, Resolver, Runner, Store};
use rusqlite::Connection;
use tempfile::TempDir;

/// A store that goes when it is dropped.
pub(crate) struct Scratch {
    pub(crate) directory: TempDir,
    pub(crate) store: Arc<Store>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(directory.path()).unwrap());
        Self { directory, store }
    }

    /// The same store, as another process has it.
    pub(crate) fn other(&self) -> Arc<Store> {
        Arc::new(Store::open(self.directory.path()).unwrap())
    }

    /// Changes a row behind the store's back: what only time or another machine could do.
    pub(crate) fn tamper(&self, sql: &str) {
        let connection = Connection::open(self.directory.path().join("jobs.db")).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    pub(crate) fn submit(&self, backend: &str, qobj: &Qobj) -> String {
        let job = NewJob::new(backend, Runner::Worker, RunOptions::default());
        self.store.submit(&job, qobj).unwrap()
    }
}

/// So many experiments, named by their numbers.
pub(crate) fn experiments(count: u32) -> Qobj {
    let mut qobj = Qobj::from_circuit(Circuit::new(1, 1).h(0).measure(0, 0));
    let one = qobj.experiments()[0].clone();
    let ketch_core::qobj::Program::Circuits { experiments, .. } = &mut qobj.program else {
        unreachable!("made of circuits")
    };
    *experiments = (0..count)
        .map(|number| {
            let mut experiment = one.clone();
            experiment.header.insert("name".to_owned(), format!("e{number}").into());
            experiment
        })
        .collect();
    qobj
}

/// Opens once, for everybody.
#[derive(Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// Answers each experiment with its name; one named `bad` fails, `stuck` waits for a cancel,
/// `gate` for the gate, `slow` for a tenth of a second, and `broken` fails the whole job.
pub(crate) struct Lab {
    queue: Arc<JobQueue>,
    own: Weak<Lab>,
    pub(crate) local: bool,
    pub(crate) gate: Gate,
    /// How many experiments were run.
    pub(crate) runs: AtomicU64,
    /// Calls to `run`.
    pub(crate) calls: AtomicU64,
}

impl Lab {
    pub(crate) fn new(local: bool) -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            queue: JobQueue::new(1),
            own: own.clone(),
            local,
            gate: Gate::default(),
            runs: AtomicU64::new(0),
            calls: AtomicU64::new(0),
        })
    }

    fn experiment(&self, name: &str, is_cancelled: impl Fn() -> bool) -> Result<ExperimentResult> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        match name {
            "broken" => return Err(Error::other("lab.broken", "the lab is broken")),
            "stuck" => {
                while !is_cancelled() {
                    std::thread::yield_now();
                }
                return Err(Error::Cancelled { job: String::new() });
            }
            "slow" => {
                let open = self.gate.open.lock().unwrap();
                drop(self.gate.opened.wait_timeout(open, Duration::from_millis(100)).unwrap());
            }
            "gate" => {
                let mut open = self.gate.open.lock().unwrap();
                while !*open {
                    open = self.gate.opened.wait(open).unwrap();
                }
            }
            _ => {}
        }
        let success = name != "bad";
        let status = if success { "DONE" } else { "no such luck" };
        let (name, status) = (name.to_owned(), status.to_owned());
        Ok(ExperimentResult { name, success, status, shots: 1, ..ExperimentResult::default() })
    }
}

impl Backend for Lab {
    fn name(&self) -> &str {
        "bench"
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        let mut configuration = BackendConfiguration::simulator("bench", "1.0.0", None);
        configuration.local = self.local;
        Ok(Arc::new(configuration))
    }

    fn status(&self) -> Result<BackendStatus> {
        Ok(BackendStatus::active("bench", "1.0.0"))
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if qobj.experiments().is_empty() {
            return Err(Error::InvalidQobj { reason: "nothing to run".to_owned(), source: None });
        }
        let own = self.own.upgrade().expect("called through its owner");
        let lab = Arc::clone(&own);
        Ok(self.queue.submit(own, &options, move |running| {
            let names = qobj.experiments().iter().map(|one| qobj.experiment_name(one));
            let experiments: Result<Vec<_>> =
                names.map(|name| lab.experiment(name, || running.is_cancelled())).collect();
            let experiments = experiments?;
            let success = experiments.iter().all(|one| one.success);
            Ok(RunResult { success, experiments, ..RunResult::default() })
        }))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        self.queue.job(job_id)
    }
}

/// Knows one backend under one name.
pub(crate) struct Only(pub(crate) &'static str, pub(crate) Arc<dyn Backend>);

impl Resolver for Only {
    fn backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        match name == self.0 {
            true => Ok(Arc::clone(&self.1)),
            false => Err(Error::BackendNotFound { name: name.to_owned(), known: vec![] }),
        }
    }
}

/// Longer than anything here takes on a busy machine, so that a hang fails.
pub(crate) const LONG: Option<Duration> = Some(Duration::from_secs(60));

/// The names of the experiments of a result.
pub(crate) fn names(result: &RunResult) -> Vec<String> {
    result.experiments.iter().map(|one| one.name.clone()).collect()
}

/// A result whose arrays take so many bytes.
pub(crate) fn large_result(bytes: usize) -> RunResult {
    let amplitudes = vec![ketch_core::Complex64::ONE; bytes / 16];
    let data = ketch_core::result::Data::Vector(amplitudes.into());
    let mut experiment = ExperimentResult { success: true, ..ExperimentResult::default() };
    experiment.data.insert("statevector".to_owned(), data);
    let result = RunResult { success: true, experiments: vec![experiment], ..RunResult::default() };
    assert!(codec::result_to_bytes(&result).len() >= bytes);
    result
}
