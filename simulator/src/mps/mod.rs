//! Matrix product states: a chain of tensors whose size is the entanglement and not the number of
//! qubits.
//!
//! Reading order: `chain` is the state and its canonical forms; `pair` is a gate on two neighbours,
//! `operator` one on any number of sites; `linalg` divides tensors, `truncation` says what of them
//! is kept. `queue` merges gates before they are applied; `register` is what programs run on, and
//! `branch` what they draw; `observe` reads amplitudes and probabilities, `sample` draws shots.
//!
//! Sources: Vidal, Phys. Rev. Lett. 91, 147902 (2003); Schollwöck, Ann. Phys. 326, 96 (2011).

mod branch;
mod chain;
mod linalg;
mod lower;
mod matrix;
mod observe;
mod op;
mod operator;
mod pair;
mod queue;
mod register;
mod sample;
mod save;
mod simulate;
#[cfg(test)]
mod tests;
mod truncation;

pub(crate) use simulate::simulate;
pub use truncation::Truncation;

use op::MpsOp;

use crate::program::Program;

type MpsProgram<'c> = Program<'c, MpsOp>;
