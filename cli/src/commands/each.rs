//! Commands that do the same to each of several jobs.

use std::io::Write;

use clap::Args;
use ketch::jobs::Store;

use crate::{context::Context, exit::Exit, failure::Failure};

/// Jobs.
#[derive(Debug, Args)]
pub(crate) struct EachArgs {
    /// Jobs: their ids or the beginnings of them, their services' ids, or @1 for the newest
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

/// Does something to each job. What fails with one is told, and no reason to leave out the others.
///
/// # Errors
/// None of its own: the exit is that of the first job that failed.
pub(crate) fn each(
    args: &EachArgs,
    context: &Context,
    store: &Store,
    out: &mut dyn Write,
    mut act: impl FnMut(&mut dyn Write, &str) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    // All are looked up before anything happens, so that @1 and @2 mean what they meant.
    let ids: Vec<_> = args.ids.iter().map(|written| store.resolve(written)).collect();
    let mut first = Exit::Ok;
    for id in ids {
        let done = id.map_err(Failure::from).and_then(|id| act(out, &id));
        if let Err(failure) = done {
            let exit = context.fail(out, None, &failure);
            first = if first == Exit::Ok { exit } else { first };
        }
    }
    Ok(first)
}
