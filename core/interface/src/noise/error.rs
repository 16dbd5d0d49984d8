//! Why a description of noise is refused.

/// Why a description of noise is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoiseError {
    /// A number that cannot be right.
    #[error("{key} is {found}, expected {expected}")]
    BadNumber {
        /// Which number, such as `qubits[3].T1`.
        key: String,
        /// Its value.
        found: f64,
        /// What would be right.
        expected: &'static str,
    },
    /// A number in a unit of something else.
    #[error("{key} is in `{unit}`, expected {expected}")]
    BadUnit {
        /// Which number, such as `qubits[3].T1`.
        key: String,
        /// Its unit.
        unit: String,
        /// The units that would be right.
        expected: &'static str,
    },
    /// Matrices of the wrong form.
    #[error("{0}")]
    BadShape(String),
    /// A channel that makes or loses probability.
    #[error(
        "the channel does not keep the trace: the sum of K†K is off the identity by {defect:.1e}"
    )]
    NotTracePreserving {
        /// The largest absolute difference between an entry of the sum of K†K and of the identity.
        defect: f64,
    },
    /// A matrix that is no unitary where one is needed.
    #[error("the matrix is not unitary: U†U is off the identity by {defect:.1e}")]
    NotUnitary {
        /// The largest absolute difference between an entry of U†U and of the identity.
        defect: f64,
    },
    /// A map that would give negative probabilities.
    #[error("the map is not completely positive: its Choi matrix is off by {defect:.1e}")]
    NotPositive {
        /// How far the Choi matrix is from being Hermitian and positive semidefinite.
        defect: f64,
    },
}
