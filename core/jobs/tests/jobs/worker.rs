//! Workers: jobs of the queue, run to their ends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use ketch_core::{Job, JobStatus, RunOptions};
use ketch_jobs::{
    Budget, Idle, NewJob, Runner, StoredJob, TOO_LONG, WorkOptions, served::Served, work,
    work_until,
};

use crate::common::{LONG, Lab, Only, Scratch, experiments, names};

/// Goes when the queue is empty.
fn at_once() -> WorkOptions {
    let budget = Budget { threads: 2, memory: u64::MAX };
    WorkOptions { budget, idle: Duration::ZERO }
}

fn named(names: &[&str]) -> ketch_core::Qobj {
    let mut qobj = experiments(u32::try_from(names.len()).unwrap());
    for (experiment, name) in qobj.experiments_mut().iter_mut().zip(names) {
        experiment.header.insert("name".to_owned(), (*name).into());
    }
    qobj
}

#[test]
fn jobs_are_run_in_parts_and_come_out_whole() {
    let scratch = Scratch::new();
    let lab = Lab::new(true);
    let id = scratch.submit("lab/bench", &experiments(100));
    let other = scratch.submit("lab/bench", &experiments(1));
    work(&scratch.store, &Only("lab/bench", lab.clone()), &at_once(), || {}).unwrap();
    let record = scratch.store.job(&id).unwrap();
    assert_eq!((record.state, record.completed), (JobStatus::Done, 100));
    let result = scratch.other().result(&id).unwrap().unwrap();
    assert!(result.success);
    assert_eq!(names(&result), (0..100).map(|n| format!("e{n}")).collect::<Vec<_>>());
    assert_eq!(scratch.store.job(&other).unwrap().state, JobStatus::Done);
    assert_eq!(lab.runs.load(Ordering::Relaxed), 101);
    assert!(lab.calls.load(Ordering::Relaxed) > 2, "a long job is more than one part");
}

#[test]
fn the_lease_of_a_job_of_many_short_parts_is_renewed() {
    let scratch = Scratch::new();
    let id = scratch.submit("lab/bench", &named(&["slow"; 26]));
    let lab = Lab::new(true);
    work(&scratch.store, &Only("lab/bench", lab), &at_once(), || {}).unwrap();
    assert_eq!(scratch.store.job(&id).unwrap().state, JobStatus::Done);
    // It ran for more than two seconds, and leases are of ten.
    let on = rusqlite::Connection::open(scratch.directory.path().join("jobs.db")).unwrap();
    let sql = "SELECT lease_wall - started_ms FROM jobs";
    let lasts: i64 = on.query_row(sql, [], |row| row.get(0)).unwrap();
    assert!(lasts >= 12_000, "{lasts} ms");
}

#[test]
fn what_is_finished_is_not_run_again() {
    let scratch = Scratch::new();
    let lab = Lab::new(true);
    let id = scratch.submit("lab/bench", &experiments(3));
    let claim = scratch.store.claim(at_once().budget).unwrap().unwrap();
    let mut part = crate::common::large_result(64);
    part.experiments[0].name = "from the first worker".to_owned();
    claim.keep(0, &part).unwrap();
    scratch.tamper("UPDATE jobs SET owner = 'gone'");
    work(&scratch.store, &Only("lab/bench", lab.clone()), &at_once(), || {}).unwrap();
    let result = scratch.store.result(&id).unwrap().unwrap();
    assert_eq!(names(&result), ["from the first worker", "e1", "e2"]);
    assert_eq!(lab.runs.load(Ordering::Relaxed), 2);
}

#[test]
fn one_bad_experiment_stops_no_other_and_the_job_failed() {
    let scratch = Scratch::new();
    let id = scratch.submit("lab/bench", &named(&["a", "bad", "c"]));
    work(&scratch.store, &Only("lab/bench", Lab::new(true)), &at_once(), || {}).unwrap();
    let record = scratch.store.job(&id).unwrap();
    assert_eq!(record.state, JobStatus::Error);
    assert_eq!(record.error.unwrap().message, "experiment `bad` failed: no such luck");
    let result = scratch.store.result(&id).unwrap().unwrap();
    assert_eq!((names(&result).len(), result.success), (3, false));
    assert!(result.experiments[2].success);
}

#[test]
fn what_cannot_be_run_is_an_error_with_its_reason() {
    let scratch = Scratch::new();
    let unknown = scratch.submit("lab/attic", &experiments(1));
    let empty = scratch.submit("lab/bench", &experiments(0));
    let broken = scratch.submit("lab/bench", &named(&["a", "broken"]));
    let fine = scratch.submit("lab/bench", &experiments(1));
    work(&scratch.store, &Only("lab/bench", Lab::new(true)), &at_once(), || {}).unwrap();
    let code = |id: &str| scratch.store.job(id).unwrap().error.map(|error| error.code);
    assert_eq!(code(&unknown).as_deref(), Some("backend.not_found"));
    assert_eq!(code(&empty).as_deref(), Some("qobj.invalid"));
    assert_eq!(code(&broken).as_deref(), Some("lab.broken"));
    let partial = scratch.store.result(&broken).unwrap().unwrap();
    assert_eq!(names(&partial), ["a"], "what was finished is kept");
    assert_eq!(scratch.store.job(&fine).unwrap().state, JobStatus::Done);
}

#[test]
fn a_running_job_is_stopped_from_another_process() {
    let scratch = Scratch::new();
    let lab = Lab::new(true);
    let id = scratch.submit("lab/bench", &named(&["a", "stuck"]));
    let job = StoredJob::new(scratch.other(), &id, lab.clone());
    let store = Arc::clone(&scratch.store);
    let worker = thread::spawn(move || {
        work(&store, &Only("lab/bench", lab), &at_once(), || {}).unwrap();
    });
    while job.record().unwrap().completed == 0 {
        thread::yield_now();
    }
    assert_eq!(job.status().unwrap(), JobStatus::Running);
    let timeout = job.result(Some(Duration::ZERO)).unwrap_err();
    assert_eq!(timeout.code(), "job.timeout");
    assert!(job.cancel().unwrap());
    assert_eq!(job.result(LONG).unwrap_err().code(), "job.cancelled");
    worker.join().unwrap();
    assert!(!job.cancel().unwrap());
    let kept = scratch.store.result(&id).unwrap().unwrap();
    assert_eq!(names(&kept), ["a"]);
}

#[test]
fn a_result_is_waited_for_from_another_process() {
    let scratch = Scratch::new();
    let lab = Lab::new(true);
    let id = scratch.submit("lab/bench", &named(&["gate"]));
    let job = StoredJob::new(scratch.other(), &id, lab.clone());
    assert_eq!(job.queue_position().unwrap(), Some(1));
    let store = Arc::clone(&scratch.store);
    let at_work = Arc::clone(&lab);
    let worker = thread::spawn(move || {
        work(&store, &Only("lab/bench", at_work), &at_once(), || {}).unwrap();
    });
    let waiting = thread::spawn(move || job.result(LONG));
    lab.gate.open();
    assert_eq!(names(&waiting.join().unwrap().unwrap()), ["gate"]);
    worker.join().unwrap();
}

#[test]
fn one_worker_waits_for_work_and_no_second() {
    let scratch = Scratch::new();
    let lab = Lab::new(true);
    assert!(!Idle::exists(&scratch.store).unwrap());
    let store = Arc::clone(&scratch.store);
    let waiting = thread::spawn(move || {
        let options = WorkOptions { idle: Duration::from_secs(2), ..at_once() };
        work(&store, &Only("lab/bench", lab), &options, || {}).unwrap();
    });
    while !Idle::exists(&scratch.store).unwrap() {
        thread::yield_now();
    }
    let second = scratch.other();
    let long = WorkOptions { idle: Duration::from_secs(3600), ..at_once() };
    work(&second, &Only("lab/bench", Lab::new(true)), &long, || {}).unwrap();
    // The one that waits takes what comes.
    let id = scratch.submit("lab/bench", &experiments(1));
    let job = StoredJob::new(scratch.other(), id, Lab::new(true));
    assert!(job.result(LONG).unwrap().success);
    waiting.join().unwrap();
    assert!(!Idle::exists(&scratch.store).unwrap());
}

#[test]
fn more_work_than_one_worker_takes_calls_for_a_sibling() {
    let scratch = Scratch::new();
    let one_thread = || {
        let options = RunOptions { threads: Some(1), ..Default::default() };
        let job = NewJob::new("lab/bench", Runner::Worker, options);
        scratch.store.submit(&job, &experiments(1)).unwrap()
    };
    one_thread();
    one_thread();
    let mut siblings = 0;
    let resolver = Only("lab/bench", Lab::new(true));
    work(&scratch.store, &resolver, &at_once(), || siblings += 1).unwrap();
    assert_eq!(siblings, 1);
}

/// A worker takes a job, and is to go as soon as its first experiment is finished.
fn run_until_one_is_finished(scratch: &Scratch, id: &str) {
    let (store, stop) = (scratch.other(), Arc::new(AtomicBool::new(false)));
    let told = Arc::clone(&stop);
    let worker = thread::spawn(move || {
        let lab = Only("lab/bench", Lab::new(true));
        work_until(&told, &store, &lab, &at_once(), || {}).unwrap();
    });
    while scratch.store.job(id).unwrap().completed == 0 {
        thread::yield_now();
    }
    stop.store(true, Ordering::Relaxed);
    worker.join().unwrap();
}

#[test]
fn a_worker_that_is_to_go_gives_its_job_back_with_what_is_finished() {
    let scratch = Scratch::new();
    let id = scratch.submit("lab/bench", &named(&["a", "stuck"]));
    run_until_one_is_finished(&scratch, &id);
    let record = scratch.store.job(&id).unwrap();
    assert_eq!((record.state, record.completed, record.attempt), (JobStatus::Queued, 1, 0));
    // One that was asked to stop does not wait for another worker.
    let claim = scratch.store.claim(at_once().budget).unwrap().unwrap();
    assert!(scratch.store.cancel(&id).unwrap());
    claim.release().unwrap();
    assert_eq!(scratch.store.job(&id).unwrap().state, JobStatus::Cancelled);
}

#[test]
fn a_job_that_runs_longer_than_it_may_is_stopped() {
    let scratch = Scratch::new();
    let lab = Lab::new(true);
    let send = |names: &[&str]| {
        let served = Served {
            user: "ada".to_owned(),
            program: "sampler".to_owned(),
            session: None,
            cost: Some(60),
            params: b"{}".to_vec(),
            refused: None,
        };
        let new = NewJob::new("lab/bench", Runner::Worker, RunOptions::default());
        let new = NewJob { served: Some(served), ..new };
        scratch.store.submit(&new, &named(names)).unwrap()
    };
    let work = || work(&scratch.store, &Only("lab/bench", lab.clone()), &at_once(), || {}).unwrap();
    let stuck = send(&["a", "stuck"]);
    run_until_one_is_finished(&scratch, &stuck);
    // All but a second of its time is over.
    scratch.tamper(&format!("UPDATE jobs SET ran_ms = 59000 WHERE id = '{stuck}'"));
    work();
    let record = scratch.store.job(&stuck).unwrap();
    assert_eq!((record.state.clone(), record.completed), (JobStatus::Cancelled, 1));
    assert!(record.ran() >= Duration::from_secs(60), "{record:?}");
    let error = record.error.unwrap();
    assert_eq!((error.code.as_str(), error.retryable), (TOO_LONG, false));
    assert!(error.message.contains("60 s"), "{error:?}");
    let job = StoredJob::new(scratch.other(), &stuck, lab.clone());
    assert_eq!(job.result(LONG).unwrap_err().code(), "job.cancelled");
    assert!(job.error_message().unwrap().unwrap().contains("longer"));

    // It may run for so long in all, whoever takes it how often.
    let calls = lab.calls.load(Ordering::Relaxed);
    let again = send(&["a"]);
    scratch.tamper(&format!("UPDATE jobs SET ran_ms = 60000 WHERE id = '{again}'"));
    work();
    assert_eq!(scratch.store.job(&again).unwrap().error.unwrap().code, TOO_LONG);
    assert_eq!(lab.calls.load(Ordering::Relaxed), calls, "nothing was run");
}
