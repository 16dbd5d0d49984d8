//! The user's jobs on disk, as every command finds them.

use std::{
    env,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use ketch::jobs::{
    self, NamedBackend, PluginDirectories, Recovered, RegistryResolver, Resolver, Store, StoredJob,
};

use crate::{context::Context, failure::Failure, output::terminal::say};

/// Opens the store, settles the jobs of processes that are gone, and starts a worker if there is
/// work.
///
/// # Errors
/// If the store cannot be used.
pub(crate) fn open(context: &Context) -> Result<Arc<Store>, Failure> {
    let store = Arc::new(Store::standard()?);
    tell(&store.recover()?);
    start_worker(context, &store);
    Ok(store)
}

/// Starts a worker if there is work and nobody to do it; true if it did. That it cannot be started is
/// said: the jobs wait for the next command then.
pub(crate) fn start_worker(context: &Context, store: &Store) -> bool {
    let started = env::current_exe().and_then(|program| {
        let mut worker = Command::new(program);
        worker.arg("worker").args(context.flags());
        jobs::start_worker(store, &mut worker)
    });
    started.unwrap_or_else(|error| {
        say(format_args!("warning: cannot start a worker, so queued jobs wait: {error}"));
        false
    })
}

/// The same for somebody who hands over many jobs, as often as there is one: a worker that is between
/// two jobs looks like none, and those that were started then would find nothing to do. Who starts one
/// must [keep an eye on](keep_an_eye_on) the jobs, too.
pub(crate) fn waking(context: &Context, store: &Arc<Store>) -> impl Fn() + Send + Sync + use<> {
    let (context, store) = (context.clone(), Arc::clone(store));
    let last = Mutex::new(None::<Instant>);
    move || {
        // Nothing panics while it is held, and each change is one assignment.
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = last.is_some_and(|last| last.elapsed() < LOOK);
        if !is_new && start_worker(&context, &store) {
            *last = Some(Instant::now());
        }
    }
}

/// Does so again and again while this process lives, for somebody who waits: a worker may die
/// meanwhile, and nobody else be there to see it.
pub(crate) fn keep_an_eye_on(context: &Context, store: &Arc<Store>) {
    let (context, store) = (context.clone(), Arc::clone(store));
    let look = move || {
        loop {
            thread::sleep(LOOK);
            // What cannot be done now may be possible the next time; whoever waits hears of it.
            if store.recover().is_ok() {
                start_worker(&context, &store);
            }
        }
    };
    if let Err(error) = thread::Builder::new().name("ketch eye".to_owned()).spawn(look) {
        say(format_args!("warning: nobody sees whether a worker dies: {error}"));
    }
}

/// How often.
const LOOK: Duration = Duration::from_secs(1);

/// A job of the store. Its backend is looked for only if it must be asked.
pub(crate) fn job(context: &Context, store: &Arc<Store>, id: &str) -> Result<StoredJob, Failure> {
    let backend = Arc::new(NamedBackend::of(store.job(id)?, resolver(context)));
    Ok(StoredJob::new(Arc::clone(store), id, backend))
}

/// Finds backends among the plugins of this command line and those of the job.
pub(crate) fn resolver(context: &Context) -> impl Resolver + Send + Sync + use<> {
    let context = context.clone();
    RegistryResolver::new(move |plugins: &PluginDirectories| context.registry_with(plugins))
}

/// What happened to jobs while nobody looked.
fn tell(recovered: &Recovered) {
    let told = [
        (&recovered.abandoned, "failed: the program that ran it is gone; `ketch retry` runs it"),
        (&recovered.poisoned, "failed: every worker that ran it died; `ketch retry` tries again"),
        (&recovered.unknown, "may or may not have reached its service; `ketch job` says more"),
    ];
    for (ids, what) in told {
        ids.iter().for_each(|id| say(format_args!("note: job {id} {what}")));
    }
}

impl From<jobs::Error> for Failure {
    fn from(error: jobs::Error) -> Self {
        let failure = Self::new(error.code(), error.to_string());
        let failure = match std::error::Error::source(&error) {
            Some(cause) => failure.caused_by(cause),
            None => failure,
        };
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}
