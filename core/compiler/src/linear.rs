//! Matrices of one and two qubits, on the stack.

use ketch_interface::Matrix;
pub(crate) use num_complex::Complex64 as C;

/// A matrix on one qubit, by rows.
pub(crate) type M2 = [[C; 2]; 2];
/// A matrix on two qubits, by rows; the first qubit is the least significant bit of an index.
pub(crate) type M4 = [[C; 4]; 4];

/// Angles and entries closer than this to each other are the same. The squared error of a circuit
/// of a million gates stays far below what any device or counting experiment can see.
pub(crate) const TOLERANCE: f64 = 1e-10;

pub(crate) const IDENTITY: M2 = [[C::ONE, C::ZERO], [C::ZERO, C::ONE]];
pub(crate) const X: M2 = [[C::ZERO, C::ONE], [C::ONE, C::ZERO]];
pub(crate) const Y: M2 = [[C::ZERO, C::new(0.0, -1.0)], [C::I, C::ZERO]];
pub(crate) const Z: M2 = [[C::ONE, C::ZERO], [C::ZERO, C::new(-1.0, 0.0)]];
const R: f64 = std::f64::consts::FRAC_1_SQRT_2;
pub(crate) const H: M2 = [[C::new(R, 0.0), C::new(R, 0.0)], [C::new(R, 0.0), C::new(-R, 0.0)]];
/// Takes Z to Y by conjugation: `S·H`.
pub(crate) const SH: M2 = [[C::new(R, 0.0), C::new(R, 0.0)], [C::new(0.0, R), C::new(0.0, -R)]];

/// The product: `b` acts first.
pub(crate) fn mul<const N: usize>(a: &[[C; N]; N], b: &[[C; N]; N]) -> [[C; N]; N] {
    let mut product = [[C::ZERO; N]; N];
    for (row, out) in a.iter().zip(&mut product) {
        for (factor, line) in row.iter().zip(b) {
            for (sum, term) in out.iter_mut().zip(line) {
                *sum += factor * term;
            }
        }
    }
    product
}

/// The conjugate transpose.
pub(crate) fn adjoint<const N: usize>(a: &[[C; N]; N]) -> [[C; N]; N] {
    std::array::from_fn(|row| std::array::from_fn(|column| a[column][row].conj()))
}

/// Every entry multiplied.
pub(crate) fn scale<const N: usize>(a: &[[C; N]; N], factor: C) -> [[C; N]; N] {
    a.map(|row| row.map(|entry| entry * factor))
}

/// The tensor product: `low` on the first qubit, `high` on the second.
pub(crate) fn kron(high: &M2, low: &M2) -> M4 {
    std::array::from_fn(|i| std::array::from_fn(|j| high[i >> 1][j >> 1] * low[i & 1][j & 1]))
}

/// The matrix with the two qubits in the other order.
pub(crate) fn exchanged(a: &M4) -> M4 {
    const OTHER: [usize; 4] = [0, 2, 1, 3];
    std::array::from_fn(|i| std::array::from_fn(|j| a[OTHER[i]][OTHER[j]]))
}

/// The stack form of a matrix of the right dimension.
pub(crate) fn of<const N: usize>(matrix: &Matrix) -> [[C; N]; N] {
    assert_eq!(matrix.dim(), N, "the dimension of a matrix on a known number of qubits");
    std::array::from_fn(|i| std::array::from_fn(|j| matrix.at(i, j)))
}

pub(crate) fn rz(angle: f64) -> M2 {
    [[C::cis(-angle / 2.0), C::ZERO], [C::ZERO, C::cis(angle / 2.0)]]
}

pub(crate) fn rx(angle: f64) -> M2 {
    let (sin, cos) = (angle / 2.0).sin_cos();
    [[C::new(cos, 0.0), C::new(0.0, -sin)], [C::new(0.0, -sin), C::new(cos, 0.0)]]
}

pub(crate) fn ry(angle: f64) -> M2 {
    let (sin, cos) = (angle / 2.0).sin_cos();
    [[C::new(cos, 0.0), C::new(-sin, 0.0)], [C::new(sin, 0.0), C::new(cos, 0.0)]]
}

/// `diag(1, exp(iθ))`.
pub(crate) fn phase(angle: f64) -> M2 {
    [[C::ONE, C::ZERO], [C::ZERO, C::cis(angle)]]
}

/// `cx` from the first qubit to the second, or back.
pub(crate) fn cx(from_first: bool) -> M4 {
    let image: [usize; 4] = if from_first { [0, 3, 2, 1] } else { [0, 1, 3, 2] };
    let entry = |i: usize, j: usize| if image[j] == i { C::ONE } else { C::ZERO };
    std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)))
}

pub(crate) fn swap() -> M4 {
    exchange_rows(&kron(&IDENTITY, &IDENTITY))
}

fn exchange_rows(a: &M4) -> M4 {
    [a[0], a[2], a[1], a[3]]
}

pub(crate) fn is_diagonal<const N: usize>(a: &[[C; N]; N]) -> bool {
    (0..N).all(|i| (0..N).all(|j| i == j || a[i][j].norm() < TOLERANCE))
}

/// The phase by which `a` differs from `b`, which is the same up to that phase.
pub(crate) fn relative_phase<const N: usize>(a: &[[C; N]; N], b: &[[C; N]; N]) -> f64 {
    let overlap = a.as_flattened().iter().zip(b.as_flattened());
    overlap.map(|(a, b)| a * b.conj()).sum::<C>().arg()
}

/// `a` is the identity up to a phase, which is given.
pub(crate) fn identity_phase<const N: usize>(a: &[[C; N]; N]) -> Option<f64> {
    let first = a[0][0];
    let same = (0..N).all(|i| (a[i][i] - first).norm() < TOLERANCE);
    (same && is_diagonal(a)).then(|| first.arg())
}
