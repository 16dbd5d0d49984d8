//! `ketch backends`: the backends of all providers.

use std::{io::Write, sync::Arc};

use clap::Args;
use ketch::{
    BackendConfiguration, BackendError, BackendStatus, Filter, ListedBackend, Registry,
    RegistryError,
};
use serde_json::{Value, json};

use crate::{
    commands::live,
    context::{Context, no_plugin},
    exit::Exit,
    failure::Failure,
    output::{
        table::{Table, one_line},
        terminal::say,
    },
};

/// The arguments of `ketch backends`.
#[derive(Debug, Args)]
#[command(after_help = "\
Filters look at fields of the configuration and the status, all of them must hold:
  ketch backends simulator=true
  ketch backends 'n_qubits>=5' 'pending_jobs<=10'

Plugins are asked once; after that the list is made from what they said. Status and queue are shown
where they never change, where a filter looks at them, and with --live.")]
pub(crate) struct BackendsArgs {
    /// Only backends where this holds: key=value, key>=value or key<=value
    #[arg(value_name = "KEY=VALUE", value_parser = filter)]
    filters: Vec<Filter>,
    /// Ask every backend for its status and queue, for at most 2 s
    #[arg(long)]
    live: bool,
    /// Print a document for programs (schema ketch.backends/1)
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads one condition.
pub(crate) fn filter(text: &str) -> Result<Filter, String> {
    text.parse().map_err(|error: BackendError| match error {
        BackendError::InvalidOption { reason, .. } => reason,
        other => other.to_string(),
    })
}

/// A backend and what is known of its status.
struct Row {
    backend: ListedBackend,
    status: Status,
}

enum Status {
    Known(BackendStatus),
    /// It was asked and did not say.
    Unknown,
    NotAsked,
}

impl Row {
    fn status(&self) -> Option<&BackendStatus> {
        match &self.status {
            Status::Known(status) => Some(status),
            Status::Unknown | Status::NotAsked => None,
        }
    }
}

pub(crate) fn execute(
    args: &BackendsArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let registry = Arc::new(context.registry());
    if let Some(failure) = no_plugin(&registry) {
        return Err(failure);
    }
    let filter = args.filters.iter().cloned().fold(Filter::new(), Filter::and_all_of);
    let catalogue = registry.catalogue(&filter);
    let candidates = registry.candidates();
    let refused = candidates.iter().filter_map(|candidate| match &candidate.state {
        ketch::State::Refused(refusal) => Some(RegistryError::Plugin { refusal: refusal.clone() }),
        _ => None,
    });
    let problems: Vec<Failure> = refused.chain(catalogue.problems).map(Failure::from).collect();
    let rows = rows(&registry, catalogue.backends, args.live);
    if args.json {
        writeln!(out, "{}", document(&rows, &problems))?;
    } else {
        write_table(out, &rows, context)?;
    }
    out.flush()?;
    problems.iter().for_each(tell);
    Ok(Exit::Ok)
}

fn rows(registry: &Arc<Registry>, backends: Vec<ListedBackend>, live: bool) -> Vec<Row> {
    let mut statuses = if live { live::statuses(registry, &backends) } else { Vec::new() };
    statuses.resize(backends.len(), None);
    let rows = backends.into_iter().zip(statuses).map(|(mut backend, asked)| {
        let status = match backend.status.take().or(asked) {
            Some(status) => Status::Known(status),
            None if live => Status::Unknown,
            None => Status::NotAsked,
        };
        Row { backend, status }
    });
    rows.collect()
}

/// One line on standard error for each plugin that is of no use.
fn tell(problem: &Failure) {
    let causes: String = problem.causes.iter().map(|cause| format!(": {cause}")).collect();
    say(format_args!("warning: {}", one_line(&format!("{}{causes}", problem.message))));
}

fn write_table(out: &mut dyn Write, rows: &[Row], context: &Context) -> Result<(), Failure> {
    if rows.is_empty() {
        say("no backend matches");
        return Ok(());
    }
    let mut table =
        Table::new(&["NAME", ">QUBITS", "SIMULATOR", "STATUS", ">QUEUE", "DESCRIPTION"]);
    let unknown = || "-".to_owned();
    for row in rows {
        let configuration = row.backend.configuration.as_ref();
        let status = match &row.status {
            Status::Known(status) => state(status),
            Status::Unknown => "unknown".to_owned(),
            Status::NotAsked => unknown(),
        };
        table.push([
            row.backend.name.clone(),
            configuration.map_or_else(unknown, |c| qubits(c)),
            configuration.map_or_else(unknown, |c| yes_or_no(c.simulator)),
            status,
            row.status().map_or_else(unknown, |status| status.pending_jobs.to_string()),
            configuration.and_then(|c| c.description.clone()).unwrap_or_default(),
        ]);
    }
    Ok(table.write(out, context.terminal)?)
}

/// The number of qubits in words.
pub(crate) fn qubits(configuration: &BackendConfiguration) -> String {
    configuration.n_qubits().map_or_else(|| "no limit".to_owned(), |number| number.to_string())
}

/// `yes` or `no`.
pub(crate) fn yes_or_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// Whether a backend works, and its own word if that says more.
pub(crate) fn state(status: &BackendStatus) -> String {
    match (status.operational, status.status_msg.as_str()) {
        (true, "" | "active" | "operational") => "active".to_owned(),
        (false, "" | "active" | "operational") => "down".to_owned(),
        (true, word) => word.to_owned(),
        (false, word) => format!("down: {word}"),
    }
}

fn document(rows: &[Row], problems: &[Failure]) -> Value {
    let backends = rows.iter().map(|row| {
        let configuration = row.backend.configuration.as_ref();
        let status = row.status();
        json!({
            "name": row.backend.name,
            "provider": row.backend.provider,
            "backend_version": configuration.map(|c| &c.backend_version),
            "n_qubits": configuration.and_then(|c| c.n_qubits()),
            "simulator": configuration.map(|c| c.simulator),
            "local": configuration.map(|c| c.local),
            "operational": status.map(|status| status.operational),
            "status_msg": status.map(|status| &status.status_msg),
            "pending_jobs": status.map(|status| status.pending_jobs),
            "description": configuration.and_then(|c| c.description.as_ref()),
        })
    });
    json!({
        "schema": "ketch.backends/1",
        "backends": backends.collect::<Vec<_>>(),
        "problems": problems
            .iter()
            .map(|problem| problem.document(None)["error"].clone())
            .collect::<Vec<_>>(),
    })
}
