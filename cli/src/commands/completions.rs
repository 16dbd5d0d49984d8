//! `ketch completions`: the completion script of a shell.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{args::Cli, exit::Exit, failure::Failure};

/// The arguments of `ketch completions`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: ketch completions bash > ~/.local/share/bash-completion/completions/ketch"
)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

pub(crate) fn execute(args: &CompletionsArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    // The generator panics where it cannot write, so it writes into memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ketch", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for &shell in Shell::value_variants() {
            let mut script = Vec::new();
            execute(&CompletionsArgs { shell }, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("providers") && script.contains("ketch"), "{shell}");
        }
    }
}
