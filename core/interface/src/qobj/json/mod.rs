//! Qobj as JSON: the documents of Qiskit from 0.6 (2018) to 0.46, and what Aer put into them.
//!
//! Readers look at the structure, never at the version string: it stayed "1.0.0" while the
//! format changed. What a document can say that a [`Circuit`](crate::Circuit) cannot is refused
//! by name, and the other way round.

mod conditions;
mod instructions;
mod params;
mod read;
mod sizes;
mod write;
mod write_circuit;

use serde_json::Value;

pub(crate) use sizes::{CLBIT_FIELDS, registers};

use super::Qobj;
use crate::{
    Circuit,
    circuit::{BindError, CircuitError},
    json::{Mistyped, Node},
};

/// Which generation of readers a document is written for. All of them are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum QobjDialect {
    /// Qiskit 0.6 and 0.7: a condition is a mask and a value beside the instruction.
    Terra06,
    /// From Qiskit 0.8 on: a `bfunc` computes a condition, which then is a register's number.
    #[default]
    V1,
}

/// A document that is not a Qobj, or a Qobj that no document can express.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QobjJsonError {
    /// The text is not JSON.
    #[error("not JSON at line {line}, column {column}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there.
        source: serde_json::Error,
    },
    /// Something is missing or of a wrong type.
    #[error(transparent)]
    Mistyped(#[from] Mistyped),
    /// An instruction that makes no sense.
    #[error("`{path}` is not well formed")]
    Circuit {
        /// Where.
        path: String,
        /// Why.
        source: CircuitError,
    },
    /// Something that a Qobj document has no words for.
    #[error("experiment {experiment}: {what} cannot be written in a Qobj document")]
    Inexpressible {
        /// Which experiment.
        experiment: usize,
        /// What.
        what: String,
    },
    /// An experiment whose numbers do not fit its circuit's parameters.
    #[error("experiment {experiment}: cannot bind its parameters")]
    Bind {
        /// Which experiment.
        experiment: usize,
        /// Why.
        source: BindError,
    },
    /// An experiment of a circuit that is not there.
    #[error("experiment {experiment} runs circuit {circuit} of {n_circuits}")]
    NoSuchCircuit {
        /// Which experiment.
        experiment: usize,
        /// The circuit that it names.
        circuit: usize,
        /// How many there are.
        n_circuits: usize,
    },
}

impl From<QobjJsonError> for crate::Error {
    fn from(error: QobjJsonError) -> Self {
        Self::InvalidQobj {
            reason: "cannot translate the JSON document".to_owned(),
            source: Some(std::sync::Arc::new(error)),
        }
    }
}

/// Reads a list of instructions on `n_qubits` qubits.
pub(crate) fn read_circuit(
    instructions: &Node<'_, '_>,
    n_qubits: u32,
) -> Result<Circuit, QobjJsonError> {
    instructions::Reader::new(Circuit::new(n_qubits, 0)).read(instructions)
}

/// The instructions of a circuit; what has no words in documents, otherwise.
pub(crate) fn write_circuit(circuit: &Circuit) -> Result<Vec<Value>, String> {
    write_circuit::instructions(circuit, QobjDialect::default())
}

impl Qobj {
    /// Reads a Qobj document.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn from_json(text: &str) -> Result<Self, QobjJsonError> {
        let document: Value = serde_json::from_str(text).map_err(|source| {
            let (line, column) = (source.line(), source.column());
            QobjJsonError::Syntax { line, column, source }
        })?;
        Self::from_json_value(&document)
    }

    /// Reads a Qobj document that is parsed already.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn from_json_value(document: &Value) -> Result<Self, QobjJsonError> {
        read::qobj(document)
    }

    /// Writes a Qobj document in the newest dialect.
    ///
    /// Each experiment is written with a circuit of its own, its parameters bound; what the schema
    /// wants in headers is added where it is missing.
    ///
    /// # Errors
    /// What a Qobj document cannot express, such as a loop.
    pub fn to_json(&self) -> Result<Value, QobjJsonError> {
        self.to_json_as(QobjDialect::default())
    }

    /// Writes a Qobj document in the given dialect.
    ///
    /// # Errors
    /// As [`to_json`](Self::to_json).
    pub fn to_json_as(&self, dialect: QobjDialect) -> Result<Value, QobjJsonError> {
        write::qobj(self, dialect)
    }
}
