//! Drawing shots from a sparse state.

use ketch_interface::BitString;

use super::{SparseProgram, state::State};
use crate::{
    Error, Options,
    progress::Unit,
    records::Records,
    rng::uniform,
    run::{Measured, Outcomes, Ran, Run, Shot, misread, unmeasured_segments},
    shares::{FEW, shares},
};

/// Shots between two looks at the cancel token.
const POLLED_EVERY: u64 = 1 << 16;

/// Evolves the state once and draws all shots from it: right where measurements come last, into
/// the clbits `measured`.
pub(super) fn sampled(
    run: &Run<'_, '_, super::SparseOp>,
    mut state: State,
    measured: &Measured<'_>,
    options: &Options,
) -> Result<Ran<State>, Error> {
    let program: &SparseProgram<'_> = run.program;
    let mut records = Records::default();
    run.cancel.expects(Unit::Passes, run.program.n_passes() as u64);
    for segment in unmeasured_segments(program) {
        let mut shot = Shot::new(program, options.seed, 0);
        shot.run(run, &mut state, &mut records, segment.start, segment.end)?;
    }
    let outcomes = draw(&state, measured, program.circuit.n_clbits(), options, run)?;
    Ok(Ran { state, outcomes, records: records.repeated(options.shots) })
}

/// Draws all shots. Shot `i` has a random number of its own, so its outcome depends neither on
/// other shots nor on threads.
fn draw(
    state: &State,
    measured: &Measured<'_>,
    width: u32,
    options: &Options,
    run: &Run<'_, '_, super::SparseOp>,
) -> Result<Outcomes, Error> {
    let mut outcomes = Outcomes::new(width, options.memory, options.shots)?;
    let clbits_of = |number: usize| {
        let mut clbits = BitString::zeros(width);
        for (clbit, place) in &measured.bits {
            if place.is_some_and(|place| state.bit(number, place)) {
                clbits.set(*clbit, true);
            }
        }
        clbits
    };
    let reads_differ = measured.bits.iter().any(|(_, place)| place.is_some());
    if measured.readout_errors.is_empty() && reads_differ && state.len() <= FEW {
        let weights: Vec<f64> = state.iter().map(|(_, a)| a.norm_sqr()).collect();
        let counts = shares(&weights, options.shots, options.seed)?;
        let seen = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        let seen = seen.map(|(number, count)| (clbits_of(number), count));
        outcomes.share(seen.collect(), options.seed, run.cancel)?;
        return Ok(outcomes);
    }
    let mut norm = 0.0;
    let sums: Vec<f64> = state
        .iter()
        .map(|(_, amplitude)| {
            norm += amplitude.norm_sqr();
            norm
        })
        .collect();
    let last = sums.len() - 1;
    let drawn = |shot: u64| match last > 0 && reads_differ {
        true => {
            let below = uniform(options.seed, shot, 0) * norm;
            sums.partition_point(|sum| *sum <= below).min(last)
        }
        false => 0,
    };
    if options.memory || !measured.readout_errors.is_empty() {
        for shot in 0..options.shots {
            if shot % POLLED_EVERY == 0 {
                run.cancel.poll()?;
            }
            let mut clbits = clbits_of(drawn(shot));
            for (site, (bits, rows)) in (1..).zip(&measured.readout_errors) {
                misread(&mut clbits, bits, rows, uniform(options.seed, shot, site));
            }
            outcomes.add(&clbits);
        }
        return Ok(outcomes);
    }
    if last == 0 || !reads_differ {
        outcomes.count(clbits_of(0), options.shots);
        return Ok(outcomes);
    }
    let mut hits = vec![0_u64; sums.len()];
    for shot in 0..options.shots {
        if shot % POLLED_EVERY == 0 {
            run.cancel.poll()?;
        }
        hits[drawn(shot)] += 1;
    }
    for (number, &n) in hits.iter().enumerate().filter(|(_, n)| **n > 0) {
        outcomes.count(clbits_of(number), n);
    }
    Ok(outcomes)
}
