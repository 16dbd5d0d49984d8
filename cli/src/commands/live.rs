//! Asking many backends at once how they are.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use ketch::{BackendStatus, ListedBackend, Registry};

/// Nobody waits longer for a list.
const LIMIT: Duration = Duration::from_secs(2);

/// The status of each backend; `None` for one that did not say in time, or that says it itself.
/// Backends that never answer are left to themselves.
pub(crate) fn statuses(
    registry: &Arc<Registry>,
    backends: &[ListedBackend],
) -> Vec<Option<BackendStatus>> {
    let mut statuses = vec![None; backends.len()];
    let (answer, answers) = mpsc::channel();
    let unknown = backends.iter().enumerate().filter(|(_, backend)| backend.status.is_none());
    for (place, backend) in unknown {
        let (registry, backend, answer) = (Arc::clone(registry), backend.clone(), answer.clone());
        // One that cannot be asked has an unknown status.
        let _ = thread::Builder::new().spawn(move || {
            // Nobody listens any more when the time is up.
            let _ = answer.send((place, registry.status(&backend).ok()));
        });
    }
    drop(answer);
    let until = Instant::now() + LIMIT;
    while let Ok((place, status)) =
        answers.recv_timeout(until.saturating_duration_since(Instant::now()))
    {
        statuses[place] = status;
    }
    statuses
}
