//! Values that a circuit saves.

use std::collections::BTreeMap;

use ketch_interface::{Array, BitString, Complex64};

/// A value that a circuit saved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Saved {
    /// A number.
    Number(f64),
    /// Numbers, such as probabilities: index bit `i` is the `i`-th qubit asked for.
    Reals(Array<f64>),
    /// Amplitudes: index bit `i` is qubit `i`.
    Vector(Array<Complex64>),
    /// A square matrix, row-major.
    Matrix {
        /// The number of rows.
        dim: usize,
        /// All entries, row by row.
        entries: Array<Complex64>,
    },
    /// Probabilities that are not 0, by basis state.
    Probabilities(BTreeMap<BitString, f64>),
    /// Amplitudes that are not 0, by basis state.
    Amplitudes(BTreeMap<BitString, Complex64>),
    /// A matrix product state in Vidal's form: the amplitude of a basis state is the product, from
    /// qubit 0 on, of one matrix for each qubit and the diagonal matrices of the bonds between.
    MatrixProductState {
        /// For each qubit the matrix of |0> and that of |1>.
        sites: Vec<[Tensor; 2]>,
        /// For each bond, between qubits `i` and `i + 1`, its Schmidt values.
        weights: Vec<Vec<f64>>,
    },
    /// Classical bits.
    Bits(BitString),
    /// A stabilizer state: for each qubit one Pauli string such as `-XIZ`, qubit 0 rightmost.
    Stabilizers {
        /// The strings that the state is an eigenstate of: the images of Z of each qubit.
        stabilizers: Vec<String>,
        /// The images of X.
        destabilizers: Vec<String>,
    },
    /// One for each shot.
    List(Vec<Saved>),
    /// One for each value of the clbits at the time.
    ByClbits(BTreeMap<BitString, Saved>),
}

/// A matrix of a matrix product state.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The dimension of the bond on the left.
    pub rows: usize,
    /// The dimension of the bond on the right.
    pub columns: usize,
    /// All entries, row by row.
    pub entries: Vec<Complex64>,
}

impl Saved {
    /// The sum with another value of the same shape. Sums are only taken of values that one
    /// instruction saved, so shapes never differ; if they did, the later value would stand.
    pub(crate) fn plus(self, other: Self) -> Self {
        let reals = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + b).collect();
        let complexes =
            |a: &[Complex64], b: &[Complex64]| a.iter().zip(b).map(|(a, b)| a + b).collect();
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Self::Number(a + b),
            (Self::Reals(a), Self::Reals(b)) => Self::Reals(reals(&a, &b)),
            (Self::Vector(a), Self::Vector(b)) => Self::Vector(complexes(&a, &b)),
            (Self::Matrix { dim, entries: a }, Self::Matrix { entries: b, .. }) => {
                Self::Matrix { dim, entries: complexes(&a, &b) }
            }
            (Self::Probabilities(mut a), Self::Probabilities(b)) => {
                b.into_iter().for_each(|(state, p)| *a.entry(state).or_insert(0.0) += p);
                Self::Probabilities(a)
            }
            (Self::Amplitudes(mut a), Self::Amplitudes(b)) => {
                for (state, amplitude) in b {
                    *a.entry(state).or_insert(Complex64::ZERO) += amplitude;
                }
                Self::Amplitudes(a)
            }
            (_, later) => later,
        }
    }

    /// The value times a number.
    pub(crate) fn times(self, factor: f64) -> Self {
        match self {
            Self::Number(a) => Self::Number(a * factor),
            Self::Reals(a) => Self::Reals(a.iter().map(|a| a * factor).collect()),
            Self::Vector(a) => Self::Vector(a.iter().map(|a| a * factor).collect()),
            Self::Matrix { dim, entries } => {
                Self::Matrix { dim, entries: entries.iter().map(|a| a * factor).collect() }
            }
            Self::Probabilities(a) => {
                Self::Probabilities(a.into_iter().map(|(state, p)| (state, p * factor)).collect())
            }
            Self::Amplitudes(a) => {
                Self::Amplitudes(a.into_iter().map(|(state, a)| (state, a * factor)).collect())
            }
            other => other,
        }
    }

    /// About how many bytes it holds.
    pub(crate) fn bytes(&self) -> u64 {
        let content = match self {
            Self::Number(_) | Self::Bits(_) => 0,
            Self::Reals(a) => a.len() * 8,
            Self::Vector(a) | Self::Matrix { entries: a, .. } => a.len() * 16,
            Self::Probabilities(a) => a.len() * 48,
            Self::Amplitudes(a) => a.len() * 56,
            Self::Stabilizers { stabilizers, .. } => {
                2 * stabilizers.len() * (stabilizers.len() + 1 + size_of::<String>())
            }
            Self::MatrixProductState { sites, weights } => {
                let tensors = sites.iter().flatten();
                tensors.map(|t| size_of::<Tensor>() + 16 * t.entries.len()).sum::<usize>()
                    + weights.iter().map(|weights| 24 + 8 * weights.len()).sum::<usize>()
            }
            Self::List(_) | Self::ByClbits(_) => 0,
        };
        content as u64 + size_of::<Self>() as u64
    }
}
