//! The compact binary form of [`Qobj`](crate::Qobj) and [`RunResult`](crate::RunResult): what
//! crosses the plugin boundary and what is kept on disk. `docs/formats.md` describes the bytes.
//!
//! Reading is safe for bytes from anywhere: every length is checked against what is left before
//! anything is allocated, circuits are [validated](crate::Circuit::validate), and nothing panics.

mod bytes;
mod circuit;
mod error;
mod expression;
mod frame;
mod maps;
mod names;
mod operation;
mod qobj;
mod result;
mod spread;
mod stored;

pub use error::DecodeError;
pub use qobj::{decode_qobj, decode_qobj_on, encode_qobj, encode_qobj_on};
pub use result::{decode_result, decode_result_on, encode_result, encode_result_on};
pub use spread::{Spread, one_by_one};
pub use stored::{result_from_bytes, result_to_bytes};
