//! The state of a backend and of a job.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The state of a backend: the `backend_status` document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendStatus {
    /// The backend's name.
    pub backend_name: String,
    /// The backend's version, three numbers with dots: `"1.2.0"`.
    pub backend_version: String,
    /// Whether the backend accepts jobs and runs them.
    pub operational: bool,
    /// How many jobs wait or run at the backend.
    pub pending_jobs: u64,
    /// A word or a sentence for people: `"active"`, `"paused for recalibration"`.
    pub status_msg: String,
    /// Fields beyond the schema, kept as they came. Must not repeat a field above.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl BackendStatus {
    /// A backend that works and has nothing to do.
    #[must_use]
    pub fn active(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            backend_name: name.into(),
            backend_version: version.into(),
            operational: true,
            pending_jobs: 0,
            status_msg: "active".to_owned(),
            extra: Map::new(),
        }
    }
}

/// How far a job has got.
///
/// In JSON and in text this is one upper-case word, `"QUEUED"`. Words are read without regard to
/// case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum JobStatus {
    /// The job is being set up and has not been handed to the backend.
    Initializing,
    /// The job waits for its turn.
    Queued,
    /// The backend checks the job.
    Validating,
    /// The backend executes the job.
    Running,
    /// The job was stopped on request. Final.
    Cancelled,
    /// The job ran and its result is there. Final.
    Done,
    /// The job failed. Final.
    Error,
    /// A state that Ketch has no name for, in the service's own word. It never counts as final,
    /// so waiting for such a job goes on until its time-out.
    Other(String),
}

/// The word and the sentence of each state.
const STATES: [(JobStatus, &str, &str); 7] = [
    (JobStatus::Initializing, "INITIALIZING", "the job is being set up"),
    (JobStatus::Queued, "QUEUED", "the job waits in the queue"),
    (JobStatus::Validating, "VALIDATING", "the job is being checked"),
    (JobStatus::Running, "RUNNING", "the job is running"),
    (JobStatus::Cancelled, "CANCELLED", "the job was cancelled"),
    (JobStatus::Done, "DONE", "the job has finished"),
    (JobStatus::Error, "ERROR", "the job has failed"),
];

impl JobStatus {
    /// Every state that has a name, in the order of a job's life; [`Other`](Self::Other) is none.
    pub fn known() -> impl Iterator<Item = &'static Self> {
        STATES.iter().map(|row| &row.0)
    }

    /// Whether the job will change no more: cancelled, done or failed.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Done | Self::Error)
    }

    /// The state's word, upper case; for [`Other`](Self::Other) the service's word unchanged.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(word) => word,
            known => known.row().1,
        }
    }

    /// The state as a sentence for people, without capital and full stop.
    pub fn sentence(&self) -> String {
        match self {
            Self::Other(word) => format!("the service reports the state {word:?}"),
            known => known.row().2.to_owned(),
        }
    }

    fn row(&self) -> &'static (Self, &'static str, &'static str) {
        STATES.iter().find(|row| row.0 == *self).expect("every state but Other has a row")
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<&str> for JobStatus {
    fn from(word: &str) -> Self {
        match STATES.iter().find(|row| row.1.eq_ignore_ascii_case(word)) {
            Some((known, ..)) => known.clone(),
            None => Self::Other(word.to_owned()),
        }
    }
}

impl FromStr for JobStatus {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Infallible> {
        Ok(word.into())
    }
}

impl Serialize for JobStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for JobStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(String::deserialize(deserializer)?.as_str().into())
    }
}

/// The state of one job as a service reports it: the `job_status` document.
///
/// The schema knows `QUEUED`, `RUNNING`, `DONE`, `CANCELLED` and `ERROR` only. A job that is still
/// being set up or checked has not started, so [`JobStatus::Initializing`] and
/// [`JobStatus::Validating`] are written as `QUEUED` and read back as such. [`JobStatus::Other`]
/// is written in its own word, although the schema refuses it: any known word would be a guess.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobStatusDocument {
    /// The job's identifier at the backend.
    pub job_id: String,
    /// How far the job has got.
    #[serde(serialize_with = "in_the_words_of_the_schema")]
    pub status: JobStatus,
    /// A sentence for people.
    pub status_msg: String,
    /// Fields beyond the schema, kept as they came. Must not repeat a field above.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl JobStatusDocument {
    /// The document for a job in this state, with the state's own sentence.
    ///
    /// ```
    /// use ketch_interface::device::{JobStatus, JobStatusDocument};
    ///
    /// let document = JobStatusDocument::new("1x56222G", JobStatus::Validating);
    /// assert_eq!(serde_json::to_value(&document).unwrap()["status"], "QUEUED");
    /// ```
    pub fn new(job_id: impl Into<String>, status: JobStatus) -> Self {
        let status_msg = status.sentence();
        Self { job_id: job_id.into(), status, status_msg, extra: Map::new() }
    }
}

fn in_the_words_of_the_schema<S: Serializer>(
    status: &JobStatus,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match status {
        JobStatus::Initializing | JobStatus::Validating => JobStatus::Queued.serialize(serializer),
        known => known.serialize(serializer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_reads_back_from_its_word_in_any_case() {
        for (status, word, _) in &STATES {
            assert_eq!(status.to_string(), *word);
            assert_eq!(JobStatus::from(word.to_lowercase().as_str()), *status);
            let json = serde_json::to_string(status).unwrap();
            assert_eq!(json, format!("{word:?}"));
            assert_eq!(serde_json::from_str::<JobStatus>(&json).unwrap(), *status);
        }
    }

    #[test]
    fn three_states_are_final() {
        let last: Vec<_> = STATES.iter().filter(|row| row.0.is_final()).map(|row| row.1).collect();
        assert_eq!(last, ["CANCELLED", "DONE", "ERROR"]);
    }

    #[test]
    fn an_unknown_word_is_kept_and_never_final() {
        let status: JobStatus = serde_json::from_str("\"Paused\"").unwrap();
        assert_eq!(status, JobStatus::Other("Paused".to_owned()));
        assert!(!status.is_final());
        assert_eq!(status.to_string(), "Paused");
        assert_eq!(status.sentence(), "the service reports the state \"Paused\"");
    }

    #[test]
    fn the_word_obeys_the_width_of_a_table() {
        assert_eq!(format!("{:<8}|", JobStatus::Done), "DONE    |");
    }

    #[test]
    fn a_negative_queue_is_refused() {
        let text = r#"{"backend_name":"a","backend_version":"1.0.0","operational":true,
            "pending_jobs":-1,"status_msg":""}"#;
        let refusal = serde_json::from_str::<BackendStatus>(text).unwrap_err().to_string();
        assert!(refusal.contains("invalid value: integer `-1`"), "{refusal}");
    }
}
