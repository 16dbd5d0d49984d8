//! Drawing shots from a state.

use ketch_interface::BitString;
use ketch_kernels::Real;

use super::{DenseOp, State};
use crate::{
    Cancel, Error, Options,
    progress::Unit,
    records::Records,
    rng::uniform,
    run::{Measured, Outcomes, Ran, Run, Shot, bytes, misread, unmeasured_segments},
};

/// Shots drawn in one pass over the state: bounds the memory for their random numbers.
const SHOTS_AT_A_TIME: u64 = 1 << 20;

/// Evolves the state once and draws all shots from it: right where measurements come last, into
/// the clbits `measured`.
pub(crate) fn sampled<'t, T: Real>(
    run: &Run<'_, '_, DenseOp<T>>,
    mut state: State<'t, T>,
    measured: &Measured<'_>,
    options: &Options,
) -> Result<Ran<State<'t, T>>, Error> {
    let mut records = Records::default();
    run.cancel.expects(Unit::Passes, run.program.n_passes() as u64);
    for segment in unmeasured_segments(run.program) {
        let mut shot = Shot::new(run.program, options.seed, 0);
        shot.run(run, &mut state, &mut records, segment.start, segment.end)?;
    }
    let width = run.program.circuit.n_clbits();
    let sample = |uniforms: &[f64]| state.sample_sorted(uniforms);
    let outcomes = draw(sample, measured, width, options, run.cancel)?;
    Ok(Ran { state, outcomes, records: records.repeated(options.shots) })
}

/// Draws all shots; `sample` gives the basis states that ascending uniform numbers fall on. Shot
/// `i` has a random number of its own, so its outcome depends neither on other shots nor on
/// threads.
pub(crate) fn draw(
    sample: impl Fn(&[f64]) -> Result<Vec<usize>, Error>,
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
        let drawn = sample(&uniforms)?;
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
