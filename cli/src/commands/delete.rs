//! `ketch delete`: jobs are forgotten, with all that was kept of them.

use std::io::Write;

use ketch::jobs::Error;

use super::each::{EachArgs, each};
use crate::{context::Context, exit::Exit, failure::Failure, store};

pub(crate) fn execute(
    args: &EachArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let store = store::open(context)?;
    each(args, context, &store, out, |out, id| {
        store.delete(id).map_err(|error| match error {
            Error::Illegal { .. } => {
                Failure::from(error).with_hint(format!("`ketch cancel {id}` stops it first"))
            }
            error => error.into(),
        })?;
        Ok(writeln!(out, "{id} deleted")?)
    })
}
