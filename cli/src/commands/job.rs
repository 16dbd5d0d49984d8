//! `ketch job`: all that is known of one job.

use std::{io::Write, time::SystemTime};

use clap::Args;
use ketch::{
    Job, Progress,
    jobs::{JobRecord, Runner},
};

use crate::{
    context::Context,
    exit::Exit,
    failure::Failure,
    output::{job, number, table::one_line, terminal::say},
    store,
};

/// The arguments of `ketch job`.
#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// The job: its id or the beginning of one, its service's id, or @1 for the newest
    #[arg(value_name = "ID")]
    id: String,
    /// Print a document for programs (schema ketch.job/1)
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn execute(
    args: &JobArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let store = store::open(context)?;
    let id = store.resolve(&args.id)?;
    let mut record = store.job(&id)?;
    let mut position = job::position(&store, &record);
    if record.runner == Runner::Service && !record.state.is_final() {
        let ticket = store::job(context, &store, &id)?;
        match ticket.status().and_then(|status| Ok((status, ticket.queue_position()?))) {
            Ok((status, place)) => {
                record = store.job(&id)?;
                // The service knows better than what was last written down.
                record.state = status;
                position = place;
            }
            Err(error) => {
                let failure = Failure::from(error);
                let text = one_line(&failure.message);
                say(format_args!("warning: the service cannot be asked: {text}"));
            }
        }
    }
    let progress = job::progress(&store, &record);
    if args.json {
        let document = job::whole_document(&record, position, progress);
        writeln!(out, "{document}")?;
    } else {
        write(out, &record, position, progress, context)?;
    }
    Ok(Exit::Ok)
}

fn write(
    out: &mut dyn Write,
    record: &JobRecord,
    position: Option<u32>,
    progress: Option<Progress>,
    context: &Context,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    let when = |time: SystemTime| format!("{}, {}", job::time(time), job::ago(time, now));
    let took = match (record.started, record.ended) {
        (Some(start), Some(end)) => end.duration_since(start).ok().map(number::duration),
        _ => None,
    };
    let process = record.process().map(|number| format!("process {number}"));
    let runner = match (record.runner, process) {
        (Runner::Service, _) => "its service".to_owned(),
        (Runner::Program, Some(process)) => format!("the program that submitted it, {process}"),
        (Runner::Program, None) => "the program that submitted it".to_owned(),
        (Runner::Worker, Some(process)) => format!("a worker, {process}"),
        (Runner::Worker, None) => "a worker".to_owned(),
    };
    let tags = (!record.tags.is_empty()).then(|| record.tags.join(", "));
    let attempts = (record.attempt > 1).then(|| record.attempt.to_string());
    let lines = [
        ("backend", Some(record.backend.clone())),
        ("label", record.label.clone()),
        ("tags", tags),
        ("submitted", Some(when(record.created))),
        ("started", record.started.map(when)),
        ("ended", record.ended.map(when)),
        ("took", took),
        ("experiments", Some(format!("{} of {} done", record.completed, record.experiments))),
        ("progress", progress.map(|progress| job::percent(progress.share()))),
        ("run by", Some(runner)),
        ("attempts", attempts),
        ("service's id", record.service_id.clone()),
        ("repeats", record.retry_of.clone()),
        ("error", record.error.as_ref().map(|error| error.line())),
        ("help", record.error.as_ref().and_then(|error| error.hint.clone())),
    ];
    let title = format!("{}: {}", record.id, job::state(record, position));
    writeln!(out, "{}", context.terminal.bold(&one_line(&title)))?;
    for (name, text) in lines {
        if let Some(text) = text {
            writeln!(out, "  {name:<12}  {}", one_line(&text))?;
        }
    }
    Ok(())
}
