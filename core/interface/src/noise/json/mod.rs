//! Noise models as JSON: the dictionaries of Qiskit Aer's `NoiseModel.to_dict`, of all versions.
//!
//! ```json
//! {"errors": [
//!   {"type": "qerror", "operations": ["cx"], "gate_qubits": [[0, 1]],
//!    "probabilities": [0.9, 0.1], "instructions": [
//!      [{"name": "id", "qubits": [1]}],
//!      [{"name": "pauli", "params": ["XZ"], "qubits": [0, 1]}]]},
//!   {"type": "plerror", "operations": ["cx"], "rates": [0.01],
//!    "instructions": [[{"name": "pauli", "params": ["ZZ"], "qubits": [0, 1]}]]},
//!   {"type": "roerror", "operations": ["measure"], "probabilities": [[0.98, 0.02], [0.05, 0.95]]}
//! ]}
//! ```
//!
//! An error without `gate_qubits` is for all qubits; one with `noise_qubits`, which Aer wrote up to
//! 0.6, acts on other qubits than the gate's. `qubits` within an error count the gate's arguments.
//! Errors of the same instruction on the same qubits compose. One whose circuits are identities is none,
//! as for Aer; that certain qubits have no noise where all others have is said by gates that undo each
//! other, which means the same to both.
//!
//! `x90_gates`, of Aer's first versions, are made of pulses that have the noise of `x90`.
//!
//! Beside `errors`, where Aer looks at nothing else, stands what Aer's models hold and its
//! dictionaries lose: `basis_gates`, `relaxation` of idle qubits, and the device's tick `dt`, all in
//! seconds. An error's `id` means nothing and is not kept.

mod read;
mod write;

use serde_json::Value;

use super::{NoiseError, NoiseModel};
use crate::{json::Mistyped, qobj::QobjJsonError};

/// A document that is not a noise model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoiseJsonError {
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
    /// A circuit of an error that makes no sense.
    #[error("`{path}` is no circuit of an error")]
    Circuit {
        /// Where.
        path: String,
        /// Why.
        source: Box<QobjJsonError>,
    },
    /// An error that cannot be.
    #[error("`{path}` is refused")]
    Noise {
        /// Where.
        path: String,
        /// Why.
        source: NoiseError,
    },
}

impl NoiseModel {
    /// Reads a noise model.
    ///
    /// # Errors
    /// The first thing that is wrong, and where in the document.
    pub fn from_json(text: &str) -> Result<Self, NoiseJsonError> {
        let document: Value = serde_json::from_str(text).map_err(|source| {
            let (line, column) = (source.line(), source.column());
            NoiseJsonError::Syntax { line, column, source }
        })?;
        Self::from_json_value(&document)
    }

    /// Reads a noise model that is parsed already.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn from_json_value(document: &Value) -> Result<Self, NoiseJsonError> {
        read::model(document)
    }

    /// Writes the noise model as Aer does, one entry for each part of each error. Read again, it is
    /// the same model.
    #[must_use]
    pub fn to_json(&self) -> Value {
        write::model(self)
    }
}
