//! `cargo xtask test`: build what the tests run, then run them.
//!
//! `cargo test` alone leaves no `ketch` and no plugin where the end-to-end tests look for them,
//! so the first step builds the command line and the plugins side by side, and the plugins that
//! misbehave among the examples, out of the way.

use std::time::Instant;

use anyhow::Result;

use crate::build::FOR_TESTS;
use crate::process::{cargo, run};

/// What `cargo xtask test` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Passed to `cargo test` as they are, for example `-- -p ketch-qasm diagnostics`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds, then tests; the last lines printed are those of the test runner.
pub(crate) fn test(args: &Args) -> Result<()> {
    let start = Instant::now();
    run(cargo().arg("build").args(FOR_TESTS))?;
    println!("built in {:.0} s", start.elapsed().as_secs_f64());

    let mut command = cargo();
    command.arg("test");
    if !names_package(&args.rest) {
        command.arg("--workspace");
    }
    run(command.args(&args.rest))
}

/// What `cargo xtask crash-drill` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Drill {
    /// How many processes are killed.
    #[arg(long, default_value_t = 10_000)]
    kills: u32,
}

/// The tests of crashes, which are in `test` at a smaller size.
pub(crate) fn crash_drill(drill: &Drill) -> Result<()> {
    run(cargo().arg("build").args(FOR_TESTS))?;
    let mut command = cargo();
    command.args(["test", "-p", "ketch-e2e", "crash::"]);
    run(command.env("KETCH_KILLS", drill.kills.to_string()))
}

/// Whether the arguments choose packages themselves; `--workspace` would overrule them.
fn names_package(arguments: &[String]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::names_package;

    #[test]
    fn packages_are_recognised_only_before_the_runner_s_own_arguments() {
        let check = |line: &str, expected: bool| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(names_package(&words), expected, "{line}");
        };
        check("", false);
        check("diagnostics", false);
        check("-p ketch-qasm", true);
        check("-pketch-qasm", true);
        check("--package=ketch-qasm", true);
        check("--release -- -p", false);
    }
}
