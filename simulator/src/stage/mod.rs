//! Many gates in each pass over the state.
//!
//! A run of unitaries is taken apart (`pairing`, `merge`): a unitary on one place is a real rotation
//! between phases (`euler`), two gates and more on the same two places are local unitaries around
//! one interaction (`cartan`), X and SWAP are names. What is left are `part`s: real rotations,
//! phases, permutations of the basis, and whatever goes to its own kernel. They are scheduled into
//! stages that move few places, and in a stage into layers of one kind (`schedule`); phases that
//! stand between rotations on few places, as in a Fourier transform, go along with those. Then each
//! tile of the state, the amplitudes that differ in those places only, is taken through all layers
//! while it is in the cache (`compile`). A run that acts on |0…0> passes over tiles that nothing
//! has come to yet: of the first stage, one is left.

mod cartan;
mod compile;
mod euler;
mod merge;
mod pair;
mod pairing;
mod part;
mod schedule;
#[cfg(test)]
mod tests;

use ketch_kernels::{Kernels, Real, Scratch, Sweep, Threads};
use num_complex::Complex;

pub(crate) use euler::Euler;

use self::{
    compile::{Pass, compile},
    schedule::{Reach, Shape, ones, stages},
};
use crate::{Cancel, Error, dense::Apply, progress::Unit};

/// Places from which stages are worth their planning; with fewer, the whole state is in the cache
/// and gates are run as they come.
const STAGED_FROM: usize = 12;

/// Bytes of a tile: about what the cache holds that is a core's own. Half as much is no faster, and
/// twice as much takes up to half again as long (ansatz of 20 qubits, `examples/circuit_files.rs`).
const TILE_BYTES: usize = 1 << 20;

/// Places from which several threads are worth waking.
const THREADED_FROM: usize = 16;

/// Places from which a state is more than a core's own cache holds, where one thread runs it.
const ALONE_FROM: usize = 17;

/// What stages are planned for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The places of the state.
    pub(crate) n_places: usize,
    /// One thread runs it, on a state of its own.
    pub(crate) alone: bool,
    /// Stops a run that has begun.
    pub(crate) cancel: Cancel,
}

impl Plan {
    /// Whether stages are worth their planning, if there are more than two unitaries.
    pub(crate) fn pays(&self) -> bool {
        self.n_places >= STAGED_FROM
    }

    /// Whether the whole state is one tile, so that a stage need not end before the run does.
    fn is_one_tile(&self) -> bool {
        self.n_places < if self.alone { ALONE_FROM } else { THREADED_FROM }
    }
}

/// A run of unitaries, ready to run on states of one size.
#[derive(Clone, Debug)]
pub(crate) struct Staged<T> {
    passes: Vec<Pass<T>>,
    mask: usize,
    shape: Shape,
    cancel: Cancel,
}

impl<T: Real> Staged<T> {
    /// Plans a run of unitaries.
    pub(crate) fn new(run: &[Apply<f64>], plan: &Plan) -> Self {
        Self::with_shape(run, shape::<T>(plan), false, &plan.cancel)
    }

    /// Plans a run of unitaries that act on |0…0>, which takes less.
    pub(crate) fn from_zero(run: &[Apply<f64>], plan: &Plan) -> Self {
        Self::with_shape(run, shape::<T>(plan), true, &plan.cancel)
    }

    fn with_shape(run: &[Apply<f64>], shape: Shape, from_zero: bool, cancel: &Cancel) -> Self {
        let (parts, constant) = pairing::parts(run, shape.n_places, from_zero);
        let mask = run.iter().fold(0, |mask, apply| mask | apply.mask());
        let (lane_bits, n_slots) = Sweep::<T>::reach(Kernels::detect(), shape.n_local);
        let reach = Reach { lanes: ones(lane_bits), n_slots };
        let stages = stages(parts, shape, reach);
        let passes = compile(stages, shape.n_places, constant, from_zero, Kernels::detect());
        Self { passes, mask, shape, cancel: cancel.clone() }
    }

    /// The places that it acts on, as a mask.
    pub(crate) fn mask(&self) -> usize {
        self.mask
    }

    /// How often it goes over the state.
    pub(crate) fn n_passes(&self) -> usize {
        self.passes.len()
    }

    /// Runs on a state; `scratch` is kept for the next run.
    ///
    /// # Errors
    /// [`Error::Cancelled`], with the state in between; no memory for the tiles.
    pub(crate) fn run(
        &self,
        kernels: Kernels,
        threads: &Threads,
        state: &mut [Complex<T>],
        scratch: &mut Option<Scratch<T>>,
    ) -> Result<(), Error> {
        for (number, pass) in self.passes.iter().enumerate() {
            self.cancel.poll()?;
            if number > 0 {
                // The last pass is counted by who asked for them.
                self.cancel.did(Unit::Passes, 1);
            }
            match pass {
                Pass::Whole(apply) => apply.run(kernels, threads, state),
                Pass::Tiles { tiles, work } => {
                    let scratch = match scratch {
                        Some(scratch) => scratch,
                        None => scratch.insert(Scratch::try_new(threads, self.shape.n_local)?),
                    };
                    kernels.for_tiles(threads, state, tiles, scratch, |tile| {
                        for work in work {
                            if self.cancel.is_cancelled() {
                                return;
                            }
                            work.run(kernels, tiles, tile);
                        }
                    });
                }
            }
        }
        self.cancel.poll()
    }
}

/// The bytes that `n_threads` take for tiles of a state of `n_places` at most.
pub(crate) fn scratch_bytes(n_places: usize, n_threads: usize) -> u128 {
    if n_places < STAGED_FROM { 0 } else { 2 * TILE_BYTES as u128 * n_threads as u128 }
}

/// Tiles for amplitudes of precision `T`. They do not depend on the number of threads, and so
/// neither does any rounding.
fn shape<T>(plan: &Plan) -> Shape {
    /// At least two tiles for each of two threads.
    const OUTER: usize = 2;
    let most = (TILE_BYTES / size_of::<Complex<T>>()).ilog2() as usize;
    let n_places = plan.n_places;
    let n_local = if plan.is_one_tile() { n_places } else { most.min(n_places - OUTER) };
    Shape { n_places, n_local, n_low: (n_local / 2).min(6) }
}
