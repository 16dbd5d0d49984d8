//! What becomes of jobs whose owner is gone.

use ketch_core::JobStatus;

use crate::{
    Error, JobRecord, Result, Runner, Store, StoredError,
    claim::{self, MAX_ATTEMPTS},
    owner,
    record::{COLUMNS, now_ms},
    schema::rows,
    state::Change,
    store,
};

/// What was found and done about it: the ids of jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Wait for a worker again.
    pub requeued: Vec<String>,
    /// Failed, because the program that ran them is gone.
    pub abandoned: Vec<String>,
    /// Failed, because they were taken too often without an end.
    pub poisoned: Vec<String>,
    /// Were being stopped when their owner went, and are CANCELLED.
    pub cancelled: Vec<String>,
    /// Were being sent to a service, and nobody knows whether they got there.
    pub unknown: Vec<String>,
}

impl Store {
    /// Looks at every job that is owned and settles those whose owner is gone. Every command does
    /// so when it starts. Jobs of living owners are left alone.
    ///
    /// # Errors
    /// If the database cannot be read or written.
    pub fn recover(&self) -> Result<Recovered> {
        let owned = self.owned()?;
        let now = now_ms();
        let gone = |record: &JobRecord| {
            let owner = record.owner.as_deref().unwrap_or_default();
            owner::is_gone(owner, record.lease_awake, record.lease_wall, now)
        };
        if !owned.iter().any(gone) {
            return Ok(Recovered::default());
        }
        self.write("settle jobs without an owner", |on| {
            let mut recovered = Recovered::default();
            for seen in owned.iter().filter(|record| gone(record)) {
                // Only if nothing happened to it since it was looked at.
                let record = match Self::record(on, &seen.id) {
                    Ok(record) if record.owner == seen.owner && record.token == seen.token => {
                        record
                    }
                    Ok(_) | Err(Error::NotFound { .. }) => continue,
                    Err(error) => return Err(error),
                };
                if record.state.is_final() || !gone(&record) {
                    continue;
                }
                settle(on, &record, &mut recovered)?;
            }
            Ok(recovered)
        })
    }

    fn owned(&self) -> Result<Vec<JobRecord>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM jobs WHERE state IN ('INITIALIZING', 'RUNNING') \
             AND owner IS NOT NULL ORDER BY id"
        );
        let on = self.reader();
        rows(&on, &sql, [], JobRecord::read)
            .map_err(Error::database("look for jobs without an owner"))
    }
}

fn settle(on: &rusqlite::Connection, record: &JobRecord, recovered: &mut Recovered) -> Result<()> {
    let fail = |error: StoredError| store::end(on, record, Change::Failed, Some(&error.to_json()));
    let id = record.id.clone();
    match record.runner {
        Runner::Service if record.service_id.is_some() => {
            // The service has it, so nobody needs to own it here.
            on.execute("UPDATE jobs SET owner = NULL WHERE id = ?1", [&record.id])
                .map_err(Error::database("settle a job"))?;
        }
        Runner::Service => {
            let error = unknown_outcome();
            on.execute(
                "UPDATE jobs SET owner = NULL, error = ?2 WHERE id = ?1",
                [&record.id, &error.to_json()],
            )
            .map_err(Error::database("settle a job"))?;
            recovered.unknown.push(id);
        }
        _ if record.cancel_requested => {
            store::end(on, record, Change::Cancelled, None)?;
            recovered.cancelled.push(id);
        }
        Runner::Program => {
            fail(StoredError::new(
                "job.abandoned",
                "the program that ran it ended before the job did",
                Some("`ketch retry` runs it again"),
            ))?;
            recovered.abandoned.push(id);
        }
        Runner::Worker if record.state == JobStatus::Running && record.attempt >= MAX_ATTEMPTS => {
            let attempts = record.attempt;
            fail(StoredError::new(
                "job.poisoned",
                format!("{attempts} workers died while they ran it"),
                Some("`ketch retry` tries once more"),
            ))?;
            recovered.poisoned.push(id);
        }
        Runner::Worker => {
            claim::release(on, record, record.attempt)?;
            recovered.requeued.push(id);
        }
    }
    Ok(())
}

/// What is known of a job that was being sent when its sender went.
pub(crate) fn unknown_outcome() -> StoredError {
    StoredError::new(
        "job.unknown_outcome",
        "the program that sent it to the service ended before the service's answer was written \
         down",
        Some("`ketch retry` sends it again; `ketch delete` forgets it"),
    )
}
