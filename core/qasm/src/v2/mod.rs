//! OpenQASM 2, as specified in "Open Quantum Assembly Language", arXiv:1707.03429.
//!
//! Read in one pass: each statement becomes instructions as it is read, and nothing is allocated
//! for a plain gate beyond its place in the circuit. Where the specification leaves a choice:
//!
//! * `include "qelib1.inc"` is built in: the gate table's gates, those that Qiskit added to the
//!   file and its later standard gates too. A program may define gates that the specification's
//!   own file lacks; its definition wins from there on.
//! * Gates that the program defines are inlined where they are used, whatever their name.
//! * Registers and gates share one name space; a parameter or qubit of a gate's body hides them.
//! * A register that stands for all its bits makes one instruction of `measure`, `reset` and
//!   `barrier`, and one for each bit of a gate.
//! * The condition of `if` is asked once, also before a gate on a whole register.
//! * Numbers may have an exponent without a point, names may begin with a capital letter.

mod apply;
mod define;
mod definitions;
mod emit;
mod expression;
mod inline;
mod lower;
mod names;
mod parser;

pub use emit::{EmitError, MAX_WRITTEN_CONTROLS, emit_v2};
pub use expression::MAX_EXPRESSION_DEPTH;
pub use inline::{MAX_EXPANSION, MAX_NESTING, MAX_STEPS};
pub(crate) use lower::euler;
pub use parser::{MAX_INCLUDE_DEPTH, MAX_INCLUDES, parse};
