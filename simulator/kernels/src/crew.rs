//! Threads that wait for work together: one task at a time, on all of them and on the caller.
//!
//! Between the passes of a circuit of 16 qubits lie some tens of microseconds, which is what waking
//! a sleeping thread takes. So a thread that has done its part looks out for the next task for about
//! as long before it sleeps, and the caller takes a part itself: as many threads run as are paid
//! for, none of them only waits. A thread that is late to a task finds it closed and takes none of
//! it; the caller waits for those alone that have begun.

#![expect(unsafe_code, reason = "a task that the caller lends is run by other threads")]

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// A part of the work for each thread, by the number of the thread.
type Task<'a> = dyn Fn(usize) + Sync + 'a;

/// How long a thread looks out for what comes next before it sleeps.
const LOOK_OUT: Duration = Duration::from_micros(50);

/// How often it looks before it lets others have the processor in between.
const LOOKS: u32 = 200;

/// The threads beside the caller. They end when it is dropped.
#[derive(Debug)]
pub(crate) struct Crew {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// Held by the caller whose task is run.
    turn: Mutex<()>,
}

struct Shared {
    state: AtomicU64,
    /// Written while the state is closed and nobody is in; read by those who are in.
    task: UnsafeCell<Option<&'static Task<'static>>>,
    sleeps: Vec<AtomicBool>,
    /// The caller, while it sleeps.
    caller: Mutex<Option<Thread>>,
    panicked: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `task` is written by the one caller that has its turn, before it opens the state and after
// the last thread that entered has left, and read by those threads in between only. What else there
// is can be shared.
unsafe impl Sync for Shared {}
// SAFETY: a task is `Sync`, so a reference to it may be sent; what else there is may be, too.
unsafe impl Send for Shared {}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

/// The bits of the state: how many threads are in the task, how many it wants beside the caller,
/// whether it is open, and above them its number.
mod bits {
    pub(super) const IN: u64 = 0xffff;
    pub(super) const WANTED: u32 = 16;
    pub(super) const OPEN: u64 = 1 << 32;
    pub(super) const TASK: u64 = 1 << 33;
    pub(super) const END: u64 = u64::MAX;
}

/// The most threads beside the caller.
const MOST: usize = 0x7fff;

impl Crew {
    /// Starts so many threads, `MOST` at most.
    pub(crate) fn new(count: usize) -> std::io::Result<Self> {
        let count = count.min(MOST);
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            task: UnsafeCell::new(None),
            sleeps: (0..count).map(|_| AtomicBool::new(false)).collect(),
            caller: Mutex::new(None),
            panicked: Mutex::new(None),
        });
        let mut crew = Self { shared, threads: Vec::new(), turn: Mutex::new(()) };
        for number in 1..=count {
            let shared = Arc::clone(&crew.shared);
            let thread = std::thread::Builder::new().name(format!("ketch-kernels-{number}"));
            crew.threads.push(thread.spawn(move || shared.work(number))?);
        }
        Ok(crew)
    }

    /// Runs `task(0)` on the caller and `task(1)`, … up to below `wanted` on those threads that come
    /// in time; returns when all have done. Alone on the caller if another one's task is run.
    pub(crate) fn run(&self, wanted: usize, task: &Task<'_>) {
        let others = wanted.saturating_sub(1).min(self.threads.len());
        let turn = match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        if others == 0 || turn.is_none() {
            return task(0);
        }
        let number = self.shared.state.load(Ordering::Relaxed) & !(bits::TASK - 1);
        let number = number.wrapping_add(bits::TASK);
        // SAFETY: only the lifetime changes; nobody calls the task after `leave` has returned.
        let lent = unsafe { std::mem::transmute::<&Task<'_>, &'static Task<'static>>(task) };
        // SAFETY: the state is closed and nobody is in, and this caller has its turn.
        unsafe { *self.shared.task.get() = Some(lent) };
        self.shared
            .state
            .store(number | bits::OPEN | (others as u64) << bits::WANTED, Ordering::SeqCst);
        for (sleeps, thread) in self.shared.sleeps.iter().zip(&self.threads).take(others) {
            if sleeps.load(Ordering::SeqCst) {
                thread.thread().unpark();
            }
        }
        let done = catch_unwind(AssertUnwindSafe(|| task(0)));
        self.shared.leave();
        let panicked = lock(&self.shared.panicked).take();
        drop(turn);
        if let Some(panicked) = done.err().or(panicked) {
            resume_unwind(panicked);
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.state.store(bits::END, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // A thread hands on the panics of tasks, and has none of its own.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Closes the task and waits for those who are in.
    fn leave(&self) {
        let mut left = self.state.fetch_and(!bits::OPEN, Ordering::AcqRel) & bits::IN;
        let mut waiting = Waiting::new();
        while left > 0 {
            if !waiting.again() {
                *lock(&self.caller) = Some(std::thread::current());
                // Whoever leaves last from now on sees the caller.
                while self.state.load(Ordering::SeqCst) & bits::IN > 0 {
                    std::thread::park();
                }
                *lock(&self.caller) = None;
            }
            left = self.state.load(Ordering::Acquire) & bits::IN;
        }
    }

    /// What thread `number` does until the end.
    fn work(&self, number: usize) {
        let mut last = 0;
        loop {
            let state = self.next(number, last);
            if state == bits::END {
                return;
            }
            last = state & !(bits::OPEN - 1);
            let enters = |state: u64| {
                (state != bits::END && state & !(bits::OPEN - 1) == last).then_some(state + 1)
            };
            if self.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, enters).is_err() {
                continue;
            }
            // SAFETY: this thread is in, so the task stands until it has left.
            let task = unsafe { *self.task.get() }.expect("an open state has a task");
            if let Err(panicked) = catch_unwind(AssertUnwindSafe(|| task(number))) {
                *lock(&self.panicked) = Some(panicked);
            }
            let before = self.state.fetch_sub(1, Ordering::SeqCst);
            if before & (bits::OPEN | bits::IN) == 1
                && let Some(caller) = &*lock(&self.caller)
            {
                caller.unpark();
            }
        }
    }

    /// Waits for a task other than the `last` that wants this thread, or the end.
    fn next(&self, number: usize, last: u64) -> u64 {
        let wanted = |state: u64| {
            let is_new = state & !(bits::OPEN - 1) != last && state & bits::OPEN != 0;
            state == bits::END || is_new && (state >> bits::WANTED & 0xffff) as usize >= number
        };
        let mut waiting = Waiting::new();
        loop {
            let state = self.state.load(Ordering::Acquire);
            if wanted(state) {
                return state;
            }
            if !waiting.again() {
                let sleeps = &self.sleeps[number - 1];
                sleeps.store(true, Ordering::SeqCst);
                // Whoever opens a task from now on sees that this thread sleeps.
                while !wanted(self.state.load(Ordering::SeqCst)) {
                    std::thread::park();
                }
                sleeps.store(false, Ordering::SeqCst);
            }
        }
    }
}

/// Looking out before sleeping.
struct Waiting {
    looks: u32,
    since: Option<Instant>,
}

impl Waiting {
    fn new() -> Self {
        Self { looks: 0, since: None }
    }

    /// Whether to look once more, after a moment.
    fn again(&mut self) -> bool {
        if self.looks < LOOKS {
            self.looks += 1;
            std::hint::spin_loop();
            return true;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        std::thread::yield_now();
        since.elapsed() < LOOK_OUT
    }
}

fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Runs a task that takes numbers up to `count`; how often each was taken.
    fn taken(crew: &Crew, wanted: usize, count: usize) -> Vec<usize> {
        let (next, taken) = (AtomicUsize::new(0), Mutex::new(vec![0; count]));
        crew.run(wanted, &|thread| {
            assert!(thread < wanted);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                lock(&taken)[number] += 1;
            }
        });
        taken.into_inner().unwrap()
    }

    #[test]
    fn all_is_done_once_when_a_task_returns_however_many_threads_come() {
        for count in 0..5 {
            let crew = Crew::new(count).unwrap();
            for round in 0..2000 {
                assert_eq!(taken(&crew, 1 + round % 6, round % 7), vec![1; round % 7]);
            }
            assert!(taken(&crew, 8, 10_000).iter().all(|times| *times == 1));
        }
    }

    #[test]
    fn threads_that_sleep_are_woken_and_all_come_if_the_caller_waits_for_them() {
        let crew = Crew::new(3).unwrap();
        for _ in 0..20 {
            while !crew.shared.sleeps.iter().all(|sleeps| sleeps.load(Ordering::SeqCst)) {
                std::thread::yield_now();
            }
            let here = AtomicUsize::new(0);
            crew.run(4, &|_| {
                here.fetch_add(1, Ordering::SeqCst);
                while here.load(Ordering::SeqCst) < 4 {
                    std::thread::yield_now();
                }
            });
            assert_eq!(here.into_inner(), 4);
        }
    }

    #[test]
    fn a_caller_that_waits_long_sleeps_until_the_last_has_left() {
        let crew = Crew::new(1).unwrap();
        let (begun, left) = (AtomicBool::new(false), AtomicBool::new(false));
        crew.run(2, &|thread| {
            if thread == 0 {
                while !begun.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                return;
            }
            begun.store(true, Ordering::SeqCst);
            // Until the caller sleeps, which it tells first.
            while lock(&crew.shared.caller).is_none() {
                std::thread::yield_now();
            }
            left.store(true, Ordering::SeqCst);
        });
        assert!(left.into_inner());
    }

    #[test]
    fn tasks_within_tasks_and_of_several_callers_are_done() {
        let crew = Crew::new(2).unwrap();
        crew.run(3, &|_| assert_eq!(taken(&crew, 3, 9), vec![1; 9]));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..500).for_each(|_| assert_eq!(taken(&crew, 3, 9), vec![1; 9])));
            }
        });
    }

    #[test]
    fn a_panic_on_any_thread_is_the_callers_and_the_crew_goes_on() {
        let crew = Crew::new(1).unwrap();
        for thread_that_panics in 0..2 {
            let both = AtomicUsize::new(0);
            let caught = catch_unwind(AssertUnwindSafe(|| {
                crew.run(2, &|thread| {
                    both.fetch_add(1, Ordering::SeqCst);
                    while both.load(Ordering::SeqCst) < 2 {
                        std::thread::yield_now();
                    }
                    // Without the message of a panic.
                    if thread == thread_that_panics {
                        resume_unwind(Box::new(thread));
                    }
                });
            }));
            let panicked = caught.expect_err("a thread panicked");
            assert_eq!(panicked.downcast_ref::<usize>(), Some(&thread_that_panics));
            assert_eq!(taken(&crew, 2, 5), vec![1; 5]);
        }
    }
}
