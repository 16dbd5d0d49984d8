//! Reading thousands of parts side by side, on threads that the caller has.

use std::sync::{Mutex, PoisonError};

use super::DecodeError;

/// Runs `task(0)`, `task(1)` and so on up to a count, in any order and on any threads, and returns
/// when all are done.
pub type Spread<'s> = &'s dyn Fn(usize, &(dyn Fn(usize) + Sync));

/// A [`Spread`] on the calling thread.
pub fn one_by_one(count: usize, task: &(dyn Fn(usize) + Sync)) {
    (0..count).for_each(task);
}

/// Items that are read together: some tenths of a millisecond.
const TOGETHER: usize = 64;

/// What is read of all items, in their order, or the first error. `read` is told the place of the
/// first item that it gets.
pub(super) fn read_all<I: Sync, T: Send>(
    items: &[I],
    spread: Spread<'_>,
    read: impl Fn(usize, &[I]) -> Result<Vec<T>, DecodeError> + Sync,
) -> Result<Vec<T>, DecodeError> {
    let chunks: Vec<_> = items.chunks(TOGETHER).map(|chunk| (chunk, Mutex::new(None))).collect();
    spread(chunks.len(), &|number| {
        let (chunk, place) = &chunks[number];
        let found = read(number * TOGETHER, chunk);
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    });
    let mut all = Vec::with_capacity(items.len());
    for (_, place) in chunks {
        let found = place.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.append(&mut found.expect("a spread runs every task")?);
    }
    Ok(all)
}
