//! Dense linear algebra: a pivoted QR factorization and the truncated singular value decomposition
//! that is made of it.

use ketch_interface::Complex64;
use nalgebra::{DMatrix, DMatrixView};

use super::Truncation;

/// A complex matrix, column-major.
pub(super) type Mat = DMatrix<Complex64>;

/// Some neighbouring rows and columns of one.
pub(super) type MatView<'a> = DMatrixView<'a, Complex64>;

/// The part of the squared norm that counts as rounding: what the rank is found by.
const ROUNDING: f64 = 1e-30;

/// The factors of `a` = Q R. Q has orthonormal columns, only as many as the rank of `a`.
///
/// Householder reflections, each for the column with most left of it (Golub and Van Loan, Matrix
/// Computations, 4th edition, section 5.4.2). The columns of R are in the order of those of `a`.
pub(super) fn qr(mut a: Mat) -> (Mat, Mat) {
    let (m, n) = a.shape();
    let mut order: Vec<usize> = (0..n).collect();
    let mut left: Vec<f64> = a.as_slice().chunks(m.max(1)).map(norm_sqr).collect();
    // The value of `left` when it was last summed up and not counted down.
    let mut summed = left.clone();
    let tiny = ROUNDING * left.iter().sum::<f64>();
    let mut scales = Vec::with_capacity(m.min(n));
    while scales.len() < m.min(n) {
        let k = scales.len();
        let (pivot, _) = (k..n)
            .map(|j| (j, left[j]))
            .fold((k, -1.0), |best, next| if next.1 > best.1 { next } else { best });
        if left[k..].iter().sum::<f64>() <= tiny && k > 0 {
            break;
        }
        a.swap_columns(k, pivot);
        order.swap(k, pivot);
        left.swap(k, pivot);
        summed.swap(k, pivot);
        let (done, rest) = a.as_mut_slice().split_at_mut((k + 1) * m);
        let reflector = &mut done[k * m + k..];
        let norm = norm_sqr(reflector).sqrt();
        let first = reflector[0];
        let phase = if first.norm() > 0.0 { first / first.norm() } else { Complex64::ONE };
        reflector[0] += phase * norm;
        let length = 2.0 * (norm * norm + first.norm() * norm);
        let scale = if length > 0.0 { 2.0 / length } else { 0.0 };
        for (j, column) in (k + 1..n).zip(rest.chunks_mut(m)) {
            reflect(reflector, scale, &mut column[k..]);
            left[j] -= column[k].norm_sqr();
            if left[j] <= 1e-8 * summed[j] {
                left[j] = norm_sqr(&column[k + 1..]);
                summed[j] = left[j];
            }
        }
        scales.push((scale, -phase * norm));
    }
    let rank = scales.len();
    let mut r = Mat::zeros(rank, n);
    for (j, &column) in order.iter().enumerate() {
        for i in 0..rank.min(j + 1) {
            r[(i, column)] = if i == j { scales[i].1 } else { a[(i, j)] };
        }
    }
    let mut q = Mat::identity(m, rank);
    for k in (0..rank).rev() {
        let reflector = &a.as_slice()[k * m + k..(k + 1) * m];
        for column in q.as_mut_slice().chunks_mut(m).skip(k) {
            reflect(reflector, scales[k].0, &mut column[k..]);
        }
    }
    (q, r)
}

/// `y - scale v (v† y)`.
fn reflect(v: &[Complex64], scale: f64, y: &mut [Complex64]) {
    let factor = dot(v, y) * scale;
    for (y, v) in y.iter_mut().zip(v) {
        *y -= factor * v;
    }
}

/// The sum of `conj(a) b`.
fn dot(a: &[Complex64], b: &[Complex64]) -> Complex64 {
    // Four sums, so that one addition does not wait for the one before.
    let mut sums = [Complex64::ZERO; 4];
    let (a_fours, b_fours) = (a.chunks_exact(4), b.chunks_exact(4));
    let ends = a_fours.remainder().iter().zip(b_fours.remainder());
    let end: Complex64 = ends.map(|(a, b)| a.conj() * b).sum();
    for (a, b) in a_fours.zip(b_fours) {
        for lane in 0..4 {
            sums[lane].re += a[lane].re * b[lane].re + a[lane].im * b[lane].im;
            sums[lane].im += a[lane].re * b[lane].im - a[lane].im * b[lane].re;
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + end
}

/// Multiplications from which a product of real matrices is worth the copies.
const WORTH_COPIES: usize = 1 << 12;

/// The product. The library multiplies real matrices much faster than complex ones, so that a large
/// product is taken as `[re, im]` times `[[re, im], [-im, re]]`.
pub(super) fn product(a: &MatView<'_>, b: &MatView<'_>) -> Mat {
    let ((m, k), n) = (a.shape(), b.ncols());
    if m * k * n < WORTH_COPIES {
        return a * b;
    }
    let mut left = DMatrix::<f64>::zeros(m, 2 * k);
    let (re, im) = left.as_mut_slice().split_at_mut(m * k);
    for ((re, im), entry) in re.iter_mut().zip(im).zip(a.iter()) {
        (*re, *im) = (entry.re, entry.im);
    }
    let mut right = DMatrix::<f64>::zeros(2 * k, 2 * n);
    let (re, im) = right.as_mut_slice().split_at_mut(2 * k * n);
    let columns = re.chunks_mut(2 * k).zip(im.chunks_mut(2 * k)).zip(b.column_iter());
    for ((re, im), column) in columns {
        for (row, entry) in column.iter().enumerate() {
            (re[row], im[row]) = (entry.re, entry.im);
            (re[k + row], im[k + row]) = (-entry.im, entry.re);
        }
    }
    let both = left * right;
    let (re, im) = both.as_slice().split_at(m * n);
    let entries = re.iter().zip(im).map(|(re, im)| Complex64::new(*re, *im));
    Mat::from_vec(m, n, entries.collect())
}

/// The sum of the squares.
pub(super) fn norm_sqr(a: &[Complex64]) -> f64 {
    let mut sums = [0.0; 4];
    let fours = a.chunks_exact(4);
    let end: f64 = fours.remainder().iter().map(Complex64::norm_sqr).sum();
    for four in fours {
        for lane in 0..4 {
            sums[lane] += four[lane].norm_sqr();
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + end
}

/// The large part of a matrix.
#[derive(Debug)]
pub(super) struct Split {
    /// Its right singular vectors as rows: orthonormal.
    pub(super) rows: Mat,
    /// The singular values, the largest first, divided by their norm.
    pub(super) values: Vec<f64>,
    /// The norm of the values that were kept.
    pub(super) norm: f64,
    /// The squares of the values that were left out, divided by the sum of all squares.
    pub(super) discarded: f64,
}

/// The right singular vectors of `a` whose singular values are worth keeping.
///
/// The pivoted QR factorization of the adjoint finds the rank to rounding; the Hermitian
/// eigenproblem of the small matrix R R† then gives the singular vectors within the row space. An
/// eigenvector of a small eigenvalue is right up to rounding in the size of the largest: the
/// projection on what is kept is off by about 1e-16 / s for the smallest kept value s, which is no
/// more than what leaving out values with squares of 1e-16 costs. Kept as they are, vectors of any
/// size are exact, for they always span the row space.
pub(super) fn split(a: &Mat, truncation: &Truncation) -> Split {
    let (q, r) = qr(a.adjoint());
    let rank = r.nrows();
    let eigen = product(&r.as_view(), &r.adjoint().as_view()).symmetric_eigen();
    let total = norm_sqr(r.as_slice());
    // What an eigenvalue says of a small singular value is lost in rounding.
    let unsure = 1e-10 * total;
    let mut squares: Vec<(f64, usize)> = (0..rank)
        .map(|j| match eigen.eigenvalues[j] {
            sure if sure > unsure => (sure, j),
            _ => (norm_sqr((eigen.eigenvectors.column(j).adjoint() * &r).as_slice()), j),
        })
        .collect();
    squares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (kept, discarded) = truncation.kept(squares.iter().map(|(square, _)| square / total));
    let left: f64 = squares[..kept].iter().map(|(square, _)| square).sum();
    let norm = left.sqrt();
    let values = squares[..kept].iter().map(|(square, _)| square.sqrt() / norm).collect();
    let columns: Vec<usize> = squares[..kept].iter().map(|&(_, j)| j).collect();
    let vectors = eigen.eigenvectors.select_columns(&columns);
    let rows = product(&q.as_view(), &vectors.as_view()).adjoint();
    Split { rows, values, norm, discarded }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Matrices of all shapes and ranks: with decaying, equal and vanishing singular values.
    fn matrices() -> impl Strategy<Value = Mat> {
        let sizes = (1_usize..13, 1_usize..13, 1_usize..13, 0_u8..4);
        sizes.prop_flat_map(|(m, n, rank, kind)| {
            let number = prop_oneof![Just(0.0), Just(1.0), -1.0..1.0];
            prop::collection::vec((number.clone(), number), rank * (m + n)).prop_map(
                move |values| {
                    let at = |i: usize| Complex64::new(values[i].0, values[i].1);
                    let decay = if kind == 0 { 0.03_f64 } else { 1.0 };
                    let left = Mat::from_fn(m, rank, |i, k| at(k * m + i) * decay.powi(k as i32));
                    let right = Mat::from_fn(rank, n, |k, j| at(rank * m + k * n + j));
                    let (left, right) = if kind == 1 {
                        (qr(left).0, qr(right.adjoint()).0.adjoint())
                    } else {
                        (left, right)
                    };
                    let rank = left.ncols().min(right.nrows());
                    left.columns(0, rank) * right.rows(0, rank)
                },
            )
        })
    }

    fn defect(rows: &Mat) -> f64 {
        (rows * rows.adjoint() - Mat::identity(rows.nrows(), rows.nrows())).norm()
    }

    proptest! {
        #[test]
        fn qr_is_a_factorization_of_full_rank(a in matrices()) {
            let (q, r) = qr(a.clone());
            prop_assert!((&q * &r - &a).norm() <= 1e-14 * a.norm().max(1e-300));
            prop_assert!(defect(&q.adjoint()) < 1e-13);
        }

        #[test]
        fn nothing_is_lost_without_truncation(a in matrices()) {
            let norm = a.norm();
            prop_assume!(norm > 0.0);
            let exact = Truncation { max_bond_dimension: None, threshold: 0.0 };
            let split = split(&a, &exact);
            prop_assert!(defect(&split.rows) < 1e-13);
            let left = &a * split.rows.adjoint();
            prop_assert!((&left * &split.rows - &a).norm() <= 1e-14 * norm);
            prop_assert!((split.norm - norm).abs() <= 1e-13 * norm);
            // What is left of the rows is orthogonal, with the singular values as norms.
            for (column, value) in left.column_iter().zip(&split.values) {
                prop_assert!((column.norm() / norm - value).abs() < 1e-12);
            }
        }

        #[test]
        fn what_is_left_out_is_what_is_missing(a in matrices(), most in 1_usize..4) {
            let norm = a.norm();
            prop_assume!(norm > 0.0);
            let truncation = Truncation { max_bond_dimension: Some(most), threshold: 1e-16 };
            let split = split(&a, &truncation);
            prop_assert!(split.rows.nrows() <= most);
            let missing = &a - &a * split.rows.adjoint() * &split.rows;
            let weight = norm_sqr(missing.as_slice()) / (norm * norm);
            prop_assert!((weight - split.discarded).abs() < 1e-13, "{weight} {}", split.discarded);
        }
    }
}
