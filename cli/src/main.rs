//! `ketch`, the command line of Ketch.
//!
//! * `args` is the grammar, `commands` has one file a command,
//! * `store` opens the user's jobs,
//! * `output` prints: tables and pictures for people, documents for programs,
//! * `failure` says why something did not succeed, `exit` how the process ends then.
//!
//! Data goes to standard output, talk to standard error. Nothing is done before it is needed, so
//! that every command answers at once.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod context;
mod exit;
mod failure;
mod output;
mod store;

use std::{
    io::{self, BufWriter, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    args::Cli, context::Context, exit::Exit, failure::Failure, output::terminal::complain,
};

fn main() -> ExitCode {
    ketch::run_if_plugin_host();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error).into(),
    };
    let context = Context::new(&cli);
    let mut out = BufWriter::new(io::stdout());
    let exit = commands::execute(cli.command, &context, &mut out);
    let exit = exit.and_then(|exit| Ok(out.flush().map(|()| exit)?));
    exit.unwrap_or_else(|failure| context.fail(&mut out, None, &failure)).into()
}

/// Prints what clap has to say: the help and the version, or what is wrong with the command line.
fn refuse(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        // A closed pipe is no failure here either.
        let _ = error.print();
        return Exit::Ok;
    }
    // The command line could not be read, so its words are looked at one by one.
    if std::env::args_os().any(|word| word == "--json") {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        let failure = Failure::usage(line.strip_prefix("error: ").unwrap_or(line));
        let _ = writeln!(io::stdout(), "{}", failure.document(None));
    }
    if error.print().is_err() {
        complain(&Failure::usage("the command line is not valid"));
    }
    Exit::Usage
}
