//! [`Job`]: the ticket for submitted work.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{Backend, Extensions, JobStatus, Result, RunResult};

/// The ticket for submitted work. Dropping it never cancels the work.
///
/// **Required:** [`job_id`](Self::job_id), [`backend`](Self::backend), [`status`](Self::status),
/// [`result`](Self::result), [`cancel`](Self::cancel). **Optional:** the others.
///
/// Every method may be called from any thread, and from several at once; only
/// [`result`](Self::result) waits for the work, and the others answer while it does.
pub trait Job: Send + Sync {
    /// The id that [`Backend::retrieve_job`] understands. Does not block.
    fn job_id(&self) -> String;

    /// The backend that runs it. Does not block.
    fn backend(&self) -> Arc<dyn Backend>;

    /// Its state now. May block while a service is asked, never for the work.
    ///
    /// # Errors
    /// If a service cannot be asked; that says nothing about the job.
    fn status(&self) -> Result<JobStatus>;

    /// Waits for the result, at most for `timeout` (`None`: without end), and returns it. A
    /// time-out does not cancel the job.
    ///
    /// An experiment that failed is in the result, with `success` false; its job's status is
    /// ERROR, and the results of the others are kept.
    ///
    /// # Errors
    /// [`Error::Timeout`](crate::Error::Timeout) within 50 ms of the deadline,
    /// [`Error::Cancelled`](crate::Error::Cancelled), or, if there is no result at all, why the
    /// work failed: [`Error::JobFailed`](crate::Error::JobFailed) where nothing closer is known.
    fn result(&self, timeout: Option<Duration>) -> Result<RunResult>;

    /// As [`result`](Self::result), for those who only look at it: a job that keeps its result need
    /// not copy it.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    fn shared_result(&self, timeout: Option<Duration>) -> Result<Arc<RunResult>> {
        self.result(timeout).map(Arc::new)
    }

    /// Asks for the work to stop. True if it had not come to an end; the status becomes CANCELLED
    /// soon. Does not wait for that.
    ///
    /// # Errors
    /// If a service cannot be asked.
    fn cancel(&self) -> Result<bool>;

    /// When it was submitted; `None` if unknown.
    ///
    /// # Errors
    /// If a service cannot be asked.
    fn creation_date(&self) -> Result<Option<SystemTime>> {
        Ok(None)
    }

    /// How many jobs are before it in the queue, and itself: 1 is next. `None` if it is not queued
    /// or the place is unknown.
    ///
    /// # Errors
    /// If a service cannot be asked.
    fn queue_position(&self) -> Result<Option<u32>> {
        Ok(None)
    }

    /// Why it failed, naming the experiment; `None` if it did not.
    ///
    /// # Errors
    /// If a service cannot be asked.
    fn error_message(&self) -> Result<Option<String>> {
        Ok(None)
    }

    /// What it can do beyond this trait, by name. Does not block.
    fn extensions(&self) -> Option<&dyn Extensions> {
        None
    }
}
