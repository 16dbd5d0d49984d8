//! Small dense complex matrices: what a gate does.

use num_complex::Complex64;

/// A square complex matrix, row-major.
///
/// As the action of an instruction on qubits: the first qubit of the instruction is the least
/// significant bit of the row and column index.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    dim: usize,
    entries: Vec<Complex64>,
}

impl Matrix {
    /// A matrix of `dim` rows from its entries, row by row; `None` unless there are `dim²` of them.
    #[must_use]
    pub fn new(dim: usize, entries: Vec<Complex64>) -> Option<Self> {
        (dim.checked_mul(dim) == Some(entries.len())).then_some(Self { dim, entries })
    }

    /// A matrix from rows of `(re, im)` pairs.
    #[must_use]
    pub fn from_rows<const N: usize>(rows: [[Complex64; N]; N]) -> Self {
        Self { dim: N, entries: rows.concat() }
    }

    /// The identity on `n_qubits` qubits.
    #[must_use]
    pub fn identity(n_qubits: u32) -> Self {
        Self::diagonal(&vec![Complex64::ONE; 1 << n_qubits])
    }

    /// The matrix with these entries on the diagonal.
    #[must_use]
    pub fn diagonal(diagonal: &[Complex64]) -> Self {
        let dim = diagonal.len();
        let mut entries = vec![Complex64::ZERO; dim * dim];
        for (i, entry) in diagonal.iter().enumerate() {
            entries[i * dim + i] = *entry;
        }
        Self { dim, entries }
    }

    /// The number of rows.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The number of qubits, if the number of rows is a power of two.
    #[must_use]
    pub fn n_qubits(&self) -> Option<u32> {
        self.dim.is_power_of_two().then(|| self.dim.trailing_zeros())
    }

    /// All entries, row by row.
    #[must_use]
    pub fn entries(&self) -> &[Complex64] {
        &self.entries
    }

    /// All entries, row by row.
    #[must_use]
    pub fn into_entries(self) -> Vec<Complex64> {
        self.entries
    }

    /// The entry in `row` and `column`.
    ///
    /// # Panics
    /// If either is not below [`dim`](Self::dim).
    #[must_use]
    pub fn at(&self, row: usize, column: usize) -> Complex64 {
        assert!(column < self.dim, "column {column} of a matrix of {} columns", self.dim);
        self.entries[row * self.dim + column]
    }

    /// The product `self · other`: `other` acts first.
    ///
    /// # Panics
    /// If the dimensions differ.
    #[must_use]
    pub fn product(&self, other: &Self) -> Self {
        assert_eq!(self.dim, other.dim, "product of matrices of different dimensions");
        let dim = self.dim;
        let mut entries = vec![Complex64::ZERO; dim * dim];
        for (row, out) in self.entries.chunks(dim).zip(entries.chunks_mut(dim)) {
            for (factor, line) in row.iter().zip(other.entries.chunks(dim)) {
                for (sum, term) in out.iter_mut().zip(line) {
                    *sum += factor * term;
                }
            }
        }
        Self { dim, entries }
    }

    /// The conjugate transpose: for a unitary, the inverse.
    #[must_use]
    pub fn adjoint(&self) -> Self {
        let dim = self.dim;
        let entries = (0..dim * dim).map(|i| self.at(i % dim, i / dim).conj()).collect();
        Self { dim, entries }
    }

    /// The matrix times a number.
    #[must_use]
    pub fn scaled(&self, factor: impl Into<Complex64>) -> Self {
        let factor = factor.into();
        Self { dim: self.dim, entries: self.entries.iter().map(|entry| entry * factor).collect() }
    }

    /// The sum of the entries on the diagonal.
    #[must_use]
    pub fn trace(&self) -> Complex64 {
        (0..self.dim).map(|i| self.at(i, i)).sum()
    }

    /// The Kronecker product `self ⊗ low`: `low` acts on the less significant bits.
    #[must_use]
    pub fn kron(&self, low: &Self) -> Self {
        let (n, dim) = (low.dim, self.dim * low.dim);
        let entry =
            |row: usize, column: usize| self.at(row / n, column / n) * low.at(row % n, column % n);
        Self { dim, entries: (0..dim * dim).map(|i| entry(i / dim, i % dim)).collect() }
    }

    /// This matrix on some of `n_qubits` qubits, the first of `places` for its least significant
    /// bit; the identity on the others.
    ///
    /// # Panics
    /// If there are not as many places as the matrix has qubits, or one is not below `n_qubits`.
    #[must_use]
    pub fn on_qubits(&self, places: &[usize], n_qubits: u32) -> Self {
        assert_eq!(self.n_qubits(), Some(places.len() as u32), "places of a matrix");
        assert!(places.iter().all(|&place| place < n_qubits as usize), "a place of {n_qubits}");
        let dim = 1_usize << n_qubits;
        let part = |i: usize| places.iter().enumerate().fold(0, |p, (k, q)| p | (i >> q & 1) << k);
        let mask = places.iter().fold(0, |mask, place| mask | 1 << place);
        let mut entries = vec![Complex64::ZERO; dim * dim];
        for row in 0..dim {
            for within in 0..self.dim {
                let column = places
                    .iter()
                    .enumerate()
                    .fold(row & !mask, |i, (k, q)| i | (within >> k & 1) << q);
                entries[row * dim + column] = self.at(part(row), within);
            }
        }
        Self { dim, entries }
    }

    /// This matrix applied where the control qubits, which come first in the qubit order, hold the
    /// bits of `state`; the identity elsewhere.
    #[must_use]
    pub fn controlled(&self, n_controls: u32, state: u64) -> Self {
        let dim = self.dim << n_controls;
        let mut controlled = Self::diagonal(&vec![Complex64::ONE; dim]);
        let place = |i: usize| i << n_controls | state as usize;
        for row in 0..self.dim {
            for column in 0..self.dim {
                controlled.entries[place(row) * dim + place(column)] = self.at(row, column);
            }
        }
        controlled
    }

    /// The largest absolute difference between an entry of `self† · self` and of the identity: 0
    /// for a unitary.
    #[must_use]
    pub fn unitarity_defect(&self) -> f64 {
        let product = self.adjoint().product(self);
        let identity = Self::diagonal(&vec![Complex64::ONE; self.dim]);
        product.distance(&identity)
    }

    /// The largest absolute difference between entries; infinite if dimensions differ or an entry
    /// is not a number.
    #[must_use]
    pub fn distance(&self, other: &Self) -> f64 {
        if self.dim != other.dim {
            return f64::INFINITY;
        }
        let differences = self.entries.iter().zip(&other.entries).map(|(a, b)| (a - b).norm());
        differences.fold(0.0, |max, d| if d.is_nan() { f64::INFINITY } else { d.max(max) })
    }
}
