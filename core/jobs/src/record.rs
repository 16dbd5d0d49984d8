//! What the store knows of a job.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ketch_core::{Error, JobStatus, RunOptions, TextCause};
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use crate::{owner, served::Served};

/// Who runs a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// The program that submitted it; if that is gone, the job failed.
    Program,
    /// A worker process; if that is gone, another one.
    Worker,
    /// A service, under an id of its own; nobody here needs to live for it.
    Service,
}

/// Where else a job's plugins are looked for, whoever runs it: absolute paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct PluginDirectories {
    /// Those that the command line named.
    pub flag: Vec<PathBuf>,
    /// Those that the environment named.
    pub environment: Vec<PathBuf>,
}

/// A job to be kept.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The qualified name of the backend.
    pub backend: String,
    /// A name for people.
    pub label: Option<String>,
    /// Who runs it.
    pub runner: Runner,
    /// How it is to be run; the tags are kept, the job key becomes the id.
    pub options: RunOptions,
    /// The job that this one repeats.
    pub retry_of: Option<String>,
    /// By which [`Store::newest_of`](crate::Store::newest_of) finds it: a digest of what it does.
    pub digest: Option<String>,
    /// The job whose results this one takes over: it runs the experiments that are not among them.
    /// Both must be of the same Qobj.
    pub goes_on: Option<String>,
    /// Where else its plugin may lie.
    pub plugins: PluginDirectories,
    /// For whom a service takes it; `None` of jobs of the user whose store it is.
    pub served: Option<Served>,
}

impl NewJob {
    /// A job for a backend, without label.
    #[must_use]
    pub fn new(backend: impl Into<String>, runner: Runner, options: RunOptions) -> Self {
        Self {
            backend: backend.into(),
            label: None,
            runner,
            options,
            retry_of: None,
            digest: None,
            goes_on: None,
            plugins: PluginDirectories::default(),
            served: None,
        }
    }
}

/// The code of the error of a job that was stopped because it ran longer than it may.
pub const TOO_LONG: &str = "job.too_long";

/// What the store knows of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecord {
    /// The id, a ULID.
    pub id: String,
    /// The qualified name of the backend.
    pub backend: String,
    /// A name for people.
    pub label: Option<String>,
    /// Words to find it again by.
    pub tags: Vec<String>,
    /// Who runs it.
    pub runner: Runner,
    /// Its state.
    pub state: JobStatus,
    /// When it was submitted.
    pub created: SystemTime,
    /// When it was first taken.
    pub started: Option<SystemTime>,
    /// When it came to its end.
    pub ended: Option<SystemTime>,
    /// How many experiments it has.
    pub experiments: u64,
    /// How many of them are finished and on disk.
    pub completed: u64,
    /// How often it was taken.
    pub attempt: u32,
    /// Somebody asked for it to stop.
    pub cancel_requested: bool,
    /// The id by which its service knows it.
    pub service_id: Option<String>,
    /// The job that this one repeats.
    pub retry_of: Option<String>,
    /// Why it failed, or what is known of a job whose fate is not.
    pub error: Option<StoredError>,
    /// Where else its plugin may lie.
    pub plugins: PluginDirectories,
    pub(crate) threads: Option<u32>,
    pub(crate) memory: Option<u64>,
    pub(crate) deadline: Option<SystemTime>,
    pub(crate) owner: Option<String>,
    pub(crate) token: i64,
    pub(crate) lease_awake: i64,
    pub(crate) lease_wall: i64,
    /// When it was last taken.
    taken_ms: Option<i64>,
    /// For how long earlier takings ran; all of them once it is at its end.
    ran_ms: i64,
    /// The longest that it may run.
    longest_ms: Option<i64>,
}

/// The columns of a record, in the order in which [`JobRecord::read`] takes them.
pub(crate) const COLUMNS: &str = "id, backend, label, tags, runner, state, created_ms, started_ms, \
     ended_ms, experiments, completed, attempt, cancel, service_id, retry_of, error, threads, \
     memory, deadline_ms, owner, token, lease_awake, lease_wall, plugins, taken_ms, ran_ms, \
     longest_ms";

impl JobRecord {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let text = |place: usize| row.get::<_, Option<String>>(place);
        let time = |place: usize| row.get::<_, Option<i64>>(place).map(|ms| ms.map(from_ms));
        let tags: String = row.get(3)?;
        let runner: String = row.get(4)?;
        let state: String = row.get(5)?;
        Ok(Self {
            id: row.get(0)?,
            backend: row.get(1)?,
            label: text(2)?,
            tags: serde_json::from_str(&tags).unwrap_or_default(),
            runner: Runner::from_word(&runner),
            state: JobStatus::from(state.as_str()),
            created: from_ms(row.get(6)?),
            started: time(7)?,
            ended: time(8)?,
            experiments: row.get(9)?,
            completed: row.get(10)?,
            attempt: row.get(11)?,
            cancel_requested: row.get(12)?,
            service_id: text(13)?,
            retry_of: text(14)?,
            error: text(15)?.and_then(|text| serde_json::from_str(&text).ok()),
            threads: row.get(16)?,
            memory: row.get(17)?,
            deadline: time(18)?,
            owner: text(19)?,
            token: row.get(20)?,
            lease_awake: row.get(21)?,
            lease_wall: row.get(22)?,
            plugins: text(23)?
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default(),
            taken_ms: row.get(24)?,
            ran_ms: row.get(25)?,
            longest_ms: row.get(26)?,
        })
    }

    /// For how long it ran, or runs so far: all takings by workers together, and nothing of what it
    /// waited between them; at a service, from when a worker first heard there that it runs until
    /// some seconds after it last did, at most.
    #[must_use]
    pub fn ran(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.ran_at(now_ms())).unwrap_or(0))
    }

    /// The same in milliseconds, at a time that is not before anything that is known here.
    pub(crate) fn ran_at(&self, now: i64) -> i64 {
        let started = || self.started.map(to_ms);
        let until = now.min(self.lease_wall);
        let since = |taken: Option<i64>| {
            self.ran_ms.saturating_add(taken.map_or(0, |taken| (until - taken).max(0)))
        };
        match (&self.state, self.runner, self.taken_ms.or_else(started)) {
            // Nobody knows when a worker died, or when a job ended at its service that nobody asked
            // about. It ran until its lease was renewed last, or it was last heard to run.
            (JobStatus::Running, Runner::Service, _) => since(self.taken_ms),
            (JobStatus::Running, Runner::Worker, taken) => since(taken),
            _ => self.ran_ms,
        }
    }

    /// How much longer it may run.
    pub(crate) fn may_run(&self) -> Option<Duration> {
        let left = self.longest_ms?.saturating_sub(self.ran_ms);
        Some(Duration::from_millis(u64::try_from(left).unwrap_or(0)))
    }

    /// Why it is stopped once it ran longer than it may.
    pub(crate) fn too_long(&self) -> StoredError {
        let longest = self.longest_ms.unwrap_or(0) / 1000;
        StoredError::new(
            TOO_LONG,
            format!("it ran longer than the {longest} s that it may"),
            Some("give it more time, or less to do"),
        )
    }

    /// The number of the process that runs or sends it; `None` if nobody does, or the process is
    /// none of this machine.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        owner::process_of(self.owner.as_deref()?)
    }

    /// How the job was asked to be run.
    #[must_use]
    pub fn options(&self) -> RunOptions {
        RunOptions {
            job_key: Some(self.id.clone()),
            threads: self.threads,
            memory: self.memory,
            deadline: self.deadline,
            tags: self.tags.clone(),
        }
    }
}

/// Which jobs to list, the newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobFilter {
    /// Only of this backend, or of this provider if there is no slash in it.
    pub backend: Option<String>,
    /// Only in one of these states; all if empty.
    pub states: Vec<JobStatus>,
    /// Only with this label or tag.
    pub label: Option<String>,
    /// Only older ones than the job of this id: the next page.
    pub before: Option<String>,
    /// At most this many.
    pub limit: Option<usize>,
}

impl Runner {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Worker => "worker",
            Self::Service => "service",
        }
    }

    /// A word that this version does not know is somebody else's to run.
    fn from_word(word: &str) -> Self {
        match word {
            "worker" => Self::Worker,
            "program" => Self::Program,
            _ => Self::Service,
        }
    }
}

impl std::fmt::Display for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// An error as it is kept: all that it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredError {
    /// The stable word for machines.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What the user can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The causes' messages, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// The same may succeed later.
    #[serde(default)]
    pub retryable: bool,
}

impl StoredError {
    /// An error without causes, which will not pass by itself.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>, hint: Option<&str>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            hint: hint.map(str::to_owned),
            causes: Vec::new(),
            retryable: false,
        }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text and truth values are JSON")
    }

    /// The message and its causes, on a line.
    #[must_use]
    pub fn line(&self) -> String {
        std::iter::once(&self.message).chain(&self.causes).cloned().collect::<Vec<_>>().join(": ")
    }
}

impl From<&Error> for StoredError {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            hint: error.hint(),
            causes: error.causes(),
            retryable: error.is_retryable(),
        }
    }
}

impl From<StoredError> for Error {
    fn from(stored: StoredError) -> Self {
        let StoredError { code, message, hint, causes, retryable } = stored;
        Self::Other { code, message, hint, retryable, source: TextCause::chain(&causes) }
    }
}

pub(crate) fn now_ms() -> i64 {
    to_ms(SystemTime::now())
}

pub(crate) fn to_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn from_ms(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
