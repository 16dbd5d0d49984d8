//! Any backend, with jobs that are kept.

use std::{sync::Arc, time::Duration};

use ketch_core::{Backend, Job, JobQuery, JobStatus, Qobj, RunOptions};
use ketch_jobs::{StoredBackend, StoredJob, as_completed};

use crate::common::{LONG, Lab, Scratch, experiments, names};

fn named(name: &str) -> Qobj {
    let mut qobj = experiments(1);
    qobj.experiments_mut()[0].header.insert("name".to_owned(), name.into());
    qobj
}

fn run(backend: &StoredBackend, qobj: Qobj) -> Arc<dyn Job> {
    backend.run(qobj, RunOptions::default()).unwrap()
}

#[test]
fn done_shows_when_the_result_is_on_disk() {
    let scratch = Scratch::new();
    let backend = StoredBackend::new(Arc::clone(&scratch.store), "lab/bench", Lab::new(true));
    let job = run(&backend, experiments(2));
    let other = scratch.other();
    let id = job.job_id();
    assert_eq!(other.qobj(&id).unwrap(), experiments(2), "kept before the id is known");
    while job.status().unwrap() != JobStatus::Done {
        std::thread::yield_now();
    }
    assert_eq!(other.job(&id).unwrap().state, JobStatus::Done);
    let kept = other.result(&id).unwrap().unwrap();
    assert_eq!(names(&kept), ["e0", "e1"]);
    assert_eq!(names(&job.result(LONG).unwrap()), ["e0", "e1"]);
    assert_eq!(job.error_message().unwrap(), None);
}

#[test]
fn a_job_is_found_again_and_listed_also_of_a_backend_that_keeps_none() {
    let scratch = Scratch::new();
    let backend = |name: &str| StoredBackend::new(scratch.other(), name, Lab::new(true));
    let first = backend("lab/bench");
    let job = run(&first, experiments(1));
    job.result(LONG).unwrap();
    let again = backend("lab/bench");
    let found = again.retrieve_job(&job.job_id()).unwrap();
    assert_eq!(names(&found.result(LONG).unwrap()), ["e0"]);
    let all = again.jobs(&JobQuery::default()).unwrap();
    assert_eq!(all.iter().map(|job| job.job_id()).collect::<Vec<_>>(), [job.job_id()]);
    let query = JobQuery { status: Some(JobStatus::Error), ..JobQuery::default() };
    assert!(again.jobs(&query).unwrap().is_empty());
    let elsewhere = backend("lab/attic").retrieve_job(&job.job_id()).map(drop).unwrap_err();
    assert_eq!(elsewhere.code(), "job.not_found");
}

#[test]
fn what_the_backend_refuses_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let backend = StoredBackend::new(Arc::clone(&scratch.store), "lab/bench", Lab::new(true));
    let refused = backend.run(experiments(0), RunOptions::default()).map(drop).unwrap_err();
    assert_eq!(refused.code(), "qobj.invalid");
    assert!(scratch.store.jobs(&Default::default()).unwrap().is_empty());
}

#[test]
fn failures_and_parts_are_kept() {
    let scratch = Scratch::new();
    let backend = StoredBackend::new(Arc::clone(&scratch.store), "lab/bench", Lab::new(true));
    let mut qobj = experiments(2);
    qobj.experiments_mut()[0].header.insert("name".to_owned(), "bad".into());
    let job = run(&backend, qobj);
    let result = job.result(LONG).unwrap();
    assert_eq!((result.experiments[0].success, result.experiments[1].success), (false, true));
    assert_eq!(job.status().unwrap(), JobStatus::Error);
    let message = job.error_message().unwrap().unwrap();
    assert_eq!(message, "experiment `bad` failed: no such luck");

    let job = run(&backend, named("broken"));
    assert_eq!(job.result(LONG).unwrap_err().code(), "lab.broken");
    let again = StoredJob::new(scratch.other(), job.job_id(), Lab::new(true));
    assert_eq!(again.result(LONG).unwrap_err().code(), "lab.broken");
    assert_eq!(again.status().unwrap(), JobStatus::Error);
}

#[test]
fn a_cancel_from_another_process_is_heard() {
    let scratch = Scratch::new();
    let backend = StoredBackend::new(Arc::clone(&scratch.store), "lab/bench", Lab::new(true));
    let running = run(&backend, named("stuck"));
    let waiting = run(&backend, named("behind"));
    while running.status().unwrap() != JobStatus::Running {
        std::thread::yield_now();
    }
    assert_eq!(waiting.queue_position().unwrap(), Some(1));
    let timeout = running.result(Some(Duration::from_millis(1))).unwrap_err();
    assert_eq!(timeout.code(), "job.timeout");
    assert!(scratch.other().cancel(&running.job_id()).unwrap());
    assert_eq!(running.result(LONG).unwrap_err().code(), "job.cancelled");
    assert_eq!(scratch.store.job(&running.job_id()).unwrap().state, JobStatus::Cancelled);
    assert!(waiting.result(LONG).unwrap().success);
    assert!(!running.cancel().unwrap());
}

#[test]
fn a_result_that_is_too_large_to_be_kept_is_still_given_out() {
    let scratch = Scratch::new();
    let backend = StoredBackend::new(Arc::clone(&scratch.store), "lab/bench", Lab::new(true))
        .keeping_at_most(10);
    let job = run(&backend, experiments(1));
    assert_eq!(names(&job.result(LONG).unwrap()), ["e0"]);
    assert_eq!(job.status().unwrap(), JobStatus::Done);
    assert_eq!(scratch.store.result(&job.job_id()).unwrap(), None);
}

#[test]
fn jobs_are_told_as_they_complete() {
    let scratch = Scratch::new();
    let slow = Lab::new(true);
    let (a, b) = (
        StoredBackend::new(
            Arc::clone(&scratch.store),
            "lab/a",
            Arc::clone(&slow) as Arc<dyn Backend>,
        ),
        StoredBackend::new(Arc::clone(&scratch.store), "lab/b", Lab::new(true)),
    );
    let jobs = vec![run(&a, named("gate")), run(&b, named("quick")), run(&b, named("broken"))];
    let mut order = Vec::new();
    for (place, result) in as_completed(jobs) {
        order.push((place, result.is_ok()));
        if order.len() == 2 {
            slow.gate.open();
        }
    }
    // Those that end in the same moment come in any order.
    order[..2].sort_unstable();
    assert_eq!(order, [(1, true), (2, false), (0, true)]);
}

#[test]
fn jobs_in_parts_wait_for_their_turn_like_others() {
    let scratch = Scratch::new();
    let lab = Lab::new(true);
    let inner = Arc::clone(&lab) as Arc<dyn Backend>;
    let backend = StoredBackend::new(Arc::clone(&scratch.store), "lab/bench", inner);
    let gated = || {
        let mut qobj = experiments(2);
        qobj.experiments_mut()[0].header.insert("name".to_owned(), "gate".into());
        qobj
    };
    let jobs = [run(&backend, gated()), run(&backend, gated()), run(&backend, gated())];
    while jobs[0].status().unwrap() != JobStatus::Running {
        std::thread::yield_now();
    }
    let places = || jobs.each_ref().map(|job| job.queue_position().unwrap());
    assert_eq!(places(), [None, Some(1), Some(2)]);
    let states = || jobs.each_ref().map(|job| job.status().unwrap());
    assert_eq!(states(), [JobStatus::Running, JobStatus::Queued, JobStatus::Queued]);

    assert!(jobs[1].cancel().unwrap());
    assert_eq!(jobs[1].result(LONG).unwrap_err().code(), "job.cancelled");
    assert_eq!(places(), [None, None, Some(1)]);
    lab.gate.open();
    for job in [&jobs[0], &jobs[2]] {
        assert_eq!(names(&job.result(LONG).unwrap()), ["gate", "e1"]);
        assert_eq!(job.queue_position().unwrap(), None);
    }
}

#[test]
fn a_job_whose_parts_the_disk_does_not_take_is_not_done() {
    let scratch = Scratch::new();
    scratch.tamper(
        "CREATE TRIGGER full BEFORE INSERT ON documents WHEN NEW.name = 'result.0000000001' \
         BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
    );
    let backend = StoredBackend::new(Arc::clone(&scratch.store), "lab/bench", Lab::new(true));
    let job = run(&backend, experiments(3));
    // Whoever waits gets it all the same.
    assert_eq!(names(&job.result(LONG).unwrap()), ["e0", "e1", "e2"]);
    let left = scratch.other().job(&job.job_id()).unwrap();
    assert!(!left.state.is_final(), "{}", left.state);
    assert_eq!(left.completed, 1, "what the disk took is there");
    assert_eq!(names(&scratch.other().result(&left.id).unwrap().unwrap()), ["e0"]);
}
