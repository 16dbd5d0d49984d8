//! All automation of the repository: `cargo xtask --help` lists it.
//!
//! One command, one file. `test` and `check` need Rust and a C compiler only; `interop` and
//! `bench` fetch pinned Python packages into the target directory.

#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what these commands report goes to the terminal"
)]

mod bench;
mod build;
mod check;
mod deps;
mod dropin;
mod golden;
mod install;
mod interop;
mod kit;
mod layers;
mod licence;
mod listing;
mod peers;
mod process;
mod python;
mod source;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

/// Automation of the Ketch repository.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
enum Xtask {
    /// Build everything that the tests run, then run all tests.
    Test(test::Args),
    /// Formatting, layers, dependencies, tidiness, lints and documentation: what a change must pass.
    Check,
    /// Check that every file is formatted.
    Fmt,
    /// Check that dependencies between our crates point down only, and that each library stays
    /// in its one home.
    Layers,
    /// Check licences, banned and duplicate packages, and known advisories.
    Deps,
    /// Check file headers, file sizes, where `unsafe` stands, and stray whitespace and paths.
    Tidy,
    /// Run clippy with warnings denied.
    Clippy,
    /// Build the documentation with warnings denied.
    Docs,
    /// Build with optimisation and put `ketch` and its plugins into place.
    Install(install::Args),
    /// Package the crates that an author needs, and follow docs/plugins.md with them.
    Kit,
    /// Build each plugin alone, drop it into an empty directory, and run a circuit on it.
    Dropin,
    /// Kill the processes that keep and run jobs, at random moments, and look for what was lost.
    CrashDrill(test::Drill),
    /// Build the plugin and the host of the first ABI release, and load old with new both ways.
    Golden,
    /// Compare results with Qiskit and Aer (needs Python 3 and network access for pip).
    Interop,
    /// Time Ketch against Python's tools in the same run, with `--peers` against other simulators
    /// (needs what `interop` needs).
    Bench(bench::Args),
    /// Compare thousands of random circuits with two other simulators (needs what `interop` needs).
    Peers(peers::Differential),
}

fn main() -> ExitCode {
    let outcome = match Xtask::parse() {
        Xtask::Test(args) => test::test(&args),
        Xtask::Check => check::all(),
        Xtask::Fmt => check::fmt(),
        Xtask::Layers => layers::layers(),
        Xtask::Deps => deps::deps(),
        Xtask::Tidy => tidy::tidy(),
        Xtask::Clippy => check::clippy(),
        Xtask::Docs => check::docs(),
        Xtask::Install(args) => install::install(&args),
        Xtask::Kit => kit::kit(),
        Xtask::Dropin => dropin::dropin(),
        Xtask::CrashDrill(drill) => test::crash_drill(&drill),
        Xtask::Golden => golden::golden(),
        Xtask::Interop => interop::interop(),
        Xtask::Bench(args) => bench::bench(&args),
        Xtask::Peers(args) => peers::differential(&args),
    };
    if let Err(error) = outcome {
        eprintln!("xtask: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
