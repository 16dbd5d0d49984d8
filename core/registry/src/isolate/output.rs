//! What a worker prints: always read, so that it never waits, and of it the last lines are kept.

use std::collections::VecDeque;

/// So many lines are kept.
const LINES: usize = 20;

/// The lines that are kept have together at most so many bytes.
const BYTES: usize = 8 << 10;

/// Longer lines are cut into several.
const LINE: usize = 1 << 10;

/// The last lines of a stream of bytes.
#[derive(Debug, Default)]
pub(super) struct LastLines {
    lines: VecDeque<String>,
    /// The line that has not come to an end.
    open: Vec<u8>,
}

impl LastLines {
    /// Takes the next bytes, and calls `told` with each line that is complete.
    pub(super) fn take(&mut self, bytes: &[u8], mut told: impl FnMut(&str)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut rest = piece.strip_suffix(b"\n").unwrap_or(piece);
            while self.open.len() + rest.len() > LINE {
                let (now, later) = rest.split_at(LINE - self.open.len());
                self.open.extend(now);
                self.end_line(&mut told);
                rest = later;
            }
            self.open.extend(rest);
            if piece.ends_with(b"\n") {
                self.end_line(&mut told);
            }
        }
    }

    /// The lines, the oldest first, with the one that has not come to an end.
    pub(super) fn into_lines(mut self) -> Vec<String> {
        if !self.open.is_empty() {
            self.end_line(&mut |_| {});
        }
        self.lines.into()
    }

    fn end_line(&mut self, told: &mut impl FnMut(&str)) {
        let line = printable(&self.open);
        self.open.clear();
        if line.trim().is_empty() {
            return;
        }
        told(&line);
        if is_frame(&line) {
            return;
        }
        self.lines.push_back(line);
        while self.lines.len() > LINES || self.lines.iter().map(String::len).sum::<usize>() > BYTES
        {
            self.lines.pop_front();
        }
    }
}

/// The line is one of a Rust backtrace, as `  12: name` and `      at file`. With
/// `RUST_BACKTRACE` set, these would push out the line that says what happened.
fn is_frame(line: &str) -> bool {
    let text = line.trim_start();
    let numbered = text.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    text.len() < line.len() && (numbered || text.starts_with("at "))
}

/// The line without what could move the cursor or change the colours of a terminal.
fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_however_they_come() {
        let mut lines = LastLines::default();
        let mut told = Vec::new();
        for bytes in [&b"one\ntw"[..], b"o\r\n\n\x1b[31mthree\xff", b"\nfour"] {
            lines.take(bytes, |line| told.push(line.to_owned()));
        }
        assert_eq!(told, ["one", "two", " [31mthree\u{fffd}"]);
        assert_eq!(lines.into_lines(), ["one", "two", " [31mthree\u{fffd}", "four"]);
    }

    #[test]
    fn a_backtrace_does_not_push_out_what_happened() {
        let mut lines = LastLines::default();
        lines.take(b"thread panicked\n", |_| {});
        for number in 0..100 {
            let frame =
                format!("  {number:2}: core::panicking\n             at /rustc/lib.rs:1:2\n");
            lines.take(frame.as_bytes(), |_| {});
        }
        lines.take(b"1: a line of the plugin\nat last\n", |_| {});
        assert_eq!(lines.into_lines(), ["thread panicked", "1: a line of the plugin", "at last"]);
    }

    #[test]
    fn a_flood_takes_no_memory() {
        let mut lines = LastLines::default();
        for number in 0..10_000 {
            lines.take(format!("line {number}\n").as_bytes(), |_| {});
        }
        let kept = LastLines { lines: lines.lines.clone(), open: Vec::new() }.into_lines();
        assert_eq!(kept.len(), LINES);
        assert_eq!(kept.last().unwrap(), "line 9999");
        lines.take(&vec![b'x'; 1 << 20], |_| {});
        assert!(lines.open.len() <= LINE);
        let kept: usize = lines.into_lines().iter().map(String::len).sum();
        assert!(kept <= BYTES, "{kept}");
    }
}
