//! The dense engines: state vectors and unitaries.

pub(crate) mod apply;
mod channel;
mod deferred;
mod lower;
mod merge;
mod ready;
mod register;
pub(crate) mod sample;
pub(crate) mod save;
mod simulate;
pub(crate) mod small;
mod state;
mod strings;
#[cfg(test)]
mod tests;
mod trajectories;

use num_complex::Complex;

pub(crate) use apply::Apply;
pub(crate) use channel::Noise;
pub(crate) use register::THREADED_SHOT;
pub(crate) use simulate::{simulate, states_at_the_end};
pub(crate) use state::State;

use crate::{
    program::{Operation, Program, Step},
    stage::Staged,
};
use ketch_kernels::Real;

/// What is done to the amplitudes.
#[derive(Clone, Debug)]
pub(crate) enum DenseOp<T> {
    /// A unitary.
    Apply(Apply<T>),
    /// A run of unitaries.
    Staged(Box<Staged<T>>),
    /// What is no unitary.
    Noise(Noise<T>),
    /// Sets places that are |0> to a state; the first place is the lowest bit of its index.
    Prepare { places: Box<[usize]>, amplitudes: Box<[Complex<T>]> },
}

/// A program of a dense engine.
pub(crate) type DenseProgram<'c, T> = Program<'c, DenseOp<T>>;

impl<T: Real> Operation for DenseOp<T> {
    fn is_random(&self) -> bool {
        matches!(self, Self::Noise(_))
    }

    fn acts_on(&self, asked: impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Apply(apply) => apply::bits(apply.mask()).any(asked),
            Self::Staged(staged) => apply::bits(staged.mask()).any(asked),
            Self::Noise(noise) => noise.places().iter().copied().any(asked),
            Self::Prepare { places, .. } => places.iter().copied().any(asked),
        }
    }

    fn n_passes(&self) -> usize {
        match self {
            Self::Staged(staged) => staged.n_passes(),
            _ => 1,
        }
    }
}

/// Operators are drawn that leave the state with less than norm 1.
fn loses_norm<T: Real>(program: &DenseProgram<'_, T>) -> bool {
    program.steps.iter().any(|step| matches!(step, Step::Quantum(op) if op.is_random()))
}
