//! One check of a plugin, in a process of its own that has a time limit.
//!
//! The process is this program again. It loads the plugin, runs the check and prints what came of
//! it as a line; whatever else the plugin does to it is told instead.

use std::{
    env,
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use ketch::{Filter, Registry, SearchPath};
use ketch_conformance::{Line, Outcome, run_one};
use serde_json::{Value, json};

use crate::{context::Context, exit::Exit, failure::Failure, output::table::one_line};

/// Of what a plugin prints so much is read, and the end of it told.
const MOST_OUTPUT: u64 = 16 << 20;

/// Of why a check failed so many characters are told: an error may repeat a name of a megabyte.
const MOST_REASON: usize = 400;

/// Of what it complained about, the last so many characters.
const LAST_WORDS: usize = 300;

/// What the process is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question<'a> {
    /// The names of the backends.
    Backends,
    /// What came of a check, of a backend if there is one.
    Check { name: &'a str, backend: Option<&'a str> },
}

/// Answers one question in this process, as a line of its own.
///
/// # Errors
/// If the plugin cannot be loaded.
pub(super) fn answer(
    file: &Path,
    question: Question<'_>,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let registry = registry(file, context);
    let id = registry.provider_ids().pop();
    let provider = registry.provider(&id.unwrap_or_default())?;
    let answer = match question {
        Question::Backends => match provider.backends(&Filter::new()) {
            Ok(backends) => {
                let names = backends.iter().map(|backend| backend.name().to_owned());
                json!({ "backends": names.collect::<Vec<_>>() })
            }
            Err(error) => outcome_document(&error.into()),
        },
        Question::Check { name, backend } => match run_one(&*provider, name, backend) {
            Some(line) => outcome_document(&line.outcome),
            None => return Err(Failure::usage(format!("there is no check `{name}`"))),
        },
    };
    // Whatever the plugin printed stands on other lines.
    writeln!(out, "\n{answer}")?;
    out.flush()?;
    // What the plugin prints when the process ends does not matter; that it crashes then does.
    Ok(Exit::Ok)
}

/// The plugins of this one file.
pub(super) fn registry(file: &Path, context: &Context) -> Registry {
    context.registry_as_it_is(|_| Registry::discover_named(&SearchPath::only([file.to_owned()])))
}

/// Asks a process of its own. The error is why there is no answer, or the outcome that stands for
/// one.
pub(super) fn ask(
    file: &Path,
    question: Question<'_>,
    limit: Duration,
    context: &Context,
) -> Result<Value, Outcome> {
    let mut command = Command::new(env::current_exe().map_err(unstarted)?);
    command.args(["--isolation", context.isolation_of_checks()]);
    command.args(["provider", "check"]).arg(file);
    match question {
        Question::Backends => command.arg("--backends"),
        Question::Check { name, backend } => {
            command.args(["--answer", "--only", name]);
            command.args(backend.into_iter().flat_map(|backend| ["--backend", backend]))
        }
    };
    // Its last words are to be what it says, not where.
    command.env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(unstarted)?;
    let (status, stdout, stderr) = finished(child, limit)?;
    match last_answer(&stdout) {
        Some(answer) if status.success() => Ok(answer),
        _ => Err(Outcome::failed(died(status, &stderr))),
    }
}

/// The last line that is an answer: the plugin may print before and behind it.
fn last_answer(stdout: &str) -> Option<Value> {
    let documents = stdout.lines().rev().filter_map(|line| serde_json::from_str(line).ok());
    let is_answer =
        |document: &Value| document["backends"].is_array() || document["outcome"].is_string();
    documents.into_iter().find(is_answer)
}

/// The outcome that a document tells.
pub(super) fn outcome_of(document: &Value) -> Outcome {
    let why = || {
        let why = document["why"].as_str().unwrap_or_default();
        match why.char_indices().nth(MOST_REASON) {
            Some((end, _)) => format!("{}…", &why[..end]),
            None => why.to_owned(),
        }
    };
    match document["outcome"].as_str() {
        Some("passed") => Outcome::Passed,
        Some("not_applicable") => Outcome::not_applicable(why()),
        Some("failed") => Outcome::failed(why()),
        _ => Outcome::failed(format!("the process answered {}", one_line(&document.to_string()))),
    }
}

/// An outcome for programs: `outcome`, and `why` unless it passed.
pub(super) fn outcome_document(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Passed => json!({ "outcome": "passed" }),
        Outcome::Failed(how) => json!({ "outcome": "failed", "why": how }),
        Outcome::NotApplicable(why) => json!({ "outcome": "not_applicable", "why": why }),
    }
}

/// A line of the report, as documents have it.
pub(super) fn line_document(line: &Line, took: Duration) -> Value {
    let Line { subject, group, check, outcome } = line;
    let mut document = json!({ "subject": subject, "group": group, "check": check });
    let Value::Object(outcome) = outcome_document(outcome) else { return document };
    outcome.into_iter().for_each(|(name, value)| document[name] = value);
    document["time_taken"] = took.as_secs_f64().into();
    document
}

fn unstarted(error: io::Error) -> Outcome {
    Outcome::failed(format!("cannot start a process for the check: {error}"))
}

/// Waits until the process has closed its output, and ends it when the time is over.
fn finished(mut child: Child, limit: Duration) -> Result<(ExitStatus, String, String), Outcome> {
    let (sender, received) = mpsc::channel();
    let stdout = child.stdout.take().expect("standard output is piped");
    let stderr = child.stderr.take().expect("standard error is piped");
    read_in_a_thread(stdout, sender.clone(), true);
    read_in_a_thread(stderr, sender, false);
    let deadline = std::time::Instant::now() + limit;
    let (mut out, mut complaint) = (String::new(), String::new());
    for _ in 0..2 {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        match received.recv_timeout(left) {
            Ok((true, text)) => out = text,
            Ok((false, text)) => complaint = text,
            Err(_) => {
                // It may have ended in between; then there is nothing to kill.
                let _ = child.kill();
                let _ = child.wait();
                return Err(Outcome::failed(format!("it did not end within {limit:?}")));
            }
        }
    }
    let status = child.wait().map_err(unstarted)?;
    Ok((status, out, complaint))
}

fn read_in_a_thread(
    from: impl Read + Send + 'static,
    sender: mpsc::Sender<(bool, String)>,
    is_output: bool,
) {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut from = from;
        // What cannot be read is as good as not said.
        let _ = from.by_ref().take(MOST_OUTPUT).read_to_end(&mut bytes);
        // The rest is thrown away, so that nobody waits for it to be read.
        let _ = io::copy(&mut from, &mut io::sink());
        let _ = sender.send((is_output, String::from_utf8_lossy(&bytes).into_owned()));
    });
}

/// How a process ended without an answer, and what it said last.
fn died(status: ExitStatus, complaint: &str) -> String {
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("the plugin's process was ended by signal {signal}"),
        (None, Some(code)) => format!("the plugin's process ended with exit code {code}"),
        (None, None) => "the plugin's process ended".to_owned(),
    };
    let words = one_line(complaint.trim());
    let skipped = words.chars().count().saturating_sub(LAST_WORDS);
    let words: String = words.chars().skip(skipped).collect();
    if words.is_empty() { how } else { format!("{how}, saying: {words}") }
}
