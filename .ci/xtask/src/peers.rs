//! Other simulators: `cargo xtask bench --peers` times them and Ketch in one run, and
//! `cargo xtask peers` compares what they and Ketch find for random circuits.
//!
//! The scripts are in `tests/peers`, with the program that runs Ketch for them; here it is built,
//! and so are the virtual environments.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::build;
use crate::process::{run, target_dir};
use crate::python::Python;

/// What `cargo xtask bench --peers` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Timing {
    /// Time other simulators and Ketch on the suite of circuits; only these if any are named:
    /// patterns with commas between, such as `ketch*,qsim-f32`.
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "",
        group = "page",
        conflicts_with = "what"
    )]
    peers: Option<String>,
    /// Only a few small circuits: some minutes instead of half an hour.
    #[arg(long, requires = "peers", conflicts_with_all = ["what", "jobs", "serve"])]
    quick: bool,
    /// Only these circuits: patterns with commas between, such as `qft_2?,dm_*`.
    #[arg(
        long,
        requires = "peers",
        conflicts_with_all = ["what", "jobs", "serve"],
        value_name = "PATTERNS",
        default_value = ""
    )]
    only: String,
    /// Repetitions of each measurement after the one that warms up.
    #[arg(long, requires = "peers", conflicts_with_all = ["what", "jobs", "serve"], default_value_t = 5)]
    reps: u32,
    /// Threads of every simulator.
    #[arg(long, requires = "peers", conflicts_with_all = ["what", "jobs", "serve"], default_value_t = 2)]
    threads: u32,
    /// Go on with the last run instead of starting anew.
    #[arg(long, requires = "peers", conflicts_with_all = ["what", "jobs", "serve"])]
    resume: bool,
    /// Only print the table of the last run.
    #[arg(long, requires = "peers", conflicts_with_all = ["what", "jobs", "serve"])]
    table: bool,
    /// Put the table into `docs/benchmarks.md` too.
    #[arg(long, requires = "page", conflicts_with = "what")]
    write: bool,
}

impl Timing {
    /// Whether `--peers` was given.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.peers.is_some()
    }

    /// Whether the table is to be put into the document.
    pub(crate) fn is_to_write(&self) -> bool {
        self.write
    }
}

/// What `cargo xtask peers` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Differential {
    /// How many circuits.
    #[arg(long, default_value_t = 3000)]
    circuits: u32,
    /// The number of the first circuit; each is made from its number alone.
    #[arg(long, default_value_t = 0)]
    first: u32,
}

/// Times all simulators on the suite and prints the tables.
pub(crate) fn bench(args: &Timing) -> Result<()> {
    let program = program()?;
    let plugin = build::one_plugin("ketch-provider-local")?;
    let python = Python::prepare("bench")?;
    let prism = Python::prepare("prism")?;
    let folder = target_dir()?.join("bench/peers");
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;

    let mut command = module(&python, "bench");
    command.arg("--folder").arg(folder).arg("--program").arg(program);
    command.arg("--plugins").arg(plugin.parent().expect("a file lies in a folder"));
    command.arg("--prism").arg(prism.program()?);
    command.args(["--peers", args.peers.as_deref().unwrap_or_default(), "--only", &args.only]);
    command.args(["--reps", &args.reps.to_string(), "--threads", &args.threads.to_string()]);
    let flags = [
        (args.quick, "--quick"),
        (args.resume, "--resume"),
        (args.table, "--table"),
        (args.write, "--write"),
    ];
    command.args(flags.iter().filter(|(given, _)| *given).map(|(_, flag)| flag));
    run(&mut command)
}

/// Measures jobs beside those of Aer, prints a table, and writes it if asked to.
pub(crate) fn jobs(write: bool) -> Result<()> {
    let program = program()?;
    let plugin = build::one_plugin("ketch-provider-local")?;
    let python = Python::prepare("interop")?;
    let mut command = python.script("tests/peers/bench_jobs.py");
    command.arg(program).arg(plugin.parent().expect("a file lies in a folder"));
    command.arg(target_dir()?.join("bench/jobs"));
    run(command.args(write.then_some("--write")))
}

/// Lets many clients ask `ketch serve`, prints a table, and writes it if asked to.
pub(crate) fn serve(write: bool) -> Result<()> {
    let program = program()?;
    let built = build::default_members("release")?;
    let python = Python::prepare("interop")?;
    let mut command = python.script("tests/peers/bench_serve.py");
    command.arg(program).arg(built.ketch).arg(target_dir()?.join("bench/serve"));
    run(command.args(write.then_some("--write")))
}

/// Compares Ketch with two other simulators on random circuits.
pub(crate) fn differential(args: &Differential) -> Result<()> {
    let disagreements = target_dir()?.join("peers/disagreements");
    let mut command = module(&Python::prepare("bench")?, "differential");
    command.arg("--program").arg(program()?).arg("--keep").arg(disagreements);
    command.args(["--circuits", &args.circuits.to_string(), "--first", &args.first.to_string()]);
    run(&mut command)
}

/// The first circuits of the same comparison, which the packages of `interop` suffice for.
pub(crate) fn sample(python: &Python) -> Result<()> {
    let scratch = tempfile::tempdir().context("making a scratch directory")?;
    let mut command = module(python, "differential");
    command.arg("--program").arg(program()?).arg("--keep").arg(scratch.path());
    run(command.args(["--circuits", "100"]))
}

/// Compares the sampler and the estimator with Qiskit's.
pub(crate) fn primitives(python: &Python) -> Result<()> {
    let plugin = build::one_plugin("ketch-provider-local")?;
    let mut command = python.script("tests/peers/primitives.py");
    command.arg(program()?).arg(plugin.parent().expect("a file lies in a folder"));
    run(&mut command)
}

/// Builds the program that runs Ketch for the scripts.
fn program() -> Result<PathBuf> {
    build::one_program("ketch-peers", &[], "ketch-peers")
}

/// A Python package of `tests/peers` as a program.
fn module(python: &Python, name: &str) -> Command {
    let mut command = python.command();
    let scripts = Path::new("tests/peers");
    let path = python.packages().map_or_else(
        || scripts.as_os_str().to_owned(),
        |packages| {
            std::env::join_paths([scripts, packages]).expect("no path of ours holds a colon")
        },
    );
    command.env("PYTHONPATH", path).args(["-m", name]);
    command
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        bench: crate::bench::Args,
    }

    fn check(arguments: &[&str], accepted: bool) {
        let words = [&["bench"], arguments].concat();
        assert_eq!(Command::try_parse_from(words).is_ok(), accepted, "{arguments:?}");
    }

    #[test]
    fn the_words_of_bench_and_the_flags_of_peers_do_not_mix() {
        check(&[], true);
        check(&["parser", "startup"], true);
        check(&["--peers"], true);
        check(&["--peers", "ketch*,stim", "--quick", "--only", "qft_*", "--reps", "3"], true);
        check(&["--peers", "--resume", "--write", "--table"], true);
        check(&["parser", "--quick"], false);
        check(&["parser", "--peers"], false);
        check(&["--jobs"], true);
        check(&["--jobs", "--write"], true);
        check(&["--jobs", "--peers"], false);
        check(&["--serve"], true);
        check(&["--serve", "--write"], true);
        check(&["--serve", "--jobs"], false);
        check(&["--serve", "--reps", "3"], false);
        check(&["--jobs", "parser"], false);
        check(&["--jobs", "--quick"], false);
        check(&["--write"], false);
    }
}
