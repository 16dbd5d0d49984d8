//! A job as the service tells it.

use ketch_core::JobStatus;
use serde::Deserialize;
use serde_json::Value;

use crate::service::{JobRecord, date};

/// `GET /jobs/{id}`, a row of `GET /jobs`, and the receipt of `POST /jobs`.
#[derive(Debug, Deserialize)]
pub(super) struct JobDocument {
    id: String,
    #[serde(default)]
    backend: Option<String>,
    #[serde(default)]
    state: Option<State>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    tags: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct State {
    status: String,
    #[serde(default)]
    reason: Option<String>,
    /// A number or a text.
    #[serde(default)]
    reason_code: Option<Value>,
    #[serde(default)]
    reason_solution: Option<String>,
}

/// The service's words for our states, where they differ.
const WORDS: [(&str, JobStatus); 2] =
    [("Completed", JobStatus::Done), ("Failed", JobStatus::Error)];

/// The state of this name; `Cancelled - Ran too long` is a kind of `Cancelled`.
fn status(word: &str) -> JobStatus {
    let first = word.split(" - ").next().unwrap_or(word);
    let known = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(first));
    match (known, JobStatus::from(first)) {
        (Some((_, status)), _) => status.clone(),
        (None, JobStatus::Other(_)) => JobStatus::Other(word.to_owned()),
        (None, status) => status,
    }
}

impl JobDocument {
    pub(super) fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().flatten().any(|known| known == tag)
    }

    pub(super) fn into_record(self) -> JobRecord {
        let word = self.state.as_ref().map(|state| state.status.clone()).or(self.status);
        let status = status(&word.unwrap_or_default());
        JobRecord {
            id: self.id,
            device: self.backend,
            status,
            created: self.created.as_deref().and_then(date),
            error: self.state.and_then(State::why),
            position: None,
        }
    }
}

impl State {
    fn why(self) -> Option<String> {
        let code = self.reason_code.map(|code| match code {
            Value::String(code) => code,
            code => code.to_string(),
        });
        let reason = self.reason.filter(|reason| !reason.is_empty())?;
        let code = code.map(|code| format!(" (code {code})")).unwrap_or_default();
        let solution = self.reason_solution.filter(|solution| !solution.is_empty());
        let solution = solution.map(|solution| format!("; {solution}")).unwrap_or_default();
        Some(format!("{reason}{code}{solution}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_service_has_words_of_its_own() {
        assert_eq!(status("Completed"), JobStatus::Done);
        assert_eq!(status("FAILED"), JobStatus::Error);
        assert_eq!(status("Running"), JobStatus::Running);
        assert_eq!(status("Cancelled - Ran too long"), JobStatus::Cancelled);
        assert_eq!(status("Paused - later"), JobStatus::Other("Paused - later".to_owned()));
    }

    #[test]
    fn a_failure_is_told_whole() {
        let document = json!({"id": "1", "state": {"status": "Failed", "reason": "too long",
            "reason_code": 1305, "reason_solution": "ask for less"}, "new_field": {}});
        let record = serde_json::from_value::<JobDocument>(document).unwrap().into_record();
        assert_eq!(record.error.as_deref(), Some("too long (code 1305); ask for less"));
        assert_eq!(record.status, JobStatus::Error);
    }
}
