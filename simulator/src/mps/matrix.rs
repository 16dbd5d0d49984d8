//! Matrices on one and on two qubits.

use ketch_interface::{Complex64, Matrix};

/// A matrix on one qubit, row by row.
pub(super) type Matrix1 = [[Complex64; 2]; 2];

/// A matrix on two qubits, row by row; the first qubit is the low bit of its indices.
pub(super) type Matrix2 = [[Complex64; 4]; 4];

const ZERO: Complex64 = Complex64::ZERO;
const ONE: Complex64 = Complex64::ONE;

pub(super) const IDENTITY: Matrix1 = [[ONE, ZERO], [ZERO, ONE]];

/// Exchanges its qubits.
pub(super) const SWAP: Matrix2 = [
    [ONE, ZERO, ZERO, ZERO],
    [ZERO, ZERO, ONE, ZERO],
    [ZERO, ONE, ZERO, ZERO],
    [ZERO, ZERO, ZERO, ONE],
];

/// Of a matrix of as many rows.
pub(super) fn fixed<const N: usize>(matrix: &Matrix) -> [[Complex64; N]; N] {
    std::array::from_fn(|row| std::array::from_fn(|column| matrix.at(row, column)))
}

/// The product: `first` acts first.
pub(super) fn product<const N: usize>(
    second: &[[Complex64; N]; N],
    first: &[[Complex64; N]; N],
) -> [[Complex64; N]; N] {
    let mut product = [[ZERO; N]; N];
    for (to, row) in product.iter_mut().zip(second) {
        for (factor, terms) in row.iter().zip(first).filter(|(factor, _)| **factor != ZERO) {
            to.iter_mut().zip(terms).for_each(|(to, term)| *to += factor * term);
        }
    }
    product
}

/// Two matrices side by side, `low` on the first qubit.
pub(super) fn side_by_side(low: &Matrix1, high: &Matrix1) -> Matrix2 {
    let entry = |row: usize, column: usize| low[row & 1][column & 1] * high[row >> 1][column >> 1];
    std::array::from_fn(|row| std::array::from_fn(|column| entry(row, column)))
}

/// The same with the qubits named in the other order.
pub(super) fn exchanged(matrix: &Matrix2) -> Matrix2 {
    const ORDER: [usize; 4] = [0, 2, 1, 3];
    ORDER.map(|row| ORDER.map(|column| matrix[row][column]))
}
