//! `ketch convert`: a circuit file in another format.

use std::{io::Write, path::PathBuf};

use clap::{Args, ValueEnum};
use ketch::{Qobj, qasm};

use super::run::input;
use crate::{exit::Exit, failure::Failure, output::file::PendingFile};

/// The arguments of `ketch convert`.
#[derive(Debug, Args)]
#[command(after_help = "Example: ketch convert bell.json --to qasm2 -O bell.qasm")]
pub(crate) struct ConvertArgs {
    /// A circuit file: OpenQASM 2 or Qobj JSON; `-` is standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// The format to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Form,
    /// Write this file instead of standard output
    #[arg(short = 'O', long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
}

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// OpenQASM 2, one circuit
    Qasm2,
    /// Qobj JSON, as Qiskit 0.8 and later read it
    Qobj,
}

pub(crate) fn execute(args: &ConvertArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let input = input::load(&args.file)?;
    let text = written(&input.qobj, args.to).map_err(|failure| failure.about(&input.name))?;
    match &args.output {
        Some(path) => PendingFile::create(path)?.finish(|file| file.write_all(text.as_bytes()))?,
        None => out.write_all(text.as_bytes())?,
    }
    Ok(Exit::Ok)
}

fn written(qobj: &Qobj, form: Form) -> Result<String, Failure> {
    match form {
        Form::Qasm2 => {
            input::refuse_pulses(qobj)?;
            let [experiment] = qobj.experiments() else {
                let found = qobj.experiments().len();
                let message = format!("{found} experiments; OpenQASM 2 holds one circuit a file");
                return Err(Failure::new("circuit.inexpressible", message));
            };
            let circuit = &qobj.circuits()[experiment.circuit];
            let circuit = circuit.bind(&experiment.bindings).map_err(ketch::BackendError::from)?;
            qasm::emit_v2(&circuit).map_err(|error| {
                let message = "cannot be written in OpenQASM 2";
                Failure::new("circuit.inexpressible", message).caused_by(&error)
            })
        }
        Form::Qobj => {
            let document = qobj.to_json().map_err(ketch::BackendError::from)?;
            Ok(format!("{document:#}\n"))
        }
    }
}
