//! Gates from matrices.

pub(crate) mod decompose;
pub(crate) mod kak;
pub(crate) mod one_qubit;
pub(crate) mod two_qubit;
