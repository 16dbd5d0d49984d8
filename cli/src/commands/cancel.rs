//! `ketch cancel`: jobs stop.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use ketch::{
    Job,
    jobs::{Runner, Store},
};

use super::each::{EachArgs, each};
use crate::{context::Context, exit::Exit, failure::Failure, output::table::one_line, store};

/// How long a job that runs here gets to come to rest before this command is done.
const GRACE: Duration = Duration::from_secs(2);

/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(10);

pub(crate) fn execute(
    args: &EachArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let store = store::open(context)?;
    each(args, context, &store, out, |out, id| {
        let job = store::job(context, &store, id)?;
        let stopped = job.cancel()?;
        let state = rest(&store, id)?;
        let said = match stopped {
            true if state.is_final() => state.to_string(),
            true => format!("{state}, asked to stop"),
            false if state.is_final() => format!("{state} already"),
            false => format!("{state}, its service did not take the cancellation"),
        };
        Ok(writeln!(out, "{id} {}", one_line(&said))?)
    })
}

/// The state of the job once it came to rest, or that it did not soon.
fn rest(store: &Store, id: &str) -> Result<ketch::JobStatus, Failure> {
    let start = Instant::now();
    loop {
        let record = store.job(id)?;
        let waits = record.runner != Runner::Service && start.elapsed() < GRACE;
        if record.state.is_final() || !waits {
            return Ok(record.state);
        }
        thread::sleep(LOOK);
    }
}
