//! Room for bytes: who needs some waits in line for it, so that all together never take more.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// So many bytes, counted in KiB.
#[derive(Debug)]
pub(crate) struct Room {
    free: Arc<Semaphore>,
    whole: u32,
}

/// Bytes that are taken, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "held, and given back")] OwnedSemaphorePermit);

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        let whole = in_kib(bytes);
        Self { free: Arc::new(Semaphore::new(whole as usize)), whole }
    }

    /// Room for so many bytes, all there is if that is not enough: who needs more is alone. `None`
    /// if it does not become free for so long.
    pub(crate) async fn take(&self, bytes: usize, patience: Duration) -> Option<Place> {
        let share = in_kib(bytes).min(self.whole);
        let taken = Arc::clone(&self.free).acquire_many_owned(share);
        // The semaphore is never closed.
        timeout(patience, taken).await.ok()?.ok().map(Place)
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
            let take = |bytes: usize| room.take(bytes, Duration::ZERO);
            let four = take(4 << 10).await.unwrap();
            assert!(take((6 << 10) + 1).await.is_none());
            let six = take(6 << 10).await.unwrap();
            assert!(take(1).await.is_none());
            drop(four);
            let one = take(1).await.unwrap();
            assert!(take(usize::MAX).await.is_none());
            drop((six, one));
            // What would never fit is let in alone.
            let all = take(usize::MAX).await.unwrap();
            assert!(take(1).await.is_none());
            drop(all);
            assert!(take(10 << 10).await.is_some());
        });
    }
}
