//! [`PolledJob`]: a job at a service, which is asked for it until it has come to its end.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use ketch_interface::{Backend, Error, Job, JobStatus, Result, RunResult};
use serde_json::Value;

/// The longest that a question takes.
const REQUEST: Duration = Duration::from_secs(30);

/// The least time that a question is given, also by somebody who does not want to wait: an answer
/// may be 50 ms late.
const LOOK: Duration = Duration::from_millis(40);

/// The first wait between two looks, which grows by half each time, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A service that does not answer is waited for so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// No service gives a longer id, in bytes.
const LONGEST_ID: usize = 4096;

/// What a service can be asked of its jobs.
///
/// Every method may be called from any thread, and from several at once. None waits for a job; each
/// returns within about `limit`. An error is [retryable](Error::is_retryable) if asking again may help.
pub trait JobService: Send + Sync {
    /// The job as it is now. Blocks while the service answers.
    ///
    /// # Errors
    /// [`Error::JobNotFound`]; why there is no answer.
    fn look(&self, job_id: &str, limit: Duration) -> Result<JobNews>;

    /// The result of a job that is DONE, or that is ERROR and has the results of some experiments.
    /// Blocks while the service answers.
    ///
    /// # Errors
    /// [`Error::JobNotFound`] if there is no result; why there is no answer.
    fn result(&self, job_id: &str, limit: Duration) -> Result<RunResult>;

    /// Asks for the job to stop; true if it had not come to an end. Blocks while the service
    /// answers.
    ///
    /// # Errors
    /// Why there is no answer.
    fn cancel(&self, job_id: &str, limit: Duration) -> Result<bool>;
}

/// What a service tells of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobNews {
    /// Its state.
    pub status: JobStatus,
    /// The backend that it was submitted to, where the service says it.
    pub backend: Option<String>,
    /// When it was submitted.
    pub created: Option<SystemTime>,
    /// Its place in the queue: 1 is next.
    pub position: Option<u32>,
    /// Why it failed.
    pub error: Option<String>,
}

impl JobNews {
    /// Reads the fields `status`, `backend`, `created` (in seconds since 1970), `position` and
    /// `error` of a document. What is not there, or of another type, is unknown.
    #[must_use]
    pub fn from_json(document: &Value) -> Self {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let number = |name: &str| document.get(name).and_then(Value::as_f64);
        let since = number("created").and_then(|s| Duration::try_from_secs_f64(s).ok());
        let position = document.get("position").and_then(Value::as_u64);
        Self {
            status: JobStatus::from(text("status").unwrap_or_default()),
            backend: text("backend").map(str::to_owned),
            created: since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since)),
            position: position.and_then(|position| u32::try_from(position).ok()),
            error: text("error").map(str::to_owned),
        }
    }
}

/// A job at a service: waiting with a time-out, status, cancelling and the place in the queue, made
/// of the answers of a [`JobService`].
///
/// `result` looks at the job after growing, random waits. While it does, a service that does not
/// answer is asked again for a minute. What is final is asked for once.
pub struct PolledJob {
    id: String,
    backend: Arc<dyn Backend>,
    service: Arc<dyn JobService>,
    known: Mutex<Known>,
    /// Somebody learnt something that ends a wait between two looks.
    news: Condvar,
}

#[derive(Default)]
struct Known {
    /// Final, and therefore the last.
    last: Option<JobNews>,
    result: Option<Arc<RunResult>>,
}

impl PolledJob {
    /// The job with this id at the service. Asks nothing yet.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        backend: Arc<dyn Backend>,
        service: Arc<dyn JobService>,
    ) -> Self {
        Self { id: id.into(), backend, service, known: Mutex::default(), news: Condvar::new() }
    }

    /// What the service says of it now. Blocks while it answers.
    ///
    /// # Errors
    /// As [`JobService::look`].
    pub fn look(&self) -> Result<JobNews> {
        self.look_within(REQUEST)
    }

    /// This job, if the service has it and says of no other backend that it is that one's. Blocks
    /// while the service answers.
    ///
    /// # Errors
    /// [`Error::JobNotFound`]; as [`JobService::look`].
    pub fn found(self) -> Result<Arc<dyn Job>> {
        // Not every id that people ask for can be asked for: these mean something else in a path.
        let is_none = ["", ".", ".."].contains(&&*self.id) || self.id.len() > LONGEST_ID;
        let owner = if is_none { None } else { Some(self.look()?.backend) };
        match owner.is_some_and(|owner| owner.is_none_or(|owner| owner == self.backend.name())) {
            true => Ok(Arc::new(self)),
            false => Err(Error::JobNotFound { job: self.id }),
        }
    }

    fn look_within(&self, limit: Duration) -> Result<JobNews> {
        if let Some(last) = &self.known().last {
            return Ok(last.clone());
        }
        let news = self.service.look(&self.id, limit)?;
        if news.status.is_final() {
            self.known().last = Some(news.clone());
            self.news.notify_all();
        }
        Ok(news)
    }

    /// How it ended; `None` if it has not. Takes as long as `left` says.
    fn outcome(&self, left: impl Fn() -> Duration) -> Result<Option<Arc<RunResult>>> {
        if let Some(result) = &self.known().result {
            return Ok(Some(Arc::clone(result)));
        }
        let news = self.look_within(left())?;
        match news.status {
            JobStatus::Cancelled => return Err(Error::Cancelled { job: self.id.clone() }),
            status if !status.is_final() => return Ok(None),
            _ => {}
        }
        let mut result = match self.service.result(&self.id, left()) {
            Err(Error::JobNotFound { .. }) if news.status == JobStatus::Error => {
                let reason =
                    news.error.unwrap_or_else(|| "the service does not say why".to_owned());
                return Err(Error::JobFailed { job: self.id.clone(), reason });
            }
            result => result?,
        };
        result.job_id.clone_from(&self.id);
        self.backend.name().clone_into(&mut result.backend_name);
        let result = Arc::new(result);
        Ok(Some(Arc::clone(self.known().result.get_or_insert(result))))
    }

    /// Waits between two looks; less if there are news. If the end was known before the last look
    /// already, it is none, and a result that did not come is not asked for without a wait.
    fn pause(&self, wait: Duration, knew_end: bool) {
        let known = self.known();
        if knew_end || known.last.is_none() {
            // Waking up early costs one more look at the job, no more.
            drop(self.news.wait_timeout(known, wait));
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing panics while it is held, and each change leaves it whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job for PolledJob {
    fn job_id(&self) -> String {
        self.id.clone()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    fn status(&self) -> Result<JobStatus> {
        Ok(self.look()?.status)
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        self.shared_result(timeout).map(Arc::unwrap_or_clone)
    }

    fn shared_result(&self, timeout: Option<Duration>) -> Result<Arc<RunResult>> {
        let start = Instant::now();
        let left = |whole: Duration| whole.saturating_sub(start.elapsed());
        let limit = || match timeout {
            None => REQUEST,
            Some(timeout) => left(timeout.max(LOOK)).clamp(Duration::from_millis(1), REQUEST),
        };
        let (mut wait, mut answered) = (FIRST_WAIT, start);
        loop {
            let knew_end = self.known().last.is_some();
            match self.outcome(limit) {
                Ok(Some(result)) => return Ok(result),
                Ok(None) => answered = Instant::now(),
                // It may pass, or it was the deadline that ended it.
                Err(error) if error.is_retryable() && answered.elapsed() < PATIENCE => {}
                Err(error) => return Err(error),
            }
            if let Some(after) = timeout.filter(|timeout| left(*timeout).is_zero()) {
                return Err(Error::Timeout { job: self.id.clone(), after });
            }
            // Between half of the wait and all of it, so that clients spread out.
            let spread = wait.mul_f64(0.5 + 0.5 * chance());
            self.pause(timeout.map_or(spread, |timeout| spread.min(left(timeout))), knew_end);
            wait = wait.mul_f64(1.5).min(LONGEST_WAIT);
        }
    }

    fn cancel(&self) -> Result<bool> {
        if self.known().last.is_some() {
            return Ok(false);
        }
        let stopped = self.service.cancel(&self.id, REQUEST)?;
        // Whoever waits looks again at once.
        self.news.notify_all();
        Ok(stopped)
    }

    fn creation_date(&self) -> Result<Option<SystemTime>> {
        Ok(self.look()?.created)
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        let news = self.look()?;
        Ok(news.position.filter(|_| news.status == JobStatus::Queued))
    }

    fn error_message(&self) -> Result<Option<String>> {
        let news = self.look()?;
        Ok(news.error.filter(|_| news.status == JobStatus::Error))
    }
}

impl std::fmt::Debug for PolledJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolledJob").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A random number from 0 to 1. Only waits depend on it.
fn chance() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests;
