//! How much of something is dealt with in a span of time, so that a flood costs little.

use std::time::{Duration, Instant};

/// A budget that is filled up again and again.
#[derive(Debug)]
pub(super) struct Pace {
    budget: usize,
    span: Duration,
    spent: usize,
    since: Instant,
}

impl Pace {
    /// `budget` in each `span`.
    pub(super) fn new(budget: usize, span: Duration) -> Self {
        Self { budget, span, spent: 0, since: Instant::now() }
    }

    /// Takes note that this much was dealt with.
    pub(super) fn spend(&mut self, amount: usize, now: Instant) {
        if now.saturating_duration_since(self.since) >= self.span {
            (self.spent, self.since) = (0, now);
        }
        self.spent = self.spent.saturating_add(amount);
    }

    /// How long to wait before dealing with more; `None` if there is budget left.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let passed = now.saturating_duration_since(self.since);
        (self.spent >= self.budget && passed < self.span).then(|| self.span - passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_and_comes_back() {
        let mut pace = Pace::new(10, Duration::from_millis(100));
        let at = |ms| pace.since + Duration::from_millis(ms);
        let times = [at(0), at(50), at(60), at(100), at(130)];
        pace.spend(6, times[0]);
        assert_eq!(pace.wait(times[0]), None);
        pace.spend(6, times[1]);
        assert_eq!(pace.wait(times[2]), Some(Duration::from_millis(40)));
        assert_eq!(pace.wait(times[3]), None);
        pace.spend(10, times[3]);
        assert_eq!(pace.wait(times[4]), Some(Duration::from_millis(70)));
    }
}
