//! Jobs as the service tells them.

use ketch_core::{JobStatus, Result};
use serde_json::{Map, Value, json};

use super::no_such_filter;
use crate::service::{JobRecord, date};

/// The service's words for our states. `RUNNING` is also the word for a job that waits; then
/// `infoQueue` says so.
const WORDS: [(&str, JobStatus); 8] = [
    ("CREATING", JobStatus::Initializing),
    ("CREATED", JobStatus::Initializing),
    ("TRANSPILING", JobStatus::Validating),
    ("TRANSPILED", JobStatus::Validating),
    ("VALIDATED", JobStatus::Validating),
    ("COMPLETED", JobStatus::Done),
    ("WORKING_IN_PROGRESS", JobStatus::Running),
    ("PENDING_IN_QUEUE", JobStatus::Queued),
];

/// The record of a job document or of its status; `None` if it is neither.
pub(super) fn record(document: &Map<String, Value>) -> Option<JobRecord> {
    let text = |field: &str| document.get(field).and_then(Value::as_str);
    let word = text("status")?;
    let queue = document.get("infoQueue");
    let waits = queue.and_then(|queue| queue.get("status")?.as_str()) == Some("PENDING_IN_QUEUE");
    let status = match status(word) {
        JobStatus::Running if waits => JobStatus::Queued,
        status => status,
    };
    let mut record = JobRecord::new(text("id")?, status);
    let position = queue.and_then(|queue| queue.get("position")?.as_u64());
    record.position = position.and_then(|position| u32::try_from(position).ok());
    record.device = device(document).map(str::to_owned);
    record.created = text("creationDate").and_then(date);
    if record.status == JobStatus::Error {
        record.error = Some(why(document, word));
    }
    Some(record)
}

/// The device that the job is for.
pub(super) fn device(document: &Map<String, Value>) -> Option<&str> {
    document.get("backend")?.get("name")?.as_str()
}

fn status(word: &str) -> JobStatus {
    if word.starts_with("ERROR") {
        return JobStatus::Error;
    }
    let known = WORDS.iter().find(|(known, _)| *known == word);
    known.map_or_else(|| JobStatus::from(word), |(_, status)| status.clone())
}

/// The reason where the service tells one: of the whole, then of the first program that failed.
fn why(document: &Map<String, Value>, word: &str) -> String {
    let message = |value: &Value| {
        let error = value.get("error")?;
        error.as_str().or_else(|| error.get("message")?.as_str()).map(str::to_owned)
    };
    let whole = message(&Value::Object(document.clone()));
    let programs = document.get("qasms").and_then(Value::as_array).into_iter().flatten();
    let mut failed = programs.filter_map(|program| {
        let name = program.get("name").and_then(Value::as_str).unwrap_or_default();
        Some(format!("experiment `{name}`: {}", message(program.get("result")?)?))
    });
    match whole.or_else(|| failed.next()) {
        Some(message) => format!("{message} ({word})"),
        None => word.to_owned(),
    }
}

/// What the service looks for, in its own form of conditions.
///
/// # Errors
/// For states that have no form.
pub(super) fn filter(status: &JobStatus) -> Result<Value> {
    Ok(match status {
        JobStatus::Running => json!({"status": "RUNNING", "infoQueue": {"exists": false}}),
        JobStatus::Queued => {
            json!({"status": "RUNNING", "infoQueue.status": "PENDING_IN_QUEUE"})
        }
        JobStatus::Cancelled => json!({"status": "CANCELLED"}),
        JobStatus::Done => json!({"status": "COMPLETED"}),
        JobStatus::Error => json!({"status": {"regexp": "^ERROR"}}),
        JobStatus::Other(word) => json!({"status": word}),
        status => return Err(no_such_filter(status)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: Value) -> JobRecord {
        record(document.as_object().unwrap()).unwrap()
    }

    #[test]
    fn a_running_job_may_wait() {
        let queued = json!({"id": "1", "status": "RUNNING",
            "infoQueue": {"status": "PENDING_IN_QUEUE", "position": 7}});
        let record = read(queued);
        assert_eq!((record.status, record.position), (JobStatus::Queued, Some(7)));
        assert_eq!(read(json!({"id": "1", "status": "RUNNING"})).status, JobStatus::Running);
        let odd = read(json!({"id": "1", "status": "DREAMING"}));
        assert_eq!(odd.status, JobStatus::Other("DREAMING".to_owned()));
    }

    #[test]
    fn failures_have_reasons() {
        let bare = read(json!({"id": "1", "status": "ERROR_RUNNING_JOB"}));
        assert_eq!(bare.error.as_deref(), Some("ERROR_RUNNING_JOB"));
        let told = read(json!({"id": "1", "status": "ERROR_VALIDATING_JOB",
            "error": {"message": "too long"}}));
        assert_eq!(told.error.as_deref(), Some("too long (ERROR_VALIDATING_JOB)"));
        let program = read(json!({"id": "1", "status": "ERROR_RUNNING_JOB",
            "qasms": [{"name": "a"}, {"name": "b", "result": {"error": "no gate"}}]}));
        assert_eq!(program.error.as_deref(), Some("experiment `b`: no gate (ERROR_RUNNING_JOB)"));
    }
}
