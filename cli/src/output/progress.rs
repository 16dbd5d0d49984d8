//! One line that says that work goes on, on a terminal and after half a second.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use super::terminal::Terminal;

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

    /// Brings the line up to date.
    pub(crate) fn tick(&mut self, done: usize, of: usize) {
        let elapsed = self.started.elapsed();
        if !self.shows || elapsed < PATIENCE {
            return;
        }
        let text = line(elapsed, done, of);
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

fn line(elapsed: Duration, done: usize, of: usize) -> String {
    let time = match elapsed.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    };
    if of > 1 {
        format!("running… {time}, {done} of {of} done")
    } else {
        format!("running… {time}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_time_and_how_many() {
        assert_eq!(line(Duration::from_millis(3900), 0, 1), "running… 3 s");
        assert_eq!(line(Duration::from_secs(61), 2, 5), "running… 1 min 1 s, 2 of 5 done");
    }
}
