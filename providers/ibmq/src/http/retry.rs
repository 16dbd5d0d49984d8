//! Asking again: when, how often, and after which wait.
//!
//! Waits are random between nothing and a limit that doubles ("full jitter"), so that many clients
//! that failed together do not come back together.

use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use ketch_core::Result;

use super::{Answer, Call, Failure, Http, Repeat};

impl Http {
    /// Asks, and asks again where that is allowed and may help, within the settings' budget and
    /// the call's deadline. Blocks on the caller's thread.
    ///
    /// # Errors
    /// The last failure. An answer that is a refusal is an answer.
    pub(crate) fn send(&self, call: &Call) -> Result<Answer, Failure> {
        let end = Instant::now() + self.settings.budget;
        let end = call.deadline.map_or(end, |deadline| deadline.min(end));
        let mut attempt = 1;
        loop {
            let outcome = self.ask(call);
            let (again, asked) = match &outcome {
                Ok(answer) if answer.is_passing() => {
                    // Those who are told to come later were turned away unread.
                    (call.repeat == Repeat::Always || answer.is_too_many(), answer.retry_after)
                }
                Ok(_) => (false, None),
                Err(failure) => {
                    let safe = call.repeat == Repeat::Always || failure.never_arrived();
                    (safe && failure.is_passing(), None)
                }
            };
            let wait = self.back_off(attempt).max(asked.unwrap_or_default());
            let left = end.saturating_duration_since(Instant::now());
            if !again || attempt >= self.settings.attempts {
                return outcome;
            }
            if wait >= left {
                // Whoever set a deadline is told at the deadline, unless the service said that
                // there is no use in waiting for it.
                if call.deadline == Some(end) && asked.is_none() {
                    std::thread::sleep(left);
                }
                return outcome;
            }
            std::thread::sleep(wait);
            attempt += 1;
        }
    }

    fn back_off(&self, attempt: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempt - 1);
        let limit = self.settings.back_off.saturating_mul(factor);
        limit.min(self.settings.back_off_limit).mul_f64(chance())
    }
}

/// A number from 0 to 1 that differs between calls, threads and processes.
pub(crate) fn chance() -> f64 {
    // Each RandomState has keys of its own.
    let random = RandomState::new().hash_one(0_u8);
    (random >> 11) as f64 / (1_u64 << 53) as f64
}
