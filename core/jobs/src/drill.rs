//! Steps at which a process can be told to die, so that tests can show that nothing is lost there.
//!
//! `KETCH_DIE_AT=step:file` kills the process with SIGKILL when it reaches the step, once: whoever
//! removes the file dies. Without the variable, a step costs a look at a cell.

use std::{fs, path::PathBuf, sync::OnceLock};

use rustix::process::{Signal, getpid, kill_process};

/// Every step, in the order in which a job passes them.
pub const STEPS: [&str; 9] = [
    "submit.written",
    "submit.committed",
    "send.before",
    "send.after",
    "send.noted",
    "work.claimed",
    "part.written",
    "part.committed",
    "end.committed",
];

/// The process has come to a step, one of [`STEPS`].
pub(crate) fn reached(step: &str) {
    static WHERE: OnceLock<Option<(String, PathBuf)>> = OnceLock::new();
    let told = WHERE.get_or_init(|| {
        let told = std::env::var("KETCH_DIE_AT").ok()?;
        let (step, file) = told.split_once(':')?;
        Some((step.to_owned(), PathBuf::from(file)))
    });
    if let Some((at, file)) = told
        && at == step
        && fs::remove_file(file).is_ok()
    {
        // Nobody survives this to hear of an error.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
