//! Jobs that are closures on threads: for providers that compute in their own process.

mod deadline;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use ketch_interface::{
    Backend, Error, Extensions, Job, JobQuery, JobStatus, Message, Result, RunOptions, RunResult,
};

use crate::{
    JOB_EVENT, Level, PROGRESS, Progress,
    events::{self, News, lock},
    host,
};

/// Runs jobs first come, first served, a fixed number at once, each on a thread of its own.
///
/// A job lives as long as it runs or somebody holds it. Dropping the queue does not stop what was
/// submitted.
#[derive(Debug)]
pub struct JobQueue {
    at_once: usize,
    state: Mutex<QueueState>,
}

#[derive(Debug, Default)]
struct QueueState {
    running: usize,
    waiting: VecDeque<Arc<ThreadJob>>,
    known: Vec<Weak<ThreadJob>>,
}

/// What the work of a job is lent while it runs.
#[derive(Debug)]
pub struct Running {
    cancel: Arc<AtomicBool>,
    reporter: Reporter,
}

/// Tells whoever listens how a job is. Clones tell of the same job; any thread may use one.
#[derive(Clone, Debug)]
pub struct Reporter(Arc<Reports>);

#[derive(Debug)]
struct Reports {
    job_id: String,
    created: Instant,
    /// Somebody wants to know the states.
    has_listener: AtomicBool,
    /// Milliseconds after `created` before which no progress is told.
    quiet_until: AtomicU64,
    progress: Mutex<Option<Progress>>,
}

/// The milliseconds between two pieces of progress: ten a second.
const BETWEEN_PROGRESS: u64 = 100;

type Work = Box<dyn FnOnce(&Running) -> Result<RunResult> + Send>;

struct ThreadJob {
    id: String,
    backend: Arc<dyn Backend>,
    created: SystemTime,
    /// When nobody wants the result any more.
    deadline: Option<SystemTime>,
    cancel: Arc<AtomicBool>,
    /// The deadline passed while the work was being done.
    expired: AtomicBool,
    reporter: Reporter,
    queue: Weak<JobQueue>,
    state: Mutex<State>,
    ended: Condvar,
}

enum State {
    Queued(Work),
    Running,
    Done(Arc<RunResult>),
    /// It ran to an end, but an experiment failed; the others' results are kept.
    Partial(Arc<RunResult>, String),
    Failed(Error),
    Cancelled,
}

impl Running {
    /// The id of the job.
    #[must_use]
    pub fn job_id(&self) -> &str {
        &self.reporter.0.job_id
    }

    /// Tells how far the work is: `done` experiments of `of`, and the share `within` of the next,
    /// from 0 to 1. Costs nothing to speak of when called often: at most ten a second are told.
    pub fn progress(&self, done: u64, of: u64, within: f64) {
        self.reporter.progress(done, of, within);
    }

    /// Says something about this job to whoever listens to it, and to the host's log.
    pub fn log(&self, level: Level, line: &str) {
        self.reporter.log(level, line);
    }

    /// The same for threads of the work's own.
    #[must_use]
    pub fn reporter(&self) -> Reporter {
        self.reporter.clone()
    }

    /// Somebody asked for the work to stop. Ask often: between blocks of work of at most some
    /// milliseconds.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// The flag behind [`is_cancelled`](Self::is_cancelled), for an engine that asks by itself.
    #[must_use]
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }
}

impl Reporter {
    fn new(job_id: &str) -> Self {
        Self(Arc::new(Reports {
            job_id: job_id.to_owned(),
            created: Instant::now(),
            has_listener: AtomicBool::new(false),
            // Who is done by then need not say how far it was.
            quiet_until: AtomicU64::new(BETWEEN_PROGRESS),
            progress: Mutex::new(None),
        }))
    }

    /// As [`Running::progress`].
    pub fn progress(&self, done: u64, of: u64, within: f64) {
        let reports = &*self.0;
        let progress = Progress { done, of, within };
        *lock(&reports.progress) = Some(progress);
        let now = u64::try_from(reports.created.elapsed().as_millis()).unwrap_or(u64::MAX);
        let quiet = reports.quiet_until.load(Ordering::Relaxed);
        let until = now.saturating_add(BETWEEN_PROGRESS);
        let is_first = |quiet| {
            let order = Ordering::Relaxed;
            reports.quiet_until.compare_exchange(quiet, until, order, order).is_ok()
        };
        if now >= quiet && is_first(quiet) {
            self.tell(&News::Progress(progress));
        }
    }

    /// As [`Running::log`].
    pub fn log(&self, level: Level, line: &str) {
        self.tell(&News::Log { level, line: line.to_owned() });
    }

    fn state(&self, state: JobStatus) {
        if self.0.has_listener.load(Ordering::Acquire) {
            self.tell(&News::State(state));
        }
    }

    /// Tells listeners of this very process, and the hosts of this library.
    fn tell(&self, news: &News) {
        events::push(&self.0.job_id, news);
        host::tell(&self.0.job_id, news);
    }
}

impl JobQueue {
    /// A queue that runs `at_once` jobs at a time, at least one.
    #[must_use]
    pub fn new(at_once: usize) -> Arc<Self> {
        Arc::new(Self { at_once: at_once.max(1), state: Mutex::default() })
    }

    /// Puts `work` into the queue and returns its job at once.
    ///
    /// What the work returns is the job's result; `backend_name`, `job_id` and `date` are filled in
    /// where they are empty. A panic in it becomes the job's error. When the deadline of the options
    /// passes, the work is asked to stop, as by a cancel, and the job fails; a job that still waits
    /// for its turn then is not begun.
    pub fn submit(
        self: &Arc<Self>,
        backend: Arc<dyn Backend>,
        options: &RunOptions,
        work: impl FnOnce(&Running) -> Result<RunResult> + Send + 'static,
    ) -> Arc<dyn Job> {
        let id = options.job_key.clone().unwrap_or_else(new_id);
        let job = Arc::new(ThreadJob {
            reporter: Reporter::new(&id),
            id,
            backend,
            created: SystemTime::now(),
            deadline: options.deadline,
            cancel: Arc::default(),
            expired: AtomicBool::new(false),
            queue: Arc::downgrade(self),
            state: Mutex::new(State::Queued(Box::new(work))),
            ended: Condvar::new(),
        });
        let mut state = lock(&self.state);
        state.known.retain(|known| known.strong_count() > 0);
        state.known.push(Arc::downgrade(&job));
        state.waiting.push_back(Arc::clone(&job));
        if state.running < self.at_once {
            let queue = Arc::clone(self);
            // Not named after the job: its id may hold what the name of a thread may not.
            let thread = std::thread::Builder::new().name("ketch job".to_owned());
            // Under the lock, so that nobody counts on a thread that does not come.
            match thread.spawn(move || queue.work_off()) {
                Ok(_) => state.running += 1,
                // The job waits for the threads that there are.
                Err(_) if state.running > 0 => {}
                Err(error) => {
                    state.waiting.pop_back();
                    drop(state);
                    let error = Error::caused("thread.unavailable", "cannot start a thread", error);
                    job.end(State::Failed(error));
                }
            }
        }
        job
    }

    /// The job with this id.
    ///
    /// # Errors
    /// [`Error::JobNotFound`] also for one that has ended and that nobody holds.
    pub fn job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        let job = self.known().into_iter().find(|job| job.id == job_id);
        job.map(|job| job as Arc<dyn Job>)
            .ok_or_else(|| Error::JobNotFound { job: job_id.to_owned() })
    }

    /// The jobs that run, wait or are held, the newest first.
    #[must_use]
    pub fn jobs(&self, query: &JobQuery) -> Vec<Arc<dyn Job>> {
        let matches = |job: &Arc<ThreadJob>| {
            query.status.as_ref().is_none_or(|wanted| job.state_now().status() == *wanted)
        };
        let found = self.known().into_iter().rev().filter(matches);
        found.skip(query.skip).take(query.limit).map(|job| job as Arc<dyn Job>).collect()
    }

    /// How many jobs wait or run: the `pending_jobs` of a backend's status.
    #[must_use]
    pub fn pending(&self) -> u64 {
        let pending = |job: &&Arc<ThreadJob>| !job.state_now().status().is_final();
        self.known().iter().filter(pending).count() as u64
    }

    fn known(&self) -> Vec<Arc<ThreadJob>> {
        lock(&self.state).known.iter().filter_map(Weak::upgrade).collect()
    }

    /// Takes jobs until none waits; runs on a thread of its own.
    fn work_off(&self) {
        loop {
            let mut state = lock(&self.state);
            let Some(job) = state.waiting.pop_front() else {
                state.running -= 1;
                return;
            };
            drop(state);
            job.run();
        }
    }
}

impl ThreadJob {
    fn run(&self) {
        let mut state = self.state_now();
        let State::Queued(work) = std::mem::replace(&mut *state, State::Running) else {
            // Cancelled while it waited.
            *state = State::Cancelled;
            return;
        };
        drop(state);
        if self.deadline.is_some_and(|deadline| deadline::left(deadline).is_zero()) {
            return self.end(State::Failed(self.too_late("before its turn came")));
        }
        self.reporter.state(JobStatus::Running);
        let running = Running { cancel: Arc::clone(&self.cancel), reporter: self.reporter.clone() };
        let outcome = deadline::until(
            self.deadline,
            || self.expire(),
            || catch_unwind(AssertUnwindSafe(|| work(&running))),
        );
        let end = match outcome {
            Ok(Ok(result)) => self.ended_with(result),
            Ok(Err(Error::Cancelled { .. })) => State::Cancelled,
            Ok(Err(error)) => State::Failed(error),
            Err(panic) => State::Failed(panicked(self.backend.name(), &*panic)),
        };
        self.end(end);
    }

    fn ended_with(&self, mut result: RunResult) -> State {
        result.job_id.clone_from(&self.id);
        if result.backend_name.is_empty() {
            self.backend.name().clone_into(&mut result.backend_name);
        }
        if result.date.is_none() {
            let now = humantime::format_rfc3339_seconds(SystemTime::now());
            result.date = Some(now.to_string());
        }
        let failed = result.experiments.iter().find(|experiment| !experiment.success);
        let reason = failed.map(|experiment| {
            format!("experiment `{}` failed: {}", experiment.name, experiment.status)
        });
        match reason {
            None if result.success => State::Done(Arc::new(result)),
            None => {
                let reason = result.status.clone();
                State::Partial(Arc::new(result), reason)
            }
            Some(reason) => {
                result.success = false;
                State::Partial(Arc::new(result), reason)
            }
        }
    }

    /// Asks the work to stop, unless somebody has.
    fn expire(&self) {
        let _state = self.state_now();
        if !self.cancel.swap(true, Ordering::Relaxed) {
            self.expired.store(true, Ordering::Relaxed);
        }
    }

    fn too_late(&self, when: &str) -> Error {
        Error::JobFailed { job: self.id.clone(), reason: format!("its deadline passed {when}") }
    }

    fn end(&self, end: State) {
        let mut state = self.state_now();
        // Under the lock that `cancel` takes: whoever was told that there was still something to
        // stop finds the job cancelled, even if its work was too fast to notice.
        let stopped = self.cancel.load(Ordering::Relaxed);
        let expired = self.expired.load(Ordering::Relaxed);
        let end = match end {
            // It was faster than it was told.
            State::Done(result) if expired => State::Done(result),
            _ if expired => State::Failed(self.too_late("while it ran")),
            _ if stopped => State::Cancelled,
            end => end,
        };
        let status = end.status();
        let before = std::mem::replace(&mut *state, end);
        drop(state);
        self.ended.notify_all();
        self.reporter.state(status);
        drop(before);
    }

    fn state_now(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn status(&self) -> JobStatus {
        match self {
            Self::Queued(_) => JobStatus::Queued,
            Self::Running => JobStatus::Running,
            Self::Done(_) => JobStatus::Done,
            Self::Partial(..) | Self::Failed(_) => JobStatus::Error,
            Self::Cancelled => JobStatus::Cancelled,
        }
    }
}

impl Job for ThreadJob {
    fn job_id(&self) -> String {
        self.id.clone()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    fn status(&self) -> Result<JobStatus> {
        Ok(self.state_now().status())
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        self.shared_result(timeout).map(Arc::unwrap_or_clone)
    }

    fn shared_result(&self, timeout: Option<Duration>) -> Result<Arc<RunResult>> {
        let start = Instant::now();
        let mut state = self.state_now();
        loop {
            match &*state {
                State::Done(result) | State::Partial(result, _) => return Ok(Arc::clone(result)),
                State::Failed(error) => return Err(error.clone()),
                State::Cancelled => return Err(Error::Cancelled { job: self.id.clone() }),
                State::Queued(_) | State::Running => {}
            }
            let Some(timeout) = timeout else {
                state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Error::Timeout { job: self.id.clone(), after: timeout });
            }
            let waited = self.ended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn cancel(&self) -> Result<bool> {
        let mut state = self.state_now();
        match &*state {
            State::Queued(_) => {
                let queued = std::mem::replace(&mut *state, State::Cancelled);
                drop(state);
                self.ended.notify_all();
                self.reporter.state(JobStatus::Cancelled);
                // The work, and what it holds, is dropped here and not when its turn comes; and
                // without the lock, for what it holds may ask for the state of this job.
                drop(queued);
                Ok(true)
            }
            State::Running => {
                self.cancel.store(true, Ordering::Relaxed);
                Ok(true)
            }
            State::Done(_) | State::Partial(..) | State::Failed(_) | State::Cancelled => Ok(false),
        }
    }

    fn creation_date(&self) -> Result<Option<SystemTime>> {
        Ok(Some(self.created))
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        let Some(queue) = self.queue.upgrade() else { return Ok(None) };
        let state = lock(&queue.state);
        // Cancelled jobs keep their place until their turn, but nobody waits for them.
        let waiting = state.waiting.iter().filter(|job| {
            std::ptr::eq(&***job, self) || job.state_now().status() == JobStatus::Queued
        });
        let place = waiting.enumerate().find(|(_, job)| std::ptr::eq(&***job, self));
        let queued = self.state_now().status() == JobStatus::Queued;
        Ok(place.filter(|_| queued).and_then(|(place, _)| u32::try_from(place + 1).ok()))
    }

    fn error_message(&self) -> Result<Option<String>> {
        Ok(match &*self.state_now() {
            State::Partial(_, reason) => Some(reason.clone()),
            State::Failed(error) => {
                let causes = error.causes();
                let chain = std::iter::once(error.to_string()).chain(causes);
                Some(chain.collect::<Vec<_>>().join(": "))
            }
            _ => None,
        })
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Extensions for ThreadJob {
    fn supports(&self, name: &str) -> u32 {
        u32::from(name == PROGRESS || (name == JOB_EVENT && host::is_there()))
    }

    /// Neither of its abilities blocks.
    fn call(&self, name: &str, _message: Message) -> Result<Message> {
        match name {
            JOB_EVENT => {
                self.reporter.0.has_listener.store(true, Ordering::Release);
                Ok(Message::default())
            }
            PROGRESS => {
                let progress = *lock(&self.reporter.0.progress);
                let document = progress.map(|progress| progress.document()).unwrap_or_default();
                Ok(Message::json(&document))
            }
            _ => {
                let what = format!("a job of backend `{}`", self.backend.name());
                Err(Error::not_supported(what, format!("the extension `{name}`")))
            }
        }
    }
}

impl std::fmt::Debug for ThreadJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadJob").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An id that no other job of this machine has: the time, the process and a counter.
fn new_id() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{counter:x}", since.as_millis(), std::process::id())
}

fn panicked(backend: &str, panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let message = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::ProviderPanicked { provider: backend.to_owned(), message }
}

#[cfg(test)]
mod tests;
