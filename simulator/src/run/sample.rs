//! Drawing shots from a state.

use std::{collections::BTreeMap, ops::Range};

use ketch_interface::BitString;
use ketch_kernels::Real;

use super::outcomes::{Outcomes, bytes};
use crate::{
    Cancel, Error, Options,
    program::{Program, Step},
    rng::uniform,
    state::State,
};

/// Shots drawn in one pass over the state: bounds the memory for their random numbers.
const SHOTS_AT_A_TIME: u64 = 1 << 20;

/// Which place each written clbit reads at the end, if measurements come last; otherwise the
/// reason why each shot must be run.
///
/// They come last if nothing acts on a measured place behind its measurement, nothing else is
/// random, and nothing reads clbits or looks at the state behind a measurement.
pub(crate) fn measured_last<T: Real>(
    program: &Program<'_, T>,
) -> Result<Vec<(u32, Option<usize>)>, &'static str> {
    let mut measured = 0;
    let mut clbits = BTreeMap::new();
    let first_random = program.common_prefix();
    for (at, step) in program.steps.iter().enumerate() {
        let touched = match step {
            Step::Measure { place, clbit } => {
                measured |= place.map_or(0, |place| 1 << place);
                clbits.insert(*clbit, *place);
                continue;
            }
            Step::Apply(apply) => apply.mask(),
            Step::Prepare { places, .. } => crate::program::apply::mask(places),
            Step::SetState(_) | Step::Save(_) | Step::Snapshot(_) if at < first_random => 0,
            Step::Save(_) | Step::Snapshot(_) => return Err("a save stands behind a measurement"),
            Step::SetState(_) => return Err("a state is set behind a measurement"),
            Step::Reset(_) => return Err("a qubit is reset"),
            _ => return Err("there is control flow or classical storage"),
        };
        if touched & measured != 0 {
            return Err("a gate acts on a measured qubit");
        }
    }
    Ok(clbits.into_iter().collect())
}

/// The runs of steps between measurements.
pub(super) fn unmeasured_segments<T>(program: &Program<'_, T>) -> Vec<Range<usize>> {
    let mut segments = Vec::new();
    let mut start = 0;
    for (at, step) in program.steps.iter().enumerate() {
        if matches!(step, Step::Measure { .. }) {
            segments.push(start..at);
            start = at + 1;
        }
    }
    segments.push(start..program.steps.len());
    segments
}

/// Draws all shots. Shot `i` has a random number of its own, so its outcome depends neither on
/// other shots nor on threads.
pub(super) fn draw<T: Real>(
    state: &State<'_, T>,
    measured: &[(u32, Option<usize>)],
    width: u32,
    options: &Options,
    cancel: &Cancel,
) -> Result<Outcomes, Error> {
    let mut outcomes = Outcomes::new(width, options.memory, options.shots)?;
    let clbits_of = |basis_state: usize| {
        let mut clbits = BitString::zeros(width);
        for (clbit, place) in measured {
            if place.is_some_and(|place| basis_state >> place & 1 == 1) {
                clbits.set(*clbit, true);
            }
        }
        clbits
    };
    if measured.iter().all(|(_, place)| place.is_none()) {
        let zeros = BitString::zeros(width);
        outcomes.count(&zeros, options.shots);
        if let Some(memory) = outcomes.memory_mut() {
            let bytes = options.shots as usize * bytes(&zeros).count();
            memory.resize(bytes, 0);
        }
        return Ok(outcomes);
    }
    for first in (0..options.shots).step_by(SHOTS_AT_A_TIME as usize) {
        cancel.poll()?;
        let shots = (options.shots - first).min(SHOTS_AT_A_TIME) as u32;
        let mut numbers: Vec<(f64, u32)> = (0..shots)
            .map(|shot| (uniform(options.seed, first + u64::from(shot), 0), shot))
            .collect();
        numbers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let uniforms: Vec<f64> = numbers.iter().map(|(uniform, _)| *uniform).collect();
        let drawn = state.sample_sorted(&uniforms)?;
        let stride = bytes(&BitString::zeros(width)).count();
        let start = outcomes.memory_mut().map_or(0, |memory| {
            memory.resize(memory.len() + shots as usize * stride, 0);
            memory.len() - shots as usize * stride
        });
        let mut done = 0;
        // Equal basis states stand together.
        for same in drawn.chunk_by(|a, b| a == b) {
            let clbits = clbits_of(same[0]);
            outcomes.count(&clbits, same.len() as u64);
            if let Some(memory) = outcomes.memory_mut() {
                let packed: Vec<u8> = bytes(&clbits).collect();
                for (_, shot) in &numbers[done..done + same.len()] {
                    let at = start + *shot as usize * stride;
                    memory[at..at + stride].copy_from_slice(&packed);
                }
            }
            done += same.len();
        }
    }
    Ok(outcomes)
}
