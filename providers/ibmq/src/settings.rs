//! How long things may take.

use std::time::Duration;

/// How long things may take, and how often they are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The time to connect.
    pub connect: Duration,
    /// The time for a question and its whole answer.
    pub request: Duration,
    /// The time for handing over a job, which may be large.
    pub submit: Duration,
    /// How often a question is asked at most.
    pub attempts: u32,
    /// The longest random wait before the second attempt; it doubles with each further one.
    pub back_off: Duration,
    /// The longest random wait of all.
    pub back_off_limit: Duration,
    /// The time for a question with all its attempts and waits.
    pub budget: Duration,
    /// The first wait between two looks at a job; it grows by half each time.
    pub poll: Duration,
    /// The longest wait between two looks.
    pub poll_limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(30),
            submit: Duration::from_secs(120),
            attempts: 5,
            back_off: Duration::from_millis(500),
            back_off_limit: Duration::from_secs(8),
            budget: Duration::from_secs(60),
            poll: Duration::from_millis(500),
            poll_limit: Duration::from_secs(5),
        }
    }
}
