//! Waiting for jobs: results as they come, time-outs, Ctrl-C. No thread is started for it.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ketch::{BackendError, Job, RunResult};

use super::interrupt::Interrupt;
use crate::{
    failure::Failure,
    output::{number, progress::Progress},
};

/// A job that was submitted, and for what.
pub(super) struct Submitted {
    /// Which of the command line's files.
    pub(super) place: usize,
    /// Its name.
    pub(super) file: String,
    pub(super) job: Arc<dyn Job>,
    pub(super) started: Instant,
    /// What the user should know of how the circuits were changed.
    pub(super) notes: Vec<String>,
}

/// How long one look at the jobs takes; also how late Ctrl-C is noticed.
const LOOK: Duration = Duration::from_millis(50);

/// How long cancelled jobs get to come to rest.
const GRACE: Duration = Duration::from_secs(1);

/// Calls `done` with each job and its result or failure, as they complete. Jobs without a result
/// when the time is up are cancelled, and `done` is told so.
///
/// # Errors
/// If the user interrupts, after cancelling all jobs; and what `done` fails with.
pub(super) fn each_as_it_completes(
    mut jobs: Vec<Submitted>,
    timeout: Option<Duration>,
    mut done: impl FnMut(Submitted, Result<RunResult, Failure>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::new("interrupt.unavailable", "cannot listen to Ctrl-C").caused_by(&error)
    })?;
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut progress = Progress::start();
    let total = jobs.len();
    while !jobs.is_empty() {
        if interrupt.is_pressed() {
            progress.erase();
            return Err(interrupted(&jobs));
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let completed = look(&jobs, left.map_or(LOOK, |left| left.min(LOOK)));
        if let Some((place, result)) = completed {
            progress.erase();
            done(jobs.remove(place), result)?;
        } else if let (Some(Duration::ZERO), Some(timeout)) = (left, timeout) {
            progress.erase();
            cancel(&jobs);
            return jobs.into_iter().try_for_each(|job| {
                let failure = timed_out(&job, timeout);
                done(job, Err(failure))
            });
        }
        if !jobs.is_empty() {
            progress.tick(total - jobs.len(), total);
        }
    }
    Ok(())
}

/// The first job that has completed, with what it came to. Waits at most for `wait`, on the first
/// of them.
fn look(jobs: &[Submitted], wait: Duration) -> Option<(usize, Result<RunResult, Failure>)> {
    let complete = |submitted: &Submitted| {
        // That a service cannot be asked just now says nothing about the job.
        jobs.len() > 1 && submitted.job.status().is_ok_and(|status| status.is_final())
    };
    let place = jobs.iter().position(complete).unwrap_or(0);
    let job = &jobs[place].job;
    let asked = Instant::now();
    match job.result(Some(wait)) {
        Err(BackendError::Timeout { .. }) => {
            // One that answers before its time is over either failed with a time-out of its own or
            // does not keep the contract; neither may keep this loop spinning.
            let left = wait.saturating_sub(asked.elapsed());
            if !left.is_zero() && job.status().is_ok_and(|status| status.is_final()) {
                return Some((place, job.result(Some(LOOK)).map_err(Failure::from)));
            }
            thread::sleep(left);
            None
        }
        result => Some((place, result.map_err(Failure::from))),
    }
}

fn timed_out(job: &Submitted, timeout: Duration) -> Failure {
    let after = number::duration(timeout);
    let message = format!("{}: no result within {after}; the job was cancelled", job.file);
    Failure::new("job.timeout", message).with_hint("--timeout gives it more time")
}

fn interrupted(jobs: &[Submitted]) -> Failure {
    cancel(jobs);
    let jobs = number::count_of(jobs.len() as u64, "job");
    Failure::new("interrupted", format!("interrupted; cancelled {jobs}"))
}

/// Cancels the jobs and waits a moment for them to come to rest.
fn cancel(jobs: &[Submitted]) {
    for submitted in jobs {
        // One that cannot be cancelled is no reason to keep the others running.
        let _ = submitted.job.cancel();
    }
    let deadline = Instant::now() + GRACE;
    for submitted in jobs {
        let left = deadline.saturating_duration_since(Instant::now());
        let _ = submitted.job.result(Some(left));
    }
}
