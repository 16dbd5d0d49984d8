//! Noise that is drawn before anything runs.
//!
//! Where every channel is a mixture of unitaries, or mostly one, what goes wrong in a shot does not
//! depend on its state, or seldom does: see [`Split`](crate::noise::Split). So all shots are drawn
//! first (`draw`): an error that is a Pauli string is moved towards the end, through gates that make
//! another string of it, until one does not; what gets through all of them flips measured bits and
//! costs nothing. Shots that are left with the same errors have the same state. The gates are cut
//! into segments (`layers`), each planned once for the shots in which nothing happens there, and
//! shots go on together until they differ (`walk`). Where the state decides, the shots that have
//! come so far together look at it once, and part by what they drew.
//!
//! The state of a shot behind a segment depends on its errors up to there alone, whoever it was run
//! with, so threads change no digit.
//!
//! Most shots have a state to themselves in the end, of which all that is wanted is one reading. On
//! large states these leave the `trunk`, the state in which nothing went wrong, as late as pays, and
//! are read place by place while the state gets smaller (`alone`, `cut`). In which order places are
//! read depends on how many shots have the same errors, so there it does matter for what a shot reads
//! which other shots there are; threads and memory still change nothing.

mod alone;
mod circuit;
mod cut;
mod draw;
mod layers;
#[cfg(test)]
mod tests;
mod trunk;
mod walk;

use ketch_interface::BitString;
use ketch_kernels::Real;

pub(super) use self::circuit::Circuit;
use self::walk::Walk;
use super::{State, states_at_the_end};
use crate::{
    Error, Method,
    progress::Unit,
    run::{Measured, Outcomes, most_states},
    simulate::Work,
    stage::Plan,
};

/// Shots that are drawn at a time: bounds the memory for them.
const SHOTS_AT_A_TIME: u64 = 1 << 16;

/// Shots that one thread draws at a time.
const SHOTS_PER_DRAW: u64 = 1 << 10;

/// What a run comes to.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) outcomes: Outcomes,
    /// How often a shot without errors goes over the state.
    pub(super) n_passes: usize,
}

/// Runs all shots of a circuit from a state on.
pub(super) fn run<'t, T: Real>(
    work: Work<'t>,
    circuit: &Circuit,
    plan: Plan,
    measured: &Measured<'_>,
    start: &State<'t, T>,
) -> Result<Ran, Error> {
    let Work { threads, options, cancel, .. } = work;
    let bytes = size_of_val(start.amplitudes()) as u64;
    let walk = Walk::new(work, circuit, plan, measured, start);
    let n_walks = if walk.side_by_side() { threads.count() as u64 } else { 1 };
    // What the end of a large state takes is not there for others.
    let at_the_end = match walk.side_by_side() {
        true => 0,
        false => states_at_the_end(work.circuit, Method::Statevector, options),
    };
    let most_states =
        most_states(options, bytes.saturating_mul(n_walks), bytes.saturating_mul(at_the_end));
    let width = work.circuit.n_clbits();
    let mut outcomes = Outcomes::new(width, options.memory, options.shots)?;
    cancel.expects(Unit::Shots, options.shots);
    for first in (0..options.shots).step_by(SHOTS_AT_A_TIME as usize) {
        let shots = first..options.shots.min(first + SHOTS_AT_A_TIME);
        let blocks = (shots.end - first).div_ceil(SHOTS_PER_DRAW) as usize;
        let drawn = threads.map(blocks, |block| {
            let from = first + block as u64 * SHOTS_PER_DRAW;
            let to = shots.end.min(from + SHOTS_PER_DRAW);
            let draw = |shot| {
                cancel.poll()?;
                Ok(circuit.draw(options.seed, shot))
            };
            (from..to).map(draw).collect::<Result<Vec<_>, Error>>()
        });
        let mut paths = drawn.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
        paths.sort_unstable_by(draw::Path::order);
        let mut clbits = vec![BitString::default(); paths.len()];
        for (shot, bits) in walk.outcomes(&paths, most_states)? {
            clbits[(shot - first) as usize] = bits;
        }
        clbits.iter().for_each(|bits| outcomes.add(bits));
    }
    Ok(Ran { outcomes, n_passes: walk.n_passes() })
}
