//! `ketch compile`: a circuit as it would be sent to a device.

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::{
    convert::{Form, loaded, put, written},
    run::params::ParamArgs,
};
use crate::{context::Context, exit::Exit, failure::Failure, output::terminal::say};

/// The arguments of `ketch compile`.
#[derive(Debug, Args)]
#[command(after_help = "Example: ketch compile bell.qasm -b noisy/ibmqx4 --to qasm2")]
pub(crate) struct CompileArgs {
    /// A circuit file: OpenQASM, QPY or Qobj JSON; `-` is standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// The backend that it is to fit
    #[arg(short, long, value_name = "NAME")]
    backend: String,
    /// The format to write
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "qasm2")]
    to: Form,
    #[command(flatten)]
    params: ParamArgs,
    /// The seed of layout and routing
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
    /// Write this file instead of standard output
    #[arg(short = 'O', long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
}

pub(crate) fn execute(
    args: &CompileArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let input = loaded(&args.file, &args.params, args.to)?;
    let backend = context.registry().get_backend(&args.backend)?;
    if let Some(note) = &backend.note {
        say(format_args!("note: {note}"));
    }
    let fitted = ketch::fit(input.qobj, &*backend.backend, args.seed)?;
    for note in &fitted.notes {
        say(format_args!("compiled {note}"));
    }
    if fitted.notes.is_empty() {
        say(format_args!("{} takes circuits as they are", backend.name));
    }
    let text = written(&fitted.qobj, args.to).map_err(|failure| failure.about(&input.name))?;
    put(&text, args.output.as_deref(), out)
}
