//! [`StoredJob`]: a job of the store behind the interface of every job.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use ketch_core::{
    Backend, Error as JobError, Extensions, JOB_EVENT, Job, JobEvent, JobStatus, Message, PROGRESS,
    Result, RunResult, events_of,
};

use crate::{JobRecord, Runner, Store, service};

/// A job of the store: also one that another process runs, or that ran long ago.
///
/// Every method reads the store, so what it answers is what is on disk. Of a job that a service
/// runs, `status`, `result` and `cancel` ask the service, and keep what it says.
pub struct StoredJob {
    pub(crate) store: Arc<Store>,
    pub(crate) id: String,
    pub(crate) backend: Arc<dyn Backend>,
    /// The job itself, if this process runs it.
    pub(crate) live: Option<Arc<Live>>,
}

/// A job of this process.
pub(crate) struct Live {
    pub(crate) job: Arc<dyn Job>,
    /// It came to its end, and the disk would not take what it came to.
    unwritten: AtomicBool,
}

impl Live {
    pub(crate) fn new(job: Arc<dyn Job>) -> Arc<Self> {
        Arc::new(Self { job, unwritten: AtomicBool::new(false) })
    }

    /// From now on this process alone knows what became of the job.
    pub(crate) fn is_not_written(&self) {
        self.unwritten.store(true, Ordering::Release);
    }

    fn is_unwritten(&self) -> bool {
        self.unwritten.load(Ordering::Acquire)
    }
}

/// How often the store is looked at while somebody waits: at first, and at most.
pub(crate) const LOOKS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(25)];

/// The longest that a job of this process is waited for at a time.
const LOOK: Duration = Duration::from_millis(250);

/// How long the result of a job may take that has come to its end: it may have to come from another
/// process.
pub(crate) const CARRYING: Duration = Duration::from_secs(60);

impl StoredJob {
    /// A job that is in the store already; `backend` is the one that it was submitted to.
    #[must_use]
    pub fn new(store: Arc<Store>, id: impl Into<String>, backend: Arc<dyn Backend>) -> Self {
        Self { store, id: id.into(), backend, live: None }
    }

    /// What the store knows of it.
    ///
    /// # Errors
    /// If it is not there any more.
    pub fn record(&self) -> Result<JobRecord> {
        Ok(self.store.job(&self.id)?)
    }

    /// What a job that came to its end left behind.
    fn outcome(&self, record: &JobRecord) -> Result<Arc<RunResult>> {
        if record.state == JobStatus::Cancelled {
            return Err(JobError::Cancelled { job: self.id.clone() });
        }
        // In this process it may be larger than what is kept.
        if let Some(live) = &self.live {
            return live.job.shared_result(Some(CARRYING));
        }
        let kept = self.store.result(&self.id)?.filter(|kept| {
            // A failure before the first result has nothing to show but its reason.
            !kept.experiments.is_empty() || record.state == JobStatus::Done
        });
        match (kept, &record.error) {
            (Some(kept), _) => Ok(Arc::new(kept)),
            (None, Some(error)) => Err(error.clone().into()),
            (None, None) => Err(JobError::other(
                "job.result_not_kept",
                format!("the result of job `{}` was too large to be kept", self.id),
            )),
        }
    }

    /// The job at its service, as far as anybody knows it.
    fn at_service(&self, record: &JobRecord) -> Result<Option<Arc<dyn Job>>> {
        match &self.live {
            Some(live) => Ok(Some(Arc::clone(&live.job))),
            None => self.store.at_service(record, &*self.backend),
        }
    }

    /// Asks the service for what it has, waits at most for `wait`, and keeps what has come to an
    /// end. False if nobody knows whether the service has the job.
    fn ask_service(&self, record: &JobRecord, wait: Duration) -> Result<bool> {
        let Some(job) = self.at_service(record)? else {
            if record.owner.is_none() && record.state != JobStatus::Queued {
                return Ok(false);
            }
            // Another process is sending it, or will.
            thread::sleep(wait.min(LOOKS[1]));
            return Ok(true);
        };
        let wait = match wait.is_zero() {
            true if !job.status()?.is_final() => return Ok(true),
            // Its end is known, and what it came to need only be fetched.
            true => service::PATIENCE,
            false => wait,
        };
        let outcome = match job.result(Some(wait)) {
            Err(JobError::Timeout { .. }) => return Ok(true),
            // What says nothing about the job is not its outcome.
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) if !matches!(error, JobError::Cancelled { .. }) => match job.status()? {
                status if !status.is_final() => return Err(error),
                // It is done, and only its result could not be had; but what the service says of the
                // job itself is final.
                JobStatus::Done if !is_about_the_job(&error) => return Err(error),
                JobStatus::Cancelled => Err(JobError::Cancelled { job: self.id.clone() }),
                _ if service::is_doubtful(&error) => match job.error_message()? {
                    Some(reason) => Err(JobError::JobFailed { job: self.id.clone(), reason }),
                    None => Err(error),
                },
                _ => Err(error),
            },
            outcome => outcome,
        };
        self.store.settle_service(&self.id, &outcome)?;
        Ok(true)
    }
}

fn is_about_the_job(error: &JobError) -> bool {
    matches!(error, JobError::JobFailed { .. } | JobError::JobNotFound { .. })
}

impl Job for StoredJob {
    fn job_id(&self) -> String {
        self.id.clone()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    fn status(&self) -> Result<JobStatus> {
        let record = self.record()?;
        if record.state.is_final() {
            return Ok(record.state);
        }
        match (record.runner, &self.live) {
            (Runner::Service, live) => {
                self.ask_service(&record, Duration::ZERO)?;
                let now = self.record()?.state;
                match live {
                    Some(live) if !now.is_final() => live.job.status(),
                    _ => Ok(now),
                }
            }
            // DONE shows only when it is on disk.
            (_, Some(live)) => Ok(match live.job.status()? {
                early if early.is_final() && !live.is_unwritten() => JobStatus::Running,
                status => status,
            }),
            _ => Ok(record.state),
        }
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        self.shared_result(timeout).map(Arc::unwrap_or_clone)
    }

    fn shared_result(&self, timeout: Option<Duration>) -> Result<Arc<RunResult>> {
        let start = Instant::now();
        let [mut pause, longest] = LOOKS;
        loop {
            if let Some(live) = self.live.as_ref().filter(|live| live.is_unwritten()) {
                return live.job.shared_result(Some(CARRYING));
            }
            let record = self.record()?;
            if record.state.is_final() {
                return self.outcome(&record);
            }
            let left = timeout.map(|timeout| timeout.saturating_sub(start.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                let after = timeout.unwrap_or_default();
                return Err(JobError::Timeout { job: self.id.clone(), after });
            }
            let until = |most: Duration| left.map_or(most, |left| left.min(most));
            if record.runner == Runner::Service {
                if !self.ask_service(&record, until(service::PATIENCE))? {
                    return Err(service::unknown_fate(record));
                }
            } else if let Some(live) = &self.live
                && !live.job.status().is_ok_and(|status| status.is_final())
            {
                // Its end is heard at once here; what it came to is on disk soon after.
                let _ = live.job.shared_result(Some(until(LOOK)));
            } else {
                thread::sleep(until(pause));
                pause = (pause * 2).min(longest);
            }
        }
    }

    fn cancel(&self) -> Result<bool> {
        let record = self.record()?;
        let is_away = record.state != JobStatus::Queued && !record.state.is_final();
        if record.runner == Runner::Service && is_away {
            return self.at_service(&record)?.map_or(Ok(false), |job| job.cancel());
        }
        let was_running = self.store.cancel(&self.id)?;
        match &self.live {
            // The recorder may have heard of it before.
            Some(live) if was_running => {
                Ok(live.job.cancel()? || live.job.status()? == JobStatus::Cancelled)
            }
            _ => Ok(was_running),
        }
    }

    fn creation_date(&self) -> Result<Option<SystemTime>> {
        Ok(Some(self.record()?.created))
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        match &self.live {
            Some(live) => live.job.queue_position(),
            None => Ok(self.store.position(&self.id)?),
        }
    }

    fn error_message(&self) -> Result<Option<String>> {
        let record = self.record()?;
        let is_done = record.state == JobStatus::Done;
        Ok(record.error.filter(|_| !is_done).map(|error| error.line()))
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl std::fmt::Debug for StoredJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredJob").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Extensions for StoredJob {
    fn supports(&self, name: &str) -> u32 {
        match (name, &self.live) {
            (PROGRESS, _) => 1,
            (JOB_EVENT, Some(live)) => live.job.extensions().map_or(0, |own| own.supports(name)),
            _ => 0,
        }
    }

    /// The job itself answers, if this process runs it; else its progress is read in the store.
    fn call(&self, name: &str, message: Message) -> Result<Message> {
        let own = self.live.as_ref().and_then(|live| live.job.extensions());
        match (name, own) {
            // Not what was written down of it some time ago: listeners hear of it as well.
            (PROGRESS, Some(own)) if own.supports(name) > 0 => own.call(name, message),
            (PROGRESS, _) => {
                let progress = self.store.progress(&self.id);
                let document = progress.map(|progress| progress.document()).unwrap_or_default();
                Ok(Message::json(&document))
            }
            (JOB_EVENT, Some(own)) => own.call(name, message),
            _ => Err(JobError::not_supported("this job", format!("the extension `{name}`"))),
        }
    }
}

/// Jobs and what came of them, in the order in which they come to their ends: the place in the
/// list, and the result or why there is none.
///
/// Those that end within some milliseconds come in any order. Listens to the jobs' events
/// ([`events_of`]), without a thread for each; blocks between two items.
pub fn as_completed(
    jobs: Vec<Arc<dyn Job>>,
) -> impl Iterator<Item = (usize, Result<Arc<RunResult>>)> {
    // Without the threads that look at jobs, each is waited for in turn.
    let mut in_turn = 0..jobs.len();
    let mut events = events_of(jobs.iter().map(Arc::clone)).ok();
    let ended = std::iter::from_fn(move || match &mut events {
        Some(events) => {
            let is_last = |event: &JobEvent| matches!(event, JobEvent::State(s) if s.is_final());
            events.find(|(_, event)| is_last(event)).map(|(place, _)| (place, CARRYING))
        }
        None => in_turn.next().map(|place| (place, Duration::MAX)),
    });
    ended.map(move |(place, wait)| (place, jobs[place].shared_result(Some(wait))))
}
