//! Jobs that a service runs: written down before they are sent, and never sent twice blindly.

use std::{sync::Arc, time::Duration};

use ketch_core::{Backend, Error as JobError, FIND_JOB, Job, JobStatus, RunResult, codec};
use rusqlite::params;

use crate::{
    Error, JobRecord, Result, Store, StoredError, TOO_LONG, claim, document::result_name, recover,
    state::Change, store,
};

impl Store {
    /// Writes down that a service has accepted a job, and the id by which it knows it. From now on
    /// the job needs nobody here.
    ///
    /// # Errors
    /// [`Error::Illegal`] if the job is not one that is being sent; if it cannot be written.
    pub fn sent(&self, id: &str, service_id: &str) -> Result<()> {
        self.write("note a service's id", |on| {
            let record = Self::record(on, id)?;
            // Somebody may have looked it up already.
            if record.service_id.as_deref() == Some(service_id) {
                return Ok(());
            }
            if record.state.is_final() || record.service_id.is_some() {
                return Err(Error::Illegal { id: record.id, state: record.state });
            }
            on.execute(
                "UPDATE jobs SET service_id = ?2, state = 'RUNNING', owner = NULL, error = NULL, \
                 started_ms = ?3 WHERE id = ?1",
                params![id, service_id, crate::record::now_ms()],
            )
            .map_err(Error::database("note a service's id"))?;
            Ok(())
        })
    }

    /// Writes down that nobody knows whether a service has accepted a job.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn outcome_unknown(&self, id: &str, error: &StoredError) -> Result<()> {
        self.write("note an unknown outcome", |on| {
            on.execute(
                "UPDATE jobs SET owner = NULL, error = ?2 WHERE id = ?1 AND state = 'INITIALIZING'",
                params![id, error.to_json()],
            )
            .map_err(Error::database("note an unknown outcome"))?;
            Ok(())
        })
    }

    /// Keeps what a service's job came to. When this returns it is on disk; a job that has come to
    /// its end already stays as it is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn settle_service(&self, id: &str, outcome: &Result<RunResult, JobError>) -> Result<()> {
        let result = outcome.as_ref().ok().map(|result| self.as_asked(id, result));
        let bytes = result.as_ref().map(codec::result_to_bytes);
        let name = result_name(0);
        let document = match &bytes {
            Some(bytes) => Some(self.documents.prepare(id, &name, bytes)?),
            None => None,
        };
        self.write("keep a service's result", |on| {
            let mut record = Self::record(on, id)?;
            if record.state.is_final() {
                return Ok(());
            }
            // The service had it, whatever was known of that here.
            record.state = JobStatus::Running;
            if let Some(document) = &document {
                document.insert(on, id)?;
            }
            match outcome {
                Ok(result) => {
                    claim::completed(on, id, result.experiments.len() as u64)?;
                    match failure(result) {
                        None => store::end(on, &record, Change::Succeeded, None),
                        Some(error) => {
                            store::end(on, &record, Change::Failed, Some(&error.to_json()))
                        }
                    }
                }
                Err(JobError::Cancelled { .. }) => {
                    // Why a worker stopped it is known already.
                    let why = record.error.as_ref().filter(|error| error.code == TOO_LONG);
                    let why = why.map(StoredError::to_json);
                    store::end(on, &record, Change::Cancelled, why.as_deref())
                }
                Err(error) => {
                    let error = StoredError::from(error).to_json();
                    store::end(on, &record, Change::Failed, Some(&error))
                }
            }
        })
    }

    /// The result without the outcomes of single shots where the job did not ask for them: a service
    /// may tell them all the same.
    fn as_asked(&self, id: &str, result: &RunResult) -> RunResult {
        let mut result = result.clone();
        // Of a job that cannot be read, everything is kept.
        if let Ok(qobj) = self.qobj(id) {
            for (experiment, asked) in result.experiments.iter_mut().zip(qobj.experiments()) {
                experiment.memory = experiment.memory.take().filter(|_| qobj.memory(asked));
            }
        }
        result
    }

    /// The job at its service, looked up by its key if nobody knows its id there; `None` if it is
    /// being sent right now, if it did not arrive, or if the service cannot look jobs up.
    ///
    /// # Errors
    /// What the backend says.
    pub(crate) fn at_service(
        &self,
        record: &JobRecord,
        backend: &dyn Backend,
    ) -> Result<Option<Arc<dyn Job>>, JobError> {
        if let Some(id) = &record.service_id {
            return backend.retrieve_job(id).map(Some);
        }
        if record.owner.is_some() || record.state == JobStatus::Queued {
            return Ok(None);
        }
        match self.look_up(&record.id, backend) {
            Ok(true) => {}
            Ok(false) | Err(JobError::NotSupported { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        let id = self.job(&record.id)?.service_id;
        id.map(|id| backend.retrieve_job(&id)).transpose()
    }

    /// Looks a job up whose sending had an unknown outcome, by the key that was sent with it, and
    /// adopts it if the service has it. Nothing is sent again.
    ///
    /// # Errors
    /// What the backend says; if the answer cannot be written.
    pub fn look_up(&self, id: &str, backend: &dyn Backend) -> Result<bool, JobError> {
        let found = find_by_key(backend, id)?;
        let Some(service_id) = found else { return Ok(false) };
        self.sent(id, &service_id)?;
        Ok(true)
    }
}

fn find_by_key(backend: &dyn Backend, key: &str) -> Result<Option<String>, JobError> {
    let unsupported = || {
        JobError::not_supported(
            format!("backend `{}`", backend.name()),
            "finding a job by the key that was sent with it",
        )
    };
    let Some(extensions) = backend.extensions() else {
        // A backend that cannot be reached has none either, and says so here.
        backend.configuration()?;
        return Err(unsupported());
    };
    if extensions.supports(FIND_JOB) == 0 {
        return Err(unsupported());
    }
    let question = serde_json::json!({ "schema": FIND_JOB, "job_key": key });
    let answer = extensions.call(FIND_JOB, ketch_core::Message::json(&question))?;
    let answer = answer.to_json().unwrap_or_default();
    Ok(answer.get("job_id").and_then(serde_json::Value::as_str).map(str::to_owned))
}

/// Why a whole result counts as failed: the first experiment that did.
pub(crate) fn failure(result: &RunResult) -> Option<StoredError> {
    let failed = result.experiments.iter().find(|experiment| !experiment.success);
    match failed {
        Some(one) => Some(StoredError::new(
            "experiment.failed",
            format!("experiment `{}` failed: {}", one.name, one.status),
            None,
        )),
        None if result.success => None,
        None => Some(StoredError::new("job.failed", result.status.clone(), None)),
    }
}

/// The longest that a service is waited for at a time. A large result takes a while to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Errors after which nobody knows whether the service has the job, besides those that pass: what
/// providers and workers say when an answer is lost or makes no sense.
const DOUBTS: [&str; 6] = [
    "job.submission_unknown",
    "service.answer",
    "answer.unsent",
    "plugin.died",
    "plugin.malformed_answer",
    "provider.panicked",
];

/// Whether a job may have reached its service although it could not be handed over.
pub(crate) fn may_have_arrived(error: &JobError) -> bool {
    // Those who are told to come later were turned away.
    let turned_away = matches!(error, JobError::RateLimited { .. });
    !turned_away && (error.is_retryable() || is_doubtful(error))
}

/// Whether an error that does not pass says nothing of the job either.
pub(crate) fn is_doubtful(error: &JobError) -> bool {
    DOUBTS.contains(&error.code())
}

/// Why a job has no result whose fate nobody knows: what was written down when that came about.
pub(crate) fn unknown_fate(record: JobRecord) -> JobError {
    let error = record.error.unwrap_or_else(recover::unknown_outcome);
    error.into()
}
