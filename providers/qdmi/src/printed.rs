//! What devices print. QDMI has no words for why a job failed; libraries print it, if anything.

use std::{
    collections::VecDeque,
    env,
    fs::File,
    io::{self, BufRead, BufReader, PipeReader, Write, pipe},
    os::fd::AsFd,
    sync::{
        Mutex, Once,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::lock;

/// So many lines are kept, each of at most so many characters.
const LINES: usize = 20;
const LINE: usize = 500;

/// What was printed just before a job failed is read within this time.
const PATIENCE: Duration = Duration::from_millis(100);

/// The argument with which Ketch starts a process that holds nothing but a plugin.
const WORKER: &str = "plugin-host";

static LISTENS: AtomicBool = AtomicBool::new(false);

/// The lines, each with its number since the process began, and the next number.
static PRINTED: Mutex<Lines> = Mutex::new(Lines { last: VecDeque::new(), next: 0 });

struct Lines {
    last: VecDeque<(u64, String)>,
    next: u64,
}

/// Reads along what is printed on standard error, if this process is the plugin's own: in another,
/// the lines of its own end could get lost on the way.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if env::args_os().nth(1).is_some_and(|argument| argument == WORKER) {
            // Without it, messages say less.
            let _ = redirect();
        }
    });
}

fn redirect() -> io::Result<()> {
    let original = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let (reader, writer) = pipe()?;
    thread::Builder::new()
        .name("qdmi stderr".to_owned())
        .spawn(move || pass_on(reader, original))?;
    rustix::stdio::dup2_stderr(&writer)?;
    LISTENS.store(true, Ordering::Relaxed);
    Ok(())
}

fn pass_on(reader: PipeReader, mut original: File) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // The host may be gone; then this process is soon, too.
        let _ = original.write_all(&line);
        lock(&PRINTED).take(&String::from_utf8_lossy(&line));
        line.clear();
    }
}

impl Lines {
    fn take(&mut self, line: &str) {
        let line: String = line.trim().chars().filter(|c| !c.is_control()).take(LINE).collect();
        if !line.is_empty() {
            self.last.push_back((self.next, line));
            self.next += 1;
            while self.last.len() > LINES {
                self.last.pop_front();
            }
        }
    }

    fn since(&self, mark: u64) -> Option<String> {
        let lines = self.last.iter().filter(|(number, _)| *number >= mark);
        let lines: Vec<&str> = lines.map(|(_, line)| line.as_str()).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

/// The place in what is printed, to ask [`since`] for what comes after.
pub(crate) fn mark() -> u64 {
    lock(&PRINTED).next
}

/// What was printed since then, by whatever job; `None` if that was nothing, or nobody listens.
/// Waits a moment for what may still be on its way.
pub(crate) fn since(mark: u64) -> Option<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let said = lock(&PRINTED).since(mark);
        if said.is_some() || !LISTENS.load(Ordering::Relaxed) || Instant::now() > until {
            return said;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_since_a_mark_are_told() {
        let mut lines = Lines { last: VecDeque::new(), next: 0 };
        assert_eq!(lines.since(0), None);
        lines.take("one\r\n");
        lines.take(" \n");
        let mark = lines.next;
        assert_eq!((lines.since(0).as_deref(), lines.since(mark)), (Some("one"), None));
        lines.take("\x1b[31mtwo");
        lines.take("three");
        assert_eq!(lines.since(mark).as_deref(), Some("[31mtwo; three"));
        (0..100).for_each(|_| lines.take(&"x".repeat(10_000)));
        assert_eq!(lines.last.len(), LINES);
        assert_eq!(lines.last[0].1.len(), LINE);
    }
}
