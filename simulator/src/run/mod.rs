//! Running a program on a register, shot by shot.

mod branch;
mod measured;
mod outcomes;
mod readout;
mod register;
mod shape;
mod shot;

use ketch_kernels::Threads;

#[cfg(test)]
pub(crate) use branch::branched;
pub(crate) use branch::{Branch, Choice, Sample, note, shots};
pub(crate) use measured::{Measured, measured_behind_noise, measured_last, unmeasured_segments};
pub(crate) use outcomes::{Outcomes, bytes, counted};
pub(crate) use readout::misread;
pub(crate) use register::Register;
#[cfg(test)]
pub(crate) use shape::Shape;
pub(crate) use shape::{Size, most_states};
pub(crate) use shot::{Run, Shot};

use crate::{Error, Options, progress::Unit, records::Records, rng::SHOTS_PER_BLOCK};

/// Blocks of shots whose results are held before they are put together.
const BLOCKS_AT_A_TIME: u64 = 512;

/// For shots that run side by side, each on the thread that it was given to.
pub(crate) static SERIAL: Threads = Threads::serial();

/// What a run comes to.
pub(crate) struct Ran<R> {
    /// The state at the end; of the last shot, where each was run.
    pub(crate) state: R,
    pub(crate) outcomes: Outcomes,
    pub(crate) records: Records,
}

/// Runs each shot on its own, from the first step on that shots can differ in. The state is the
/// last shot's.
pub(crate) fn shot_by_shot<'t, R: Register<'t>>(
    run: &Run<'_, '_, R::Op>,
    mut start: R,
    threads: &'t Threads,
    options: &Options,
) -> Result<Ran<R>, Error> {
    let program = run.program;
    let (prefix, end) = (program.common_prefix(), program.steps.len());
    let width = program.circuit.n_clbits();
    if options.shots == 1 {
        // In place, without a copy of the state.
        let (mut shot, mut records) = (Shot::new(program, options.seed, 0), Records::default());
        let mut outcomes = Outcomes::new(width, options.memory, 1)?;
        run.cancel.expects(Unit::Passes, program.n_passes() as u64);
        shot.run(run, &mut start, &mut records, 0, end)?;
        outcomes.add(&shot.clbits);
        start.finish(program)?;
        return Ok(Ran { state: start, outcomes, records });
    }
    run.cancel.expects(Unit::Shots, options.shots);
    let mut records = Records::default();
    Shot::new(program, options.seed, 0).run(run, &mut start, &mut records, 0, prefix)?;
    start.catch_up()?;
    let mut records = records.repeated(options.shots);
    let mut outcomes = Outcomes::new(width, options.memory, options.shots)?;

    let block = |block: u64, threads: &'t Threads, last: Option<&mut R>| {
        let mut block_records = Records::default();
        let mut block_outcomes = Outcomes::new(width, options.memory, SHOTS_PER_BLOCK)?;
        let mut state = start.fork(threads)?;
        let first = block * SHOTS_PER_BLOCK;
        for number in first..(first + SHOTS_PER_BLOCK).min(options.shots) {
            if number > first {
                state.copy_from(&start)?;
            }
            let mut shot = Shot::new(program, options.seed, number);
            shot.run(run, &mut state, &mut block_records, prefix, end)?;
            block_outcomes.add(&shot.clbits);
            run.cancel.did(Unit::Shots, 1);
        }
        if let Some(last) = last {
            last.copy_from(&state)?;
        }
        Ok::<_, Error>((block_outcomes, block_records))
    };
    let n_blocks = options.shots.div_ceil(SHOTS_PER_BLOCK);
    let side_by_side = start.shots_side_by_side();
    let mut last = if options.final_state { Some(start.fork(threads)?) } else { None };
    for first in (0..n_blocks).step_by(BLOCKS_AT_A_TIME as usize) {
        let n = (n_blocks - first).min(BLOCKS_AT_A_TIME);
        let is_last = |number: u64| number + 1 == n_blocks;
        let results: Vec<_> = if side_by_side {
            threads.map(n as usize, |i| {
                let number = first + i as u64;
                if is_last(number) { None } else { Some(block(number, &SERIAL, None)) }
            })
        } else {
            (first..first + n).map(|b| (!is_last(b)).then(|| block(b, threads, None))).collect()
        };
        for (number, result) in (first..).zip(results) {
            let result = result.unwrap_or_else(|| block(number, threads, last.as_mut()));
            let (block_outcomes, block_records) = result?;
            outcomes.append(&block_outcomes);
            records.append(block_records);
        }
    }
    let mut state = last.unwrap_or(start);
    state.finish(program)?;
    Ok(Ran { state, outcomes, records })
}
