//! Pauli strings as pairs of bit masks.

use super::NoiseError;
use crate::{Matrix, circuit::Gate};

/// A Pauli string up to its phase: qubit `q` has X in it if bit `q` of `x` is set, Z by `z`, and Y
/// by both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PauliBits {
    pub(super) x: usize,
    pub(super) z: usize,
}

impl PauliBits {
    /// Reads letters of `IXYZ`, the rightmost of the first qubit; up to 32 of them.
    pub(super) fn parse(label: &str) -> Result<Self, NoiseError> {
        let mut bits = Self { x: 0, z: 0 };
        if label.is_empty() || label.len() > 32 {
            let n = label.len();
            return Err(NoiseError::BadShape(format!("a Pauli string of {n} letters")));
        }
        for letter in label.chars() {
            let (x, z) = match letter {
                'I' => (0, 0),
                'X' => (1, 0),
                'Y' => (1, 1),
                'Z' => (0, 1),
                _ => return Err(bad_letter(label)),
            };
            bits = Self { x: bits.x << 1 | x, z: bits.z << 1 | z };
        }
        Ok(bits)
    }

    /// The string with this number, in the order of the letters `IXYZ` with the first qubit as the
    /// least significant digit.
    pub(super) fn numbered(number: usize, n_qubits: u32) -> Self {
        let digit = |qubit: u32| number >> (2 * qubit) & 3;
        let gather = |has: fn(usize) -> bool| {
            (0..n_qubits).fold(0, |mask, q| mask | usize::from(has(digit(q))) << q)
        };
        Self { x: gather(|digit| digit == 1 || digit == 2), z: gather(|digit| digit >= 2) }
    }

    /// Its letters.
    pub(super) fn label(self, n_qubits: u32) -> String {
        const LETTERS: [char; 4] = ['I', 'X', 'Z', 'Y'];
        let letter = |q: u32| LETTERS[(self.x >> q & 1) + 2 * (self.z >> q & 1)];
        (0..n_qubits).rev().map(letter).collect()
    }

    /// Its matrix.
    pub(super) fn matrix(self, n_qubits: u32) -> Matrix {
        const LETTERS: [Gate; 4] = [Gate::Id, Gate::X, Gate::Z, Gate::Y];
        let letter = |q: u32| LETTERS[(self.x >> q & 1) + 2 * (self.z >> q & 1)].matrix(&[]);
        (0..n_qubits).fold(Matrix::identity(0), |low, qubit| letter(qubit).kron(&low))
    }
}

pub(super) fn bad_letter(label: &str) -> NoiseError {
    let label: String = label.chars().take(40).collect();
    NoiseError::BadShape(format!("the Pauli string `{label}` has letters other than I, X, Y and Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_numbers_name_the_same_strings() {
        let bits = PauliBits::parse("XYZI").unwrap();
        assert_eq!(bits, PauliBits { x: 0b1100, z: 0b0110 });
        assert_eq!(bits.label(4), "XYZI");
        let labels: Vec<String> = (0..5).map(|n| PauliBits::numbered(n, 2).label(2)).collect();
        assert_eq!(labels, ["II", "IX", "IY", "IZ", "XI"]);
        let y = Gate::Y.matrix(&[]);
        assert_eq!(PauliBits::parse("YI").unwrap().matrix(2), y.kron(&Matrix::identity(1)));
        assert!(PauliBits::parse("XA").is_err() && PauliBits::parse("").is_err());
    }
}
