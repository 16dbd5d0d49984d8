//! `ketch worker`: the process that runs detached jobs. Started by other commands, not by people.

use std::{sync::Arc, time::Duration};

use clap::Args;
use ketch::jobs::{self, Store, WorkOptions};

use super::run::interrupt::asked_to_go;
use crate::{context::Context, exit::Exit, failure::Failure, store};

/// The arguments of `ketch worker`.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// How long to wait for work before it goes
    #[arg(long, value_name = "TIME", value_parser = super::run::values::timeout,
          default_value = "30s")]
    idle: Duration,
}

pub(crate) fn execute(args: &WorkerArgs, context: &Context) -> Result<Exit, Failure> {
    // Neither the terminal's end nor its Ctrl-C is for a worker. That this process leads a session
    // already is just as well.
    let _ = rustix::process::setsid();
    let stop = asked_to_go().map_err(|error| {
        Failure::new("interrupt.unavailable", "cannot listen to signals").caused_by(&error)
    })?;
    let store = Arc::new(Store::standard()?);
    let options = WorkOptions { idle: args.idle, ..WorkOptions::default() };
    let resolver = store::resolver(context);
    let sibling = || {
        store::start_worker(context, &store);
    };
    jobs::work_until(&stop, &store, &resolver, &options, sibling)?;
    Ok(Exit::Ok)
}
