//! How a worker ended, as everybody who waits for it is told.

use std::{
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    time::{Duration, Instant},
};

use ketch_core::Error;
use ketch_core::TextCause;

/// How a worker ended.
#[derive(Debug)]
pub(super) struct Death {
    message: String,
    /// The last lines that it printed.
    output: Vec<String>,
    pub(super) at: Instant,
}

impl Death {
    /// `how` completes a sentence that begins with the provider.
    pub(super) fn new(provider: &str, how: &str, output: Vec<String>) -> Self {
        let message = format!("provider `{provider}` {how}");
        Self { message, output, at: Instant::now() }
    }

    pub(super) fn error(&self) -> Error {
        let printed = (!self.output.is_empty())
            .then(|| format!("it printed:\n    {}", self.output.join("\n    ")));
        Error::Other {
            code: "plugin.died".to_owned(),
            message: self.message.clone(),
            hint: None,
            retryable: false,
            source: TextCause::chain(printed.as_slice()),
        }
    }

    /// What happened, without what was printed.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The message and what was printed.
    pub(super) fn story(&self) -> String {
        let error = self.error();
        let parts: Vec<String> = [error.to_string()].into_iter().chain(error.causes()).collect();
        parts.join("; ")
    }

    /// The last line that was printed, which often says why.
    pub(super) fn last_line(&self) -> Option<&str> {
        self.output.last().map(String::as_str)
    }
}

/// How a process ended, for a sentence that begins with its name. `call` is what it was doing.
pub(super) fn how(status: ExitStatus, cpu_time: Option<Duration>, call: Option<&str>) -> String {
    let ended = match (status.signal(), status.code()) {
        (Some(SIGXCPU), _) if cpu_time.is_some() => {
            let seconds = cpu_time.unwrap_or_default().as_secs().max(1);
            format!("used up its {seconds} s of processor time")
        }
        (Some(SIGKILL), _) => {
            "was killed by signal 9 (SIGKILL), perhaps because memory ran out".to_owned()
        }
        (Some(signal), _) => format!("died of signal {signal}{}", name_of(signal)),
        (None, code) => format!("exited with code {}", code.unwrap_or_default()),
    };
    match call {
        Some(call) => format!("{ended} in {call}"),
        None => ended,
    }
}

const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// The signals that end a process, on x86-64 (signal(7)).
const SIGNALS: [(i32, &str); 15] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (SIGKILL, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (15, "SIGTERM"),
    (SIGXCPU, "SIGXCPU"),
    (25, "SIGXFSZ"),
    (31, "SIGSYS"),
];

fn name_of(signal: i32) -> String {
    let known = SIGNALS.iter().find(|(number, _)| *number == signal);
    known.map(|(_, name)| format!(" ({name})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_process_in_words() {
        let check = |status: i32, call: Option<&str>, expected: &str| {
            let limit = Some(Duration::from_secs(60));
            assert_eq!(how(ExitStatus::from_raw(status), limit, call), expected);
        };
        check(
            11,
            Some("`run` of backend `x`"),
            "died of signal 11 (SIGSEGV) in `run` of backend `x`",
        );
        check(128 + 6, None, "died of signal 6 (SIGABRT)");
        check(3 << 8, None, "exited with code 3");
        check(0, Some("`status` of backend `x`"), "exited with code 0 in `status` of backend `x`");
        check(24, None, "used up its 60 s of processor time");
        check(40, None, "died of signal 40");
        assert_eq!(how(ExitStatus::from_raw(24), None, None), "died of signal 24 (SIGXCPU)");
    }

    #[test]
    fn the_error_holds_what_was_printed() {
        let death = Death::new("acme", "exited with code 3", vec!["a".into(), "b".into()]);
        let error = death.error();
        assert_eq!(error.code(), "plugin.died");
        assert_eq!(error.to_string(), "provider `acme` exited with code 3");
        assert_eq!(error.causes(), ["it printed:\n    a\n    b"]);
        assert_eq!(death.story(), "provider `acme` exited with code 3; it printed:\n    a\n    b");
        assert!(Death::new("acme", "x", vec![]).error().causes().is_empty());
    }
}
