//! A job with a fault in front of one without.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use ketch_core::{Extensions, prelude::*};

use super::Fault;

pub(super) struct FaultyJob {
    job: Arc<dyn Job>,
    fault: Option<Fault>,
    /// How often its status was asked for.
    looks: AtomicU64,
}

impl FaultyJob {
    pub(super) fn shared(job: Arc<dyn Job>, fault: Option<Fault>) -> Arc<dyn Job> {
        Arc::new(Self { job, fault, looks: AtomicU64::new(0) })
    }
}

impl Job for FaultyJob {
    fn job_id(&self) -> String {
        match self.fault {
            Some(Fault::SharedId) => "the job".to_owned(),
            _ => self.job.job_id(),
        }
    }

    fn backend(&self) -> Arc<dyn Backend> {
        self.job.backend()
    }

    fn status(&self) -> Result<JobStatus> {
        match (self.fault, self.looks.fetch_add(1, Ordering::Relaxed)) {
            (Some(Fault::GoesBack), 0) => Ok(JobStatus::Running),
            (Some(Fault::GoesBack), 1) => Ok(JobStatus::Queued),
            _ => self.job.status(),
        }
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        let answer = self.job.result(timeout);
        match (answer, self.fault) {
            (Err(Error::Timeout { .. }), Some(Fault::UntypedTimeOut)) => {
                Err(Error::other("late", "not yet"))
            }
            (Err(error @ Error::Timeout { .. }), Some(Fault::TimeOutCancels)) => {
                self.job.cancel()?;
                // Until the job has seen it.
                let _ = self.job.result(None);
                Err(error)
            }
            (Err(Error::Cancelled { .. }), Some(Fault::ResultAfterCancel))
            | (Ok(_), Some(Fault::FoundWithoutResult)) => Ok(RunResult::default()),
            (Ok(_), Some(Fault::ResultOnlyOnce)) if timeout == Some(Duration::ZERO) => {
                Ok(RunResult::default())
            }
            (answer, _) => answer,
        }
    }

    fn cancel(&self) -> Result<bool> {
        Ok(self.job.cancel()? || self.fault == Some(Fault::CancelSaysTrue))
    }

    fn creation_date(&self) -> Result<Option<SystemTime>> {
        self.job.creation_date()
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        self.job.queue_position()
    }

    fn error_message(&self) -> Result<Option<String>> {
        let message = self.job.error_message()?;
        Ok(message.map(|message| match self.fault {
            Some(Fault::NoReason) => "experiment `bad` failed".to_owned(),
            _ => message,
        }))
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        super::extensions(self.fault)
    }
}
