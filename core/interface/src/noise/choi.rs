//! Between Kraus operators and superoperators.

use num_complex::Complex64;

use super::{NoiseError, TOLERANCE, channel::n_qubits};
use crate::Matrix;

/// The superoperator Σ conj(K) ⊗ K, column-stacking.
pub(super) fn superop_of(kraus: &[Matrix]) -> Matrix {
    let d = kraus[0].dim();
    let dim = d * d;
    let mut entries = vec![Complex64::ZERO; dim * dim];
    for k in kraus {
        for (row, line) in entries.chunks_mut(dim).enumerate() {
            for (column, entry) in line.iter_mut().enumerate() {
                *entry += k.at(row / d, column / d).conj() * k.at(row % d, column % d);
            }
        }
    }
    Matrix::new(dim, entries).expect("dim² entries")
}

/// The Choi matrix of a superoperator and the other way round: the entry in row `(c, r)` and column
/// `(c', r')` goes to row `(c', c)` and column `(r', r)`, each pair as `first · d + second`.
pub(super) fn exchanged(matrix: &Matrix) -> Matrix {
    let dim = matrix.dim();
    let d = 1_usize << (dim.trailing_zeros() / 2);
    let mut entries = vec![Complex64::ZERO; dim * dim];
    for (i, entry) in matrix.entries().iter().enumerate() {
        let (row, column) = (i / dim, i % dim);
        let (c, r, c1, r1) = (row / d, row % d, column / d, column % d);
        entries[(r1 * d + r) * dim + c1 * d + c] = *entry;
    }
    Matrix::new(dim, entries).expect("dim² entries")
}

/// Kraus operators of a superoperator, as many as its rank.
///
/// The Choi matrix is Σ vec(K) vec(K)†, so the columns of any factor L with Choi = L L† are Kraus
/// operators. L comes from Cholesky's method with the largest pivot first, which also shows
/// whether the matrix is positive.
pub(super) fn kraus_of(superop: &Matrix) -> Result<Vec<Matrix>, NoiseError> {
    let dim = superop.dim();
    let d = match superop.n_qubits() {
        Some(bits) if bits % 2 == 0 && (2..=10).contains(&bits) => 1_usize << (bits / 2),
        _ => {
            let reason = format!("a superoperator of {dim} rows, expected 4^n for 1 to 5 qubits");
            return Err(NoiseError::BadShape(reason));
        }
    };
    let mut choi = exchanged(superop).into_entries();
    let mut defect = 0.0_f64;
    for i in 0..dim {
        for j in 0..=i {
            let off = (choi[i * dim + j] - choi[j * dim + i].conj()).norm();
            defect = if off <= defect { defect } else { off };
        }
    }
    if defect > TOLERANCE || defect.is_nan() {
        return Err(NoiseError::NotPositive { defect });
    }
    let mut kraus = Vec::new();
    for _ in 0..dim {
        let diagonal = |i: usize| choi[i * dim + i].re;
        let pivot = (0..dim).max_by(|&a, &b| diagonal(a).total_cmp(&diagonal(b)));
        let pivot = pivot.expect("there are rows");
        let largest = diagonal(pivot);
        if largest <= 1e-15 * d as f64 {
            break;
        }
        let column: Vec<Complex64> =
            (0..dim).map(|i| choi[i * dim + pivot] / largest.sqrt()).collect();
        for (line, left) in choi.chunks_mut(dim).zip(&column) {
            for (entry, right) in line.iter_mut().zip(&column) {
                *entry -= left * right.conj();
            }
        }
        let entries = (0..dim).map(|i| column[i % d * d + i / d]).collect();
        kraus.push(Matrix::new(d, entries).expect("d² entries"));
    }
    // What is left of a positive matrix is nothing.
    let left = choi.iter().map(|entry| entry.norm()).fold(0.0, f64::max);
    if left > TOLERANCE {
        return Err(NoiseError::NotPositive { defect: left });
    }
    n_qubits(&kraus)?;
    Ok(kraus)
}
