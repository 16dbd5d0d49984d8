//! Many shots of few outcomes: how many fall on each, without a random number for each shot.
//!
//! How many of all shots fall on the first half of the outcomes is a binomial number; of those, how
//! many on its first half, and so on. So the counts have the distribution that shots drawn one by
//! one have. Which shot had which outcome is a random order of them, made only if it is asked for.

use crate::{Cancel, Error, binomial::binomial, rng::Stream};
use ketch_kernels::SampleError;

/// Sites of random choices that no shot comes to.
const SPLITS: u64 = u64::MAX - 1;
const ORDER: u64 = u64::MAX - 2;

/// The most outcomes that shots are shared out among: it takes as long as a thousand random numbers,
/// or less if there are few shots.
pub(crate) const FEW: usize = 1 << 10;

/// Shots that are put in order between two looks at the cancel token.
const POLLED_EVERY: usize = 1 << 16;

/// How many shots fall on each of the outcomes with these weights.
///
/// # Errors
/// If the weights do not sum to a positive number.
pub(crate) fn shares(weights: &[f64], shots: u64, seed: u64) -> Result<Vec<u64>, Error> {
    let n_leaves = weights.len().next_power_of_two();
    // A binary tree: the children of node k are 2k and 2k + 1, the outcomes stand last.
    let mut sums = vec![0.0; 2 * n_leaves];
    sums[n_leaves..][..weights.len()].copy_from_slice(weights);
    for node in (1..n_leaves).rev() {
        sums[node] = sums[2 * node] + sums[2 * node + 1];
    }
    let total = sums[1];
    if !(total > 0.0 && total < f64::INFINITY) {
        return Err(SampleError::Norm(total).into());
    }
    let mut counts = vec![0; 2 * n_leaves];
    counts[1] = shots;
    for node in 1..n_leaves {
        let (left, right) = (2 * node, 2 * node + 1);
        if counts[node] > 0 {
            // Each split has numbers of its own, so that weights which are 0 but for rounding change
            // none of the others.
            let mut stream = Stream::numbered(seed, SPLITS, node as u64);
            counts[left] = binomial(counts[node], sums[left], sums[right], &mut stream);
            counts[right] = counts[node] - counts[left];
        }
    }
    counts.drain(..n_leaves);
    counts.truncate(weights.len());
    Ok(counts)
}

/// Puts shots that are packed in `stride` bytes each in a random order: all orders are equally likely
/// (Durstenfeld, "Random permutation", CACM 7, 1964).
pub(crate) fn shuffle(
    packed: &mut [u8],
    stride: usize,
    seed: u64,
    cancel: &Cancel,
) -> Result<(), Error> {
    let mut stream = Stream::new(seed, ORDER);
    let n_shots = packed.len().checked_div(stride).unwrap_or(0);
    for last in (1..n_shots).rev() {
        if last % POLLED_EVERY == 0 {
            cancel.poll()?;
        }
        let other = stream.below(last as u64 + 1) as usize;
        if other < last {
            let (before, from) = packed.split_at_mut(last * stride);
            before[other * stride..][..stride].swap_with_slice(&mut from[..stride]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shots_are_shared_out_and_none_to_what_cannot_come_out() {
        let weights = [0.0, 0.1, 0.0, 0.3, 1e-9, 0.05, 0.0, 0.0, 0.55 - 1e-9, 0.0, 0.0];
        for seed in 0..2000 {
            let counts = shares(&weights, 100, seed).unwrap();
            assert_eq!((counts.len(), counts.iter().sum::<u64>()), (11, 100));
            assert!(counts.iter().zip(weights).all(|(count, p)| p > 0.0 || *count == 0));
        }
        assert_eq!(shares(&[2.0], 7, 1).unwrap(), [7]);
        assert_eq!(shares(&[0.0, 0.0, 1e-300], 7, 1).unwrap(), [0, 0, 7]);
        for none in [&[][..], &[0.0, 0.0], &[f64::NAN], &[f64::MAX, f64::MAX]] {
            assert!(shares(none, 7, 1).is_err());
        }
    }

    /// The first and the last shot, of 8 in which two outcomes come 2 and 6 times: each pair of
    /// outcomes as often as drawing without replacement gives, within 5 standard deviations in
    /// 40,000 seeds. A false alarm in 400,000 sets of seeds.
    #[test]
    fn all_orders_are_as_likely_as_each_other() {
        let mut seen = [0.0; 4];
        let draws = 40_000;
        for seed in 0..draws {
            let mut shots = [0, 9, 0, 9, 1, 9, 1, 9, 1, 9, 1, 9, 1, 9, 1, 9];
            shuffle(&mut shots, 2, seed, &Cancel::new()).unwrap();
            let (shots, _) = shots.as_chunks::<2>();
            assert_eq!(shots.iter().filter(|shot| **shot == [0, 9]).count(), 2);
            assert_eq!(shots.iter().filter(|shot| **shot == [1, 9]).count(), 6);
            seen[usize::from(2 * shots[0][0] + shots[7][0])] += 1.0;
        }
        for (seen, ways) in seen.into_iter().zip([2.0, 12.0, 12.0, 30.0]) {
            let p: f64 = ways / 56.0;
            let (mean, deviation) = (p * draws as f64, (p * (1.0 - p) * draws as f64).sqrt());
            assert!((seen - mean).abs() < 5.0 * deviation, "{seen} of {mean}");
        }
    }

    /// Counts of two outcomes are correlated as those of drawn shots are: of 100 shots, the
    /// covariance is -100 p q, within 6 standard deviations of 50,000 seeds.
    #[test]
    fn shares_vary_as_drawn_shots_do() {
        let weights = [0.2, 0.3, 0.1, 0.4];
        let n = 50_000;
        for (a, b) in [(0, 1), (1, 2), (0, 3)] {
            let products: Vec<f64> = (0..n)
                .map(|seed| {
                    let counts = shares(&weights, 100, seed).unwrap();
                    let off = |i: usize| counts[i] as f64 - 100.0 * weights[i];
                    off(a) * off(b)
                })
                .collect();
            let mean = products.iter().sum::<f64>() / n as f64;
            let variance = products.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
            let expected = -100.0 * weights[a] * weights[b];
            let bound = 6.0 * (variance / n as f64).sqrt();
            assert!((mean - expected).abs() < bound, "{a}, {b}: {mean}, expected {expected}");
        }
    }
}
