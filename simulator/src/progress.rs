//! How far a run is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// What the work of a run is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Operations on the one state that all shots are drawn from.
    Passes,
    /// Shots that are run.
    Shots,
}

/// Counts work and tells a listener the share that is done.
pub(crate) struct Progress {
    report: Box<dyn Fn(f64) + Send + Sync>,
    in_shots: AtomicBool,
    total: AtomicU64,
    done: AtomicU64,
    /// Percent that were told.
    told: AtomicU64,
}

impl Progress {
    pub(crate) fn new(report: impl Fn(f64) + Send + Sync + 'static) -> Self {
        Self {
            report: Box::new(report),
            in_shots: AtomicBool::new(false),
            total: AtomicU64::new(0),
            done: AtomicU64::new(0),
            told: AtomicU64::new(0),
        }
    }

    /// Work counted in `unit` begins: `total` of it, beside what began before.
    pub(crate) fn expects(&self, unit: Unit, total: u64) {
        self.in_shots.store(unit == Unit::Shots, Relaxed);
        self.total.fetch_add(total, Relaxed);
    }

    /// So much is done. Work in a unit other than that of the run is part of something that is
    /// counted as a whole.
    pub(crate) fn did(&self, unit: Unit, work: u64) {
        if (unit == Unit::Shots) != self.in_shots.load(Relaxed) {
            return;
        }
        let done = self.done.fetch_add(work, Relaxed) + work;
        let percent = (100 * done / self.total.load(Relaxed).max(1)).min(100);
        if self.told.fetch_max(percent, Relaxed) < percent {
            (self.report)(percent as f64 / 100.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn shares_ascend_and_end_at_one() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&told);
        let progress = Progress::new(move |share| list.lock().unwrap().push(share));
        progress.expects(Unit::Shots, 1000);
        for _ in 0..500 {
            progress.did(Unit::Shots, 2);
            progress.did(Unit::Passes, 7);
        }
        let told = told.lock().unwrap();
        assert_eq!((told.len(), told.first(), told.last()), (100, Some(&0.01), Some(&1.0)));
        assert!(told.is_sorted());
    }
}
