//! Work that waits for the disk, for a backend, or takes time, in threads for such things.

use tokio::task::spawn_blocking;

use crate::answer::Refusal;

/// Does it, and gives back what is `held` for it when it is done: that may be long after the client
/// hung up and nobody waits for this any more.
pub(crate) async fn at_work<T: Send + 'static>(
    held: impl Send + 'static,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = spawn_blocking(move || {
        let done = work();
        drop(held);
        done
    });
    // A panic is a mistake of ours, which ends this request and nothing else.
    done.await.unwrap_or_else(|_| {
        let message = "the server failed at this request; it was not done, or not completely";
        Err(Refusal::new(501, "server.failed", message))
    })
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use tokio::time::timeout;

    use super::*;
    use crate::room::Room;

    #[test]
    fn a_place_is_kept_until_the_work_is_done_though_nobody_waits_for_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let room = Room::new(1);
            let place = room.take("ada", 1, Duration::ZERO).await.unwrap();
            let (open, gate) = mpsc::channel::<()>();
            let asked = at_work(place, move || gate.recv().map_err(|_| Refusal::bad("nothing")));
            assert!(timeout(Duration::from_millis(1), asked).await.is_err());
            assert!(room.take("bob", 1, Duration::ZERO).await.is_none());
            open.send(()).unwrap();
            assert!(room.take("bob", 1, Duration::from_secs(600)).await.is_some());
        });
    }
}
