//! Runs of unitaries as they are best applied to a state of a certain size.

use ketch_kernels::Real;

use super::{Apply, State, merge::Waiting};
use crate::{
    Cancel, Error,
    stage::{Plan, Staged},
};

/// A run of unitaries, ready to run.
#[derive(Debug)]
pub(super) enum Ready<T> {
    /// In stages, on a state that is large enough for them.
    Staged(Box<Staged<T>>),
    /// One by one, with those on one place merged.
    Each(Vec<Apply<T>>),
}

impl<T: Real> Ready<T> {
    /// Plans a run, given in order, on a state of as many places as the plan says.
    pub(super) fn new(run: &[Apply<f64>], plan: &Plan) -> Self {
        if run.len() > 2 && plan.pays() {
            return Self::Staged(Box::new(Staged::new(run, plan)));
        }
        let mut waiting = Waiting::new(plan.n_places);
        let mut merged = Vec::new();
        for apply in run {
            waiting.take(apply.clone(), |apply| merged.push(apply.cast()));
        }
        waiting.flush((1 << plan.n_places) - 1, |apply| merged.push(apply.cast()));
        waiting.flush_phase(|apply| merged.push(apply.cast()));
        Self::Each(merged)
    }

    /// How often it goes over the state.
    pub(super) fn n_passes(&self) -> usize {
        match self {
            Self::Staged(staged) => staged.n_passes(),
            Self::Each(run) => run.len(),
        }
    }

    /// Runs on a state.
    ///
    /// # Errors
    /// [`Error::Cancelled`]; no memory for tiles.
    pub(super) fn run(&self, state: &mut State<'_, T>, cancel: &Cancel) -> Result<(), Error> {
        match self {
            Self::Staged(staged) => state.apply_staged(staged),
            Self::Each(run) => run.iter().try_for_each(|apply| {
                cancel.poll()?;
                state.apply_unitary(apply);
                Ok(())
            }),
        }
    }
}
