//! Checks of many things at once: jobs, threads, waits.

use std::{sync::Arc, thread};

use ketch_core::{Backend, Error, Job, JobStatus, Qobj, RunResult};

use crate::{
    Gates, Outcome,
    report::{Check, require},
    results::{LONG, mostly, shots, submit},
};

/// So many at once.
const MANY: usize = 8;

/// A job that reads `01` at odd places and `00` at even ones, named after its place.
fn numbered(backend: &dyn Backend, place: usize) -> Result<Arc<dyn Job>, Outcome> {
    let gates = Gates::of(backend)?;
    let name = format!("job {place}");
    let circuit = match place % 2 {
        0 => gates.measure(gates.circuit(&name)),
        _ => gates.one(&name)?,
    };
    submit(backend, Qobj::from_circuit(circuit).with_shots(shots(backend, 100)?))
}

fn is_of(result: &RunResult, place: usize) -> Check {
    let experiment = result.experiment(0)?;
    let name = &experiment.name;
    require!(*name == format!("job {place}"), "job {place} came back with the result of `{name}`");
    mostly(experiment, ["00", "01"][place % 2])
}

/// Does something in many threads, and gives what each came to.
fn in_threads<T: Send>(
    work: impl Fn(usize) -> Result<T, Outcome> + Sync,
) -> Result<Vec<T>, Outcome> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..MANY).map(|place| scope.spawn(move || work(place))).collect();
        let joined = threads.into_iter().map(|thread| {
            thread.join().unwrap_or_else(|_| Err(Outcome::failed("it panicked in a thread")))
        });
        joined.collect()
    })
}

/// Jobs that are submitted one after another without waiting have results of their own.
pub fn jobs_side_by_side_keep_apart(backend: &dyn Backend) -> Check {
    let jobs: Result<Vec<_>, _> = (0..MANY).map(|place| numbered(backend, place)).collect();
    for (place, job) in jobs?.iter().enumerate() {
        is_of(&job.result(Some(LONG))?, place)?;
    }
    Ok(())
}

/// Results may be asked for in any order.
pub fn results_come_in_any_order(backend: &dyn Backend) -> Check {
    let jobs: Result<Vec<_>, _> = (0..MANY).map(|place| numbered(backend, place)).collect();
    for (place, job) in jobs?.iter().enumerate().rev() {
        is_of(&job.result(Some(LONG))?, place)?;
    }
    Ok(())
}

/// Several threads submit and wait at once.
pub fn many_threads_submit(backend: &dyn Backend) -> Check {
    let finished =
        in_threads(|place| is_of(&numbered(backend, place)?.result(Some(LONG))?, place))?;
    require!(finished.len() == MANY, "{} of {MANY} threads came back", finished.len());
    Ok(())
}

/// Several threads wait for one result, and all of them get it.
pub fn many_threads_wait_for_one(backend: &dyn Backend) -> Check {
    let job = numbered(backend, 1)?;
    let results = in_threads(|_| Ok(job.result(Some(LONG))?))?;
    require!(results.windows(2).all(|two| two[0] == two[1]), "they got different results");
    is_of(&results[0], 1)
}

/// Configuration and status answer several threads at once, and say the same to all of them.
pub fn many_threads_ask_the_backend(backend: &dyn Backend) -> Check {
    let told = in_threads(|_| {
        let status = backend.status()?;
        require!(status.backend_name == backend.name(), "the status is of another backend");
        Ok(backend.configuration()?)
    })?;
    require!(told.windows(2).all(|two| two[0] == two[1]), "they got different configurations");
    Ok(())
}

/// Several threads ask after one job while it runs.
pub fn many_threads_ask_after_a_job(backend: &dyn Backend) -> Check {
    let job = numbered(backend, 1)?;
    in_threads(|_| {
        job.status()?;
        job.queue_position()?;
        job.error_message()?;
        Ok(())
    })?;
    is_of(&job.result(Some(LONG))?, 1)
}

/// Several threads cancel one job: it comes to one end, and every thread is answered.
pub fn many_threads_cancel_one_job(backend: &dyn Backend) -> Check {
    let job = numbered(backend, 1)?;
    in_threads(|_| Ok(job.cancel()?))?;
    match job.result(Some(LONG)) {
        Ok(_) | Err(Error::Cancelled { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let status = job.status()?;
    let ended = matches!(status, JobStatus::Done | JobStatus::Cancelled);
    require!(ended, "after it was cancelled by many the status is {status}");
    Ok(())
}

/// Cancelling one job leaves its neighbours alone.
pub fn cancelling_one_leaves_the_others(backend: &dyn Backend) -> Check {
    let jobs: Result<Vec<_>, _> = (0..MANY).map(|place| numbered(backend, place)).collect();
    let jobs = jobs?;
    jobs[MANY / 2].cancel()?;
    for (place, job) in jobs.iter().enumerate().filter(|(place, _)| *place != MANY / 2) {
        is_of(&job.result(Some(LONG))?, place)?;
    }
    Ok(())
}

/// A job of which nobody holds the ticket disturbs no later one.
pub fn forgotten_jobs_disturb_nobody(backend: &dyn Backend) -> Check {
    for place in 0..MANY {
        drop(numbered(backend, place)?);
    }
    is_of(&numbered(backend, 3)?.result(Some(LONG))?, 3)
}
