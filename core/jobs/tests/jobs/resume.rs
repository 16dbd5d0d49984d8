//! Jobs of many experiments: kept while they run, stopped, and gone on with.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    thread,
};

use ketch_core::{Backend, Job, JobStatus, Qobj, RunOptions, RunResult};
use ketch_jobs::{NewJob, Runner, Store, StoredBackend, StoredJob, digest_of};

use crate::common::{LONG, Lab, Scratch, experiments, large_result, names};

fn backend(store: &Arc<Store>, lab: &Arc<Lab>) -> StoredBackend {
    StoredBackend::new(Arc::clone(store), "lab/bench", Arc::clone(lab) as Arc<dyn Backend>)
}

fn new() -> NewJob {
    NewJob::new("lab/bench", Runner::Program, RunOptions::default())
}

/// So many experiments, one of which has this name.
fn with(count: u32, place: usize, name: &str) -> Qobj {
    let mut qobj = experiments(count);
    qobj.experiments_mut()[place].header.insert("name".to_owned(), name.into());
    qobj
}

fn run(backend: &StoredBackend, qobj: Qobj) -> Arc<dyn Job> {
    backend.run(qobj, RunOptions::default()).unwrap()
}

/// Waits until the lab is at this experiment; how many are finished and on disk then.
fn completed_at(lab: &Lab, place: u64, store: &Store, job: &dyn Job) -> u64 {
    while lab.runs.load(Ordering::Relaxed) <= place {
        thread::yield_now();
    }
    let completed = store.job(&job.job_id()).unwrap().completed;
    assert!((1..=place).contains(&completed), "{completed}");
    completed
}

#[test]
fn what_is_finished_is_on_disk_and_told_while_the_rest_runs() {
    let (scratch, lab) = (Scratch::new(), Lab::new(true));
    let told: Arc<Mutex<Vec<(u64, usize)>>> = Arc::default();
    let telling = Arc::clone(&told);
    let backend = backend(&scratch.store, &lab).telling(move |_, first, result| {
        telling.lock().unwrap().push((first, result.experiments.len()));
    });
    let job = run(&backend, with(20, 15, "gate"));
    let other = scratch.other();
    let completed = completed_at(&lab, 15, &other, &*job);
    assert_eq!(other.job(&job.job_id()).unwrap().state, JobStatus::Running);
    let finished = names(&other.result(&job.job_id()).unwrap().unwrap());
    assert_eq!(finished.len() as u64, completed);
    lab.gate.open();
    let result = job.result(LONG).unwrap();
    assert_eq!((result.success, result.experiments.len()), (true, 20));
    assert_eq!(names(&result)[..finished.len()], finished);
    let mut next = 0;
    for (first, count) in told.lock().unwrap().iter() {
        assert_eq!(*first, next, "told in order");
        next += *count as u64;
    }
    assert_eq!(next, 20);
    let kept = other.result(&job.job_id()).unwrap().unwrap();
    assert_eq!(names(&kept), names(&result));
    assert_eq!(other.job(&job.job_id()).unwrap().state, JobStatus::Done);
}

#[test]
fn a_job_that_is_wound_down_finishes_what_it_is_at() {
    let (scratch, lab) = (Scratch::new(), Lab::new(true));
    let backend = backend(&scratch.store, &lab);
    let job = run(&backend, with(100, 5, "gate"));
    completed_at(&lab, 5, &scratch.store, &*job);
    backend.wind_down();
    lab.gate.open();
    assert_eq!(job.result(LONG).unwrap_err().code(), "job.cancelled");
    let record = scratch.store.job(&job.job_id()).unwrap();
    assert_eq!(record.state, JobStatus::Cancelled);
    assert!((6..100).contains(&record.completed), "{}", record.completed);
    assert_eq!(lab.runs.load(Ordering::Relaxed), record.completed, "all that was begun is kept");
}

#[test]
fn a_job_goes_on_where_an_earlier_one_stopped() {
    let scratch = Scratch::new();
    let qobj = with(20, 12, "gate");
    let digest = digest_of("lab/bench", &qobj, &[]);
    // The gate of the first lab stays shut.
    let shut = Lab::new(true);
    let begun = NewJob { digest: Some(digest.clone()), ..new() };
    let begun = backend(&scratch.store, &shut).run_as(begun, qobj.clone()).unwrap();
    let completed = completed_at(&shut, 12, &scratch.store, &*begun);
    assert!(begun.cancel().unwrap());
    assert_eq!(begun.result(LONG).unwrap_err().code(), "job.cancelled");

    let earlier = scratch.other().newest_of(&digest).unwrap().unwrap();
    assert_eq!((earlier.id, earlier.completed), (begun.job_id(), completed));
    let lab = Lab::new(true);
    lab.gate.open();
    let second = backend(&scratch.other(), &lab);
    let on = NewJob { goes_on: Some(begun.job_id()), digest: Some(digest.clone()), ..new() };
    let on = second.run_as(on, qobj).unwrap();
    let result = on.result(LONG).unwrap();
    assert!(result.success);
    let expected: Vec<String> =
        (0..20).map(|n| if n == 12 { "gate".to_owned() } else { format!("e{n}") }).collect();
    assert_eq!(names(&result), expected);
    let left = 20 - completed;
    assert_eq!(lab.runs.load(Ordering::Relaxed), left, "nothing is run twice");
    let newest = scratch.store.newest_of(&digest).unwrap().unwrap();
    assert_eq!((newest.id, newest.state), (on.job_id(), JobStatus::Done));
    // Of a job that finished all there is nothing left to run.
    let again = NewJob { goes_on: Some(on.job_id()), ..new() };
    let again = second.run_as(again, scratch.store.qobj(&on.job_id()).unwrap()).unwrap();
    assert_eq!(names(&again.result(LONG).unwrap()), expected);
    assert_eq!(lab.runs.load(Ordering::Relaxed), left);
    // What was left of the first job stays readable.
    scratch.store.delete(&on.job_id()).unwrap();
    let kept = names(&scratch.store.result(&begun.job_id()).unwrap().unwrap());
    assert_eq!((kept.len() as u64, &kept[..]), (completed, &expected[..kept.len()]));
    assert_eq!(scratch.store.check().unwrap(), []);
}

#[test]
fn results_that_are_files_are_taken_over_too() {
    let (scratch, lab) = (Scratch::new(), Lab::new(true));
    let id = scratch.submit("lab/bench", &experiments(2));
    let budget = ketch_jobs::Budget::whole_machine();
    let claim = scratch.store.claim(budget).unwrap().unwrap();
    let part: RunResult = large_result(1 << 20);
    claim.keep(0, &part).unwrap();
    claim.cancelled().unwrap();
    let on = NewJob { goes_on: Some(id.clone()), ..new() };
    let job = backend(&scratch.store, &lab).run_as(on, experiments(2)).unwrap();
    assert!(job.result(LONG).unwrap().success);
    scratch.store.delete(&id).unwrap();
    let again = StoredJob::new(scratch.other(), job.job_id(), lab.clone());
    let result = again.result(LONG).unwrap();
    assert_eq!(result.experiments[0].data, part.experiments[0].data);
    assert_eq!(result.experiments[1].name, "e1");
    assert_eq!(lab.runs.load(Ordering::Relaxed), 1);
    assert_eq!(scratch.store.check().unwrap(), []);
}

#[test]
fn of_a_result_that_outgrows_its_room_nothing_is_kept_in_the_end() {
    let (scratch, lab) = (Scratch::new(), Lab::new(true));
    let backend = backend(&scratch.store, &lab).keeping_of_several(200);
    let job = run(&backend, with(20, 15, "gate"));
    completed_at(&lab, 15, &scratch.store, &*job);
    lab.gate.open();
    assert_eq!(job.result(LONG).unwrap().experiments.len(), 20);
    let record = scratch.store.job(&job.job_id()).unwrap();
    assert_eq!((record.state, record.completed), (JobStatus::Done, 0));
    assert_eq!(scratch.store.result(&job.job_id()).unwrap(), None);
    let again = StoredJob::new(scratch.other(), job.job_id(), lab);
    assert_eq!(again.result(LONG).unwrap_err().code(), "job.result_not_kept");
}

#[test]
fn a_later_part_that_fails_leaves_what_was_before_it() {
    let (scratch, lab) = (Scratch::new(), Lab::new(true));
    let job = run(&backend(&scratch.store, &lab), with(20, 15, "broken"));
    assert_eq!(job.result(LONG).unwrap_err().code(), "lab.broken");
    let record = scratch.store.job(&job.job_id()).unwrap();
    assert_eq!(record.state, JobStatus::Error);
    assert!((1..=15).contains(&record.completed), "{}", record.completed);
    assert_eq!(record.error.unwrap().code, "lab.broken");
}

#[test]
fn digests_tell_questions_apart() {
    let ask = |backend: &str, count, words: &[&str]| digest_of(backend, &experiments(count), words);
    let one = ask("a/b", 1, &["x", "y"]);
    assert_eq!(one.len(), 64);
    assert_eq!(one, ask("a/b", 1, &["x", "y"]));
    for other in [
        ask("a/c", 1, &["x", "y"]),
        ask("a/b", 2, &["x", "y"]),
        ask("a/b", 1, &["xy"]),
        ask("a/b", 1, &["x", "y", ""]),
    ] {
        assert_ne!(one, other);
    }
}
