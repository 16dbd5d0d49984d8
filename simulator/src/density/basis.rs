//! Between matrices and their coefficients in the basis of Pauli strings.
//!
//! The string with masks (x, z) is P(x, z) = i^|x∧z| X^x Z^z, so that a place with both bits has a
//! Y: it takes |c> to i^|x∧z| (−1)^|z∧c| |c ⊕ x>. A matrix A of `k` places has the coefficients
//! tr(P A), at index `x << k | z`, and is the sum of tr(P A) P / 2^k. They are real where A is
//! Hermitian. For each x, the 2^k of them are a Walsh-Hadamard transform of the entries
//! A[c, c ⊕ x].

use ketch_interface::Complex64;
use ketch_kernels::Real;

/// Strings whose x differs in the lowest bits only are converted together: their entries share
/// cache lines.
const TOGETHER: usize = 8;

/// tr(P A) for every string P of `k` places; `at(row, column)` is an entry of A.
///
/// Calls `put(index, coefficient)`.
pub(super) fn coefficients(
    k: usize,
    at: impl Fn(usize, usize) -> Complex64,
    mut put: impl FnMut(usize, Complex64),
) {
    let dim = 1_usize << k;
    let together = TOGETHER.min(dim);
    let mut columns = vec![Complex64::ZERO; together * dim];
    for first in (0..dim).step_by(together) {
        for c in 0..dim {
            (0..together).for_each(|j| columns[j * dim + c] = at(c, c ^ (first + j)));
        }
        for (x, column) in (first..).zip(columns.chunks_mut(dim)) {
            transform(column);
            for (z, sum) in column.iter().enumerate() {
                put(x << k | z, i_power((x & z).count_ones()) * sum);
            }
        }
    }
}

/// The entries of the matrix of `k` places whose coefficients are `of(index)`.
///
/// Calls `put(row, column, entry)`.
pub(super) fn entries(
    k: usize,
    of: impl Fn(usize) -> Complex64,
    mut put: impl FnMut(usize, usize, Complex64),
) {
    let dim = 1_usize << k;
    let together = TOGETHER.min(dim);
    let scale = 1.0 / dim as f64;
    let mut columns = vec![Complex64::ZERO; together * dim];
    for first in (0..dim).step_by(together) {
        for (x, column) in (first..).zip(columns.chunks_mut(dim)) {
            for (z, sum) in column.iter_mut().enumerate() {
                *sum = i_power((x & z).count_ones()) * of(x << k | z);
            }
            transform(column);
        }
        for c in 0..dim {
            (0..together).for_each(|j| put(c ^ (first + j), c, columns[j * dim + c] * scale));
        }
    }
}

/// Σ_c (−1)^|z∧c| a_c for every z, in place.
pub(super) fn transform<N>(values: &mut [N])
where
    N: Copy + std::ops::Add<Output = N> + std::ops::Sub<Output = N>,
{
    let mut half = 1;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}

/// The probabilities of the values of `k` places whose strings of I and Z have the coefficients
/// `of(z)`. Rounding can leave a little less than nothing, which becomes nothing.
pub(super) fn probabilities<T: Real>(k: usize, of: impl Fn(usize) -> T) -> Vec<f64> {
    let mut values: Vec<f64> = (0..1 << k).map(|z| of(z).widen()).collect();
    transform(&mut values);
    let scale = 1.0 / values.len() as f64;
    values.iter_mut().for_each(|value| *value = (*value * scale).max(0.0));
    values
}

fn i_power(exponent: u32) -> Complex64 {
    [Complex64::ONE, Complex64::I, -Complex64::ONE, -Complex64::I][exponent as usize % 4]
}

#[cfg(test)]
mod tests {
    use ketch_interface::Matrix;

    use super::*;
    use crate::reference;

    #[test]
    fn coefficients_are_traces_with_strings_and_lead_back() {
        for k in 0..=4 {
            let dim = 1_usize << k;
            let entry = |r: usize, c: usize| {
                let i = (r * dim + c) as f64;
                Complex64::new((0.7 * i + 0.1).sin(), (1.3 * i).cos())
            };
            let mut found = vec![Complex64::ZERO; dim * dim];
            coefficients(k, entry, |index, value| found[index] = value);
            let all = (0..dim * dim).map(|i| entry(i / dim, i % dim)).collect();
            let matrix = Matrix::new(dim, all).unwrap();
            for (index, found) in found.iter().enumerate() {
                let letters: String = (0..k)
                    .rev()
                    .map(|p| ["IZ", "XY"][index >> (k + p) & 1].as_bytes()[index >> p & 1] as char)
                    .collect();
                let product = reference::pauli(&letters).product(&matrix);
                let trace: Complex64 = (0..dim).map(|i| product.at(i, i)).sum();
                assert!((found - trace).norm() < 1e-12, "{letters}: {found}, expected {trace}");
            }
            entries(
                k,
                |index| found[index],
                |r, c, value| assert!((value - entry(r, c)).norm() < 1e-13),
            );
        }
    }
}
