//! What is kept, and for how long.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use ketch_core::{JobStatus, RunOptions};
use ketch_jobs::{
    Budget, Error, JobFilter, NewJob, Problem, Retention, Runner, Store, StoredError,
};

use crate::common::{Scratch, experiments, large_result, names};

const BUDGET: Budget = Budget { threads: 2, memory: 1 << 30 };

#[test]
fn a_job_is_there_for_everybody_once_its_id_is_given_out() {
    let scratch = Scratch::new();
    let mut job = NewJob::new("lab/bench", Runner::Worker, RunOptions::default());
    job.label = Some("sweep".to_owned());
    job.options.tags = vec!["red".to_owned()];
    job.options.threads = Some(3);
    job.plugins.flag = vec!["/opt/plugins".into()];
    job.plugins.environment = vec!["/srv/plugins".into()];
    let qobj = experiments(3);
    let id = scratch.store.submit(&job, &qobj).unwrap();

    let other = scratch.other();
    let record = other.job(&id).unwrap();
    assert_eq!(record.state, JobStatus::Queued);
    assert_eq!((record.experiments, record.completed), (3, 0));
    assert_eq!((record.backend.as_str(), record.label.as_deref()), ("lab/bench", Some("sweep")));
    assert_eq!(record.options().threads, Some(3));
    assert_eq!(record.plugins, job.plugins);
    assert_eq!(record.options().job_key.as_deref(), Some(id.as_str()));
    assert_eq!(other.qobj(&id).unwrap(), qobj);
    assert_eq!(other.result(&id).unwrap(), None);
    assert_eq!(other.position(&id).unwrap(), Some(1));
}

#[test]
fn the_directory_is_its_owners_alone() {
    let scratch = Scratch::new();
    let mode = fs::metadata(scratch.directory.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn ids_may_be_shortened_while_they_are_unique() {
    let scratch = Scratch::new();
    let store = &scratch.store;
    let ids: Vec<String> = (0..3).map(|_| scratch.submit("lab/bench", &experiments(1))).collect();
    assert_eq!(store.resolve("@1").unwrap(), ids[2]);
    assert_eq!(store.resolve("@3").unwrap(), ids[0]);
    assert_eq!(store.resolve(&ids[1].to_lowercase()).unwrap(), ids[1]);
    // Ids of one millisecond may differ in their last letter only.
    let is_short =
        |length: &usize| ids.iter().filter(|id| id.starts_with(&ids[1][..*length])).count() == 1;
    let length = (1..=26).find(is_short).unwrap();
    assert_eq!(store.resolve(&ids[1][..length]).unwrap(), ids[1]);
    // The first ten characters are the time, which they share for a long time.
    assert!(
        matches!(store.resolve(&ids[0][..3]), Err(Error::Ambiguous { ids, .. }) if ids.len() == 3)
    );
    for unknown in ["", "@0", "@4", "@x", "%", "_", "nothing"] {
        assert!(matches!(store.resolve(unknown), Err(Error::NotFound { .. })), "{unknown}");
    }
}

#[test]
fn jobs_are_listed_by_what_they_are() {
    let scratch = Scratch::new();
    let submit = |backend: &str, label: &str, tag: &str| {
        let mut job = NewJob::new(backend, Runner::Worker, RunOptions::default());
        job.label = Some(label.to_owned());
        job.options.tags = vec![tag.to_owned()];
        scratch.store.submit(&job, &experiments(1)).unwrap()
    };
    let a = submit("lab/bench", "one", "red");
    let b = submit("lab/other", "two", "red");
    let c = submit("labor/bench", "one", "blue");
    scratch.store.cancel(&c).unwrap();
    let list = |filter: JobFilter| -> Vec<String> {
        scratch.store.jobs(&filter).unwrap().into_iter().map(|job| job.id).collect()
    };
    let all = JobFilter::default;
    assert_eq!(list(all()), [&c, &b, &a].map(String::clone));
    let backend = |name: &str| JobFilter { backend: Some(name.to_owned()), ..all() };
    assert_eq!(list(backend("lab")), [b.clone(), a.clone()]);
    assert_eq!(list(backend("lab/bench")), std::slice::from_ref(&a));
    let states = |states: &[JobStatus]| JobFilter { states: states.to_vec(), ..all() };
    assert_eq!(list(states(&[JobStatus::Cancelled])), std::slice::from_ref(&c));
    assert_eq!(list(states(&[JobStatus::Cancelled, JobStatus::Queued])).len(), 3);
    let label = |word: &str| JobFilter { label: Some(word.to_owned()), ..all() };
    assert_eq!(list(label("one")), [c.clone(), a.clone()]);
    assert_eq!(list(label("red")), [b.clone(), a.clone()]);
    let page = JobFilter { limit: Some(1), before: Some(c), ..all() };
    assert_eq!(list(page), [b]);
}

#[test]
fn large_documents_are_files_that_go_with_their_job() {
    let scratch = Scratch::new();
    let id = scratch.submit("lab/bench", &experiments(1));
    let claim = scratch.store.claim(BUDGET).unwrap().unwrap();
    let result = large_result(1 << 20);
    claim.keep(0, &result).unwrap();
    claim.finish(None).unwrap();
    let files = || fs::read_dir(scratch.directory.path().join("documents")).unwrap().count();
    assert_eq!(files(), 1);
    let read = scratch.other().result(&id).unwrap().unwrap();
    assert_eq!(read.experiments[0].data, result.experiments[0].data);
    assert_eq!(scratch.store.check().unwrap(), []);

    let path = scratch.directory.path().join("documents").join(format!("{id}.result.0000000000"));
    fs::write(&path, "cut").unwrap();
    let name = "result.0000000000".to_owned();
    assert_eq!(scratch.store.check().unwrap(), [Problem::Document { job: id.clone(), name }]);
    assert!(scratch.store.result(&id).is_err());

    scratch.store.delete(&id).unwrap();
    assert_eq!(files(), 0);
    assert!(matches!(scratch.store.job(&id), Err(Error::NotFound { .. })));
    scratch.store.compact().unwrap();
}

#[test]
fn results_of_parts_are_one_result() {
    let scratch = Scratch::new();
    let id = scratch.submit("lab/bench", &experiments(2));
    let claim = scratch.store.claim(BUDGET).unwrap().unwrap();
    let part = |name: &str| {
        let mut result = large_result(64);
        result.experiments[0].name = name.to_owned();
        result
    };
    claim.keep(0, &part("a")).unwrap();
    let half = scratch.store.result(&id).unwrap().unwrap();
    assert_eq!((names(&half), half.success), (vec!["a".to_owned()], false), "not whole yet");
    assert_eq!(scratch.store.job(&id).unwrap().completed, 1);
    claim.keep(1, &part("b")).unwrap();
    claim.finish(None).unwrap();
    let whole = scratch.store.result(&id).unwrap().unwrap();
    assert_eq!(
        (names(&whole), whole.success, whole.job_id),
        (vec!["a".into(), "b".into()], true, id)
    );
}

#[test]
fn old_jobs_and_large_jobs_are_forgotten_and_running_ones_are_not() {
    let scratch = Scratch::new();
    let finished = |bytes: usize| {
        let id = scratch.submit("lab/bench", &experiments(1));
        let claim = scratch.store.claim(BUDGET).unwrap().unwrap();
        claim.keep(0, &large_result(bytes)).unwrap();
        claim.finish(None).unwrap();
        id
    };
    let old = finished(64);
    let large = finished(1 << 20);
    let small = finished(64);
    let queued = scratch.submit("lab/bench", &experiments(1));
    scratch.tamper(&format!("UPDATE jobs SET ended_ms = 1, created_ms = 1 WHERE id = '{old}'"));
    scratch.tamper(&format!("UPDATE jobs SET created_ms = 1 WHERE id = '{queued}'"));
    let stray = scratch.directory.path().join("documents/stray.part");
    fs::write(&stray, "left behind").unwrap();
    fs::File::open(&stray).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let fresh = scratch.directory.path().join("documents/fresh.part");
    fs::write(&fresh, "being written").unwrap();

    let kept = || {
        let jobs = scratch.store.jobs(&JobFilter::default()).unwrap();
        jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(scratch.store.maintain(Retention::default()).unwrap(), 1);
    assert_eq!(kept(), [queued.clone(), small.clone(), large]);
    assert!(!stray.exists() && fresh.exists());
    let little = Retention { bytes: 100 << 10, age: Duration::MAX };
    assert_eq!(scratch.store.maintain(little).unwrap(), 1);
    assert_eq!(kept(), [queued, small]);
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let scratch = Scratch::new();
    scratch.tamper("PRAGMA user_version = 99");
    let error = Store::open(scratch.directory.path()).unwrap_err();
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
}

#[test]
fn what_is_no_database_is_refused_and_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jobs.db");
    fs::write(&path, "these are somebody's notes, of more than a hundred bytes, ".repeat(40))
        .unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(Store::open(directory.path()).unwrap_err().code(), "store.unavailable");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn who_lost_a_job_can_change_nothing_of_it() {
    let scratch = Scratch::new();
    let id = scratch.submit("lab/bench", &experiments(1));
    let first = scratch.store.claim(BUDGET).unwrap().unwrap();
    // The lease lapses, as that of a worker that was stopped for long.
    scratch.tamper("UPDATE jobs SET lease_awake = 0");
    assert_eq!(scratch.other().recover().unwrap().requeued, std::slice::from_ref(&id));
    let second = scratch.other().claim(BUDGET).unwrap().unwrap();
    assert_eq!(second.record.attempt, 2);

    let lost = |result: Result<(), Error>| matches!(result, Err(Error::LostLease { .. }));
    assert!(lost(first.renew().map(drop)));
    assert!(lost(first.keep(0, &large_result(64))));
    assert!(lost(first.finish(None)));
    assert!(!second.renew().unwrap());
    second.keep(0, &large_result(64)).unwrap();
    second.finish(None).unwrap();
    assert_eq!(scratch.store.job(&id).unwrap().state, JobStatus::Done);
}

#[test]
fn a_job_that_stops_its_workers_is_parked() {
    let scratch = Scratch::new();
    let id = scratch.submit("lab/bench", &experiments(1));
    for attempt in 1..=3 {
        let claim = scratch.store.claim(BUDGET).unwrap().unwrap();
        assert_eq!(claim.record.attempt, attempt);
        scratch.tamper("UPDATE jobs SET owner = 'gone'");
        let recovered = scratch.store.recover().unwrap();
        let poisoned = attempt == 3;
        assert_eq!(
            (recovered.requeued.len(), recovered.poisoned.len()),
            (usize::from(!poisoned), usize::from(poisoned))
        );
    }
    let record = scratch.store.job(&id).unwrap();
    assert_eq!(
        (record.state, record.error.unwrap().code.as_str()),
        (JobStatus::Error, "job.poisoned")
    );
    // Nothing else is waiting: a parked job is not taken again.
    assert!(scratch.store.claim(BUDGET).unwrap().is_none());
}

#[test]
fn jobs_without_an_owner_are_settled_by_who_ran_them() {
    let scratch = Scratch::new();
    let submit = |runner| {
        let job = NewJob::new("lab/bench", runner, RunOptions::default());
        scratch.store.submit(&job, &experiments(1)).unwrap()
    };
    let program = submit(Runner::Program);
    let sending = submit(Runner::Service);
    let stopped = submit(Runner::Program);
    scratch.store.cancel(&stopped).unwrap();
    assert_eq!(scratch.store.recover().unwrap(), Default::default(), "this process lives");
    scratch.tamper("UPDATE jobs SET owner = 'gone'");
    let recovered = scratch.other().recover().unwrap();
    assert_eq!(recovered.abandoned, std::slice::from_ref(&program));
    assert_eq!(recovered.unknown, std::slice::from_ref(&sending));
    assert_eq!(recovered.cancelled, std::slice::from_ref(&stopped));
    let state = |id: &str| {
        let record = scratch.store.job(id).unwrap();
        (record.state, record.error.map(|error| error.code))
    };
    assert_eq!(state(&program), (JobStatus::Error, Some("job.abandoned".to_owned())));
    assert_eq!(state(&sending), (JobStatus::Initializing, Some("job.unknown_outcome".to_owned())));
    assert_eq!(state(&stopped), (JobStatus::Cancelled, None));
    assert_eq!(scratch.other().recover().unwrap(), Default::default(), "settled once");
}

#[test]
fn jobs_share_the_budget_and_keep_their_order() {
    let scratch = Scratch::new();
    let submit = |threads: Option<u32>, memory: Option<u64>| {
        let options = RunOptions { threads, memory, ..RunOptions::default() };
        let job = NewJob::new("lab/bench", Runner::Worker, options);
        scratch.store.submit(&job, &experiments(1)).unwrap()
    };
    let claimed = || scratch.store.claim(BUDGET).unwrap().map(|claim| claim.record.id);
    let (one, two) = (submit(Some(1), None), submit(Some(1), Some(1 << 40)));
    let (all, later) = (submit(None, None), submit(Some(1), None));
    assert_eq!(claimed(), Some(one.clone()));
    assert_eq!(claimed(), None, "not so much memory as long as anything runs");
    let end = |id: &str| {
        scratch.tamper(&format!("UPDATE jobs SET state = 'DONE', owner = NULL WHERE id = '{id}'"))
    };
    end(&one);
    assert_eq!(claimed(), Some(two.clone()), "alone, it may try");
    assert_eq!(claimed(), None);
    end(&two);
    assert_eq!(claimed(), Some(all.clone()));
    assert_eq!(claimed(), None, "all threads are taken");
    end(&all);
    assert_eq!(claimed(), Some(later));
}

#[test]
fn a_cancel_is_at_once_for_a_queued_job_and_a_request_for_a_running_one() {
    let scratch = Scratch::new();
    let queued = scratch.submit("lab/bench", &experiments(1));
    assert!(scratch.other().cancel(&queued).unwrap());
    assert_eq!(scratch.store.job(&queued).unwrap().state, JobStatus::Cancelled);
    assert!(!scratch.store.cancel(&queued).unwrap());

    let running = scratch.submit("lab/bench", &experiments(1));
    let claim = scratch.store.claim(BUDGET).unwrap().unwrap();
    assert!(matches!(scratch.store.delete(&running), Err(Error::Illegal { .. })));
    assert!(!claim.is_cancelled().unwrap());
    assert!(scratch.other().cancel(&running).unwrap());
    assert!(claim.is_cancelled().unwrap() && claim.renew().unwrap());
    claim.cancelled().unwrap();
    assert_eq!(scratch.store.job(&running).unwrap().state, JobStatus::Cancelled);
}

#[test]
fn a_job_that_is_given_back_waits_again_and_loses_no_attempt() {
    let scratch = Scratch::new();
    let id = scratch.submit("lab/bench", &experiments(1));
    for _ in 0..5 {
        scratch.store.claim(BUDGET).unwrap().unwrap().release().unwrap();
    }
    let record = scratch.store.job(&id).unwrap();
    assert_eq!((record.state, record.attempt), (JobStatus::Queued, 0));
}

#[test]
fn errors_are_kept_whole() {
    let scratch = Scratch::new();
    let id = scratch.submit("lab/bench", &experiments(1));
    let told = StoredError {
        code: "lab.cold".to_owned(),
        message: "the lab is cold".to_owned(),
        hint: Some("heat it".to_owned()),
        causes: vec!["the window".to_owned(), "the wind".to_owned()],
        retryable: true,
    };
    scratch.store.claim(BUDGET).unwrap().unwrap().finish(Some(&told)).unwrap();
    let kept = scratch.other().job(&id).unwrap().error.unwrap();
    assert_eq!(kept, told);
    assert_eq!(kept.line(), "the lab is cold: the window: the wind");
    let error = ketch_core::Error::from(kept);
    assert_eq!(StoredError::from(&error), told);
}

#[test]
fn what_is_kept_is_set_in_the_store_and_looked_after_now_and_then() {
    let scratch = Scratch::new();
    let store = &scratch.store;
    assert_eq!(store.retention().unwrap(), Retention::default());
    let none = Retention { age: Duration::from_secs(86_400), bytes: 0 };
    store.set_retention(none).unwrap();
    assert_eq!(scratch.other().retention().unwrap(), none);
    let ended = || {
        let id = scratch.submit("lab/bench", &experiments(1));
        store.cancel(&id).unwrap();
    };
    ended();
    assert_eq!(scratch.other().maintain_if_due().unwrap(), 1);
    ended();
    assert_eq!(store.maintain_if_due().unwrap(), 0, "not more often than once an hour");
    scratch.tamper("UPDATE settings SET value = value - 3600001 WHERE name = 'maintained_ms'");
    assert_eq!(store.maintain_if_due().unwrap(), 1);
}
