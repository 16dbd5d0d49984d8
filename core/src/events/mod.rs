//! What happens to jobs, as it happens: [`JobEvents::events`], [`JobEvents::on_event`] and, for many
//! jobs at once, [`events_of`].
//!
//! A job that can push its news ([`JOB_EVENT`]) is told that somebody listens, and its provider
//! pushes them to the host, which sorts them into mailboxes by the job's id (`mailbox.rs`). Every job
//! is besides looked at from time to time by a few threads of the process (`looking.rs`), so that
//! those that push nothing have events as well, and one that dies without a word is heard of.
//!
//! **Invariant:** whoever pushes only enqueues. No listener runs on a thread of a provider.

mod callbacks;
mod looking;
mod mailbox;
mod news;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ketch_interface::{Error, Job, JobStatus, Result};

pub use self::looking::publish;
pub(crate) use self::looking::push;
pub(crate) use self::mailbox::lock;
use self::mailbox::{Bell, Mailbox};
pub(crate) use self::news::{News, level_name};
use crate::Level;

/// The extension by which news of a job reach the host: its state, its progress.
///
/// The host's: head `{"job_id": …}` and any of `state`, a word; `done`, `of` and `within`, a
/// [`Progress`]; `progress`, the share that is done, of providers that say no more.
/// A job's that has it: `call` tells the job that somebody listens, so that it pushes its states.
pub const JOB_EVENT: &str = "ketch.job_event/1";

/// The extension of a job that tells how far it is: answer `{"done": …, "of": …, "within": …}`, or
/// null if it does not know. Does not block.
pub const PROGRESS: &str = "ketch.progress/1";

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum JobEvent {
    /// It came into this state; nothing comes after a final one. A job that can no longer be asked
    /// is ERROR here.
    State(JobStatus),
    /// Its place in the queue: 1 is next.
    Position(u32),
    /// How far it is; at most ten times a second.
    Progress(Progress),
    /// Its provider says something about it.
    Log {
        /// How much it matters.
        level: Level,
        /// One line.
        line: String,
    },
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// How many experiments are finished.
    pub done: u64,
    /// How many there are, at least 1.
    pub of: u64,
    /// Which share of the next one is done, from 0 to 1.
    pub within: f64,
}

impl Progress {
    /// The share of the whole job, from 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        ((self.done as f64 + self.within) / self.of.max(1) as f64).clamp(0.0, 1.0)
    }

    /// Numbers of somebody who is not trusted, within their bounds.
    fn bounded(self) -> Self {
        let of = self.of.max(1);
        let done = self.done.min(of);
        let within = if self.within.is_finite() { self.within.clamp(0.0, 1.0) } else { 0.0 };
        Self { done, of, within: if done == of { 0.0 } else { within } }
    }
}

/// Listening to a job. For every job of every provider.
pub trait JobEvents {
    /// The events of this job from now on, its present state first, up to its end.
    ///
    /// Reading blocks; dropping the reader ends the listening and nothing else. Memory is bounded: a
    /// reader that is slow misses intermediate progress, and log lines beyond 1000 that it has not
    /// read, which a line says; never a state.
    ///
    /// # Errors
    /// If no thread can be started that looks at the job.
    fn events(&self) -> Result<Events>;

    /// Calls `listener` with each event up to the job's end, on a thread of the process that all
    /// listeners share: one that blocks delays the others. One that panics is not called again.
    ///
    /// # Errors
    /// As [`events`](Self::events).
    fn on_event(&self, listener: impl FnMut(JobEvent) + Send + 'static) -> Result<()>
    where
        Self: Sized;
}

impl JobEvents for Arc<dyn Job> {
    fn events(&self) -> Result<Events> {
        Ok(Events(events_of([Arc::clone(self)])?))
    }

    fn on_event(&self, listener: impl FnMut(JobEvent) + Send + 'static) -> Result<()> {
        callbacks::add(Arc::clone(self), Box::new(listener))
    }
}

/// The events of one job, as [`JobEvents::events`] gives them. An iterator that blocks.
#[derive(Debug)]
pub struct Events(EventsOf);

impl Events {
    /// The next event if there is one already. Does not block.
    pub fn try_next(&mut self) -> Option<JobEvent> {
        self.next_within(Duration::ZERO)
    }

    /// Waits for the next event, at most so long; `None` then, and after the last one.
    pub fn next_within(&mut self, time: Duration) -> Option<JobEvent> {
        self.0.next_within(time).map(|(_, event)| event)
    }
}

impl Iterator for Events {
    type Item = JobEvent;

    fn next(&mut self) -> Option<JobEvent> {
        self.0.next().map(|(_, event)| event)
    }
}

/// The events of many jobs, each with the job's place in the list, until all have come to their ends.
///
/// No thread is started for a job. As [`JobEvents::events`] otherwise.
///
/// # Errors
/// If no thread can be started that looks at the jobs.
pub fn events_of(jobs: impl IntoIterator<Item = Arc<dyn Job>>) -> Result<EventsOf> {
    let bell = Arc::<Bell>::default();
    let mut mailboxes = Vec::new();
    for (place, job) in jobs.into_iter().enumerate() {
        let mailbox = Arc::new(Mailbox::new(Arc::clone(&bell), place));
        looking::look_after(job, &mailbox)?;
        mailboxes.push(Some(mailbox));
    }
    let open = mailboxes.len();
    Ok(EventsOf { bell, mailboxes, open })
}

/// The events of many jobs, as [`events_of`] gives them. An iterator that blocks.
#[derive(Debug)]
pub struct EventsOf {
    bell: Arc<Bell>,
    /// By place; none of a job whose last event was read.
    mailboxes: Vec<Option<Arc<Mailbox>>>,
    open: usize,
}

impl EventsOf {
    /// Waits for the next event, at most so long; `None` then, and after the last one.
    pub fn next_within(&mut self, time: Duration) -> Option<(usize, JobEvent)> {
        self.next_until(Instant::now().checked_add(time))
    }

    /// Waits for the next event, at most until then; `None` at that time, and after the last one.
    fn next_until(&mut self, deadline: Option<Instant>) -> Option<(usize, JobEvent)> {
        while self.open > 0 {
            let place = self.bell.wait(deadline)?;
            let Some(mailbox) = &self.mailboxes[place] else { continue };
            let (event, is_last) = mailbox.take();
            if is_last {
                self.mailboxes[place] = None;
                self.open -= 1;
            }
            if let Some(event) = event {
                return Some((place, event));
            }
        }
        None
    }
}

impl Iterator for EventsOf {
    type Item = (usize, JobEvent);

    fn next(&mut self) -> Option<(usize, JobEvent)> {
        self.next_until(None)
    }
}

fn no_thread(error: std::io::Error) -> Error {
    Error::caused("thread.unavailable", "cannot start a thread that looks at jobs", error)
}

#[cfg(test)]
mod tests;
