//! `ketch run --detach`: jobs that somebody else runs.

use std::{io::Write, sync::Arc};

use ketch::{
    Backend, Qobj, QualifiedBackend,
    jobs::{NewJob, Runner, Store, StoredBackend},
};
use serde_json::json;

use super::{RunArgs, input::Input, noise::Noise, options, prepared};
use crate::{
    context::Context,
    failure::Failure,
    output::{table::one_line, terminal::say},
    store,
};

/// Hands jobs over: to a worker, or to the service that the backend is.
pub(super) struct Detached<'a> {
    args: &'a RunArgs,
    backend: &'a QualifiedBackend,
    noise: Option<&'a Noise>,
    context: &'a Context,
    store: Arc<Store>,
    runner: Runner,
}

impl<'a> Detached<'a> {
    /// Opens the store.
    ///
    /// # Errors
    /// If it cannot be opened, or the backend not be asked what it is.
    pub(super) fn new(
        args: &'a RunArgs,
        backend: &'a QualifiedBackend,
        noise: Option<&'a Noise>,
        context: &'a Context,
    ) -> Result<Self, Failure> {
        let local = backend.configuration()?.local;
        let runner = if local { Runner::Worker } else { Runner::Service };
        Ok(Self { args, backend, noise, context, store: store::open(context)?, runner })
    }

    /// Keeps a job and prints its id, which is on disk by then.
    ///
    /// # Errors
    /// If the circuits do not fit, or the job cannot be kept or sent.
    pub(super) fn submit(&self, out: &mut dyn Write, input: Input) -> Result<(), Failure> {
        let (qobj, notes) =
            prepared(self.args, self.backend, self.noise, input.qobj, &input.inputs)?;
        let mut new = NewJob::new(&self.backend.name, self.runner, options(self.args));
        new.label.clone_from(&self.args.label);
        new.plugins = self.context.plugin_directories();
        let id = hand_over(&self.store, Arc::clone(&self.backend.backend), new, qobj)?;
        if self.args.report.json {
            let mut document = json!({ "schema": "ketch.submitted/1" });
            if self.args.files.len() > 1 {
                document["file"] = input.name.clone().into();
            }
            document["job_id"] = id.into();
            document["backend"] = self.backend.name.clone().into();
            writeln!(out, "{document}")?;
        } else {
            writeln!(out, "{id}")?;
        }
        out.flush()?;
        notes.iter().for_each(|note| say(format_args!("note: {}", one_line(note))));
        Ok(())
    }

    /// Sees to it that somebody runs what was handed over.
    pub(super) fn finish(&self) {
        store::start_worker(self.context, &self.store);
        if !self.args.report.json {
            say("`ketch watch ID` follows a job, `ketch result ID` shows its result; `@1` is the \
                 last one");
        }
    }
}

/// Keeps a job and returns its id when it is on disk; one for a service is sent besides.
///
/// # Errors
/// If it cannot be kept or sent.
pub(crate) fn hand_over(
    store: &Arc<Store>,
    backend: Arc<dyn Backend>,
    new: NewJob,
    qobj: Qobj,
) -> Result<String, Failure> {
    let stored = StoredBackend::new(Arc::clone(store), &new.backend, backend);
    Ok(stored.run_as(new, qobj)?.job_id())
}
