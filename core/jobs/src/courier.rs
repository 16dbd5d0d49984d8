//! Jobs of services that nobody here waits for, as a server takes them for its users: a worker sends
//! them and follows them to their ends. One process does so for all of a store.
//!
//! They wait here until their service has room, and are taken by turns as others are. What is
//! promised of every job of a service holds for them: that one is being sent is on disk before it
//! is, and none is sent twice. If nobody knows whether a job arrived, it is looked up at the service
//! for some time, and fails if it is not found.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ketch_core::{Backend, Error as JobError, Job, JobStatus};
use rusqlite::{Connection, params};

use crate::{
    Error, JobRecord, PluginDirectories, Resolver, Result, Store, StoredError, StoredJob, TOO_LONG,
    drill,
    live::Live,
    owner,
    record::{COLUMNS, now_ms},
    schema::rows,
    service,
    state::{self, Change},
    store, turn,
};

/// So many jobs of a backend are at its service at a time. The others wait here, where users take
/// turns.
const AT_SERVICE: usize = 5;

/// How often the store is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How often a service is asked about its jobs: after something happened, and at last.
const ASKS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];

/// For how long a service is left alone that cannot be asked now.
const REST: Duration = Duration::from_secs(2);

/// So often it is tried to fetch what a job came to whose service gives something else for it.
const TRIES: u32 = 4;

/// For so long a backend may not be there before those who wait for it fail. An account that cannot
/// be reached for a moment, or a list that is garbled, makes a backend unknown, too.
const MISSING: Duration = Duration::from_secs(120);

/// The jobs of services that a worker sends and follows, and that are not at their ends.
const ERRANDS: &str = "FROM jobs JOIN served ON served.job = jobs.id WHERE runner = 'service' \
     AND state IN ('INITIALIZING', 'QUEUED', 'RUNNING')";

impl Store {
    /// Whether there are jobs that somebody must send to their services, or follow there.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn has_errands(&self) -> Result<bool> {
        let on = self.reader();
        on.prepare_cached(&format!("SELECT 1 {ERRANDS} LIMIT 1"))
            .and_then(|mut select| select.exists([]))
            .map_err(Error::database("look for work"))
    }

    fn errands(&self) -> Result<Vec<JobRecord>> {
        let sql = format!("SELECT {COLUMNS} {ERRANDS} ORDER BY turn, id");
        rows(&self.reader(), &sql, [], JobRecord::read).map_err(Error::database("look for work"))
    }

    /// Writes down that this process is about to send a job; false if it waits no more.
    fn begins_to_send(&self, id: &str) -> Result<bool> {
        self.write("begin to send a job", |on| {
            let Some(state) = changed(on, id, Change::Sending)? else { return Ok(false) };
            let (awake, wall) =
                (owner::awake_ms() + owner::SENDING_MS, now_ms() + owner::SENDING_MS);
            on.execute(
                "UPDATE jobs SET state = ?2, owner = ?3, lease_awake = ?4, lease_wall = ?5, \
                 token = token + 1, attempt = attempt + 1 WHERE id = ?1",
                params![id, state.as_str(), owner::this_process(), awake, wall],
            )
            .map_err(Error::database("begin to send a job"))?;
            turn::taken(on, id)?;
            Ok(true)
        })
    }

    /// Writes down that the service has no room for a job now: it waits again, unless somebody asked
    /// for it to stop meanwhile.
    fn was_turned_away(&self, id: &str) -> Result<()> {
        self.write("give a job back", |on| {
            let record = Self::record(on, id)?;
            if record.cancel_requested && !record.state.is_final() {
                return store::end(on, &record, Change::Cancelled, None);
            }
            let Some(state) = changed(on, id, Change::Released)? else { return Ok(()) };
            on.execute(
                "UPDATE jobs SET state = ?2, owner = NULL, attempt = attempt - 1 WHERE id = ?1",
                [id, state.as_str()],
            )
            .map_err(Error::database("give a job back"))?;
            Ok(())
        })
    }

    /// Writes down that a job was just heard to run at its service: since the first time, and for
    /// some time from now on, unless its end is heard before.
    fn runs_at_service(&self, id: &str) -> Result<()> {
        self.write("note how a job goes", |on| {
            on.execute(
                "UPDATE jobs SET taken_ms = coalesce(taken_ms, ?2), lease_wall = ?3 WHERE id = ?1",
                params![id, now_ms(), now_ms() + owner::LEASE_MS],
            )
            .map_err(Error::database("note how a job goes"))?;
            Ok(())
        })
    }

    /// Writes down why a job is being stopped that runs too long.
    fn runs_too_long(&self, record: &JobRecord) -> Result<()> {
        self.write("note how a job goes", |on| {
            on.execute(
                "UPDATE jobs SET error = ?2 WHERE id = ?1 AND state = 'RUNNING'",
                [&record.id, &record.too_long().to_json()],
            )
            .map_err(Error::database("note how a job goes"))?;
            Ok(())
        })
    }

    /// Ends a job that will not come to anything.
    fn give_up(&self, id: &str, error: &StoredError) -> Result<()> {
        self.write("end a job", |on| match Self::record(on, id) {
            Ok(record) if !record.state.is_final() => {
                store::end(on, &record, Change::Failed, Some(&error.to_json()))
            }
            // Somebody settled it, or it is forgotten.
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        })
    }
}

/// The state of a job behind a change; `None` if it is in no state for it any more.
fn changed(on: &Connection, id: &str, change: Change) -> Result<Option<JobStatus>> {
    match Store::record(on, id) {
        Ok(record) => Ok(state::after(&record.state, change)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends jobs and follows them until there are none, or until `stop` is set: then another one goes
/// on. Blocks.
pub(crate) fn follow(stop: &AtomicBool, store: &Arc<Store>, resolver: &dyn Resolver) -> Result<()> {
    // What bears the same name in other directories is another backend.
    let mut desks: HashMap<(String, PluginDirectories), Desk> = HashMap::new();
    let mut errands: HashMap<(String, PluginDirectories), Vec<JobRecord>> = HashMap::new();
    let mut seen = None;
    while !stop.load(Ordering::Relaxed) && store.directory().exists() {
        store.recover()?;
        // Many may wait, and they are as they were as long as nobody has written anything.
        let now = store.version();
        if now.is_none() || now != seen {
            errands.clear();
            for errand in store.errands()? {
                let backend = (errand.backend.clone(), errand.plugins.clone());
                errands.entry(backend).or_default().push(errand);
            }
            desks.retain(|backend, _| errands.contains_key(backend));
            seen = now;
        }
        if errands.is_empty() {
            return Ok(());
        }
        for (backend, errands) in &errands {
            desks.entry(backend.clone()).or_default().attend(store, resolver, errands)?;
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// What is known of a backend and its jobs.
struct Desk {
    backend: Option<Arc<dyn Backend>>,
    /// Since when it is not there.
    missing: Option<Instant>,
    /// The jobs at the service.
    jobs: HashMap<String, Arc<dyn Job>>,
    /// Those that are to stop, once their service was asked about them because of it.
    hurried: HashSet<String>,
    /// Those of which the service knows that they are to stop.
    stopped: HashSet<String>,
    /// How often what a job came to could not be had, although it is over.
    tries: HashMap<String, u32>,
    /// When it is asked next, and how long after that.
    asks: Instant,
    pause: Duration,
    /// Nothing is sent before.
    sends: Instant,
}

impl Default for Desk {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            backend: None,
            missing: None,
            jobs: HashMap::new(),
            hurried: HashSet::new(),
            stopped: HashSet::new(),
            tries: HashMap::new(),
            asks: now,
            pause: ASKS[0],
            sends: now,
        }
    }
}

impl Desk {
    fn attend(
        &mut self,
        store: &Arc<Store>,
        resolver: &dyn Resolver,
        errands: &[JobRecord],
    ) -> Result<()> {
        let (waiting, away): (Vec<_>, Vec<_>) =
            errands.iter().partition(|errand| errand.state == JobStatus::Queued);
        let now = Instant::now();
        // That a job is to stop is passed on at once, and tried again when it is time.
        let to_stop = away.iter().filter(|errand| errand.cancel_requested);
        let hurried = to_stop.filter(|errand| self.hurried.insert(errand.id.clone())).count() > 0;
        let asks = !away.is_empty() && (now >= self.asks || hurried);
        let room = AT_SERVICE.saturating_sub(away.len());
        let sends = !waiting.is_empty() && room > 0 && now >= self.sends;
        if !asks && !sends {
            return Ok(());
        }
        let backend = match &self.backend {
            Some(backend) => Arc::clone(backend),
            None => match resolver.backend_of(&errands[0]) {
                Ok(backend) => Arc::clone(self.backend.insert(backend)),
                Err(error) => {
                    self.later(REST);
                    let since = *self.missing.get_or_insert(now);
                    if !error.is_retryable() && now - since >= MISSING {
                        let error = StoredError::from(&error);
                        waiting.iter().try_for_each(|errand| store.give_up(&errand.id, &error))?;
                    }
                    return Ok(());
                }
            },
        };
        if asks {
            self.asks = now + self.pause;
            self.pause = (self.pause * 2).min(ASKS[1]);
            for errand in away {
                or_gone(self.look(store, &backend, errand))?;
            }
        }
        if sends {
            // A service that cannot be reached is not sent anything whose fate nobody knew then.
            match backend.status() {
                Ok(_) => {}
                Err(error) if error.is_retryable() => {
                    self.later(REST);
                    return Ok(());
                }
                // What is wrong, the service says of each job.
                Err(_) => {}
            }
            for errand in waiting.into_iter().take(room) {
                if Instant::now() >= self.sends {
                    or_gone(self.send(store, &backend, errand))?;
                }
            }
        }
        Ok(())
    }

    /// There is trouble: nothing is asked or sent for a while.
    fn later(&mut self, pause: Duration) {
        let then = Instant::now() + pause;
        (self.asks, self.sends) = (then, then);
    }

    fn send(
        &mut self,
        store: &Arc<Store>,
        backend: &Arc<dyn Backend>,
        errand: &JobRecord,
    ) -> Result<()> {
        let id = &errand.id;
        let qobj = match store.qobj(id) {
            Ok(qobj) => qobj,
            // What cannot be read is this job's trouble alone, and was not sent.
            Err(error @ (Error::Document { .. } | Error::File { .. })) => {
                return store.give_up(id, &StoredError::from(&error.into()));
            }
            Err(error) => return Err(error),
        };
        if !store.begins_to_send(id)? {
            return Ok(());
        }
        drill::reached("send.before");
        match backend.run(qobj, errand.options()) {
            Ok(job) => {
                drill::reached("send.after");
                let noted = store.sent(id, &job.job_id());
                if let Err(Error::NotFound { .. } | Error::Illegal { .. }) = noted {
                    // Nobody here knows it any more, and so nobody else would stop it.
                    let _ = job.cancel();
                }
                // What the disk did not take for the moment, the service is asked for.
                noted?;
                drill::reached("send.noted");
                self.jobs.insert(id.clone(), job);
                (self.asks, self.pause) = (Instant::now() + ASKS[0], ASKS[0]);
                Ok(())
            }
            Err(JobError::RateLimited { retry_after, .. }) => {
                self.later(retry_after.unwrap_or_default().max(REST));
                store.was_turned_away(id)
            }
            Err(error) if service::may_have_arrived(&error) => {
                self.later(REST);
                store.outcome_unknown(id, &StoredError::from(&error))
            }
            Err(error) => store.give_up(id, &StoredError::from(&error)),
        }
    }

    /// Asks a service about a job, passes on that it is to stop, and keeps what it came to.
    fn look(
        &mut self,
        store: &Arc<Store>,
        backend: &Arc<dyn Backend>,
        errand: &JobRecord,
    ) -> Result<()> {
        match self.ask(store, backend, errand) {
            Ok(()) => Ok(()),
            // It is not there, and never will be.
            Err(error @ JobError::JobNotFound { .. }) if errand.service_id.is_some() => {
                store.settle_service(&errand.id, &Err(error))
            }
            // The service cannot be asked now. Its jobs go on meanwhile; whether others can be sent,
            // it is asked before each.
            Err(error) => {
                if error.is_retryable() {
                    self.asks = self.asks.max(Instant::now() + REST);
                }
                Ok(())
            }
        }
    }

    fn ask(
        &mut self,
        store: &Arc<Store>,
        backend: &Arc<dyn Backend>,
        errand: &JobRecord,
    ) -> Result<(), JobError> {
        let id = &errand.id;
        let job = match self.jobs.get(id) {
            Some(job) => Arc::clone(job),
            None => match store.at_service(errand, &**backend)? {
                Some(job) => {
                    self.jobs.insert(id.clone(), Arc::clone(&job));
                    job
                }
                None => return Ok(lost(store, errand)?),
            },
        };
        // First, so that whatever else may go wrong, its end is heard.
        let status = job.status()?;
        if status.is_final() {
            return self.fetch(store, backend, job, id);
        }
        let mut ran = errand.ran();
        if status == JobStatus::Running {
            store.runs_at_service(id)?;
            ran = store.job(id)?.ran();
        }
        let is_over = errand.may_run().is_some_and(|longest| ran >= longest);
        if is_over && errand.error.as_ref().is_none_or(|error| error.code != TOO_LONG) {
            store.runs_too_long(errand)?;
        }
        if (is_over || errand.cancel_requested) && !self.stopped.contains(id) {
            job.cancel()?;
            self.stopped.insert(id.clone());
            (self.asks, self.pause) = (Instant::now() + ASKS[0], ASKS[0]);
        }
        Ok(())
    }

    /// Keeps what a job came to that is over at its service; if it cannot be had, the job fails in
    /// the end, with the reason.
    fn fetch(
        &mut self,
        store: &Arc<Store>,
        backend: &Arc<dyn Backend>,
        job: Arc<dyn Job>,
        id: &str,
    ) -> Result<(), JobError> {
        let (live, backend) = (Some(Live::new(job)), Arc::clone(backend));
        let kept =
            StoredJob { store: Arc::clone(store), id: id.to_owned(), backend, live }.status();
        if let Err(error) = kept {
            let tries = self.tries.entry(id.to_owned()).or_default();
            // What passes, or the disk here would not take, says nothing of the job.
            let is_of_the_job = !error.is_retryable() && !error.code().starts_with("store.");
            *tries += u32::from(is_of_the_job);
            if *tries < TRIES {
                return Err(error);
            }
            store.settle_service(id, &Err(error))?;
        }
        self.tries.remove(id);
        self.jobs.remove(id);
        self.pause = ASKS[0];
        Ok(())
    }
}

/// That somebody else settled or forgot a job meanwhile is no trouble.
fn or_gone(done: Result<()>) -> Result<()> {
    match done {
        Err(Error::NotFound { .. } | Error::Illegal { .. }) => Ok(()),
        done => done,
    }
}

/// Nobody has found a job whose sending had an unknown outcome; at last it fails.
fn lost(store: &Store, errand: &JobRecord) -> Result<()> {
    match errand.owner.is_none() && now_ms() > errand.lease_wall {
        true => {
            let error = service::unknown_fate(errand.clone());
            store.give_up(&errand.id, &StoredError::from(&error))
        }
        false => Ok(()),
    }
}
