//! How many threads may work on a state: the only use of rayon.

use std::ops::Range;

use rayon::prelude::*;

/// The work, in amplitudes under a one-qubit matrix, from which a pass wakes other threads.
///
/// Waking them and waiting for the last cost some 20 microseconds on a machine of two
/// cores, where one thread with AVX-512 did 2^18 amplitudes in 20 (`f32`) to 45 (`f64`):
/// measured with `examples/throughput.rs`.
const PARALLEL_FROM: usize = 1 << 18;

/// Parts for each thread: a few, so that a thread that the system holds up does not
/// hold up the pass.
const PARTS_PER_THREAD: usize = 4;

/// Threads for each core: more only cost time and memory to start.
const MOST_PER_CORE: usize = 8;

/// A thread budget: a pool of its own, which small states do not use.
#[derive(Debug)]
pub struct Threads {
    pool: Option<rayon::ThreadPool>,
    count: usize,
}

/// The pool could not be started.
#[derive(Debug, thiserror::Error)]
#[error("could not start {count} threads")]
pub struct ThreadsError {
    /// How many were asked for.
    pub count: usize,
    source: rayon::ThreadPoolBuildError,
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
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(|index| format!("ketch-kernels-{index}"))
            .build()
            .map_err(|source| ThreadsError { count, source })?;
        Ok(Self { pool: Some(pool), count })
    }

    /// The calling thread alone.
    pub const fn serial() -> Self {
        Self { pool: None, count: 1 }
    }

    /// How many threads may work at once.
    pub fn count(&self) -> usize {
        self.count
    }

    /// `task(0), task(1), …`, side by side and in order: for many small states, each of
    /// which is best worked on by one thread.
    pub fn map<R: Send>(&self, count: usize, task: impl Fn(usize) -> R + Sync) -> Vec<R> {
        match &self.pool {
            Some(pool) if count > 1 => {
                pool.install(|| (0..count).into_par_iter().map(&task).collect())
            }
            _ => (0..count).map(task).collect(),
        }
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
        match &self.pool {
            Some(pool) if work >= PARALLEL_FROM => pool.install(|| {
                let chunks = values.par_chunks_mut(chunk).enumerate();
                chunks.for_each(|(index, values)| fill(index * chunk, values));
            }),
            _ => fill(0, values),
        }
    }

    /// Runs `task(0)`, `task(1)`, … at once, one on each thread of the budget; the calling
    /// thread alone where only `wanted` = 1 is.
    pub(crate) fn on_each(&self, wanted: usize, task: &(dyn Fn(usize) + Sync)) {
        match &self.pool {
            Some(pool) if wanted > 1 => {
                pool.broadcast(|thread| {
                    if thread.index() < wanted {
                        task(thread.index());
                    }
                });
            }
            _ => task(0),
        }
    }

    /// Runs `task` over the parts of `0..count`, on the calling thread where the work is
    /// small.
    ///
    /// Not generic over the task: rayon's part is then compiled once, not for each pass.
    pub(crate) fn split(&self, count: usize, work: usize, task: &(dyn Fn(Range<usize>) + Sync)) {
        match &self.pool {
            Some(pool) if work >= PARALLEL_FROM => {
                let parts = (self.count * PARTS_PER_THREAD).min(count);
                // In two factors, for `part * count` would overflow.
                let (size, longer) = (count / parts, count % parts);
                let start = |part: usize| part * size + part.min(longer);
                pool.install(|| {
                    (0..parts).into_par_iter().for_each(|part| task(start(part)..start(part + 1)));
                });
            }
            _ => task(0..count),
        }
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
