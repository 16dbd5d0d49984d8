//! Gates and channels as real matrices on strings: Pauli transfer matrices.
//!
//! The entry (P, Q) is tr(P E(Q)) / 2^k (Greenbaum, arXiv:1509.02921). A string of `k` places is
//! the index whose bits `2j` and `2j + 1` are the z and the x bit of place `j`: digits 0 to 3 are
//! I, Z, X, Y.

use ketch_interface::{Complex64, Matrix};

use super::basis;
use crate::dense::{Apply, apply::bits};

/// A gate or a channel on some places.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transfer {
    /// The first is the lowest digit.
    pub(super) places: Vec<usize>,
    /// Row-major, `4^k` rows.
    pub(super) matrix: Vec<f64>,
}

/// What rounding leaves of an entry that is 0, 1 or -1. It must be exactly that for the fast
/// kernels, and for the trace to stay 1 over many gates.
const ROUNDING: f64 = 2e-15;

impl Transfer {
    /// ρ becomes U ρ U†, where U is what `apply` does to its places; on few places, for the matrix
    /// has `16^k` entries.
    pub(crate) fn of_unitary(apply: &Apply<f64>) -> Self {
        let places: Vec<usize> = bits(apply.mask()).collect();
        Self::of_superop(&unitary_superop(&apply.matrix(&places)), &places)
    }

    /// The place becomes |0>.
    pub(crate) fn reset(place: usize) -> Self {
        let mut matrix = vec![0.0; 16];
        (matrix[0], matrix[4]) = (1.0, 1.0);
        Self { places: vec![place], matrix }
    }

    /// What is left of the state where the place was found to be `outcome` with `probability`.
    pub(super) fn collapse(place: usize, outcome: bool, probability: f64) -> Self {
        let half = 0.5 / probability;
        let sign = if outcome { -half } else { half };
        let mut matrix = vec![0.0; 16];
        (matrix[0], matrix[1], matrix[4], matrix[5]) = (half, sign, sign, half);
        Self { places: vec![place], matrix }
    }

    /// A superoperator, column-stacking, whose first qubit is at the first place.
    pub(crate) fn of_superop(superop: &Matrix, places: &[usize]) -> Self {
        let k = places.len();
        let (dim, d) = (1 << (2 * k), 1_usize << k);
        assert_eq!(superop.dim(), dim, "a superoperator of {k} qubits");
        let mut matrix = vec![0.0; dim * dim];
        let mut image = vec![Complex64::ZERO; dim];
        let powers = [Complex64::ONE, Complex64::I, -Complex64::ONE, -Complex64::I];
        for from in 0..dim {
            let (x, z) = masks(from, k);
            image.fill(Complex64::ZERO);
            for column in 0..d {
                // Row `column ^ x` is the only entry of the string in this column.
                let power = (x & z).count_ones() + 2 * (z & column).count_ones();
                let factor = powers[power as usize % 4];
                let entry = column * d + (column ^ x);
                for (to, sum) in image.iter_mut().enumerate() {
                    *sum += superop.at(to, entry) * factor;
                }
            }
            let scale = 1.0 / d as f64;
            basis::coefficients(
                k,
                |row, column| image[column * d + row],
                |index, sum| {
                    let entry = sum.re * scale;
                    let whole = entry.round();
                    let entry = if (entry - whole).abs() < ROUNDING { whole } else { entry };
                    matrix[string(index >> k, index & (d - 1), k) * dim + from] = entry;
                },
            );
        }
        Self { places: places.to_vec(), matrix }
    }

    /// The places that it acts on.
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }

    pub(super) fn dim(&self) -> usize {
        1 << (2 * self.places.len())
    }

    /// The same on these places, which are its own and more: to the others it does nothing.
    pub(super) fn widened(&self, places: &[usize]) -> Self {
        if self.places == places {
            return self.clone();
        }
        let at = |place: &usize| places.iter().position(|p| p == place).expect("one of its places");
        let digits: Vec<usize> = self.places.iter().map(at).collect();
        let part = |i: usize| {
            digits
                .iter()
                .enumerate()
                .fold(0, |part, (k, digit)| part | (i >> (2 * digit) & 3) << (2 * k))
        };
        let rest = |i: usize| digits.iter().fold(i, |i, digit| i & !(3 << (2 * digit)));
        let (dim, own) = (1 << (2 * places.len()), self.dim());
        let mut matrix = vec![0.0; dim * dim];
        for row in 0..dim {
            for column in (0..dim).filter(|column| rest(*column) == rest(row)) {
                matrix[row * dim + column] = self.matrix[part(row) * own + part(column)];
            }
        }
        Self { places: places.to_vec(), matrix }
    }

    /// This and then `later`, which is on the same places.
    pub(super) fn then(&self, later: &Self) -> Self {
        let dim = self.dim();
        let mut matrix = vec![0.0; dim * dim];
        for (row, line) in matrix.chunks_mut(dim).enumerate() {
            for (middle, first) in self.matrix.chunks(dim).enumerate() {
                let factor = later.matrix[row * dim + middle];
                if factor != 0.0 {
                    line.iter_mut().zip(first).for_each(|(sum, entry)| *sum += factor * entry);
                }
            }
        }
        Self { places: self.places.clone(), matrix }
    }

    pub(super) fn is_identity(&self) -> bool {
        let dim = self.dim();
        (0..dim * dim).all(|i| self.matrix[i] == f64::from(u8::from(i / dim == i % dim)))
    }

    /// The entries that are not 0.
    pub(super) fn n_entries(&self) -> usize {
        self.matrix.iter().filter(|entry| **entry != 0.0).count()
    }
}

/// conj(U) ⊗ U.
fn unitary_superop(unitary: &Matrix) -> Matrix {
    let d = unitary.dim();
    let dim = d * d;
    let entry = |row: usize, column: usize| {
        unitary.at(row / d, column / d).conj() * unitary.at(row % d, column % d)
    };
    let entries = (0..dim * dim).map(|i| entry(i / dim, i % dim)).collect();
    Matrix::new(dim, entries).expect("dim² entries")
}

/// The masks (x, z) of a string of `k` places.
fn masks(string: usize, k: usize) -> (usize, usize) {
    (0..k).fold((0, 0), |(x, z), j| {
        (x | (string >> (2 * j + 1) & 1) << j, z | (string >> (2 * j) & 1) << j)
    })
}

/// The string with these masks.
fn string(x: usize, z: usize, k: usize) -> usize {
    (0..k).fold(0, |s, j| s | (z >> j & 1) << (2 * j) | (x >> j & 1) << (2 * j + 1))
}
