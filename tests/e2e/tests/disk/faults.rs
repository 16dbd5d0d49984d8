//! A disk that fails at the N-th call, for every N: what was done is done or cleanly refused, and
//! nothing else comes to harm.

use std::{collections::BTreeMap, fs, path::Path, thread};

use ketch::{
    JobStatus, RunResult,
    jobs::{JobFilter, JobRecord, Store},
};

use super::{copy, put_below, record, record::What, store};
use crate::sandbox::{Run, Sandbox, example, finish};

/// What can happen to a call; the disk's own words.
const FAULTS: [&str; 3] = ["error", "full", "short"];

/// What is done while it happens: small documents are rows, large ones files.
const ACTIONS: [(&str, u32); 5] =
    [("submit", 1), ("submit", 3_000), ("finish", 1), ("finish", 5_000), ("cancel", 1)];

/// How much SQLite has in its log when it happens.
#[derive(Clone, Copy, Debug)]
enum Log {
    /// There is no store yet.
    None,
    Short,
    /// So much that each process moves it into the database first thing, and begins a new one.
    Full,
}

/// The length of a log that is moved.
const FULL: u64 = 256 * (4096 + 24);

/// A store with a job that is done, one that is done and large, and some that wait.
fn seed(directory: &Path, log: Log) {
    if matches!(log, Log::None) {
        return;
    }
    let act = |action, number| finish(&mut store(directory, action, number)).ok();
    for (experiments, amplitudes) in [(1, 1), (3_000, 5_000)] {
        act("submit", experiments);
        act("finish", amplitudes);
    }
    // One more than are finished here.
    (0..2).for_each(|_| drop(act("submit", 1)));
    let length = || fs::metadata(directory.join("jobs.db-wal")).unwrap().len();
    while matches!(log, Log::Full) && length() < FULL {
        act("submit", 1);
    }
}

type Jobs = BTreeMap<String, (JobRecord, Option<RunResult>)>;

/// All that a store knows, by the ids of the jobs; asserts that it is sound.
#[track_caller]
fn all(directory: &Path) -> Jobs {
    let store = Store::open(directory).unwrap();
    assert_eq!(store.check().unwrap(), []);
    let jobs = store.jobs(&JobFilter::default()).unwrap().into_iter();
    jobs.map(|job| {
        let (id, result) = (job.id.clone(), store.result(&job.id).unwrap());
        assert_eq!(store.qobj(&id).unwrap().experiments().len() as u64, job.experiments);
        let whole = result.as_ref().is_some_and(|result| result.success);
        assert_eq!(whole, job.state == JobStatus::Done, "{job:?}");
        (id, (job, result))
    })
    .collect()
}

/// One action on a disk with one fault; whether the fault came.
fn one(seed: &Path, before: &Jobs, (action, size): (&str, u32), fault: &str) -> bool {
    let place = tempfile::tempdir().unwrap();
    let (directory, note) = (place.path().join("store"), place.path().join("record"));
    copy(seed, &directory);
    let mut command = store(&directory, action, size);
    put_below(&mut command, &directory, &note);
    let run = finish(command.env("KETCH_DISK_FAULT", fault));
    let came = record::read(&note).iter().any(|entry| matches!(entry.what, What::Fault));
    let told = is_clean(&run).then(|| run.stdout.trim());
    assert!(came || told.is_some(), "{run:?}");

    let after = all(&directory);
    let wanted = match action {
        "submit" => JobStatus::Queued,
        "finish" => JobStatus::Done,
        _ => JobStatus::Cancelled,
    };
    if let Some(id) = told {
        assert_eq!(after[id].0.state, wanted, "{id} was told");
    }
    // Of what was there, only the job that this was about has changed, if any.
    let changed: Vec<_> = before.iter().filter(|(id, known)| after[*id] != **known).collect();
    assert!(changed.len() <= usize::from(action != "submit"), "{changed:?}");
    assert!(changed.iter().all(|(_, known)| !known.0.state.is_final()), "{changed:?}");
    let new = after.len() - before.len();
    assert!(new <= usize::from(action == "submit"), "{after:?}");

    // With a sound disk everything goes on.
    let again = finish(&mut store(&directory, action, size)).ok();
    assert_eq!(Store::open(&directory).unwrap().job(again.trim()).unwrap().state, wanted);
    came
}

/// Whether it went well; if not, it said why.
#[track_caller]
fn is_clean(run: &Run) -> bool {
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    match run.exit {
        Some(0) => true,
        Some(_) => {
            assert!(run.stdout.is_empty() && run.stderr.starts_with("error: "), "{run:?}");
            false
        }
        None => panic!("a disk killed it: {run:?}"),
    }
}

#[test]
fn whichever_call_of_a_store_fails_nothing_is_lost() {
    let sweep = |log: Log| {
        let place = tempfile::tempdir().unwrap();
        seed(place.path(), log);
        let (actions, faults, before) = match log {
            Log::None => (&ACTIONS[..2], &FAULTS[..2], Jobs::new()),
            Log::Short => (&ACTIONS[..], &FAULTS[..], all(place.path())),
            Log::Full => (&ACTIONS[..], &FAULTS[..1], all(place.path())),
        };
        for action in actions {
            for fault in faults {
                let fails = |number: &u32| {
                    one(place.path(), &before, *action, &format!("{fault}:{number}"))
                };
                let calls = (1..).take_while(fails).count();
                assert!(calls >= 10, "{log:?}, {action:?}, {fault}: {calls} calls");
            }
        }
    };
    thread::scope(|scope| {
        for log in [Log::None, Log::Short, Log::Full] {
            scope.spawn(move || sweep(log));
        }
    });
}

#[test]
fn whichever_call_of_ketch_fails_it_says_so_and_a_run_has_its_counts_all_the_same() {
    let bell = example("bell.qasm");
    for (words, fault) in [(["submit", &bell], "error"), (["run", &bell], "full")] {
        let fails = |number: &u32| {
            let sandbox = Sandbox::new();
            let (disk, note) = (sandbox.path("disk"), sandbox.path("record"));
            fs::create_dir(&disk).unwrap();
            let mut command = sandbox.command(&words);
            put_below(&mut command, &disk, &note);
            command.env("XDG_DATA_HOME", &disk).arg("--json");
            let run = finish(command.env("KETCH_DISK_FAULT", format!("{fault}:{number}")));
            let came = record::read(&note).iter().any(|entry| matches!(entry.what, What::Fault));
            let store = Store::open(&disk.join("ketch/jobs")).unwrap();
            assert_eq!(store.check().unwrap(), [], "{run:?}");
            assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
            if words[0] == "run" {
                let document = run.json();
                assert_eq!(document["status"], "DONE", "{document}");
            } else if run.exit == Some(0) {
                let document = run.json();
                store.job(document["job_id"].as_str().unwrap()).unwrap();
            } else {
                assert!(came && !run.stderr.is_empty(), "{run:?}");
            }
            came
        };
        // Every call of the store has its turn above.
        let calls = (1..).step_by(3).take_while(fails).count();
        assert!(calls >= 10, "{words:?}: {calls} calls");
    }
}
