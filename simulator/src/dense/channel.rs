//! Channels as programs hold them: one of their operators is drawn for each shot.

use ketch_interface::{Complex64, Matrix};
use ketch_kernels::{Controls, Real};

use super::{
    State,
    apply::Apply,
    strings::{Masks, spread, string_of},
};
use crate::{
    Error,
    noise::{Apart, Split, beyond, pick},
    run::Choice,
};

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
    /// Mostly unitaries, which together have the probability `free` in every state; else one of
    /// the rest.
    Partly { unitaries: Box<[Unitary<T>]>, free: f64, rest: Effects },
    /// The state tells.
    Drawn {
        operators: Effects,
        /// The first operator has at least this probability in every state, so that a smaller
        /// random number needs no look at the state. It is then applied as it is: norms are taken
        /// care of where they matter, see [`State::normalize`].
        sure: f64,
        first: Option<Apply<T>>,
    },
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

/// Operators K with K†K, whose expectation values are their probabilities.
#[derive(Clone, Debug)]
pub(crate) enum Effects {
    /// K†K is diagonal for each: the probabilities of the places tell.
    Diagonal(Box<[(Matrix, Box<[f64]>)]>),
    /// Any: the reduced density matrix tells.
    Any(Box<[(Matrix, Matrix)]>),
}

impl Effects {
    fn new(kraus: Vec<Matrix>) -> Self {
        let effects: Vec<Matrix> = kraus.iter().map(|k| k.adjoint().product(k)).collect();
        if !effects.iter().all(is_diagonal) {
            return Self::Any(kraus.into_iter().zip(effects).collect());
        }
        let diagonal = |effect: &Matrix| (0..effect.dim()).map(|i| effect.at(i, i).re).collect();
        let diagonals: Vec<Box<[f64]>> = effects.iter().map(diagonal).collect();
        Self::Diagonal(kraus.into_iter().zip(diagonals).collect())
    }

    /// The probability of each operator in a state, times the state's norm squared.
    pub(super) fn weights<T: Real>(
        &self,
        state: &State<'_, T>,
        places: &[usize],
    ) -> Result<Vec<f64>, Error> {
        Ok(match self {
            Self::Diagonal(operators) => {
                let populations = state.probabilities(places)?;
                let weight = |effect: &[f64]| -> f64 {
                    effect.iter().zip(&populations).map(|(e, p)| e * p).sum()
                };
                operators.iter().map(|(_, effect)| weight(effect)).collect()
            }
            Self::Any(operators) => {
                let rho = state.density_matrix(places);
                let weight = |effect: &Matrix| -> f64 {
                    let dim = effect.dim();
                    let entry =
                        |i: usize| effect.at(i / dim, i % dim) * rho[i % dim * dim + i / dim];
                    (0..dim * dim).map(entry).sum::<Complex64>().re
                };
                operators.iter().map(|(_, effect)| weight(effect)).collect()
            }
        })
    }

    /// An operator, so that a state in which it has this weight has norm 1 afterwards; `None` for
    /// the identity.
    pub(super) fn operator(
        &self,
        number: usize,
        weight: f64,
        places: &[usize],
    ) -> Option<Apply<f64>> {
        let operator = match self {
            Self::Diagonal(operators) => &operators[number].0,
            Self::Any(operators) => &operators[number].0,
        };
        let scale = weight.sqrt().recip();
        let entries = operator.entries().iter().map(|entry| entry * scale).collect();
        let scaled = Matrix::new(operator.dim(), entries).expect("as many entries as before");
        Apply::of_matrix(&scaled, places, Controls::NONE)
    }
}

impl<T: Real> Noise<T> {
    /// A channel on these places.
    pub(crate) fn new(apart: &Apart, places: &[usize]) -> Self {
        let kraus = apart.channel.kraus();
        let operators = match (&apart.weights, &apart.split) {
            (Some(weights), _) => Operators::Unitaries(unitaries(kraus, weights, places)),
            (None, Some(split)) => partly(split, places),
            (None, None) => drawn(kraus.to_vec(), places),
        };
        Self { places: places.into(), operators }
    }

    /// The places that it acts on.
    pub(crate) fn places(&self) -> &[usize] {
        &self.places
    }

    /// The unitaries that it is a mixture of, if it is one, and the rest that happens where none of
    /// them does.
    pub(super) fn unitaries(&self) -> Option<(&[Unitary<T>], Option<&Effects>)> {
        match &self.operators {
            Operators::Unitaries(unitaries) => Some((unitaries, None)),
            Operators::Partly { unitaries, rest, .. } => Some((unitaries, Some(rest))),
            Operators::Drawn { .. } => None,
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
        let below = |most: f64| uniforms.iter().all(|uniform| *uniform < most);
        match &self.operators {
            Operators::Unitaries(_) => true,
            Operators::Partly { free, .. } => below(*free),
            Operators::Drawn { sure, .. } => below(*sure),
        }
    }

    /// The operator that each of these random numbers falls on. The state is not looked at where
    /// the choice [is free](Self::is_free).
    pub(crate) fn choose(
        &self,
        state: &State<'_, T>,
        uniforms: &[f64],
    ) -> Result<Vec<Choice>, Error> {
        let looked = |effects: &Effects| match self.is_free(uniforms) {
            true => Ok(Vec::new()),
            false => effects.weights(state, &self.places),
        };
        let choice = |weights: &[f64], uniform: f64, offset: usize| {
            let (place, probability) = pick(weights.iter().copied(), uniform);
            Choice { place: offset + place, probability: Some(probability) }
        };
        Ok(match &self.operators {
            Operators::Unitaries(unitaries) => {
                let weights: Vec<f64> = unitaries.iter().map(|u| u.probability).collect();
                uniforms.iter().map(|uniform| choice(&weights, *uniform, 0)).collect()
            }
            Operators::Partly { unitaries, free, rest } => {
                let weights: Vec<f64> = unitaries.iter().map(|u| u.probability).collect();
                let of_rest = looked(rest)?;
                let choose = |&uniform: &f64| match uniform < *free {
                    true => choice(&weights, uniform / free, 0),
                    false => choice(&of_rest, beyond(uniform, *free), weights.len()),
                };
                uniforms.iter().map(choose).collect()
            }
            Operators::Drawn { operators, sure, .. } => {
                let weights = looked(operators)?;
                let choose = |&uniform: &f64| match uniform < *sure {
                    true => Choice::FIRST,
                    false => choice(&weights, uniform, 0),
                };
                uniforms.iter().map(choose).collect()
            }
        })
    }

    /// What a choice does to the state; `None` for nothing.
    pub(crate) fn operator(&self, choice: Choice) -> Option<Apply<T>> {
        let Self { places, operators } = self;
        let weight = choice.probability.unwrap_or(1.0);
        let (effects, number) = match operators {
            Operators::Unitaries(unitaries) => return unitaries[choice.place].apply.clone(),
            Operators::Partly { unitaries, rest, .. } => match unitaries.get(choice.place) {
                Some(unitary) => return unitary.apply.clone(),
                None => (rest, choice.place - unitaries.len()),
            },
            Operators::Drawn { first, .. } if choice.probability.is_none() => return first.clone(),
            Operators::Drawn { operators, .. } => (operators, choice.place),
        };
        effects.operator(number, weight, places).map(|apply| apply.cast())
    }
}

/// The likeliest first, so that most draws end there.
fn unitaries<T: Real>(kraus: &[Matrix], weights: &[f64], places: &[usize]) -> Box<[Unitary<T>]> {
    let unitary = |(k, &weight): (&Matrix, &f64)| {
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
    let happens = kraus.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
    let mut unitaries: Vec<_> = happens.map(unitary).collect();
    unitaries.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    unitaries.into()
}

/// A channel that mostly multiplies strings.
fn partly<T: Real>(split: &Split, places: &[usize]) -> Operators<T> {
    let unitary = |&(probability, masks): &(f64, Masks)| {
        let [x, z] = masks.map(|mask| spread(mask, places));
        let apply = ([x, z] != [0, 0]).then(|| Apply::of_string([x, z]).cast());
        Unitary { probability, apply, string: Some([x, z]) }
    };
    let unitaries = split.strings.iter().map(unitary).collect();
    let free = split.free();
    match split.rest.is_empty() {
        true => Operators::Unitaries(unitaries),
        false => Operators::Partly { unitaries, free, rest: Effects::new(split.rest.clone()) },
    }
}

/// The operator that is likely in all states first.
fn drawn<T: Real>(kraus: Vec<Matrix>, places: &[usize]) -> Operators<T> {
    let least = |effect: &[f64]| effect.iter().copied().fold(1.0, f64::min);
    let mut operators = Effects::new(kraus);
    let (sure, first) = match &mut operators {
        Effects::Any(_) => (0.0, None),
        Effects::Diagonal(operators) => {
            operators.sort_by(|a, b| least(&b.1).total_cmp(&least(&a.1)));
            let first = Apply::of_matrix(&operators[0].0, places, Controls::NONE);
            (least(&operators[0].1), first.map(|apply| apply.cast()))
        }
    };
    Operators::Drawn { operators, sure, first }
}

fn is_diagonal(effect: &Matrix) -> bool {
    let dim = effect.dim();
    (0..dim * dim).all(|i| i / dim == i % dim || effect.entries()[i].norm() < 1e-14)
}
