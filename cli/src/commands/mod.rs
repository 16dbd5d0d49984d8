//! One file a command.

pub(crate) mod account;
pub(crate) mod backend;
pub(crate) mod backends;
pub(crate) mod cancel;
pub(crate) mod compile;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod delete;
pub(crate) mod doctor;
pub(crate) mod draw;
pub(crate) mod each;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod live;
pub(crate) mod provider;
pub(crate) mod providers;
pub(crate) mod result;
pub(crate) mod retry;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod watch;
pub(crate) mod worker;

use std::io::Write;

use crate::{args::Command, context::Context, exit::Exit, failure::Failure};

/// Executes a command, data going to `out`.
///
/// # Errors
/// Why it did not succeed, if nobody was told yet; otherwise the exit code says it.
pub(crate) fn execute(
    command: Command,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::execute(&args, context, out),
        Command::Submit(args) => run::execute(&args.detached(), context, out),
        Command::Jobs(args) => jobs::execute(&args, context, out),
        Command::Job(args) => job::execute(&args, context, out),
        Command::Result(args) => result::execute(&args, context, out),
        Command::Watch(args) => watch::execute(&args, context, out),
        Command::Cancel(args) => cancel::execute(&args, context, out),
        Command::Retry(args) => retry::execute(&args, context, out),
        Command::Delete(args) => delete::execute(&args, context, out),
        Command::Worker(args) => worker::execute(&args, context),
        Command::Backends(args) => backends::execute(&args, context, out),
        Command::Backend(args) => backend::execute(&args, context, out),
        Command::Providers(args) => providers::execute(&args, context, out),
        Command::Provider(args) => provider::execute(&args, context, out),
        Command::Compile(args) => compile::execute(&args, context, out),
        Command::Convert(args) => convert::execute(&args, out),
        Command::Draw(args) => draw::execute(&args, out),
        Command::Account(args) => account::execute(&args, context, out),
        Command::Serve(args) => serve::execute(&args, context, out),
        Command::Doctor(args) => doctor::execute(&args, context, out),
        Command::Completions(args) => completions::execute(&args, out),
    }
}
