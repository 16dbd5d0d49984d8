//! Circuit files and standard input.

use std::{
    io::{self, Read},
    path::Path,
};

use ketch::{Qobj, qobj::Program};

use crate::failure::Failure;

/// What a file holds, and how it is called in messages.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) qobj: Qobj,
    /// The inputs of the program that got a value.
    pub(crate) inputs: Vec<String>,
}

/// The most that is read from standard input.
const MAX_STDIN: u64 = 1 << 30;

/// How a file is called in messages.
pub(crate) fn name_of(path: &Path) -> String {
    if path.as_os_str() == "-" { "<stdin>".to_owned() } else { path.display().to_string() }
}

/// Reads a file, or standard input if it is called `-`. Blocks.
///
/// # Errors
/// If it cannot be read, or is no circuit file.
pub(crate) fn load(path: &Path) -> Result<Input, Failure> {
    load_with(path, &[])
}

/// As [`load`], with numbers for the inputs of an OpenQASM 3 program or of QPY circuits.
///
/// # Errors
/// As [`load`]; also if a number does not fit its input.
pub(crate) fn load_with(path: &Path, numbers: &[(String, f64)]) -> Result<Input, Failure> {
    let name = name_of(path);
    let numbers = numbers.iter().cloned().collect();
    let loaded = if path.as_os_str() == "-" {
        ketch::load_bytes_with(read_stdin()?, &name, &numbers)?
    } else {
        ketch::load_with(path, &numbers)?
    };
    Ok(Input { name, qobj: loaded.qobj, inputs: loaded.inputs })
}

/// Refuses what has no circuits in it.
///
/// # Errors
/// If the Qobj is a pulse document, or has no experiments.
pub(crate) fn refuse_pulses(qobj: &Qobj) -> Result<(), Failure> {
    match &qobj.program {
        Program::Pulse(_) => {
            let failure = Failure::new("qobj.pulse", "the document is a pulse Qobj, not circuits");
            Err(failure.with_hint("expected a Qobj of type QASM"))
        }
        Program::Circuits { experiments, .. } if experiments.is_empty() => {
            Err(Failure::new("qobj.empty", "the Qobj has no experiments"))
        }
        Program::Circuits { .. } => Ok(()),
    }
}

fn read_stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(MAX_STDIN + 1).read_to_end(&mut bytes);
    read.map_err(|error| {
        Failure::new("input.unreadable", "cannot read standard input").caused_by(&error)
    })?;
    if bytes.len() as u64 > MAX_STDIN {
        let message = format!("standard input is larger than {MAX_STDIN} bytes");
        return Err(Failure::new("input.too_large", message));
    }
    Ok(bytes)
}
