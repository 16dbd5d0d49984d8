//! OpenQASM 3, as specified in "OpenQASM 3: A Broader and Deeper Quantum Assembly Language",
//! arXiv:2104.14722, and its live specification.

mod definitions;
mod emit;
mod expression;
mod names;

pub use emit::{EmitError, creg_names, emit_v3};
