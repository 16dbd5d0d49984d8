//! `ketch jobs`: the jobs of the store.

use std::{io::Write, time::SystemTime};

use clap::Args;
use ketch::{
    JobStatus,
    jobs::{JobFilter, JobRecord, Store},
};
use serde_json::json;

use crate::{
    context::Context,
    exit::Exit,
    failure::Failure,
    output::{
        job, number,
        table::Table,
        terminal::{complain, say},
    },
    store,
};

/// The arguments of `ketch jobs`.
#[derive(Debug, Args)]
#[command(after_help = "\
The newest job stands first. The state of a job at a service is the one that was last heard of;
`ketch job ID` asks the service.")]
pub(crate) struct JobsArgs {
    /// Only of this backend, or of this provider
    #[arg(short, long, value_name = "NAME")]
    backend: Option<String>,
    /// Only in this state, such as RUNNING; may be given several times
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = state)]
    state: Vec<JobStatus>,
    /// Only with this label or tag
    #[arg(long, value_name = "WORD")]
    label: Option<String>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
    /// Only jobs older than this one: the next page
    #[arg(long, value_name = "ID")]
    before: Option<String>,
    /// Print a document for programs (schema ketch.jobs/1)
    #[arg(long)]
    pub(crate) json: bool,
    /// Look at the whole store instead: is it sound?
    #[arg(long, conflicts_with = "compact")]
    check: bool,
    /// Instead give the room of forgotten jobs back to the disk
    #[arg(long)]
    compact: bool,
}

/// Reads a state; a word that is none is a mistake here.
fn state(text: &str) -> Result<JobStatus, String> {
    const STATES: [JobStatus; 7] = [
        JobStatus::Initializing,
        JobStatus::Queued,
        JobStatus::Validating,
        JobStatus::Running,
        JobStatus::Done,
        JobStatus::Error,
        JobStatus::Cancelled,
    ];
    let known = STATES.iter().find(|state| state.as_str().eq_ignore_ascii_case(text));
    known.cloned().ok_or_else(|| {
        format!("expected one of {}", STATES.each_ref().map(JobStatus::as_str).join(", "))
    })
}

pub(crate) fn execute(
    args: &JobsArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let store = store::open(context)?;
    if args.check {
        return check(&store, out);
    }
    if args.compact {
        store.compact()?;
        say(format_args!("compacted {}", store.directory().display()));
        return Ok(Exit::Ok);
    }
    let filter = JobFilter {
        backend: args.backend.clone(),
        states: args.state.clone(),
        label: args.label.clone(),
        before: args.before.as_deref().map(|id| store.resolve(id)).transpose()?,
        limit: Some(args.limit),
    };
    let jobs = store.jobs(&filter)?;
    if args.json {
        let jobs = jobs.iter().map(|record| job::document(record, job::position(&store, record)));
        let document = json!({ "schema": "ketch.jobs/1", "jobs": jobs.collect::<Vec<_>>() });
        writeln!(out, "{document}")?;
    } else {
        write_table(out, &jobs, context)?;
        if let Some(last) = jobs.last().filter(|_| jobs.len() == args.limit) {
            out.flush()?;
            say(format_args!("`--before {}` lists older ones", last.id));
        }
    }
    Ok(Exit::Ok)
}

fn write_table(out: &mut dyn Write, jobs: &[JobRecord], context: &Context) -> Result<(), Failure> {
    if jobs.is_empty() {
        say("no jobs");
        return Ok(());
    }
    let now = SystemTime::now();
    let mut table = Table::new(&["ID", "STATUS", "BACKEND", ">DONE", "SUBMITTED", "LABEL"]);
    for record in jobs {
        table.push([
            record.id.clone(),
            record.state.as_str().to_owned(),
            record.backend.clone(),
            format!("{}/{}", record.completed, record.experiments),
            job::ago(record.created, now),
            record.label.clone().unwrap_or_default(),
        ]);
    }
    Ok(table.write(out, context.terminal)?)
}

fn check(store: &Store, out: &mut dyn Write) -> Result<Exit, Failure> {
    let problems = store.check()?;
    let count = store.jobs(&JobFilter::default())?.len() as u64;
    let (path, jobs) = (store.directory().display(), number::count_of(count, "job"));
    if problems.is_empty() {
        writeln!(out, "{path}: {jobs}, all is well")?;
        return Ok(Exit::Ok);
    }
    for problem in &problems {
        complain(&Failure::new("store.damaged", problem.to_string()));
    }
    Ok(Exit::Failed)
}
