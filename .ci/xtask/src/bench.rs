//! `cargo xtask bench`: Ketch against Python's tools, in one run on one machine.
//!
//! The two sides take turns, so that a slow moment of the machine hits both. `--peers` is the
//! comparison with other simulators, `--jobs` that of jobs, `--serve` what `ketch serve` bears: see
//! [`peers`].

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::build;
use crate::listing;
use crate::peers;
use crate::process::{cargo, output, quietly, root, run, target_dir};
use crate::python::Python;

/// What `cargo xtask bench` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure; everything if nothing is named.
    #[arg(value_enum)]
    what: Vec<Bench>,
    /// Measure what it is like to have a job, beside Aer.
    #[arg(long, group = "page", conflicts_with = "what")]
    jobs: bool,
    /// Let two hundred clients ask `ketch serve`.
    #[arg(long, group = "page", conflicts_with = "what")]
    serve: bool,
    #[command(flatten)]
    peers: peers::Timing,
}

/// The comparisons.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bench {
    /// Loading large OpenQASM files of both versions, and the official examples of version 3,
    /// against Qiskit's readers.
    Parser,
    /// A Bell circuit and the list of backends as whole processes, against Python with Aer.
    Startup,
    /// Circuits compiled for four devices, against `qiskit.transpile(optimization_level=1)`.
    Compile,
    /// Plugins in a process of their own, against the same plugins in the host's.
    Plugins,
    /// The list of backends with a hundred plugins, known and unknown.
    Listing,
}

/// Runs the benchmarks that were asked for.
pub(crate) fn bench(args: &Args) -> Result<()> {
    if args.jobs {
        return peers::jobs(args.peers.is_to_write());
    }
    if args.serve {
        return peers::serve(args.peers.is_to_write());
    }
    if args.peers.is_asked_for() {
        return peers::bench(&args.peers);
    }
    let all = Bench::value_variants();
    for bench in if args.what.is_empty() { all } else { &args.what } {
        match bench {
            Bench::Parser => parser()?,
            Bench::Startup => startup()?,
            Bench::Compile => compile()?,
            Bench::Plugins => plugins()?,
            Bench::Listing => listing::listing()?,
        }
    }
    Ok(())
}

/// Loads of the large file on each side.
const LOADS: usize = 5;

fn parser() -> Result<()> {
    run(cargo().args([
        "build",
        "--release",
        "--package",
        "ketch-qasm",
        "--example",
        "parse_speed",
    ]))?;
    let python = Python::prepare("interop")?;
    let target = target_dir()?;
    let program = target.join("release/examples/parse_speed");
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    for version in [Version::Two, Version::Three] {
        let file = folder.join(format!("large{}.qasm", version as u8));
        let writing = || format!("writing {}", file.display());
        let bytes = write_large_qasm(&file, version).with_context(writing)?;
        let megabytes = bytes as f64 / 1e6;
        println!("{megabytes:.1} MB of OpenQASM {}: {}", version as u8, file.display());

        let script = format!("tests/peers/time_qasm{}.py", version as u8);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..LOADS {
            ours.push(seconds(&output(Command::new(&program).arg(&file))?)?);
            theirs.push(seconds(&output(python.script(&script).arg(&file))?)?);
        }
        let (ours, theirs) = (median(&mut ours), median(&mut theirs));
        println!("median of {LOADS} loads, taking turns:");
        println!("    ketch   {ours:8.4} s  {:8.2} MB/s", megabytes / ours);
        println!("    qiskit  {theirs:8.4} s  {:8.2} MB/s", megabytes / theirs);
        println!("    ratio   {:8.1}", theirs / ours);
    }
    acceptance(&python)
}

/// The official examples of OpenQASM 3: who reads how many.
fn acceptance(python: &Python) -> Result<()> {
    let built = build::default_members("release")?;
    run(python.script("tests/peers/accept_qasm3.py").arg(&built.ketch))
}

/// Which OpenQASM a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Two = 2,
    Three = 3,
}

/// Starts of each program.
const STARTS: usize = 20;

fn startup() -> Result<()> {
    let built = build::default_members("release")?;
    let python = Python::prepare("interop")?;

    let mut programs: Vec<(&str, Command)> = vec![
        ("ketch run examples/bell.qasm", Command::new(&built.ketch)),
        ("ketch backends", Command::new(&built.ketch)),
        ("python: the same Bell run on Aer", python.script("tests/peers/time_bell.py")),
    ];
    // What is timed is no job of the user's.
    let data = tempfile::tempdir().context("making a data directory")?;
    for (_, command) in &mut programs {
        command.env("XDG_DATA_HOME", data.path());
    }
    programs[0].1.args(["run", "examples/bell.qasm"]);
    programs[1].1.arg("backends");
    for (_, command) in &mut programs {
        command.current_dir(root()).stdout(Stdio::null()).stderr(Stdio::null());
        // Once untimed: the files come from the disk.
        quietly(command)?;
    }

    let mut times = vec![Vec::new(); programs.len()];
    for _ in 0..STARTS {
        for ((_, command), times) in programs.iter_mut().zip(&mut times) {
            let start = Instant::now();
            quietly(command)?;
            times.push(start.elapsed());
        }
    }
    println!("whole process, median of {STARTS}, taking turns:");
    for ((name, _), times) in programs.iter().zip(&mut times) {
        times.sort();
        let median: Duration = times[STARTS / 2];
        println!("    {:7.1} ms  {name}", median.as_secs_f64() * 1e3);
    }
    Ok(())
}

fn compile() -> Result<()> {
    run(cargo().args([
        "build",
        "--release",
        "--package",
        "ketch-compiler",
        "--example",
        "compile_file",
    ]))?;
    let python = Python::prepare("interop")?;
    let target = target_dir()?;
    let program = target.join("release/examples/compile_file");
    run(python
        .script("tests/peers/bench_compile.py")
        .arg(program)
        .arg(target.join("bench/compile")))
}

fn plugins() -> Result<()> {
    let build = |package, examples: &[&str]| {
        let named = examples.iter().flat_map(|example| ["--example", example]);
        run(cargo().args(["build", "--release", "--package", package]).args(named))
    };
    build("ketch", &["plugin_speed"])?;
    build("ketch-test-plugins", &["able", "unruly"])?;
    let built = target_dir()?.join("release/examples");
    run(Command::new(built.join("plugin_speed")).arg(&built))
}

/// Writes about 5 MB of the gates that real circuits are made of; always the same bytes.
fn write_large_qasm(path: &Path, version: Version) -> std::io::Result<u64> {
    const QUBITS: u64 = 64;
    const LINES: u64 = 185_000;
    // Knuth's MMIX generator: spread, not chance, is what a parser needs.
    let mut state: u64 = 1;
    let mut next = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let head = match version {
        Version::Two => {
            format!("2.0;\ninclude \"qelib1.inc\";\nqreg q[{QUBITS}];\ncreg c[{QUBITS}];")
        }
        Version::Three => {
            format!("3.0;\ninclude \"stdgates.inc\";\nqubit[{QUBITS}] q;\nbit[{QUBITS}] c;")
        }
    };
    writeln!(file, "OPENQASM {head}")?;
    for _ in 0..LINES {
        let q = next(QUBITS);
        let mut angle = || next(6_283_185) as f64 / 1e6;
        let (a, b, c) = (angle(), angle(), angle());
        match next(4) {
            0 => writeln!(file, "u3({a},{b},{c}) q[{q}];")?,
            1 => writeln!(file, "cx q[{q}],q[{}];", (q + 1 + next(QUBITS - 1)) % QUBITS)?,
            2 => writeln!(file, "rz({a}) q[{q}];")?,
            // Qiskit's reader of version 3 takes no expressions of constants.
            _ if version == Version::Three => writeln!(file, "u3({b},{c},{a}) q[{q}];")?,
            _ => writeln!(file, "u3({}*pi/{},-pi/2,{a}) q[{q}];", 1 + next(15), 1 + next(15))?,
        }
    }
    for q in 0..QUBITS {
        match version {
            Version::Two => writeln!(file, "measure q[{q}] -> c[{q}];")?,
            Version::Three => writeln!(file, "c[{q}] = measure q[{q}];")?,
        }
    }
    file.into_inner()?.metadata().map(|metadata| metadata.len())
}

/// The number of seconds that a timing program printed.
fn seconds(output: &str) -> Result<f64> {
    output.trim().parse().with_context(|| format!("expected seconds, found `{}`", output.trim()))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_large_file_is_the_same_every_time_and_about_five_megabytes() {
        let scratch = tempfile::tempdir().unwrap();
        let (a, b) = (scratch.path().join("a"), scratch.path().join("b"));
        for version in [Version::Two, Version::Three] {
            let size = write_large_qasm(&a, version).unwrap();
            write_large_qasm(&b, version).unwrap();
            assert!((4_000_000..6_000_000).contains(&size), "{size} bytes");
            assert!(std::fs::read(&a).unwrap() == std::fs::read(&b).unwrap());
        }
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(seconds(" 0.25\n").unwrap(), 0.25);
        assert!(seconds("fast").is_err());
    }
}
