//! Keeping the store small and sound.

use std::{
    collections::HashSet,
    fs,
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    Error, Result, Store, document,
    record::{now_ms, to_ms},
    schema::rows,
    served::spent,
};

/// What is kept of jobs that came to their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// For how long after the end.
    pub age: Duration,
    /// At most so many bytes of documents of each owner, the oldest jobs going first: the user whose
    /// store it is, and every user for whom a service [takes jobs](crate::served). So nobody's jobs
    /// push out another one's.
    pub bytes: u64,
}

impl Default for Retention {
    /// Ninety days and 10 GiB.
    fn default() -> Self {
        Self { age: Duration::from_secs(90 * 24 * 3600), bytes: 10 << 30 }
    }
}

/// Something wrong in a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Problem {
    #[error("the database is damaged: {0}")]
    Database(String),
    #[error("job {job}: the file of the document `{name}` is missing or not whole")]
    Document { job: String, name: String },
}

/// A file without a row may belong to a job that is just being written; not for this long.
const UNFINISHED: Duration = Duration::from_secs(3600);

/// How often jobs are forgotten while nobody asks for it.
const OFTEN: Duration = Duration::from_secs(3600);

impl Store {
    /// What is kept of old jobs: what was set, or else [`Retention::default`].
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn retention(&self) -> Result<Retention> {
        let on = self.reader();
        let usual = Retention::default();
        let milliseconds = setting(&on, KEEP_MS)?;
        Ok(Retention {
            age: milliseconds.map_or(usual.age, Duration::from_millis),
            bytes: setting(&on, KEEP_BYTES)?.unwrap_or(usual.bytes),
        })
    }

    /// Sets what is kept of old jobs, for every process that uses the store from now on.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn set_retention(&self, retention: Retention) -> Result<()> {
        self.write("set what is kept", |on| {
            set(on, KEEP_MS, u64::try_from(retention.age.as_millis()).unwrap_or(u64::MAX))?;
            set(on, KEEP_BYTES, retention.bytes)
        })
    }

    /// [`maintain`](Self::maintain) by what the store says, unless somebody did so within an hour:
    /// for programs that run jobs and have no worker.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn maintain_if_due(&self) -> Result<u64> {
        let now = u64::try_from(now_ms()).unwrap_or(0);
        let last = setting(&self.reader(), MAINTAINED_MS)?;
        // A clock that was set back is no reason to wait longer.
        let is_due = |last: u64| u128::from(now.abs_diff(last)) >= OFTEN.as_millis();
        match last.is_none_or(is_due) {
            true => self.maintain(self.retention()?),
            false => Ok(0),
        }
    }

    /// Forgets jobs that ended too long ago, or whose documents no longer fit, and files that
    /// belong to no job. Returns how many jobs were forgotten.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn maintain(&self, retention: Retention) -> Result<u64> {
        let too_old =
            now_ms().saturating_sub(i64::try_from(retention.age.as_millis()).unwrap_or(i64::MAX));
        let room = i64::try_from(retention.bytes).unwrap_or(i64::MAX);
        let sql = "SELECT id FROM (SELECT id, ended_ms, \
                   sum(size) OVER (PARTITION BY whose ORDER BY id DESC) AS upto \
                   FROM (SELECT jobs.id, jobs.ended_ms, coalesce(served.user, '') AS whose, \
                   coalesce((SELECT sum(length) FROM documents WHERE job = jobs.id), 0) AS size \
                   FROM jobs LEFT JOIN served ON served.job = jobs.id)) \
                   WHERE ended_ms IS NOT NULL AND (ended_ms < ?1 OR upto > ?2)";
        let (forgotten, names) = self.write("forget old jobs", |on| {
            set(on, MAINTAINED_MS, u64::try_from(now_ms()).unwrap_or(0))?;
            spent::forget_old(on)?;
            let ids: Vec<String> = rows(on, sql, params![too_old, room], |row| row.get(0))
                .map_err(Error::database("look for old jobs"))?;
            let mut names = Vec::new();
            for id in &ids {
                names.extend(document::files_of(on, id, "")?);
                on.execute("DELETE FROM jobs WHERE id = ?1", [id])
                    .map_err(Error::database("forget a job"))?;
            }
            Ok((ids.len() as u64, names))
        })?;
        self.documents.remove(&names);
        self.remove_strays()?;
        self.forget_old_progress(UNFINISHED);
        Ok(forgotten)
    }

    /// Looks at the whole store: the database's own check, and every document.
    ///
    /// # Errors
    /// If the database cannot be read at all.
    pub fn check(&self) -> Result<Vec<Problem>> {
        let on = self.reader();
        let said: Vec<String> = rows(&on, "PRAGMA integrity_check", [], |row| row.get(0))
            .map_err(Error::database("check"))?;
        let mut problems: Vec<Problem> =
            said.into_iter().filter(|line| line != "ok").map(Problem::Database).collect();
        let files = files(&on)?;
        drop(on);
        for (job, name, length) in files {
            let found = fs::metadata(self.documents.path(&job, &name)).map(|file| file.len());
            if found.ok() != Some(length) {
                problems.push(Problem::Document { job, name });
            }
        }
        Ok(problems)
    }

    /// Gives the room of what was forgotten back to the disk.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn compact(&self) -> Result<()> {
        let on = self.connection();
        on.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM;")
            .map_err(Error::database("compact"))
    }

    /// Removes files that belong to no row.
    fn remove_strays(&self) -> Result<()> {
        let known: HashSet<_> = files(&self.reader())?
            .into_iter()
            .map(|(job, name, _)| self.documents.path(&job, &name))
            .collect();
        let directory = &self.documents.directory;
        let entries = fs::read_dir(directory).map_err(|source| Error::File {
            doing: "look into",
            path: directory.clone(),
            source,
        })?;
        let before = SystemTime::now().checked_sub(UNFINISHED).map_or(0, to_ms);
        for entry in entries.flatten() {
            let age = entry.metadata().and_then(|file| file.modified()).map(to_ms);
            if !known.contains(&entry.path()) && age.is_ok_and(|time| time < before) {
                // What cannot be removed now can be another time.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// The names of settings: for how long jobs are kept, how many bytes of them, and when jobs were
/// last forgotten.
const KEEP_MS: &str = "keep_ms";
const KEEP_BYTES: &str = "keep_bytes";
const MAINTAINED_MS: &str = "maintained_ms";

fn setting(on: &Connection, name: &str) -> Result<Option<u64>> {
    on.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(Error::database("read a setting"))
}

fn set(on: &Connection, name: &str, value: u64) -> Result<()> {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    on.execute(
        "INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)",
        params![name, value],
    )
    .map_err(Error::database("write a setting"))?;
    Ok(())
}

/// The documents that are files: job, name, length.
fn files(on: &Connection) -> Result<Vec<(String, String, u64)>> {
    let sql = "SELECT job, name, length FROM documents WHERE bytes IS NULL";
    rows(on, sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .map_err(Error::database("list documents"))
}
