//! One line that says that work goes on, on a terminal and after half a second.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use super::{job::Pace, terminal::Terminal};

/// What is shorter needs no comment.
const PATIENCE: Duration = Duration::from_millis(500);

/// How far work is, in experiments.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Done {
    /// How many are finished, those that run in part.
    pub(crate) done: f64,
    /// How many there are.
    pub(crate) of: u64,
    /// How many of those finished were so from the start.
    pub(crate) earlier: u64,
}

/// The line `running… 3 s` on standard error, with a bar where it is known how far work is, and for
/// several experiments the rate and the time left. Nothing at all unless that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    pace: Pace,
    width: Option<usize>,
    shown: String,
}

impl Progress {
    /// Begins to count the time.
    pub(crate) fn start() -> Self {
        let width = Terminal::stderr().width;
        Self { started: Instant::now(), pace: Pace::new(0), width, shown: String::new() }
    }

    /// Whether it can show anything at all.
    pub(crate) fn shows(&self) -> bool {
        self.width.is_some()
    }

    /// Brings the line up to date.
    pub(crate) fn tick(&mut self, done: Done) {
        let elapsed = self.started.elapsed();
        let Some(width) = self.width.filter(|_| elapsed >= PATIENCE) else { return };
        // A line that wraps could not be taken back.
        let text: String =
            line(elapsed, &self.pace, done).chars().take(width.saturating_sub(1)).collect();
        if text != self.shown {
            self.write(&format!("\r\x1b[2K{text}"));
            self.shown = text;
        }
    }

    /// Takes the line away, before anything else is printed.
    pub(crate) fn erase(&mut self) {
        if !self.shown.is_empty() {
            self.write("\r\x1b[2K");
            self.shown.clear();
        }
    }

    fn write(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.erase();
    }
}

fn line(elapsed: Duration, pace: &Pace, Done { done, of, earlier }: Done) -> String {
    let time = match elapsed.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    };
    let pace = pace.after(earlier).line(done, of, Instant::now());
    if pace.is_empty() { format!("running… {time}") } else { format!("running… {time} {pace}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_time_and_how_many() {
        let pace = Pace::new(0);
        let none = Done::default();
        assert_eq!(line(Duration::from_millis(3900), &pace, none), "running… 3 s");
        let some = Done { done: 2.0, of: 5, earlier: 2 };
        let text = line(Duration::from_secs(61), &pace, some);
        assert_eq!(text, "running… 1 min 1 s ████████             2/5");
    }
}
