//! Handing over a job exactly once, as far as that can be known.

use ketch_core::{Error, Result};

use crate::{
    http::{Answer, Call, Failure, Http},
    service::{JobRecord, submission_unknown},
};

/// How one API hands over a job.
pub(crate) struct Submission<'a> {
    /// Sends it, with a token.
    pub(crate) send: &'a dyn Fn() -> Result<(Call, Result<Answer, Failure>)>,
    /// Reads the service's receipt.
    pub(crate) receipt: &'a dyn Fn(&Call, &Answer) -> Result<JobRecord>,
    /// Asks the service for the job by its key.
    pub(crate) find: &'a dyn Fn() -> Result<Option<JobRecord>>,
    pub(crate) key: &'a str,
}

/// What is known after one attempt.
enum Outcome {
    Taken(JobRecord),
    Refused(Error),
    /// The service may have it; after a time-out it may even be about to take it.
    Unknown {
        error: Error,
        in_flight: bool,
    },
}

impl Submission<'_> {
    /// Hands it over. If it is not known whether the job arrived, the service is asked by the key;
    /// the job is sent once more only if the service answered the first attempt, or hung up on it,
    /// and does not have it.
    ///
    /// # Errors
    /// Why the service refused it or could not be reached; `job.submission_unknown` if the job may
    /// have arrived.
    pub(crate) fn run(&self, http: &Http) -> Result<JobRecord> {
        match self.attempt(http)? {
            Outcome::Taken(record) => Ok(record),
            Outcome::Refused(error) => Err(error),
            Outcome::Unknown { error, in_flight } => {
                if let Some(record) = self.find(http)? {
                    return Ok(record);
                }
                if in_flight {
                    return Err(submission_unknown(&http.service(), self.key, error));
                }
                match self.attempt(http)? {
                    Outcome::Taken(record) => Ok(record),
                    Outcome::Refused(error) => Err(error),
                    Outcome::Unknown { error, in_flight } => match self.find(http)? {
                        Some(record) => Ok(record),
                        None if in_flight => {
                            Err(submission_unknown(&http.service(), self.key, error))
                        }
                        None => Err(error),
                    },
                }
            }
        }
    }

    fn attempt(&self, http: &Http) -> Result<Outcome> {
        let (call, answer) = (self.send)()?;
        Ok(match answer {
            Ok(answer) if answer.is_success() => match (self.receipt)(&call, &answer) {
                Ok(record) => Outcome::Taken(record),
                Err(error) => Outcome::Unknown { error, in_flight: false },
            },
            Ok(answer) => {
                let error = http.refusal(&call, &answer);
                // Below 500 the service says that it is the question which it did not take.
                match answer.status >= 500 {
                    true => Outcome::Unknown { error, in_flight: false },
                    false => Outcome::Refused(error),
                }
            }
            Err(failure) => {
                let in_flight = matches!(failure, Failure::TimedOut { .. });
                let arrived = !failure.never_arrived();
                let error = failure.into_error(http.service());
                match arrived {
                    true => Outcome::Unknown { error, in_flight },
                    false => Outcome::Refused(error),
                }
            }
        })
    }

    fn find(&self, http: &Http) -> Result<Option<JobRecord>> {
        (self.find)().map_err(|error| submission_unknown(&http.service(), self.key, error))
    }
}
