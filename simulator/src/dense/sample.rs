//! Drawing shots from a state.

use std::ops::Range;

use ketch_interface::{BitString, result::Memory};
use ketch_kernels::Real;

use super::{DenseOp, State};
use crate::{
    Cancel, Error, Options,
    progress::Unit,
    records::Records,
    rng::{self, uniform},
    run::{Measured, Outcomes, Ran, Run, Shot, bytes, misread, unmeasured_segments},
    shares::{FEW, shares},
};

/// Shots drawn in one pass over the state, an even number: bounds the memory for their random
/// numbers.
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
    let outcomes = draw(&state, measured, width, options, run.cancel)?;
    Ok(Ran { state, outcomes, records: records.repeated(options.shots) })
}

/// What shots are drawn from.
pub(crate) trait Distribution {
    /// The number of outcomes.
    fn n_outcomes(&self) -> usize;

    /// The weights of all outcomes.
    fn weights(&self) -> Vec<f64>;

    /// The outcomes that ascending uniform numbers fall on.
    fn sample_sorted(&self, uniforms: &[f64]) -> Result<Vec<usize>, Error>;
}

impl<T: Real> Distribution for State<'_, T> {
    fn n_outcomes(&self) -> usize {
        1 << self.n_places()
    }

    fn weights(&self) -> Vec<f64> {
        (0..self.n_outcomes()).map(|index| self.probability(index)).collect()
    }

    fn sample_sorted(&self, uniforms: &[f64]) -> Result<Vec<usize>, Error> {
        State::sample_sorted(self, uniforms)
    }
}

/// Draws all shots. Where there are many outcomes or bits are misread, shot `i` has random numbers
/// of its own, so its outcome depends neither on other shots nor on threads.
pub(crate) fn draw(
    from: &impl Distribution,
    measured: &Measured<'_>,
    width: u32,
    options: &Options,
    cancel: &Cancel,
) -> Result<Outcomes, Error> {
    let mut outcomes = Outcomes::new(width, options.memory, options.shots)?;
    let exact = measured.readout_errors.is_empty();
    if exact && measured.bits.iter().all(|(_, place)| place.is_none()) {
        outcomes.share(vec![(BitString::zeros(width), options.shots)], options.seed, cancel)?;
        return Ok(outcomes);
    }
    let gather = Gather::new(&measured.bits, width);
    if exact && from.n_outcomes() <= FEW {
        let counts = shares(&from.weights(), options.shots, options.seed)?;
        let seen = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        let seen = seen.map(|(outcome, count)| (gather.clbits(outcome), count));
        outcomes.share(seen.collect(), options.seed, cancel)?;
        return Ok(outcomes);
    }
    for first in (0..options.shots).step_by(SHOTS_AT_A_TIME as usize) {
        cancel.poll()?;
        let shots = first..(first + SHOTS_AT_A_TIME).min(options.shots);
        if exact && !options.memory {
            let drawn = from.sample_sorted(&sorted_uniforms(options.seed, shots))?;
            outcomes.count_all(gather.counted(&drawn));
        } else {
            draw_each(from, measured, &gather, shots, options, &mut outcomes)?;
        }
    }
    Ok(outcomes)
}

/// The random numbers of these shots, ascending.
fn sorted_uniforms(seed: u64, shots: Range<u64>) -> Vec<f64> {
    // The first shot's number is even, so pairs of shots share a call of the generator.
    let pairs = (shots.start / 2..shots.end.div_ceil(2)).flat_map(|pair| rng::pair(seed, pair, 0));
    let mut bits: Vec<u64> = pairs.take((shots.end - shots.start) as usize).collect();
    // As bits they are in the order of the numbers, and whole numbers are sorted faster.
    bits.sort_unstable();
    bits.into_iter().map(rng::to_uniform).collect()
}

/// Draws shots of which it matters which is which.
fn draw_each(
    from: &impl Distribution,
    measured: &Measured<'_>,
    gather: &Gather<'_>,
    shots: Range<u64>,
    options: &Options,
    outcomes: &mut Outcomes,
) -> Result<(), Error> {
    let seed = options.seed;
    let mut numbers: Vec<(f64, u32)> =
        (0..).zip(shots.clone()).map(|(place, shot)| (uniform(seed, shot, 0), place)).collect();
    numbers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let uniforms: Vec<f64> = numbers.iter().map(|(uniform, _)| *uniform).collect();
    let drawn = from.sample_sorted(&uniforms)?;
    let stride = Memory::stride_of(outcomes.width());
    let start = outcomes.memory_mut().map_or(0, |memory| {
        let start = memory.len();
        memory.resize(start + numbers.len() * stride, 0);
        start
    });
    let mut done = 0;
    // Equal basis states stand together.
    for same in drawn.chunk_by(|a, b| a == b) {
        let clbits = gather.clbits(same[0]);
        let same = &numbers[done..done + same.len()];
        done += same.len();
        if measured.readout_errors.is_empty() {
            if let Some(memory) = outcomes.memory_mut() {
                let packed: Vec<u8> = bytes(&clbits).collect();
                for (_, place) in same {
                    let at = start + *place as usize * stride;
                    memory[at..at + stride].copy_from_slice(&packed);
                }
            }
            outcomes.count(clbits, same.len() as u64);
            continue;
        }
        for (_, place) in same {
            let mut read = clbits.clone();
            for (site, (bits, rows)) in (1..).zip(&measured.readout_errors) {
                let uniform = uniform(seed, shots.start + u64::from(*place), site);
                misread(&mut read, bits, rows, uniform);
            }
            if let Some(memory) = outcomes.memory_mut() {
                let at = start + *place as usize * stride;
                let packed = memory[at..at + stride].iter_mut().zip(bytes(&read));
                packed.for_each(|(to, byte)| *to = byte);
            }
            outcomes.count(read, 1);
        }
    }
    Ok(())
}

/// The clbits that basis states give.
struct Gather<'m> {
    bits: &'m [(u32, Option<usize>)],
    width: u32,
    /// For each byte of a basis state, the clbits of its values; empty if there are more clbits
    /// than fit a word.
    words: Vec<[u64; 256]>,
}

impl<'m> Gather<'m> {
    fn new(bits: &'m [(u32, Option<usize>)], width: u32) -> Self {
        let n_places = bits.iter().filter_map(|(_, place)| Some((*place)? + 1)).max().unwrap_or(0);
        let n_bytes = if width <= 64 { n_places.div_ceil(8) } else { 0 };
        let mut words = vec![[0; 256]; n_bytes];
        for (clbit, place) in bits.iter().filter(|_| n_bytes > 0) {
            let Some(place) = *place else { continue };
            for (value, word) in words[place / 8].iter_mut().enumerate() {
                *word |= ((value >> (place % 8) & 1) as u64) << clbit;
            }
        }
        Self { bits, width, words }
    }

    fn clbits(&self, basis_state: usize) -> BitString {
        if self.width <= 64 {
            return BitString::from_u64(self.width, self.word(basis_state));
        }
        let mut clbits = BitString::zeros(self.width);
        for (clbit, place) in self.bits {
            if place.is_some_and(|place| basis_state >> place & 1 == 1) {
                clbits.set(*clbit, true);
            }
        }
        clbits
    }

    fn word(&self, basis_state: usize) -> u64 {
        let bytes = basis_state.to_le_bytes();
        self.words.iter().zip(bytes).fold(0, |word, (of, byte)| word | of[usize::from(byte)])
    }

    /// How often each value of the clbits comes, where equal basis states stand together.
    fn counted(&self, drawn: &[usize]) -> Vec<(BitString, u64)> {
        let runs = drawn.chunk_by(|a, b| a == b);
        if self.width > 64 {
            return runs.map(|same| (self.clbits(same[0]), same.len() as u64)).collect();
        }
        let mut words: Vec<(u64, u64)> =
            runs.map(|same| (self.word(same[0]), same.len() as u64)).collect();
        words.sort_unstable();
        let bits = words.into_iter().map(|(word, n)| (BitString::from_u64(self.width, word), n));
        bits.collect()
    }
}
