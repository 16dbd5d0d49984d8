//! A state whose gates wait until somebody looks at it.
//!
//! Noise that turns out to do nothing then keeps no gates apart: those before it and behind it are
//! merged.

use ketch_interface::circuit::{GateOp, Save, SetState, Snapshot};
use ketch_kernels::{Controls, Real, Threads};

use super::{Apply, DenseOp, DenseProgram, State, apply::Action, ready::Ready};
use crate::{
    Cancel, Error, Saved,
    rng::ShotRandom,
    run::{Branch, Choice, Register, Sample},
    stage::Plan,
};

/// The most gates that wait: a loop may run for long before it measures.
const MOST_WAITING: usize = 1 << 12;

/// A state and the gates that are still to be applied to it, in order.
pub(crate) struct Deferred<'t, T: Real> {
    state: State<'t, T>,
    waiting: Vec<Apply<T>>,
    cancel: Cancel,
}

impl<'t, T: Real> Deferred<'t, T> {
    pub(crate) fn new(state: State<'t, T>, cancel: &Cancel) -> Self {
        Self { state, waiting: Vec::new(), cancel: cancel.clone() }
    }

    /// The state, with nothing waiting.
    pub(crate) fn into_state(mut self) -> Result<State<'t, T>, Error> {
        self.flush()?;
        Ok(self.state)
    }

    fn defer(&mut self, apply: Apply<T>) -> Result<(), Error> {
        self.waiting.push(apply);
        match self.waiting.len() < MOST_WAITING {
            true => Ok(()),
            false => self.flush(),
        }
    }

    /// Applies what waits.
    fn flush(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let run: Vec<Apply<f64>> = self.waiting.iter().map(Apply::cast).collect();
        self.waiting.clear();
        let (n_places, cancel) = (self.state.n_places(), self.cancel.clone());
        let plan = Plan { n_places, alone: false, cancel };
        Ready::new(&run, &plan).run(&mut self.state, &self.cancel)
    }
}

impl<'t, T: Real> Register<'t> for Deferred<'t, T> {
    type Op = DenseOp<T>;

    fn apply(&mut self, op: &DenseOp<T>, random: &mut ShotRandom) -> Result<(), Error> {
        if let DenseOp::Apply(apply) = op {
            return self.defer(apply.clone());
        }
        self.flush()?;
        self.state.apply(op, random)
    }

    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize]) -> Result<(), Error> {
        match Apply::of_gate(op, params, places) {
            Some(apply) => self.defer(apply.cast()),
            None => Ok(()),
        }
    }

    fn measure(&mut self, place: usize, uniform: f64) -> Result<bool, Error> {
        self.flush()?;
        self.state.measure(place, uniform)
    }

    fn reset(&mut self, place: usize, uniform: f64) -> Result<(), Error> {
        self.flush()?;
        self.state.reset(place, uniform)
    }

    fn set(&mut self, state: &SetState) -> Result<(), Error> {
        self.waiting.clear();
        Register::set(&mut self.state, state)
    }

    fn save(
        &mut self,
        program: &DenseProgram<'_, T>,
        index: usize,
        save: &Save,
    ) -> Result<Saved, Error> {
        self.flush()?;
        self.state.save(program, index, save)
    }

    fn snapshot(
        &mut self,
        program: &DenseProgram<'_, T>,
        index: usize,
        snapshot: &Snapshot,
    ) -> Result<Saved, Error> {
        self.flush()?;
        self.state.snapshot(program, index, snapshot)
    }

    fn fork(&self, threads: &'t Threads) -> Result<Self, Error> {
        let state = self.state.fork(threads)?;
        Ok(Self { state, waiting: self.waiting.clone(), cancel: self.cancel.clone() })
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), Error> {
        self.waiting.clone_from(&other.waiting);
        Register::copy_from(&mut self.state, &other.state)
    }

    fn finish(&mut self, program: &DenseProgram<'_, T>) -> Result<(), Error> {
        self.flush()?;
        self.state.finish(program)
    }

    fn shots_side_by_side(&self) -> bool {
        self.state.shots_side_by_side()
    }
}

impl<'t, T: Real> Branch<'t> for Deferred<'t, T> {
    const SAMPLE: Option<Sample<Self>> = Some(|deferred, uniforms| {
        deferred.flush()?;
        deferred.state.sample_sorted(uniforms)
    });

    fn settle(&mut self) -> Result<(), Error> {
        self.flush()
    }

    fn weights(&mut self, place: usize) -> Result<[f64; 2], Error> {
        self.flush()?;
        let probabilities = self.state.probabilities(&[place])?;
        Ok([probabilities[0], probabilities[1]])
    }

    fn collapse(&mut self, place: usize, outcome: bool, weight: f64) -> Result<(), Error> {
        self.flush()?;
        self.state.collapse(place, outcome, weight);
        Ok(())
    }

    fn flip(&mut self, place: usize) -> Result<(), Error> {
        self.defer(Apply { action: Action::X { place }, controls: Controls::NONE })
    }

    fn choose(
        &mut self,
        op: &DenseOp<T>,
        random: &mut ShotRandom,
        shots: &[u64],
    ) -> Result<Vec<Choice>, Error> {
        let DenseOp::Noise(noise) = op else { unreachable!("only noise is random") };
        let uniforms = random.uniforms(shots);
        if !noise.is_free(&uniforms) {
            self.flush()?;
        }
        noise.choose(&self.state, &uniforms)
    }

    fn take(&mut self, op: &DenseOp<T>, choice: Choice) -> Result<(), Error> {
        let DenseOp::Noise(noise) = op else { unreachable!("only noise is random") };
        match noise.operator(choice) {
            Some(apply) => self.defer(apply),
            None => Ok(()),
        }
    }
}
