//! Waiting for jobs: results as they come, time-outs, Ctrl-C.
//!
//! Each job is waited for on a thread of its own. So a service is asked about its job as often as its
//! provider thinks right, however long it takes to answer, and Ctrl-C is heard all the same.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use ketch::{BackendError, Events, Job, JobEvent, JobEvents, RunResult};

use super::interrupt::Interrupt;
use crate::{
    failure::Failure,
    output::{
        number,
        progress::{Done, Progress},
    },
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
    /// How many experiments it has.
    pub(crate) experiments: u64,
    /// How many of them were told of already.
    pub(crate) told: u64,
    /// Its results are told while it runs.
    pub(crate) in_parts: bool,
}

/// What is heard of jobs while they are waited for.
pub(crate) enum Heard {
    /// Some experiments of a job are finished, the next so many: what came of them, if somebody
    /// wants to know.
    Part { job_id: String, count: u64, result: Option<Box<RunResult>> },
    /// What came of the job in this place.
    End(usize, Result<Arc<RunResult>, BackendError>),
}

/// Jobs that are begun and waited for.
pub(crate) trait Jobs {
    /// Begins the next job; `None` if there are no more.
    ///
    /// # Errors
    /// If no further job can be begun at all.
    fn next(&mut self) -> Result<Option<Submitted>, Failure>;

    /// The next so many experiments of a job are finished.
    ///
    /// # Errors
    /// If there is no point in going on.
    fn part(&mut self, _: &Submitted, _: u64, _: Option<&RunResult>) -> Result<(), Failure> {
        Ok(())
    }

    /// A job has come to its end.
    ///
    /// # Errors
    /// If there is no point in going on.
    fn end(
        &mut self,
        job: Submitted,
        result: Result<Arc<RunResult>, Failure>,
    ) -> Result<(), Failure>;

    /// The time is up for the jobs that were not begun.
    fn out_of_time(&mut self, _: Duration) {}

    /// How far all are.
    fn done(&self) -> Done {
        Done::default()
    }

    /// Lets jobs that are run in parts stop behind the part that they are at.
    fn wind_down(&mut self) {}

    /// What to say after Ctrl-C, when so many jobs did not come to their ends.
    fn interrupted(&mut self, left: usize) -> Failure;
}

/// How jobs are waited for.
pub(crate) struct Patience {
    /// For how long.
    pub(crate) timeout: Option<Duration>,
    /// What becomes of those that are given up.
    pub(crate) giving_up: GivingUp,
    /// How many are begun before the first has come to its end.
    pub(crate) at_once: usize,
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

/// How long cancelled jobs get to come to rest, and parts to be finished.
const GRACE: Duration = Duration::from_secs(1);

/// Begins jobs and waits for them, those of `channel` telling of their parts. Jobs without a result
/// when the time is up are given up, and their ends say so.
///
/// # Errors
/// If the user interrupts, after giving up all jobs; and what `jobs` fails with.
pub(crate) fn each_as_it_completes(
    jobs: &mut dyn Jobs,
    channel: (Sender<Heard>, Receiver<Heard>),
    patience: &Patience,
) -> Result<(), Failure> {
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::new("interrupt.unavailable", "cannot listen to Ctrl-C").caused_by(&error)
    })?;
    let Patience { timeout, giving_up, .. } = *patience;
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut waiting = Waiting {
        jobs,
        running: BTreeMap::new(),
        events: BTreeMap::new(),
        progress: Progress::start(),
        deadline,
        heard: channel.0,
        more: true,
        stopping: None,
        stopped: 0,
    };
    let waited = waiting.until_the_end(&interrupt, &channel.1, patience);
    waiting.progress.erase();
    let Waiting { jobs, running, more, stopping, stopped, .. } = waiting;
    giving_up.on(running.values());
    waited?;
    let left = running.len() + stopped;
    if stopping.is_some() && (left > 0 || more) {
        return Err(jobs.interrupted(left));
    }
    let after = timeout.unwrap_or_default();
    for job in running.into_values() {
        let failure = giving_up.timed_out(&job.title, after);
        jobs.end(job, Err(failure))?;
    }
    if more {
        jobs.out_of_time(after);
    }
    Ok(())
}

struct Waiting<'a> {
    jobs: &'a mut dyn Jobs,
    running: BTreeMap<usize, Submitted>,
    /// What jobs say of how far they are, by place; of none if nobody sees it.
    events: BTreeMap<usize, (Events, f64)>,
    progress: Progress,
    deadline: Option<Instant>,
    heard: Sender<Heard>,
    /// There may be jobs that were not begun.
    more: bool,
    /// Ctrl-C was pressed: until when parts may be finished.
    stopping: Option<Instant>,
    /// How many jobs did not come to their ends for that.
    stopped: usize,
}

impl Waiting<'_> {
    /// Returns when nothing is left to wait for, or the time is up.
    fn until_the_end(
        &mut self,
        interrupt: &Interrupt,
        events: &Receiver<Heard>,
        patience: &Patience,
    ) -> Result<(), Failure> {
        loop {
            while self.more && !interrupt.is_pressed() && self.running.len() < patience.at_once {
                match self.jobs.next()? {
                    Some(job) => self.wait_for(job)?,
                    None => self.more = false,
                }
            }
            if interrupt.is_pressed() && self.stopping.is_none() {
                self.stop(patience.giving_up);
            }
            if self.running.is_empty() {
                return Ok(());
            }
            if self.progress.shows() {
                let done = self.done();
                self.progress.tick(done);
            }
            let until = self.stopping.or(self.deadline);
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match events.recv_timeout(left.map_or(LOOK, |left| left.min(LOOK))) {
                Ok(heard) => self.hear(heard)?,
                Err(RecvTimeoutError::Timeout) if left != Some(Duration::ZERO) => {}
                // The time is up; at that the threads give up as well.
                Err(_) => return Ok(()),
            }
        }
    }

    fn hear(&mut self, heard: Heard) -> Result<(), Failure> {
        match heard {
            Heard::Part { job_id, count, result } => {
                let Some(job) = self.running.values_mut().find(|one| one.job.job_id() == job_id)
                else {
                    return Ok(());
                };
                self.jobs.part(job, count, result.as_deref())?;
                job.told += count;
            }
            // It did not come to its end, it was stopped.
            Heard::End(place, Err(BackendError::Cancelled { .. })) if self.stopping.is_some() => {
                self.forget(place);
                self.stopped += 1;
            }
            Heard::End(place, result) => {
                self.progress.erase();
                if let Some(job) = self.forget(place) {
                    self.jobs.end(job, result.map_err(Failure::from))?;
                }
            }
        }
        Ok(())
    }

    /// How far all are, with what jobs say that are still at it.
    fn done(&mut self) -> Done {
        let mut all = self.jobs.done();
        for (place, (events, far)) in &mut self.events {
            while let Some(event) = events.try_next() {
                if let JobEvent::Progress(progress) = event {
                    *far = progress.done as f64 + progress.within;
                }
            }
            let told = self.running.get(place).map_or(0.0, |job| job.told as f64);
            all.done += (*far - told).max(0.0);
        }
        all
    }

    /// Stops, after Ctrl-C, what can be stopped without losing anything that is finished.
    fn stop(&mut self, giving_up: GivingUp) {
        self.stopping = Some(match giving_up {
            GivingUp::LeavesThem => Instant::now(),
            GivingUp::Cancels => {
                self.jobs.wind_down();
                for job in self.running.values().filter(|job| !job.in_parts) {
                    // One that cannot be cancelled is no reason to keep the others running.
                    let _ = job.job.cancel();
                }
                Instant::now() + GRACE
            }
        });
    }

    fn forget(&mut self, place: usize) -> Option<Submitted> {
        self.events.remove(&place);
        self.running.remove(&place)
    }

    /// Waits for a job on a thread of its own; nobody waits for the thread.
    fn wait_for(&mut self, submitted: Submitted) -> Result<(), Failure> {
        let (job, heard) = (Arc::clone(&submitted.job), self.heard.clone());
        let (place, deadline) = (submitted.place, self.deadline);
        // Without events there is no bar, and nothing else is missing.
        if self.progress.shows()
            && let Ok(events) = job.events()
        {
            self.events.insert(place, (events, 0.0));
        }
        self.running.insert(place, submitted);
        let wait = move || {
            if let Some(result) = outcome(&*job, deadline) {
                // Nobody listens any more after Ctrl-C.
                let _ = heard.send(Heard::End(place, result));
            }
        };
        let thread = thread::Builder::new().name(format!("job {place}")).spawn(wait);
        thread.map(drop).map_err(|error| {
            Failure::new("thread.unavailable", "cannot wait for a job").caused_by(&error)
        })
    }
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
    fn on<'a>(self, jobs: impl Iterator<Item = &'a Submitted> + Clone) {
        match self {
            Self::Cancels => cancel(jobs),
            Self::LeavesThem => {}
        }
    }

    /// Why a job has no result: the time is up.
    pub(crate) fn timed_out(self, title: &str, timeout: Duration) -> Failure {
        let (what, hint) = match self {
            Self::Cancels => ("the job was cancelled", "--timeout gives it more time"),
            Self::LeavesThem => ("the job goes on", "`ketch watch` follows it"),
        };
        let after = number::duration(timeout);
        let message = format!("{title}: no result within {after}; {what}");
        Failure::new("job.timeout", message).with_hint(hint)
    }
}

/// Cancels the jobs and waits a moment for them to come to rest.
fn cancel<'a>(jobs: impl Iterator<Item = &'a Submitted> + Clone) {
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
