//! `ketch run`: circuits through a backend, results as they complete.

mod batch;
mod choose;
mod compare;
pub(crate) mod detach;
pub(crate) mod input;
pub(crate) mod interrupt;
mod keep;
mod noise;
pub(crate) mod params;
mod prepare;
pub(crate) mod report;
pub(crate) mod values;
pub(crate) mod wait;

use std::{
    io::Write,
    num::NonZeroU32,
    path::PathBuf,
    sync::mpsc,
    time::{Duration, SystemTime},
};

use clap::Args;
use ketch::{Qobj, QualifiedBackend, RunOptions};

use self::{
    batch::Batch,
    keep::Keeping,
    noise::Noise,
    params::ParamArgs,
    report::{Report, ReportArgs},
    values::{Observable, SaveWhat, Setting},
    wait::{GivingUp, Patience},
};
use crate::{context::Context, exit::Exit, failure::Failure, output::terminal::say};

/// The arguments of `ketch run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ketch run bell.qasm --shots 2000 --seed 7
  ketch run bell.qasm --save statevector -O state.npy
  ketch run a.qasm b.qasm c.json --json
  ketch run sweep/*.qasm -O results.jsonl --resume
  ketch run bell.qasm -b 'least-busy:simulator=true,n_qubits>=5'
  ketch run bell.qasm --noise noisy/ibmqx4 --compare
  ketch run sweep.json --detach --label sweep

The exit code is that of the first file that failed; `ketch --help` lists the codes.")]
pub(crate) struct RunArgs {
    /// Circuit files: OpenQASM, QPY or Qobj JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// The backend, or least-busy[:key=value,…]; else $KETCH_BACKEND, else local/qasm_simulator
    #[arg(short, long, value_name = "NAME")]
    backend: Option<String>,
    /// Simulate this noise: a file (Qiskit Aer's noise model, or a device's conf_*.json and
    /// props_*.json) or a backend whose calibration is taken; else on local/qasm_simulator
    #[arg(long, value_name = "FILE|DEVICE", value_hint = clap::ValueHint::AnyPath)]
    noise: Option<String>,
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
    #[command(flatten)]
    params: ParamArgs,
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
    /// Also run the circuits on the ideal local simulator, and show both side by side with their
    /// distance
    #[arg(long, help_heading = "Results", conflicts_with_all = ["detach", "resume"])]
    compare: bool,
    #[command(flatten)]
    report: ReportArgs,

    /// Hand the jobs over, print their ids and do not wait; `ketch result ID` has the results
    #[arg(long, help_heading = "Jobs", conflicts_with_all = ["output", "plot", "timeout", "keep", "resume"])]
    detach: bool,
    /// Go on where an earlier run of the same command stopped: what it finished is not run again
    #[arg(long, help_heading = "Jobs")]
    resume: bool,
    /// A name for the job, by which `ketch jobs --label` finds it
    #[arg(long, value_name = "NAME", help_heading = "Jobs")]
    label: Option<String>,
    /// A word by which `ketch jobs --label` finds the job; may be given several times
    #[arg(long = "tag", value_name = "WORD", help_heading = "Jobs")]
    tags: Vec<String>,
    /// Keep the result for `ketch result` however large it is; else up to 16 MiB, of several
    /// experiments up to 1 GiB
    #[arg(long, help_heading = "Jobs")]
    keep: bool,
}

impl RunArgs {
    pub(crate) fn is_for_programs(&self) -> bool {
        self.report.is_for_programs()
    }

    /// As `ketch submit` means them.
    pub(crate) fn detached(mut self) -> Self {
        self.detach = true;
        self
    }

    /// What clap cannot see.
    fn check(&self) -> Result<(), Failure> {
        let several = self.files.len() > 1;
        let one_file = self.report.output.is_some() && !self.report.asks_for_lines();
        if several && (one_file || self.report.plot.is_some()) {
            let message = "-O and --plot take the results of one file";
            let hint = "run the files one by one, or use -O FILE.jsonl or --json";
            return Err(Failure::usage(message).with_hint(hint));
        }
        if self.files.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
            return Err(Failure::usage("standard input can be read once only"));
        }
        if self.compare && (self.report.asks_for_qiskits() || self.report.asks_for_lines()) {
            let message = "--compare has no place in Qiskit's Result document, nor in lines";
            return Err(
                Failure::usage(message).with_hint("--json has both counts and the distance")
            );
        }
        let waits = self.report.output.is_some() || self.report.plot.is_some() || self.keep;
        let waits = waits || self.resume || self.timeout.is_some();
        if self.detach && (waits || self.report.asks_for_qiskits()) {
            let message = "-O, --plot, --format, --timeout, --keep and --resume are for jobs that \
                           are waited for";
            let hint = "`ketch result ID` takes them; detached jobs keep every result";
            return Err(Failure::usage(message).with_hint(hint));
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
    let mut report = Report::new(&args.report, args.files.len() > 1, context)?;
    let mut exits = vec![Exit::Ok; args.files.len()];
    let mut inputs = Vec::new();
    for (place, path) in args.files.iter().enumerate() {
        match input::load_with(path, &args.params.numbers()) {
            Ok(input) => inputs.push((place, input)),
            Err(failure) => exits[place] = report.fail(out, &input::name_of(path), &failure),
        }
    }
    if inputs.is_empty() {
        return Ok(first_failure(exits));
    }
    let registry = context.registry();
    let backend = choose::backend(&registry, args.backend.as_deref().or(noise::backend(args)))?;
    let noise = args.noise.as_deref().map(|name| Noise::find(&registry, name)).transpose()?;
    let noise = noise.as_ref();
    if let Some(note) = &backend.note {
        say(format_args!("note: {note}"));
    }
    let mut fail = |report: &Report<'_>, out: &mut dyn Write, place, name: &str, failure| {
        let failure: Failure = failure;
        let failure = if args.files.len() > 1 { failure.about(name) } else { failure };
        exits[place] = report.fail(out, name, &failure);
    };
    if args.detach {
        let detached = detach::Detached::new(args, &backend, noise, context)?;
        let mut kept = false;
        for (place, input) in inputs {
            let name = input.name.clone();
            match detached.submit(out, input) {
                Ok(()) => kept = true,
                Err(failure) => fail(&report, out, place, &name, failure),
            }
        }
        if kept {
            detached.finish();
        }
        return Ok(first_failure(exits));
    }
    let channel = mpsc::channel();
    let keeping = Keeping::new(args, &backend, context, channel.0.clone())?;
    let batch = Batch::new(args, &keeping, &registry, inputs, &mut report, out, &mut exits);
    let mut batch = batch.with_noise(noise);
    let at_once = batch.at_once();
    let patience = Patience { timeout: args.timeout, giving_up: GivingUp::Cancels, at_once };
    wait::each_as_it_completes(&mut batch, channel, &patience)?;
    batch.notes();
    report.finish()?;
    out.flush()?;
    keeping.maintain();
    Ok(first_failure(exits))
}

fn first_failure(exits: Vec<Exit>) -> Exit {
    exits.into_iter().find(|exit| *exit != Exit::Ok).unwrap_or(Exit::Ok)
}

/// The circuits as the backend is to run them, and what the user should know of that.
fn prepared(
    args: &RunArgs,
    backend: &QualifiedBackend,
    noise: Option<&Noise>,
    mut qobj: Qobj,
    inputs: &[String],
) -> Result<(Qobj, Vec<String>), Failure> {
    let mut notes = prepare::prepare(&mut qobj, inputs, args, backend.backend.name())?;
    if let Some(noise) = noise {
        noise.put_into(&mut qobj);
    }
    prepare::seed(&mut qobj);
    let (qobj, compiled) = fitted(args, backend, noise, qobj)?;
    notes.extend(compiled);
    Ok((qobj, notes))
}

/// The circuits compiled for the device that the noise is of, and for the backend; and what was done
/// to them.
fn fitted(
    args: &RunArgs,
    backend: &QualifiedBackend,
    noise: Option<&Noise>,
    qobj: Qobj,
) -> Result<(Qobj, Vec<String>), Failure> {
    let seed = args.seed.unwrap_or(0);
    let (qobj, mut notes) = match noise {
        Some(noise) => noise.fitted(qobj, args.no_compile, seed)?,
        None => (qobj, Vec::new()),
    };
    if args.no_compile {
        ketch::check_fit(&qobj, &*backend.backend)?;
        return Ok((qobj, notes));
    }
    let fitted = ketch::fit(qobj, &*backend.backend, seed)?;
    notes.extend(fitted.notes.into_iter().map(|note| format!("compiled {note}")));
    Ok((fitted.qobj, notes))
}

fn options(args: &RunArgs) -> RunOptions {
    RunOptions {
        threads: args.threads.map(NonZeroU32::get),
        // A little later than here, where the job is given up in words of our own.
        deadline: args.timeout.and_then(|timeout| {
            SystemTime::now().checked_add(timeout)?.checked_add(Duration::from_secs(1))
        }),
        tags: args.tags.clone(),
        ..RunOptions::default()
    }
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
        assert_eq!(args.params.numbers(), [("t".to_owned(), -std::f64::consts::FRAC_PI_2)]);
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
            "a.qasm --detach -O x.json",
            "a.qasm --detach --timeout 1s",
            "a.qasm --detach --resume",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn one_file_has_one_output() {
        for line in ["a b -O x.json", "a b --plot x.svg", "- -", "a --detach --format result"] {
            assert_eq!(parse(line).unwrap().check().unwrap_err().exit, Exit::Usage, "{line}");
        }
        assert!(parse("- b --json").unwrap().check().is_ok());
        assert!(parse("a b -O x.jsonl --resume").unwrap().check().is_ok());
        let submitted = parse("a --resume").unwrap().detached();
        assert_eq!(submitted.check().unwrap_err().exit, Exit::Usage);
    }
}
