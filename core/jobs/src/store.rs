//! [`Store`]: jobs on disk.

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ketch_core::{JobStatus, Qobj, RunResult, codec};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::{
    Error, JobFilter, JobRecord, NewJob, Result, Runner,
    document::{self, Documents, Found, QOBJ},
    drill, new_id, owner, parts,
    reading::{Reader, Readers},
    record::{COLUMNS, now_ms, to_ms},
    schema::{self, rows},
    served::{PARAMS, Served, spent},
    state::{self, Change},
    turn,
};

/// Jobs on disk. Shared freely between threads; several processes may have the same store open.
///
/// Every method blocks for the disk.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Mutex<Connection>,
    readers: Option<Readers>,
    pub(crate) documents: Documents,
    directory: PathBuf,
}

impl Store {
    /// The user's store: `$XDG_DATA_HOME/ketch/jobs`, or `~/.local/share/ketch/jobs`.
    ///
    /// # Errors
    /// [`Error::NoDirectory`] without a home; as [`open`](Self::open).
    pub fn standard() -> Result<Self> {
        let absolute =
            |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let data =
            absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
        Self::open(&data.ok_or(Error::NoDirectory)?.join("ketch/jobs"))
    }

    /// Opens the store in a directory, which is made if it is missing, for its owner only. A store
    /// of an older version becomes one of this version.
    ///
    /// # Errors
    /// If the directory or the database cannot be used, or a newer ketch wrote it.
    pub fn open(directory: &Path) -> Result<Self> {
        let documents = directory.join("documents");
        let make = fs::DirBuilder::new().recursive(true).mode(0o700).create(&documents);
        make.and_then(|()| fs::set_permissions(directory, fs::Permissions::from_mode(0o700)))
            .map_err(|source| Error::File {
                doing: "make the directory",
                path: documents.clone(),
                source,
            })?;
        let mut connection = connect(directory)?;
        let version = schema::version(&connection).map_err(Error::database("open the database"))?;
        if version == 0 {
            // Before anybody is told of a job, so that no later start has to think of it.
            sync_way_to(directory)?;
        }
        let found =
            schema::migrate(&mut connection).map_err(Error::database("open the database"))?;
        if found > schema::VERSION {
            let path = database(directory);
            return Err(Error::Newer { path, found, known: schema::VERSION });
        }
        Ok(Self {
            connection: Mutex::new(connection),
            readers: None,
            documents: Documents { directory: documents },
            directory: directory.to_owned(),
        })
    }

    /// Reads on so many connections of its own, for programs with many threads that read: they wait
    /// neither for each other nor for those who write.
    ///
    /// # Errors
    /// If they cannot be opened.
    pub fn with_readers(self, count: usize) -> Result<Self> {
        let readers = Some(Readers::open(&self.directory, count)?);
        Ok(Self { readers, ..self })
    }

    /// Whether the database can be read: one row of it, on the connection for writing, so that of a
    /// store [with readers](Self::with_readers) nobody else needs to be waited for.
    ///
    /// # Errors
    /// If it cannot.
    pub fn is_readable(&self) -> Result<()> {
        let read = self.connection().query_row("SELECT id FROM jobs LIMIT 1", [], |_| Ok(()));
        read.optional().map(|_| ()).map_err(Error::database("read"))
    }

    /// Where it lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Keeps a job and returns its id. When this returns, the job survives a crash of this process
    /// and a loss of power.
    ///
    /// A job for a worker is QUEUED, and so is one of a service that is [served](crate::served), which
    /// a worker sends. Others belong to this process: one that it runs itself is
    /// RUNNING, one that it is going to send to a service INITIALIZING.
    ///
    /// # Errors
    /// [`Error::NoSession`] or [`Error::SessionClosed`] if it is [served](crate::served) in a session
    /// that is not the user's or takes no more jobs. If it cannot be written; then nothing is kept, unless the disk took it and failed only to say
    /// that it is durable: then the job may turn up all the same, whole, when the store is next
    /// opened.
    pub fn submit(&self, job: &NewJob, qobj: &Qobj) -> Result<String> {
        let id = new_id();
        let bytes = codec::encode_qobj(qobj);
        let document = self.documents.prepare(&id, QOBJ, &bytes)?;
        let served = match &job.served {
            Some(served) => Some((served, self.documents.prepare(&id, PARAMS, &served.params)?)),
            None => None,
        };
        drill::reached("submit.written");
        let own = Some(owner::this_process());
        let (state, attempt, owner, lease) = match job.runner {
            Runner::Worker => (JobStatus::Queued, 0, None, 0),
            Runner::Program => (JobStatus::Running, 1, own, owner::LEASE_MS),
            Runner::Service if job.served.is_some() => (JobStatus::Queued, 0, None, 0),
            Runner::Service => (JobStatus::Initializing, 0, own, owner::SENDING_MS),
        };
        let options = &job.options;
        self.write("submit a job", |on| {
            let turn = match state {
                JobStatus::Queued => turn::next(on, job)?,
                _ => 0,
            };
            on.prepare_cached(
                "INSERT INTO jobs (id, backend, label, tags, runner, state, created_ms, \
                 experiments, threads, memory, deadline_ms, owner, lease_awake, lease_wall, \
                 retry_of, attempt, started_ms, digest, plugins, turn, longest_ms) VALUES (?1, ?2, \
                 ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, \
                 ?20, ?21)",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    id,
                    job.backend,
                    job.label,
                    serde_json::Value::from(options.tags.clone()).to_string(),
                    job.runner.word(),
                    state.as_str(),
                    now_ms(),
                    qobj.experiments().len() as i64,
                    options.threads,
                    options.memory.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
                    options.deadline.map(to_ms),
                    owner,
                    owner::awake_ms() + lease,
                    now_ms() + lease,
                    job.retry_of,
                    attempt,
                    (attempt > 0).then(now_ms),
                    job.digest,
                    serde_json::to_string(&job.plugins).ok(),
                    turn,
                    job.served.as_ref().and_then(Served::longest_ms),
                ])
            })
            .map_err(Error::database("submit a job"))?;
            document.insert(on, &id)?;
            if let Some((served, params)) = &served {
                served.insert(on, &id)?;
                params.insert(on, &id)?;
            }
            match &job.goes_on {
                Some(earlier) => self.take_over(on, earlier, &id),
                None => Ok(()),
            }
        })?;
        drill::reached("submit.committed");
        Ok(id)
    }

    /// What is known of a job.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn job(&self, id: &str) -> Result<JobRecord> {
        Self::record(&self.reader(), id)
    }

    pub(crate) fn record(on: &Connection, id: &str) -> Result<JobRecord> {
        on.prepare_cached(&format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1"))
            .and_then(|mut select| select.query_row([id], JobRecord::read).optional())
            .map_err(Error::database("read a job"))?
            .ok_or_else(|| Error::NotFound { id: id.to_owned() })
    }

    /// The id that a user means: a whole id, the unique beginning of one, a service's id, or `@1`
    /// for the newest job, `@2` for the one before it, and so on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Ambiguous`].
    pub fn resolve(&self, written: &str) -> Result<String> {
        let not_found = || Error::NotFound { id: written.to_owned() };
        let ids = |sql: &str, with: &str| -> Result<Vec<String>> {
            let on = self.reader();
            rows(&on, sql, [with], |row| row.get(0)).map_err(Error::database("look for a job"))
        };
        if let Some(back) = written.strip_prefix('@') {
            let back: u32 = back.parse().ok().filter(|&back| back > 0).ok_or_else(not_found)?;
            let sql = "SELECT id FROM jobs ORDER BY id DESC LIMIT 1 OFFSET CAST(?1 AS INTEGER)";
            return ids(sql, &(back - 1).to_string())?.pop().ok_or_else(not_found);
        }
        if written.is_empty() {
            return Err(not_found());
        }
        let by_service = ids("SELECT id FROM jobs WHERE service_id = ?1 LIMIT 2", written)?;
        let prefix = written.to_ascii_uppercase();
        let sql = "SELECT id FROM jobs WHERE substr(id, 1, length(?1)) = ?1 LIMIT 6";
        let mut found = if by_service.is_empty() { ids(sql, &prefix)? } else { by_service };
        match found.len() {
            0 => Err(not_found()),
            1 => Ok(found.remove(0)),
            _ => Err(Error::Ambiguous { prefix: written.to_owned(), ids: found }),
        }
    }

    /// The jobs that pass the filter, the newest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn jobs(&self, filter: &JobFilter) -> Result<Vec<JobRecord>> {
        let states: Vec<&str> = filter.states.iter().map(JobStatus::as_str).collect();
        let sql = format!(
            "SELECT {COLUMNS} FROM jobs WHERE \
             (?1 IS NULL OR backend = ?1 OR substr(backend, 1, length(?1) + 1) = ?1 || '/') AND \
             (?2 = '[]' OR state IN (SELECT value FROM json_each(?2))) AND \
             (?3 IS NULL OR label = ?3 OR ?3 IN (SELECT value FROM json_each(tags))) AND \
             (?4 IS NULL OR id < ?4) ORDER BY id DESC LIMIT ?5"
        );
        let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let on = self.reader();
        let states = serde_json::Value::from(states).to_string();
        let with = params![filter.backend, states, filter.label, filter.before, limit];
        rows(&on, &sql, with, JobRecord::read).map_err(Error::database("list jobs"))
    }

    /// What the job is to run.
    ///
    /// # Errors
    /// [`Error::NotFound`]; if the document cannot be read.
    pub fn qobj(&self, id: &str) -> Result<Qobj> {
        let bytes = self.document(id, QOBJ)?;
        codec::decode_qobj(&bytes).map_err(|source| Error::Document { id: id.to_owned(), source })
    }

    /// The results of all experiments that are finished, in order; `None` if none is. Of a job that
    /// failed or still runs these are a part of the whole.
    ///
    /// # Errors
    /// [`Error::NotFound`]; if a document cannot be read.
    pub fn result(&self, id: &str) -> Result<Option<RunResult>> {
        self.read(id, "result.", |record, found| {
            let mut whole: Option<RunResult> = None;
            for part in found {
                let part = codec::result_from_bytes(&part.bytes()?)
                    .map_err(|source| Error::Document { id: id.to_owned(), source })?;
                parts::append(&mut whole, part);
            }
            if let Some(whole) = &mut whole {
                whole.job_id.clone_from(&record.id);
                whole.success &= record.state == JobStatus::Done;
            }
            Ok(whole)
        })
    }

    /// A document of a job.
    pub(crate) fn document(&self, id: &str, name: &str) -> Result<Vec<u8>> {
        let read = self.read(id, name, |_, found| {
            found.first().map(|found| Ok(found.bytes()?.into_owned())).transpose()
        });
        read?.ok_or_else(|| Error::NotFound { id: id.to_owned() })
    }

    /// Reads documents whose names begin with `prefix`, and what is known of their job at the same
    /// moment. Nobody waits for the database meanwhile.
    fn read<T>(
        &self,
        id: &str,
        prefix: &str,
        read: impl Fn(&JobRecord, &[Found]) -> Result<T>,
    ) -> Result<T> {
        let find = || {
            let reader = self.reader();
            let on = reader.unchecked_transaction().map_err(Error::database("read a job"))?;
            Ok::<_, Error>((Self::record(&on, id)?, self.documents.find(&on, id, prefix)?))
        };
        loop {
            let (record, found) = find()?;
            match read(&record, &found) {
                // Files go after their rows: what was just forgotten has rows no more.
                Err(Error::File { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && find()?.1 != found => {}
                read => return read,
            }
        }
    }

    /// Asks for a job to stop: true if it had not come to its end. One that nobody runs is
    /// CANCELLED at once, another one soon.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn cancel(&self, id: &str) -> Result<bool> {
        self.write("cancel a job", |on| {
            let record = Self::record(on, id)?;
            if record.state.is_final() {
                return Ok(false);
            }
            if record.state == JobStatus::Queued && record.owner.is_none() {
                end(on, &record, Change::Cancelled, None)?;
            } else {
                on.execute("UPDATE jobs SET cancel = 1 WHERE id = ?1", [id])
                    .map_err(Error::database("cancel a job"))?;
            }
            Ok(true)
        })
    }

    /// Forgets a job and all its documents.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Illegal`] while somebody runs it: cancel it first.
    pub fn delete(&self, id: &str) -> Result<()> {
        let names = self.write("delete a job", |on| {
            let record = Self::record(on, id)?;
            // What others sent to a service may be forgotten here at any time; what a worker follows
            // would run on there with nobody to stop it.
            let is_away =
                record.state == JobStatus::Running || record.state == JobStatus::Initializing;
            if is_away && (record.runner != Runner::Service || is_served(on, id)?) {
                return Err(Error::Illegal { id: id.to_owned(), state: record.state });
            }
            let names = document::files_of(on, id, "")?;
            if record.state == JobStatus::Queued {
                turn::given_up(on, id)?;
                // It may have run before it was given back.
                spent::note(on, &record, now_ms())?;
            }
            on.execute("DELETE FROM jobs WHERE id = ?1", [id])
                .map_err(Error::database("delete a job"))?;
            Ok(names)
        })?;
        self.documents.remove(&names);
        Ok(())
    }

    /// What changes when somebody writes to the database, others or this process; `None` if that
    /// cannot be told.
    pub(crate) fn version(&self) -> Option<(u64, u64)> {
        let on = self.connection();
        let others = on.pragma_query_value(None, "data_version", |row| row.get(0)).ok()?;
        Some((others, on.total_changes()))
    }

    /// Does something in one transaction that is on disk when this returns.
    pub(crate) fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let connection = self.connection();
        let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)
            .map_err(Error::database(doing))?;
        let done = work(&transaction)?;
        transaction.commit().map_err(Error::database(doing))?;
        Ok(done)
    }

    /// A connection to read on; not to be kept.
    pub(crate) fn reader(&self) -> Reader<'_> {
        match &self.readers {
            Some(readers) => readers.lend(),
            None => Reader::Own(self.connection()),
        }
    }

    /// No panic happens while the lock is held that would leave the connection half changed: a
    /// transaction that is dropped is rolled back.
    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn database(directory: &Path) -> PathBuf {
    directory.join("jobs.db")
}

/// Opens the database of a store.
pub(crate) fn connect(directory: &Path) -> Result<Connection> {
    Connection::open(database(directory))
        .and_then(|mut connection| schema::prepare(&mut connection).map(|()| connection))
        .map_err(Error::database("open the database"))
}

/// Makes the names of the directories durable that lead to a new store: SQLite syncs its own only.
fn sync_way_to(directory: &Path) -> Result<()> {
    for parent in directory.ancestors().skip(1) {
        // One that cannot be opened is none in which this program could make another.
        let Ok(opened) = fs::File::open(parent) else { continue };
        opened.sync_all().map_err(|source| Error::File {
            doing: "sync the directory",
            path: parent.to_owned(),
            source,
        })?;
    }
    Ok(())
}

fn is_served(on: &Connection, id: &str) -> Result<bool> {
    on.prepare_cached("SELECT 1 FROM served WHERE job = ?1")
        .and_then(|mut select| select.exists([id]))
        .map_err(Error::database("look whose a job is"))
}

/// Brings a job to its end.
pub(crate) fn end(
    on: &Connection,
    record: &JobRecord,
    change: Change,
    error: Option<&str>,
) -> Result<()> {
    let illegal = || Error::Illegal { id: record.id.clone(), state: record.state.clone() };
    let state = state::after(&record.state, change).ok_or_else(illegal)?;
    if record.state == JobStatus::Queued {
        turn::given_up(on, &record.id)?;
    }
    // One time for both: the job and the sum of all say the same.
    let now = now_ms();
    spent::note(on, record, now)?;
    on.prepare_cached(
        "UPDATE jobs SET state = ?2, ended_ms = ?3, error = ?4, ran_ms = ?5, owner = NULL \
         WHERE id = ?1",
    )
    .and_then(|mut update| {
        update.execute(params![record.id, state.as_str(), now, error, record.ran_at(now)])
    })
    .map_err(Error::database("end a job"))?;
    Ok(())
}
