//! `ketch convert`: a circuit file in another format.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use ketch::{
    Circuit, Qobj, qasm,
    qobj::{Experiment, Program},
};

use super::run::{
    input::{self, Input},
    params::ParamArgs,
};
use crate::{exit::Exit, failure::Failure, output::file::PendingFile};

/// The arguments of `ketch convert`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ketch convert bell.json --to qasm2 -O bell.qasm
  ketch convert ansatz.qpy --to qasm3 -p theta=pi/4
  ketch convert *.qasm --to qobj -O converted/")]
pub(crate) struct ConvertArgs {
    /// Circuit files: OpenQASM, QPY or Qobj JSON; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// The format to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Form,
    #[command(flatten)]
    params: ParamArgs,
    /// Write this file, or files of the same names into this directory, instead of standard output
    #[arg(short = 'O', long, value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
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
    let directory = args.output.as_deref().filter(|output| output.is_dir());
    let mut texts = Vec::new();
    for file in &args.files {
        let input = loaded(file, &args.params, args.to)?;
        let several = directory.is_some() && args.to != Form::Qobj;
        let parts = if several { parts(input.qobj) } else { vec![input.qobj] };
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let stem = if stem == "-" { "stdin" } else { &stem };
        for (number, part) in parts.iter().enumerate() {
            let text = written(part, args.to).map_err(|failure| failure.about(&input.name))?;
            let number = if parts.len() > 1 { format!("-{number}") } else { String::new() };
            texts.push((format!("{stem}{number}.{}", args.to.ending()), text));
        }
    }
    let Some(directory) = directory else {
        let [(_, text)] = &texts[..] else {
            let message = format!("{} files; standard output and a file hold one", texts.len());
            let failure = Failure::usage(message);
            return Err(failure.with_hint("-O DIRECTORY, which exists, takes any number"));
        };
        return put(text, args.output.as_deref(), out);
    };
    let mut names: Vec<&String> = texts.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let message = format!("two of the files would become `{}`", twice[0]);
        return Err(Failure::usage(message));
    }
    for (name, text) in &texts {
        put(text, Some(&directory.join(name)), out)?;
    }
    Ok(Exit::Ok)
}

/// Reads a file, with numbers for its parameters: for all of them, or for none. Only OpenQASM 3 has
/// words for parameters that have none; there they stay inputs.
pub(crate) fn loaded(file: &Path, params: &ParamArgs, form: Form) -> Result<Input, Failure> {
    let mut input = input::load_with(file, &params.numbers())?;
    if form != Form::Qasm3 || !params.is_empty() {
        let bound = params.bind(&mut input.qobj, &input.inputs);
        bound.map_err(|failure| failure.about(&input.name))?;
    }
    Ok(input)
}

/// A Qobj of each experiment.
fn parts(qobj: Qobj) -> Vec<Qobj> {
    let Program::Circuits { circuits, experiments } = &qobj.program else { return vec![qobj] };
    let part = |experiment: &Experiment| Qobj {
        program: Program::Circuits {
            circuits: vec![circuits[experiment.circuit].clone()],
            experiments: vec![Experiment { circuit: 0, ..experiment.clone() }],
        },
        qobj_id: qobj.qobj_id.clone(),
        header: qobj.header.clone(),
        config: qobj.config.clone(),
    };
    match experiments.len() {
        0 | 1 => vec![qobj],
        _ => experiments.iter().map(part).collect(),
    }
}

impl Form {
    fn ending(self) -> &'static str {
        match self {
            Self::Qasm2 | Self::Qasm3 => "qasm",
            Self::Qobj => "json",
        }
    }
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

/// The circuit of a Qobj of one experiment, with the numbers that it has for its parameters.
fn only_circuit(qobj: &Qobj) -> Result<Circuit, Failure> {
    input::refuse_pulses(qobj)?;
    let [experiment] = qobj.experiments() else {
        let found = qobj.experiments().len();
        let message = format!("{found} experiments; OpenQASM holds one circuit a file");
        return Err(Failure::new("circuit.inexpressible", message));
    };
    let circuit = &qobj.circuits()[experiment.circuit];
    if experiment.bindings.is_empty() {
        return Ok(circuit.clone());
    }
    Ok(circuit.bind(&experiment.bindings).map_err(ketch::BackendError::from)?)
}
