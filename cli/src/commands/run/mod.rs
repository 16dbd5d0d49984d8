//! `ketch run`: circuits through a backend, results as they complete.

mod choose;
pub(crate) mod input;
mod interrupt;
mod prepare;
mod report;
mod values;
mod wait;

use std::{
    io::Write,
    num::NonZeroU32,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use clap::{Args, ValueEnum};
use ketch::{QualifiedBackend, RunOptions};

use self::{
    input::Input,
    report::Report,
    values::{Observable, OutputFile, SaveWhat, Setting},
    wait::Submitted,
};
use crate::{context::Context, exit::Exit, failure::Failure, output::terminal::say};

/// The arguments of `ketch run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ketch run bell.qasm --shots 2000 --seed 7
  ketch run bell.qasm --save statevector -O state.npy
  ketch run a.qasm b.qasm c.json --json
  ketch run bell.qasm -b 'least-busy:simulator=true,n_qubits>=5'

The exit code is that of the first file that failed; `ketch --help` lists the codes.")]
pub(crate) struct RunArgs {
    /// Circuit files: OpenQASM 2 or Qobj JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// The backend, or least-busy[:key=value,…]; else $KETCH_BACKEND, else local/qasm_simulator
    #[arg(short, long, value_name = "NAME")]
    backend: Option<String>,
    /// How often each circuit is run; else what the Qobj says, else 1024
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    shots: Option<u64>,
    /// The seed of all random choices; else what the Qobj says, else a random one
    #[arg(long, value_name = "NUMBER",
          value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// An option of the backend; the value is JSON, or else text
    #[arg(short, long = "option", value_name = "KEY=VALUE", value_parser = values::setting)]
    options: Vec<Setting>,
    /// A number for a parameter of the circuit, such as theta=pi/2
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = values::parameter,
          allow_hyphen_values = true)]
    params: Vec<(String, f64)>,
    /// Send the circuit as it is; it is refused unless it fits the device
    #[arg(long)]
    no_compile: bool,
    /// Measure every qubit at the end
    #[arg(long)]
    measure_all: bool,
    /// Give up after this time, such as 500ms, 20s, 2m
    #[arg(long, value_name = "TIME", value_parser = values::timeout)]
    timeout: Option<Duration>,
    /// The most threads to use at a time
    #[arg(long, value_name = "NUMBER")]
    threads: Option<NonZeroU32>,

    /// Keep and show the outcome of every shot, in order
    #[arg(long, help_heading = "Results")]
    memory: bool,
    /// Also save this, before the final measurements
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',', help_heading = "Results")]
    save: Vec<SaveWhat>,
    /// Also save the expectation value of a sum of Pauli strings, such as 'ZZ=1,XX=0.5'; the
    /// rightmost letter is of qubit 0
    #[arg(long, value_name = "TERMS", value_parser = values::observable,
          allow_hyphen_values = true, help_heading = "Results")]
    expval: Option<Observable>,
    /// Write the results to a file: .json, .csv (counts, or else an array), .npy (one array)
    #[arg(short = 'O', long, value_name = "FILE", value_parser = values::output_file,
          value_hint = clap::ValueHint::FilePath, help_heading = "Results")]
    output: Option<OutputFile>,
    /// Draw the counts as a bar chart into an .svg file
    #[arg(long, value_name = "FILE", value_parser = values::plot_file,
          value_hint = clap::ValueHint::FilePath, help_heading = "Results")]
    plot: Option<PathBuf>,
    /// Print a document for programs (schema ketch.run/1), one line a file
    #[arg(long, help_heading = "Results")]
    json: bool,
    /// What is printed: counts, or Qiskit's Result document as JSON
    #[arg(long, value_enum, default_value = "counts", help_heading = "Results")]
    format: ResultFormat,
}

/// The form of what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ResultFormat {
    /// Counts and what was saved
    Counts,
    /// Qiskit's Result document, JSON
    Result,
}

impl RunArgs {
    pub(crate) fn is_for_programs(&self) -> bool {
        self.json || self.format == ResultFormat::Result
    }

    /// What clap cannot see.
    fn check(&self) -> Result<(), Failure> {
        let several = self.files.len() > 1;
        if several && (self.output.is_some() || self.plot.is_some()) {
            let message = "-O and --plot take the results of one file";
            return Err(
                Failure::usage(message).with_hint("run the files one by one, or use --json")
            );
        }
        if self.files.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
            return Err(Failure::usage("standard input can be read once only"));
        }
        Ok(())
    }
}

pub(crate) fn execute(
    args: &RunArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    args.check()?;
    // Found out before any work is done: what cannot be written, and what cannot be read.
    let mut report = Report::new(args, context)?;
    let mut exits = vec![Exit::Ok; args.files.len()];
    let mut inputs = Vec::new();
    for (place, path) in args.files.iter().enumerate() {
        match input::load(path) {
            Ok(input) => inputs.push((place, input)),
            Err(failure) => exits[place] = report.fail(out, &input::name_of(path), &failure),
        }
    }
    if !inputs.is_empty() {
        let registry = context.registry();
        let backend = choose::backend(&registry, args.backend.as_deref())?;
        if let Some(note) = &backend.note {
            say(format_args!("note: {note}"));
        }
        let mut jobs = Vec::new();
        for (place, input) in inputs {
            let name = input.name.clone();
            match submit(args, &backend, place, input) {
                Ok(job) => jobs.push(job),
                Err(failure) => {
                    let failure = if args.files.len() > 1 { failure.about(&name) } else { failure };
                    exits[place] = report.fail(out, &name, &failure);
                }
            }
        }
        wait::each_as_it_completes(jobs, args.timeout, |job, result| {
            exits[job.place] = match result {
                Ok(result) => report.result(out, &backend.name, &job, &result)?,
                Err(failure) => report.fail(out, &job.file, &failure),
            };
            Ok(())
        })?;
    }
    Ok(exits.into_iter().find(|exit| *exit != Exit::Ok).unwrap_or(Exit::Ok))
}

fn submit(
    args: &RunArgs,
    backend: &QualifiedBackend,
    place: usize,
    input: Input,
) -> Result<Submitted, Failure> {
    let Input { name: file, mut qobj } = input;
    let mut notes = prepare::prepare(&mut qobj, args, backend.backend.name())?;
    if args.no_compile {
        ketch::check_fit(&qobj, &*backend.backend)?;
    } else {
        let fitted = ketch::fit(qobj, &*backend.backend, args.seed.unwrap_or(0))?;
        qobj = fitted.qobj;
        notes.extend(fitted.notes.into_iter().map(|note| format!("compiled {note}")));
    }
    let started = Instant::now();
    let options = RunOptions {
        threads: args.threads.map(NonZeroU32::get),
        deadline: args.timeout.and_then(|timeout| SystemTime::now().checked_add(timeout)),
        ..RunOptions::default()
    };
    let job = backend.run(qobj, options)?;
    Ok(Submitted { place, file, job, started, notes })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn parse(line: &str) -> Result<RunArgs, clap::Error> {
        let words = ["ketch", "run"].into_iter().chain(line.split_whitespace());
        match Cli::try_parse_from(words)?.command {
            Command::Run(args) => Ok(args),
            other => panic!("parsed as {other:?}"),
        }
    }

    #[test]
    fn a_full_command_line_is_understood() {
        let args = parse(
            "a.qasm - -b x/y -s 10 --seed 7 -o method=statevector -o n=2 -p t=-pi/2 --timeout 20s \
             --save statevector,unitary --expval -ZZ=0.5 --json --threads 2 --plugin-dir p",
        )
        .unwrap();
        assert_eq!(args.files, ["a.qasm", "-"].map(PathBuf::from));
        assert_eq!((args.shots, args.seed), (Some(10), Some(7)));
        assert_eq!(args.options[1].value, 2);
        assert_eq!(args.params, [("t".to_owned(), -std::f64::consts::FRAC_PI_2)]);
        assert_eq!(args.timeout, Some(Duration::from_secs(20)));
        assert_eq!(args.save, [SaveWhat::Statevector, SaveWhat::Unitary]);
        assert!(args.is_for_programs());
    }

    #[test]
    fn wrong_values_are_usage_errors() {
        for line in [
            "",
            "a.qasm -s 0",
            "a.qasm -s many",
            "a.qasm --seed 9223372036854775808",
            "a.qasm -o method",
            "a.qasm -p t=x",
            "a.qasm --timeout 20",
            "a.qasm --save everything",
            "a.qasm --expval ZQ=1",
            "a.qasm -O result.txt",
            "a.qasm --plot chart.png",
            "a.qasm --threads 0",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn one_file_has_one_output() {
        for line in ["a b -O x.json", "a b --plot x.svg", "- -"] {
            assert_eq!(parse(line).unwrap().check().unwrap_err().exit, Exit::Usage, "{line}");
        }
        assert!(parse("- b --json").unwrap().check().is_ok());
    }
}
