//! `ketch result`: what came of a job.

use std::{
    io::Write,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use clap::Args;
use ketch::{
    JobStatus, RunResult,
    jobs::{JobRecord, Store},
};

use super::run::{
    report::{Report, ReportArgs, Subject},
    values,
    wait::{self, GivingUp, Jobs, Patience, Submitted},
};
use crate::{
    context::Context,
    exit::Exit,
    failure::Failure,
    output::{progress::Done, terminal::complain},
    store,
};

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
    let record = store.job(&id)?;
    let waited = Submitted {
        place: 0,
        title: title(&record),
        job,
        started: Instant::now(),
        notes: Vec::new(),
        experiments: record.experiments,
        told: 0,
        in_parts: false,
    };
    store::keep_an_eye_on(context, &store);
    let of = record.experiments;
    let (job, report_to) = (Some(waited), &mut report);
    let mut one = One { job, of, store, id, report: report_to, out, exit: Exit::Ok };
    let patience =
        Patience { timeout: args.timeout, giving_up: GivingUp::LeavesThem, at_once: usize::MAX };
    wait::each_as_it_completes(&mut one, mpsc::channel(), &patience)?;
    let exit = one.exit;
    report.finish()?;
    Ok(exit)
}

/// The one job that is waited for.
struct One<'a, 'r> {
    job: Option<Submitted>,
    /// How many experiments it has.
    of: u64,
    store: Arc<Store>,
    id: String,
    report: &'a mut Report<'r>,
    out: &'a mut dyn Write,
    exit: Exit,
}

impl Jobs for One<'_, '_> {
    fn next(&mut self) -> Result<Option<Submitted>, Failure> {
        Ok(self.job.take())
    }

    fn end(
        &mut self,
        job: Submitted,
        result: Result<Arc<RunResult>, Failure>,
    ) -> Result<(), Failure> {
        let record = self.store.job(&self.id)?;
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
            job_id: &self.id,
            file: None,
            told: 0,
            took: took.unwrap_or_default(),
            notes: &job.notes,
            ideal: None,
        };
        self.exit = self.report.result(self.out, &of, &result)?;
        let one_failed = result.experiments.iter().any(|experiment| !experiment.success);
        if let Some(error) = record.error.filter(|_| !one_failed) {
            // The experiments that are there succeeded, and the rest never came.
            complain(&Failure::from(ketch::BackendError::from(error)));
            self.exit = Exit::JobFailed;
        }
        Ok(())
    }

    fn done(&self) -> Done {
        Done { of: self.of, ..Done::default() }
    }

    fn interrupted(&mut self, _: usize) -> Failure {
        Failure::new("interrupted", "interrupted; the job goes on")
    }
}

/// What a job is called over its result.
fn title(record: &JobRecord) -> String {
    record.label.clone().unwrap_or_else(|| format!("job {}", record.id))
}
