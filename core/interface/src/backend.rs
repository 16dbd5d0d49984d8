//! [`Backend`]: a simulator or a quantum computer.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    BackendConfiguration, BackendProperties, BackendStatus, Circuit, Error, Extensions, Job,
    JobStatus, Qobj, Result, RunResult,
};

/// A simulator or a quantum computer.
///
/// **Required:** [`name`](Self::name), [`configuration`](Self::configuration),
/// [`status`](Self::status), [`run`](Self::run). **Optional:** the others.
///
/// Every method may be called from any thread, and from several at once.
pub trait Backend: Send + Sync {
    /// Its name within its provider. Does not block.
    fn name(&self) -> &str;

    /// What it is: qubits, gates, limits. May block the first time, while a service is asked.
    ///
    /// # Errors
    /// If a service cannot be asked.
    fn configuration(&self) -> Result<Arc<BackendConfiguration>>;

    /// Its calibration: times, frequencies, errors; `None` for one without, such as a simulator.
    /// May block.
    ///
    /// # Errors
    /// If a service cannot be asked.
    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        Ok(None)
    }

    /// Whether it works now, and how long its queue is. May block.
    ///
    /// # Errors
    /// If a service cannot be asked.
    fn status(&self) -> Result<BackendStatus>;

    /// Submits the Qobj and returns its job at once, without waiting for any of the work.
    ///
    /// # Errors
    /// If the Qobj cannot be accepted: an unknown instruction, too many qubits, a bad option. What
    /// goes wrong later is the job's to tell.
    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>>;

    /// A job of this backend by the id that [`Job::job_id`] gave, also after a restart. May block.
    ///
    /// # Errors
    /// [`Error::JobNotFound`]; [`Error::NotSupported`] unless the provider keeps jobs.
    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        let _ = job_id;
        Err(Error::not_supported(format!("backend `{}`", self.name()), "retrieving jobs"))
    }

    /// Past and present jobs of this backend, the newest first. May block.
    ///
    /// # Errors
    /// [`Error::NotSupported`] unless the provider keeps jobs.
    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        let _ = query;
        Err(Error::not_supported(format!("backend `{}`", self.name()), "listing jobs"))
    }

    /// What it can do beyond this trait, by name. Does not block.
    fn extensions(&self) -> Option<&dyn Extensions> {
        None
    }
}

/// How a Qobj is to be run: what belongs to this run and not to the circuits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunOptions {
    /// The name by which the caller knows the job; a service that can should store it.
    pub job_key: Option<String>,
    /// The most threads to use at a time; `None`: as many as there are processors.
    pub threads: Option<u32>,
    /// The most memory to use at a time, in bytes; `None`: what is free.
    pub memory: Option<u64>,
    /// When the result is of no use any more.
    pub deadline: Option<SystemTime>,
    /// Words to find the job again by.
    pub tags: Vec<String>,
}

/// Which jobs to list.
#[derive(Clone, Debug, PartialEq)]
pub struct JobQuery {
    /// At most this many.
    pub limit: usize,
    /// After this many newer ones.
    pub skip: usize,
    /// Only those in this state.
    pub status: Option<JobStatus>,
}

impl Default for JobQuery {
    fn default() -> Self {
        Self { limit: 50, skip: 0, status: None }
    }
}

/// What is pleasant to have on every backend.
pub trait BackendExt: Backend {
    /// Runs one circuit for a number of shots.
    ///
    /// # Errors
    /// As [`Backend::run`].
    fn run_circuit(&self, circuit: Circuit, shots: u64) -> Result<Arc<dyn Job>> {
        self.run(Qobj::from_circuit(circuit).with_shots(shots), RunOptions::default())
    }

    /// Runs a Qobj and waits for its result. Blocks.
    ///
    /// # Errors
    /// As [`Backend::run`] and [`Job::result`].
    fn run_and_wait(&self, qobj: Qobj, timeout: Option<Duration>) -> Result<RunResult> {
        self.run(qobj, RunOptions::default())?.result(timeout)
    }

    /// The number of qubits; `None` if there is no limit.
    ///
    /// # Errors
    /// As [`Backend::configuration`].
    fn n_qubits(&self) -> Result<Option<u32>> {
        Ok(self.configuration()?.n_qubits())
    }
}

impl<B: Backend + ?Sized> BackendExt for B {}

/// The backend that works and has the fewest pending jobs; the first of several.
///
/// Asks each backend for its status once. Blocks while they answer; one that does not answer is
/// passed over.
///
/// # Errors
/// If none of them works.
pub fn least_busy(backends: &[Arc<dyn Backend>]) -> Result<Arc<dyn Backend>> {
    let statuses = backends.iter().filter_map(|backend| Some((backend, backend.status().ok()?)));
    let working = statuses.filter(|(_, status)| status.operational);
    let least = working.min_by_key(|(_, status)| status.pending_jobs);
    least.map(|(backend, _)| Arc::clone(backend)).ok_or_else(|| {
        Error::other("backend.none_operational", "no backend of the list is operational")
    })
}
