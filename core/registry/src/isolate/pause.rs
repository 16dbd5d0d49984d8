//! A plugin that keeps dying is left alone for a while.

use std::time::{Duration, Instant};

/// So many deaths within [`WINDOW`] lead to a pause.
const DEATHS: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);

/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(600);

/// When a plugin died, and until when it is left alone.
#[derive(Debug)]
pub(super) struct Pause {
    deaths: Vec<Instant>,
    until: Option<Instant>,
    next: Duration,
}

impl Default for Pause {
    fn default() -> Self {
        Self { deaths: Vec::new(), until: None, next: FIRST }
    }
}

impl Pause {
    /// Takes note of a death.
    ///
    /// The first death within [`WINDOW`] of the end of a pause leads to the next one: it did not
    /// help. One that lived for [`LONGEST`] since then begins anew.
    pub(super) fn died(&mut self, at: Instant) {
        let since_pause = self.until.map(|until| at.saturating_duration_since(until));
        if since_pause.is_some_and(|since| since > LONGEST) {
            *self = Self::default();
        }
        self.deaths.retain(|death| at.saturating_duration_since(*death) < WINDOW);
        self.deaths.push(at);
        if self.deaths.len() >= DEATHS || since_pause.is_some_and(|since| since < WINDOW) {
            self.until = Some(at + self.next);
            self.next = (self.next * 2).min(LONGEST);
            self.deaths.clear();
        }
    }

    /// How long the pause still is; `None` if there is none.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let left = self.until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_deaths_in_a_minute_are_a_pause_that_doubles() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let left = |pause: &Pause, now| pause.left(at(now)).map(|left| left.as_secs());
        let mut pause = Pause::default();
        for (second, expected) in [(0, None), (50, None), (61, None), (70, Some(30))] {
            pause.died(at(second));
            assert_eq!(left(&pause, second), expected, "{second}");
        }
        assert_eq!((left(&pause, 90), left(&pause, 100)), (Some(10), None));
        // The first death after a pause is enough.
        pause.died(at(110));
        assert_eq!(left(&pause, 110), Some(60));
        let mut end = 170;
        for expected in [120, 240, 480, 600, 600] {
            pause.died(at(end));
            assert_eq!(left(&pause, end), Some(expected));
            end += expected;
        }
        // Later than that, it takes three again.
        pause.died(at(end + 61));
        assert_eq!(left(&pause, end + 61), None);
        // After a long life, all is forgotten.
        for second in [700, 701, 702] {
            pause.died(at(end + second));
        }
        assert_eq!(left(&pause, end + 702), Some(30));
    }
}
