//! `ketch retry`: jobs are run once more, as new jobs.

use std::{io::Write, sync::Arc};

use ketch::{
    BackendError, JobStatus, RunOptions,
    jobs::{JobRecord, NamedBackend, NewJob, Runner, Store},
};

use super::{
    each::{EachArgs, each},
    run::detach::hand_over,
};
use crate::{context::Context, exit::Exit, failure::Failure, output::terminal::say, store};

pub(crate) fn execute(
    args: &EachArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let store = store::open(context)?;
    let exit = each(args, context, &store, out, |out, id| {
        let new = retry(context, &store, id)?;
        writeln!(out, "{new}")?;
        Ok(out.flush()?)
    })?;
    store::start_worker(context, &store);
    Ok(exit)
}

/// A new job with the circuits, seeds and options of an old one; its id.
fn retry(context: &Context, store: &Arc<Store>, id: &str) -> Result<String, Failure> {
    let record = store.job(id)?;
    let lost = record.runner == Runner::Service
        && record.state != JobStatus::Queued
        && record.service_id.is_none()
        && record.process().is_none();
    if !record.state.is_final() && !lost {
        let message = format!("job `{id}` is {}", record.state);
        let failure = Failure::new("job.wrong_state", message);
        return Err(failure.with_hint(format!("`ketch cancel {id}` stops it first")));
    }
    let backend = Arc::new(NamedBackend::of(record.clone(), store::resolver(context)));
    if lost && !record.state.is_final() {
        found_after_all(store, &record, &*backend)?;
    }
    let runner = match record.runner {
        Runner::Service => Runner::Service,
        Runner::Program | Runner::Worker => Runner::Worker,
    };
    // A deadline of then is none of now.
    let options = RunOptions { job_key: None, deadline: None, ..record.options() };
    let new = NewJob {
        label: record.label.clone(),
        retry_of: Some(id.to_owned()),
        plugins: record.plugins.clone(),
        ..NewJob::new(record.backend.clone(), runner, options)
    };
    let new = hand_over(store, backend, new, store.qobj(id)?)?;
    if lost && !record.state.is_final() {
        let error = BackendError::other("job.unknown_outcome", format!("sent again as {new}"));
        store.settle_service(id, &Err(error))?;
    }
    Ok(new)
}

/// Asks the service whether it has the job, before it is sent again.
///
/// # Errors
/// If it has; then nothing needs to be sent. If it cannot be asked for the moment.
fn found_after_all(
    store: &Store,
    record: &JobRecord,
    backend: &dyn ketch::Backend,
) -> Result<(), Failure> {
    let id = &record.id;
    match store.look_up(id, backend) {
        Ok(true) => {
            let message = format!("the service has job `{id}` after all");
            let hint = format!("`ketch watch {id}` follows it");
            Err(Failure::new("job.wrong_state", message).with_hint(hint))
        }
        Ok(false) => Ok(()),
        Err(BackendError::NotSupported { .. }) => {
            say(format_args!("note: the service cannot be asked for job {id}; it may run twice"));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
