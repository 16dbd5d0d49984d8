//! What the output goes to: a terminal and how wide, or a file, a pipe, a program.

use std::io::{self, IsTerminal, Write};

/// Where output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// How many characters a line has; `None` if it is no terminal.
    pub(crate) width: Option<usize>,
    /// Colours are welcome.
    pub(crate) colour: bool,
}

/// The width of a terminal that does not tell.
const USUAL_WIDTH: usize = 80;

impl Terminal {
    /// A file or a pipe: everything is printed, and nothing is cut or coloured.
    #[cfg(test)]
    pub(crate) const NONE: Self = Self { width: None, colour: false };

    /// What standard output goes to.
    pub(crate) fn stdout() -> Self {
        Self::of(io::stdout().is_terminal(), || rustix::termios::tcgetwinsize(io::stdout()))
    }

    /// What standard error goes to.
    pub(crate) fn stderr() -> Self {
        Self::of(io::stderr().is_terminal(), || rustix::termios::tcgetwinsize(io::stderr()))
    }

    fn of(
        is_terminal: bool,
        size: impl Fn() -> rustix::io::Result<rustix::termios::Winsize>,
    ) -> Self {
        let width = is_terminal.then(|| {
            let columns = size().map_or(0, |size| usize::from(size.ws_col));
            if columns == 0 { USUAL_WIDTH } else { columns }
        });
        Self { width, colour: is_terminal && colours_are_welcome() }
    }

    /// The same, with lines of any length.
    pub(crate) fn unlimited(self) -> Self {
        Self { width: self.width.map(|_| usize::MAX), ..self }
    }

    /// It is a terminal.
    pub(crate) fn is_terminal(self) -> bool {
        self.width.is_some()
    }

    /// The text, bold where colours are welcome.
    pub(crate) fn bold(self, text: &str) -> String {
        if self.colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Neither `NO_COLOR` is set (see no-color.org) nor is the terminal a dumb one.
fn colours_are_welcome() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Says something on standard error. That nobody reads it is no reason to stop.
pub(crate) fn say(text: impl std::fmt::Display) {
    print(&harmless(&text.to_string()));
}

/// Asks something on standard error; the answer stands on the same line.
pub(crate) fn ask(text: impl std::fmt::Display) {
    let mut err = io::stderr().lock();
    let _ = write!(err, "{}", harmless(&text.to_string())).and_then(|()| err.flush());
}

fn print(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// What a file or a plugin says of itself must not move the cursor or colour the screen.
fn harmless(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', " ")
}

/// Says why something failed on standard error, the word `error` in red where that is welcome.
pub(crate) fn complain(failure: &crate::failure::Failure) {
    let text = harmless(&failure.to_string());
    match text.strip_prefix("error:") {
        Some(rest) if Terminal::stderr().colour => {
            print(&format!("\x1b[1;31merror\x1b[0m:{rest}"));
        }
        _ => print(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_cannot_steer_the_terminal() {
        assert_eq!(harmless("no `\u{9b}2J\x1b[31mh\r`\n  help: é"), "no ` 2J [31mh `\n  help: é");
    }
}
