//! `ketch convert`: a circuit file in another format.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use ketch::{Circuit, Qobj, qasm};

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
pub(crate) enum Form {
    /// OpenQASM 2, one circuit
    Qasm2,
    /// OpenQASM 3, one circuit
    Qasm3,
    /// Qobj JSON, as Qiskit 0.8 and later read it
    Qobj,
}

pub(crate) fn execute(args: &ConvertArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let input = input::load(&args.file)?;
    let text = written(&input.qobj, args.to).map_err(|failure| failure.about(&input.name))?;
    put(&text, args.output.as_deref(), out)
}

/// Writes a text to a file, or to standard output.
pub(crate) fn put(text: &str, file: Option<&Path>, out: &mut dyn Write) -> Result<Exit, Failure> {
    match file {
        Some(path) => PendingFile::create(path)?.finish(|file| file.write_all(text.as_bytes()))?,
        None => out.write_all(text.as_bytes())?,
    }
    Ok(Exit::Ok)
}

/// A Qobj as the text of a format.
pub(crate) fn written(qobj: &Qobj, form: Form) -> Result<String, Failure> {
    let inexpressible = |language: &str, error: &dyn std::error::Error| {
        let message = format!("cannot be written in {language}");
        Failure::new("circuit.inexpressible", message).caused_by(error)
    };
    match form {
        Form::Qasm2 => {
            qasm::emit_v2(&only_circuit(qobj)?).map_err(|error| inexpressible("OpenQASM 2", &error))
        }
        Form::Qasm3 => {
            qasm::emit_v3(&only_circuit(qobj)?).map_err(|error| inexpressible("OpenQASM 3", &error))
        }
        Form::Qobj => {
            let document = qobj.to_json().map_err(ketch::BackendError::from)?;
            Ok(format!("{document:#}\n"))
        }
    }
}

/// The circuit of a Qobj of one experiment, with numbers for its parameters.
fn only_circuit(qobj: &Qobj) -> Result<Circuit, Failure> {
    input::refuse_pulses(qobj)?;
    let [experiment] = qobj.experiments() else {
        let found = qobj.experiments().len();
        let message = format!("{found} experiments; OpenQASM holds one circuit a file");
        return Err(Failure::new("circuit.inexpressible", message));
    };
    let circuit = &qobj.circuits()[experiment.circuit];
    Ok(circuit.bind(&experiment.bindings).map_err(ketch::BackendError::from)?)
}
