//! What a job pushes, as documents and back.

use ketch_interface::JobStatus;
use serde_json::{Value, json};

use super::{JOB_EVENT, Progress};
use crate::{LOG, Level};

/// One thing that a job pushed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    State(JobStatus),
    Progress(Progress),
    Log { level: Level, line: String },
}

const LEVELS: [(&str, Level); 4] = [
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("info", Level::Info),
    ("debug", Level::Debug),
];

pub(crate) fn level_name(level: Level) -> &'static str {
    LEVELS.iter().find(|(_, known)| *known == level).map_or("info", |(name, _)| name)
}

impl News {
    /// The extension that carries it, and its document.
    pub(crate) fn document(&self, job_id: &str) -> (&'static str, Value) {
        match self {
            Self::State(state) => {
                let state = state.as_str();
                (JOB_EVENT, json!({"schema": JOB_EVENT, "job_id": job_id, "state": state}))
            }
            Self::Progress(progress) => {
                let mut document = progress.document();
                document["schema"] = JOB_EVENT.into();
                document["job_id"] = job_id.into();
                document["progress"] = progress.share().into();
                (JOB_EVENT, document)
            }
            Self::Log { level, line } => {
                let level = level_name(*level);
                (LOG, json!({"schema": LOG, "level": level, "message": line, "job_id": job_id}))
            }
        }
    }

    /// What a document of [`JOB_EVENT`] or [`LOG`] says, and of which job.
    pub(super) fn read(document: &Value) -> Option<(&str, Vec<Self>)> {
        let text = |field: &str| document.get(field).and_then(Value::as_str);
        let job_id = text("job_id")?;
        let mut news = Vec::new();
        if let Some(line) = text("message") {
            let level = LEVELS.iter().find(|(name, _)| Some(*name) == text("level"));
            let level = level.map_or(Level::Info, |(_, level)| *level);
            news.push(Self::Log { level, line: line.to_owned() });
        }
        news.extend(Progress::read(document).map(Self::Progress));
        news.extend(text("state").map(|state| Self::State(JobStatus::from(state))));
        Some((job_id, news))
    }
}

impl Progress {
    /// The answer of [`PROGRESS`](super::PROGRESS).
    #[must_use]
    pub fn document(&self) -> Value {
        json!({"done": self.done, "of": self.of, "within": self.within})
    }

    /// What such a document says; `None` if it says nothing of progress.
    #[must_use]
    pub fn read(document: &Value) -> Option<Self> {
        let whole = |field: &str| document.get(field).and_then(Value::as_u64);
        let real = |field: &str| document.get(field).and_then(Value::as_f64);
        let progress = match (whole("done"), whole("of")) {
            (Some(done), Some(of)) => Self { done, of, within: real("within").unwrap_or(0.0) },
            // All that a provider says which knows no experiments.
            _ => Self { done: 0, of: 1, within: real("progress")? },
        };
        Some(progress.bounded())
    }
}
