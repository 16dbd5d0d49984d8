//! [`Apart`]: what of a channel does not depend on the state, found once in a program, however many
//! instructions share the channel.

use std::{collections::HashMap, sync::Arc};

use ketch_interface::{
    Complex64, Matrix,
    circuit::Op,
    noise::{Channel, NoiseError},
};

use super::Split;
use crate::Error;

/// Below this probability of its strings a channel is drawn as a whole.
const MOSTLY: f64 = 0.5;

/// A channel, and what of it happens with the same probability in every state.
#[derive(Debug)]
pub(crate) struct Apart {
    pub(crate) channel: Channel,
    /// The probabilities of its Kraus operators, if each is a multiple of a unitary.
    pub(crate) weights: Option<Vec<f64>>,
    /// What it is otherwise, if it mostly multiplies strings.
    pub(crate) split: Option<Split>,
}

impl Apart {
    fn of(channel: Channel) -> Self {
        let weights = channel.kraus().iter().map(|k| weight(&k.adjoint().product(k)));
        let weights: Option<Vec<f64>> = weights.collect();
        let split = match weights {
            Some(_) => None,
            None => Split::of(&channel).filter(|split| split.free() >= MOSTLY),
        };
        Self { channel, weights, split }
    }
}

/// The channels of one program.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    /// By the address of the Kraus operators, which are kept so that no others come to be there.
    known: HashMap<usize, (Arc<[Matrix]>, Arc<Apart>)>,
}

impl Channels {
    /// The channel of a `kraus` or `superop`.
    ///
    /// # Errors
    /// If it is none.
    ///
    /// # Panics
    /// For any other instruction.
    pub(crate) fn of(&mut self, op: &Op) -> Result<Arc<Apart>, Error> {
        let apart = |channel: Result<Channel, NoiseError>| match channel {
            Ok(channel) => Ok(Arc::new(Apart::of(channel))),
            Err(error) => {
                Err(Error::BadValue { instruction: op.name(), reason: error.to_string() })
            }
        };
        let kraus = match op {
            Op::Kraus(kraus) => kraus,
            Op::Superop(superop) => return apart(Channel::from_superop(superop)),
            op => unreachable!("`{}` is no channel", op.name()),
        };
        let address = kraus.as_ptr().addr();
        if let Some((_, known)) = self.known.get(&address) {
            return Ok(Arc::clone(known));
        }
        let apart = apart(Channel::new(kraus.to_vec()))?;
        self.known.insert(address, (Arc::clone(kraus), Arc::clone(&apart)));
        Ok(apart)
    }
}

/// A uniform number above `free`, as one in [0, 1).
pub(crate) fn beyond(uniform: f64, free: f64) -> f64 {
    (uniform - free) / (1.0 - free)
}

/// Which weight a uniform number falls on, and that weight. Weights sum to 1 up to rounding.
pub(crate) fn pick(weights: impl Iterator<Item = f64> + Clone, uniform: f64) -> (usize, f64) {
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

/// The number that a multiple of the identity is.
fn weight(effect: &Matrix) -> Option<f64> {
    let weight = effect.at(0, 0).re;
    let multiple = Matrix::diagonal(&vec![Complex64::new(weight, 0.0); effect.dim()]);
    (effect.distance(&multiple) < 1e-14).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_taken_apart_once_however_many_instructions_share_it() {
        let damping = Channel::thermal_relaxation(50.0, 60.0, 1.0, 0.0).unwrap();
        let op = damping.to_op();
        let mut channels = Channels::default();
        let first = channels.of(&op).unwrap();
        assert!(first.weights.is_none() && first.split.is_some());
        assert!(Arc::ptr_eq(&first, &channels.of(&op.clone()).unwrap()));
        let flip = channels.of(&Channel::pauli(&[("I", 0.75), ("X", 0.25)]).unwrap().to_op());
        let weights = flip.unwrap().weights.clone().unwrap();
        assert!(weights.iter().zip([0.75, 0.25]).all(|(a, b)| (a - b).abs() < 1e-14));
        let growing = Op::Kraus([Matrix::identity(1).scaled(2.0)].into());
        assert!((0..2).all(|_| channels.of(&growing).is_err()));
    }
}
