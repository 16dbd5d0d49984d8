//! Stopping work that has begun.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

/// Asks an engine to stop. Clones are the same token; any thread may use one.
///
/// Engines look at it between gates, so a gate that has begun is finished first.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A token that nobody has cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the work to stop. Does not wait.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Lets work go on unless somebody asked it to stop.
    pub(crate) fn poll(&self) -> Result<(), Error> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

impl From<Arc<AtomicBool>> for Cancel {
    /// The token that a flag of somebody else's stands for: true asks to stop.
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}
