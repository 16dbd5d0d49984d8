//! The table of states against many threads that all do what they like.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    thread,
};

use ketch_core::JobStatus;
use ketch_jobs::{Budget, Claim, Error, JobFilter, Store, StoredError, state};

use crate::common::{Scratch, experiments, large_result};

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

const BUDGET: Budget = Budget { threads: 64, memory: u64::MAX };

/// What a thread did may fail only because somebody else was faster.
fn overtaken<T>(result: Result<T, Error>) {
    match result.map(drop) {
        Ok(()) | Err(Error::LostLease { .. } | Error::Illegal { .. } | Error::NotFound { .. }) => {}
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    }
}

fn act(store: &Arc<Store>, mine: &mut Vec<Claim>, dice: &mut Dice) {
    let any = |dice: &mut Dice| {
        let jobs = store.jobs(&JobFilter::default()).unwrap();
        let place = dice.roll(jobs.len().max(1) as u64);
        jobs.into_iter().nth(usize::try_from(place).unwrap()).map(|job| job.id)
    };
    let own = |mine: &mut Vec<Claim>, dice: &mut Dice| {
        let place = usize::try_from(dice.roll(mine.len().max(1) as u64)).unwrap();
        (place < mine.len()).then(|| mine.swap_remove(place))
    };
    match dice.roll(10) {
        0 | 1 => mine.extend(store.claim(BUDGET).unwrap()),
        2 => {
            if let Some(id) = any(dice) {
                overtaken(store.cancel(&id));
            }
        }
        3 => {
            if let Some(id) = any(dice) {
                overtaken(store.result(&id));
            }
        }
        4 if dice.roll(4) == 0 => {
            if let Some(id) = any(dice) {
                overtaken(store.delete(&id));
            }
        }
        5 => {
            if let Some(claim) = own(mine, dice) {
                overtaken(claim.keep(0, &large_result(64)));
                overtaken(claim.finish(None));
            }
        }
        6 => {
            if let Some(claim) = own(mine, dice) {
                let error = StoredError::from(&ketch_core::Error::other("x", "y"));
                overtaken(claim.finish(Some(&error)));
            }
        }
        7 => {
            if let Some(claim) = own(mine, dice) {
                match claim.renew() {
                    Ok(true) => overtaken(claim.cancelled()),
                    Ok(false) => overtaken(claim.release()),
                    other => overtaken(other),
                }
            }
        }
        _ => drop(store.recover().unwrap()),
    }
}

#[test]
fn no_change_is_seen_that_the_table_does_not_have() {
    let scratch = Scratch::new();
    let ids: Vec<String> = (0..24).map(|_| scratch.submit("lab/bench", &experiments(1))).collect();
    // The states of each job, in the order in which they were seen.
    let seen: Mutex<HashMap<String, Vec<JobStatus>>> = Mutex::default();
    let look = |store: &Store| {
        let mut seen = seen.lock().unwrap();
        for job in store.jobs(&JobFilter::default()).unwrap() {
            let states = seen.entry(job.id.clone()).or_default();
            if states.last() != Some(&job.state) {
                states.push(job.state.clone());
            }
            assert!(job.state != JobStatus::Done || store.result(&job.id).unwrap().is_some());
        }
    };
    thread::scope(|scope| {
        for number in 0..4_u64 {
            let (store, look) = (scratch.other(), &look);
            scope.spawn(move || {
                let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (number + 1));
                let mut mine = Vec::new();
                for _ in 0..80 {
                    act(&store, &mut mine, &mut dice);
                    look(&store);
                }
            });
        }
    });
    let reachable = |from: &JobStatus, to: &JobStatus| {
        // Between two looks a job may have gone through several states.
        let mut known = vec![from.clone()];
        let mut place = 0;
        while place < known.len() {
            for (_, before, after) in &state::CHANGES {
                if *before == known[place] && !known.contains(after) {
                    known.push(after.clone());
                }
            }
            place += 1;
        }
        known.contains(to)
    };
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), ids.len());
    for (id, states) in seen {
        for pair in states.windows(2) {
            assert!(reachable(&pair[0], &pair[1]), "{id}: {states:?}");
        }
    }
}
