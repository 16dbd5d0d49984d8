//! How many threads may work on a state.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::crew::Crew;

/// The work, in amplitudes under a one-qubit matrix, from which a pass wakes other threads.
///
/// To call a thread that sleeps costs the caller some 5 microseconds on a machine of two cores, and
/// one that looks out a fraction of one; one thread with AVX-512 did 2^16 amplitudes in 5 (`f32`)
/// to 11 (`f64`): measured with `examples/throughput.rs`.
const PARALLEL_FROM: usize = 1 << 16;

/// Parts for each thread: a few, so that a thread that the system holds up does not
/// hold up the pass.
const PARTS_PER_THREAD: usize = 4;

/// Threads for each core: more only cost time and memory to start.
const MOST_PER_CORE: usize = 8;

/// A thread budget: the calling thread and others of its own, which small states do not use.
///
/// While one caller's work is done by all of them, that of others is done by their own threads.
#[derive(Debug)]
pub struct Threads {
    crew: Option<Crew>,
    count: usize,
}

/// The threads could not be started.
#[derive(Debug, thiserror::Error)]
#[error("could not start {count} threads")]
pub struct ThreadsError {
    /// How many were asked for.
    pub count: usize,
    source: std::io::Error,
}

impl Threads {
    /// A budget of `count` threads, or of eight times as many as the process may run at once if
    /// that is fewer; 0 stands for as many as it may run at once.
    ///
    /// # Errors
    /// When the system refuses to start a thread.
    pub fn new(count: usize) -> Result<Self, ThreadsError> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let count = match count {
            0 => cores(),
            1 => 1,
            _ => count.min(MOST_PER_CORE * cores()),
        };
        if count == 1 {
            return Ok(Self::serial());
        }
        // The caller is one of them.
        let crew = Crew::new(count - 1).map_err(|source| ThreadsError { count, source })?;
        Ok(Self { crew: Some(crew), count })
    }

    /// The calling thread alone.
    pub const fn serial() -> Self {
        Self { crew: None, count: 1 }
    }

    /// How many threads may work at once.
    pub fn count(&self) -> usize {
        self.count
    }

    /// `task(0), task(1), …`, side by side and in order: for many small states, each of
    /// which is best worked on by one thread.
    pub fn map<R: Send>(&self, count: usize, task: impl Fn(usize) -> R + Sync) -> Vec<R> {
        let Some(crew) = self.crew.as_ref().filter(|_| count > 1) else {
            return (0..count).map(task).collect();
        };
        let (next, all) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(count)));
        crew.run(self.count.min(count), &|_| {
            let mut own = Vec::new();
            each(&next, count, |number| own.push((number, task(number))));
            all.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
        });
        let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.sort_unstable_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, result)| result).collect()
    }

    /// As [`Threads::map`], on the calling thread where the work is small.
    pub(crate) fn map_blocks<R: Send>(
        &self,
        count: usize,
        work: usize,
        task: impl Fn(usize) -> R + Sync,
    ) -> Vec<R> {
        if work < PARALLEL_FROM { (0..count).map(task).collect() } else { self.map(count, task) }
    }

    /// Fills `values` chunk by chunk; `fill` also learns where its chunk starts.
    pub(crate) fn fill_chunks<R: Send>(
        &self,
        values: &mut [R],
        chunk: usize,
        work: usize,
        fill: impl Fn(usize, &mut [R]) + Sync,
    ) {
        let Some(crew) = self.crew.as_ref().filter(|_| work >= PARALLEL_FROM) else {
            return fill(0, values);
        };
        let wanted = self.count.min(values.len().div_ceil(chunk));
        let chunks = Mutex::new(values.chunks_mut(chunk).enumerate());
        crew.run(wanted, &|_| {
            loop {
                let next = chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((index, values)) = next else { return };
                fill(index * chunk, values);
            }
        });
    }

    /// Runs `task(0)` on the calling thread, and `task(1)`, … up to below `wanted` at once on those
    /// threads of the budget that are there: each has to take what it does from what is left.
    pub(crate) fn on_each(&self, wanted: usize, task: &(dyn Fn(usize) + Sync)) {
        match &self.crew {
            Some(crew) if wanted > 1 => crew.run(wanted, task),
            _ => task(0),
        }
    }

    /// Runs `task` over the parts of `0..count`, on the calling thread where the work is
    /// small.
    pub(crate) fn split(&self, count: usize, work: usize, task: &(dyn Fn(Range<usize>) + Sync)) {
        let Some(crew) = self.crew.as_ref().filter(|_| work >= PARALLEL_FROM) else {
            return task(0..count);
        };
        let parts = (self.count * PARTS_PER_THREAD).min(count);
        // In two factors, for `part * count` would overflow.
        let (size, longer) = (count / parts, count % parts);
        let start = |part: usize| part * size + part.min(longer);
        let next = AtomicUsize::new(0);
        crew.run(self.count.min(parts), &|_| {
            each(&next, parts, |part| task(start(part)..start(part + 1)));
        });
    }
}

/// Takes numbers below `count` from `next` until none is left.
fn each(next: &AtomicUsize, count: usize, mut take: impl FnMut(usize)) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return;
        }
        take(number);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn parts_cover_the_range_once_for_any_count() {
        for threads in 1..=5 {
            let threads = Threads::new(threads).unwrap();
            for count in [1, 2, 3, 7, 19, 20, 21, 1000] {
                let parts = Mutex::new(Vec::new());
                threads.split(count, PARALLEL_FROM, &|part| parts.lock().unwrap().push(part));
                let mut parts = parts.into_inner().unwrap();
                parts.sort_by_key(|part| part.start);
                assert!(parts.into_iter().flatten().eq(0..count));
            }
            assert_eq!(threads.map(9, |index| index * index)[8], 64);
        }
    }

    #[test]
    fn a_budget_beyond_the_machine_starts_no_thread_for_nothing() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(Threads::new(usize::MAX).unwrap().count(), MOST_PER_CORE * cores);
    }

    #[test]
    fn zero_stands_for_every_core() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(Threads::new(0).unwrap().count(), cores);
        assert_eq!(Threads::serial().count(), 1);
    }
}
