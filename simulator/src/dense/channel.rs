//! Channels as programs hold them: one of their operators is drawn for each shot.

use ketch_interface::{Complex64, Matrix, noise::Channel};
use ketch_kernels::{Controls, Real};

use super::{
    State,
    apply::Apply,
    strings::{Masks, spread, string_of},
};
use crate::{Error, run::Choice};

/// A channel: one Kraus operator is drawn, with the probability that it has in the state (quantum
/// trajectories; Dalibard, Castin and Mølmer, Phys. Rev. Lett. 68, 580, 1992).
#[derive(Clone, Debug)]
pub(crate) struct Noise<T> {
    places: Box<[usize]>,
    operators: Operators<T>,
}

/// Kraus operators, by what it takes to know their probabilities.
#[derive(Clone, Debug)]
pub(crate) enum Operators<T> {
    /// Each is a multiple of a unitary, so the probabilities are the same in every state. The
    /// likeliest stands first.
    Unitaries(Box<[Unitary<T>]>),
    /// K†K is diagonal for each: the probabilities of the places tell.
    Diagonal {
        operators: Box<[(Matrix, Box<[f64]>)]>,
        /// The first operator has at least this probability in every state, so that a smaller
        /// random number needs no look at the state. It is then applied as it is: norms are taken
        /// care of where they matter, see [`State::normalize`].
        sure: f64,
        first: Option<Apply<T>>,
    },
    /// Any: K†K and the reduced density matrix tell.
    Any(Box<[(Matrix, Matrix)]>),
}

/// A unitary that happens with the same probability in every state.
#[derive(Clone, Debug)]
pub(crate) struct Unitary<T> {
    pub(super) probability: f64,
    /// `None` for the identity.
    pub(super) apply: Option<Apply<T>>,
    /// The masks of the Pauli string that it is, up to a phase.
    pub(super) string: Option<Masks>,
}

impl<T: Real> Noise<T> {
    /// A channel on these places.
    pub(crate) fn new(channel: &Channel, places: &[usize]) -> Self {
        let kraus = channel.kraus();
        let effects: Vec<Matrix> = kraus.iter().map(|k| k.adjoint().product(k)).collect();
        let operators = if let Some(weights) = effects.iter().map(weight).collect() {
            unitaries(kraus, weights, places)
        } else if effects.iter().all(is_diagonal) {
            let diagonal =
                |effect: &Matrix| (0..effect.dim()).map(|i| effect.at(i, i).re).collect();
            diagonals(kraus.iter().cloned().zip(effects.iter().map(diagonal)).collect(), places)
        } else {
            Operators::Any(kraus.iter().cloned().zip(effects).collect())
        };
        Self { places: places.into(), operators }
    }

    /// The places that it acts on.
    pub(crate) fn places(&self) -> &[usize] {
        &self.places
    }

    /// The unitaries that it is a mixture of, if it is one.
    pub(super) fn unitaries(&self) -> Option<&[Unitary<T>]> {
        match &self.operators {
            Operators::Unitaries(unitaries) => Some(unitaries),
            _ => None,
        }
    }

    /// Applies the operator that a random number falls on.
    pub(crate) fn run(&self, state: &mut State<'_, T>, uniform: f64) -> Result<(), Error> {
        let choice = self.choose(state, &[uniform])?[0];
        if let Some(apply) = self.operator(choice) {
            state.apply_unitary(&apply);
        }
        Ok(())
    }

    /// The choice does not depend on the state for these random numbers.
    pub(crate) fn is_free(&self, uniforms: &[f64]) -> bool {
        match &self.operators {
            Operators::Unitaries(_) => true,
            Operators::Diagonal { sure, .. } => uniforms.iter().all(|uniform| uniform < sure),
            Operators::Any(_) => false,
        }
    }

    /// The operator that each of these random numbers falls on. The state is not looked at where
    /// the choice [is free](Self::is_free).
    pub(crate) fn choose(
        &self,
        state: &State<'_, T>,
        uniforms: &[f64],
    ) -> Result<Vec<Choice>, Error> {
        let Self { places, operators } = self;
        let probabilities: Vec<f64> = match operators {
            Operators::Unitaries(unitaries) => {
                unitaries.iter().map(|unitary| unitary.probability).collect()
            }
            Operators::Diagonal { .. } if self.is_free(uniforms) => {
                return Ok(vec![Choice::FIRST; uniforms.len()]);
            }
            Operators::Diagonal { operators, .. } => {
                let populations = state.probabilities(places)?;
                let probability = |effect: &[f64]| -> f64 {
                    effect.iter().zip(&populations).map(|(e, p)| e * p).sum()
                };
                operators.iter().map(|(_, effect)| probability(effect)).collect()
            }
            Operators::Any(operators) => {
                let rho = state.density_matrix(places);
                let probability = |effect: &Matrix| -> f64 {
                    let dim = effect.dim();
                    let entry =
                        |i: usize| effect.at(i / dim, i % dim) * rho[i % dim * dim + i / dim];
                    (0..dim * dim).map(entry).sum::<Complex64>().re
                };
                operators.iter().map(|(_, effect)| probability(effect)).collect()
            }
        };
        let sure = match operators {
            Operators::Diagonal { sure, .. } => *sure,
            _ => 0.0,
        };
        let choose = |&uniform: &f64| match uniform < sure {
            true => Choice::FIRST,
            false => {
                let (place, probability) = pick(probabilities.iter().copied(), uniform);
                Choice { place, probability: Some(probability) }
            }
        };
        Ok(uniforms.iter().map(choose).collect())
    }

    /// What a choice does to the state; `None` for nothing.
    pub(crate) fn operator(&self, choice: Choice) -> Option<Apply<T>> {
        let Self { places, operators } = self;
        let operator = match operators {
            Operators::Unitaries(unitaries) => return unitaries[choice.place].apply.clone(),
            Operators::Diagonal { operators, first, .. } => match choice.probability {
                None => return first.clone(),
                Some(_) => &operators[choice.place].0,
            },
            Operators::Any(operators) => &operators[choice.place].0,
        };
        let scale = choice.probability.map_or(1.0, |probability| probability.sqrt().recip());
        let entries = operator.entries().iter().map(|entry| entry * scale).collect();
        let scaled = Matrix::new(operator.dim(), entries).expect("as many entries as before");
        Apply::of_matrix(&scaled, places, Controls::NONE).map(|apply| apply.cast())
    }
}

/// Which weight a uniform number falls on, and that weight. Weights sum to 1 up to rounding.
pub(super) fn pick(weights: impl Iterator<Item = f64> + Clone, uniform: f64) -> (usize, f64) {
    let total: f64 = weights.clone().map(|weight| weight.max(0.0)).sum();
    let mut left = uniform * total;
    let mut last = (0, total);
    for (place, weight) in weights.enumerate() {
        if weight > 0.0 {
            last = (place, weight);
            if left < weight {
                return last;
            }
            left -= weight;
        }
    }
    last
}

/// The likeliest first, so that most draws end there.
fn unitaries<T: Real>(kraus: &[Matrix], weights: Vec<f64>, places: &[usize]) -> Operators<T> {
    let unitary = |(k, weight): (&Matrix, f64)| {
        let entries = k.entries().iter().map(|entry| entry / weight.sqrt()).collect();
        let unitary = Matrix::new(k.dim(), entries).expect("as many entries as before");
        let phase = unitary.at(0, 0);
        let identity = (0..k.dim()).map(|_| phase).collect::<Vec<_>>();
        let apply = match unitary.distance(&Matrix::diagonal(&identity)) < 1e-15 {
            true => None,
            false => Apply::of_matrix(&unitary, places, Controls::NONE),
        };
        let string = string_of(&unitary).map(|masks| masks.map(|mask| spread(mask, places)));
        Unitary { probability: weight, apply: apply.map(|apply| apply.cast()), string }
    };
    let happens = kraus.iter().zip(weights).filter(|(_, weight)| *weight > 0.0);
    let mut unitaries: Vec<_> = happens.map(unitary).collect();
    unitaries.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    Operators::Unitaries(unitaries.into())
}

/// The one that is likely in all states first.
fn diagonals<T: Real>(mut operators: Vec<(Matrix, Box<[f64]>)>, places: &[usize]) -> Operators<T> {
    let least = |effect: &[f64]| effect.iter().copied().fold(1.0, f64::min);
    operators.sort_by(|a, b| least(&b.1).total_cmp(&least(&a.1)));
    let sure = least(&operators[0].1);
    let first = Apply::of_matrix(&operators[0].0, places, Controls::NONE);
    let first = first.map(|apply| apply.cast());
    Operators::Diagonal { operators: operators.into(), sure, first }
}

/// The number that a multiple of the identity is.
fn weight(effect: &Matrix) -> Option<f64> {
    let weight = effect.at(0, 0).re;
    let multiple = Matrix::diagonal(&vec![Complex64::new(weight, 0.0); effect.dim()]);
    (effect.distance(&multiple) < 1e-14).then_some(weight)
}

fn is_diagonal(effect: &Matrix) -> bool {
    let dim = effect.dim();
    (0..dim * dim).all(|i| i / dim == i % dim || effect.entries()[i].norm() < 1e-14)
}
