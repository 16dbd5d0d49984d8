//! [`StoredBackend`]: any backend, with jobs that are kept.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ketch_core::{
    Backend, BackendConfiguration, BackendProperties, BackendStatus, Error as JobError, Extensions,
    Job, JobQuery, Qobj, Result, RunOptions, RunResult,
};

use crate::{
    Claim, JobFilter, NewJob, Runner, Store, StoredError, StoredJob,
    batch::{Batch, Listener, OnDisk, Parted},
    drill,
    live::{self, Live},
    parts::size_of,
    progress::Noting,
    service,
};

/// Any backend, with jobs that are kept: their ids are given out when they are on disk, their
/// results are on disk before they are DONE, and `jobs` and `retrieve_job` work for every backend.
///
/// A job of a backend that is no service ends with this process; it is an ERROR then, and can be
/// tried again. Of several experiments, those that are finished are on disk while the others run.
pub struct StoredBackend {
    store: Arc<Store>,
    /// The qualified name under which jobs are kept.
    name: String,
    inner: Arc<dyn Backend>,
    /// The bytes of results that are kept of a job of one experiment, and of one of several.
    largest: [u64; 2],
    listener: Option<Listener>,
    wind_down: Arc<AtomicBool>,
    recorder: Arc<Recorder>,
}

impl StoredBackend {
    /// Wraps a backend; `name` is its qualified name, `provider/backend`.
    #[must_use]
    pub fn new(store: Arc<Store>, name: impl Into<String>, inner: Arc<dyn Backend>) -> Self {
        Self {
            store,
            name: name.into(),
            inner,
            largest: [u64::MAX; 2],
            listener: None,
            wind_down: Arc::default(),
            recorder: Arc::default(),
        }
    }

    /// Keeps no results of more than so many bytes; whoever holds the job gets them all the same.
    #[must_use]
    pub fn keeping_at_most(self, bytes: u64) -> Self {
        Self { largest: [bytes; 2], ..self }
    }

    /// Keeps results of up to so many bytes of a job of several experiments. Once there are more,
    /// those that come are not kept, and at the end of such a job none is.
    #[must_use]
    pub fn keeping_of_several(mut self, bytes: u64) -> Self {
        self.largest[1] = bytes;
        self
    }

    /// Tells of results while a job of several experiments runs: calls this with the job's id, the
    /// place of the first experiment, and the results of those that were finished. They are on disk
    /// then, if they are kept. Called on a thread of the job, which waits meanwhile.
    #[must_use]
    pub fn telling(self, listener: impl Fn(&str, u64, &RunResult) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Arc::new(listener)), ..self }
    }

    /// Lets jobs of several experiments that run here come to rest, CANCELLED, as soon as the
    /// experiments are finished that run now. Other jobs are not stopped by this.
    pub fn wind_down(&self) {
        self.wind_down.store(true, Ordering::Relaxed);
    }

    /// Runs a job that has more to it than its options: a label, or a job that it repeats. It runs
    /// here or at the service that the backend is; a job for a worker is only kept.
    ///
    /// # Errors
    /// If the job cannot be kept, or the backend refuses it.
    pub fn run_as(&self, new: NewJob, qobj: Qobj) -> Result<Arc<dyn Job>> {
        let id = self.store.submit(&new, &qobj)?;
        let options = RunOptions { job_key: Some(id.clone()), ..new.options };
        let live = match new.runner {
            Runner::Service => Some(Live::new(self.send(&id, qobj, options)?)),
            Runner::Program => Some(self.start(&id, qobj, options)?),
            Runner::Worker => None,
        };
        Ok(self.stored(id, live))
    }

    fn stored(&self, id: String, live: Option<Arc<Live>>) -> Arc<dyn Job> {
        let store = Arc::clone(&self.store);
        Arc::new(StoredJob { store, id, backend: Arc::clone(&self.inner), live })
    }

    fn send(&self, id: &str, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        drill::reached("send.before");
        match self.inner.run(qobj, options) {
            Ok(job) => {
                drill::reached("send.after");
                self.store.sent(id, &job.job_id())?;
                drill::reached("send.noted");
                Ok(job)
            }
            Err(error) if service::may_have_arrived(&error) => {
                // It may have arrived. It is never sent again by itself.
                self.store.outcome_unknown(id, &StoredError::from(&error))?;
                Err(error)
            }
            Err(error) => {
                self.store.delete(id)?;
                Err(error)
            }
        }
    }

    fn start(&self, id: &str, qobj: Qobj, options: RunOptions) -> Result<Arc<Live>> {
        let claim = Claim { store: Arc::clone(&self.store), record: self.store.job(id)? };
        let on_disk = Arc::new(OnDisk::default());
        let in_parts = qobj.experiments().len() > 1 || claim.record.completed > 0;
        let started = match in_parts {
            true => self.in_parts(&claim, options, &on_disk).and_then(|batch| batch.start(qobj)),
            false => self.inner.run(qobj, options),
        };
        match started {
            Ok(job) => {
                let live = Live::new(job);
                let keeping = match in_parts {
                    true => Keeping::AsItComes(on_disk),
                    false => Keeping::AtTheEnd { largest: self.largest[0] },
                };
                let entry = Entry {
                    claim,
                    live: Arc::clone(&live),
                    keeping,
                    noting: None,
                    since: Instant::now(),
                };
                self.recorder.watch(entry)?;
                Ok(live)
            }
            Err(error) => {
                // Nobody was told of the job: it was never one.
                claim.forget()?;
                Err(error)
            }
        }
    }

    fn in_parts(&self, claim: &Claim, options: RunOptions, on_disk: &Arc<OnDisk>) -> Result<Batch> {
        let record = &claim.record;
        let mut earlier = match record.completed {
            0 => None,
            _ => self.store.result(&record.id)?,
        };
        if let Some(earlier) = &mut earlier {
            // Of a job that is not DONE the store says that it did not succeed.
            earlier.success = earlier.experiments.iter().all(|one| one.success);
        }
        let claim = Claim { store: Arc::clone(&claim.store), record: record.clone() };
        Ok(Batch {
            claim,
            backend: Arc::clone(&self.inner),
            options,
            earlier,
            room: self.largest[1],
            listener: self.listener.clone(),
            wind_down: Arc::clone(&self.wind_down),
            on_disk: Arc::clone(on_disk),
        })
    }
}

impl Backend for StoredBackend {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        self.inner.configuration()
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        self.inner.properties()
    }

    fn status(&self) -> Result<BackendStatus> {
        self.inner.status()
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        let service = !self.inner.configuration()?.local;
        let runner = if service { Runner::Service } else { Runner::Program };
        self.run_as(NewJob::new(&self.name, runner, options), qobj)
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        let id = self.store.resolve(job_id)?;
        let ours = self.store.job(&id)?.backend == self.name;
        if !ours {
            return Err(JobError::JobNotFound { job: job_id.to_owned() });
        }
        Ok(self.stored(id.clone(), self.recorder.job(&id)))
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        let filter = JobFilter {
            backend: Some(self.name.clone()),
            states: query.status.iter().cloned().collect(),
            limit: Some(query.limit.saturating_add(query.skip)),
            ..JobFilter::default()
        };
        let found = self.store.jobs(&filter)?.into_iter().skip(query.skip);
        Ok(found
            .map(|record| {
                let live = self.recorder.job(&record.id);
                self.stored(record.id, live)
            })
            .collect())
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        self.inner.extensions()
    }
}

impl std::fmt::Debug for StoredBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredBackend").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Writes down what becomes of the jobs of this process: one thread, as long as there are any.
#[derive(Default)]
struct Recorder {
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    entries: Vec<Entry>,
    has_thread: bool,
    /// The store's version when all entries were looked after last.
    seen: Option<(u64, u64)>,
}

struct Entry {
    claim: Claim,
    live: Arc<Live>,
    keeping: Keeping,
    /// Once the job has run for a while.
    noting: Option<Noting>,
    since: Instant,
}

/// When the results of a job are kept.
enum Keeping {
    /// Together with the job's end, unless they take more bytes.
    AtTheEnd { largest: u64 },
    /// By the job itself, all of them unless it says otherwise.
    AsItComes(Arc<OnDisk>),
}

/// A job that is over by then has no progress worth writing down.
const SHORT: Duration = Duration::from_millis(200);

/// How often leases are renewed.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(2);

impl Recorder {
    fn watch(self: &Arc<Self>, entry: Entry) -> Result<()> {
        let mut watched = self.watched();
        if !watched.has_thread {
            let recorder = Arc::clone(self);
            let thread = thread::Builder::new().name("ketch recorder".to_owned());
            thread.spawn(move || recorder.record()).map_err(|error| {
                JobError::caused("thread.unavailable", "cannot start a thread", error)
            })?;
            watched.has_thread = true;
        }
        watched.entries.push(entry);
        watched.seen = None;
        Ok(())
    }

    fn job(&self, id: &str) -> Option<Arc<Live>> {
        let watched = self.watched();
        let entry = watched.entries.iter().find(|entry| entry.claim.record.id == id)?;
        Some(Arc::clone(&entry.live))
    }

    fn record(&self) {
        let [shortest, longest] = live::LOOKS;
        let mut pause = shortest;
        let mut renewed = Instant::now();
        loop {
            let ended: Vec<Entry> =
                self.watched().entries.extract_if(.., |entry| entry.has_ended()).collect();
            if !ended.is_empty() {
                pause = shortest;
            }
            for entry in ended {
                let live = Arc::clone(&entry.live);
                // What cannot be written can be told in this process only: the job's owner is gone
                // when that is, and the job is an ERROR then.
                if entry.write_down().is_err() {
                    live.is_not_written();
                }
            }
            let mut watched = self.watched();
            if watched.entries.is_empty() {
                watched.has_thread = false;
                return;
            }
            let renew = renewed.elapsed() > HEARTBEAT;
            if renew {
                renewed = Instant::now();
            }
            // Nothing to hear of as long as nobody has written anything.
            let now = watched.entries.first().and_then(|entry| entry.claim.store.version());
            if renew || now.is_none() || now != watched.seen {
                watched.entries.retain(|entry| entry.look_after(renew));
            }
            watched.seen = now;
            watched.entries.iter_mut().for_each(Entry::note_progress);
            drop(watched);
            thread::sleep(pause);
            pause = (pause * 2).min(longest);
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn has_ended(&self) -> bool {
        self.live.job.status().is_ok_and(|status| status.is_final())
    }

    /// Hears of a cancel by another process; false once the job is not ours any more.
    fn look_after(&self, renew: bool) -> bool {
        let cancelled = if renew { self.claim.renew() } else { self.claim.is_cancelled() };
        match cancelled {
            Ok(false) => true,
            Ok(true) => {
                // That it could not be asked is seen by its not ending.
                let _ = self.live.job.cancel();
                true
            }
            Err(crate::Error::LostLease { .. }) => {
                let _ = self.live.job.cancel();
                false
            }
            // The disk may be well again the next time.
            Err(_) => true,
        }
    }

    fn note_progress(&mut self) {
        let record = &self.claim.record;
        if self.since.elapsed() > SHORT {
            let start = || Noting::of(&self.live.job, record, 0);
            self.noting.get_or_insert_with(start).note(&self.claim.store, &record.id);
        }
    }

    fn write_down(self) -> crate::Result<()> {
        if self.noting.is_some() {
            self.claim.store.forget_progress(&self.claim.record.id);
        }
        match self.live.job.shared_result(Some(live::CARRYING)) {
            Ok(result) => {
                let error = service::failure(&result);
                match &self.keeping {
                    Keeping::AtTheEnd { largest } if size_of(&result) <= *largest => {
                        return self.claim.finish_with(&result, error.as_ref());
                    }
                    Keeping::AtTheEnd { .. } => {}
                    Keeping::AsItComes(on_disk) => match std::mem::take(&mut *on_disk.now()) {
                        Parted::Kept => {}
                        Parted::TooLarge => self.claim.forget_results()?,
                        // Without its result it is not DONE. What is there, another job may go on
                        // with.
                        Parted::Refused(error) => return Err(error),
                    },
                }
                self.claim.finish(error.as_ref())
            }
            Err(JobError::Cancelled { .. }) => self.claim.cancelled(),
            Err(error) => self.claim.finish(Some(&StoredError::from(&error))),
        }
    }
}
