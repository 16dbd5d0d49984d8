//! A gate on two neighbouring sites, and the division of what it makes into two tensors again.

use ketch_interface::Complex64;

use super::{
    Truncation,
    linalg::{Mat, product, split},
    matrix::Matrix2,
};

/// Multiplications from which pairs are worth more than one thread: some 50 microseconds.
pub(super) const WORTH_THREADS: u64 = 1 << 17;

/// The two sites after a gate.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) left: Mat,
    pub(super) right: Mat,
    /// The Schmidt values of the bond between them.
    pub(super) weights: Vec<f64>,
    /// The squares that were left out, of a sum of 1.
    pub(super) discarded: f64,
}

/// Applies a matrix to two sites whose left bond has these Schmidt values; to the centre and a
/// neighbour of it without any. The right site becomes right canonical; so is the left one with
/// Schmidt values, else it is the centre.
///
/// The left site is the product of what the gate made with the right site's adjoint, so that no
/// Schmidt value is divided by (Hastings, J. Math. Phys. 50, 095207, 2009).
pub(super) fn applied(
    weights: Option<&[f64]>,
    sides: (&Mat, &Mat),
    matrix: &Matrix2,
    truncation: &Truncation,
) -> Applied {
    let (left, right) = sides;
    let (l, m) = (left.nrows(), right.nrows());
    let mut both = Mat::zeros(2 * l, right.ncols());
    for half in 0..2 {
        let part = left.columns(half * m, m);
        both.rows_mut(half * l, l).copy_from(&product(&part, &right.as_view()));
    }
    act(&mut both, matrix);
    let split = match weights {
        Some(weights) => {
            let mut weighted = both.clone();
            for column in weighted.as_mut_slice().chunks_mut(l) {
                column.iter_mut().zip(weights).for_each(|(entry, weight)| *entry *= *weight);
            }
            split(&weighted, truncation)
        }
        None => split(&both, truncation),
    };
    let columns = split.rows.adjoint() / Complex64::from(split.norm);
    let k = columns.ncols();
    let mut left = Mat::zeros(l, 2 * k);
    for half in 0..2 {
        let part = product(&both.rows(half * l, l), &columns.as_view());
        left.columns_mut(half * k, k).copy_from(&part);
    }
    Applied { left, right: split.rows, weights: split.values, discarded: split.discarded }
}

/// The matrix on the physical bits of two sites: rows are `(left bit, left bond)`, columns
/// `(right bit, right bond)`.
fn act(both: &mut Mat, matrix: &Matrix2) {
    let (rows, columns) = both.shape();
    let (l, r) = (rows / 2, columns / 2);
    let diagonal = (0..16).all(|i| i / 4 == i % 4 || matrix[i / 4][i % 4] == Complex64::ZERO);
    let (zeros, ones) = both.as_mut_slice().split_at_mut(rows * r);
    for (zero, one) in zeros.chunks_mut(rows).zip(ones.chunks_mut(rows)) {
        let (zero_low, zero_high) = zero.split_at_mut(l);
        let (one_low, one_high) = one.split_at_mut(l);
        // The left bit is the low bit of the matrix's indices.
        let mut parts = [zero_low, zero_high, one_low, one_high];
        if diagonal {
            for (bits, part) in parts.iter_mut().enumerate() {
                part.iter_mut().for_each(|entry| *entry *= matrix[bits][bits]);
            }
            continue;
        }
        for at in 0..l {
            let before: [Complex64; 4] = std::array::from_fn(|bits| parts[bits][at]);
            for (part, row) in parts.iter_mut().zip(matrix) {
                part[at] = row.iter().zip(before).map(|(factor, entry)| factor * entry).sum();
            }
        }
    }
}

/// The bytes that [`applied`] takes at its peak.
pub(super) fn bytes((left, right): (&Mat, &Mat)) -> u64 {
    let (rows, columns) = (2 * left.nrows() as u64, right.ncols() as u64);
    let rank = rows.min(columns);
    16 * (4 * rows * columns + 2 * (rows + columns) * rank + 3 * rank * rank)
}

/// The bytes of what [`applied`] makes at most.
pub(super) fn bytes_made((left, right): (&Mat, &Mat)) -> u64 {
    let (rows, columns) = (2 * left.nrows() as u64, right.ncols() as u64);
    16 * (rows + columns) * rows.min(columns)
}

/// About how many complex multiplications [`applied`] takes.
pub(super) fn work((left, right): (&Mat, &Mat)) -> u64 {
    let (rows, columns) = (2 * left.nrows() as u64, right.ncols() as u64);
    let rank = rows.min(columns);
    rows * columns * (right.nrows() as u64 + rank) + 4 * rank * rank * rank
}
