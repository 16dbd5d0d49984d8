//! For how long the jobs of users ran. What a job came to stays when the job is forgotten: who
//! deletes a job gets nothing back.

use std::time::{Duration, SystemTime};

use rusqlite::{Connection, Row, params};

use crate::{
    Error, JobRecord, Result, Store,
    record::{now_ms, to_ms},
};

/// For so long it is known for how long jobs ran: four weeks.
pub const PERIOD: Duration = Duration::from_secs(28 * 24 * 3600);

/// What ran in one hour is one row, so that a user of many short jobs has no more of them.
const HOUR_MS: i64 = 3_600_000;

/// What a user's jobs came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// For how long jobs ran, in seconds.
    pub seconds: f64,
    /// How many jobs wait or run.
    pub pending: u64,
}

/// Writes down for how long a job ran that is at its end now, or about to be forgotten; the caller
/// commits.
pub(crate) fn note(on: &Connection, job: &JobRecord, now: i64) -> Result<()> {
    let ran = job.ran_at(now);
    if ran == 0 {
        return Ok(());
    }
    on.prepare_cached(
        "INSERT INTO spent (user, hour_ms, ms) SELECT user, ?2, ?3 FROM served WHERE job = ?1 \
         ON CONFLICT (user, hour_ms) DO UPDATE SET ms = ms + excluded.ms",
    )
    .and_then(|mut insert| insert.execute(params![job.id, now / HOUR_MS * HOUR_MS, ran]))
    .map_err(Error::database("write down how long a job ran"))?;
    Ok(())
}

/// Forgets what counts no more; the caller commits.
pub(crate) fn forget_old(on: &Connection) -> Result<()> {
    let before = now_ms() - to_ms(SystemTime::UNIX_EPOCH + PERIOD) - HOUR_MS;
    on.execute("DELETE FROM spent WHERE hour_ms < ?1", [before])
        .map_err(Error::database("forget how long jobs ran"))?;
    Ok(())
}

impl Store {
    /// What a user's jobs came to that ended at this time, to the hour, or later, and those that
    /// wait or run: these count with what they ran so far. Jobs that were forgotten since count as
    /// well. Of what is longer ago than [`PERIOD`], nothing is known.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn usage(&self, user: &str, since: SystemTime) -> Result<Usage> {
        // Those that wait or run are looked through, and not all that the user ever sent.
        let sql = "SELECT count(*), coalesce(sum(ran_ms + CASE \
                   WHEN state = 'RUNNING' AND runner = 'worker' \
                   THEN max(0, min(?2, lease_wall) - coalesce(taken_ms, started_ms, ?2)) \
                   WHEN state = 'RUNNING' AND runner = 'service' \
                   THEN max(0, min(?2, lease_wall) - coalesce(taken_ms, ?2)) ELSE 0 END), 0) \
                   + (SELECT coalesce(sum(ms), 0) FROM spent WHERE user = ?1 AND hour_ms > ?3) \
                   FROM jobs CROSS JOIN served ON served.job = jobs.id WHERE served.user = ?1 \
                   AND state IN ('INITIALIZING', 'QUEUED', 'VALIDATING', 'RUNNING')";
        let read = |row: &Row<'_>| {
            let milliseconds: i64 = row.get(1)?;
            Ok(Usage { pending: row.get(0)?, seconds: milliseconds as f64 / 1e3 })
        };
        let with = params![user, now_ms(), to_ms(since) - HOUR_MS];
        let on = self.reader();
        on.prepare_cached(sql)
            .and_then(|mut select| select.query_row(with, read))
            .map_err(Error::database("add up a user's jobs"))
    }
}
