//! Drawing shots from a state.

use std::{collections::BTreeMap, ops::Range};

use ketch_interface::{
    BitString,
    circuit::{Clbit, Op},
};
use ketch_kernels::Real;

use super::{
    outcomes::{Outcomes, bytes},
    readout::misread,
};
use crate::{
    Cancel, Error, Options,
    program::{Program, Step},
    rng::uniform,
    state::State,
};

/// Shots drawn in one pass over the state: bounds the memory for their random numbers.
const SHOTS_AT_A_TIME: u64 = 1 << 20;

/// What is read from the final state.
#[derive(Debug, Default)]
pub(crate) struct Measured<'c> {
    /// Clbits and the places that they read; none for an idle qubit, which reads 0.
    pub(crate) bits: Vec<(u32, Option<usize>)>,
    /// How clbits are misread afterwards, in order.
    readout_errors: Vec<(&'c [Clbit], &'c [Vec<f64>])>,
}

/// Which place each written clbit reads at the end, if measurements come last; otherwise the
/// reason why each shot must be run.
///
/// They come last if nothing acts on a measured place behind its measurement, nothing else is
/// random, and nothing reads clbits or looks at the state behind a measurement.
pub(crate) fn measured_last<'c, T: Real>(
    program: &Program<'c, T>,
) -> Result<Measured<'c>, &'static str> {
    let mut readout_errors: Vec<(&[Clbit], &[Vec<f64>])> = Vec::new();
    let mut measured = 0;
    let mut clbits = BTreeMap::new();
    let first_random = program.common_prefix();
    for (at, step) in program.steps.iter().enumerate() {
        let touched = match step {
            Step::Measure { place, clbit } => {
                if readout_errors.iter().any(|(bits, _)| bits.contains(&Clbit(*clbit))) {
                    return Err("a misread bit is written again");
                }
                measured |= place.map_or(0, |place| 1 << place);
                clbits.insert(*clbit, *place);
                continue;
            }
            Step::ReadoutError(index) => {
                let instruction = program.circuit.instruction(*index);
                if let Op::ReadoutError(rows) = instruction.op {
                    readout_errors.push((instruction.clbits, rows));
                }
                continue;
            }
            Step::Apply(apply) => apply.mask(),
            Step::Noise(noise) => match noise.exact_mask() {
                Some(mask) => mask,
                None => return Err("noise is drawn"),
            },
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
    Ok(Measured { bits: clbits.into_iter().collect(), readout_errors })
}

/// The runs of steps between measurements.
pub(super) fn unmeasured_segments<T>(program: &Program<'_, T>) -> Vec<Range<usize>> {
    let mut segments = Vec::new();
    let mut start = 0;
    for (at, step) in program.steps.iter().enumerate() {
        if matches!(step, Step::Measure { .. } | Step::ReadoutError(_)) {
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
    measured: &Measured<'_>,
    width: u32,
    options: &Options,
    cancel: &Cancel,
) -> Result<Outcomes, Error> {
    let mut outcomes = Outcomes::new(width, options.memory, options.shots)?;
    let clbits_of = |basis_state: usize| {
        let mut clbits = BitString::zeros(width);
        for (clbit, place) in &measured.bits {
            if place.is_some_and(|place| basis_state >> place & 1 == 1) {
                clbits.set(*clbit, true);
            }
        }
        clbits
    };
    let idle = measured.bits.iter().all(|(_, place)| place.is_none());
    if idle && measured.readout_errors.is_empty() {
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
            if !measured.readout_errors.is_empty() {
                for (_, shot) in &numbers[done..done + same.len()] {
                    let mut read = clbits.clone();
                    for (site, (bits, rows)) in (1..).zip(&measured.readout_errors) {
                        let uniform = uniform(options.seed, first + u64::from(*shot), site);
                        misread(&mut read, bits, rows, uniform);
                    }
                    outcomes.count(&read, 1);
                    if let Some(memory) = outcomes.memory_mut() {
                        let at = start + *shot as usize * stride;
                        let packed = memory[at..at + stride].iter_mut().zip(bytes(&read));
                        packed.for_each(|(to, byte)| *to = byte);
                    }
                }
                done += same.len();
                continue;
            }
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
