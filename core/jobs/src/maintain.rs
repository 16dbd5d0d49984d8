//! Keeping the store small and sound.

use std::{
    collections::HashSet,
    fs,
    time::{Duration, SystemTime},
};

use rusqlite::params;

use crate::{
    Error, Result, Store, document,
    record::{now_ms, to_ms},
    schema::rows,
};

/// What is kept of jobs that came to their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// For how long after the end.
    pub age: Duration,
    /// At most so many bytes of documents, the oldest jobs going first.
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

impl Store {
    /// Forgets jobs that ended too long ago, or whose documents no longer fit, and files that
    /// belong to no job. Returns how many jobs were forgotten.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn maintain(&self, retention: Retention) -> Result<u64> {
        let too_old =
            now_ms().saturating_sub(i64::try_from(retention.age.as_millis()).unwrap_or(i64::MAX));
        let room = i64::try_from(retention.bytes).unwrap_or(i64::MAX);
        let sql = "SELECT id FROM (SELECT id, ended_ms, sum(size) OVER (ORDER BY id DESC) AS upto \
                   FROM (SELECT jobs.id, jobs.ended_ms, jobs.state, coalesce((SELECT sum(length) \
                   FROM documents WHERE job = jobs.id), 0) AS size FROM jobs)) \
                   WHERE ended_ms IS NOT NULL AND (ended_ms < ?1 OR upto > ?2)";
        let (forgotten, names) = self.write("forget old jobs", |on| {
            let ids: Vec<String> = rows(on, sql, params![too_old, room], |row| row.get(0))
                .map_err(Error::database("look for old jobs"))?;
            let mut names = Vec::new();
            for id in &ids {
                let own = document::names(on, id, "")?;
                names.extend(own.into_iter().map(|name| (id.clone(), name)));
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
        let on = self.connection();
        let said: Vec<String> = rows(&on, "PRAGMA integrity_check", [], |row| row.get(0))
            .map_err(Error::database("check"))?;
        let mut problems: Vec<Problem> =
            said.into_iter().filter(|line| line != "ok").map(Problem::Database).collect();
        for (job, name, length) in files(&on)? {
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
        let known: HashSet<_> = files(&self.connection())?
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

/// The documents that are files: job, name, length.
fn files(on: &rusqlite::Connection) -> Result<Vec<(String, String, u64)>> {
    let sql = "SELECT job, name, length FROM documents WHERE bytes IS NULL";
    rows(on, sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .map_err(Error::database("list documents"))
}
