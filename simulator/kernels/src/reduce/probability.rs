//! Sums of |a|².

use num_complex::Complex;

use super::{BLOCK, Blocks, LANES, Octet, Parts, Summand, octet, padded, pairwise};
use crate::aligned::AllocError;
use crate::controls::Controls;
use crate::dispatch::Isa;
use crate::index::{BitMap, Walk};
use crate::real::Real;
use crate::threads::Threads;

/// The most qubits for each of whose values a pass of its own adds up what has it: it is much
/// faster to add in lanes than to look at each amplitude for where it belongs.
const ADD_UP_TO: usize = 2;

/// The most qubits whose values are counted for parts of the state side by side; above,
/// the values are shared out among the threads.
const COUNT_UP_TO: usize = 10;

/// The most parts of a state in which values are counted: fixed, not by the threads.
const COUNT_PARTS: usize = 64;

/// The sum over the amplitudes of an outcome.
pub(super) fn of<T: Real>(
    isa: Isa,
    threads: &Threads,
    state: &[Complex<T>],
    outcome: Controls,
) -> f64 {
    let mut room = Octet::default();
    let state = padded(state, &mut room);
    let (mask, value) = (outcome.mask(), outcome.value());
    let walk = Walk::new(state.len(), mask | (LANES - 1), value & !(LANES - 1));
    let blocks = T::sum_squares(isa, Blocks { threads, walk, pass: Squares(state) });
    let low = Controls::new(mask & (LANES - 1), value & (LANES - 1));
    let sums: Vec<f64> = blocks.iter().map(|block| add_lanes(block, low)).collect();
    pairwise(&sums)
}

/// The sums over consecutive blocks.
pub(super) fn by_block<T: Real>(isa: Isa, threads: &Threads, state: &[Complex<T>]) -> Vec<f64> {
    let mut room = Octet::default();
    let state = padded(state, &mut room);
    let walk = Walk::new(state.len(), LANES - 1, 0);
    let blocks = T::sum_squares(isa, Blocks { threads, walk, pass: Squares(state) });
    blocks.iter().map(|block| add_lanes(block, Controls::NONE)).collect()
}

/// The sum over the lanes that an outcome admits.
fn add_lanes(parts: &Parts, admitted: Controls) -> f64 {
    let lane =
        |lane: usize| if admitted.admits(lane) { parts[lane][0] + parts[lane][1] } else { 0.0 };
    pairwise(&std::array::from_fn::<f64, LANES, _>(lane))
}

/// Adds up |a|², the squares of real and imaginary parts apart.
#[derive(Debug)]
pub struct Squares<'a, T>(pub(crate) &'a [Complex<T>]);

impl<T: Real> Summand<T> for Squares<'_, T> {
    type Sum = Parts;

    #[inline(always)]
    fn add(&self, sum: &mut Parts, base: usize) {
        let octet = octet(self.0, base);
        for lane in 0..LANES {
            let (re, im) = (octet[lane].re.widen(), octet[lane].im.widen());
            sum[lane][0] += re * re;
            sum[lane][1] += im * im;
        }
    }
}

/// The sums by the values of `qubits`, the bits of `mask`.
pub(super) fn by_value<T: Real>(
    isa: Isa,
    threads: &Threads,
    state: &[Complex<T>],
    qubits: &[usize],
    mask: usize,
) -> Result<Vec<f64>, AllocError> {
    let mut sums = zeros(1 << qubits.len())?;
    if qubits.len() <= ADD_UP_TO {
        let value_of = BitMap::scatter(qubits);
        for (value, sum) in sums.iter_mut().enumerate() {
            *sum = of(isa, threads, state, Controls::new(mask, value_of.of(value)));
        }
    } else if qubits.len() <= COUNT_UP_TO {
        count(threads, state, &BitMap::gather(qubits), &mut sums);
    } else {
        let value_of = BitMap::scatter(qubits);
        let rest = state.len() >> qubits.len();
        // One thread makes the whole of a sum, in the order of the index.
        threads.fill_chunks(&mut sums, BLOCK, state.len(), |start, sums| {
            for (at, sum) in sums.iter_mut().enumerate() {
                let walk = Walk::new(state.len(), mask, value_of.of(start + at));
                *sum = walk.bases(0..rest).map(|index| norm_sqr(state[index])).sum();
            }
        });
    }
    Ok(sums)
}

/// Adds up parts of the state side by side, then the parts in order.
fn count<T: Real>(threads: &Threads, state: &[Complex<T>], value_of: &BitMap, sums: &mut [f64]) {
    let part = (state.len() / COUNT_PARTS).max(BLOCK).min(state.len());
    let lowest = value_of.lowest();
    let parts = threads.map_blocks(state.len() / part, state.len(), |block| {
        let mut sums = vec![0.0; sums.len()];
        let start = block * part;
        for (at, run) in state[start..start + part].chunks(lowest.len()).enumerate() {
            let value = value_of.of(start + at * lowest.len());
            for (amplitude, low) in run.iter().zip(lowest) {
                sums[value | low] += norm_sqr(*amplitude);
            }
        }
        sums
    });
    for part in parts {
        for (sum, part) in sums.iter_mut().zip(part) {
            *sum += part;
        }
    }
}

/// |a|² in double precision.
#[inline(always)]
pub(super) fn norm_sqr<T: Real>(amplitude: Complex<T>) -> f64 {
    let (re, im) = (amplitude.re.widen(), amplitude.im.widen());
    re * re + im * im
}

/// As many zeros, or an error where there is no memory for them.
fn zeros(len: usize) -> Result<Vec<f64>, AllocError> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(len).map_err(|_| AllocError { bytes: len * size_of::<f64>() })?;
    zeros.resize(len, 0.0);
    Ok(zeros)
}
