//! Ids of jobs.

use std::{
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::rand::{GetRandomFlags, getrandom};
use ulid::Ulid;

/// A new id: a ULID, 26 letters and digits that sort by the time they were made, also within a
/// millisecond of one process.
///
/// Source: the ULID specification, <https://github.com/ulid/spec>.
#[must_use]
pub fn new_id() -> String {
    static LAST: Mutex<Ulid> = Mutex::new(Ulid::nil());
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let fresh = Ulid::from_parts(milliseconds(), random());
    // The clock may stand still or go back; the order of one process's ids does not.
    let next = if fresh > *last { fresh } else { last.increment().unwrap_or(fresh) };
    *last = next;
    next.to_string()
}

fn milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Eighty random bits of the system's.
fn random() -> u128 {
    let mut bytes = [0; 16];
    // Linux fills up to 256 bytes whole once its generator is ready. Should it fail, the time and
    // the order above still tell the ids of one process apart.
    let _ = getrandom(&mut bytes, GetRandomFlags::empty());
    u128::from_ne_bytes(bytes) >> 48
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_are_never_the_same() {
        let ids: Vec<String> = (0..10_000).map(|_| new_id()).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
        assert!(ids.iter().all(|id| id.len() == 26));
    }

    #[test]
    fn ids_of_threads_differ() {
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| (0..1000).map(|_| new_id()).collect::<Vec<_>>()))
            .collect();
        let mut all: Vec<String> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 4000);
    }
}
