//! What an engine is to the interpreter.

use ketch_interface::circuit::{GateOp, Save, SetState, Snapshot};
use ketch_kernels::Threads;

use crate::{
    Error, Saved,
    program::{Operation, Program},
    rng::ShotRandom,
};

/// The qubits of one engine, in some state. Programs run on it.
///
/// Places number the qubits that are simulated; see [`Layout`](crate::program::Layout).
pub(crate) trait Register<'t>: Sized + Send + Sync {
    /// The engine's operations.
    type Op: Operation + Send + Sync;

    /// Does one operation; it draws as many random numbers in every state.
    fn apply(&mut self, op: &Self::Op, random: &mut ShotRandom) -> Result<(), Error>;

    /// Does a gate whose parameters were not known before. `places` are its controls, then its
    /// targets.
    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize]) -> Result<(), Error>;

    /// Measures a place: 1 if `uniform` is below the probability of 1.
    fn measure(&mut self, place: usize, uniform: f64) -> Result<bool, Error>;

    /// Sets a place to |0>.
    fn reset(&mut self, place: usize, uniform: f64) -> Result<(), Error>;

    /// Replaces the whole state.
    fn set(&mut self, state: &SetState) -> Result<(), Error>;

    /// The value that the save at `index` of the circuit asks for.
    fn save(
        &mut self,
        program: &Program<'_, Self::Op>,
        index: usize,
        save: &Save,
    ) -> Result<Saved, Error>;

    /// The value that the snapshot at `index` of the circuit asks for, of the quantum state.
    fn snapshot(
        &mut self,
        program: &Program<'_, Self::Op>,
        index: usize,
        snapshot: &Snapshot,
    ) -> Result<Saved, Error>;

    /// A copy that works with these threads.
    fn fork(&self, threads: &'t Threads) -> Result<Self, Error>;

    /// Becomes a copy of another state of as many places.
    fn copy_from(&mut self, other: &Self) -> Result<(), Error>;

    /// Many copies are about to be made: gates that wait are better applied now, once.
    fn catch_up(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// The state at the end of a run is about to be looked at.
    fn finish(&mut self, _program: &Program<'_, Self::Op>) -> Result<(), Error> {
        Ok(())
    }

    /// Shots are best run side by side, each on one thread, since one alone would not keep several
    /// threads busy.
    fn shots_side_by_side(&self) -> bool;
}
