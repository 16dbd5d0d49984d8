//! The exit codes: the one place where they are decided.

/// How the process ends. The numbers are part of the command line's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All went well.
    Ok = 0,
    /// Something failed that has no code of its own.
    Failed = 1,
    /// The command line itself is wrong.
    Usage = 2,
    /// A backend, a job or a file is not there.
    NotFound = 3,
    /// A service does not know the user.
    Authentication = 4,
    /// A service cannot be reached.
    Remote = 5,
    /// The job, or one of its experiments, failed.
    JobFailed = 6,
    /// There was no result in time.
    Timeout = 7,
    /// A plugin is missing, was refused, or misbehaved.
    Plugin = 8,
    /// An input file was rejected.
    Input = 9,
    /// The user pressed Ctrl-C.
    Interrupted = 130,
}

/// Which code of an error ends the process how. A row that ends in a dot stands for all codes that
/// begin with it; the first row that fits decides.
const BY_CODE: &[(&str, Exit)] = &[
    ("usage", Exit::Usage),
    ("option.invalid", Exit::Usage),
    ("parameter.", Exit::Usage),
    ("filter.", Exit::Usage),
    ("backend.not_found", Exit::NotFound),
    ("backend.unknown", Exit::NotFound),
    ("backend.ambiguous", Exit::NotFound),
    ("backend.none_", Exit::NotFound),
    ("provider.unknown", Exit::NotFound),
    ("provider.not_found", Exit::NotFound),
    ("job.not_found", Exit::NotFound),
    ("job.ambiguous", Exit::NotFound),
    ("job.result_not_kept", Exit::NotFound),
    ("job.wrong_state", Exit::Failed),
    ("input.not_found", Exit::NotFound),
    ("account.not_found", Exit::NotFound),
    ("token.not_found", Exit::NotFound),
    ("account.empty_token", Exit::Usage),
    ("account.bad_name", Exit::Usage),
    ("account.exists", Exit::Usage),
    ("account.unreadable", Exit::Input),
    ("account.qiskitrc", Exit::Input),
    ("unauthenticated", Exit::Authentication),
    ("transport", Exit::Remote),
    ("rate_limited", Exit::Remote),
    ("job.timeout", Exit::Timeout),
    ("job.", Exit::JobFailed),
    ("experiment.", Exit::JobFailed),
    ("memory.insufficient", Exit::JobFailed),
    ("interrupted", Exit::Interrupted),
    ("package.exists", Exit::Usage),
    ("package.refused", Exit::Input),
    ("package.", Exit::Failed),
    ("plugin.", Exit::Plugin),
    ("provider.panicked", Exit::Plugin),
    ("qobj.", Exit::Input),
    ("qasm.", Exit::Input),
    ("qpy.", Exit::Input),
    ("circuit.", Exit::Input),
    ("document.", Exit::Input),
    ("instruction.", Exit::Input),
    ("input.", Exit::Input),
    ("calibration.", Exit::Input),
    ("noise.", Exit::Input),
];

impl Exit {
    /// How an error with this machine-readable code ends the process.
    pub(crate) fn of_code(code: &str) -> Self {
        let fits = |row: &str| match row {
            _ if row.ends_with(['.', '_']) => code.starts_with(row),
            _ => code == row,
        };
        BY_CODE.iter().find(|(row, _)| fits(row)).map_or(Self::Failed, |(_, exit)| *exit)
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What the help text says of the codes.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    ok
  1    failed
  2    wrong usage
  3    not found: a backend, a provider, a job, a file
  4    not authenticated
  5    a remote service cannot be reached
  6    the job, or one of its experiments, failed
  7    time-out
  8    no plugin, or a plugin that was refused or misbehaved
  9    an input file was rejected
  130  interrupted";

#[cfg(test)]
mod tests {
    use ketch::BackendError as Error;

    use super::*;

    #[test]
    fn every_error_of_the_interface_has_its_exit_code() {
        let text = || "x".to_owned();
        let table = [
            (Error::BackendNotFound { name: text(), known: vec![] }, 3),
            (Error::BackendAmbiguous { name: text(), candidates: vec![] }, 3),
            (Error::InvalidQobj { reason: text(), source: None }, 9),
            (Error::InvalidOption { name: text(), reason: text(), nearest: None }, 2),
            (Error::UnsupportedInstruction { backend: text(), instruction: text() }, 9),
            (Error::TooManyQubits { backend: text(), circuit: text(), needed: 9, limit: 5 }, 9),
            (Error::OutOfMemory { needed: 2, available: 1 }, 6),
            (Error::Timeout { job: text(), after: std::time::Duration::ZERO }, 7),
            (Error::Cancelled { job: text() }, 6),
            (Error::JobFailed { job: text(), reason: text() }, 6),
            (Error::JobNotFound { job: text() }, 3),
            (Error::NotSupported { what: text(), operation: text() }, 1),
            (Error::Unauthenticated { reason: text() }, 4),
            (Error::RateLimited { retry_after: None }, 5),
            (Error::Transport { service: text(), source: None }, 5),
            (Error::ProviderPanicked { provider: text(), message: text() }, 8),
            (Error::other("backend.none_operational", "x"), 3),
            (Error::other("something.of.its.own", "x"), 1),
        ];
        for (error, expected) in table {
            assert_eq!(Exit::of_code(error.code()) as u8, expected, "{}", error.code());
        }
    }

    #[test]
    fn the_help_text_names_every_code() {
        let all = [
            Exit::Ok,
            Exit::Failed,
            Exit::Usage,
            Exit::NotFound,
            Exit::Authentication,
            Exit::Remote,
            Exit::JobFailed,
            Exit::Timeout,
            Exit::Plugin,
            Exit::Input,
            Exit::Interrupted,
        ];
        let numbers: Vec<u8> = EXIT_CODES
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(numbers, all.map(|exit| exit as u8));
    }
}
