//! Threads for documents of thousands of parts.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Tasks for each thread from which on it is worth its start, some tens of microseconds.
const TASKS_PER_THREAD: usize = 4;

/// Runs tasks on at most this many threads, the calling one among them; 0 stands for one for each
/// processor. Where the system refuses a thread, fewer do the work.
pub(crate) fn on_threads(most: usize) -> impl Fn(usize, &(dyn Fn(usize) + Sync)) {
    move |count, task| {
        let processors = || thread::available_parallelism().map_or(1, usize::from);
        let most = if most == 0 { processors() } else { most.min(processors()) };
        let next = AtomicUsize::new(0);
        let work = || {
            let tasks = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            tasks.take_while(|number| *number < count).for_each(task);
        };
        thread::scope(|scope| {
            for _ in 1..most.min(count / TASKS_PER_THREAD) {
                let named = thread::Builder::new().name("ketch documents".to_owned());
                if named.spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_is_run_once() {
        for (most, count) in [(0, 1000), (1, 1000), (3, 1000), (8, 3), (2, 0)] {
            let runs: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            on_threads(most)(count, &|number| {
                runs[number].fetch_add(1, Ordering::Relaxed);
            });
            assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1));
        }
    }
}
