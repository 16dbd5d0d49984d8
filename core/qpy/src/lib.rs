//! Qiskit's QPY files into Ketch [`Circuit`]s.
//!
//! QPY is the binary form in which Qiskit keeps circuits and in which its clients send them.
//! Versions 13 to 18 are read, which Qiskit 1.3 and later write. [`read`] gives one [`Program`] for
//! each circuit of a file, the same thing that the reader of OpenQASM 3 gives for a program: what
//! happens while it runs as blocks, variables and expressions, and free parameters by name,
//! elements of vectors as `theta[0]`.
//!
//! Files may come from strangers: whatever they hold, reading takes time and memory in proportion
//! to the bytes and to [`MAX_EXPANSION`], and ends with circuits that are valid or with an
//! [`Error`].
//!
//! The format is documented in Qiskit's module `qiskit.qpy`.

#![forbid(unsafe_code)]

mod cursor;
mod decode;
mod error;
mod lower;
mod model;

use std::{collections::BTreeMap, ops::RangeInclusive};

use ketch_interface::Circuit;

pub use error::Error;
pub use lower::{MAX_EXPANSION, MAX_UNROLLED, MAX_UNROLLED_TOGETHER};

/// The versions of the format that are read.
pub const VERSIONS: RangeInclusive<u8> = 13..=18;

/// The numbers that circuits' input variables get, by name.
pub type Inputs = BTreeMap<String, f64>;

/// A circuit of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The circuit, with the name that it has in Qiskit. Its
    /// [`parameters`](Circuit::parameters) stand in Qiskit's order: by name, elements of a vector
    /// by their place.
    pub circuit: Circuit,
    /// Its classical registers in Qiskit's order. Unlike [`Circuit::cregs`], they may share bits
    /// and leave some out.
    pub registers: Vec<ClassicalRegister>,
    /// The input variables that got a number.
    pub inputs: Vec<String>,
}

/// A classical register as Qiskit has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassicalRegister {
    /// Its name.
    pub name: String,
    /// The circuit's clbit at each place, the lowest first.
    pub clbits: Vec<u32>,
}

/// The bytes are those of a QPY file, whether its version is one that is read or not.
#[must_use]
pub fn is_qpy(bytes: &[u8]) -> bool {
    decode::is_qpy(bytes)
}

/// Reads a file. Its circuits may have no input variables of types other than `Float`, which become
/// parameters.
///
/// # Errors
/// If it is no QPY file of a version that is read, or holds something that no circuit expresses.
pub fn read(bytes: &[u8]) -> Result<Vec<Program>, Error> {
    read_with(bytes, &Inputs::new())
}

/// As [`read`], with numbers for input variables. Names that a circuit does not have are left
/// alone.
///
/// # Errors
/// As [`read`]; also if an input gets a number that its type does not hold.
pub fn read_with(bytes: &[u8], inputs: &Inputs) -> Result<Vec<Program>, Error> {
    let circuits = decode::circuits(bytes)?;
    lower::programs(&circuits, inputs, bytes.len())
}
