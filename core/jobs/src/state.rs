//! The states of a job and the changes between them: one table.
//!
//! A job begins as QUEUED if a worker is to run it, or to send it to a service, RUNNING if the program that submits it runs it,
//! and INITIALIZING if it is to be sent to a service.
//!
//! DONE, ERROR and CANCELLED are final: nothing leaves them. A job that is run again is a new job.

use ketch_core::JobStatus;

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A process took it, or a service has it.
    Claimed,
    /// A worker is about to send it to a service.
    Sending,
    /// Its owner gave it back or is gone, or its service turned it away: it waits again.
    Released,
    /// Every experiment succeeded.
    Succeeded,
    /// Something failed.
    Failed,
    /// It was stopped on request.
    Cancelled,
}

use Change::{Cancelled, Claimed, Failed, Released, Sending, Succeeded};

/// Every legal change: what happens, in which state, and the state behind it.
pub const CHANGES: [(Change, JobStatus, JobStatus); 12] = [
    (Claimed, JobStatus::Initializing, JobStatus::Running),
    (Claimed, JobStatus::Queued, JobStatus::Running),
    (Sending, JobStatus::Queued, JobStatus::Initializing),
    (Released, JobStatus::Initializing, JobStatus::Queued),
    (Released, JobStatus::Running, JobStatus::Queued),
    (Succeeded, JobStatus::Running, JobStatus::Done),
    (Failed, JobStatus::Initializing, JobStatus::Error),
    (Failed, JobStatus::Queued, JobStatus::Error),
    (Failed, JobStatus::Running, JobStatus::Error),
    (Cancelled, JobStatus::Initializing, JobStatus::Cancelled),
    (Cancelled, JobStatus::Queued, JobStatus::Cancelled),
    (Cancelled, JobStatus::Running, JobStatus::Cancelled),
];

/// The state behind a change; `None` if the change is not legal in this state.
#[must_use]
pub fn after(state: &JobStatus, change: Change) -> Option<JobStatus> {
    let row = CHANGES.iter().find(|(one, from, _)| *one == change && from == state);
    row.map(|(_, _, to)| to.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_a_final_state() {
        assert!(CHANGES.iter().all(|(_, from, _)| !from.is_final()));
    }

    #[test]
    fn every_state_that_is_not_final_can_fail_and_be_cancelled() {
        for state in [JobStatus::Initializing, JobStatus::Queued, JobStatus::Running] {
            assert_eq!(after(&state, Failed), Some(JobStatus::Error));
            assert_eq!(after(&state, Cancelled), Some(JobStatus::Cancelled));
        }
        assert_eq!(after(&JobStatus::Queued, Succeeded), None);
    }
}
