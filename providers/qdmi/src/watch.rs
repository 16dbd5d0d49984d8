//! [`WatchedJob`]: a job that says of itself what the device says of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use ketch_core::{Backend, Extensions, Job, JobStatus, Result, RunResult};

/// What the device said last of the job that is waited for.
///
/// One thread, the one that waits, tells it; any other may look. It never goes back: a job of
/// several circuits is several jobs of the device, and some devices say `QUEUED` again of a job
/// that they said runs; for the user, what has begun has begun.
#[derive(Debug)]
pub(crate) struct Watch(AtomicU64);

/// Nothing is queued.
const RUNS: u64 = u64::MAX;

/// The device does not tell the place in its queue, or was not asked yet.
const SOMEWHERE: u64 = u64::MAX - 1;

impl Watch {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(SOMEWHERE))
    }

    /// The device runs the job.
    pub(crate) fn runs(&self) {
        self.0.store(RUNS, Ordering::Relaxed);
    }

    /// The device has the job in its queue, behind so many others.
    pub(crate) fn waits(&self, before: Option<u64>) {
        if self.0.load(Ordering::Relaxed) != RUNS {
            self.0.store(before.unwrap_or(SOMEWHERE).min(SOMEWHERE), Ordering::Relaxed);
        }
    }
}

/// A job of a queue, which thinks that a job runs as soon as it was handed to the device.
pub(crate) struct WatchedJob {
    job: Arc<dyn Job>,
    watch: Arc<Watch>,
}

impl WatchedJob {
    pub(crate) fn new(job: Arc<dyn Job>, watch: Arc<Watch>) -> Self {
        Self { job, watch }
    }
}

impl Job for WatchedJob {
    fn job_id(&self) -> String {
        self.job.job_id()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        self.job.backend()
    }

    fn status(&self) -> Result<JobStatus> {
        Ok(match self.job.status()? {
            JobStatus::Running if self.watch.0.load(Ordering::Relaxed) != RUNS => JobStatus::Queued,
            status => status,
        })
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        self.job.result(timeout)
    }

    fn shared_result(&self, timeout: Option<Duration>) -> Result<Arc<RunResult>> {
        self.job.shared_result(timeout)
    }

    fn cancel(&self) -> Result<bool> {
        self.job.cancel()
    }

    fn creation_date(&self) -> Result<Option<SystemTime>> {
        self.job.creation_date()
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        match (self.job.status()?, self.watch.0.load(Ordering::Relaxed)) {
            (JobStatus::Running, RUNS | SOMEWHERE) => Ok(None),
            (JobStatus::Running, before) => Ok(u32::try_from(before.saturating_add(1)).ok()),
            _ => self.job.queue_position(),
        }
    }

    fn error_message(&self) -> Result<Option<String>> {
        self.job.error_message()
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        self.job.extensions()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_has_begun_is_not_queued_again() {
        let watch = Watch::new();
        let told = |watch: &Watch| watch.0.load(Ordering::Relaxed);
        assert_eq!(told(&watch), SOMEWHERE, "nobody asked the device yet");
        watch.waits(Some(3));
        assert_eq!(told(&watch), 3);
        watch.runs();
        watch.waits(Some(0));
        assert_eq!(told(&watch), RUNS, "the device says so of the job's second circuit");
    }
}
