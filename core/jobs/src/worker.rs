//! The loop of a worker process.

use std::{
    fs::{self, File},
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ketch_core::{Backend, Error as JobError, Job, Qobj, RunOptions, RunResult};
use rustix::fs::{FlockOperation, flock};

use crate::{
    Budget, Claim, Error, JobRecord, Result, Store, StoredError, backend::HEARTBEAT, courier,
    parts::Parts, progress::Noting, service,
};

/// Finds the backend that a job names.
pub trait Resolver {
    /// The backend of this qualified name. May block.
    ///
    /// # Errors
    /// If there is none, or it cannot be loaded; the job is an ERROR then.
    fn backend(&self, name: &str) -> Result<Arc<dyn Backend>, JobError>;

    /// The backend of a job, which may lie where only the job knows. May block.
    ///
    /// # Errors
    /// As [`backend`](Self::backend).
    fn backend_of(&self, job: &JobRecord) -> Result<Arc<dyn Backend>, JobError> {
        self.backend(&job.backend)
    }
}

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct WorkOptions {
    /// What all workers together may use.
    pub budget: Budget,
    /// How long a worker without work stays.
    pub idle: Duration,
}

impl Default for WorkOptions {
    /// The whole machine, 30 seconds.
    fn default() -> Self {
        Self { budget: Budget::whole_machine(), idle: Duration::from_secs(30) }
    }
}

/// How often a job's row is looked at while it runs, and the queue while there is nothing to do.
const LOOK: Duration = Duration::from_millis(20);

/// Runs queued jobs, one after the other, and sends those of services and follows them, until there has been nothing to do for a while. Blocks.
///
/// Of several workers of one store at most one waits for work; another one that has nothing to do
/// goes at once, and so does one whose store was removed. `sibling` is called when there is more
/// work than this worker takes on, to start another one.
///
/// # Errors
/// If the store cannot be used any more. Jobs that fail are no error.
pub fn work(
    store: &Arc<Store>,
    resolver: &dyn Resolver,
    options: &WorkOptions,
    sibling: impl FnMut(),
) -> Result<()> {
    work_until(&AtomicBool::new(false), store, resolver, options, sibling)
}

/// [`work`], until `stop` is set: then the job in hand waits again, with all of it that is finished,
/// and the attempt does not count. Returns within some tens of milliseconds then, as far as the
/// backend stops that fast.
///
/// # Errors
/// As [`work`].
pub fn work_until(
    stop: &AtomicBool,
    store: &Arc<Store>,
    resolver: &dyn Resolver,
    options: &WorkOptions,
    mut sibling: impl FnMut(),
) -> Result<()> {
    let mut idle: Option<Idle> = None;
    let mut since = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        store.recover()?;
        if store.has_errands()?
            && let Some(_place) = Courier::take(store)?
        {
            // Whoever submits next shall see that nobody waits for other work.
            idle = None;
            if store.has_work(options.budget)? && !Idle::exists(store)? {
                sibling();
            }
            courier::follow(stop, store, resolver)?;
            since = Instant::now();
            continue;
        }
        // Looked first: whoever only waits keeps nobody from writing.
        let work = store.has_work(options.budget)?;
        if work && let Some(claim) = store.claim(options.budget)? {
            // Whoever submits next shall see that nobody waits.
            idle = None;
            if store.has_work(options.budget)? && !Idle::exists(store)? {
                sibling();
            }
            run(claim, resolver, stop)?;
            since = Instant::now();
            continue;
        }
        if idle.is_none() {
            match Idle::take(store)? {
                Some(taken) => idle = Some(taken),
                None => return Ok(()),
            }
            store.maintain_if_due()?;
        }
        if !store.directory().exists() {
            return Ok(());
        }
        if since.elapsed() >= options.idle {
            // Given up before the last look, so that a job that comes now finds either this worker
            // or nobody waiting.
            drop(idle.take());
            if !store.has_work(options.budget)? {
                return Ok(());
            }
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// The place of the worker that waits for work: a locked file, which the system unlocks if the
/// worker dies.
#[derive(Debug)]
pub struct Idle {
    _locked: File,
}

impl Idle {
    const FILE: &str = "idle.lock";

    /// Takes the place; `None` if somebody has it.
    fn take(store: &Store) -> Result<Option<Self>> {
        Ok(lock(store, Self::FILE)?.map(|_locked| Self { _locked }))
    }

    /// Whether a worker waits for work, so that none needs to be started.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn exists(store: &Store) -> Result<bool> {
        is_locked(store, Self::FILE)
    }
}

/// The place of the worker that [sends jobs to services](Store::has_errands) and follows them there.
#[derive(Debug)]
pub struct Courier {
    _locked: File,
}

impl Courier {
    const FILE: &str = "courier.lock";

    /// Takes the place; `None` if somebody has it.
    fn take(store: &Store) -> Result<Option<Self>> {
        Ok(lock(store, Self::FILE)?.map(|_locked| Self { _locked }))
    }

    /// Whether a worker does so, so that none needs to be started.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn exists(store: &Store) -> Result<bool> {
        is_locked(store, Self::FILE)
    }
}

/// Locks a file of the store; `None` if somebody else has.
fn lock(store: &Store, name: &str) -> Result<Option<File>> {
    let path = store.directory().join(name);
    let lock = || {
        let file = File::create(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(io::Error::from(error)),
        }
    };
    lock().map_err(|source| Error::File { doing: "lock", path: path.clone(), source })
}

fn is_locked(store: &Store, name: &str) -> Result<bool> {
    Ok(fs::exists(store.directory().join(name)).unwrap_or(false) && lock(store, name)?.is_none())
}

/// Runs a job to its end, experiments that are finished already left out.
fn run(claim: Claim, resolver: &dyn Resolver, stop: &AtomicBool) -> Result<()> {
    let outcome = execute(&claim, resolver, stop);
    claim.store.forget_progress(&claim.record.id);
    let ended = match outcome {
        Ok(None) => claim.finish(None),
        Ok(Some(error)) => claim.finish(Some(&error)),
        Err(Stop::Cancelled) => claim.cancelled(),
        Err(Stop::TooLong) => claim.ran_too_long(),
        Err(Stop::GivenBack) => claim.release(),
        Err(Stop::Failed(error)) => claim.finish(Some(&StoredError::from(&error))),
        Err(Stop::Store(error)) => Err(error),
    };
    match ended {
        // Somebody else has it now: there is nothing left to do for it here.
        Err(Error::LostLease { .. }) => Ok(()),
        ended => ended,
    }
}

/// Why a job ends before its last experiment.
enum Stop {
    Cancelled,
    /// It ran longer than its user lets it.
    TooLong,
    /// This worker is to go; another one takes the job.
    GivenBack,
    Failed(JobError),
    Store(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            // A Qobj that cannot be read is the job's fault and no reason to end the worker.
            Error::Document { .. } => Self::Failed(error.into()),
            error => Self::Store(error),
        }
    }
}

/// Runs the experiments in parts, each kept as soon as it is finished; the first failure of an
/// experiment, if there is one.
fn execute(
    claim: &Claim,
    resolver: &dyn Resolver,
    stop: &AtomicBool,
) -> Result<Option<StoredError>, Stop> {
    let record = &claim.record;
    let mut lease = Lease { claim, stop, begun: Instant::now(), renewed: Instant::now() };
    let qobj = claim.store.qobj(&record.id)?;
    let backend = resolver.backend_of(record).map_err(Stop::Failed)?;
    // A job without experiments is run all the same: the backend says what it thinks of it.
    let empty = qobj.experiments().is_empty();
    let mut parts = Parts::new(qobj, record.completed);
    let mut failure = match record.completed {
        0 => None,
        _ => claim.store.result(&record.id)?.as_ref().and_then(first_failure),
    };
    while !parts.is_over() || empty {
        let started = Instant::now();
        // Also here: parts may be shorter than a look.
        lease.look()?;
        let result = run_part(&mut lease, &*backend, parts.next(), parts.first())?;
        let took = started.elapsed();
        if failure.is_none() {
            failure = first_failure(&result);
        }
        claim.keep(parts.first(), &result)?;
        if result.experiments.is_empty() {
            break;
        }
        parts.finished(result.experiments.len() as u64, took);
    }
    Ok(failure)
}

/// The lease of a job, over all its parts.
struct Lease<'a> {
    claim: &'a Claim,
    stop: &'a AtomicBool,
    begun: Instant,
    renewed: Instant,
}

impl Lease<'_> {
    /// Whether the job may go on; renews the lease when it is time.
    ///
    /// # Errors
    /// Why it may not.
    fn look(&mut self) -> Result<(), Stop> {
        let is_due = self.renewed.elapsed() > HEARTBEAT;
        let cancelled = if is_due { self.claim.renew()? } else { self.claim.is_cancelled()? };
        if is_due {
            self.renewed = Instant::now();
        }
        let is_over = |longest| self.begun.elapsed() >= longest;
        match cancelled {
            true => Err(Stop::Cancelled),
            false if self.claim.record.may_run().is_some_and(is_over) => Err(Stop::TooLong),
            false if self.stop.load(Ordering::Relaxed) => Err(Stop::GivenBack),
            false => Ok(()),
        }
    }
}

fn first_failure(result: &RunResult) -> Option<StoredError> {
    result.experiments.iter().any(|one| !one.success).then(|| service::failure(result)).flatten()
}

/// Runs some experiments and waits for them, hearing of a cancel and keeping the lease.
fn run_part(
    lease: &mut Lease<'_>,
    backend: &dyn Backend,
    part: Qobj,
    first: u64,
) -> Result<RunResult, Stop> {
    let record = &lease.claim.record;
    let options = RunOptions {
        // One key for each part and taking: a provider may refuse a key that it has seen.
        job_key: Some(format!("{}.{}.{first}", record.id, record.token)),
        ..record.options()
    };
    let job = backend.run(part, options).map_err(Stop::Failed)?;
    let mut noting: Option<Noting> = None;
    loop {
        match job.result(Some(LOOK)) {
            // Only a part that takes a while is worth listening to.
            Err(JobError::Timeout { .. }) => noting
                .get_or_insert_with(|| Noting::of(&job, record, first))
                .note(&lease.claim.store, &record.id),
            Err(JobError::Cancelled { .. }) => return Err(Stop::Cancelled),
            Err(error) => return Err(Stop::Failed(error)),
            Ok(result) => return Ok(result),
        }
        if let Err(why) = lease.look() {
            stop(&*job);
            return Err(why);
        }
    }
}

/// Stops a job of ours and waits a moment for it, so that its memory is free.
fn stop(job: &dyn Job) {
    if job.cancel().is_ok() {
        let _ = job.result(Some(Duration::from_secs(1)));
    }
}
