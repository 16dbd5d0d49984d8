//! Exact sampling: the cumulative distribution is walked once, with sorted numbers.

use num_complex::Complex;

use super::probability::norm_sqr;
use super::{BLOCK, LANES, pairwise};
use crate::real::Real;
use crate::threads::Threads;

/// The state does not define a distribution.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// The sum of |a|² over the state.
    #[error("could not sample a state whose squared norm is {0}; it must be positive and finite")]
    Norm(f64),
}

/// A block, the cumulative weight before it, and the draws that fall into it.
struct Draws<'a> {
    block: usize,
    before: f64,
    uniforms: &'a [f64],
    indices: &'a mut [usize],
}

/// See [`crate::Kernels::sample_sorted`]. `blocks` are the weights of the blocks.
pub(super) fn sorted<T: Real>(
    threads: &Threads,
    state: &[Complex<T>],
    uniforms: &[f64],
    blocks: &[f64],
) -> Result<Vec<usize>, SampleError> {
    let total: f64 = blocks.iter().sum();
    if !(total > 0.0 && total.is_finite()) {
        return Err(SampleError::Norm(total));
    }
    let last = blocks.iter().rposition(|&weight| weight > 0.0).expect("the total is positive");

    let mut indices = vec![0; uniforms.len()];
    let mut all = Vec::new();
    let (mut uniforms, mut rest) = (uniforms, &mut indices[..]);
    let mut before = 0.0;
    for (block, weight) in blocks.iter().enumerate() {
        let after = before + weight;
        // What rounding leaves beyond the total belongs to the last block with weight.
        let count = match block == last {
            true => uniforms.len(),
            false => uniforms.partition_point(|uniform| uniform * total < after),
        };
        if count > 0 {
            let (own, others) = rest.split_at_mut(count);
            all.push(Draws { block, before, uniforms: &uniforms[..count], indices: own });
            (uniforms, rest) = (&uniforms[count..], others);
        }
        before = after;
    }

    let amplitudes = all.len() * BLOCK.min(state.len());
    threads.fill_chunks(&mut all, 1, amplitudes, |_, draws| {
        for draws in draws {
            draw(state, total, draws);
        }
    });
    Ok(indices)
}

/// Amplitudes of a block that are added up before one of them is looked at.
const RUN: usize = 64;

/// Walks one block, run by run: most runs have no draw in them, and adding one up takes a
/// fraction of the time that looking at each amplitude takes.
fn draw<T: Real>(state: &[Complex<T>], total: f64, draws: &mut Draws<'_>) {
    let start = draws.block * BLOCK;
    let block = &state[start..state.len().min(start + BLOCK)];
    let mut runs = block.chunks(RUN).enumerate();
    // The run that the draws have come to, how many of its amplitudes are passed, the weight
    // up to there and up to the end of the run.
    let (mut run, mut first, mut passed) = (&block[..0], start, 0);
    let (mut after, mut end) = (draws.before, draws.before);
    let mut index = start;
    for (uniform, drawn) in draws.uniforms.iter().zip(draws.indices.iter_mut()) {
        let target = uniform * total;
        while end <= target
            && let Some((number, next)) = runs.next()
        {
            let weight = sum(next);
            if weight > 0.0 {
                (run, first, passed, after) = (next, start + number * RUN, 0, end);
                end += weight;
            }
        }
        // Only an amplitude with weight moves `after`, or becomes the index: so none without
        // weight is ever drawn, whatever rounding does at the end of a run.
        while after <= target && passed < run.len() {
            let weight = norm_sqr(run[passed]);
            after += weight;
            index = if weight > 0.0 { first + passed } else { index };
            passed += 1;
        }
        *drawn = index;
    }
}

/// The sum of |a|², in as many lanes as keep the processor busy.
fn sum<T: Real>(run: &[Complex<T>]) -> f64 {
    let mut lanes = [0.0; LANES];
    for octet in run.chunks(LANES) {
        for (lane, amplitude) in lanes.iter_mut().zip(octet) {
            *lane += norm_sqr(*amplitude);
        }
    }
    pairwise(&lanes)
}
