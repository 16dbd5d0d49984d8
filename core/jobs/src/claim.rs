//! Taking jobs, and keeping them: leases with fencing tokens.

use std::sync::Arc;

use ketch_core::{RunResult, codec};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    Error, JobRecord, Result, Store, StoredError,
    document::{self, result_name},
    drill, owner,
    record::{COLUMNS, now_ms},
    state::{self, Change},
    store, turn,
};

/// How often a job may be taken before it counts as one that kills its workers.
pub(crate) const MAX_ATTEMPTS: u32 = 3;

/// What the jobs that run at a time may use together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Threads. A job that does not say how many it needs takes all.
    pub threads: u32,
    /// Bytes. A job that does not say how many it needs counts as none.
    pub memory: u64,
}

impl Budget {
    /// All processors of this machine, and all its memory.
    #[must_use]
    pub fn whole_machine() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        });
        Self {
            threads: u32::try_from(threads).unwrap_or(u32::MAX),
            memory: memory.map_or(u64::MAX, |kib| kib << 10),
        }
    }
}

/// A job that belongs to this process, as long as it renews its lease.
#[derive(Debug)]
pub struct Claim {
    pub(crate) store: Arc<Store>,
    /// What is known of the job.
    pub record: JobRecord,
}

impl Store {
    /// Takes the queued job whose turn it is, if it fits into what the budget has left; `None` if
    /// there is none.
    ///
    /// The jobs of a user are taken in order, those of several users by turns. One that does not fit
    /// now is waited for, not overtaken.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn claim(self: &Arc<Self>, budget: Budget) -> Result<Option<Claim>> {
        let taken = self.write("take a job", |on| {
            let Some(record) = next(on)? else { return Ok(None) };
            if !fits(on, &record, budget)? {
                return Ok(None);
            }
            take(on, &record).map(Some)
        })?;
        let claim = taken.map(|record| Claim { store: Arc::clone(self), record });
        if claim.is_some() {
            drill::reached("work.claimed");
        }
        Ok(claim)
    }

    /// Whether a queued job could be taken now.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn has_work(&self, budget: Budget) -> Result<bool> {
        let on = self.reader();
        match next(&on)? {
            Some(record) => fits(&on, &record, budget),
            None => Ok(false),
        }
    }

    /// The place of a queued job among those for workers, or of its service, 1 is next; `None` if
    /// it does not wait.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn position(&self, id: &str) -> Result<Option<u32>> {
        let sql = "SELECT (SELECT count(*) FROM jobs AS other WHERE other.state = 'QUEUED' \
                   AND (other.turn, other.id) <= (jobs.turn, jobs.id) \
                   AND (other.runner = 'service') = (jobs.runner = 'service') \
                   AND (jobs.runner <> 'service' OR other.backend = jobs.backend)) \
                   FROM jobs WHERE id = ?1 AND state = 'QUEUED'";
        let on = self.reader();
        on.prepare_cached(sql)
            .and_then(|mut select| select.query_row([id], |row| row.get(0)).optional())
            .map_err(Error::database("find the place in the queue"))
    }
}

impl Claim {
    /// Renews the lease, and tells whether somebody asked for the job to stop. To be called every
    /// few seconds at least.
    ///
    /// # Errors
    /// [`Error::LostLease`] if the job was given to somebody else meanwhile.
    pub fn renew(&self) -> Result<bool> {
        self.store.write("renew a lease", |on| {
            let record = self.own(on)?;
            on.prepare_cached("UPDATE jobs SET lease_awake = ?2, lease_wall = ?3 WHERE id = ?1")
                .and_then(|mut update| {
                    let (awake, wall) = lease();
                    update.execute(params![record.id, awake, wall])
                })
                .map_err(Error::database("renew a lease"))?;
            Ok(record.cancel_requested)
        })
    }

    /// Somebody asked for the job to stop. Reads only.
    ///
    /// # Errors
    /// [`Error::LostLease`].
    pub fn is_cancelled(&self) -> Result<bool> {
        Ok(self.own(&self.store.reader())?.cancel_requested)
    }

    /// Keeps the results of experiments, the first of which has this place in the job. When this
    /// returns they are on disk.
    ///
    /// # Errors
    /// [`Error::LostLease`]; if they cannot be written.
    pub fn keep(&self, first: u64, result: &RunResult) -> Result<()> {
        self.keep_bytes(first, result.experiments.len() as u64, &codec::result_to_bytes(result))
    }

    /// The same for the result of so many experiments that is encoded already.
    pub(crate) fn keep_bytes(&self, first: u64, count: u64, bytes: &[u8]) -> Result<()> {
        let name = result_name(first);
        let document = self.store.documents.prepare(&self.record.id, &name, bytes)?;
        drill::reached("part.written");
        self.store.write("keep a result", |on| {
            let record = self.own(on)?;
            document.insert(on, &record.id)?;
            completed(on, &record.id, first + count)
        })?;
        drill::reached("part.committed");
        Ok(())
    }

    /// Ends the job: DONE without an error, else ERROR with it.
    ///
    /// # Errors
    /// [`Error::LostLease`]; if it cannot be written.
    pub fn finish(self, error: Option<&StoredError>) -> Result<()> {
        let change = if error.is_some() { Change::Failed } else { Change::Succeeded };
        self.end(change, error)
    }

    /// [`keep`](Self::keep) for all experiments and [`finish`](Self::finish), as one.
    ///
    /// # Errors
    /// As those.
    pub fn finish_with(self, result: &RunResult, error: Option<&StoredError>) -> Result<()> {
        let bytes = codec::result_to_bytes(result);
        let name = result_name(0);
        let document = self.store.documents.prepare(&self.record.id, &name, &bytes)?;
        let change = if error.is_some() { Change::Failed } else { Change::Succeeded };
        self.store.write("keep a result", |on| {
            let record = self.own(on)?;
            document.insert(on, &record.id)?;
            completed(on, &record.id, result.experiments.len() as u64)?;
            store::end(on, &record, change, error.map(StoredError::to_json).as_deref())
        })
    }

    /// Forgets what was kept of a result that is not kept whole.
    ///
    /// # Errors
    /// [`Error::LostLease`]; if it cannot be written.
    pub(crate) fn forget_results(&self) -> Result<()> {
        let names = self.store.write("forget a result", |on| {
            let record = self.own(on)?;
            let names = document::files_of(on, &record.id, "result.")?;
            on.execute(
                "DELETE FROM documents WHERE job = ?1 AND substr(name, 1, 7) = 'result.'",
                [&record.id],
            )
            .map_err(Error::database("forget a result"))?;
            completed(on, &record.id, 0)?;
            Ok(names)
        })?;
        self.store.documents.remove(&names);
        Ok(())
    }

    /// Ends the job as one that was stopped on request.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn cancelled(self) -> Result<()> {
        self.end(Change::Cancelled, None)
    }

    /// Ends the job as one that was stopped because it ran longer than it may.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub(crate) fn ran_too_long(self) -> Result<()> {
        let error = self.record.too_long();
        self.end(Change::Cancelled, Some(&error))
    }

    fn end(self, change: Change, error: Option<&StoredError>) -> Result<()> {
        self.store.write("end a job", |on| {
            let record = self.own(on)?;
            store::end(on, &record, change, error.map(StoredError::to_json).as_deref())
        })?;
        drill::reached("end.committed");
        Ok(())
    }

    /// Forgets the job: nobody was told of it yet.
    pub(crate) fn forget(self) -> Result<()> {
        let names = self.store.write("forget a job", |on| {
            let record = self.own(on)?;
            let names = document::files_of(on, &record.id, "")?;
            on.execute("DELETE FROM jobs WHERE id = ?1", [&record.id])
                .map_err(Error::database("forget a job"))?;
            Ok(names)
        })?;
        self.store.documents.remove(&names);
        Ok(())
    }

    /// Gives the job back: it waits again, and this attempt does not count. A job that somebody asked
    /// to stop is CANCELLED.
    ///
    /// # Errors
    /// [`Error::LostLease`]; if it cannot be written.
    pub fn release(self) -> Result<()> {
        self.store.write("give a job back", |on| {
            let record = self.own(on)?;
            if record.cancel_requested {
                return store::end(on, &record, Change::Cancelled, None);
            }
            release(on, &record, record.attempt.saturating_sub(1))
        })
    }

    /// The job as it is now, if it is still ours.
    fn own(&self, on: &Connection) -> Result<JobRecord> {
        let lost = || Error::LostLease { id: self.record.id.clone() };
        match Store::record(on, &self.record.id) {
            Ok(now) if now.token == self.record.token && !now.state.is_final() => Ok(now),
            Ok(_) | Err(Error::NotFound { .. }) => Err(lost()),
            Err(error) => Err(error),
        }
    }
}

/// Notes how many experiments are finished.
pub(crate) fn completed(on: &Connection, id: &str, number: u64) -> Result<()> {
    on.prepare_cached("UPDATE jobs SET completed = ?2 WHERE id = ?1")
        .and_then(|mut update| update.execute(params![id, number]))
        .map_err(Error::database("note what is finished"))?;
    Ok(())
}

fn next(on: &Connection) -> Result<Option<JobRecord>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs WHERE state = 'QUEUED' AND runner = 'worker' \
         ORDER BY turn, id LIMIT 1"
    );
    on.prepare_cached(&sql)
        .and_then(|mut select| select.query_row([], JobRecord::read).optional())
        .map_err(Error::database("look for work"))
}

/// A job that asks for more than the machine has gets its turn when nothing else runs.
fn fits(on: &Connection, record: &JobRecord, budget: Budget) -> Result<bool> {
    let sql = "SELECT count(*), coalesce(sum(min(coalesce(threads, ?1), ?1)), 0), \
               coalesce(sum(coalesce(memory, 0)), 0) \
               FROM jobs WHERE state = 'RUNNING' AND runner = 'worker'";
    let (running, threads, memory) = on
        .prepare_cached(sql)
        .and_then(|mut select| {
            select.query_row([budget.threads], |row| {
                Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?, row.get::<_, u64>(2)?))
            })
        })
        .map_err(Error::database("add up what runs"))?;
    let wanted = u64::from(record.threads.unwrap_or(budget.threads).min(budget.threads));
    let memory = memory.saturating_add(record.memory.unwrap_or(0));
    Ok(running == 0 || (threads + wanted <= u64::from(budget.threads) && memory <= budget.memory))
}

fn take(on: &Connection, record: &JobRecord) -> Result<JobRecord> {
    let illegal = || Error::Illegal { id: record.id.clone(), state: record.state.clone() };
    let state = state::after(&record.state, Change::Claimed).ok_or_else(illegal)?;
    if record.cancel_requested {
        return Err(illegal());
    }
    let (awake, wall) = lease();
    on.prepare_cached(
        "UPDATE jobs SET state = ?2, owner = ?3, token = token + 1, attempt = attempt + 1, \
         lease_awake = ?4, lease_wall = ?5, started_ms = coalesce(started_ms, ?6), taken_ms = ?6 \
         WHERE id = ?1",
    )
    .and_then(|mut update| {
        let with = params![record.id, state.as_str(), owner::this_process(), awake, wall, now_ms()];
        update.execute(with)
    })
    .map_err(Error::database("take a job"))?;
    turn::taken(on, &record.id)?;
    Store::record(on, &record.id)
}

/// Puts a job back into the queue, out of the reach of whoever had it.
pub(crate) fn release(on: &Connection, record: &JobRecord, attempt: u32) -> Result<()> {
    let illegal = || Error::Illegal { id: record.id.clone(), state: record.state.clone() };
    let state = state::after(&record.state, Change::Released).ok_or_else(illegal)?;
    on.prepare_cached(
        "UPDATE jobs SET state = ?2, owner = NULL, token = token + 1, attempt = ?3, ran_ms = ?4 \
         WHERE id = ?1",
    )
    .and_then(|mut update| {
        update.execute(params![record.id, state.as_str(), attempt, record.ran_at(now_ms())])
    })
    .map_err(Error::database("give a job back"))?;
    Ok(())
}

fn lease() -> (i64, i64) {
    (owner::awake_ms() + owner::LEASE_MS, now_ms() + owner::LEASE_MS)
}
