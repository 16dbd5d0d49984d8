//! The stabilizer engine: Clifford circuits on thousands of qubits, and Pauli noise on them.
//!
//! `recognise` finds out what an instruction does by its matrix: `clifford` splits gates into
//! elementary ones, `mixture` splits channels into operations that are drawn. `tableau` is the
//! state. `register` lets the interpreter run any program on it; where a circuit runs
//! straight through, `plan` runs the tableau once and turns all shots into Pauli frames, which
//! `sample` runs in blocks. `save` reads values from the state.

mod check;
mod clifford;
mod condition;
mod lower;
mod mixture;
mod plan;
mod recognise;
mod register;
mod sample;
mod save;
mod simulate;
mod tableau;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use check::Checker;
pub(crate) use simulate::{memory_needed, simulate};

use crate::program::{Operation, Program};
pub(crate) use clifford::Clifford;
use mixture::Mixture;
#[cfg(test)]
pub(crate) use tableau::Tableau;

/// What is done to a stabilizer state.
#[derive(Clone, Debug)]
pub(crate) enum StabilizerOp {
    /// An elementary gate on places.
    Gate(Clifford),
    /// One of some operations on places is drawn.
    Noise { mixture: Arc<Mixture>, places: Box<[u32]> },
}

/// A program of the stabilizer engine.
pub(crate) type StabilizerProgram<'c> = Program<'c, StabilizerOp>;

impl Operation for StabilizerOp {
    fn is_random(&self) -> bool {
        matches!(self, Self::Noise { .. })
    }

    fn acts_on(&self, asked: impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Gate(gate) => gate.places().into_iter().any(|place| asked(place as usize)),
            Self::Noise { places, .. } => places.iter().any(|&place| asked(place as usize)),
        }
    }
}

/// Whether a unitary maps every Pauli string to a Pauli string.
#[cfg(test)]
pub(crate) fn is_clifford(matrix: &ketch_interface::Matrix) -> bool {
    clifford::decompose(matrix).is_some()
}
