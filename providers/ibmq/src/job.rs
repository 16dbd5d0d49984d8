//! [`RemoteJob`]: a job at a service.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use ketch_core::{Backend, Error, Job, JobStatus, Result, RunResult};

use crate::{
    backend::RemoteBackend,
    http::chance,
    service::{Extent, JobRecord, Plan},
};

/// A job at a service. Asks when it is asked; what is final is asked for once.
pub(crate) struct RemoteJob {
    id: String,
    backend: RemoteBackend,
    plan: Option<Plan>,
    known: Mutex<Known>,
    /// Somebody learnt something that ends a wait between two looks.
    news: Condvar,
}

struct Known {
    record: JobRecord,
    /// When that was told. What was asked for before may be older.
    heard: Instant,
    /// The record holds all that the service tells.
    whole: bool,
    result: Option<RunResult>,
}

impl RemoteJob {
    /// A job of which this was told then.
    pub(crate) fn new(
        backend: RemoteBackend,
        record: JobRecord,
        heard: Instant,
        plan: Option<Plan>,
    ) -> Self {
        let id = record.id.clone();
        let known = Known { record, heard, whole: false, result: None };
        Self { id, backend, plan, known: Mutex::new(known), news: Condvar::new() }
    }

    /// The job as it is now; asks the service unless nothing can have changed.
    fn look(&self, extent: Extent, deadline: Option<Instant>) -> Result<JobRecord> {
        let heard = {
            let known = self.known();
            let settled = known.record.status.is_final();
            if settled && (extent == Extent::State || known.whole) {
                return Ok(known.record.clone());
            }
            known.heard
        };
        let (fresh, begun) = self.ask(extent, heard, deadline)?;
        let mut known = self.known();
        // Somebody who asked later, or asked for this job alone, was answered before.
        let is_older = known.record.status.is_final() || begun < known.heard;
        if is_older && !fresh.status.is_final() {
            // When it was created does not change.
            known.record.created = known.record.created.or(fresh.created);
            return Ok(known.record.clone());
        }
        known.heard = Instant::now();
        let old = std::mem::replace(&mut known.record, fresh);
        known.whole = extent == Extent::Whole;
        let record = &mut known.record;
        record.created = record.created.or(old.created);
        record.error = record.error.take().or(old.error);
        if record.status.is_final() {
            self.backend.watch().forget(&self.id);
            self.news.notify_all();
        }
        Ok(record.clone())
    }

    /// What the service tells of it, with others or alone, and when that was asked for.
    fn ask(
        &self,
        extent: Extent,
        heard: Instant,
        deadline: Option<Instant>,
    ) -> Result<(JobRecord, Instant)> {
        if extent == Extent::State
            && let Some(list) = self.backend.watch().list(&self.id, Some(heard), deadline)
            && let Some(record) = list.jobs.get(&self.id)
        {
            return Ok((record.clone(), list.begun));
        }
        let begun = Instant::now();
        Ok((self.backend.service().job(&self.id, extent, deadline)?, begun))
    }

    /// Waits between two looks, at most until the deadline; less if there are news.
    fn pause(&self, wait: Duration, deadline: Option<Instant>) {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let wait = deadline.map_or(wait, |deadline| wait.min(left(deadline)));
        let known = self.known();
        if !known.record.status.is_final() {
            // Waking up early costs one more look at the job, no more.
            drop(self.news.wait_timeout(known, wait));
        }
    }

    /// The end of a job that came to one.
    fn outcome(&self, record: &JobRecord, deadline: Option<Instant>) -> Result<RunResult> {
        match record.status {
            JobStatus::Cancelled => Err(Error::Cancelled { job: self.id.clone() }),
            JobStatus::Error => {
                let told = self.look(Extent::Whole, deadline)?.error;
                let reason = told.unwrap_or_else(|| "the service does not say why".to_owned());
                Err(Error::JobFailed { job: self.id.clone(), reason })
            }
            _ => {
                if let Some(result) = self.known().result.clone() {
                    return Ok(result);
                }
                let service = self.backend.service();
                let mut result = service.result(&self.id, self.plan.as_ref(), deadline)?;
                result.job_id.clone_from(&self.id);
                self.backend.name().clone_into(&mut result.backend_name);
                self.known().result = Some(result.clone());
                Ok(result)
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing panics while it is held, and each change leaves it whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job for RemoteJob {
    fn job_id(&self) -> String {
        self.id.clone()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(self.backend.clone())
    }

    fn status(&self) -> Result<JobStatus> {
        Ok(self.look(Extent::State, None)?.status)
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        // A time-out beyond the clock's end is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let passed = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let settings = self.backend.settings();
        let mut wait = settings.poll;
        loop {
            let seen = self.look(Extent::State, deadline);
            let outcome = match &seen {
                Ok(record) if record.status.is_final() => Some(self.outcome(record, deadline)),
                Ok(_) => None,
                Err(error) => Some(Err(error.clone())),
            };
            match outcome {
                // Whatever went wrong then, it is the deadline that ended it.
                Some(Err(error)) if error.is_retryable() && passed() => {}
                Some(outcome) => return outcome,
                None => {
                    // Between half of the wait and all of it, so that clients spread out.
                    self.pause(wait.mul_f64(0.5 + 0.5 * chance()), deadline);
                    wait = wait.mul_f64(1.5).min(settings.poll_limit);
                }
            }
            if passed() {
                let after = timeout.unwrap_or_default();
                return Err(Error::Timeout { job: self.id.clone(), after });
            }
        }
    }

    fn cancel(&self) -> Result<bool> {
        if self.known().record.status.is_final() {
            return Ok(false);
        }
        let stopped = self.backend.service().cancel(&self.id)?;
        // Whoever waits looks again at once, and what was asked for before says nothing of this.
        self.known().heard = Instant::now();
        self.backend.watch().heard(&self.id);
        self.news.notify_all();
        Ok(stopped)
    }

    fn creation_date(&self) -> Result<Option<SystemTime>> {
        if let Some(created) = self.known().record.created {
            return Ok(Some(created));
        }
        Ok(self.look(Extent::Whole, None)?.created)
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        let record = self.look(Extent::State, None)?;
        match record.status {
            JobStatus::Queued => self.backend.service().queue_position(&record),
            _ => Ok(None),
        }
    }

    fn error_message(&self) -> Result<Option<String>> {
        match self.look(Extent::State, None)?.status {
            JobStatus::Error => Ok(self.look(Extent::Whole, None)?.error),
            _ => Ok(None),
        }
    }
}
