//! Jobs that are waited for are kept as well, as long as there is a store to keep them in.

use std::sync::{Arc, mpsc::Sender};

use ketch::{
    Job, JobStatus, Qobj, QualifiedBackend, RunOptions, RunResult,
    jobs::{JobRecord, NewJob, PluginDirectories, Runner, Store, StoredBackend, StoredJob},
};

use super::{RunArgs, wait::Heard};
use crate::{
    context::Context,
    failure::Failure,
    output::{number, terminal::say},
    store,
};

/// Results of one experiment of more bytes than this are kept on request only.
const LARGEST: u64 = 16 << 20;

/// And results of several together.
const LARGEST_OF_SEVERAL: u64 = 1 << 30;

/// A backend whose jobs are kept where that is possible.
pub(super) struct Keeping<'a> {
    pub(super) backend: &'a QualifiedBackend,
    args: &'a RunArgs,
    runner: Runner,
    plugins: PluginDirectories,
    kept: Option<(Arc<Store>, StoredBackend)>,
}

/// What an earlier run of the same command left of a job.
pub(super) enum Earlier {
    /// All is there, or will be: nothing needs to be run.
    Done(JobRecord, StoredJob),
    /// A part of its results; the rest is to be run.
    Begun(JobRecord),
}

impl<'a> Keeping<'a> {
    /// Opens the store; that there is none is said, and no reason not to run. `heard` is told of
    /// results while jobs run.
    ///
    /// # Errors
    /// If the backend cannot be asked what it is; if there is no store and the user wants to go on
    /// with what is in it.
    pub(super) fn new(
        args: &'a RunArgs,
        backend: &'a QualifiedBackend,
        context: &Context,
        heard: Sender<Heard>,
    ) -> Result<Self, Failure> {
        let local = backend.configuration()?.local;
        let runner = if local { Runner::Program } else { Runner::Service };
        let kept = match store::open(context) {
            Ok(store) => {
                let inner = Arc::clone(&backend.backend);
                let mut stored = StoredBackend::new(Arc::clone(&store), &backend.name, inner);
                // Whoever goes on with results needs them.
                if !args.keep && !args.resume {
                    stored = stored.keeping_at_most(LARGEST).keeping_of_several(LARGEST_OF_SEVERAL);
                }
                let results = args.report.asks_for_lines();
                let stored = stored.telling(move |job_id, _, result| {
                    let (job_id, count) = (job_id.to_owned(), result.experiments.len() as u64);
                    let result = results.then(|| Box::new(result.clone()));
                    // Nobody listens any more after Ctrl-C.
                    let _ = heard.send(Heard::Part { job_id, count, result });
                });
                Some((store, stored))
            }
            Err(failure) if args.resume => return Err(failure),
            Err(failure) => {
                not_kept(&failure);
                None
            }
        };
        Ok(Self { backend, args, runner, plugins: context.plugin_directories(), kept })
    }

    /// The jobs are run here, and not by a service.
    pub(super) fn is_local(&self) -> bool {
        self.runner == Runner::Program
    }

    /// What the newest job of this digest left.
    ///
    /// # Errors
    /// If it still runs in another process; if the store cannot be read.
    pub(super) fn earlier(&self, digest: &str) -> Result<Option<Earlier>, Failure> {
        let Some((store, _)) = &self.kept else { return Ok(None) };
        let Some(record) = store.newest_of(digest)? else { return Ok(None) };
        let whole = record.completed >= record.experiments;
        let at_service = record.runner == Runner::Service;
        Ok(match &record.state {
            JobStatus::Done | JobStatus::Error if whole => Some(self.done(store, record)),
            state if state.is_final() && at_service => None,
            state if state.is_final() => Some(Earlier::Begun(record)),
            _ if at_service => Some(self.done(store, record)),
            _ => {
                let id = &record.id;
                let message = format!("job `{id}` of the same command is running");
                let hint = format!("`ketch watch {id}` follows it, `ketch cancel {id}` stops it");
                return Err(Failure::new("job.wrong_state", message).with_hint(hint));
            }
        })
    }

    fn done(&self, store: &Arc<Store>, record: JobRecord) -> Earlier {
        let backend = Arc::clone(&self.backend.backend);
        let job = StoredJob::new(Arc::clone(store), &record.id, backend);
        Earlier::Done(record, job)
    }

    /// The circuits, seeds and results of a job of the store.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(super) fn of_earlier(&self, id: &str) -> Result<(Qobj, Option<RunResult>), Failure> {
        let (store, _) = self.kept.as_ref().expect("what was found is in a store");
        Ok((store.qobj(id)?, store.result(id)?))
    }

    /// Starts a job of this digest; it goes on with the results of an earlier one, if one is named.
    pub(super) fn run(
        &self,
        qobj: Qobj,
        options: RunOptions,
        digest: String,
        goes_on: Option<&JobRecord>,
    ) -> Result<Arc<dyn Job>, Failure> {
        let Some((_, stored)) = &self.kept else { return Ok(self.backend.run(qobj, options)?) };
        let earlier = goes_on.map(|record| record.id.clone());
        let new = NewJob {
            label: self.args.label.clone(),
            digest: Some(digest),
            retry_of: earlier.clone(),
            goes_on: earlier,
            plugins: self.plugins.clone(),
            ..NewJob::new(&self.backend.name, self.runner, options.clone())
        };
        match stored.run_as(new, qobj.clone()) {
            // Of a job that was sent to a service, nobody knows whether it got there.
            Err(error) if self.is_local() && error.code().starts_with("store.") => {
                not_kept(&error.into());
                Ok(self.backend.run(qobj, options)?)
            }
            job => Ok(job?),
        }
    }

    /// A job of so many experiments tells of them while it runs.
    pub(super) fn in_parts(&self, experiments: u64) -> bool {
        self.kept.is_some() && self.is_local() && experiments > 1
    }

    /// Jobs that are run in parts stop behind the part that they are at.
    pub(super) fn wind_down(&self) {
        if let Some((_, stored)) = &self.kept {
            stored.wind_down();
        }
    }

    /// Forgets old jobs now and then: nobody else may.
    pub(super) fn maintain(&self) {
        if let Some((store, _)) = &self.kept {
            // What cannot be done now can be another time.
            let _ = store.maintain_if_due();
        }
    }

    /// How many experiments of a job are on disk.
    pub(super) fn completed(&self, job_id: &str) -> u64 {
        let record = self.kept.as_ref().and_then(|(store, _)| store.job(job_id).ok());
        record.map_or(0, |record| record.completed)
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
            let limit = if record.experiments > 1 { LARGEST_OF_SEVERAL } else { LARGEST };
            let limit = number::bytes(limit);
            format!("the result is larger than {limit} and was not kept; --keep keeps it")
        })
    }
}

fn not_kept(failure: &Failure) {
    let causes: String = failure.causes.iter().map(|cause| format!(": {cause}")).collect();
    say(format_args!("warning: jobs are not kept: {}{causes}", failure.message));
}
