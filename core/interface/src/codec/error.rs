//! Why bytes are not a document.

use crate::circuit::CircuitError;

/// Bytes that are not a document that this version can read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum DecodeError {
    #[error("these bytes are not a {expected}: they begin with {found:02x?}")]
    Magic { expected: &'static str, found: Vec<u8> },
    #[error(
        "the {what} is of format version {found}, this program reads version {known}; update it"
    )]
    Version { what: &'static str, found: u16, known: u16 },
    #[error("the {what} needs the unknown format features {bits:#x}; update this program")]
    Features { what: &'static str, bits: u32 },
    #[error("the {what} has the unknown critical section {number}; update this program")]
    Section { what: &'static str, number: u32 },
    #[error("unknown instruction `{name}`")]
    UnknownInstruction { name: String },
    #[error("{what}: {needed} bytes needed, {left} left")]
    Truncated { what: &'static str, needed: u64, left: u64 },
    #[error("{what}: found {found}, expected {expected}")]
    Invalid { what: &'static str, found: String, expected: &'static str },
    #[error("{what} is not JSON")]
    Json { what: &'static str, source: serde_json::Error },
    #[error("circuit {index} is not well formed")]
    Circuit { index: usize, source: CircuitError },
}

impl From<DecodeError> for crate::Error {
    fn from(error: DecodeError) -> Self {
        Self::caused("document.malformed", "cannot read a binary document", error)
    }
}
