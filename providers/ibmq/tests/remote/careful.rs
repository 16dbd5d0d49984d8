//! A user who takes care that no job is lost and none is sent twice, whatever the network does.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ketch_core::{Backend, Error, Job, Qobj, RunResult};
use ketch_jobs::{JobFilter, NewJob, Runner, Store, StoredBackend};

use crate::{network::Network, support::told};

/// Whoever waits longer for a job waits for what will never come, such as a server that is gone for
/// good. Jobs of these tests take seconds at most.
const PATIENCE: Duration = Duration::from_secs(300);

/// The user, with what is needed for that.
#[derive(Clone, Copy)]
pub(crate) struct Careful<'a> {
    pub(crate) network: &'a Network,
    pub(crate) store: &'a Store,
    /// What speaks to the service.
    pub(crate) inner: &'a dyn Backend,
    /// The same, with its jobs in the store.
    pub(crate) backend: &'a StoredBackend,
}

impl Careful<'_> {
    /// Hands over a job of this label until the service has it: where nobody knows whether it
    /// arrived, the service is asked before anything is sent again.
    pub(crate) fn hand_over(self, label: &str, qobj: Qobj) -> Arc<dyn Job> {
        let begun = Instant::now();
        loop {
            let new = NewJob {
                label: Some(label.to_owned()),
                ..NewJob::new("ibmq/device", Runner::Service, Default::default())
            };
            let error = match self.backend.run_as(new, qobj.clone()) {
                Ok(job) => return job,
                Err(error) => error,
            };
            assert!(is_passing(&error, begun), "{label}: {}", told(&error));
            let filter = JobFilter { label: Some(label.to_owned()), ..JobFilter::default() };
            let kept = self.store.jobs(&filter).unwrap();
            // Nothing is kept of what surely did not arrive.
            let Some(doubtful) = kept.first() else { continue };
            self.network.settle();
            let found = loop {
                match self.store.look_up(&doubtful.id, self.inner) {
                    Ok(found) => break found,
                    Err(error) => assert!(is_passing(&error, begun), "{label}: {}", told(&error)),
                }
            };
            if found {
                return self.backend.retrieve_job(&doubtful.id).unwrap();
            }
            self.store.delete(&doubtful.id).unwrap();
        }
    }

    /// Waits for the result however often something else comes.
    pub(crate) fn wait_for(self, job: &dyn Job) -> RunResult {
        let begun = Instant::now();
        loop {
            match job.result(Some(Duration::from_secs(5))) {
                Ok(result) => return result,
                Err(error) => assert!(is_passing(&error, begun), "{}", told(&error)),
            }
        }
    }
}

/// Whether asking again is right after all the time since then: it passes, nobody knows whether the
/// job arrived, the answer made no sense, or two tokens in a row had expired.
fn is_passing(error: &Error, begun: Instant) -> bool {
    let passes = error.is_retryable()
        || ["service.answer", "job.submission_unknown"].contains(&error.code())
        || matches!(error, Error::Timeout { .. } | Error::Unauthenticated { .. });
    passes && begun.elapsed() < PATIENCE
}
