//! Asking again: when, how often, and after which wait.
//!
//! Waits are random between nothing and a limit that doubles ("full jitter"), so that many clients
//! that failed together do not come back together. How many repeats a service in trouble gets is
//! limited by an [`Allowance`], whoever asks and however often.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use ketch_core::Result;

use super::{Answer, Call, Failure, Http, Repeat};

/// The repeats that an account's questions may still take together.
///
/// Each repeat takes one. A repeat that is answered gives it back, and any other answer a part of
/// one, up to [`FULL`]. So faults that pass are repeated without end, and a service that is down
/// sees little more than the questions themselves ("retry throttling", gRFC A6 of gRPC).
pub(crate) struct Allowance(Mutex<f64>);

/// The repeats that are allowed before anything was answered.
const FULL: f64 = 50.0;

/// What an answer at the first attempt adds.
const EARNED: f64 = 0.1;

impl Default for Allowance {
    fn default() -> Self {
        Self(Mutex::new(FULL))
    }
}

impl Allowance {
    /// Takes a repeat, if there is one.
    fn take(&self) -> bool {
        self.change(|left| (left >= 1.0).then_some(left - 1.0))
    }

    /// An attempt of this number was answered.
    fn answered(&self, attempt: u32) {
        let earned = if attempt > 1 { 1.0 } else { EARNED };
        self.change(|left| Some(FULL.min(left + earned)));
    }

    fn change(&self, change: impl FnOnce(f64) -> Option<f64>) -> bool {
        // Nothing panics while it is held, and each change is one assignment.
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(*left);
        *left = changed.unwrap_or(*left);
        changed.is_some()
    }
}

impl Http {
    /// Asks, and asks again where that is allowed and may help, within the settings' budget, the
    /// account's allowance and the call's deadline. Blocks on the caller's thread.
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
                Ok(_) => {
                    self.allowance.answered(attempt);
                    return outcome;
                }
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
            if !self.allowance.take() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_that_pass_may_be_repeated_without_end() {
        let allowance = Allowance::default();
        for _ in 0..1000 {
            allowance.answered(1);
            assert!(allowance.take());
            allowance.answered(2);
        }
    }

    #[test]
    fn nothing_is_saved_beyond_what_was_there_first() {
        let allowance = Allowance::default();
        (0..1000).for_each(|_| allowance.answered(1));
        assert_eq!((0..1000).filter(|_| allowance.take()).count(), 50);
        (0..25).for_each(|_| allowance.answered(1));
        assert_eq!((0..1000).filter(|_| allowance.take()).count(), 2);
    }
}
