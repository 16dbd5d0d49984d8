//! `ketch provider check`: the contract of providers, on one plugin.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use ketch::State;
use ketch_conformance::{Line, Outcome, Report, backend_checks, provider_checks};
use serde_json::{Value, json};

use super::one_check::{Question, answer, ask, line_document, outcome_of, registry};
use crate::{
    context::Context,
    exit::Exit,
    failure::Failure,
    output::{number, table::one_line, terminal::say},
};

/// The arguments of `ketch provider check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each check has a process of its own with the plugin in it, so that one that crashes or hangs costs
no other its answer; `--isolation always` puts the plugin into a further process, as users have it.
The checks submit small jobs and cancel some long ones: on a device that costs money, choose with
--only. The exit code is 8 if a check failed.")]
pub(crate) struct CheckArgs {
    /// The plugin's file
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    #[arg(required_unless_present = "names")]
    file: Option<PathBuf>,
    /// Only the checks whose group or name holds this; may be given several times
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Only this backend; may be given several times
    #[arg(long, value_name = "NAME")]
    backend: Vec<String>,
    /// The time that each check has
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time_limit)]
    time_limit: Duration,
    /// Print a line for every check, not only for those that failed
    #[arg(long)]
    verbose: bool,
    /// Print the names of all checks and run none
    #[arg(long, conflicts_with = "json")]
    names: bool,
    /// Print a document for programs (schema ketch.provider_check/1)
    #[arg(long)]
    pub(crate) json: bool,
    /// Answer in this process: which backends there are
    #[arg(long, hide = true)]
    backends: bool,
    /// Answer in this process: what comes of the check of this very name
    #[arg(long, hide = true)]
    answer: bool,
}

/// What was checked, and how long each took.
struct Checked {
    provider: String,
    /// It has accounts in mind, which are told to files that the user has accepted.
    untold: bool,
    lines: Vec<(Line, Duration)>,
}

pub(crate) fn execute(
    args: &CheckArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let Some(file) = args.file.as_deref().filter(|_| !args.names) else {
        write_names(out)?;
        return Ok(Exit::Ok);
    };
    let file = file.canonicalize().map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => "input.not_found",
            _ => "input.unreadable",
        };
        Failure::new(code, format!("cannot read `{}`", file.display())).caused_by(&error)
    })?;
    if args.backends {
        return answer(&file, Question::Backends, context, out);
    }
    if let (true, Some(name)) = (args.answer, args.only.first()) {
        let backend = args.backend.first().map(String::as_str);
        return answer(&file, Question::Check { name, backend }, context, out);
    }
    if let Some(text) = args.only.iter().find(|text| !is_of_any_check(text)) {
        let message = format!("no check has `{}` in its group or name", one_line(text));
        return Err(Failure::usage(message).with_hint("`ketch provider check --names` lists them"));
    }
    let start = Instant::now();
    let checked = check(args, &file, context)?;
    let report = Report { lines: checked.lines.iter().map(|(line, _)| line.clone()).collect() };
    if args.json {
        writeln!(out, "{}", document(&file, &checked, &report))?;
    } else {
        write_report(out, &report, args.verbose)?;
        writeln!(out, "{}, in {}", summary(&report), number::duration(start.elapsed()))?;
    }
    Ok(if report.is_conformant() { Exit::Ok } else { Exit::Plugin })
}

/// A limit that leaves any time at all.
fn time_limit(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(limit) if limit.is_zero() => Err("expected more than no time".to_owned()),
        limit => limit.map_err(|error| error.to_string()),
    }
}

fn write_names(out: &mut dyn Write) -> Result<(), Failure> {
    for (group, (name, _)) in provider_checks() {
        writeln!(out, "{group}: {name}")?;
    }
    for (group, (name, _)) in backend_checks() {
        writeln!(out, "{group}: {name}")?;
    }
    Ok(())
}

fn check(args: &CheckArgs, file: &Path, context: &Context) -> Result<Checked, Failure> {
    let mut checked = Checked { provider: String::new(), untold: false, lines: Vec::new() };
    if !examine(file, context, &mut checked) {
        return Ok(checked);
    }
    let start = Instant::now();
    let listed = match ask(file, Question::Backends, args.time_limit, context) {
        Ok(document) if document["backends"].is_array() => Ok(names_in(&document["backends"])),
        Ok(document) => Err(outcome_of(&document)),
        Err(outcome) => Err(outcome),
    };
    let outcome = listed.as_ref().map(|_| ()).map_err(Clone::clone);
    let line = Line::new(&checked.provider, "discovery", "the plugin lists its backends", outcome);
    checked.lines.push((line, start.elapsed()));
    let Ok(listed) = listed else { return Ok(checked) };
    let wanted = |name: &&String| args.backend.is_empty() || args.backend.contains(name);
    let backends: Vec<&String> = listed.iter().filter(wanted).collect();
    if let Some(missing) = args.backend.iter().find(|name| !listed.contains(name)) {
        let known = listed.join(", ");
        let failure = Failure::new("backend.not_found", format!("no backend `{missing}`"));
        return Err(failure.with_hint(format!("the plugin has: {known}")));
    }
    if backends.is_empty() {
        say("the plugin lists no backend, so that none is checked; it may need an account");
        if checked.untold {
            say(
                "accounts are told to a file that you have accepted: `ketch provider install` first",
            );
        }
    }
    let mut run = |subject: &str, group, name, backend: Option<&str>| {
        let start = Instant::now();
        let question = Question::Check { name, backend };
        let answer = ask(file, question, args.time_limit, context);
        let outcome = answer.map_or_else(|outcome| outcome, |document| outcome_of(&document));
        let line = Line { subject: subject.to_owned(), group, check: name, outcome };
        checked.lines.push((line, start.elapsed()));
    };
    let id = checked.provider.clone();
    for (group, (name, _)) in provider_checks().filter(|(group, (name, _))| args.wants(group, name))
    {
        run(&id, group, name, None);
    }
    for backend in backends {
        let subject = format!("{id}/{backend}");
        for (group, (name, _)) in
            backend_checks().filter(|(group, (name, _))| args.wants(group, name))
        {
            run(&subject, group, name, Some(backend));
        }
    }
    Ok(checked)
}

impl CheckArgs {
    fn wants(&self, group: &str, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| is_of(text, group, name))
    }
}

/// Whether a text that was given chooses a check.
fn is_of(text: &str, group: &str, name: &str) -> bool {
    group.contains(text) || name.contains(text)
}

fn is_of_any_check(text: &str) -> bool {
    provider_checks().any(|(group, (name, _))| is_of(text, group, name))
        || backend_checks().any(|(group, (name, _))| is_of(text, group, name))
}

/// What the registry says of the file before any of it is run; false if it is not used.
fn examine(file: &Path, context: &Context, checked: &mut Checked) -> bool {
    let registry = registry(file, context);
    let candidates = registry.candidates();
    let subject = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some(candidate) = candidates.first() else {
        let outcome = Err(Outcome::failed("it is no file"));
        let line = Line::new(&subject, "file", "file kind", outcome);
        checked.lines.push((line, Duration::ZERO));
        return false;
    };
    let manifest = candidate.manifest.as_ref();
    checked.provider = manifest.map(|manifest| manifest.id.clone()).unwrap_or_default();
    checked.untold =
        !candidate.trusted && manifest.is_some_and(|manifest| !manifest.secrets.is_empty());
    let refusal = match &candidate.state {
        State::Refused(refusal) => Some(refusal),
        _ => None,
    };
    for step in &candidate.steps {
        let refused = refusal.filter(|refusal| refusal.step == step.name);
        let outcome = refused.map_or(Ok(()), |refusal| {
            let (found, expected) = (&refusal.found, &refusal.expected);
            let fix = &refusal.fix;
            Err(Outcome::failed(one_line(&format!("found {found}, expected {expected}; {fix}"))))
        });
        let line = Line::new(&subject, "file", step.name, outcome);
        checked.lines.push((line, step.took.unwrap_or_default()));
    }
    refusal.is_none()
}

fn names_in(list: &Value) -> Vec<String> {
    let names = list.as_array().map(Vec::as_slice).unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The number of lines that passed, failed and say nothing.
fn tally<'a>(lines: impl IntoIterator<Item = &'a Line>) -> [usize; 3] {
    let mut tally = [0; 3];
    for line in lines {
        let place = match line.outcome {
            Outcome::Passed => 0,
            Outcome::Failed(_) => 1,
            Outcome::NotApplicable(_) => 2,
        };
        tally[place] += 1;
    }
    tally
}

fn in_words([passed, failed, not_applicable]: [usize; 3]) -> String {
    let mut words = vec![format!("{passed} passed")];
    words.extend((failed > 0).then(|| format!("{failed} FAILED")));
    words.extend((not_applicable > 0).then(|| format!("{not_applicable} not applicable")));
    words.join(", ")
}

fn summary(report: &Report) -> String {
    let number = report.lines.len();
    let verdict = if report.is_conformant() { "conformant" } else { "NOT conformant" };
    format!("{verdict}: {number} checks, {}", in_words(tally(&report.lines)))
}

/// Each subject, each of its groups with what came of it, and below that what failed.
fn write_report(out: &mut dyn Write, report: &Report, verbose: bool) -> Result<(), Failure> {
    let lines = report.lines.as_slice();
    let mut subject = "";
    for group in lines.chunk_by(|a, b| a.subject == b.subject && a.group == b.group) {
        let first = &group[0];
        if first.subject != subject {
            writeln!(out, "{}", one_line(&first.subject))?;
            subject = &first.subject;
        }
        writeln!(out, "  {:<14} {}", first.group, in_words(tally(group)))?;
        for Line { check, outcome, .. } in group {
            match outcome {
                Outcome::Failed(how) => writeln!(out, "    FAILED  {check}: {}", one_line(how))?,
                Outcome::Passed if verbose => writeln!(out, "    passed  {check}")?,
                Outcome::NotApplicable(why) if verbose => {
                    writeln!(out, "    -       {check}: {}", one_line(why))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn document(file: &Path, checked: &Checked, report: &Report) -> Value {
    let [passed, failed, not_applicable] = tally(&report.lines);
    let lines = checked.lines.iter().map(|(line, took)| line_document(line, *took));
    json!({
        "schema": "ketch.provider_check/1",
        "file": file.to_string_lossy(),
        "provider": checked.provider,
        "conformant": report.is_conformant(),
        "passed": passed,
        "failed": failed,
        "not_applicable": not_applicable,
        "checks": lines.collect::<Vec<_>>(),
    })
}
