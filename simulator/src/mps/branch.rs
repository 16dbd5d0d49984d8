//! What is random in a chain, seen before it is chosen: measurements and channels.
//!
//! Gates that wait when shots part stay in the queue of each part. Applied at another time, they
//! would be merged with other gates and truncated otherwise, and a shot would depend on those that
//! it is run with.

use ketch_interface::{Complex64, Matrix};

use super::{
    matrix::Matrix1,
    observe,
    op::{Drawn, MpsOp},
    register::State,
};
use crate::{
    Error,
    noise::{beyond, pick},
    rng::ShotRandom,
    run::{Branch, Choice},
};

/// Blocks for each place that may wait where a channel is drawn: each part applies them again.
const WAITING_PER_PLACE: usize = 4;

impl State<'_> {
    /// Draws one operator of a channel and applies it.
    pub(super) fn draw(&mut self, drawn: &Drawn, random: &mut ShotRandom) -> Result<(), Error> {
        self.catch_up_partly()?;
        let uniform = random.uniform();
        let weights = if drawn.looks(uniform) { self.weights_of(drawn)? } else { Vec::new() };
        self.take_operator(drawn, drawn.operator(uniform, &weights))
    }

    /// Applies what waits if it is much. It depends on what the shot did before and on nothing else.
    fn catch_up_partly(&mut self) -> Result<(), Error> {
        let most = WAITING_PER_PLACE * self.chain().len();
        if self.queue().len() > most { self.flush() } else { Ok(()) }
    }

    /// The weights of those operators of a channel whose probabilities depend on the state.
    fn weights_of(&mut self, drawn: &Drawn) -> Result<Vec<f64>, Error> {
        let (places, choices) = match drawn {
            Drawn::Unitaries { .. } => return Ok(Vec::new()),
            Drawn::Partly { rest, .. } => return self.weights_of(rest),
            Drawn::Any { places, choices } => (places, choices),
        };
        let (chain, sites) = self.settled()?;
        let sites: Vec<usize> = places.iter().map(|&place| sites[place]).collect();
        let rho = observe::density_matrix(chain, &sites)?;
        let probability = |effect: &Matrix| -> f64 {
            let dim = effect.dim();
            let entry = |i: usize| effect.at(i / dim, i % dim) * rho[i % dim * dim + i / dim];
            (0..dim * dim).map(entry).sum::<Complex64>().re
        };
        Ok(choices.iter().map(|(_, effect)| probability(effect)).collect())
    }

    /// Applies an operator of a channel, see [`Drawn::operator`].
    fn take_operator(&mut self, drawn: &Drawn, number: usize) -> Result<(), Error> {
        match drawn {
            Drawn::Unitaries { choices, .. } => match &choices[number].1 {
                Some(op) => self.unitary(op),
                None => Ok(()),
            },
            Drawn::Partly { unitaries, rest, .. } => match number.checked_sub(unitaries.len()) {
                Some(number) => self.take_operator(rest, number),
                None => self.take_operator(unitaries, number),
            },
            Drawn::Any { places, choices } => {
                let (chain, sites) = self.settled()?;
                // A look at several sites leaves the chain like this; see `choose`.
                if let (Some(first), 2..) = (places.iter().map(|&p| sites[p]).min(), places.len()) {
                    chain.left_of(first)?;
                }
                self.project(places, &choices[number].0)
            }
        }
    }
}

impl<'t> Branch<'t> for State<'t> {
    fn bytes(&self) -> u64 {
        self.chain().bytes()
    }

    fn settle(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn weights(&mut self, place: usize) -> Result<[f64; 2], Error> {
        self.flush()?;
        let (chain, site) = self.site(place);
        let density = chain.site_density(site)?;
        Ok([density[0][0].re, density[1][1].re])
    }

    fn collapse(&mut self, place: usize, outcome: bool, _weight: f64) -> Result<(), Error> {
        let mut projector: Matrix1 = [[Complex64::ZERO; 2]; 2];
        projector[usize::from(outcome)][usize::from(outcome)] = Complex64::ONE;
        let (chain, site) = self.site(place);
        chain.project(site, &projector)
    }

    fn flip(&mut self, place: usize) -> Result<(), Error> {
        let (zero, one) = (Complex64::ZERO, Complex64::ONE);
        self.queue().one(place, &[[zero, one], [one, zero]]);
        Ok(())
    }

    fn choose(
        &mut self,
        op: &MpsOp,
        random: &mut ShotRandom,
        shots: &[u64],
    ) -> Result<Vec<Choice>, Error> {
        let MpsOp::Drawn(drawn) = op else { unreachable!("only channels are random") };
        self.catch_up_partly()?;
        let uniforms = random.uniforms(shots);
        let n_looking = uniforms.iter().filter(|uniform| drawn.looks(**uniform)).count();
        let weights = match n_looking {
            0 => Vec::new(),
            n if n == shots.len() => self.weights_of(drawn)?,
            // The others, were they alone, would not apply what waits.
            _ => self.clone().weights_of(drawn)?,
        };
        let choice = |&uniform: &f64| {
            let place = drawn.operator(uniform, &weights);
            Choice { place, probability: None }
        };
        Ok(uniforms.iter().map(choice).collect())
    }

    fn take(&mut self, op: &MpsOp, choice: Choice) -> Result<(), Error> {
        let MpsOp::Drawn(drawn) = op else { unreachable!("only channels are random") };
        self.take_operator(drawn, choice.place)
    }
}

impl Drawn {
    /// Whether it depends on the state what this random number makes it do.
    fn looks(&self, uniform: f64) -> bool {
        match self {
            Self::Unitaries { .. } => false,
            Self::Any { .. } => true,
            Self::Partly { free, .. } => uniform >= *free,
        }
    }

    /// The number of its operators.
    fn len(&self) -> usize {
        match self {
            Self::Unitaries { choices, .. } => choices.len(),
            Self::Any { choices, .. } => choices.len(),
            Self::Partly { unitaries, rest, .. } => unitaries.len() + rest.len(),
        }
    }

    /// The operator that a random number falls on; `weights` are those that depend on the state, if
    /// it [`looks`](Self::looks) at it.
    fn operator(&self, uniform: f64, weights: &[f64]) -> usize {
        match self {
            Self::Unitaries { choices, .. } => {
                pick(choices.iter().map(|(weight, _)| *weight), uniform).0
            }
            Self::Any { .. } => pick(weights.iter().copied(), uniform).0,
            Self::Partly { unitaries, free, .. } if uniform < *free => {
                unitaries.operator(uniform / free, weights)
            }
            Self::Partly { unitaries, free, rest } => {
                unitaries.len() + rest.operator(beyond(uniform, *free), weights)
            }
        }
    }
}
