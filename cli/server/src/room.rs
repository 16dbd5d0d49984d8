//! Room for bytes: who needs some waits in line for it, so that all together never take more.
//!
//! Nobody has more than half of it at a time, whoever waits or does not: what a user holds for long
//! by sending or reading slowly is never all that there is for others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// So many bytes, counted in KiB.
#[derive(Debug)]
pub(crate) struct Room {
    free: Arc<Semaphore>,
    whole: u32,
    /// What is free of each user's half. Users are those whom the owner gave tokens, so that there
    /// are few of them.
    halves: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Bytes that are taken, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    #[expect(dead_code, reason = "held, and given back")]
    of_half: OwnedSemaphorePermit,
    #[expect(dead_code, reason = "held, and given back")]
    of_whole: OwnedSemaphorePermit,
}

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        let whole = in_kib(bytes);
        let free = Arc::new(Semaphore::new(whole as usize));
        Self { free, whole, halves: Mutex::default() }
    }

    /// Room for so many bytes of a user, all there is if that is not enough: who needs more is
    /// alone. What needs more than a half is the only thing of its user. `None` if it does not
    /// become free for so long.
    pub(crate) async fn take(&self, user: &str, bytes: usize, patience: Duration) -> Option<Place> {
        let bytes = in_kib(bytes).min(self.whole);
        let of_half = self.half_of(user).acquire_many_owned(bytes.min(self.half()));
        let of_whole = Arc::clone(&self.free).acquire_many_owned(bytes);
        // First in the user's own line, so that nobody else waits behind what is not let in yet.
        let taken =
            async { Some(Place { of_half: of_half.await.ok()?, of_whole: of_whole.await.ok()? }) };
        timeout(patience, taken).await.ok()?
    }

    fn half(&self) -> u32 {
        self.whole.div_ceil(2)
    }

    fn half_of(&self, user: &str) -> Arc<Semaphore> {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(half) = halves.get(user) {
            return Arc::clone(half);
        }
        let half = Arc::new(Semaphore::new(self.half() as usize));
        halves.insert(user.to_owned(), Arc::clone(&half));
        half
    }
}

fn in_kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let room = Room::new(10 << 10);
            let take = |user: &'static str, bytes| room.take(user, bytes, Duration::ZERO);
            let four = take("ada", 4 << 10).await.unwrap();
            assert!(take("bob", (6 << 10) + 1).await.is_none());
            let six = take("bob", 6 << 10).await.unwrap();
            assert!(take("eve", 1).await.is_none());
            drop(four);
            let one = take("eve", 1).await.unwrap();
            assert!(take("ada", usize::MAX).await.is_none());
            drop((six, one));
            // What would never fit is let in alone.
            let all = take("ada", usize::MAX).await.unwrap();
            assert!(take("bob", 1).await.is_none());
            drop(all);
            assert!(take("bob", 10 << 10).await.is_some());
        });
    }

    #[test]
    fn nobody_has_more_than_half() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let room = Room::new(10 << 10);
            let take = |user: &'static str, bytes| room.take(user, bytes, Duration::ZERO);
            let five = take("ada", 5 << 10).await.unwrap();
            // There is as much again, and it is not for her.
            assert!(take("ada", 1).await.is_none());
            let others = (take("bob", 4 << 10).await.unwrap(), take("eve", 1 << 10).await.unwrap());
            assert!(take("bob", 1 << 10).await.is_none());
            drop(five);
            // What needs more than a half waits until its user has nothing else.
            let little = take("ada", 1 << 10).await.unwrap();
            drop(others);
            assert!(take("ada", 6 << 10).await.is_none());
            drop(little);
            let six = take("ada", 6 << 10).await.unwrap();
            assert!(take("ada", 1).await.is_none());
            assert!(take("bob", 5 << 10).await.is_none());
            let four = take("bob", 4 << 10).await.unwrap();
            drop((six, four));
            // Who gave up in a line left nothing behind.
            assert!(take("ada", 10 << 10).await.is_some());
        });
    }
}
