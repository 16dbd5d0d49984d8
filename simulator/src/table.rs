//! Drawing from few outcomes: a table that is made once and looked up for each draw.

use ketch_kernels::SampleError;

use crate::{
    Cancel, Error,
    rng::{self, to_uniform},
};

/// The cumulative distribution, and for equal parts of [0, 1) the first outcome that a number in
/// that part can fall on ("indexed search", Chen and Asau, AIIE Transactions 6, 1974): with more
/// parts than outcomes, a draw takes one or two comparisons.
#[derive(Debug)]
pub(crate) struct Table {
    /// The weight of the outcomes up to and with this one; infinite from the last that has weight.
    cumulative: Vec<f64>,
    guide: Vec<u32>,
    /// Random bits that do not choose the part.
    shift: u32,
    total: f64,
}

/// Parts for each outcome.
const PARTS: usize = 4;

/// Shots whose random numbers are made at a time; an even number.
const BATCH: usize = 256;

impl Table {
    /// A table of outcomes with these weights.
    ///
    /// # Errors
    /// If they do not sum to a positive number.
    pub(crate) fn new(weights: &[f64]) -> Result<Self, Error> {
        let mut total = 0.0;
        let mut cumulative = Vec::with_capacity(weights.len());
        for weight in weights {
            total += weight;
            cumulative.push(total);
        }
        if !(total > 0.0 && total < f64::INFINITY) {
            return Err(SampleError::Norm(total).into());
        }
        // What rounding leaves beyond the total belongs to the last outcome with weight.
        let last = weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0);
        cumulative[last..].fill(f64::INFINITY);
        let n_parts = (PARTS * weights.len()).next_power_of_two();
        let part = total / n_parts as f64;
        let mut outcome = 0;
        let guide = (0..n_parts).map(|at| {
            while cumulative[outcome] <= at as f64 * part {
                outcome += 1;
            }
            outcome as u32
        });
        let guide = guide.collect();
        Ok(Self { cumulative, guide, shift: 64 - n_parts.trailing_zeros(), total })
    }

    /// Draws this many shots; shot `i` has the random number of its first choice, so its outcome
    /// depends on no other shot.
    pub(crate) fn draw(
        &self,
        seed: u64,
        shots: u64,
        cancel: &Cancel,
        mut each: impl FnMut(usize),
    ) -> Result<(), Error> {
        // All numbers of a batch before the first is looked up: so the calls of the generator, long
        // chains of multiplications, overlap.
        let mut batch = [0; BATCH];
        for first in (0..shots).step_by(BATCH) {
            cancel.poll()?;
            let batch = &mut batch[..(shots - first).min(BATCH as u64) as usize];
            for (pair, bits) in (first / 2..).zip(batch.chunks_mut(2)) {
                bits.copy_from_slice(&rng::pair(seed, pair, 0)[..bits.len()]);
            }
            batch.iter().for_each(|&bits| each(self.outcome(bits)));
        }
        Ok(())
    }

    /// The outcome that random bits fall on: the first whose cumulative weight exceeds them as a
    /// [uniform number](to_uniform) of the total.
    #[inline]
    pub(crate) fn outcome(&self, bits: u64) -> usize {
        let mut outcome = self.guide[(bits >> self.shift) as usize] as usize;
        let weight = to_uniform(bits) * self.total;
        while self.cumulative[outcome] <= weight {
            outcome += 1;
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_the_first_outcome_beyond_the_number() {
        let weights = [0.0, 0.1, 0.0, 0.3, 1e-9, 0.05, 0.0, 0.0, 0.55 - 1e-9, 0.0];
        let table = Table::new(&weights).unwrap();
        let total: f64 = weights.iter().sum();
        let ends = [0, 1 << 11, u64::MAX >> 1, u64::MAX];
        for bits in ends.into_iter().chain((0..10_000).flat_map(|pair| rng::pair(1, pair, 0))) {
            let found = table.outcome(bits);
            let before: f64 = weights[..found].iter().sum();
            let weight = to_uniform(bits) * total;
            assert!(weights[found] > 0.0, "outcome {found} has no weight");
            assert!(before <= weight && weight <= before + weights[found] + 1e-15);
        }
    }

    #[test]
    fn few_outcomes_and_no_weight() {
        assert_eq!(Table::new(&[2.0]).unwrap().outcome(u64::MAX), 0);
        assert!(Table::new(&[0.0, 0.0]).is_err());
        assert!(Table::new(&[]).is_err());
        assert!(Table::new(&[f64::NAN]).is_err());
    }
}
