//! Waiting for jobs: results as they come, time-outs, Ctrl-C.
//!
//! Each job is waited for on a thread of its own. So a service is asked about its job as often as its
//! provider thinks right, however long it takes to answer, and Ctrl-C is heard all the same.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use ketch::{BackendError, EventsOf, Job, JobEvent, RunResult, events_of};

use super::interrupt::Interrupt;
use crate::{
    failure::Failure,
    output::{number, progress::Progress},
};

/// A job that was submitted, and for what.
pub(crate) struct Submitted {
    /// Which of the command line's files.
    pub(crate) place: usize,
    /// What it is called in messages.
    pub(crate) title: String,
    pub(crate) job: Arc<dyn Job>,
    pub(crate) started: Instant,
    /// What the user should know of how the circuits were changed.
    pub(crate) notes: Vec<String>,
}

/// What becomes of jobs that are not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivingUp {
    /// They are of no use without this process.
    Cancels,
    /// They go on.
    LeavesThem,
}

/// How late Ctrl-C is noticed at most.
const LOOK: Duration = Duration::from_millis(50);

/// How long cancelled jobs get to come to rest.
const GRACE: Duration = Duration::from_secs(1);

/// What came of a job, with its place in the list of jobs.
type Outcome = (usize, Result<Arc<RunResult>, BackendError>);

/// Calls `done` with each job and its result or failure, as they complete. Jobs without a result
/// when the time is up are given up, and `done` is told so.
///
/// # Errors
/// If the user interrupts, after giving up all jobs; and what `done` fails with.
pub(crate) fn each_as_it_completes(
    jobs: Vec<Submitted>,
    timeout: Option<Duration>,
    giving_up: GivingUp,
    mut done: impl FnMut(Submitted, Result<Arc<RunResult>, Failure>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::new("interrupt.unavailable", "cannot listen to Ctrl-C").caused_by(&error)
    })?;
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut progress = Progress::start();
    let total = jobs.len();
    let mut shares = Shares::of(&jobs, progress.shows());
    let outcomes = wait_for(&jobs, deadline).map_err(|error| {
        giving_up.on(&jobs);
        Failure::new("thread.unavailable", "cannot wait for the jobs").caused_by(&error)
    })?;
    let mut jobs: BTreeMap<usize, Submitted> = jobs.into_iter().enumerate().collect();
    while !jobs.is_empty() {
        if interrupt.is_pressed() {
            progress.erase();
            return Err(giving_up.interrupted(jobs.values()));
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match outcomes.recv_timeout(left.map_or(LOOK, |left| left.min(LOOK))) {
            Ok((place, result)) => {
                progress.erase();
                if let Some(job) = jobs.remove(&place) {
                    done(job, result.map_err(Failure::from))?;
                }
            }
            Err(RecvTimeoutError::Timeout) if left != Some(Duration::ZERO) => {}
            // The time is up; at that the threads give up as well.
            Err(_) => {
                progress.erase();
                giving_up.on(jobs.values());
                return jobs.into_values().try_for_each(|job| {
                    let failure = giving_up.timed_out(&job, timeout.unwrap_or_default());
                    done(job, Err(failure))
                });
            }
        }
        if !jobs.is_empty() {
            progress.tick(total - jobs.len(), total, shares.whole());
        }
    }
    Ok(())
}

/// How far all jobs are together.
struct Shares {
    /// None if nobody sees it.
    events: Option<EventsOf>,
    of_jobs: Vec<f64>,
}

impl Shares {
    fn of(jobs: &[Submitted], is_seen: bool) -> Self {
        // Without events there is no bar, and nothing else is missing.
        let listen = || events_of(jobs.iter().map(|submitted| Arc::clone(&submitted.job))).ok();
        Self { events: is_seen.then(listen).flatten(), of_jobs: vec![0.0; jobs.len()] }
    }

    /// The share of all work that is done, each job counted alike. Does not block.
    fn whole(&mut self) -> Option<f64> {
        let events = self.events.as_mut()?;
        while let Some((place, event)) = events.next_within(Duration::ZERO) {
            match event {
                JobEvent::Progress(progress) => self.of_jobs[place] = progress.share(),
                JobEvent::State(state) if state.is_final() => self.of_jobs[place] = 1.0,
                _ => {}
            }
        }
        Some(self.of_jobs.iter().sum::<f64>() / self.of_jobs.len() as f64)
    }
}

/// Waits for each job on a thread of its own; nobody waits for the threads.
fn wait_for(jobs: &[Submitted], deadline: Option<Instant>) -> io::Result<Receiver<Outcome>> {
    let (sender, outcomes) = mpsc::channel();
    for (place, submitted) in jobs.iter().enumerate() {
        let (job, sender) = (Arc::clone(&submitted.job), sender.clone());
        let wait = move || {
            if let Some(result) = outcome(&*job, deadline) {
                // Nobody listens any more after Ctrl-C.
                let _ = sender.send((place, result));
            }
        };
        thread::Builder::new().name(format!("job {place}")).spawn(wait)?;
    }
    Ok(outcomes)
}

/// What comes of a job; `None` if nothing does before the deadline. Blocks.
fn outcome(
    job: &dyn Job,
    deadline: Option<Instant>,
) -> Option<Result<Arc<RunResult>, BackendError>> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match job.shared_result(left) {
            Err(BackendError::Timeout { .. }) => {
                if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return None;
                }
                // One that answers before its time is over either failed with a time-out of its own
                // or does not keep the contract; neither may keep this loop spinning.
                if job.status().is_ok_and(|status| status.is_final()) {
                    return Some(job.shared_result(Some(LOOK)));
                }
                thread::sleep(LOOK);
            }
            result => return Some(result),
        }
    }
}

impl GivingUp {
    fn on<'a>(self, jobs: impl IntoIterator<Item = &'a Submitted, IntoIter: Clone>) {
        match self {
            Self::Cancels => cancel(jobs),
            Self::LeavesThem => {}
        }
    }

    fn timed_out(self, job: &Submitted, timeout: Duration) -> Failure {
        let (what, hint) = match self {
            Self::Cancels => ("the job was cancelled", "--timeout gives it more time"),
            Self::LeavesThem => ("the job goes on", "`ketch watch` follows it"),
        };
        let after = number::duration(timeout);
        let message = format!("{}: no result within {after}; {what}", job.title);
        Failure::new("job.timeout", message).with_hint(hint)
    }

    fn interrupted<'a>(
        self,
        jobs: impl ExactSizeIterator<Item = &'a Submitted> + Clone,
    ) -> Failure {
        let count = number::count_of(jobs.len() as u64, "job");
        self.on(jobs);
        Failure::new(
            "interrupted",
            match self {
                Self::Cancels => format!("interrupted; cancelled {count}"),
                Self::LeavesThem => "interrupted; the job goes on".to_owned(),
            },
        )
    }
}

/// Cancels the jobs and waits a moment for them to come to rest.
fn cancel<'a>(jobs: impl IntoIterator<Item = &'a Submitted, IntoIter: Clone>) {
    let jobs = jobs.into_iter();
    for submitted in jobs.clone() {
        // One that cannot be cancelled is no reason to keep the others running.
        let _ = submitted.job.cancel();
    }
    let deadline = Instant::now() + GRACE;
    for submitted in jobs {
        let left = deadline.saturating_duration_since(Instant::now());
        let _ = submitted.job.shared_result(Some(left));
    }
}
