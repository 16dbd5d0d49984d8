//! Why a command did not succeed, as people and programs read it.

use std::{error::Error as StdError, fmt, io, path::Path};

use ketch::{BackendError, FitError, LoadError, NoiseLoadError, RegistryError, qasm};
use serde_json::{Value, json};

use crate::exit::Exit;

/// Why a command did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// The stable word for programs.
    pub(crate) code: String,
    /// What went wrong; of several lines if it shows a place in an input file.
    pub(crate) message: String,
    /// Why, the nearest cause first.
    pub(crate) causes: Vec<String>,
    /// What the user can do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure whose exit code follows from its code.
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let code = code.into();
        let exit = Exit::of_code(&code);
        Self { exit, code, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// A wrong command line that clap cannot see.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", message)
    }

    /// With what the user can do about it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With what caused it, and what caused that.
    pub(crate) fn caused_by(self, error: &dyn StdError) -> Self {
        self.because(Some(error))
    }

    fn because(mut self, mut cause: Option<&dyn StdError>) -> Self {
        while let Some(error) = cause {
            self.causes.push(error.to_string());
            cause = error.source();
        }
        self
    }

    /// Says which input it is about, unless the message does already.
    pub(crate) fn about(mut self, file: &str) -> Self {
        if !self.message.contains(file) {
            self.message = format!("{file}: {}", self.message);
        }
        self
    }

    /// A file could not be written.
    pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Self {
        let message = format!("cannot write `{}`", path.display());
        Self::new("output.unwritable", message).caused_by(error)
    }

    /// Nobody reads the output any more: no failure at all.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.code == BROKEN_PIPE
    }

    /// The document that `--json` prints.
    pub(crate) fn document(&self, file: Option<&str>) -> Value {
        let mut document = json!({ "schema": "ketch.error/1" });
        if let Some(file) = file {
            document["file"] = file.into();
        }
        document["error"] = json!({
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "causes": self.causes,
        });
        document
    }
}

const BROKEN_PIPE: &str = "output.closed";

impl fmt::Display for Failure {
    /// `error: …`, then a line for each cause, then the help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for cause in &self.causes {
            write!(f, "\n  caused by: {cause}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  help: {}", hint.replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        let mut failure = Self::new(error.code(), error.to_string());
        failure.causes = error.causes();
        failure.hint = error.hint();
        failure
    }
}

impl From<FitError> for Failure {
    fn from(error: FitError) -> Self {
        match error {
            FitError::Backend(error) => error.into(),
            other => {
                let failure = Self::new(other.code(), other.to_string());
                failure.because(StdError::source(&other))
            }
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let mut failure = Self::new(error.code(), error.to_string());
        failure.hint = error.hint();
        failure.because(error.source())
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let missing = |source: &io::Error| source.kind() == io::ErrorKind::NotFound;
        let code = match &error {
            LoadError::Read { source, .. } if missing(source) => "input.not_found",
            LoadError::Qasm(qasm::Error::Read { source, .. }) if missing(source) => {
                "input.not_found"
            }
            _ => error.code(),
        };
        let message = error.to_string();
        // A diagnostic of the parser begins with the word as every failure does.
        let message = message.strip_prefix("error: ").unwrap_or(&message);
        let mut failure = Self::new(code, message);
        failure.hint = error.hint();
        failure.because(error.source())
    }
}

impl From<NoiseLoadError> for Failure {
    fn from(error: NoiseLoadError) -> Self {
        let missing = |source: &io::Error| source.kind() == io::ErrorKind::NotFound;
        let code = match &error {
            NoiseLoadError::Read { source, .. } if missing(source) => "input.not_found",
            _ => error.code(),
        };
        let mut failure = Self::new(code, error.to_string());
        failure.hint = error.hint().map(str::to_owned);
        failure.because(error.source())
    }
}

/// Of standard output only; whoever writes files says which.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            let message = "nobody reads the output any more";
            return Self { exit: Exit::Ok, ..Self::new(BROKEN_PIPE, message) };
        }
        Self::new("output.unwritable", "cannot write to standard output").caused_by(&error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        match error.is_io() {
            true => io::Error::from(error).into(),
            false => Self::new("document.unwritable", "cannot write a document").caused_by(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_causes_and_help_below_the_message() {
        let inner = io::Error::new(io::ErrorKind::PermissionDenied, "permission denied");
        let failure = Failure::unwritable(Path::new("out.npy"), &inner).with_hint("use another");
        assert_eq!(
            failure.to_string(),
            "error: cannot write `out.npy`\n  caused by: permission denied\n  help: use another"
        );
        assert_eq!(failure.exit, Exit::Failed);
    }

    #[test]
    fn programs_read_a_document() {
        let failure = Failure::usage("no");
        assert_eq!(
            failure.document(Some("a.qasm")).to_string(),
            r#"{"schema":"ketch.error/1","file":"a.qasm","error":{"code":"usage","message":"no","hint":null,"causes":[]}}"#
        );
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(failure.is_broken_pipe());
        assert_eq!(failure.exit, Exit::Ok);
    }

    #[test]
    fn the_file_is_named_once() {
        let failure = Failure::new("circuit.x", "no measurement").about("a.qasm");
        assert_eq!(failure.message, "a.qasm: no measurement");
        assert_eq!(failure.clone().about("a.qasm"), failure);
    }
}
