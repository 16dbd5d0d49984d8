//! [`Watch`]: the states of many jobs by one question.
//!
//! Whoever waits for many jobs of an account asks for each of them again and again. Once there are
//! more than a few, the first who asks gets the list of all jobs that are not at their ends, and the
//! others read it. A job that it does not name is asked for alone: it has just come to its end, or
//! was not there yet.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    Settings,
    service::{JobRecord, Service},
};

/// So many jobs at a time are asked for alone.
const ALONE: usize = 3;

/// The jobs of an account that somebody waits for.
pub(crate) struct Watch {
    service: Arc<dyn Service>,
    settings: Settings,
    state: Mutex<State>,
    /// A list came, or will not come.
    settled: Condvar,
}

#[derive(Default)]
struct State {
    /// When each job was asked about last.
    asked: HashMap<String, Instant>,
    /// When a job was heard of that lists asked for before do not tell of: its end, or that it is to
    /// stop.
    told: HashMap<String, Instant>,
    latest: Option<Arc<List>>,
    /// Somebody is asking for a list.
    asking: bool,
    /// No list is asked for before: the last one could not be had.
    rests: Option<Instant>,
}

/// What one question told of many jobs.
pub(crate) struct List {
    pub(crate) jobs: HashMap<String, JobRecord>,
    /// When it was asked for: it tells of nothing later.
    pub(crate) begun: Instant,
    arrived: Instant,
}

impl Watch {
    pub(crate) fn new(service: Arc<dyn Service>, settings: Settings) -> Self {
        Self { service, settings, state: Mutex::default(), settled: Condvar::new() }
    }

    /// A list that was asked for at `since` or later, and has just come; `None` if the job is better
    /// asked for alone. Blocks while a list is asked for.
    pub(crate) fn list(
        &self,
        job_id: &str,
        since: Option<Instant>,
        deadline: Option<Instant>,
    ) -> Option<Arc<List>> {
        let start = Instant::now();
        // What a list may take of a caller's time leaves enough to ask for the job alone.
        let half = |deadline: Instant| start + deadline.saturating_duration_since(start) / 2;
        let deadline = deadline.map(half);
        // Somebody else's question may take longer than one of our own.
        let patience = start + self.settings.poll_limit;
        let patience = deadline.map_or(patience, |deadline| deadline.min(patience));
        let mut state = self.state();
        state.asked.insert(job_id.to_owned(), start);
        let since = since.max(state.told.get(job_id).copied());
        loop {
            let now = Instant::now();
            let news = state.latest.as_ref().filter(|list| {
                since.is_none_or(|since| list.begun >= since)
                    && now.duration_since(list.arrived) < self.settings.poll
            });
            if let Some(list) = news {
                return Some(Arc::clone(list));
            }
            if !state.asking {
                break;
            }
            if now >= patience {
                return None;
            }
            let waited = self.settled.wait_timeout(state, patience - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let now = Instant::now();
        if state.asked.len() > ALONE {
            // Whom nobody has asked about for so long, nobody waits for.
            let long = self.settings.poll_limit * 2;
            state.asked.retain(|_, asked| now.duration_since(*asked) < long);
        }
        if state.asked.len() <= ALONE || state.rests.is_some_and(|rests| now < rests) {
            return None;
        }
        state.asking = true;
        let n_jobs = state.asked.len();
        drop(state);
        self.ask(n_jobs, deadline)
    }

    fn ask(&self, n_jobs: usize, deadline: Option<Instant>) -> Option<Arc<List>> {
        let _asking = Asking(self);
        let begun = Instant::now();
        let limit = begun + self.longest();
        let limit = deadline.map_or(limit, |deadline| deadline.min(limit));
        let jobs = self.service.unfinished(n_jobs, Some(limit));
        let (mut state, arrived) = (self.state(), Instant::now());
        match jobs {
            Ok(jobs) => {
                let jobs = jobs.into_iter().map(|job| (job.id.clone(), job)).collect();
                let list = Arc::new(List { jobs, begun, arrived });
                state.latest = Some(Arc::clone(&list));
                Some(list)
            }
            // What is wrong, the service says of each job. One that is down is not asked for much
            // more than without lists: so long, every job is asked for several times.
            Err(_) => {
                if deadline.is_none_or(|deadline| arrived < deadline) {
                    state.rests = Some(arrived + self.settings.poll_limit * 6);
                }
                None
            }
        }
    }

    /// The longest that a list may take. It is not the job that somebody waits for, and there may be
    /// no list where there are answers for each job.
    fn longest(&self) -> Duration {
        let least = Duration::from_secs(2);
        self.settings.request.min((self.settings.poll_limit * 2).max(least))
    }

    /// Something was heard of this job now. No list that was asked for before is read for it.
    pub(crate) fn heard(&self, job_id: &str) {
        let now = Instant::now();
        // Until then, a list that was asked for before may be on its way, or read.
        let long = self.longest() + self.settings.poll;
        let mut state = self.state();
        state.told.retain(|_, told| now.duration_since(*told) < long);
        state.told.insert(job_id.to_owned(), now);
    }

    /// This job is over, and nobody will ask about it any more.
    pub(crate) fn forget(&self, job_id: &str) {
        self.heard(job_id);
        self.state().asked.remove(job_id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and each change leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As long as it lives, a list is asked for.
struct Asking<'a>(&'a Watch);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.state().asking = false;
        self.0.settled.notify_all();
    }
}
