//! `ketch providers`: the plugins that were found, and why some are refused.

use std::io::Write;

use clap::Args;
use ketch::{Candidate, Refusal, Registry, RegistryError, State};
use serde_json::{Value, json};

use crate::{
    context::Context,
    exit::Exit,
    failure::Failure,
    output::table::{Table, one_line},
};

/// The arguments of `ketch providers`.
#[derive(Debug, Args)]
#[command(
    after_help = "Refused files are listed with the reason and do no harm: the exit code is 0 \
                        beside them."
)]
pub(crate) struct ProvidersArgs {
    /// Show every step of the check of each file
    #[arg(long)]
    why: bool,
    /// Print a document for programs (schema ketch.providers/1)
    #[arg(long)]
    pub(crate) json: bool,
}

/// What became of a plugin, with what loading it showed.
struct Found<'a> {
    candidate: &'a Candidate,
    state: &'static str,
    reason: Option<String>,
}

pub(crate) fn execute(
    args: &ProvidersArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let registry = context.registry();
    let found: Vec<Found<'_>> = registry.candidates().iter().map(|c| look(&registry, c)).collect();
    if args.json {
        writeln!(out, "{}", document(&registry, &found))?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["ID", "VERSION", "ABI", "STATE", "FROM", "FILE"]);
    for one in &found {
        let manifest = one.candidate.manifest.as_ref();
        let unknown = || "-".to_owned();
        table.push([
            manifest.map_or_else(unknown, |manifest| manifest.id.clone()),
            manifest.map_or_else(unknown, |manifest| manifest.version.clone()),
            manifest.map_or_else(unknown, |manifest| manifest.abi.to_string()),
            one.state.to_owned(),
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
        found.iter().try_for_each(|one| write_steps(out, one.candidate))?;
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

/// Loads an accepted plugin, since only that shows whether it works.
fn look<'a>(registry: &Registry, candidate: &'a Candidate) -> Found<'a> {
    let (state, reason) = match (&candidate.state, &candidate.manifest) {
        (State::Refused(refusal), _) => ("refused", Some(refusal.to_string())),
        (State::Shadowed { by }, _) => {
            let (path, by) = (candidate.path.display(), by.display());
            ("shadowed", Some(one_line(&format!("{path}: {by} has the same id and comes first"))))
        }
        (State::Ready, Some(manifest)) => match registry.provider(&manifest.id) {
            Ok(_) => ("ready", None),
            Err(error) => ("refused", Some(reason_of(&error))),
        },
        (State::Ready, None) => ("ready", None),
    };
    Found { candidate, state, reason }
}

fn reason_of(error: &RegistryError) -> String {
    match error {
        RegistryError::Plugin { refusal, .. } => refusal.to_string(),
        error => one_line(&error.to_string()),
    }
}

fn write_steps(out: &mut dyn Write, candidate: &Candidate) -> std::io::Result<()> {
    writeln!(out, "\n{}", one_line(&candidate.path.display().to_string()))?;
    let width = candidate.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
    candidate
        .steps
        .iter()
        .try_for_each(|step| writeln!(out, "  {:<width$}  {}", step.name, one_line(&step.outcome)))
}

fn document(registry: &Registry, found: &[Found<'_>]) -> Value {
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
            "reason": one.reason,
            "refusal": refusal_document(&one.candidate.state),
            "steps": steps
                .map(|step| json!({ "name": step.name, "outcome": step.outcome }))
                .collect::<Vec<_>>(),
        })
    });
    json!({
        "schema": "ketch.providers/1",
        "providers": providers.collect::<Vec<_>>(),
        "searched": directories.collect::<Vec<_>>(),
    })
}

fn refusal_document(state: &State) -> Option<Value> {
    let State::Refused(Refusal { step, found, expected, fix, .. }) = state else { return None };
    Some(json!({ "step": step, "found": found, "expected": expected, "fix": fix }))
}
