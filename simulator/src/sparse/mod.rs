//! The sparse engine: a state by those of its basis states whose amplitude is not 0.
//!
//! Gates that permute basis states or turn their phases cost a few operations for each basis state
//! that is there, on any number of qubits; only gates that branch make more of them. So GHZ and W
//! states, arithmetic on basis states and oracles run on hundreds of qubits in microseconds.

mod index;
mod lower;
mod op;
mod register;
mod sample;
mod save;
mod simulate;
mod state;
mod support;
#[cfg(test)]
mod tests;

pub(crate) use simulate::simulate;
pub(crate) use support::{Effort, stays_sparse};

use op::SparseOp;

use crate::program::Program;

type SparseProgram<'c> = Program<'c, SparseOp>;
