//! Jobs of others: whose they are, as what they were asked for, and how they are found again.

use std::time::SystemTime;

use ketch_core::JobStatus;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Session;
use crate::{
    Error, JobRecord, Result, Store, StoredError,
    record::{COLUMNS, to_ms},
    schema::rows,
    state::Change,
    store,
};

/// The name of the document in which a job was asked for.
pub const PARAMS: &str = "params";

/// What a job has that a service takes for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Whose it is.
    pub user: String,
    /// The program that it was asked for as: `sampler`.
    pub program: String,
    /// The session that it belongs to.
    pub session: Option<String>,
    /// The most seconds that it may run, as its user said; a job that runs longer is stopped.
    pub cost: Option<u64>,
    /// In which words it was asked for; kept and given back as they are.
    pub params: Vec<u8>,
    /// Why it cannot be run: then it is an ERROR from the beginning.
    pub refused: Option<StoredError>,
}

impl Served {
    /// The longest that it may run, in milliseconds; whoever says none has no bound.
    pub(crate) fn longest_ms(&self) -> Option<i64> {
        let seconds = self.cost.filter(|&seconds| seconds > 0)?;
        Some(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000))
    }

    /// Writes the row; the caller commits. Whether the session takes the job is looked at here, so
    /// that none slips in while it is closed.
    pub(crate) fn insert(&self, on: &Connection, job: &str) -> Result<()> {
        if let Some(id) = &self.session
            && !Session::of(on, &self.user, id)?.takes_jobs()
        {
            return Err(Error::SessionClosed { id: id.clone() });
        }
        let sql =
            "INSERT INTO served (job, user, program, session, cost) VALUES (?1, ?2, ?3, ?4, ?5)";
        on.prepare_cached(sql)
            .and_then(|mut insert| {
                insert.execute(params![job, self.user, self.program, self.session, self.cost])
            })
            .map_err(Error::database("keep whose a job is"))?;
        match &self.refused {
            Some(error) => {
                let record = Store::record(on, job)?;
                store::end(on, &record, Change::Failed, Some(&error.to_json()))
            }
            None => Ok(()),
        }
    }
}

/// What the store knows of a user's job.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedJob {
    /// Whose it is.
    pub user: String,
    /// The program that it was asked for as.
    pub program: String,
    /// The session that it belongs to.
    pub session: Option<String>,
    /// The most seconds that it may take, as its user said.
    pub cost: Option<u64>,
    /// The job itself.
    pub job: JobRecord,
}

impl ServedJob {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            job: JobRecord::read(row)?,
            user: row.get("user")?,
            program: row.get("program")?,
            session: row.get("session")?,
            cost: row.get("cost")?,
        })
    }
}

/// Which of a user's jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedFilter {
    /// Only of this backend.
    pub backend: Option<String>,
    /// Only those that have come to their end (false), or that have not (true).
    pub pending: Option<bool>,
    /// Only of this program.
    pub program: Option<String>,
    /// Only with all these tags.
    pub tags: Vec<String>,
    /// Only of this session.
    pub session: Option<String>,
    /// Only submitted at this time or later.
    pub created_after: Option<SystemTime>,
    /// Only submitted at this time or before.
    pub created_before: Option<SystemTime>,
    /// The oldest first.
    pub oldest_first: bool,
    /// Leaves out so many.
    pub offset: u64,
    /// At most so many.
    pub limit: u64,
}

/// Some of the jobs that a filter finds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The jobs.
    pub jobs: Vec<ServedJob>,
    /// How many the filter finds without offset and limit, at the same moment.
    pub count: u64,
}

const FOUND: &str = "FROM served JOIN jobs ON jobs.id = served.job WHERE served.user = ?1 \
     AND (?2 IS NULL OR jobs.backend = ?2) \
     AND (?3 IS NULL OR ?3 = (jobs.state NOT IN ('DONE', 'ERROR', 'CANCELLED'))) \
     AND (?4 IS NULL OR served.program = ?4) \
     AND NOT EXISTS (SELECT 1 FROM json_each(?5) AS asked WHERE asked.value NOT IN \
     (SELECT value FROM json_each(jobs.tags))) \
     AND (?6 IS NULL OR served.session = ?6) \
     AND (?7 IS NULL OR jobs.created_ms >= ?7) AND (?8 IS NULL OR jobs.created_ms <= ?8)";

impl Store {
    /// A user's job.
    ///
    /// # Errors
    /// [`Error::NotFound`], also if it is another user's.
    pub fn served_job(&self, user: &str, id: &str) -> Result<ServedJob> {
        let sql = format!(
            "SELECT {COLUMNS}, user, program, session, cost FROM jobs JOIN served \
             ON served.job = jobs.id WHERE jobs.id = ?1 AND served.user = ?2"
        );
        let on = self.reader();
        on.prepare_cached(&sql)
            .and_then(|mut select| select.query_row([id, user], ServedJob::read).optional())
            .map_err(Error::database("read a job"))?
            .ok_or_else(|| Error::NotFound { id: id.to_owned() })
    }

    /// The words in which a job was asked for.
    ///
    /// # Errors
    /// [`Error::NotFound`]; if they cannot be read.
    pub fn params(&self, id: &str) -> Result<Vec<u8>> {
        self.document(id, PARAMS)
    }

    /// A user's jobs that pass the filter, the newest first unless it says otherwise.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn served_jobs(&self, user: &str, filter: &ServedFilter) -> Result<Page> {
        let tags = serde_json::Value::from(filter.tags.clone()).to_string();
        let direction = if filter.oldest_first { "ASC" } else { "DESC" };
        let with = params![
            user,
            filter.backend,
            filter.pending,
            filter.program,
            tags,
            filter.session,
            filter.created_after.map(to_ms),
            filter.created_before.map(to_ms),
        ];
        let doing = "list jobs";
        let connection = self.reader();
        // Both numbers are of one moment.
        let on = connection.unchecked_transaction().map_err(Error::database(doing))?;
        let count = on
            .prepare_cached(&format!("SELECT count(*) {FOUND}"))
            .and_then(|mut select| select.query_row(with, |row| row.get(0)))
            .map_err(Error::database(doing))?;
        let sql = format!(
            "SELECT {COLUMNS}, user, program, session, cost {FOUND} \
             ORDER BY jobs.id {direction} LIMIT {} OFFSET {}",
            filter.limit.min(i64::MAX as u64),
            filter.offset.min(i64::MAX as u64),
        );
        let jobs = rows(&on, &sql, with, ServedJob::read).map_err(Error::database(doing))?;
        Ok(Page { jobs, count })
    }

    /// Gives a job other tags.
    ///
    /// # Errors
    /// [`Error::NotFound`]; if it cannot be written.
    pub fn set_tags(&self, id: &str, tags: &[String]) -> Result<()> {
        self.write("tag a job", |on| {
            let tags = serde_json::Value::from(tags.to_vec()).to_string();
            let changed = on
                .execute("UPDATE jobs SET tags = ?2 WHERE id = ?1", [id, &tags])
                .map_err(Error::database("tag a job"))?;
            if changed == 0 { Err(Error::NotFound { id: id.to_owned() }) } else { Ok(()) }
        })
    }

    /// How many of a user's jobs wait or run.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn pending_of(&self, user: &str) -> Result<u64> {
        // Those that wait or run are looked through, and not all that the user ever sent.
        let sql = "SELECT count(*) FROM jobs CROSS JOIN served ON served.job = jobs.id WHERE jobs.state \
                   IN ('INITIALIZING', 'QUEUED', 'VALIDATING', 'RUNNING') AND served.user = ?1";
        let on = self.reader();
        on.prepare_cached(sql)
            .and_then(|mut select| select.query_row([user], |row| row.get(0)))
            .map_err(Error::database("count a user's jobs"))
    }

    /// How many jobs wait or run at each backend, served or not, by its qualified name.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn pending(&self) -> Result<Vec<(String, u64)>> {
        let sql = "SELECT backend, count(*) FROM jobs \
                   WHERE state IN ('INITIALIZING', 'QUEUED', 'VALIDATING', 'RUNNING') GROUP BY backend";
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        rows(&self.reader(), sql, [], read).map_err(Error::database("count jobs"))
    }

    /// How many jobs there are in each state, served or not.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn states(&self) -> Result<Vec<(JobStatus, u64)>> {
        let sql = "SELECT state, count(*) FROM jobs GROUP BY state ORDER BY state";
        let read = |row: &Row<'_>| {
            let state: String = row.get(0)?;
            Ok((JobStatus::from(state.as_str()), row.get(1)?))
        };
        rows(&self.reader(), sql, [], read).map_err(Error::database("count jobs"))
    }
}
