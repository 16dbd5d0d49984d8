//! Gates and channels as real matrices on strings: Pauli transfer matrices.
//!
//! The entry (P, Q) is tr(P E(Q)) / 2^k (Greenbaum, arXiv:1509.02921). A string of `k` places is
//! the index whose bits `2j` and `2j + 1` are the z and the x bit of place `j`: digits 0 to 3 are
//! I, Z, X, Y.

use ketch_interface::{Complex64, Matrix, noise::Channel};
use ketch_kernels::{Kernels, Threads};

use super::basis;
use crate::program::Apply;

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
        let mask = apply.mask();
        let places: Vec<usize> =
            (0..usize::BITS as usize).filter(|place| mask >> place & 1 == 1).collect();
        Self::of_kraus(&[unitary(apply, &places)], &places)
    }

    /// A channel whose first qubit is at the first place.
    pub(crate) fn of_channel(channel: &Channel, places: &[usize]) -> Self {
        Self::of_kraus(channel.kraus(), places)
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

    /// ρ becomes Σ K ρ K†.
    fn of_kraus(kraus: &[Matrix], places: &[usize]) -> Self {
        let k = places.len();
        let (dim, d) = (1 << (2 * k), 1_usize << k);
        let mut matrix = vec![0.0; dim * dim];
        // By column and then row, so that the sum over c below runs along memory.
        let mut images = vec![Complex64::ZERO; d * d];
        let powers = [Complex64::ONE, Complex64::I, -Complex64::ONE, -Complex64::I];
        for from in 0..dim {
            let (x, z) = masks(from, k);
            images.fill(Complex64::ZERO);
            for operator in kraus {
                for c in 0..d {
                    // Q|c> is a multiple of |c ⊕ x>, so K Q K† is a sum of products of columns.
                    let sign = 2 * (z & c).count_ones();
                    let factor = powers[((x & z).count_ones() + sign) as usize % 4];
                    for row in 0..d {
                        let left = operator.at(row, c ^ x) * factor;
                        if left == Complex64::ZERO {
                            continue;
                        }
                        for column in 0..d {
                            images[row * d + column] += left * operator.at(column, c).conj();
                        }
                    }
                }
            }
            let scale = 1.0 / d as f64;
            basis::coefficients(
                k,
                |row, column| images[row * d + column],
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
            digits.iter().enumerate().fold(0, |part, (k, digit)| part | (i >> (2 * digit) & 3) << (2 * k))
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

/// The matrix of a unitary on its places, column by column from what it does to basis states.
fn unitary(apply: &Apply<f64>, places: &[usize]) -> Matrix {
    let dim = 1 << places.len();
    let place_of = |place: usize| places.iter().position(|&p| p == place);
    let small = apply.mapped(|place| place_of(place).expect("the places are those it touches"));
    let mut entries = vec![Complex64::ZERO; dim * dim];
    let mut state = vec![Complex64::ZERO; dim];
    for column in 0..dim {
        state.fill(Complex64::ZERO);
        state[column] = Complex64::ONE;
        small.run(Kernels::detect(), &Threads::serial(), &mut state);
        for (row, amplitude) in state.iter().enumerate() {
            entries[row * dim + column] = *amplitude;
        }
    }
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
