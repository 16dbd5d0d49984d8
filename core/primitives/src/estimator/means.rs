//! Expectation values and their standard errors from the outcomes of measurements.
//!
//! In each shot of a group `g`, an observable `O = Σ cᵢ Pᵢ` has the value `y = Σ_{i∈g} cᵢ pᵢ`, where
//! `pᵢ = ±1` is the parity of the bits of `Pᵢ`. The estimate is the sum over groups of the mean of
//! `y`, and its variance is
//!
//! ```text
//! Σ_g 1/N_g Σ_{i,j∈g} cᵢ cⱼ Cov(Pᵢ, Pⱼ) = Σ_g Var(y_g) / N_g
//! ```
//!
//! (Crawford et al., Quantum 5, 385, 2021): what strings of a group have in common counts, also
//! where it makes the error smaller. `Var(y)` is estimated without bias from the same shots, with
//! `N - 1` below. Of a single shot nothing is known but that `|y| ≤ Σ |cᵢ|`; this bound is taken.

use ketch_interface::{BitString, Counts};

use super::group::{Group, Grouped};

/// A value and its variance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) variance: f64,
}

/// Mean and sum of squared deviations, brought up to date outcome by outcome (West, Communications
/// of the ACM 22, 532, 1979).
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    shots: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64, count: f64) {
        self.shots += count;
        let apart = value - self.mean;
        self.mean += apart * count / self.shots;
        self.squares += count * apart * (value - self.mean);
    }
}

/// One group's part of each observable, by its place in `sums`.
pub(crate) fn estimates(
    grouped: &Grouped<'_>,
    group: &Group,
    counts: &Counts,
    first_bit: u32,
) -> Vec<Estimate> {
    let mut place_of = vec![None; grouped.terms.len()];
    for (place, term) in group.terms.iter().enumerate() {
        place_of[*term as usize] = Some(place);
    }
    let masks: Vec<BitString> = group.terms.iter().map(|t| mask(grouped, group, *t)).collect();
    let sums: Vec<Vec<(usize, f64)>> = grouped
        .sums
        .iter()
        .map(|(_, sum)| {
            let here = |&(term, weight): &(u32, f64)| Some((place_of[term as usize]?, weight));
            sum.iter().filter_map(here).collect()
        })
        .collect();
    let mut moments = vec![Moments::default(); sums.len()];
    let mut signs = vec![1.0; masks.len()];
    for (outcome, count) in counts.iter() {
        let own = outcome.slice(first_bit, group.basis.len() as u32);
        for (sign, mask) in signs.iter_mut().zip(&masks) {
            *sign = sign_of(&own, mask);
        }
        for (moments, sum) in moments.iter_mut().zip(&sums) {
            let value = sum.iter().map(|&(place, weight)| weight * signs[place]).sum();
            moments.add(value, count as f64);
        }
    }
    let estimate = |(moments, sum): (&Moments, &Vec<(usize, f64)>)| {
        let variance = if moments.shots > 1.0 {
            moments.squares / (moments.shots - 1.0) / moments.shots
        } else {
            sum.iter().map(|(_, weight)| weight.abs()).sum::<f64>().powi(2)
        };
        Estimate { value: moments.mean, variance }
    };
    moments.iter().zip(&sums).map(estimate).collect()
}

/// The bits of a group's register whose parity is a string's value.
fn mask(grouped: &Grouped<'_>, group: &Group, term: u32) -> BitString {
    let mut mask = BitString::zeros(group.basis.len() as u32);
    for (qubit, _) in grouped.terms[term as usize] {
        let found = group.basis.binary_search_by_key(qubit, |(measured, _)| *measured);
        mask.set(found.expect("a group measures all qubits of its strings") as u32, true);
    }
    mask
}

fn sign_of(outcome: &BitString, mask: &BitString) -> f64 {
    let ones = outcome.words().zip(mask.words()).map(|(a, b)| (a & b).count_ones()).sum::<u32>();
    if ones.is_multiple_of(2) { 1.0 } else { -1.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::group::Budget, *};
    use crate::Observable;

    fn counts(outcomes: &[(&str, u64)]) -> Counts {
        let outcomes = outcomes.iter().map(|(bits, count)| (bits.parse().unwrap(), *count));
        Counts::from_outcomes(Vec::new(), outcomes)
    }

    fn of(text: &str, outcomes: &[(&str, u64)]) -> Estimate {
        let observable: Observable = text.parse().unwrap();
        let grouped = Grouped::new([&observable], &mut Budget::default()).unwrap();
        assert_eq!(grouped.groups.len(), 1);
        estimates(&grouped, &grouped.groups[0], &counts(outcomes), 1)[0]
    }

    #[test]
    fn parities_are_averaged() {
        // The register begins at bit 1: the last character belongs to another one.
        let outcomes = [("000", 60), ("011", 20), ("111", 20)];
        let z = of("IZ", &outcomes);
        assert!((z.value - 0.2).abs() < 1e-15);
        // The variance of a mean of ±1 is (1 - mean²) / (N - 1).
        assert!((z.variance - (1.0 - 0.04) / 99.0).abs() < 1e-15, "{z:?}");
        assert!((of("ZZ", &outcomes).value - 0.6).abs() < 1e-15);
    }

    #[test]
    fn what_strings_have_in_common_counts() {
        // Both bits are always equal: their difference has no error, their sum twice that of one.
        let outcomes = [("000", 500), ("110", 500)];
        assert_eq!(of("ZI - IZ", &outcomes), Estimate { value: 0.0, variance: 0.0 });
        let sum = of("ZI + IZ", &outcomes);
        assert!((sum.variance - 4.0 / 999.0).abs() < 1e-15, "{sum:?}");
    }

    #[test]
    fn registers_of_more_than_a_word_are_read() {
        let all = Observable::new([("Z".repeat(100), 1.0)]).unwrap();
        let grouped = Grouped::new([&all], &mut Budget::default()).unwrap();
        let ones = |count: usize| format!("{}{}0", "0".repeat(100 - count), "1".repeat(count));
        for (count, value) in [(0, 1.0), (1, -1.0), (65, -1.0), (70, 1.0), (99, -1.0)] {
            let counts = counts(&[(ones(count).as_str(), 7)]);
            let found = estimates(&grouped, &grouped.groups[0], &counts, 1)[0];
            assert_eq!(found, Estimate { value, variance: 0.0 }, "{count} ones");
        }
    }

    #[test]
    fn one_shot_leaves_all_open() {
        assert_eq!(of("2 ZI - IZ", &[("000", 1)]), Estimate { value: 1.0, variance: 9.0 });
    }

    proptest! {
        /// Against the double sum over covariances, as it stands in the formula.
        #[test]
        fn the_variance_is_the_sum_of_all_covariances(
            weights in prop::array::uniform3(-2.0..2.0_f64),
            seen in prop::array::uniform8(0_u64..50),
        ) {
            let total: u64 = seen.iter().sum();
            prop_assume!(total > 1);
            let strings = ["IIZ", "IZZ", "ZIZ"];
            let observable = Observable::new(strings.into_iter().zip(weights)).unwrap();
            let grouped = Grouped::new([&observable], &mut Budget::default()).unwrap();
            let outcomes = (0_u64..).zip(seen).filter(|(_, count)| *count > 0);
            let outcomes: Vec<_> = outcomes.map(|(v, n)| (BitString::from_u64(3, v), n)).collect();
            let counts = Counts::from_outcomes(Vec::new(), outcomes.iter().cloned());
            let n = total as f64;
            let sign = |mask: u64, value: u64| {
                if (mask & value).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 }
            };
            let masks = [0b001, 0b011, 0b101];
            let mean = |of: &dyn Fn(u64) -> f64| {
                (0..).zip(seen).map(|(value, count)| of(value) * count as f64).sum::<f64>() / n
            };
            let mut variance = 0.0;
            let mut value = 0.0;
            for (a, wa) in masks.into_iter().zip(weights) {
                let mean_a = mean(&|v| sign(a, v));
                value += wa * mean_a;
                for (b, wb) in masks.into_iter().zip(weights) {
                    let covariance =
                        mean(&|v| sign(a, v) * sign(b, v)) - mean_a * mean(&|v| sign(b, v));
                    variance += wa * wb * covariance / (n - 1.0);
                }
            }
            let found = estimates(&grouped, &grouped.groups[0], &counts, 0)[0];
            prop_assert!((found.value - value).abs() < 1e-12);
            prop_assert!((found.variance - variance).abs() < 1e-12, "{found:?} {variance}");
        }
    }
}
