//! OpenQASM in and out of Ketch [`Circuit`]s.
//!
//! * [`load`] reads a file, [`parse_str`] a text: OpenQASM 2 as specified in arXiv:1707.03429, or
//!   OpenQASM 3.1. Which of them, the program says itself; [`read`] also takes values for `input`s.
//! * [`emit_v2`] writes OpenQASM 2, [`emit_v3`] OpenQASM 3.
//! * [`Error`] holds [`Diagnostic`]s with file, line, column and, often, what was meant.
//!
//! Programs may come from strangers: whatever they hold, parsing takes time and memory in
//! proportion to the file and the bounds of [`v2`] and [`v3`], and reads no file outside the
//! program's directory.
//!
//! ```
//! let bell = r#"
//!     OPENQASM 2.0;
//!     include "qelib1.inc";
//!     qreg q[2];
//!     creg c[2];
//!     h q[0];
//!     cx q[0], q[1];
//!     measure q -> c;
//! "#;
//! let circuit = ketch_qasm::parse_str(bell, "bell.qasm").unwrap();
//! assert_eq!(circuit.n_qubits(), 2);
//! ```

#![forbid(unsafe_code)]

mod diagnostic;
mod lexer;
mod source;
mod unique;
pub mod v2;
pub mod v3;
mod version;

use std::path::Path;

use ketch_interface::Circuit;

pub use diagnostic::{Diagnostic, Error};
pub use source::{Directory, Includes, MAX_INCLUDED, MAX_PROGRAM, NoIncludes, Source};
pub use v2::{EmitError, emit_v2};
pub use v3::{Inputs, Program, emit_v3};
pub use version::{Version, version_of};

/// What the functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Reads a file and names the circuit after it, without folder and extension. Blocks.
///
/// # Errors
/// As [`parse_file`].
pub fn load(path: impl AsRef<Path>) -> Result<Circuit> {
    let path = path.as_ref();
    let mut circuit = parse_file(path)?;
    circuit.name = path.file_stem().map_or(String::new(), |s| s.to_string_lossy().into_owned());
    Ok(circuit)
}

/// Reads a file. It may include files of its own directory and below. Blocks.
///
/// # Errors
/// If it cannot be read, or is no OpenQASM program.
pub fn parse_file(path: impl AsRef<Path>) -> Result<Circuit> {
    let path = path.as_ref();
    let source = Source::open(path)?;
    let directory = Directory::of(path)
        .map_err(|error| Error::Read { path: path.to_owned(), source: error.into() })?;
    read(&source, &directory, &Inputs::new()).map(|program| program.circuit)
}

/// Reads a text, which is called `name` in messages. It may include nothing but the standard
/// library.
///
/// # Errors
/// If it is no OpenQASM program.
pub fn parse_str(text: &str, name: &str) -> Result<Circuit> {
    read(&Source::new(text, name), &NoIncludes, &Inputs::new()).map(|program| program.circuit)
}

/// Reads a program of either version. Its `input`s get these values; those of type `float` and
/// `angle` that get none become parameters of the circuit. A program without a version line is
/// read as version 3, which does not ask for one.
///
/// # Errors
/// If it is no OpenQASM program.
pub fn read(source: &Source, includes: &dyn Includes, inputs: &Inputs) -> Result<Program> {
    match version_of(&source.text) {
        Some(Version { major: ..=2, .. }) => {
            v2::parse(source, includes).map(|circuit| Program { circuit, inputs: Vec::new() })
        }
        _ => v3::parse(source, includes, inputs),
    }
}
