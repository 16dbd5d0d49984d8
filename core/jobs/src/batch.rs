//! Jobs of many experiments that this process runs: in parts, each on disk before the next begins.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use ketch_core::{
    Backend, Error as JobError, Events, Extensions, Job, JobEvent, JobEvents, JobQueue, JobStatus,
    Progress, Qobj, Result, RunOptions, RunResult, Running, codec,
};

use crate::{
    Claim, Error,
    parts::{Parts, append},
};

/// Hears of results: the job, the place of the first experiment, and those that are finished.
pub(crate) type Listener = Arc<dyn Fn(&str, u64, &RunResult) + Send + Sync>;

/// How a job is run in parts.
pub(crate) struct Batch {
    pub(crate) claim: Claim,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) options: RunOptions,
    /// The results that an earlier job left.
    pub(crate) earlier: Option<RunResult>,
    /// How many bytes of results are kept at most.
    pub(crate) room: u64,
    pub(crate) listener: Option<Listener>,
    /// No further part is begun.
    pub(crate) wind_down: Arc<AtomicBool>,
    /// What is on disk. Once a part was not kept, those behind it are not kept either.
    pub(crate) on_disk: Arc<OnDisk>,
}

/// Which parts of a result are on disk.
#[derive(Debug, Default)]
pub(crate) struct OnDisk(Mutex<Parted>);

/// What became of the parts so far.
#[derive(Debug, Default)]
pub(crate) enum Parted {
    /// All are kept.
    #[default]
    Kept,
    /// They take more bytes than are to be kept.
    TooLarge,
    /// The disk did not take one; those before it are kept.
    Refused(Error),
}

impl OnDisk {
    pub(crate) fn now(&self) -> MutexGuard<'_, Parted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How late a cancel is heard at most.
const LOOK: Duration = Duration::from_millis(20);

impl Batch {
    /// Begins the first part and returns the job of all.
    ///
    /// # Errors
    /// If the backend refuses the first part.
    pub(crate) fn start(self, qobj: Qobj) -> Result<Arc<dyn Job>> {
        let parts = Parts::new(qobj, self.claim.record.completed);
        let begun = match parts.is_over() {
            true => None,
            false => Some(self.begin(&parts)?),
        };
        let (backend, options) = (Arc::clone(&self.backend), self.options.clone());
        let first = begun.as_ref().map(Arc::downgrade);
        let run = |running: &Running| self.run(running, parts, begun);
        let whole = JobQueue::new(1).submit(backend, &options, run);
        Ok(match first {
            Some(first) => Arc::new(InParts { whole, first }),
            None => whole,
        })
    }

    fn begin(&self, parts: &Parts) -> Result<Arc<dyn Job>> {
        let (id, first) = (&self.claim.record.id, parts.first());
        // A provider may refuse a key that it has seen.
        let job_key = Some(format!("{id}.{first}"));
        self.backend.run(parts.next(), RunOptions { job_key, ..self.options.clone() })
    }

    fn run(
        mut self,
        running: &Running,
        mut parts: Parts,
        mut begun: Option<Arc<dyn Job>>,
    ) -> Result<RunResult> {
        let mut whole = self.earlier.take();
        while let Some(part) = begun.take() {
            let started = Instant::now();
            let result = finished(&part, running, &parts)?;
            let (count, took) = (result.experiments.len() as u64, started.elapsed());
            self.keep(parts.first(), &result)?;
            if let Some(listener) = &self.listener {
                listener(&self.claim.record.id, parts.first(), &result);
            }
            append(&mut whole, result);
            parts.finished(count, took);
            running.progress(parts.first(), parts.total(), 0.0);
            if parts.is_over() || count == 0 {
                break;
            }
            if running.is_cancelled() || self.wind_down.load(Ordering::Relaxed) {
                return Err(JobError::Cancelled { job: running.job_id().to_owned() });
            }
            begun = Some(self.begin(&parts)?);
        }
        Ok(whole.unwrap_or_default())
    }

    /// Keeps results as long as there is room and the disk takes them.
    fn keep(&mut self, first: u64, result: &RunResult) -> Result<()> {
        let mut on_disk = self.on_disk.now();
        if !matches!(*on_disk, Parted::Kept) {
            return Ok(());
        }
        let bytes = codec::result_to_bytes(result);
        let size = bytes.len() as u64;
        if size > self.room {
            *on_disk = Parted::TooLarge;
            return Ok(());
        }
        self.room -= size;
        match self.claim.keep_bytes(first, result.experiments.len() as u64, &bytes) {
            Err(error @ Error::LostLease { .. }) => return Err(error.into()),
            Err(error) => *on_disk = Parted::Refused(error),
            Ok(()) => {}
        }
        Ok(())
    }
}

/// The job of all parts. It waits its turn as long as its first part does, in the backend's queue.
struct InParts {
    whole: Arc<dyn Job>,
    /// Gone once it is finished.
    first: Weak<dyn Job>,
}

impl InParts {
    /// The first part, if that still waits for its turn and nobody has stopped the whole.
    fn waiting(&self) -> Result<Option<Arc<dyn Job>>> {
        if self.whole.status()?.is_final() {
            return Ok(None);
        }
        // One that cannot say is looked after by the whole.
        let waits = |first: &Arc<dyn Job>| first.status().is_ok_and(|now| now == JobStatus::Queued);
        Ok(self.first.upgrade().filter(waits))
    }
}

impl Job for InParts {
    fn job_id(&self) -> String {
        self.whole.job_id()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        self.whole.backend()
    }

    fn status(&self) -> Result<JobStatus> {
        match self.waiting()? {
            Some(_) => Ok(JobStatus::Queued),
            None => self.whole.status(),
        }
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        self.whole.result(timeout)
    }

    fn shared_result(&self, timeout: Option<Duration>) -> Result<Arc<RunResult>> {
        self.whole.shared_result(timeout)
    }

    fn cancel(&self) -> Result<bool> {
        self.whole.cancel()
    }

    fn creation_date(&self) -> Result<Option<SystemTime>> {
        self.whole.creation_date()
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        match self.waiting()? {
            Some(first) => first.queue_position(),
            None => Ok(None),
        }
    }

    fn error_message(&self) -> Result<Option<String>> {
        self.whole.error_message()
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        self.whole.extensions()
    }
}

/// Waits for the result of a part, passes on what it tells, and stops it if the whole is to stop.
fn finished(part: &Arc<dyn Job>, running: &Running, parts: &Parts) -> Result<RunResult> {
    let mut events: Option<Events> = None;
    loop {
        match part.result(Some(LOOK)) {
            Err(JobError::Timeout { .. }) => {}
            result => return result,
        }
        if running.is_cancelled() {
            if part.cancel().is_ok() {
                // So that its memory is free when this job has come to its end.
                let _ = part.shared_result(Some(Duration::from_secs(1)));
            }
            return Err(JobError::Cancelled { job: running.job_id().to_owned() });
        }
        // Only a part that takes a while is worth listening to.
        if events.is_none() {
            events = part.events().ok();
        }
        while let Some(event) = events.as_mut().and_then(Events::try_next) {
            match event {
                JobEvent::Progress(Progress { done, within, .. }) => {
                    running.progress(parts.first().saturating_add(done), parts.total(), within);
                }
                JobEvent::Log { level, line } => running.log(level, &line),
                _ => {}
            }
        }
    }
}
