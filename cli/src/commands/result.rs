//! `ketch result`: what came of a job.

use std::{
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use ketch::{JobStatus, jobs::JobRecord};

use super::run::{
    report::{Report, ReportArgs, Subject},
    values,
    wait::{self, GivingUp, Submitted},
};
use crate::{context::Context, exit::Exit, failure::Failure, output::terminal::complain, store};

/// The arguments of `ketch result`.
#[derive(Debug, Args)]
#[command(after_help = "\
Waits until the job has come to its end. Neither --timeout nor Ctrl-C stops the job.")]
pub(crate) struct ResultArgs {
    /// The job: its id or the beginning of one, its service's id, or @1 for the newest
    #[arg(value_name = "ID")]
    id: String,
    /// Wait no longer than this, such as 0s, 500ms, 20s, 2m
    #[arg(long, value_name = "TIME", value_parser = values::timeout)]
    timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

pub(crate) fn execute(
    args: &ResultArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let store = store::open(context)?;
    let id = store.resolve(&args.id)?;
    let mut report = Report::new(&args.report, false, context)?;
    let job = Arc::new(store::job(context, &store, &id)?);
    let waited = Submitted {
        place: 0,
        title: title(&store.job(&id)?),
        job,
        started: Instant::now(),
        notes: Vec::new(),
    };
    store::keep_an_eye_on(context, &store);
    let mut exit = Exit::Ok;
    wait::each_as_it_completes(vec![waited], args.timeout, GivingUp::LeavesThem, |job, result| {
        let record = store.job(&id)?;
        let failed = record.state.is_final() && record.state != JobStatus::Done;
        let result = result.map_err(|failure| match failed {
            // Whatever the reason is, the answer to this question is that the job failed.
            true => Failure { exit: Exit::JobFailed, ..failure },
            false => failure,
        })?;
        let took = record.started.zip(record.ended);
        let took = took.and_then(|(start, end)| end.duration_since(start).ok());
        let of = Subject {
            title: &job.title,
            backend: &record.backend,
            job_id: &id,
            took: took.unwrap_or_default(),
            notes: &job.notes,
        };
        exit = report.result(out, &of, &result)?;
        let one_failed = result.experiments.iter().any(|experiment| !experiment.success);
        if let Some(error) = record.error.filter(|_| !one_failed) {
            // The experiments that are there succeeded, and the rest never came.
            complain(&Failure::from(ketch::BackendError::from(error)));
            exit = Exit::JobFailed;
        }
        Ok(())
    })?;
    Ok(exit)
}

/// What a job is called over its result.
fn title(record: &JobRecord) -> String {
    record.label.clone().unwrap_or_else(|| format!("job {}", record.id))
}
