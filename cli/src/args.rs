//! The command line's grammar. Each command's own arguments stand with the command.

use std::path::PathBuf;

use clap::{
    Args, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use ketch::Isolation;

use crate::{commands, exit::EXIT_CODES};

/// Runs quantum circuits on any backend.
#[derive(Debug, Parser)]
#[command(name = "ketch", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Look for plugins in this directory first; may be given several times
    #[arg(long, global = true, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) plugin_dir: Vec<PathBuf>,

    /// Run plugins in processes of their own: `auto` (all but Ketch's own, the default), `always`
    /// or `never`; the environment variable `KETCH_ISOLATION` says the same
    #[arg(long, global = true, value_name = "WHICH", hide_possible_values = true)]
    #[arg(value_parser = PossibleValuesParser::new(["auto", "always", "never"])
        .try_map(|which| which.parse::<Isolation>()))]
    pub(crate) isolation: Option<Isolation>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run circuits: OpenQASM, QPY or Qobj JSON
    Run(commands::run::RunArgs),
    /// Run circuits without waiting: `run --detach`
    Submit(commands::run::RunArgs),
    /// List jobs, the newest first
    Jobs(commands::jobs::JobsArgs),
    /// Show all that is known of a job
    Job(commands::job::JobArgs),
    /// Show the result of a job, and wait for it
    Result(commands::result::ResultArgs),
    /// Follow jobs until they have come to their ends
    Watch(commands::watch::WatchArgs),
    /// Stop jobs
    Cancel(commands::each::EachArgs),
    /// Run jobs again, as new jobs; prints their ids
    Retry(commands::each::EachArgs),
    /// Forget jobs and their results
    Delete(commands::each::EachArgs),
    /// Run detached jobs; other commands start it when there are any
    #[command(hide = true)]
    Worker(commands::worker::WorkerArgs),
    /// List the backends of all providers
    Backends(commands::backends::BackendsArgs),
    /// Show one backend: configuration, properties, status, coupling map
    Backend(commands::backend::BackendArgs),
    /// List the plugins that were found, and why some are refused
    Providers(commands::providers::ProvidersArgs),
    /// Write, check, pack, install and accept plugins, and set how they are run
    Provider(commands::provider::ProviderArgs),
    /// Write a circuit as it would be sent to a device
    Compile(commands::compile::CompileArgs),
    /// Write a circuit file in another format
    Convert(commands::convert::ConvertArgs),
    /// Draw a circuit, as text or as an SVG picture
    Draw(commands::draw::DrawArgs),
    /// Keep credentials for remote providers
    Account(commands::account::AccountArgs),
    /// Serve every backend over HTTP, as IBM Quantum's service speaks
    Serve(commands::serve::ServeArgs),
    /// Check the installation and run a Bell pair
    Doctor(commands::doctor::DoctorArgs),
    /// Print the completion script of a shell
    Completions(commands::completions::CompletionsArgs),
}

impl Command {
    /// Programs read the output, so that a failure is a document, too.
    pub(crate) fn is_for_programs(&self) -> bool {
        match self {
            Self::Run(args) | Self::Submit(args) => args.is_for_programs(),
            Self::Jobs(args) => args.json,
            Self::Job(args) => args.json,
            Self::Result(args) => args.report.is_for_programs(),
            Self::Backends(args) => args.json,
            Self::Backend(args) => args.json,
            Self::Providers(args) => args.json,
            Self::Account(args) => args.is_for_programs(),
            Self::Doctor(args) => args.json,
            Self::Watch(args) => args.json,
            Self::Provider(args) => args.is_for_programs(),
            Self::Serve(args) => args.is_for_programs(),
            Self::Cancel(_) | Self::Retry(_) | Self::Delete(_) | Self::Worker(_) => false,
            Self::Compile(_) | Self::Convert(_) | Self::Draw(_) | Self::Completions(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    /// The help texts are part of the contract: a change of one is read like code.
    /// `UPDATE_EXPECT=1` writes them anew.
    #[test]
    fn the_help_texts_are_the_recorded_ones() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/help");
        let mut command = Cli::command();
        command.build();
        check(&directory.join("ketch.txt"), &command.render_long_help().to_string());
        for command in command
            .get_subcommands_mut()
            .filter(|one| !one.is_hide_set() && one.get_name() != "help")
        {
            let file = directory.join(format!("ketch-{}.txt", command.get_name()));
            check(&file, &command.render_long_help().to_string());
        }
    }

    fn check(file: &Path, text: &str) {
        let text: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        if env::var_os("UPDATE_EXPECT").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, &text).unwrap();
        }
        let recorded = fs::read_to_string(file).unwrap_or_default();
        assert_eq!(text, recorded, "{}: UPDATE_EXPECT=1 records it", file.display());
    }
}
