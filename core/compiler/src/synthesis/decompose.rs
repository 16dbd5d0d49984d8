//! Decompositions of unitaries of any size: eigenvectors, and cosines and sines.

use ketch_interface::Matrix;

use crate::linear::C;

/// A square matrix by columns.
pub(crate) type Columns = Vec<Vec<C>>;

pub(crate) fn columns(matrix: &Matrix) -> Columns {
    let n = matrix.dim();
    (0..n).map(|j| (0..n).map(|i| matrix.at(i, j)).collect()).collect()
}

pub(crate) fn matrix(columns: &Columns) -> Matrix {
    let n = columns.len();
    let entries = (0..n * n).map(|k| columns[k % n][k / n]).collect();
    Matrix::new(n, entries).expect("as many entries as a square has")
}

/// `a† b`, the inner product.
fn inner(a: &[C], b: &[C]) -> C {
    a.iter().zip(b).map(|(a, b)| a.conj() * b).sum()
}

/// The eigenvectors, as columns, of a normal matrix: joint Jacobi rotations of its Hermitian and
/// anti-Hermitian part (Cardoso and Souloumiac, SIAM J. Matrix Anal. Appl. 17, 1996), which need no
/// distinct eigenvalues.
pub(crate) fn eigenvectors(normal: &Matrix) -> Matrix {
    let n = normal.dim();
    let mut a = columns(normal);
    let mut vectors = columns(&Matrix::diagonal(&vec![C::ONE; n]));
    // Convergence is quadratic; the bound only guards against entries that are no numbers.
    for _ in 0..60 {
        let mut largest = 0.0_f64;
        for i in 0..n {
            for j in i + 1..n {
                let (cos, sin) = rotation(&a, i, j);
                if sin.norm() < 1e-15 {
                    continue;
                }
                largest = largest.max(a[j][i].norm()).max(a[i][j].norm());
                turn_columns(&mut a, i, j, cos, sin);
                for column in &mut a {
                    let (p, q) = (column[i], column[j]);
                    column[i] = p * cos + q * sin.conj();
                    column[j] = q * cos - p * sin;
                }
                turn_columns(&mut vectors, i, j, cos, sin);
            }
        }
        if largest < 1e-14 {
            break;
        }
    }
    matrix(&vectors)
}

/// The rotation of columns `i` and `j` that brings the two off-diagonal entries of the Hermitian
/// and the anti-Hermitian part nearest to 0 together.
fn rotation(a: &Columns, i: usize, j: usize) -> (f64, C) {
    let (ii, jj, ij, ji) = (a[i][i], a[j][j], a[j][i], a[i][j]);
    let parts = [
        [(ii - jj).re, (ij + ji.conj()).re, (ij + ji.conj()).im],
        [(ii - jj).im, (ij - ji.conj()).im, -(ij - ji.conj()).re],
    ];
    let [x, y, z] = principal_axis(&parts);
    let cos = ((x + 1.0) / 2.0).sqrt();
    (cos, C::new(y, -z) / (2.0 * cos))
}

/// The unit vector of the span of two vectors along which the sum of their squared components is
/// largest, on the side of the first coordinate.
fn principal_axis(parts: &[[f64; 3]; 2]) -> [f64; 3] {
    let dot = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (aa, bb, ab) =
        (dot(&parts[0], &parts[0]), dot(&parts[1], &parts[1]), dot(&parts[0], &parts[1]));
    // The principal eigenvector of the two vectors' Gram matrix weighs them.
    let angle = 0.5 * f64::atan2(2.0 * ab, aa - bb);
    let (sin, cos) = angle.sin_cos();
    let mut axis: [f64; 3] = std::array::from_fn(|k| cos * parts[0][k] + sin * parts[1][k]);
    let length = dot(&axis, &axis).sqrt();
    if length < 1e-300 {
        return [1.0, 0.0, 0.0];
    }
    let sign = if axis[0] < 0.0 { -1.0 } else { 1.0 };
    axis.iter_mut().for_each(|x| *x *= sign / length);
    axis
}

fn turn_columns(a: &mut Columns, i: usize, j: usize, cos: f64, sin: C) {
    for k in 0..a[i].len() {
        let (p, q) = (a[i][k], a[j][k]);
        a[i][k] = p * cos + q * sin;
        a[j][k] = q * cos - p * sin.conj();
    }
}

/// `[[L₀ cos θ, -L₀ sin θ], [L₁ sin θ, L₁ cos θ]]` times `R₀† ⊕ R₁†`: a unitary's cosines and sines.
pub(crate) struct CosineSine {
    /// L₀ and L₁.
    pub(crate) left: [Matrix; 2],
    /// θ, one for each column of a block.
    pub(crate) angles: Vec<f64>,
    /// R₀† and R₁†.
    pub(crate) right: [Matrix; 2],
}

impl CosineSine {
    pub(crate) fn of(u: &Matrix) -> Self {
        let n = u.dim() / 2;
        let block = |row: usize, column: usize| {
            let entries = (0..n * n).map(|k| u.at(row * n + k / n, column * n + k % n)).collect();
            Matrix::new(n, entries).expect("a quarter of a square")
        };
        let (a, b, c, d) = (block(0, 0), block(0, 1), block(1, 0), block(1, 1));
        let r0 = eigenvectors(&a.adjoint().product(&a));
        let (ar, cr) = (columns(&a.product(&r0)), columns(&c.product(&r0)));
        let length = |v: &Vec<C>| inner(v, v).re.sqrt();
        let angles: Vec<f64> =
            ar.iter().zip(&cr).map(|(a, c)| length(c).atan2(length(a))).collect();
        let l0 = orthonormal(ar);
        let l1 = orthonormal(cr);
        // Row by row, sin · (-L₀† B) + cos · (L₁† D): exact, whichever of the two is small.
        let (from_b, from_d) = (l0.adjoint().product(&b), l1.adjoint().product(&d));
        let row = |k: usize| {
            let (sin, cos) = angles[k / n].sin_cos();
            from_d.at(k / n, k % n) * cos - from_b.at(k / n, k % n) * sin
        };
        let r1 = Matrix::new(n, (0..n * n).map(row).collect()).expect("as many entries as a block");
        Self { left: [l0, l1], angles, right: [r0.adjoint(), r1] }
    }
}

/// The directions of orthogonal columns, the longest first in precision; where columns vanish, any
/// that complete the basis.
fn orthonormal(mut given: Columns) -> Matrix {
    let n = given.len();
    let length = |v: &[C]| inner(v, v).re.sqrt();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| length(&given[j]).total_cmp(&length(&given[i])));
    let mut done: Vec<usize> = Vec::with_capacity(n);
    for k in order {
        let mut candidate = std::mem::take(&mut given[k]);
        let mut axis = 0;
        loop {
            let before = length(&candidate);
            // Twice is enough (Kahan; Parlett, The Symmetric Eigenvalue Problem, 6.9).
            for _ in 0..2 {
                for &other in &done {
                    let along = inner(&given[other], &candidate);
                    candidate.iter_mut().zip(&given[other]).for_each(|(x, y)| *x -= along * y);
                }
            }
            let after = length(&candidate);
            if before > 1e-12 && after > 0.1 * before / (n as f64).sqrt() {
                candidate.iter_mut().for_each(|x| *x /= after);
                break;
            }
            candidate = vec![C::ZERO; n];
            candidate[axis % n] = C::ONE;
            axis += 1;
        }
        given[k] = candidate;
        done.push(k);
    }
    matrix(&given)
}

#[cfg(test)]
mod tests {
    use ketch_interface::circuit::Gate;

    use super::*;

    /// Unitaries with eigenvalues and cosines that repeat, and without.
    fn cases() -> Vec<Matrix> {
        let u = |a: f64| Gate::U.matrix(&[a, 2.0 * a, 1.0 - a]);
        let mixed = u(0.3).controlled(2, 2).product(&Gate::Rccx.matrix(&[]));
        let small = u(1e-9).controlled(2, 1).product(&mixed);
        vec![
            Matrix::identity(3),
            Gate::X.matrix(&[]).controlled(2, 3),
            Gate::Rccx.matrix(&[]),
            Gate::Rc3x.matrix(&[]),
            Gate::H.matrix(&[]).controlled(3, 5).product(&Gate::Rc3x.matrix(&[])),
            mixed.clone(),
            mixed.product(&mixed),
            small,
        ]
    }

    #[test]
    fn eigenvectors_diagonalise() {
        for u in cases() {
            let v = eigenvectors(&u);
            assert!(v.unitarity_defect() < 1e-12);
            let d = v.adjoint().product(&u).product(&v);
            let diagonal: Vec<C> = (0..d.dim()).map(|i| d.at(i, i)).collect();
            assert!(d.distance(&Matrix::diagonal(&diagonal)) < 1e-10, "{u:?}");
        }
    }

    #[test]
    fn cosines_and_sines_give_the_matrix_back() {
        for u in cases() {
            let CosineSine { left, angles, right } = CosineSine::of(&u);
            let n = angles.len();
            for factor in left.iter().chain(&right) {
                assert!(factor.unitarity_defect() < 1e-10);
            }
            let zero = C::ZERO;
            let entry = |k: usize| {
                let (i, j) = (k / (2 * n), k % (2 * n));
                let (sin, cos) = angles[i % n].sin_cos();
                match (i / n, j / n) {
                    _ if i % n != j % n => zero,
                    (0, 1) => (-sin).into(),
                    (1, 0) => sin.into(),
                    _ => cos.into(),
                }
            };
            let middle = Matrix::new(2 * n, (0..4 * n * n).map(entry).collect()).unwrap();
            let sum = |parts: &[Matrix; 2]| {
                let entry = |k: usize| {
                    let (i, j) = (k / (2 * n), k % (2 * n));
                    if i / n == j / n { parts[i / n].at(i % n, j % n) } else { zero }
                };
                Matrix::new(2 * n, (0..4 * n * n).map(entry).collect()).unwrap()
            };
            let made = sum(&left).product(&middle).product(&sum(&right));
            assert!(made.distance(&u) < 1e-10, "{}", made.distance(&u));
        }
    }
}
