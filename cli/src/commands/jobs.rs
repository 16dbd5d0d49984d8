//! `ketch jobs`: the jobs of the store.

use std::{
    io::Write,
    time::{Duration, SystemTime},
};

use clap::Args;
use ketch::{
    JobStatus,
    jobs::{JobFilter, JobRecord, Retention, Store},
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
    /// Instead set for how many days jobs are kept after their end; else 90
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    keep_days: Option<u32>,
    /// Instead set how much is kept, such as 500MB or 20GiB: beyond it the oldest jobs that have
    /// ended are forgotten; else 10 GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    keep_size: Option<u64>,
}

/// Reads a number of bytes: `500MB` is decimal, `20GiB` binary.
fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 9] = [
        ("B", 1),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("KIB", 1 << 10),
        ("MIB", 1 << 20),
        ("GIB", 1 << 30),
        ("TIB", 1 << 40),
    ];
    let expected = || "expected a size such as 500MB or 20GiB".to_owned();
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(expected)?;
    let (number, unit) = (text[..unit].trim(), text[unit..].trim().to_uppercase());
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(expected)?;
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor)).ok_or_else(expected)
}

/// Reads a state; a word that is none is a mistake here.
fn state(text: &str) -> Result<JobStatus, String> {
    let mut known = JobStatus::known();
    known.find(|state| state.as_str().eq_ignore_ascii_case(text)).cloned().ok_or_else(|| {
        let words: Vec<_> = JobStatus::known().map(JobStatus::as_str).collect();
        format!("expected one of {}", words.join(", "))
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
    if args.keep_days.is_some() || args.keep_size.is_some() {
        return keep(args, &store);
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

/// Sets what is kept of old jobs, and forgets what is not.
fn keep(args: &JobsArgs, store: &Store) -> Result<Exit, Failure> {
    let now = store.retention()?;
    let day = |days: u32| Duration::from_secs(u64::from(days) * 24 * 3600);
    let new = Retention {
        age: args.keep_days.map_or(now.age, day),
        bytes: args.keep_size.unwrap_or(now.bytes),
    };
    store.set_retention(new)?;
    let forgotten = number::count_of(store.maintain(new)?, "job");
    say(format_args!("{}; forgot {forgotten}", kept(new)));
    Ok(Exit::Ok)
}

/// What is kept of old jobs, in words.
fn kept(Retention { age, bytes }: Retention) -> String {
    let days = number::count_of(age.as_secs() / (24 * 3600), "day");
    format!("jobs are kept for {days} after their end, {} of them at most", number::bytes(bytes))
}

fn check(store: &Store, out: &mut dyn Write) -> Result<Exit, Failure> {
    let problems = store.check()?;
    let count = store.jobs(&JobFilter::default())?.len() as u64;
    let (path, jobs) = (store.directory().display(), number::count_of(count, "job"));
    if problems.is_empty() {
        writeln!(out, "{path}: {jobs}, all is well; {}", kept(store.retention()?))?;
        return Ok(Exit::Ok);
    }
    for problem in &problems {
        complain(&Failure::new("store.damaged", problem.to_string()));
    }
    Ok(Exit::Failed)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_decimal_or_binary() {
        assert_eq!(size("500MB"), Ok(500_000_000));
        assert_eq!(size("20 GiB"), Ok(20 << 30));
        assert_eq!(size("1b"), Ok(1));
        for wrong in ["", "5", "GB", "-1GB", "1.5GB", "1 GBit", "99999999TiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
