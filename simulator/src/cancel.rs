//! Stopping work that has begun, and hearing how far it is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{
    Error,
    progress::{Progress, Unit},
};

/// The line between an engine and who waits for it: it asks the engine to stop, and may be told
/// how far the work is. Clones are the same line; any thread may use one.
///
/// Engines look at it between gates, so a gate that has begun is finished first.
#[derive(Clone, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    progress: Option<Arc<Progress>>,
}

impl Cancel {
    /// A token that nobody has cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, and `report` is told the share of the work that is done, from 0 to 1: ascending,
    /// at most a hundred times a circuit, from whichever thread does the work, which waits for it.
    /// What takes little time may never report.
    #[must_use]
    pub fn reporting(mut self, report: impl Fn(f64) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(Progress::new(report)));
        self
    }

    /// Asks for the work to stop. Does not wait.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Lets work go on unless somebody asked it to stop.
    pub(crate) fn poll(&self) -> Result<(), Error> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// The same without a listener, for work that is counted as a whole.
    pub(crate) fn quiet(&self) -> Self {
        Self { flag: Arc::clone(&self.flag), progress: None }
    }

    /// So much work is about to begin.
    pub(crate) fn expects(&self, unit: Unit, total: u64) {
        if let Some(progress) = &self.progress {
            progress.expects(unit, total);
        }
    }

    /// So much of it is done.
    pub(crate) fn did(&self, unit: Unit, work: u64) {
        if let Some(progress) = &self.progress {
            progress.did(unit, work);
        }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("flag", &self.flag).finish_non_exhaustive()
    }
}

impl From<Arc<AtomicBool>> for Cancel {
    /// The token that a flag of somebody else's stands for: true asks to stop.
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self { flag, progress: None }
    }
}
