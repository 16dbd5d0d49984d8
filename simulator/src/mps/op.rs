//! What is done to a matrix product state.

use ketch_interface::{Complex64, Matrix};

use super::{
    matrix::{IDENTITY, Matrix1, Matrix2, fixed},
    operator::Operator,
};
use crate::{
    noise::{Apart, Split},
    program::Operation,
};

/// One operation on places.
#[derive(Clone, Debug)]
pub(crate) enum MpsOp {
    /// A phase of the whole state.
    Phase(Complex64),
    /// A unitary on one place.
    One(usize, Matrix1),
    /// A unitary on two places; the first is the low bit of the matrix's indices.
    Two([usize; 2], Box<Matrix2>),
    /// Exchanges two places.
    Swap([usize; 2]),
    /// An operator on more places.
    Many(Operator),
    /// One Kraus operator of a channel is drawn.
    Drawn(Drawn),
}

/// A channel, by what it takes to know the probabilities of its operators.
#[derive(Clone, Debug)]
pub(crate) enum Drawn {
    /// Multiples of unitaries have the same probabilities in every state. `None` is the identity.
    Unitaries { places: Box<[usize]>, choices: Box<[(f64, Option<MpsOp>)]> },
    /// The density matrix of the places tells, by K and K†K.
    Any { places: Box<[usize]>, choices: Box<[(Matrix, Matrix)]> },
    /// Mostly unitaries, which together have the probability `free` in every state; else one of
    /// the rest.
    Partly { unitaries: Box<Drawn>, free: f64, rest: Box<Drawn> },
}

impl Drawn {
    fn places(&self) -> &[usize] {
        match self {
            Self::Unitaries { places, .. } | Self::Any { places, .. } => places,
            Self::Partly { rest, .. } => rest.places(),
        }
    }
}

impl Operation for MpsOp {
    fn is_random(&self) -> bool {
        matches!(self, Self::Drawn(_))
    }

    fn acts_on(&self, asked: impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Phase(_) => false,
            Self::One(place, _) => asked(*place),
            Self::Two(places, _) | Self::Swap(places) => places.iter().copied().any(asked),
            Self::Many(operator) => operator.places().any(asked),
            Self::Drawn(drawn) => drawn.places().iter().copied().any(asked),
        }
    }
}

impl MpsOp {
    /// A unitary; `None` for the identity on one place. The first place is the low bit.
    pub(super) fn of_matrix(matrix: &Matrix, places: &[usize]) -> Option<Self> {
        match *places {
            [] => Some(Self::Phase(matrix.at(0, 0))),
            [place] => {
                let matrix = fixed(matrix);
                (matrix != IDENTITY).then_some(Self::One(place, matrix))
            }
            [low, high] => Some(Self::Two([low, high], Box::new(fixed(matrix)))),
            _ => {
                Some(Self::Many(Operator::Dense { places: places.into(), matrix: matrix.clone() }))
            }
        }
    }

    /// A unitary where all controls have their values.
    pub(super) fn controlled(
        matrix: &Matrix,
        controls: &[(usize, bool)],
        places: &[usize],
    ) -> Option<Self> {
        if let ([], [(last, value), controls @ ..]) = (places, controls) {
            // A phase where all agree is a phase of the last one.
            let (one, phase) = (Complex64::ONE, matrix.at(0, 0));
            let turned = if *value { [one, phase] } else { [phase, one] };
            return Self::controlled(&Matrix::diagonal(&turned), controls, &[*last]);
        }
        if controls.len() + places.len() <= 2 {
            let value = (0..).zip(controls).fold(0, |v, (i, (_, one))| v | u64::from(*one) << i);
            let whole = matrix.controlled(controls.len() as u32, value);
            let all: Vec<usize> =
                controls.iter().map(|(place, _)| *place).chain(places.iter().copied()).collect();
            return Self::of_matrix(&whole, &all);
        }
        let dim = matrix.dim();
        let less_one = |i: usize| {
            let one = if i / dim == i % dim { Complex64::ONE } else { Complex64::ZERO };
            matrix.entries()[i] - one
        };
        let added = (0..dim * dim).map(less_one).collect();
        Some(Self::Many(Operator::Controlled {
            controls: controls.into(),
            places: places.into(),
            added: Matrix::new(dim, added).expect("as many entries as before"),
        }))
    }

    /// A channel; one of its Kraus operators is drawn each time (quantum trajectories; Dalibard,
    /// Castin and Mølmer, Phys. Rev. Lett. 68, 580, 1992).
    pub(super) fn drawn(apart: &Apart, places: &[usize]) -> Self {
        let kraus = apart.channel.kraus();
        Self::Drawn(match (&apart.weights, &apart.split) {
            (Some(weights), _) => unitaries(kraus, weights, places),
            (None, Some(split)) => partly(split, places),
            (None, None) => any(kraus.to_vec(), places),
        })
    }
}

/// A channel that mostly multiplies strings: only the rest needs a look at the state.
fn partly(split: &Split, places: &[usize]) -> Drawn {
    let strings: Vec<Matrix> = split.strings().collect();
    let weights: Vec<f64> = split.strings.iter().map(|(share, _)| *share).collect();
    let strings = unitaries(&strings, &weights, places);
    match split.rest.is_empty() {
        true => strings,
        false => Drawn::Partly {
            unitaries: Box::new(strings),
            free: split.free(),
            rest: Box::new(any(split.rest.clone(), places)),
        },
    }
}

fn any(kraus: Vec<Matrix>, places: &[usize]) -> Drawn {
    let choice = |k: Matrix| (k.adjoint().product(&k), k);
    let choices = kraus.into_iter().map(choice).map(|(effect, k)| (k, effect)).collect();
    Drawn::Any { places: places.into(), choices }
}

/// Multiples of unitaries, the likeliest first, so that most draws end there.
fn unitaries(kraus: &[Matrix], weights: &[f64], places: &[usize]) -> Drawn {
    let happens = kraus.iter().zip(weights.iter().copied()).filter(|(_, weight)| *weight > 0.0);
    let mut choices: Vec<_> =
        happens.map(|(k, weight)| (weight, unitary(k, weight, places))).collect();
    choices.sort_by(|a: &(f64, _), b| b.0.total_cmp(&a.0));
    Drawn::Unitaries { places: places.into(), choices: choices.into() }
}

/// The unitary that `k` is a multiple of; `None` if it is the identity up to a phase.
fn unitary(k: &Matrix, weight: f64, places: &[usize]) -> Option<MpsOp> {
    let entries = k.entries().iter().map(|entry| entry / weight.sqrt()).collect();
    let unitary = Matrix::new(k.dim(), entries).expect("as many entries as before");
    let phases = vec![unitary.at(0, 0); k.dim()];
    if unitary.distance(&Matrix::diagonal(&phases)) < 1e-15 {
        return None;
    }
    MpsOp::of_matrix(&unitary, places)
}
