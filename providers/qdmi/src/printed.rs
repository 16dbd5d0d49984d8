//! What devices print. QDMI has no words for why a job failed; libraries print it, if anything.

use std::{
    collections::VecDeque,
    env,
    fs::File,
    io::{self, ErrorKind, PipeReader, Read, Write, pipe},
    os::fd::{AsFd, OwnedFd},
    sync::{
        Mutex, Once,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, ioctl_fionread},
};
use signal_hook::{consts::SIGABRT, low_level};

use crate::lock;

/// So many lines are kept, each of at most so many characters.
const LINES: usize = 20;
const LINE: usize = 500;

/// Longer lines are read and passed on; beyond so many bytes, only that there was more is kept.
const LONGEST_LINE: usize = 64 << 10;

/// How often a process that aborts looks whether what it printed has been passed on, with a
/// millisecond in between.
const LAST_LOOKS: u32 = 500;

/// What was printed just before a job failed is read within this time.
const PATIENCE: Duration = Duration::from_millis(100);

/// The argument with which Ketch starts a process that holds nothing but a plugin.
const WORKER: &str = "plugin-host";

static LISTENS: AtomicBool = AtomicBool::new(false);

/// Something was taken from the pipe, or is about to be, and not passed on yet.
static PASSING: AtomicBool = AtomicBool::new(false);

static PRINTED: Mutex<Lines> = Mutex::new(Lines::new());

/// The last lines, each with its number since the process began, and the next number.
struct Lines {
    last: VecDeque<(u64, String)>,
    next: u64,
    /// The beginning of the line that has not come to an end.
    open: Vec<u8>,
    /// It is longer than what is kept of it.
    is_cut: bool,
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
    pass_on_before_abort(reader.as_fd().try_clone_to_owned()?)?;
    thread::Builder::new()
        .name("qdmi stderr".to_owned())
        .spawn(move || pass_on(reader, original))?;
    rustix::stdio::dup2_stderr(&writer)?;
    LISTENS.store(true, Ordering::Relaxed);
    Ok(())
}

/// A library that aborts the process says why just before, and what is in the pipe then would end
/// with the process: holds the abort up until the other thread has passed it on.
fn pass_on_before_abort(pipe: OwnedFd) -> io::Result<()> {
    let pass_on_and_end = move || {
        for _ in 0..LAST_LOOKS {
            // In this order: what has left the pipe was announced before.
            if ioctl_fionread(&pipe) == Ok(0) && !PASSING.load(Ordering::SeqCst) {
                break;
            }
            // A sleep that a signal handler may use.
            let _ = poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 1_000_000 }));
        }
        // Only `abort` would raise the signal again; whoever else sends it means the end, too.
        let _ = low_level::emulate_default_handler(SIGABRT);
    };
    // SAFETY: the action only makes system calls and loads an atomic, which signal handlers may, and
    // `emulate_default_handler` is made for them. It neither allocates nor locks nor panics.
    unsafe { low_level::register(SIGABRT, pass_on_and_end) }.map(drop)
}

fn pass_on(mut reader: PipeReader, mut original: File) {
    let mut bytes = [0; 4096];
    loop {
        // Announced before anything is taken, so that it is never nowhere.
        match poll(&mut [PollFd::new(&reader, PollFlags::IN)], None) {
            Ok(_) => PASSING.store(true, Ordering::SeqCst),
            // There may be nothing to read yet.
            Err(Errno::INTR) => continue,
            Err(_) => return,
        }
        match reader.read(&mut bytes) {
            Ok(0) => break,
            Ok(read) => {
                // The host may be gone; then this process is soon, too.
                let _ = original.write_all(&bytes[..read]);
                lock(&PRINTED).read(&bytes[..read]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
        PASSING.store(false, Ordering::SeqCst);
    }
    PASSING.store(false, Ordering::SeqCst);
}

impl Lines {
    const fn new() -> Self {
        Self { last: VecDeque::new(), next: 0, open: Vec::new(), is_cut: false }
    }

    /// Takes the next bytes, wherever lines begin and end.
    fn read(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let kept = piece.len().min(LONGEST_LINE - self.open.len());
            self.open.extend(&piece[..kept]);
            self.is_cut |= kept < piece.len();
            if piece.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.open)).into_owned();
                let is_cut = std::mem::take(&mut self.is_cut);
                self.take(&line, is_cut);
            }
        }
    }

    fn take(&mut self, line: &str, is_cut: bool) {
        let mut characters = line.trim().chars().filter(|c| !c.is_control());
        let mut line: String = characters.by_ref().take(LINE).collect();
        if is_cut || characters.next().is_some() {
            line.push_str(" … (cut)");
        }
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
    use std::{os::unix::process::ExitStatusExt, process::Command};

    use super::*;

    #[test]
    fn the_last_lines_since_a_mark_are_told() {
        let mut lines = Lines::new();
        assert_eq!(lines.since(0), None);
        lines.read(b"one\r\n \n");
        let mark = lines.next;
        assert_eq!((lines.since(0).as_deref(), lines.since(mark)), (Some("one"), None));
        // However they come.
        lines.read(b"\x1b[31mt");
        lines.read(b"wo\nthree\n");
        assert_eq!(lines.since(mark).as_deref(), Some("[31mtwo; three"));
        (0..100).for_each(|_| lines.read(&[&[b'x'; 10_000][..], b"\n"].concat()));
        assert_eq!(lines.last.len(), LINES);
        assert_eq!(lines.last[0].1, format!("{} … (cut)", "x".repeat(LINE)));
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut lines = Lines::new();
        for _ in 0..1000 {
            lines.read(&[b' '; 1000]);
            assert!(lines.open.len() <= LONGEST_LINE);
        }
        lines.read(b"behind all of that\nnext\n");
        assert_eq!(lines.since(0).as_deref(), Some(" … (cut); next"));
    }

    /// Runs this test in a process of its own, which prints and aborts, or is told to.
    #[test]
    fn the_last_words_before_an_abort_are_passed_on() {
        const DIES: &str = "KETCH_TEST_QDMI_DIES";
        const LAST: &str = "fake device: line 999 and no more";
        if let Some(how) = env::var_os(DIES) {
            redirect().unwrap();
            let mut words: String = (0..999).map(|n| format!("fake device: line {n}\n")).collect();
            words.push_str(LAST);
            // More than the other thread takes at once, and less than fills the pipe.
            io::stderr().write_all(words.as_bytes()).unwrap();
            if how == "signal" {
                // As another process sends it: once, and what comes after it is not reached.
                low_level::raise(SIGABRT).unwrap();
                return;
            }
            std::process::abort();
        }
        let this = "printed::tests::the_last_words_before_an_abort_are_passed_on";
        for how in ["abort", "signal"].repeat(5) {
            let mut child = Command::new(env::current_exe().unwrap());
            let ended =
                child.args(["--exact", this, "--nocapture"]).env(DIES, how).output().unwrap();
            assert_eq!(ended.status.signal(), Some(SIGABRT));
            let said = String::from_utf8_lossy(&ended.stderr);
            assert!(said.contains("line 0\n") && said.ends_with(LAST), "{said}");
        }
    }
}
