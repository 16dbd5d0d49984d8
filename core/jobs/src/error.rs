//! What can go wrong with a store.

use std::{io, path::PathBuf};

use ketch_core::{JobStatus, codec::DecodeError};

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("there is no home directory to keep jobs in")]
    NoDirectory,
    #[error("cannot {doing} `{}`", path.display())]
    File { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot {doing} in the job store")]
    Database { doing: &'static str, source: rusqlite::Error },
    #[error(
        "the job store `{}` was written by a newer ketch: version {found}, this one knows {known}",
        path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("no job `{id}`")]
    NotFound { id: String },
    #[error("no token `{id}`")]
    NoToken { id: String },
    #[error("no session `{id}`")]
    NoSession { id: String },
    #[error("session `{id}` takes no more jobs")]
    SessionClosed { id: String },
    #[error("several jobs begin with `{prefix}`: {}", ids.join(", "))]
    Ambiguous { prefix: String, ids: Vec<String> },
    #[error("job `{id}` is {state}")]
    Illegal { id: String, state: JobStatus },
    #[error("job `{id}` belongs to another process now")]
    LostLease { id: String },
    #[error("a document of job `{id}` cannot be read")]
    Document { id: String, source: DecodeError },
}

/// The result of asking a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The stable word for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoDirectory => "store.no_directory",
            Self::File { .. } | Self::Database { .. } => "store.unavailable",
            Self::Newer { .. } => "store.newer",
            Self::NotFound { .. } => "job.not_found",
            Self::NoToken { .. } => "token.not_found",
            Self::NoSession { .. } => "session.not_found",
            Self::SessionClosed { .. } => "session.closed",
            Self::Ambiguous { .. } => "job.ambiguous",
            Self::Illegal { .. } => "job.wrong_state",
            Self::LostLease { .. } => "job.lost_lease",
            Self::Document { .. } => "store.damaged",
        }
    }

    /// What the user can do about it, where we know.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoDirectory => Some("set HOME or XDG_DATA_HOME".to_owned()),
            Self::Newer { .. } => Some("update ketch".to_owned()),
            Self::NotFound { .. } => Some("`ketch jobs` lists the jobs".to_owned()),
            Self::NoToken { .. } => Some("`ketch serve token list` lists the tokens".to_owned()),
            Self::Ambiguous { .. } => Some("write more of the id".to_owned()),
            Self::Document { .. } => {
                Some("`ketch jobs --check` looks at the whole store".to_owned())
            }
            _ => None,
        }
    }

    /// Nothing was done, since others had the database for too long; the same may succeed soon.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        let Self::Database { source, .. } = self else { return false };
        matches!(source.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
    }

    pub(crate) fn database(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}

impl From<Error> for ketch_core::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound { id } => Self::JobNotFound { job: id },
            error => {
                let (code, message, hint) = (error.code(), error.to_string(), error.hint());
                let mut other = Self::caused(code, message, io::Error::other(Inner(error)));
                if let Self::Other { hint: place, .. } = &mut other {
                    *place = hint;
                }
                other
            }
        }
    }
}

/// Stands for the causes of an error, whose own message was said already.
#[derive(Debug)]
struct Inner(Error);

impl std::fmt::Display for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match std::error::Error::source(&self.0) {
            Some(cause) => write!(f, "{cause}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl std::error::Error for Inner {}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn busy_is_what_may_succeed_soon() {
        let of = |code| {
            let source = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            Error::Database { doing: "submit a job", source }.is_busy()
        };
        assert!(of(ffi::SQLITE_BUSY) && of(ffi::SQLITE_LOCKED));
        assert!(!of(ffi::SQLITE_FULL) && !of(ffi::SQLITE_IOERR));
        assert!(!Error::NoDirectory.is_busy());
    }
}
