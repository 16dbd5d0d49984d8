//! Density matrices and superoperators in the basis of Pauli strings.
//!
//! There the density matrix of `n` qubits is `4^n` real numbers, half of what its entries are, and
//! gates and channels are real matrices: noise of Pauli errors is diagonal, a Clifford gate has one
//! entry a row, and a gate on one qubit turns three numbers. Expectation values of strings are read
//! off, what is left of some qubits is a part of the array, and probabilities are a transform of
//! `2^n` of the numbers. A superoperator is the images of all `4^n` strings.
//!
//! `basis` converts to entries and back; `channel` makes the matrices; `plan` merges them and
//! gathers them into stages that run on one tile of the array after the other while it is in
//! cache; `state` holds the array; `lower`, `register` and `simulate` run programs.

mod basis;
mod channel;
mod known;
mod lower;
mod plan;
mod register;
mod sample;
mod save;
mod simulate;
pub(crate) mod state;

use ketch_kernels::{MapStage, Real};
use num_complex::Complex;

use self::channel::Transfer;
use crate::{
    dense::{Apply, apply::bits},
    program::{Operation, Program, Step},
};

pub(crate) use simulate::simulate;

/// The most places of a gate that becomes a matrix on strings: of `16^3` entries.
const TRANSFER_PLACES: usize = 3;

/// What is done to the state.
#[derive(Clone, Debug)]
pub(crate) enum DensityOp<T> {
    /// Gates and channels on these places.
    Stages { places: Box<[usize]>, stages: Box<[MapStage<T>]> },
    /// A unitary on many places.
    Wide(Apply<T>),
    /// Sets places to a state; the first place is the lowest bit of its index.
    Prepare { places: Box<[usize]>, amplitudes: Box<[Complex<T>]> },
}

pub(crate) type DensityProgram<'c, T> = Program<'c, DensityOp<T>>;

impl<T: Real> Operation for DensityOp<T> {
    fn is_random(&self) -> bool {
        false
    }

    fn acts_on(&self, asked: impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Stages { places, .. } | Self::Prepare { places, .. } => {
                places.iter().copied().any(asked)
            }
            Self::Wide(apply) => bits(apply.mask()).any(asked),
        }
    }
}

/// How many times a program goes through the array.
fn n_passes<T: Real>(program: &DensityProgram<'_, T>) -> usize {
    let passes = program.steps.iter().map(|step| match step {
        Step::Quantum(DensityOp::Stages { stages, .. }) => stages.len(),
        Step::Quantum(_) | Step::Dynamic(_) => 1,
        _ => 0,
    });
    passes.sum()
}

/// A gate as a matrix on strings, if it is on few places.
fn transfer(apply: &Apply<f64>) -> Option<Transfer> {
    (apply.mask().count_ones() as usize <= TRANSFER_PLACES).then(|| Transfer::of_unitary(apply))
}
