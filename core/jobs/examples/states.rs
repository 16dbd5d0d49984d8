//! `states DIRECTORY SEED STEPS`: threads that do to the jobs of a store whatever they like, for the
//! test that watches several such processes.
//!
//! What each process saw and did is printed in its order: `saw ID STATE` for each state that a job
//! was found in, and `ended ID STATE` when this process brought it to its end.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program of a test: who panics has failed, as it should"
)]

use std::{
    collections::HashMap,
    env,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use ketch_core::{Circuit, JobStatus, Qobj, RunOptions, RunResult, result::ExperimentResult};
use ketch_jobs::{Budget, Claim, Error, JobFilter, NewJob, Runner, Store, StoredError};

const THREADS: u64 = 2;
const BUDGET: Budget = Budget { threads: 64, memory: u64::MAX };

/// What the threads saw and did, in one order.
#[derive(Default)]
struct Diary {
    last: HashMap<String, JobStatus>,
    lines: Vec<String>,
}

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let [directory, seed, steps] = words.as_slice() else {
        panic!("usage: states DIRECTORY SEED STEPS")
    };
    let (seed, steps): (u64, u32) = (seed.parse().unwrap(), steps.parse().unwrap());
    let diary = Mutex::default();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (store, diary) = (Arc::new(Store::open(Path::new(directory)).unwrap()), &diary);
            scope.spawn(move || {
                let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (seed * THREADS + number + 1));
                let mut mine = Vec::new();
                for _ in 0..steps {
                    act(&store, &mut mine, &mut dice, diary);
                    look(&store, diary);
                }
                // What is still owned is left to whoever finds this process gone.
            });
        }
    });
    let diary = diary.into_inner().unwrap();
    diary.lines.iter().for_each(|line| println!("{line}"));
}

/// Looks at all jobs. Under the lock, so that what is seen later is noted later.
fn look(store: &Store, diary: &Mutex<Diary>) {
    let mut diary: MutexGuard<'_, Diary> = diary.lock().unwrap();
    for job in store.jobs(&JobFilter::default()).unwrap() {
        if diary.last.get(&job.id) != Some(&job.state) {
            diary.lines.push(format!("saw {} {}", job.id, job.state));
            diary.last.insert(job.id.clone(), job.state.clone());
        }
        if job.state == JobStatus::Done {
            match store.result(&job.id) {
                Ok(result) => assert!(result.is_some(), "{} is DONE without a result", job.id),
                Err(Error::NotFound { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn act(store: &Arc<Store>, mine: &mut Vec<Claim>, dice: &mut Dice, diary: &Mutex<Diary>) {
    let ended = |id: &str, state: JobStatus| {
        diary.lock().unwrap().lines.push(format!("ended {id} {state}"));
    };
    match dice.roll(14) {
        0 | 13 => {
            // Many of these run at a time.
            let options = RunOptions { threads: Some(1), ..RunOptions::default() };
            let job = NewJob::new("lab/bench", Runner::Worker, options);
            let id = store.submit(&job, &Qobj::from_circuit(Circuit::new(1, 0))).unwrap();
            assert_eq!(store.qobj(&id).map(|qobj| qobj.experiments().len()).unwrap_or(1), 1);
        }
        1 | 2 | 12 => mine.extend(overtaken(store.claim(BUDGET)).flatten()),
        3 => drop(any(store, dice).map(|id| overtaken(store.cancel(&id)))),
        4 => drop(any(store, dice).map(|id| overtaken(store.result(&id)))),
        5 if dice.roll(4) == 0 => drop(any(store, dice).map(|id| overtaken(store.delete(&id)))),
        6 | 7 => {
            if let Some(claim) = own(mine, dice) {
                let id = claim.record.id.clone();
                if overtaken(claim.keep(0, &result())).is_some()
                    && overtaken(claim.finish(None)).is_some()
                {
                    ended(&id, JobStatus::Done);
                }
            }
        }
        8 => {
            if let Some(claim) = own(mine, dice) {
                let id = claim.record.id.clone();
                let error = StoredError::from(&ketch_core::Error::other("x", "y"));
                if overtaken(claim.finish(Some(&error))).is_some() {
                    ended(&id, JobStatus::Error);
                }
            }
        }
        9 => {
            if let Some(claim) = own(mine, dice) {
                let id = claim.record.id.clone();
                match overtaken(claim.renew()) {
                    Some(true) => {
                        let cancelled = overtaken(claim.cancelled());
                        cancelled.inspect(|_| ended(&id, JobStatus::Cancelled));
                    }
                    Some(false) => drop(overtaken(claim.release())),
                    None => {}
                }
            }
        }
        _ => drop(store.recover().unwrap()),
    }
}

/// What was done may fail only because somebody else was faster.
fn overtaken<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        Err(Error::LostLease { .. } | Error::Illegal { .. } | Error::NotFound { .. }) => None,
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    }
}

fn any(store: &Store, dice: &mut Dice) -> Option<String> {
    let jobs = store.jobs(&JobFilter::default()).unwrap();
    let place = dice.roll(jobs.len().max(1) as u64);
    jobs.into_iter().nth(usize::try_from(place).unwrap()).map(|job| job.id)
}

fn own(mine: &mut Vec<Claim>, dice: &mut Dice) -> Option<Claim> {
    let place = usize::try_from(dice.roll(mine.len().max(1) as u64)).unwrap();
    (place < mine.len()).then(|| mine.swap_remove(place))
}

fn result() -> RunResult {
    let experiment = ExperimentResult { success: true, ..ExperimentResult::default() };
    RunResult { success: true, experiments: vec![experiment], ..RunResult::default() }
}

/// A number that looks random and is the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Marsaglia's xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}
