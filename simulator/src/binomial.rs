//! Binomial random numbers: how many of `n` independent trials succeed.

use crate::rng::Stream;

/// Means below which counting up from 0 takes less than drawing from a hat, and from which on the hat
/// fits. No mean of whole trials at a probability in halves, quarters and so on comes near it.
const FEW: f64 = 10.1;

/// The number of successes in `n` trials, each with probability `yes / (yes + no)`.
///
/// `n` is below 2^53. The sum of `yes` and `no` is positive and finite; one below 0, as rounding may
/// leave it, counts as 0.
pub(crate) fn binomial(n: u64, yes: f64, no: f64, stream: &mut Stream) -> u64 {
    if n == 0 || yes <= 0.0 {
        return 0;
    }
    // Not where they are equal but for rounding, so that rounding does not turn the outcome round.
    if yes > no * (1.0 + 1e-9) {
        return n - binomial(n, no, yes, stream);
    }
    let p = yes / (yes + no);
    match n as f64 * p < FEW {
        true => counted_up(n, p, stream),
        false => rejected(n as f64, p, stream) as u64,
    }
}

/// Inversion: goes up from 0 and takes off the probability of each number. For `p` up to 1/2 and a
/// small mean, so that the probability of 0 is far from the smallest number.
fn counted_up(n: u64, p: f64, stream: &mut Stream) -> u64 {
    let odds = p / (1.0 - p);
    let mut left = stream.uniform();
    let mut probability = (n as f64 * (-p).ln_1p()).exp();
    let mut k = 0;
    while left >= probability && k < n {
        left -= probability;
        probability *= odds * (n - k) as f64 / (k + 1) as f64;
        k += 1;
    }
    k
}

/// Transformed rejection with squeeze, algorithm BTRS of Hörmann, "The generation of binomial random
/// variates" (Journal of Statistical Computation and Simulation 46, 1993). For `p <= 1/2` and a mean
/// of 10 at least.
fn rejected(n: f64, p: f64, stream: &mut Stream) -> f64 {
    let deviation = (n * p * (1.0 - p)).sqrt();
    let b = 1.15 + 2.53 * deviation;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let c = n * p + 0.5;
    let squeeze = 0.92 - 4.2 / b;
    loop {
        let u = stream.uniform() - 0.5;
        let v = stream.uniform();
        let edge = 0.5 - u.abs();
        let k = ((2.0 * a / edge + b) * u + c).floor();
        if edge >= 0.07 && v <= squeeze {
            return k;
        }
        if !(0.0..=n).contains(&k) {
            continue;
        }
        let alpha = (2.83 + 5.1 / b) * deviation;
        let v = (v * alpha / (a / (edge * edge) + b)).ln();
        if v <= log_ratio(n, p, k) {
            return k;
        }
    }
}

/// The logarithm of the probability of `k` over that of the most probable number.
fn log_ratio(n: f64, p: f64, k: f64) -> f64 {
    let m = ((n + 1.0) * p).floor();
    let odds = p / (1.0 - p);
    (m + 0.5) * ((m + 1.0) / (odds * (n - m + 1.0))).ln()
        + (n + 1.0) * ((n - m + 1.0) / (n - k + 1.0)).ln()
        + (k + 0.5) * (odds * (n - k + 1.0) / (k + 1.0)).ln()
        + beyond_stirling(m)
        + beyond_stirling(n - m)
        - beyond_stirling(k)
        - beyond_stirling(n - k)
}

/// ln k! less Stirling's formula about k + 1, (k + 1/2) ln(k + 1) - (k + 1) + ln(2 pi) / 2.
fn beyond_stirling(k: f64) -> f64 {
    const FIRST: [f64; 10] = [
        0.081_061_466_795_327_26,
        0.041_340_695_955_409_29,
        0.027_677_925_684_998_34,
        0.020_790_672_103_765_09,
        0.016_644_691_189_821_193,
        0.013_876_128_823_070_748,
        0.011_896_709_945_891_77,
        0.010_411_265_261_972_096,
        0.009_255_462_182_712_733,
        0.008_330_563_433_362_87,
    ];
    if let Some(known) = FIRST.get(k as usize) {
        return *known;
    }
    let inverse = 1.0 / (k + 1.0);
    let square = inverse * inverse;
    inverse
        * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probabilities of 0 to n successes, by Pascal's rule.
    fn probabilities(n: usize, p: f64) -> Vec<f64> {
        let mut row = vec![1.0];
        for _ in 0..n {
            let mut next = vec![0.0; row.len() + 1];
            for (k, probability) in row.iter().enumerate() {
                next[k] += probability * (1.0 - p);
                next[k + 1] += probability * p;
            }
            row = next;
        }
        row
    }

    /// Pearson's chi-square test of 200,000 draws each; numbers that are expected fewer than 20
    /// times are taken together. The bound is the mean plus 6 standard deviations plus 40, which a
    /// right distribution passes by chance less often than once in 10^7 tests.
    #[test]
    fn draws_are_distributed_as_they_should_be() {
        const DRAWS: usize = 200_000;
        let cases = [
            (1, 0.5),
            (1, 0.001),
            (7, 0.3),
            (20, 0.499),
            (20, 0.5),
            (21, 0.5),
            (40, 0.25),
            (1024, 0.004),
            (1024, 0.0098),
            (1000, 0.01),
            (1024, 0.03),
            (100, 0.9),
            (1024, 0.5),
            (3000, 0.7),
        ];
        for (seed, (n, p)) in (0..).zip(cases) {
            let mut stream = Stream::new(seed, 0);
            let mut seen = vec![0_u32; n + 1];
            for _ in 0..DRAWS {
                seen[binomial(n as u64, p, 1.0 - p, &mut stream) as usize] += 1;
            }
            let (mut rare, mut chi_square, mut cells) = ((0.0, 0.0), 0.0, 0.0_f64);
            for (seen, probability) in seen.iter().zip(probabilities(n, p)) {
                let (found, expected) = (f64::from(*seen), probability * DRAWS as f64);
                if expected < 20.0 {
                    rare = (rare.0 + found, rare.1 + expected);
                } else {
                    chi_square += (found - expected).powi(2) / expected;
                    cells += 1.0;
                }
            }
            if rare.1 >= 20.0 {
                chi_square += (rare.0 - rare.1).powi(2) / rare.1;
                cells += 1.0;
            }
            let freedom = (cells - 1.0).max(0.0);
            let bound = freedom + 6.0 * (2.0 * freedom).sqrt() + 40.0;
            assert!(chi_square < bound, "{n}, {p}: chi-square {chi_square} of {freedom}");
        }
    }

    /// Mean and variance of 100,000 draws of many trials, within 6 standard deviations: a false
    /// alarm in 10^8 seeds.
    #[test]
    fn many_trials_have_the_right_mean_and_variance() {
        for (seed, (n, p)) in (0..).zip([(10_000_000_u64, 0.3), (1 << 40, 0.5), (1 << 40, 1e-11)]) {
            let mut stream = Stream::new(seed, 1);
            let draws = 100_000;
            let (mean, variance) = (n as f64 * p, n as f64 * p * (1.0 - p));
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..draws {
                let off = binomial(n, p, 1.0 - p, &mut stream) as f64 - mean;
                sum += off;
                squares += off * off;
            }
            let draws = f64::from(draws);
            assert!((sum / draws).abs() < 6.0 * (variance / draws).sqrt(), "{n}, {p}: {sum}");
            // The fourth moment about the mean is 3 variance^2 + variance (1 - 6 p (1 - p)).
            let spread = (2.0 * variance * variance + variance).sqrt();
            let off = squares / draws - variance;
            assert!(off.abs() < 6.0 * spread / draws.sqrt(), "{n}, {p}: {off} of {variance}");
        }
    }

    #[test]
    fn what_is_certain_is_not_drawn() {
        let mut stream = Stream::new(0, 0);
        assert_eq!(binomial(0, 0.3, 0.7, &mut stream), 0);
        assert_eq!(binomial(1000, 0.0, 0.7, &mut stream), 0);
        assert_eq!(binomial(1000, 0.2, 0.0, &mut stream), 1000);
        assert_eq!(binomial(1000, f64::MIN_POSITIVE, f64::MAX, &mut stream), 0);
    }

    #[test]
    fn logarithms_of_factorials() {
        let mut log_factorial = 0.0;
        for k in 0..200 {
            let k = f64::from(k);
            log_factorial += if k > 0.0 { k.ln() } else { 0.0 };
            let stirling =
                (k + 0.5) * (k + 1.0).ln() - (k + 1.0) + std::f64::consts::TAU.ln() / 2.0;
            assert!((log_factorial - stirling - beyond_stirling(k)).abs() < 1e-11, "{k}");
        }
    }
}
