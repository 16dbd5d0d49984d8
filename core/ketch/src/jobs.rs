//! Jobs that outlive the program that submitted them.
//!
//! What a [`Store`] keeps, a worker process runs: a program that calls [`work`] with a
//! [`RegistryResolver`], started by [`start_worker`]. [`StoredBackend`] keeps the jobs of any
//! backend, and [`StoredJob`] is a job of the store, of any process and any time.

use std::{
    io,
    process::{Command, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
};

pub use ketch_core::FIND_JOB;
pub use ketch_jobs::{
    Budget, Claim, Courier, Error, Idle, JobFilter, JobRecord, NewJob, PluginDirectories, Problem,
    Recovered, Resolver, Result, Retention, Runner, Store, StoredBackend, StoredError, StoredJob,
    StoredProvider, TOO_LONG, WorkOptions, as_completed, digest_of, drill, new_id, served, state,
    work, work_until,
};

use crate::{
    Backend, BackendConfiguration, BackendError, BackendProperties, BackendStatus, Extensions, Job,
    JobQuery, Qobj, Registry, RegistryError, RunOptions,
};

/// Finds the backends that jobs name among the plugins, also in directories that only the job knows.
///
/// The plugins are looked at when a backend is first asked for, and again when one is not there:
/// it may have been installed since.
pub struct RegistryResolver<D> {
    discover: D,
    registries: Mutex<Vec<(PluginDirectories, Registry)>>,
}

impl<D: Fn(&PluginDirectories) -> Registry> RegistryResolver<D> {
    /// A resolver that looks at the plugins by `discover`, which is told where else to look.
    pub fn new(discover: D) -> Self {
        Self { discover, registries: Mutex::default() }
    }

    fn find(
        &self,
        name: &str,
        plugins: &PluginDirectories,
    ) -> Result<Arc<dyn Backend>, BackendError> {
        let mut registries = self.registries.lock().unwrap_or_else(PoisonError::into_inner);
        let known = registries.iter().position(|(directories, _)| directories == plugins);
        if let Some(known) = known {
            if let Ok(found) = registries[known].1.get_backend(name) {
                return Ok(found.backend);
            }
            registries.swap_remove(known);
        }
        let registry = (self.discover)(plugins);
        let found = registry.get_backend(name);
        registries.push((plugins.clone(), registry));
        found.map(|found| found.backend).map_err(passed_on)
    }
}

impl<D: Fn(&PluginDirectories) -> Registry> Resolver for RegistryResolver<D> {
    fn backend(&self, name: &str) -> Result<Arc<dyn Backend>, BackendError> {
        self.find(name, &PluginDirectories::default())
    }

    fn backend_of(&self, job: &JobRecord) -> Result<Arc<dyn Backend>, BackendError> {
        self.find(&job.backend, &job.plugins)
    }
}

impl<D> std::fmt::Debug for RegistryResolver<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryResolver").finish_non_exhaustive()
    }
}

/// What the registry said, as a backend would have said it.
fn passed_on(error: RegistryError) -> BackendError {
    match error {
        RegistryError::Provider { source, .. } => source,
        error => BackendError::Other {
            code: error.code().to_owned(),
            message: error.to_string(),
            hint: error.hint(),
            retryable: false,
            source: None,
        },
    }
}

/// A backend that is looked for when it is first asked anything but its name.
///
/// So a job of the store can be read although its backend is slow to load, or gone.
pub struct NamedBackend<R> {
    qualified: String,
    /// Of which job it is the backend, if of any.
    job: Option<JobRecord>,
    resolver: R,
    found: OnceLock<Result<Arc<dyn Backend>, BackendError>>,
}

impl<R: Resolver> NamedBackend<R> {
    /// The backend of this qualified name, `provider/backend`.
    pub fn new(qualified: impl Into<String>, resolver: R) -> Self {
        Self { qualified: qualified.into(), job: None, resolver, found: OnceLock::new() }
    }

    /// The backend of a job.
    pub fn of(job: JobRecord, resolver: R) -> Self {
        Self { job: Some(job.clone()), ..Self::new(job.backend, resolver) }
    }

    fn found(&self) -> Result<&Arc<dyn Backend>, BackendError> {
        let found = self.found.get_or_init(|| match &self.job {
            Some(job) => self.resolver.backend_of(job),
            None => self.resolver.backend(&self.qualified),
        });
        found.as_ref().map_err(Clone::clone)
    }
}

impl<R: Resolver + Send + Sync> Backend for NamedBackend<R> {
    fn name(&self) -> &str {
        self.qualified.split_once('/').map_or(&self.qualified, |(_, name)| name)
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>, BackendError> {
        self.found()?.configuration()
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>, BackendError> {
        self.found()?.properties()
    }

    fn status(&self) -> Result<BackendStatus, BackendError> {
        self.found()?.status()
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>, BackendError> {
        self.found()?.run(qobj, options)
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>, BackendError> {
        self.found()?.retrieve_job(job_id)
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>, BackendError> {
        self.found()?.jobs(query)
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        self.found().ok()?.extensions()
    }
}

impl<R> std::fmt::Debug for NamedBackend<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NamedBackend").field("name", &self.qualified).finish_non_exhaustive()
    }
}

/// Starts a worker process if a job could run or be sent now and no worker waits for one; true if it
/// did.
///
/// The command is that of a program that calls [`work`], such as `ketch worker`. It gets nothing
/// of this process's streams and stands in the root directory; a program that is to outlive a
/// terminal makes a session of its own first thing.
///
/// # Errors
/// If the store cannot be read or the process not be started.
pub fn start_worker(store: &Store, worker: &mut Command) -> io::Result<bool> {
    let is_needed = || {
        let has_work = store.has_work(Budget::whole_machine())? && !Idle::exists(store)?;
        // A worker that only waits sends jobs to their services as well.
        let has_errands = || Ok(store.has_errands()? && !Courier::exists(store)?);
        Ok::<_, Error>(has_work || (has_errands()? && !Idle::exists(store)?))
    };
    if !is_needed().map_err(io::Error::other)? {
        return Ok(false);
    }
    worker.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
    let mut child = worker.spawn()?;
    // A long-lived parent must not collect processes that ended; without the thread nothing but
    // their numbers stays until this process ends.
    let _ = thread::Builder::new().name("ketch reaper".to_owned()).spawn(move || child.wait());
    Ok(true)
}
