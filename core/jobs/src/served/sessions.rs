//! Sessions: jobs that belong together.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    Error, Result, Store, new_id,
    record::{from_ms, now_ms, to_ms},
};

/// A session to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Whose it is.
    pub user: String,
    /// The qualified name of the backend.
    pub backend: String,
    /// `dedicated` or `batch`.
    pub mode: String,
    /// After so many seconds it takes no more jobs; `None` for never.
    pub max_ttl: Option<u64>,
}

/// What the store knows of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The id.
    pub id: String,
    /// What was asked for.
    pub asked: NewSession,
    /// When it was made.
    pub created: SystemTime,
    /// When it was closed.
    pub closed: Option<SystemTime>,
}

impl Session {
    /// Whether it takes jobs: nobody closed it and its time is not over.
    #[must_use]
    pub fn takes_jobs(&self) -> bool {
        let age = || self.created.elapsed().unwrap_or_default().as_secs();
        self.closed.is_none() && self.asked.max_ttl.is_none_or(|longest| age() < longest)
    }

    /// The session of a user.
    pub(crate) fn of(on: &Connection, user: &str, id: &str) -> Result<Self> {
        let sql = "SELECT id, user, backend, mode, max_ttl, created_ms, closed_ms FROM sessions \
                   WHERE id = ?1 AND user = ?2";
        on.prepare_cached(sql)
            .and_then(|mut select| select.query_row([id, user], Self::read).optional())
            .map_err(Error::database("read a session"))?
            .ok_or_else(|| Error::NoSession { id: id.to_owned() })
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            asked: NewSession {
                user: row.get(1)?,
                backend: row.get(2)?,
                mode: row.get(3)?,
                max_ttl: row.get(4)?,
            },
            created: from_ms(row.get(5)?),
            closed: row.get::<_, Option<i64>>(6)?.map(from_ms),
        })
    }
}

impl Store {
    /// Keeps a new session.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new_session(&self, asked: NewSession) -> Result<Session> {
        let session = Session { id: new_id(), asked, created: from_ms(now_ms()), closed: None };
        self.write("keep a session", |on| {
            let NewSession { user, backend, mode, max_ttl } = &session.asked;
            on.execute(
                "INSERT INTO sessions (id, user, backend, mode, max_ttl, created_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![session.id, user, backend, mode, max_ttl, to_ms(session.created)],
            )
            .map_err(Error::database("keep a session"))?;
            Ok(())
        })?;
        Ok(session)
    }

    /// A session of a user.
    ///
    /// # Errors
    /// [`Error::NoSession`], also if it is another user's.
    pub fn session(&self, user: &str, id: &str) -> Result<Session> {
        Session::of(&self.reader(), user, id)
    }

    /// How many sessions of a user take jobs.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn open_sessions_of(&self, user: &str) -> Result<u64> {
        let sql = "SELECT count(*) FROM sessions WHERE user = ?1 AND closed_ms IS NULL \
                   AND (max_ttl IS NULL OR created_ms + max_ttl * 1000 > ?2)";
        self.reader()
            .prepare_cached(sql)
            .and_then(|mut select| select.query_row(params![user, now_ms()], |row| row.get(0)))
            .map_err(Error::database("count a user's sessions"))
    }

    /// Closes a session of a user: it takes no more jobs, those that it has go on.
    ///
    /// # Errors
    /// [`Error::NoSession`]; if it cannot be written.
    pub fn close_session(&self, user: &str, id: &str) -> Result<()> {
        self.write("close a session", |on| {
            let changed = on
                .execute(
                    "UPDATE sessions SET closed_ms = coalesce(closed_ms, ?3) \
                     WHERE id = ?1 AND user = ?2",
                    params![id, user, now_ms()],
                )
                .map_err(Error::database("close a session"))?;
            if changed == 0 { Err(Error::NoSession { id: id.to_owned() }) } else { Ok(()) }
        })
    }
}
