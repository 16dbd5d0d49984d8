//! The state as the register that programs run on.

use ketch_interface::circuit::{GateOp, Save, SetState, Snapshot};
use ketch_kernels::{Real, Threads};

use super::{Apply, DenseOp, DenseProgram, State, loses_norm, save};
use crate::{Error, Saved, rng::ShotRandom, run::Register};

/// Places from which one shot at a time uses all threads: below, several states fit the caches.
pub(crate) const THREADED_SHOT: usize = 19;

impl<'t, T: Real> Register<'t> for State<'t, T> {
    type Op = DenseOp<T>;

    fn apply(&mut self, op: &DenseOp<T>, random: &mut ShotRandom) -> Result<(), Error> {
        match op {
            DenseOp::Apply(apply) => self.apply_unitary(apply),
            DenseOp::Staged(staged) => self.apply_staged(staged)?,
            DenseOp::Noise(noise) => noise.run(self, random.uniform())?,
            DenseOp::Prepare { places, amplitudes } => self.prepare(places, amplitudes),
        }
        Ok(())
    }

    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize]) -> Result<(), Error> {
        if let Some(apply) = Apply::of_gate(op, params, places) {
            self.apply_unitary(&apply.cast());
        }
        Ok(())
    }

    fn measure(&mut self, place: usize, uniform: f64) -> Result<bool, Error> {
        State::measure(self, place, uniform)
    }

    fn reset(&mut self, place: usize, uniform: f64) -> Result<(), Error> {
        State::reset(self, place, uniform)
    }

    fn set(&mut self, state: &SetState) -> Result<(), Error> {
        match state {
            SetState::Statevector(amplitudes) => State::set(self, amplitudes),
            SetState::Unitary(matrix) | SetState::DensityMatrix(matrix) => {
                State::set(self, matrix.entries());
            }
            _ => unreachable!("the check refused the other forms"),
        }
        Ok(())
    }

    fn save(
        &mut self,
        program: &DenseProgram<'_, T>,
        index: usize,
        save: &Save,
    ) -> Result<Saved, Error> {
        if loses_norm(program) {
            self.normalize()?;
        }
        save::saved(program, index, save, self)
    }

    fn snapshot(
        &mut self,
        program: &DenseProgram<'_, T>,
        index: usize,
        snapshot: &Snapshot,
    ) -> Result<Saved, Error> {
        if loses_norm(program) {
            self.normalize()?;
        }
        save::snapshot(program, index, snapshot, self)
    }

    fn fork(&self, threads: &'t Threads) -> Result<Self, Error> {
        self.copy(threads)
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), Error> {
        State::copy_from(self, other);
        Ok(())
    }

    fn finish(&mut self, program: &DenseProgram<'_, T>) -> Result<(), Error> {
        if loses_norm(program) { self.normalize() } else { Ok(()) }
    }

    fn shots_side_by_side(&self) -> bool {
        self.amplitudes().len() < 1 << THREADED_SHOT
    }
}
