//! Jobs that are waited for are kept as well, as long as there is a store to keep them in.

use std::sync::Arc;

use ketch::{
    Job, Qobj, QualifiedBackend, RunOptions,
    jobs::{JobRecord, NewJob, Runner, Store, StoredBackend},
};

use super::RunArgs;
use crate::{
    context::Context,
    failure::Failure,
    output::{number, terminal::say},
    store,
};

/// Results of more bytes than this are kept on request only.
const LARGEST: u64 = 16 << 20;

/// A backend whose jobs are kept where that is possible.
pub(super) struct Keeping<'a> {
    pub(super) backend: &'a QualifiedBackend,
    args: &'a RunArgs,
    kept: Option<(Arc<Store>, StoredBackend)>,
}

impl<'a> Keeping<'a> {
    /// Opens the store; that there is none is said, and no reason not to run.
    pub(super) fn new(args: &'a RunArgs, backend: &'a QualifiedBackend, context: &Context) -> Self {
        let kept = match store::open(context) {
            Ok(store) => {
                let inner = Arc::clone(&backend.backend);
                let stored = StoredBackend::new(Arc::clone(&store), &backend.name, inner);
                let largest = if args.keep { u64::MAX } else { LARGEST };
                Some((store, stored.keeping_at_most(largest)))
            }
            Err(failure) => {
                not_kept(&failure);
                None
            }
        };
        Self { backend, args, kept }
    }

    /// Starts a job.
    pub(super) fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>, Failure> {
        let Some((_, stored)) = &self.kept else { return Ok(self.backend.run(qobj, options)?) };
        let local = self.backend.configuration()?.local;
        let runner = if local { Runner::Program } else { Runner::Service };
        let mut new = NewJob::new(&self.backend.name, runner, options.clone());
        new.label.clone_from(&self.args.label);
        match stored.run_as(new, qobj.clone()) {
            // Of a job that was sent to a service, nobody knows whether it got there.
            Err(error) if local && error.code().starts_with("store.") => {
                not_kept(&error.into());
                Ok(self.backend.run(qobj, options)?)
            }
            job => Ok(job?),
        }
    }

    /// What the user should know of a result: that it was not kept.
    pub(super) fn note(&self, job_id: &str) -> Option<String> {
        let (store, _) = self.kept.as_ref()?;
        let record = store.job(job_id).ok()?;
        if !record.state.is_final() {
            return Some("the job store could not be written, so the result was not kept".into());
        }
        let whole = |record: &JobRecord| record.completed >= record.experiments;
        (!whole(&record) && record.error.is_none()).then(|| {
            let limit = number::bytes(LARGEST);
            format!("the result is larger than {limit} and was not kept; --keep keeps it")
        })
    }
}

fn not_kept(failure: &Failure) {
    let causes: String = failure.causes.iter().map(|cause| format!(": {cause}")).collect();
    say(format_args!("warning: jobs are not kept: {}{causes}", failure.message));
}
