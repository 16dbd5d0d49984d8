//! Why an engine refuses or stops.

use std::sync::Arc;

use ketch_interface::circuit::{BindError, CircuitError, EvaluateError};
use ketch_kernels::{AllocError, SampleError, ThreadsError};

use crate::{Method, memory::Bytes};

/// Why an engine refuses a circuit or stops running it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The circuit cannot mean anything.
    #[error("the circuit is not valid")]
    InvalidCircuit(#[from] CircuitError),
    /// The method does not run this instruction.
    #[error("the {method} method does not run `{instruction}`: {reason}")]
    UnsupportedInstruction {
        /// The name of the instruction.
        instruction: String,
        /// The method.
        method: Method,
        /// Why not, and what to do.
        reason: String,
    },
    /// An instruction's numbers cannot be right.
    #[error("`{instruction}`: {reason}")]
    BadValue {
        /// The name of the instruction.
        instruction: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// The numbers do not fit the parameters.
    #[error("cannot bind the parameters")]
    Bind(#[from] BindError),
    /// An expression has no value.
    #[error("cannot evaluate an expression of `{instruction}`")]
    Evaluate {
        /// The name of the instruction.
        instruction: String,
        /// Why not.
        source: EvaluateError,
    },
    /// More memory is needed than there is. Found before any is taken.
    #[error(
        "{what} needs {}, {} free; try {advice}",
        Bytes(*.needed),
        Bytes(u128::from(*.available)),
    )]
    InsufficientMemory {
        /// What needs it, such as `a state of 35 qubits`.
        what: String,
        /// Bytes needed.
        needed: u128,
        /// Bytes free, or allowed by the options.
        available: u64,
        /// What may help.
        advice: &'static str,
    },
    /// The system refused memory that was thought to be there.
    #[error("cannot hold the state")]
    Allocate(#[from] AllocError),
    /// The threads could not be started.
    #[error("cannot start the simulation")]
    Threads(#[source] Arc<ThreadsError>),
    /// The state has no norm to draw outcomes from.
    #[error("cannot draw outcomes from the state")]
    Sample(#[source] Arc<SampleError>),
    /// Somebody asked for the work to stop.
    #[error("the simulation was cancelled")]
    Cancelled,
}

impl From<ThreadsError> for Error {
    fn from(error: ThreadsError) -> Self {
        Self::Threads(Arc::new(error))
    }
}

impl From<SampleError> for Error {
    fn from(error: SampleError) -> Self {
        Self::Sample(Arc::new(error))
    }
}
