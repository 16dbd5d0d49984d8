//! One line that says how far work is, on a terminal and after half a second.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use super::{bars::bar, job::percent, terminal::Terminal};

/// What is shorter needs no comment.
const PATIENCE: Duration = Duration::from_millis(500);

/// The line `running… 3 s` on standard error. Nothing at all unless that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    shows: bool,
    shown: String,
}

impl Progress {
    /// Begins to count the time.
    pub(crate) fn start() -> Self {
        let shows = Terminal::stderr().is_terminal();
        Self { started: Instant::now(), shows, shown: String::new() }
    }

    /// Whether it can show anything at all.
    pub(crate) fn shows(&self) -> bool {
        self.shows
    }

    /// Brings the line up to date: so many jobs are done, and this share of all work, where known.
    pub(crate) fn tick(&mut self, done: usize, of: usize, share: Option<f64>) {
        let elapsed = self.started.elapsed();
        if !self.shows || elapsed < PATIENCE {
            return;
        }
        let text = line(elapsed, done, of, share);
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

/// How many characters the bar has.
const WIDTH: usize = 20;

fn line(elapsed: Duration, done: usize, of: usize, share: Option<f64>) -> String {
    let time = match elapsed.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    };
    let share = share.filter(|share| *share > 0.0);
    let bar = share.map_or_else(String::new, |share| {
        format!("  {:<WIDTH$} {}", bar(share, WIDTH), percent(share))
    });
    if of > 1 {
        format!("running… {time}, {done} of {of} done{bar}")
    } else {
        format!("running… {time}{bar}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_time_and_how_many() {
        assert_eq!(line(Duration::from_millis(3900), 0, 1, None), "running… 3 s");
        let several = line(Duration::from_secs(61), 2, 5, None);
        assert_eq!(several, "running… 1 min 1 s, 2 of 5 done");
        let half = line(Duration::from_secs(1), 0, 1, Some(0.5));
        assert_eq!(half, "running… 1 s  ██████████           50 %");
    }
}
