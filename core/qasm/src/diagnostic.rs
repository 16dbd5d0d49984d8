//! What is wrong with a program, and where.

use std::{fmt, ops::Range, path::PathBuf, sync::Arc};

use crate::lexer::printable;

/// Why a program was not read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Arc<std::io::Error>,
    },
    /// The program is wrong. The message is that of every diagnostic, several lines each.
    #[error("{}", joined(diagnostics))]
    Invalid {
        /// What is wrong with it; at least one. OpenQASM 2 programs are read up to their first
        /// error.
        diagnostics: Vec<Diagnostic>,
    },
}

impl Error {
    /// What is wrong with the program; empty if it could not be read at all.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Read { .. } => &[],
            Self::Invalid { diagnostics } => diagnostics,
        }
    }
}

/// Each diagnostic becomes one line, without the source line.
impl From<Error> for ketch_interface::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Read { path, source } => Self::Other {
                code: "qasm.unreadable".to_owned(),
                message: format!("cannot read `{}`", path.display()),
                hint: None,
                retryable: false,
                source: Some(source),
            },
            Error::Invalid { diagnostics } => {
                let line =
                    |d: &Diagnostic| format!("{}:{}:{}: {}", d.file, d.line, d.column, d.message);
                let lines: Vec<String> = diagnostics.iter().map(line).collect();
                Self::Other {
                    code: "qasm.invalid".to_owned(),
                    message: lines.join("\n"),
                    hint: diagnostics.into_iter().find_map(|diagnostic| diagnostic.help),
                    retryable: false,
                    source: None,
                }
            }
        }
    }
}

fn joined(diagnostics: &[Diagnostic]) -> String {
    let texts: Vec<String> = diagnostics.iter().map(Diagnostic::to_string).collect();
    texts.join("\n\n")
}

/// One thing that is wrong with a program.
///
/// Its text is several lines: message, place, the source line with the place underlined, help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The name of the file, as the program was opened or included.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters are meant; at least 1.
    pub width: usize,
    /// What is wrong: lower case, no final dot.
    pub message: String,
    /// What can be done about it.
    pub help: Option<String>,
    /// The source line, cut to the neighbourhood of the place if it is long; tabs are spaces
    /// in it, and what terminals would obey is replaced.
    pub source_line: String,
    /// How many characters were cut off at its left.
    pub source_offset: usize,
}

/// The longest part of a source line that is shown, in characters, and how much of it stands left
/// of the place that is meant.
const SHOWN: usize = 120;
const SHOWN_LEFT: usize = 50;

impl Diagnostic {
    /// Says `message` about a range of bytes of a text.
    pub(crate) fn new(file: &str, text: &str, span: Range<usize>, message: String) -> Self {
        let start = floor_char_boundary(text, span.start);
        let end = floor_char_boundary(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = 1 + text[..line_start].bytes().filter(|&byte| byte == b'\n').count();
        let rest = &text[line_start..];
        let whole = rest.split('\n').next().unwrap_or("").trim_end_matches('\r');
        let whole_start = if line_start == 0 && whole.starts_with('\u{feff}') { 3 } else { 0 };
        let whole = &whole[whole_start..];
        let column = text[(line_start + whole_start).min(start)..start].chars().count() + 1;
        let line_end = line_start + whole_start + whole.len();
        let width = text[start..end.min(line_end).max(start)].chars().count();
        let long = whole.char_indices().nth(SHOWN).is_some();
        let source_offset = if long { (column - 1).saturating_sub(SHOWN_LEFT) } else { 0 };
        let source_line: String =
            whole.chars().skip(source_offset).take(SHOWN).map(printable).collect();
        let room = (source_offset + SHOWN).saturating_sub(column - 1);
        Self {
            file: file.to_owned(),
            line,
            column,
            width: width.min(room).max(1),
            message,
            help: None,
            source_line: source_line.trim_end().to_owned(),
            source_offset,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(self.column - 1 - self.source_offset);
        let carets = "^".repeat(self.width);
        writeln!(f, "error: {}", self.message)?;
        writeln!(f, "{margin}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", self.source_line)?;
        write!(f, "{margin} | {indent}{carets}")?;
        match &self.help {
            Some(help) => write!(f, "\n{margin} = help: {help}"),
            None => Ok(()),
        }
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Why parsing stopped, before the place is looked up in the text.
#[derive(Debug)]
pub(crate) enum Failure {
    /// In the text that is being read.
    Here {
        /// The bytes that are meant.
        span: Range<usize>,
        /// What is wrong.
        message: String,
        /// What can be done about it.
        help: Option<String>,
    },
    /// In a file that it includes.
    Elsewhere(Diagnostic),
}

/// What parsing functions return. Boxed, so that success costs no more than a pointer.
pub(crate) type Parsed<T> = Result<T, Box<Failure>>;

impl Failure {
    #[cold]
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Box<Self> {
        Box::new(Self::Here { span, message: message.into(), help: None })
    }

    /// Adds help, where there is some.
    pub(crate) fn with_help(mut self: Box<Self>, text: Option<String>) -> Box<Self> {
        if let Self::Here { help, .. } = &mut *self {
            *help = text;
        }
        self
    }

    /// Looks up the place.
    pub(crate) fn into_diagnostic(self, file: &str, text: &str) -> Diagnostic {
        match self {
            Self::Here { span, message, help } => {
                let mut diagnostic = Diagnostic::new(file, text, span, message);
                diagnostic.help = help;
                diagnostic
            }
            Self::Elsewhere(diagnostic) => diagnostic,
        }
    }
}
