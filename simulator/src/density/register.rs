//! The state as the register that programs run on.

use ketch_interface::circuit::{Gate, GateOp, Save, SetState, Snapshot};
use ketch_kernels::{Real, Threads};

use super::{
    DensityOp, DensityProgram, channel::Transfer, sample::fallen_on, save, state::PauliState,
    transfer,
};
use crate::{
    Error, Saved,
    dense::Apply,
    rng::ShotRandom,
    run::{Branch, Choice, Register, Sample},
};

impl<'t, T: Real> Register<'t> for PauliState<'t, T> {
    type Op = DensityOp<T>;

    fn apply(&mut self, op: &DensityOp<T>, _random: &mut ShotRandom) -> Result<(), Error> {
        match op {
            DensityOp::Stages { stages, .. } => self.run(stages),
            DensityOp::Wide(apply) => self.apply_wide(apply),
            DensityOp::Prepare { places, amplitudes } => {
                self.prepare(places, amplitudes);
                Ok(())
            }
        }
    }

    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize]) -> Result<(), Error> {
        let Some(apply) = Apply::of_gate(op, params, places) else { return Ok(()) };
        match transfer(&apply) {
            Some(_) if apply.mask() == 0 => Ok(()),
            Some(transfer) => self.apply_transfer(transfer),
            None => self.apply_wide(&apply.cast()),
        }
    }

    fn measure(&mut self, place: usize, uniform: f64) -> Result<bool, Error> {
        PauliState::measure(self, place, uniform)
    }

    fn reset(&mut self, place: usize, _uniform: f64) -> Result<(), Error> {
        self.apply_transfer(Transfer::reset(place))
    }

    fn set(&mut self, state: &SetState) -> Result<(), Error> {
        match state {
            SetState::DensityMatrix(matrix) => PauliState::set(self, matrix.entries()),
            SetState::Superop(matrix) => self.set_superop(matrix)?,
            _ => unreachable!("the check refused the other forms"),
        }
        Ok(())
    }

    fn save(
        &mut self,
        program: &DensityProgram<'_, T>,
        index: usize,
        save: &Save,
    ) -> Result<Saved, Error> {
        save::saved(program, index, save, self)
    }

    fn snapshot(
        &mut self,
        program: &DensityProgram<'_, T>,
        index: usize,
        snapshot: &Snapshot,
    ) -> Result<Saved, Error> {
        save::snapshot(program, index, snapshot, self)
    }

    fn fork(&self, threads: &'t Threads) -> Result<Self, Error> {
        self.copy(threads)
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), Error> {
        PauliState::copy_from(self, other);
        Ok(())
    }

    fn shots_side_by_side(&self) -> bool {
        /// Places from which one shot at a time uses all threads.
        const THREADED_SHOT: usize = 9;
        self.n_places() < THREADED_SHOT
    }
}

impl<'t, T: Real> Branch<'t> for PauliState<'t, T> {
    const SAMPLE: Option<Sample<Self>> =
        Some(|state, uniforms| Ok(fallen_on(&state.all_probabilities(), uniforms)));

    fn settle(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn weights(&mut self, place: usize) -> Result<[f64; 2], Error> {
        Ok(PauliState::weights(self, place))
    }

    fn collapse(&mut self, place: usize, outcome: bool, weight: f64) -> Result<(), Error> {
        self.apply_transfer(Transfer::collapse(place, outcome, weight))
    }

    fn flip(&mut self, place: usize) -> Result<(), Error> {
        self.gate(GateOp::new(Gate::X, 0), &[], &[place])
    }

    fn choose(
        &mut self,
        _op: &DensityOp<T>,
        _random: &mut ShotRandom,
        _shots: &[u64],
    ) -> Result<Vec<Choice>, Error> {
        unreachable!("nothing is random to a density matrix but what is measured")
    }

    fn take(&mut self, _op: &DensityOp<T>, _choice: Choice) -> Result<(), Error> {
        unreachable!("nothing is random to a density matrix but what is measured")
    }
}
