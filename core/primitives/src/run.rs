//! A planned job, run on a backend.

use std::time::Duration;

use ketch_interface::{Backend, Error, Qobj, Result, RunOptions, RunResult};

/// Runs a plan and waits for its result. Nobody else knows the job, so it is cancelled when the time
/// is over.
pub(crate) fn run(
    backend: &dyn Backend,
    qobj: Qobj,
    timeout: Option<Duration>,
) -> Result<RunResult> {
    let job = backend.run(qobj, RunOptions::default())?;
    let result = job.result(timeout);
    if matches!(result, Err(Error::Timeout { .. })) {
        // It may have come to its end in between; the time is over anyway.
        let _ = job.cancel();
    }
    result
}
