//! What is wrong with a file.

use ketch_interface::circuit::CircuitError;

use crate::VERSIONS;

/// A file that cannot be read, or circuits in it that cannot be run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("no QPY file: it does not begin with `QISKIT`")]
    NotQpy,
    #[error(
        "QPY version {found}, expected {} to {}; {}",
        VERSIONS.start(),
        VERSIONS.end(),
        advice(*found)
    )]
    Version { found: u8 },
    #[error("broken QPY file: {reason}, at byte {at}")]
    Malformed { at: usize, reason: String },
    /// A circuit that is well written and cannot be expressed.
    #[error("circuit `{circuit}`: `{instruction}`: {reason}")]
    Unsupported { circuit: String, instruction: String, reason: String },
    #[error("circuit `{circuit}`: {reason}")]
    Unrunnable { circuit: String, reason: String },
    #[error("circuit `{circuit}` cannot be run")]
    Invalid { circuit: String, source: CircuitError },
}

fn advice(found: u8) -> String {
    match found < *VERSIONS.start() {
        true => format!("Qiskit 1.3 and later write `qpy.dump(…, version={})`", VERSIONS.start()),
        false => format!("write it with `qpy.dump(…, version={})`", VERSIONS.end()),
    }
}

/// What reading bytes gives.
pub(crate) type Decoded<T> = Result<T, Error>;

#[cold]
pub(crate) fn malformed<T>(at: usize, reason: impl Into<String>) -> Decoded<T> {
    Err(Error::Malformed { at, reason: reason.into() })
}
