//! Circuit files of every format.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{Qobj, qasm, qobj::QobjJsonError, qpy};

/// A file may have this many bytes.
const MAX_FILE: u64 = 1 << 30;

/// The form of a circuit file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// OpenQASM 2.
    Qasm2,
    /// OpenQASM 3.
    Qasm3,
    /// A Qobj document.
    QobjJson,
    /// Qiskit's QPY.
    Qpy,
}

/// What a circuit file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// Its circuits and experiments. An OpenQASM program becomes one experiment, named after the
    /// file; the circuits of a QPY file are named in it.
    pub qobj: Qobj,
    /// The form it was in.
    pub format: Format,
    /// The `input`s of an OpenQASM 3 program, or of the circuits of a QPY file, that got a value.
    pub inputs: Vec<String>,
}

/// A circuit file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum LoadError {
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is larger than {} bytes", path.display(), MAX_FILE)]
    TooLarge { path: PathBuf },
    #[error("`{}` is not UTF-8 text", path.display())]
    NotText { path: PathBuf },
    /// The message is the diagnostic itself, in several lines.
    #[error(transparent)]
    Qasm(#[from] qasm::Error),
    #[error("`{}` is not a Qobj document", path.display())]
    QobjJson { path: PathBuf, source: QobjJsonError },
    #[error("cannot use `{}`", path.display())]
    Qpy { path: PathBuf, source: qpy::Error },
    #[error("`{}` is no circuit file", path.display())]
    Unknown { path: PathBuf },
}

impl LoadError {
    /// The stable word for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "input.unreadable",
            Self::TooLarge { .. } => "input.too_large",
            Self::NotText { .. } => "input.not_text",
            Self::Qasm(_) => "qasm.invalid",
            Self::QobjJson { .. } => "qobj.invalid",
            Self::Qpy { .. } => "qpy.invalid",
            Self::Unknown { .. } => "input.unknown_format",
        }
    }

    /// What the user can do about it, where we know.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotText { .. } | Self::Unknown { .. } => Some(
                "expected OpenQASM 2 (`OPENQASM 2.0;` first), OpenQASM 3, a Qobj in JSON or QPY"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// Reads a circuit file: OpenQASM 2 or 3, a Qobj in JSON, or QPY. What it is, its content says. Blocks
/// while the file is read.
///
/// # Errors
/// If the file cannot be read or is not well formed, with line and column.
pub fn load(path: impl AsRef<Path>) -> Result<Loaded, LoadError> {
    load_with(path, &qasm::Inputs::new())
}

/// As [`load`], with values for the `input`s of an OpenQASM 3 program and the input variables of
/// QPY circuits. Those that the program does not have are left alone.
///
/// # Errors
/// As [`load`]; also if an input gets a value that its type does not hold.
pub fn load_with(path: impl AsRef<Path>, inputs: &qasm::Inputs) -> Result<Loaded, LoadError> {
    let path = path.as_ref();
    let read = |source| LoadError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(read)?;
    if !file.metadata().map_err(read)?.is_dir() {
        // A pipe or device has no length; the limit holds for it all the same.
        let mut bytes = Vec::new();
        (&mut file).take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(read)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(LoadError::TooLarge { path: path.to_owned() });
        }
        if qpy::is_qpy(&bytes) {
            return loaded_qpy(path, &bytes, inputs);
        }
        let text = text(path, bytes)?;
        let program = |text: &str| {
            let name = path.to_string_lossy();
            let includes = qasm::Directory::of(path).map_err(read)?;
            let source = qasm::Source::new(text, &*name);
            Ok(qasm::read(&source, &includes, inputs)?)
        };
        return loaded(path, &text, program);
    }
    Err(read(io::Error::from(io::ErrorKind::IsADirectory)))
}

/// As [`load`], from text that is at hand; `name` stands for the file in messages. OpenQASM
/// programs may include nothing but the standard library.
///
/// # Errors
/// As [`load`].
pub fn load_text(text: &str, name: &str) -> Result<Loaded, LoadError> {
    load_text_with(text, name, &qasm::Inputs::new())
}

/// As [`load_text`], with values for the `input`s of an OpenQASM 3 program.
///
/// # Errors
/// As [`load_with`].
pub fn load_text_with(text: &str, name: &str, inputs: &qasm::Inputs) -> Result<Loaded, LoadError> {
    let program = |text: &str| {
        let source = qasm::Source::new(text, name);
        Ok(qasm::read(&source, &qasm::NoIncludes, inputs)?)
    };
    loaded(Path::new(name), text, program)
}

/// As [`load_text_with`], from bytes: also those of a QPY file.
///
/// # Errors
/// As [`load_with`].
pub fn load_bytes_with(
    bytes: Vec<u8>,
    name: &str,
    inputs: &qasm::Inputs,
) -> Result<Loaded, LoadError> {
    let path = Path::new(name);
    match qpy::is_qpy(&bytes) {
        true => loaded_qpy(path, &bytes, inputs),
        false => load_text_with(&text(path, bytes)?, name, inputs),
    }
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, LoadError> {
    String::from_utf8(bytes).map_err(|_| LoadError::NotText { path: path.to_owned() })
}

fn loaded_qpy(path: &Path, bytes: &[u8], inputs: &qasm::Inputs) -> Result<Loaded, LoadError> {
    let programs = qpy::read_with(bytes, inputs)
        .map_err(|source| LoadError::Qpy { path: path.to_owned(), source })?;
    let mut used: Vec<String> = programs.iter().flat_map(|p| p.inputs.clone()).collect();
    used.sort_unstable();
    used.dedup();
    let circuits = programs.into_iter().map(|program| program.circuit).collect();
    let qobj = Qobj::from_circuits(circuits);
    Ok(Loaded { qobj, format: Format::Qpy, inputs: used })
}

fn loaded(
    path: &Path,
    text: &str,
    program: impl FnOnce(&str) -> Result<qasm::Program, LoadError>,
) -> Result<Loaded, LoadError> {
    let document = text.strip_prefix('\u{feff}').unwrap_or(text);
    if document.trim_start().starts_with('{') {
        let qobj = Qobj::from_json(document)
            .map_err(|source| LoadError::QobjJson { path: path.to_owned(), source })?;
        return Ok(Loaded { qobj, format: Format::QobjJson, inputs: Vec::new() });
    }
    let json = path.extension().is_some_and(|extension| extension == "json");
    if json || text.trim().is_empty() {
        return Err(LoadError::Unknown { path: path.to_owned() });
    }
    let format = match qasm::version_of(text) {
        Some(qasm::Version { major: ..=2, .. }) => Format::Qasm2,
        _ => Format::Qasm3,
    };
    let qasm::Program { mut circuit, inputs } = program(text)?;
    circuit.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Loaded { qobj: Qobj::from_circuit(circuit), format, inputs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expected: &str) {
        let found = match load_text(text, name) {
            Ok(loaded) => {
                let experiments = loaded.qobj.experiments().iter();
                let names: Vec<_> = experiments.map(|e| loaded.qobj.experiment_name(e)).collect();
                format!("{:?} {}", loaded.format, names.join(" "))
            }
            Err(error) => error.code().to_owned(),
        };
        assert_eq!(found, expected, "{name}: {text}");
    }

    #[test]
    fn the_content_says_what_a_file_is() {
        check("dir/bell.qasm", "OPENQASM 2.0; qreg q[1];", "Qasm2 bell");
        check("bell.txt", "OPENQASM 2.0; qreg q[1];", "Qasm2 bell");
        check("bell.qasm", "OPENQASM 3.0; qubit q;", "Qasm3 bell");
        check("bell.qasm", "/* no version */ qubit q;", "Qasm3 bell");
        check("a.qasm", " {\"qobj_id\": 1}", "qobj.invalid");
        // Editors of Windows begin a file with a byte order mark.
        check("a.qasm", "\u{feff}OPENQASM 2.0; qreg q[1];", "Qasm2 a");
        let qobj = Qobj::from_circuit(crate::Circuit::new(1, 0)).to_json().unwrap();
        check("a.json", &format!("\u{feff}{qobj}"), "QobjJson ");
        check("a.json", "[1]", "input.unknown_format");
        check("a.qasm", " \n", "input.unknown_format");
        check("a.qasm", "hello", "qasm.invalid");
    }

    #[test]
    fn directories_and_missing_files_are_unreadable() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(load(directory.path()).unwrap_err().code(), "input.unreadable");
        assert_eq!(load(directory.path().join("no.qasm")).unwrap_err().code(), "input.unreadable");
        let binary = directory.path().join("b.qasm");
        std::fs::write(&binary, [0xff, 0xfe, 0x00]).unwrap();
        assert_eq!(load(&binary).unwrap_err().code(), "input.not_text");
    }
}
