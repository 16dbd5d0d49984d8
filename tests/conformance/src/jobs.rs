//! Checks of the ticket for submitted work.

use std::{
    collections::BTreeSet,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use ketch_core::{Backend, Error, Job, JobQuery, JobStatus, Qobj, RunResult};

use crate::{
    Gates, Outcome,
    report::{Check, require},
    results::{LONG, SHOTS, shots, submit},
};

/// An answer that may take 50 ms is late after this: the machine of a test has other work too.
const LATE: Duration = Duration::from_secs(2);

/// `run` that took longer may have waited for the work.
const SLOW: Duration = Duration::from_millis(100);

/// The pause between two looks at a job.
const PAUSE: Duration = Duration::from_millis(2);

/// The time-out of a wait that is meant to run out.
const SHORT: Duration = Duration::from_millis(30);

/// A small job.
fn short(backend: &dyn Backend) -> Result<Arc<dyn Job>, Outcome> {
    let circuit = Gates::of(backend)?.any("short")?;
    submit(backend, Qobj::from_circuit(circuit).with_shots(shots(backend, 10)?))
}

/// A job that takes far longer than any of the waits here, if the backend can be kept busy so long.
fn long(backend: &dyn Backend) -> Result<Arc<dyn Job>, Outcome> {
    const EXPERIMENTS: u64 = 2_000;
    let configuration = backend.configuration()?;
    let circuit = Gates::of(backend)?.busy("long")?;
    let mut qobj = Qobj::from_circuit(circuit).with_shots(shots(backend, SHOTS)?);
    if let ketch_core::qobj::Program::Circuits { experiments, .. } = &mut qobj.program {
        let most = configuration.max_experiments.unwrap_or(EXPERIMENTS).min(EXPERIMENTS);
        *experiments = vec![experiments[0].clone(); most as usize];
    }
    submit(backend, qobj)
}

fn too_fast() -> Outcome {
    Outcome::not_applicable("it finished the longest job before that could be seen")
}

/// Waits until the status is final.
fn final_status(job: &dyn Job) -> Result<JobStatus, Outcome> {
    let start = Instant::now();
    loop {
        let status = job.status()?;
        if status.is_final() {
            return Ok(status);
        }
        require!(start.elapsed() < LONG, "the status is still {status} after {LONG:?}");
        thread::sleep(PAUSE);
    }
}

/// How far a job has come: states of one job do not go down. `None` for a state that Ketch does
/// not know, which a service may have.
fn stage(status: &JobStatus) -> Option<u8> {
    match status {
        JobStatus::Initializing => Some(0),
        JobStatus::Validating | JobStatus::Queued => Some(1),
        JobStatus::Running => Some(2),
        JobStatus::Done | JobStatus::Error | JobStatus::Cancelled => Some(3),
        _ => None,
    }
}

/// `run` does not wait for the work.
///
/// A fast job may end while a busy machine lets `run` wait, but not three times.
pub fn run_returns_at_once(backend: &dyn Backend) -> Check {
    let has_failed = |outcome: &Check| matches!(outcome, Err(Outcome::Failed(_)));
    let again = (0..2).map(|_| run_returned_at_once(backend)).find(|found| !has_failed(found));
    again.unwrap_or_else(|| run_returned_at_once(backend))
}

fn run_returned_at_once(backend: &dyn Backend) -> Check {
    let start = Instant::now();
    let job = long(backend)?;
    let took = start.elapsed();
    let status = job.status()?;
    job.cancel()?;
    // A Qobj of thousands of experiments takes its time to be read, but not as long as its work.
    let waited = status.is_final() && took > SLOW;
    require!(took < LATE && !waited, "`run` took {took:?}; then the status was {status}");
    Ok(())
}

/// A job ends at DONE, and its status changes no more, nor has it an error message.
pub fn status_ends_at_done_and_stays(backend: &dyn Backend) -> Check {
    let job = short(backend)?;
    let status = final_status(&*job)?;
    let message = job.error_message()?;
    require!(status == JobStatus::Done, "the status ended at {status}: {message:?}");
    require!(message.is_none(), "a job that is DONE says {message:?}");
    let place = job.queue_position()?;
    require!(place.is_none(), "a job that is DONE is at place {place:?} of the queue");
    job.result(Some(LONG))?;
    let status = job.status()?;
    require!(status == JobStatus::Done, "the status went from DONE to {status}");
    Ok(())
}

/// The states that a job is seen in follow each other, and the last one stays. A service may take a
/// job back into its queue; only the end is final there.
pub fn states_lead_to_an_end(backend: &dyn Backend) -> Check {
    let local = backend.configuration()?.local;
    let job = short(backend)?;
    let start = Instant::now();
    let mut seen = vec![job.status()?];
    while !seen.last().is_some_and(JobStatus::is_final) {
        require!(start.elapsed() < LONG, "after {LONG:?} the states were {seen:?}");
        let status = job.status()?;
        if seen.last() != Some(&status) {
            seen.push(status);
        }
    }
    let stages: Vec<u8> = seen.iter().filter_map(stage).collect();
    require!(!local || stages.len() == seen.len(), "of a local job the states were {seen:?}");
    require!(!local || stages.is_sorted(), "the states were {seen:?}, which go back");
    let last = seen.pop();
    for _ in 0..10 {
        let status = job.status()?;
        require!(Some(&status) == last.as_ref(), "after {last:?} the status was {status}");
    }
    Ok(())
}

/// The result of a job that has ended, without waiting for it. The answer may come from another
/// process, which a busy machine lets wait: a look that was over before is repeated.
fn look(job: &dyn Job) -> ketch_core::Result<RunResult> {
    let start = Instant::now();
    loop {
        match job.result(Some(Duration::ZERO)) {
            Err(Error::Timeout { .. }) if start.elapsed() < LONG => thread::sleep(PAUSE),
            answer => return answer,
        }
    }
}

/// `result` gives the same again, also without waiting.
pub fn result_can_be_had_again(backend: &dyn Backend) -> Check {
    let job = short(backend)?;
    let first = job.result(Some(LONG))?;
    let again = look(&*job)?;
    require!(first == again, "the second result differs from the first");
    Ok(())
}

/// `result` gives up with [`Error::Timeout`] at its deadline, and the job goes on.
pub fn time_out_is_typed_and_in_time(backend: &dyn Backend) -> Check {
    let job = long(backend)?;
    let start = Instant::now();
    let answer = job.result(Some(SHORT));
    let took = start.elapsed();
    let status = job.status()?;
    job.cancel()?;
    match answer {
        Ok(_) => return Err(too_fast()),
        Err(Error::Timeout { .. }) => {}
        Err(error) => require!(false, "expected job.timeout, found {}: {error}", error.code()),
    }
    require!(took >= SHORT, "a time-out of {SHORT:?} came after {took:?}");
    require!(took < SHORT + LATE, "a time-out of {SHORT:?} came after {took:?}");
    require!(status != JobStatus::Cancelled, "the time-out cancelled the job");
    require!(status != JobStatus::Error, "the time-out failed the job");
    Ok(())
}

/// A look at a job that has no result yet is answered at once, and costs the job nothing.
pub fn a_look_loses_nothing(backend: &dyn Backend) -> Check {
    let job = long(backend)?;
    let start = Instant::now();
    let answer = job.result(Some(Duration::ZERO));
    let took = start.elapsed();
    job.cancel()?;
    match answer {
        Ok(_) => return Err(too_fast()),
        Err(Error::Timeout { .. }) => {}
        Err(error) => require!(false, "expected job.timeout, found {}: {error}", error.code()),
    }
    require!(took < LATE, "a look took {took:?}");
    let job = short(backend)?;
    let start = Instant::now();
    loop {
        match job.result(Some(Duration::ZERO)) {
            Ok(result) => {
                require!(result.success, "after looks at it the job was {}", result.status);
                return Ok(());
            }
            Err(Error::Timeout { .. }) => thread::sleep(PAUSE),
            Err(error) => return Err(error.into()),
        }
        require!(start.elapsed() < LONG, "there is no result after {LONG:?} of looks");
    }
}

/// `cancel` of a job that waits ends it at once: it is CANCELLED, has no place in the queue any
/// more, and its result is [`Error::Cancelled`]; the job before it goes on. The places of jobs that
/// wait, where they are known, are in the order in which they came.
pub fn cancelling_a_queued_job_ends_it_at_once(backend: &dyn Backend) -> Check {
    // One more than most backends run at a time.
    const JOBS: usize = 5;
    let jobs = (0..JOBS).map(|_| long(backend)).collect::<Result<Vec<_>, _>>()?;
    let outcome = cancel_queued(backend, &jobs);
    for job in &jobs {
        job.cancel()?;
    }
    for job in &jobs {
        final_status(&**job)?;
    }
    outcome
}

fn cancel_queued(backend: &dyn Backend, jobs: &[Arc<dyn Job>]) -> Check {
    // The last one first: between two questions places become smaller only.
    let mut behind = None;
    for job in jobs.iter().rev() {
        let place = job.queue_position()?;
        require!(place != Some(0), "a job is at place 0 of the queue");
        let ahead = place.is_none() || behind.is_none() || place < behind;
        require!(ahead, "a job at place {place:?} came before one at place {behind:?}");
        behind = place.or(behind);
    }
    let (job, before) = jobs.split_last().expect("there are several");
    if job.status()? != JobStatus::Queued {
        return Err(Outcome::not_applicable("it lets no job wait"));
    }
    let start = Instant::now();
    if !job.cancel()? {
        let status = job.status()?;
        require!(status.is_final(), "`cancel` of a job that waits says false; it is {status}");
        return Err(too_fast());
    }
    let status = final_status(&**job)?;
    let took = start.elapsed();
    require!(status == JobStatus::Cancelled, "`cancel` said true, and the job ended as {status}");
    let local = backend.configuration()?.local;
    require!(!local || took < LATE, "a job that waited was cancelled after {took:?}");
    let place = job.queue_position()?;
    require!(place.is_none(), "a job that is CANCELLED is at place {place:?} of the queue");
    match look(&**job) {
        Err(Error::Cancelled { .. }) => {}
        Ok(_) => return Err(Outcome::failed("a cancelled job has a result")),
        Err(error) => require!(false, "expected job.cancelled, found {}", error.code()),
    }
    for job in before {
        let status = job.status()?;
        require!(status != JobStatus::Cancelled, "another job than the one asked for was stopped");
    }
    Ok(())
}

/// Many jobs at a time come to their ends, each with its own result.
pub fn many_jobs_come_to_their_ends(backend: &dyn Backend) -> Check {
    let most = match backend.configuration()?.local {
        true => 60,
        false => 5,
    };
    let jobs = (0..most).map(|_| short(backend)).collect::<Result<Vec<_>, _>>()?;
    let ids: BTreeSet<String> = jobs.iter().map(|job| job.job_id()).collect();
    require!(ids.len() == jobs.len(), "{most} jobs have {} ids", ids.len());
    for job in &jobs {
        let (id, result) = (job.job_id(), job.result(Some(LONG))?);
        require!(result.success, "job `{id}` of {most}: {}", result.status);
        let named = &result.job_id;
        require!(*named == id, "the result of job `{id}` is that of `{named}`");
        let status = job.status()?;
        require!(status == JobStatus::Done, "job `{id}` has a result and is {status}");
    }
    Ok(())
}

/// `cancel` of a finished job says false, and the job stays DONE with its result.
pub fn cancelling_a_finished_job_changes_nothing(backend: &dyn Backend) -> Check {
    let job = short(backend)?;
    job.result(Some(LONG))?;
    require!(!job.cancel()?, "cancelling a finished job says true");
    let status = job.status()?;
    require!(status == JobStatus::Done, "cancelling a finished job made it {status}");
    look(&*job)?;
    Ok(())
}

/// `cancel` of a running job says true; its status becomes CANCELLED, and its result is
/// [`Error::Cancelled`].
pub fn cancelling_a_running_job_ends_it(backend: &dyn Backend) -> Check {
    let job = long(backend)?;
    let start = Instant::now();
    while job.status()? != JobStatus::Running {
        if job.status()?.is_final() {
            return Err(too_fast());
        }
        require!(start.elapsed() < LONG, "the job did not start within {LONG:?}");
        thread::sleep(PAUSE);
    }
    if !job.cancel()? {
        return Err(too_fast());
    }
    let cancelled = Instant::now();
    let status = final_status(&*job)?;
    let took = cancelled.elapsed();
    require!(status == JobStatus::Cancelled, "`cancel` said true, and the job ended as {status}");
    let local = backend.configuration()?.local;
    require!(!local || took < LATE, "the job stopped {took:?} after it was cancelled");
    match job.result(Some(LONG)) {
        Err(Error::Cancelled { .. }) => Ok(()),
        Ok(_) => Err(Outcome::failed("a cancelled job has a result")),
        Err(error) => {
            Err(Outcome::failed(format!("expected job.cancelled, found {}", error.code())))
        }
    }
}

/// While one thread waits for the result, others are answered.
pub fn status_and_cancel_answer_meanwhile(backend: &dyn Backend) -> Check {
    let job = long(backend)?;
    thread::scope(|scope| {
        let waiting = scope.spawn(|| job.result(Some(LONG)));
        let start = Instant::now();
        let asked = job.status().and_then(|status| Ok((status, job.cancel()?)));
        let took = start.elapsed();
        let result = waiting.join();
        let (status, cancelled) = asked?;
        if status.is_final() || !cancelled {
            return Err(too_fast());
        }
        require!(took < LATE, "status and cancel took {took:?} while result waited");
        match result {
            Ok(Err(Error::Cancelled { .. })) => Ok(()),
            Ok(Ok(_)) => Err(Outcome::failed("`cancel` said true, and there was a result")),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Outcome::failed("`result` panicked")),
        }
    })
}

/// The work goes on when a handle is dropped: a second handle gets the result.
///
/// Not applicable on a backend that does not retrieve jobs.
pub fn dropping_a_handle_cancels_nothing(backend: &dyn Backend) -> Check {
    let job = short(backend)?;
    let other = match backend.retrieve_job(&job.job_id()) {
        Err(Error::NotSupported { .. }) => {
            return Err(Outcome::not_applicable("it does not retrieve jobs"));
        }
        other => other?,
    };
    require!(other.job_id() == job.job_id(), "retrieved job `{}`", other.job_id());
    drop(job);
    let result = other.result(Some(LONG))?;
    require!(result.success, "after a handle was dropped: {}", result.status);
    Ok(())
}

/// A job that has ended is found by its id, with the same result.
///
/// Not applicable on a backend that does not retrieve jobs.
pub fn a_job_is_found_again(backend: &dyn Backend) -> Check {
    let job = short(backend)?;
    let result = job.result(Some(LONG))?;
    let again = match backend.retrieve_job(&job.job_id()) {
        Err(Error::NotSupported { .. }) => {
            return Err(Outcome::not_applicable("it does not retrieve jobs"));
        }
        again => again?,
    };
    let (id, found) = (job.job_id(), again.job_id());
    require!(id == found, "asked for job `{id}`, got `{found}`");
    let status = again.status()?;
    require!(status == JobStatus::Done, "job `{id}` is DONE, and found again it is {status}");
    let named = again.backend();
    require!(named.name() == backend.name(), "found again, it is of backend `{}`", named.name());
    let dates = (job.creation_date()?, again.creation_date()?);
    require!(dates.0 == dates.1, "it was submitted at {dates:?}");
    require!(again.result(Some(LONG))? == result, "found again, job `{id}` has another result");
    Ok(())
}

/// `jobs` lists the newest first, as many as were asked for, and only those in the state.
///
/// Not applicable on a backend that does not list jobs.
pub fn jobs_are_listed(backend: &dyn Backend) -> Check {
    let jobs = [short(backend)?, short(backend)?];
    for job in &jobs {
        job.result(Some(LONG))?;
    }
    let [older, newer] = jobs.each_ref().map(|job| job.job_id());
    let list = |query: JobQuery| -> Result<Vec<String>, Outcome> {
        match backend.jobs(&query) {
            Ok(jobs) => Ok(jobs.iter().map(|job| job.job_id()).collect()),
            Err(Error::NotSupported { .. }) => {
                Err(Outcome::not_applicable("it does not list jobs"))
            }
            Err(error) => Err(error.into()),
        }
    };
    let all = list(JobQuery::default())?;
    let place = |wanted: &str| all.iter().position(|id| id == wanted);
    let (Some(first), Some(second)) = (place(&newer), place(&older)) else {
        return Err(Outcome::failed(format!("`{older}` or `{newer}` is not in {all:?}")));
    };
    require!(first < second, "`{newer}` is newer than `{older}` and comes after it");
    let one = list(JobQuery { limit: 1, ..JobQuery::default() })?;
    require!(one == all[..1], "at most one gave {one:?} of {all:?}");
    let rest = list(JobQuery { skip: 1, ..JobQuery::default() })?;
    require!(rest.first() == all.get(1), "all but the newest gave {rest:?} of {all:?}");
    let done = list(JobQuery { status: Some(JobStatus::Done), ..JobQuery::default() })?;
    require!(done.contains(&newer), "those that are DONE are {done:?} without `{newer}`");
    let failed = list(JobQuery { status: Some(JobStatus::Error), ..JobQuery::default() })?;
    require!(!failed.contains(&newer), "`{newer}` is DONE and listed as one that failed");
    Ok(())
}

/// Every job has an id, and no two the same.
pub fn jobs_have_ids_of_their_own(backend: &dyn Backend) -> Check {
    let (one, two) = (short(backend)?, short(backend)?);
    let (first, second) = (one.job_id(), two.job_id());
    one.result(Some(LONG))?;
    two.result(Some(LONG))?;
    require!(!first.is_empty(), "a job has no id");
    require!(first != second, "two jobs have the id `{first}`");
    require!(one.job_id() == first, "the id changed to `{}`", one.job_id());
    Ok(())
}

/// `backend` is the one that runs it.
pub fn a_job_knows_its_backend(backend: &dyn Backend) -> Check {
    let job = short(backend)?;
    let named = job.backend();
    job.result(Some(LONG))?;
    require!(named.name() == backend.name(), "the job is of backend `{}`", named.name());
    Ok(())
}

/// `creation_date` is now. Not applicable where it is unknown.
pub fn a_job_knows_when_it_was_submitted(backend: &dyn Backend) -> Check {
    // A service's clock may differ from ours.
    const DIFFERENCE: Duration = Duration::from_secs(300);
    let job = short(backend)?;
    let date = job.creation_date()?;
    job.result(Some(LONG))?;
    let Some(date) = date else { return Err(Outcome::not_applicable("it does not say when")) };
    let now = SystemTime::now();
    let apart = now.duration_since(date).or_else(|_| date.duration_since(now)).unwrap_or_default();
    require!(apart < DIFFERENCE, "the job was submitted {apart:?} from now");
    Ok(())
}

/// `retrieve_job` refuses an id that there is not. Not applicable where it is not supported.
pub fn unknown_job_is_refused(backend: &dyn Backend) -> Check {
    match backend.retrieve_job("no-such-job") {
        Err(Error::JobNotFound { job }) => {
            require!(job == "no-such-job", "the error names `{job}`");
            Ok(())
        }
        Err(Error::NotSupported { .. }) => {
            Err(Outcome::not_applicable("it does not retrieve jobs"))
        }
        Err(error) => {
            Err(Outcome::failed(format!("expected job.not_found, found {}", error.code())))
        }
        Ok(job) => Err(Outcome::failed(format!("found a job `{}`", job.job_id()))),
    }
}
