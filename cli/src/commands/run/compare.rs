//! The same circuits on an ideal simulator, for `--compare`.

use std::{sync::Arc, time::Duration};

use ketch::{Job, Qobj, Registry, RunOptions, RunResult};

use crate::failure::Failure;

/// The simulator without noise.
const IDEAL: &str = "local/qasm_simulator";

/// Starts circuits, as they are sent to another backend, on the ideal simulator: with the same
/// seeds and as many shots, and without that backend's options, which say how it is noisy.
pub(super) fn start(
    registry: &Registry,
    qobj: &Qobj,
    options: RunOptions,
) -> Result<Arc<dyn Job>, Failure> {
    let mut qobj = qobj.clone();
    qobj.config.options.clear();
    qobj.experiments_mut().iter_mut().for_each(|experiment| experiment.config.options.clear());
    Ok(registry.get_backend(IDEAL)?.run(qobj, options)?)
}

/// Waits for what came of it.
pub(super) fn finish(job: &dyn Job, timeout: Option<Duration>) -> Result<Arc<RunResult>, Failure> {
    job.shared_result(timeout).map_err(|error| {
        let mut failure = Failure::from(error);
        failure.causes.push(format!("this was the comparison on {IDEAL}"));
        failure
    })
}
