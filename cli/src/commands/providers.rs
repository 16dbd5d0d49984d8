//! `ketch providers`: the plugins that were found, and why some are refused.

use std::{io::Write, sync::Arc};

use clap::Args;
use ketch::{Candidate, Refusal, Registry, RegistryError, State};
use serde_json::{Value, json};

use crate::{
    context::Context,
    exit::Exit,
    failure::Failure,
    output::{
        number,
        table::{Table, one_line},
    },
};

/// The arguments of `ketch providers`.
#[derive(Debug, Args)]
#[command(
    after_help = "Refused files are listed with the reason and do no harm: the exit code is 0 \
                        beside them."
)]
pub(crate) struct ProvidersArgs {
    /// Check every file anew, and show every step and the time it took
    #[arg(long)]
    why: bool,
    /// Print a document for programs (schema ketch.providers/1)
    #[arg(long)]
    pub(crate) json: bool,
}

/// What became of a plugin, with what asking it showed.
struct Found {
    candidate: Arc<Candidate>,
    state: &'static str,
    reason: Option<String>,
    /// `in process` or `isolated`, if it is used.
    isolation: Option<&'static str>,
}

pub(crate) fn execute(
    args: &ProvidersArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let discover = if args.why { Registry::discover_anew } else { Registry::discover };
    let registry = context.registry_as_it_is(discover);
    let problems = registry.examine();
    let candidates = registry.candidates();
    let found: Vec<Found> =
        candidates.into_iter().map(|candidate| look(&registry, candidate, &problems)).collect();
    if args.json {
        writeln!(out, "{}", document(&registry, &found))?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["ID", "VERSION", "ABI", "STATE", "ISOLATION", "FROM", "FILE"]);
    for one in &found {
        let manifest = one.candidate.manifest.as_ref();
        let unknown = || "-".to_owned();
        table.push([
            manifest.map_or_else(unknown, |manifest| manifest.id.clone()),
            manifest.map_or_else(unknown, |manifest| manifest.version.clone()),
            manifest.map_or_else(unknown, |manifest| manifest.abi.to_string()),
            one.state.to_owned(),
            one.isolation.map_or_else(unknown, str::to_owned),
            one.candidate.origin.to_string(),
            one.candidate.path.display().to_string(),
        ]);
    }
    if !table.is_empty() {
        // Paths are there to be copied: they are never cut.
        table.write(out, context.terminal.unlimited())?;
    }
    let reasons = found.iter().filter_map(|one| Some((one.state, one.reason.as_deref()?)));
    for (place, (state, reason)) in reasons.enumerate() {
        let gap = if place == 0 { "\n" } else { "" };
        writeln!(out, "{gap}{state}: {reason}")?;
    }
    if args.why {
        found.iter().try_for_each(|one| write_steps(out, &one.candidate))?;
    }
    if found.is_empty() {
        writeln!(out, "no plugin was found; these directories were searched:")?;
        for directory in &registry.search_path().directories {
            let missing = if directory.path.is_dir() { "" } else { ", does not exist" };
            writeln!(out, "  {} ({}{missing})", directory.path.display(), directory.origin)?;
        }
    }
    Ok(Exit::Ok)
}

/// Says what became of a file, with what is wrong with the accepted plugins.
fn look(
    registry: &Registry,
    candidate: Arc<Candidate>,
    problems: &[(String, RegistryError)],
) -> Found {
    let id = candidate.manifest.as_ref().map_or("", |manifest| manifest.id.as_str());
    let (state, reason) = match &candidate.state {
        // It is as good as before, but not the one that was accepted.
        State::Refused(refusal) if refusal.step == "lock" => ("changed", Some(refusal.to_string())),
        State::Refused(refusal) => ("refused", Some(refusal.to_string())),
        State::Shadowed { by } => {
            let (path, by) = (candidate.path.display(), by.display());
            ("shadowed", Some(one_line(&format!("{path}: {by} has the same id and comes first"))))
        }
        State::Ready => match problems.iter().find(|(problem, _)| problem == id) {
            Some((_, problem)) => (state_of(problem), Some(reason_of(problem))),
            None => ("ready", None),
        },
    };
    let isolated = matches!(candidate.state, State::Ready).then(|| registry.is_isolated(id));
    let isolation = isolated.flatten().map(|yes| if yes { "isolated" } else { "in process" });
    Found { candidate, state, reason, isolation }
}

/// Whether a plugin is of no use, or only did not list its backends this time.
fn state_of(problem: &RegistryError) -> &'static str {
    match problem {
        RegistryError::Plugin { .. } => "refused",
        RegistryError::Provider { source, .. } if source.code() == "plugin.paused" => "paused",
        _ => "ready",
    }
}

fn reason_of(error: &RegistryError) -> String {
    match error {
        RegistryError::Plugin { refusal, .. } => refusal.to_string(),
        error => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            one_line(&format!("{error}{}", cause.unwrap_or_default()))
        }
    }
}

fn write_steps(out: &mut dyn Write, candidate: &Candidate) -> std::io::Result<()> {
    writeln!(out, "\n{}", one_line(&candidate.path.display().to_string()))?;
    let steps = || candidate.steps.iter();
    let width = steps().map(|step| step.name.chars().count()).max().unwrap_or(0);
    steps().try_for_each(|step| {
        let took = step.took.map(|took| format!("  ({})", number::duration(took)));
        let (outcome, took) = (one_line(&step.outcome), took.unwrap_or_default());
        writeln!(out, "  {:<width$}  {outcome}{took}", step.name)
    })
}

fn document(registry: &Registry, found: &[Found]) -> Value {
    let directories = registry.search_path().directories.iter().map(|directory| {
        json!({
            "path": directory.path.to_string_lossy(),
            "origin": directory.origin.to_string(),
            "exists": directory.path.is_dir(),
        })
    });
    let providers = found.iter().map(|one| {
        let manifest = one.candidate.manifest.as_ref();
        let steps = one.candidate.steps.iter();
        json!({
            "id": manifest.map(|manifest| &manifest.id),
            "version": manifest.map(|manifest| &manifest.version),
            "abi": manifest.map(|manifest| manifest.abi),
            "description": manifest.map(|manifest| &manifest.description),
            "license": manifest.map(|manifest| &manifest.license),
            "origin": one.candidate.origin.to_string(),
            "path": one.candidate.path.to_string_lossy(),
            "state": one.state,
            "isolation": one.isolation,
            "reason": one.reason,
            "refusal": refusal_document(&one.candidate.state),
            "steps": steps
                .map(|step| {
                    let took = step.took.map(|took| took.as_secs_f64());
                    json!({ "name": step.name, "outcome": step.outcome, "time_taken": took })
                })
                .collect::<Vec<_>>(),
        })
    });
    json!({
        "schema": "ketch.providers/1",
        "providers": providers.collect::<Vec<_>>(),
        "searched": directories.collect::<Vec<_>>(),
        "ignored": registry.search_path().ignored,
    })
}

fn refusal_document(state: &State) -> Option<Value> {
    let State::Refused(Refusal { step, found, expected, fix, .. }) = state else { return None };
    Some(json!({ "step": step, "found": found, "expected": expected, "fix": fix }))
}
