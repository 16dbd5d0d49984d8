//! Work that is told when its time is over.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// How long it is until then; nothing if that is over.
pub(super) fn left(deadline: SystemTime) -> Duration {
    deadline.duration_since(SystemTime::now()).unwrap_or_default()
}

/// Does the work, and calls `expired` if that takes longer than until the deadline, from a thread
/// that watches the clock. Without a deadline, or where the system has no thread to spare, the work
/// takes as long as it takes.
pub(super) fn until<T>(
    deadline: Option<SystemTime>,
    expired: impl FnOnce() + Send,
    work: impl FnOnce() -> T,
) -> T {
    let Some(deadline) = deadline else { return work() };
    let (done, changed) = (Mutex::new(false), Condvar::new());
    std::thread::scope(|scope| {
        let watch = || {
            let watched = done.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = changed.wait_timeout_while(watched, left(deadline), |done| !*done);
            if !*waited.unwrap_or_else(PoisonError::into_inner).0 {
                expired();
            }
        };
        // A refusal leaves the work without a watch.
        let _ = std::thread::Builder::new()
            .name("ketch deadline".to_owned())
            .spawn_scoped(scope, watch);
        let outcome = work();
        *done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
        outcome
    })
}
