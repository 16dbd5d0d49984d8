//! A unitary on two places as local unitaries around one interaction: the Cartan decomposition.
//!
//! In the magic basis of Bell states, local unitaries are real rotations and XX, YY and ZZ are
//! diagonal (Makhlin, Quantum Inf. Process. 1, 243, 2002; Kraus and Cirac, Phys. Rev. A 63,
//! 062309, 2001). What diagonalises the symmetric matrix U^T U there gives the local unitaries, and
//! its eigenvalues give the interaction. The real and the imaginary part of that matrix commute, and
//! are diagonalised together by Jacobi rotations (Bunse-Gerstner, Byers and Mehrmann, SIAM J.
//! Matrix Anal. Appl. 14, 927, 1993), which keeps all digits where eigenvalues coincide.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_4};

use ketch_interface::Complex64;

use crate::dense::apply::{Matrix1, product};

/// A 4x4 matrix, row by row; bit 0 of its index is the first place.
pub(super) type Matrix2 = [[Complex64; 4]; 4];

/// `e^{i whole} (after[1] x after[0]) exp(i (a XX + b YY + c ZZ)) (before[1] x before[0])`.
#[derive(Clone, Debug)]
pub(super) struct Cartan {
    /// The phase of everything.
    pub(super) whole: f64,
    /// What acts first, by place.
    pub(super) before: [Matrix1; 2],
    /// The strengths of XX, YY and ZZ, each between -pi/4 and pi/4. If only one is not 0, it is
    /// that of ZZ.
    pub(super) interaction: [f64; 3],
    /// What acts last, by place.
    pub(super) after: [Matrix1; 2],
}

/// Below this, a strength is rounding.
const NOTHING: f64 = 1e-14;

const O: Complex64 = Complex64::ZERO;
const R: Complex64 = Complex64::new(FRAC_1_SQRT_2, 0.0);
const J: Complex64 = Complex64::new(0.0, FRAC_1_SQRT_2);
const MINUS_R: Complex64 = Complex64::new(-FRAC_1_SQRT_2, 0.0);
const MINUS_J: Complex64 = Complex64::new(0.0, -FRAC_1_SQRT_2);

/// The columns are the Bell states with the phases that make local unitaries real.
const MAGIC: Matrix2 = [[R, J, O, O], [O, O, J, R], [O, O, J, MINUS_R], [R, MINUS_J, O, O]];

const X: Matrix1 = [[O, Complex64::ONE], [Complex64::ONE, O]];
const Y: Matrix1 = [[O, Complex64::new(0.0, -1.0)], [Complex64::I, O]];
const Z: Matrix1 = [[Complex64::ONE, O], [O, Complex64::new(-1.0, 0.0)]];
const H: Matrix1 = [[R, R], [R, MINUS_R]];
/// `exp(-i pi/4 X)`: turns Z into -Y.
const ROOT_X: Matrix1 = [[R, MINUS_J], [MINUS_J, R]];
const ROOT_X_ADJOINT: Matrix1 = [[R, J], [J, R]];

impl Cartan {
    /// Whether the interaction mixes both 00 with 11 and 01 with 10.
    pub(super) fn mixes_all(&self) -> bool {
        let [a, b, _] = self.interaction;
        (a - b).abs() > NOTHING && (a + b).abs() > NOTHING
    }

    /// The decomposition of a unitary matrix.
    pub(super) fn of(matrix: &Matrix2) -> Self {
        let in_magic = multiply(&adjoint(&MAGIC), &multiply(matrix, &MAGIC));
        let symmetric = multiply(&transpose(&in_magic), &in_magic);
        let mut basis = common_eigenvectors(&symmetric);
        if determinant(&basis) < 0.0 {
            basis.iter_mut().for_each(|row| row[0] = -row[0]);
        }
        let complex_basis = basis.map(|row| row.map(Complex64::from));
        let turned = multiply(&in_magic, &complex_basis);
        let mut phases: [f64; 4] = std::array::from_fn(|column| {
            // The eigenvalue is the square of the phase that makes the column real.
            let square: Complex64 = (0..4).map(|row| turned[row][column].powi(2)).sum();
            square.arg() / 2.0
        });
        let real_columns = |phases: &[f64; 4]| -> [[f64; 4]; 4] {
            let at = |row: usize, column: usize| {
                (turned[row][column] * Complex64::cis(-phases[column])).re
            };
            std::array::from_fn(|row| std::array::from_fn(|column| at(row, column)))
        };
        if determinant(&real_columns(&phases)) < 0.0 {
            phases[0] += std::f64::consts::PI;
        }
        let real = real_columns(&phases).map(|row| row.map(Complex64::from));
        let local =
            |rotation: &Matrix2| factors(&multiply(&MAGIC, &multiply(rotation, &adjoint(&MAGIC))));
        let whole = phases.iter().sum::<f64>() / 4.0;
        let [p, q, r, _] = phases.map(|phase| phase - whole);
        let mut cartan = Self {
            whole,
            before: local(&transpose(&complex_basis)),
            // XX, YY and ZZ on the Bell states: (1, -1, 1), (-1, 1, 1), (1, 1, -1), (-1, -1, -1).
            interaction: [(p + r) / 2.0, (q + r) / 2.0, (p + q) / 2.0],
            after: local(&real),
        };
        cartan.reduce();
        cartan
    }

    /// How many of the strengths are not 0.
    #[cfg(test)]
    fn rank(&self) -> usize {
        self.interaction.iter().filter(|strength| **strength != 0.0).count()
    }

    /// Brings the strengths into range, and a single one to ZZ.
    fn reduce(&mut self) {
        for (axis, pauli) in [X, Y, Z].into_iter().enumerate() {
            // A quarter turn more is i times the Pauli matrix on both places.
            let quarters = (self.interaction[axis] / FRAC_PI_2).round();
            self.interaction[axis] -= quarters * FRAC_PI_2;
            self.whole += quarters * FRAC_PI_2;
            if quarters.rem_euclid(2.0) == 1.0 {
                self.after = self.after.map(|after| product(&after, &pauli));
            }
            if self.interaction[axis].abs() < NOTHING {
                self.interaction[axis] = 0.0;
            }
            debug_assert!(self.interaction[axis].abs() <= FRAC_PI_4 + NOTHING);
        }
        let (turn, back) = match self.interaction {
            [a, 0.0, 0.0] if a != 0.0 => (H, H),
            [0.0, b, 0.0] if b != 0.0 => (ROOT_X, ROOT_X_ADJOINT),
            _ => return,
        };
        self.interaction = [0.0, 0.0, self.interaction.iter().sum()];
        self.after = self.after.map(|after| product(&after, &turn));
        self.before = self.before.map(|before| product(&back, &before));
    }
}

/// The real orthogonal matrix whose columns are eigenvectors of a symmetric unitary matrix.
fn common_eigenvectors(symmetric: &Matrix2) -> [[f64; 4]; 4] {
    let mut parts =
        [symmetric.map(|row| row.map(|z| z.re)), symmetric.map(|row| row.map(|z| z.im))];
    let mut vectors: [[f64; 4]; 4] =
        std::array::from_fn(|row| std::array::from_fn(|column| f64::from(row == column)));
    // Convergence is quadratic: a handful of rounds does.
    for _ in 0..30 {
        let mut turned = false;
        for (p, q) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
            let (mut straight, mut mixed) = (0.0, 0.0);
            for part in &parts {
                let (difference, off) = (part[p][p] - part[q][q], 2.0 * part[p][q]);
                straight += difference * difference - off * off;
                mixed += 2.0 * difference * off;
            }
            let angle = mixed.atan2(straight) / 4.0;
            // Where both eigenvalues agree, any basis does.
            if angle.abs() < 1e-16 || straight.hypot(mixed) < 1e-31 {
                continue;
            }
            turned = true;
            let (sin, cos) = angle.sin_cos();
            let turn =
                |x: &mut f64, y: &mut f64| (*x, *y) = (cos * *x + sin * *y, cos * *y - sin * *x);
            for part in &mut parts {
                for row in part.iter_mut() {
                    let (mut x, mut y) = (row[p], row[q]);
                    turn(&mut x, &mut y);
                    (row[p], row[q]) = (x, y);
                }
                let rows = part.get_disjoint_mut([p, q]);
                let [upper, lower] = rows.expect("two different rows");
                upper.iter_mut().zip(lower).for_each(|(x, y)| turn(x, y));
            }
            for row in &mut vectors {
                let (mut x, mut y) = (row[p], row[q]);
                turn(&mut x, &mut y);
                (row[p], row[q]) = (x, y);
            }
        }
        if !turned {
            break;
        }
    }
    vectors
}

/// The factors of a Kronecker product of two unitaries: the one on the first place first.
fn factors(matrix: &Matrix2) -> [Matrix1; 2] {
    let largest = (0..16).max_by(|&i, &j| {
        let norm = |i: usize| matrix[i / 4][i % 4].norm_sqr();
        norm(i).total_cmp(&norm(j))
    });
    let at = largest.expect("sixteen entries");
    let (row, column) = (at / 4, at % 4);
    // The block that holds the largest entry is the factor on the first place, up to a number.
    let low: Matrix1 = [0, 1].map(|r| [0, 1].map(|c| matrix[row & 2 | r][column & 2 | c]));
    let low_norm = (low.as_flattened().iter().map(Complex64::norm_sqr).sum::<f64>() / 2.0).sqrt();
    let low = low.map(|line| line.map(|entry| entry / low_norm));
    let part = |r: usize, c: usize| -> Complex64 {
        let pairs = (0..4).map(|i| (i / 2, i % 2));
        pairs.map(|(i, j)| matrix[r << 1 | i][c << 1 | j] * low[i][j].conj()).sum::<Complex64>()
            / 2.0
    };
    [low, [0, 1].map(|r| [0, 1].map(|c| part(r, c)))]
}

/// The product: `second` acts second.
pub(super) fn multiply(second: &Matrix2, first: &Matrix2) -> Matrix2 {
    let at = |row: usize, column: usize| (0..4).map(|k| second[row][k] * first[k][column]).sum();
    std::array::from_fn(|row| std::array::from_fn(|column| at(row, column)))
}

fn transpose(matrix: &Matrix2) -> Matrix2 {
    std::array::from_fn(|row| std::array::from_fn(|column| matrix[column][row]))
}

fn adjoint(matrix: &Matrix2) -> Matrix2 {
    transpose(matrix).map(|row| row.map(|entry| entry.conj()))
}

fn determinant(matrix: &[[f64; 4]; 4]) -> f64 {
    // By minors of the upper and of the lower two rows.
    let minor = |rows: [usize; 2], c: usize, d: usize| {
        matrix[rows[0]][c] * matrix[rows[1]][d] - matrix[rows[0]][d] * matrix[rows[1]][c]
    };
    let pairs = [
        (0, 1, 2, 3, 1.0),
        (0, 2, 1, 3, -1.0),
        (0, 3, 1, 2, 1.0),
        (1, 2, 0, 3, 1.0),
        (1, 3, 0, 2, -1.0),
        (2, 3, 0, 1, 1.0),
    ];
    pairs.iter().map(|&(a, b, c, d, sign)| sign * minor([0, 1], a, b) * minor([2, 3], c, d)).sum()
}

#[cfg(test)]
mod tests {
    use ketch_interface::{
        Matrix,
        circuit::{GATES, Gate},
    };

    use super::*;

    fn kron(high: &Matrix1, low: &Matrix1) -> Matrix2 {
        std::array::from_fn(|r| std::array::from_fn(|c| high[r >> 1][c >> 1] * low[r & 1][c & 1]))
    }

    fn exponential([a, b, c]: [f64; 3]) -> Matrix2 {
        let phases = [a - b + c, b + c - a, a + b - c, -a - b - c].map(Complex64::cis);
        let diagonal: Matrix2 =
            std::array::from_fn(|r| std::array::from_fn(|c| if r == c { phases[r] } else { O }));
        multiply(&MAGIC, &multiply(&diagonal, &adjoint(&MAGIC)))
    }

    fn check(matrix: &Matrix2) -> Cartan {
        let cartan = Cartan::of(matrix);
        let before = kron(&cartan.before[1], &cartan.before[0]);
        let after = kron(&cartan.after[1], &cartan.after[0]);
        let middle = exponential(cartan.interaction);
        let all = multiply(&after, &multiply(&middle, &before));
        for (row, expected) in all.iter().zip(matrix) {
            for (found, expected) in row.iter().zip(expected) {
                let off = (found * Complex64::cis(cartan.whole) - expected).norm();
                assert!(off < 1e-13, "off by {off:e}: {matrix:?} became {cartan:?}");
            }
        }
        cartan
    }

    fn rows(matrix: &Matrix) -> Matrix2 {
        std::array::from_fn(|row| std::array::from_fn(|column| matrix.at(row, column)))
    }

    fn gate(gate: Gate, params: &[f64]) -> Matrix {
        gate.matrix(params)
    }

    #[test]
    fn the_exponential_in_the_magic_basis_is_that_of_the_pauli_products() {
        let (a, b, c) = (0.3, -0.2, 0.5);
        let rotation = |name: Gate, strength: f64| rows(&gate(name, &[-2.0 * strength]));
        let all = multiply(
            &rotation(Gate::Rxx, a),
            &multiply(&rotation(Gate::Ryy, b), &rotation(Gate::Rzz, c)),
        );
        for (found, expected) in
            exponential([a, b, c]).as_flattened().iter().zip(all.as_flattened())
        {
            assert!((found - expected).norm() < 1e-15);
        }
    }

    #[test]
    fn every_two_qubit_gate_of_the_table_is_the_product_of_its_parts() {
        let angles = [0.0, 1e-9, 1e-16, 0.3, 1.7, 3.1, -2.0, std::f64::consts::PI, -6.0];
        for info in GATES {
            for theta in angles {
                for other in angles {
                    let params = [theta, other, 0.4 - other, theta - 1.0];
                    let matrix = info.gate.matrix(&params[..info.n_params as usize]);
                    match info.n_qubits {
                        1 => drop(check(&rows(&matrix.controlled(1, 1)))),
                        2 => drop(check(&rows(&matrix))),
                        _ => {}
                    }
                }
            }
        }
    }

    #[test]
    fn the_rank_is_that_of_the_interaction() {
        let rank = |matrix: &Matrix| check(&rows(matrix)).rank();
        assert_eq!(rank(&Matrix::identity(2)), 0);
        assert_eq!(rank(&gate(Gate::X, &[]).controlled(1, 1)), 1);
        assert_eq!(rank(&gate(Gate::U, &[0.4, 1.2, -0.7]).controlled(1, 0)), 1);
        assert_eq!(rank(&gate(Gate::Ryy, &[0.4])), 1);
        assert_eq!(rank(&gate(Gate::Rxx, &[0.4])), 1);
        assert_eq!(rank(&gate(Gate::Swap, &[])), 3);
        let [_, _, c] = check(&rows(&gate(Gate::Rxx, &[0.4]))).interaction;
        assert!((c.abs() - 0.2).abs() < 1e-15);
    }

    #[test]
    fn random_and_nearly_special_unitaries_are_the_products_of_their_parts() {
        let mut seed = 7_u64;
        let mut number = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        for round in 0..2000 {
            let mut local = || {
                let (low, high) =
                    ([(); 3].map(|()| 7.0 * number()), [(); 3].map(|()| 7.0 * number()));
                let unitary = |angles: &[f64]| rows1(&gate(Gate::U, angles));
                kron(&unitary(&high), &unitary(&low))
            };
            let (before, after) = (local(), local());
            // Every other round near a corner of the chamber.
            let near = [0.0, FRAC_PI_4, FRAC_PI_2, -FRAC_PI_4];
            let strengths: [f64; 3] = std::array::from_fn(|axis| match round % 2 {
                0 => 4.0 * number() - 2.0,
                _ => {
                    near[(round >> (1 + 2 * axis)) % 4]
                        + number() * 10_f64.powi(-(round as i32 % 17))
                }
            });
            check(&multiply(&after, &multiply(&exponential(strengths), &before)));
        }
    }

    fn rows1(matrix: &Matrix) -> Matrix1 {
        [0, 1].map(|row| [0, 1].map(|column| matrix.at(row, column)))
    }
}
