//! A state by those of its basis states whose amplitude is not 0.

use ketch_interface::{Complex64, Matrix};

use super::{
    index::Index,
    op::{Action, Bits, Controls, SparseOp},
};
use crate::{Cancel, Error, memory};

/// Amplitudes whose square is below this are what rounding leaves of 0. Dropping 2^20 of them
/// moves the state by less than 1e-12.
const NOTHING: f64 = 1e-30;

/// Basis states between two looks at the cancel token.
const POLLED_EVERY: usize = 1 << 16;

/// The most basis states: the index counts with 32 bits.
const MOST: usize = 1 << 30;

/// Basis states of any width and their amplitudes.
///
/// The basis states are words, bit `p` of place `p`, one state after the other; none stands twice.
#[derive(Clone, Debug)]
pub(crate) struct State {
    n_places: usize,
    n_words: usize,
    states: Vec<u64>,
    amplitudes: Vec<Complex64>,
    limit: Limit,
}

/// How large a state may grow, and who can stop it.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    /// The most basis states.
    pub(crate) states: usize,
    /// The bytes that this came from.
    pub(crate) bytes: u64,
    pub(crate) cancel: Cancel,
}

impl Limit {
    /// As many states of `n_places` places as fit these bytes, but not more than `at_most`.
    pub(crate) fn new(n_places: usize, bytes: u64, at_most: usize, cancel: &Cancel) -> Self {
        let fit = bytes / bytes_per_state(n_places);
        let states = usize::try_from(fit).unwrap_or(MOST).min(MOST).min(at_most);
        Self { states, bytes, cancel: cancel.clone() }
    }
}

/// The bytes that one basis state takes at most while a gate is applied: it stands in the state
/// before and behind, in the groups in between, and in an index whose slots are half free.
pub(crate) fn bytes_per_state(n_places: usize) -> u64 {
    let entry = (n_places.div_ceil(64).max(1) * 8 + 16) as u64;
    // Vectors grow by doubling.
    2 * 3 * entry + 16
}

impl State {
    /// |0…0>.
    pub(crate) fn zero(n_places: usize, limit: Limit) -> Self {
        let n_words = n_places.div_ceil(64).max(1);
        let (states, amplitudes) = (vec![0; n_words], vec![Complex64::ONE]);
        Self { n_places, n_words, states, amplitudes, limit }
    }

    pub(crate) fn n_places(&self) -> usize {
        self.n_places
    }

    /// The number of basis states.
    pub(crate) fn len(&self) -> usize {
        self.amplitudes.len()
    }

    /// The bytes that basis states and amplitudes take.
    pub(crate) fn bytes(&self) -> u64 {
        (self.states.len() * 8 + self.amplitudes.len() * 16) as u64
    }

    /// The words of one basis state.
    pub(crate) fn n_words(&self) -> usize {
        self.n_words
    }

    /// The words of all basis states, one after the other.
    pub(crate) fn states(&self) -> &[u64] {
        &self.states
    }

    /// All basis states with their amplitudes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u64], Complex64)> {
        self.states.chunks_exact(self.n_words).zip(self.amplitudes.iter().copied())
    }

    /// Bit `place` of basis state number `number`.
    pub(crate) fn bit(&self, number: usize, place: usize) -> bool {
        bit(&self.states[number * self.n_words..], place)
    }

    /// The amplitude of basis state number `number`.
    pub(crate) fn amplitude(&self, number: usize) -> Complex64 {
        self.amplitudes[number]
    }

    /// An index of all basis states.
    pub(crate) fn index(&self) -> Index {
        Index::of(&self.states, self.n_words)
    }

    /// Becomes a copy of another state of as many places.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.states.clone_from(&other.states);
        self.amplitudes.clone_from(&other.amplitudes);
    }

    /// Becomes the state with these `2^n_places` amplitudes.
    pub(crate) fn set(&mut self, amplitudes: &[Complex64]) -> Result<(), Error> {
        self.states.clear();
        self.amplitudes.clear();
        for (state, amplitude) in (0_u64..).zip(amplitudes) {
            if amplitude.norm_sqr() > NOTHING {
                // 2^n_places amplitudes in memory: one word holds the index.
                self.states.push(state);
                self.states.resize(self.states.len() + self.n_words - 1, 0);
                self.amplitudes.push(*amplitude);
            }
        }
        self.fits(self.len())
    }

    /// Applies an operation. `uniform` gives the number for a random choice.
    pub(crate) fn apply(
        &mut self,
        op: &SparseOp,
        uniform: impl FnOnce() -> f64,
    ) -> Result<(), Error> {
        let controls = &op.controls;
        match &op.action {
            Action::Phase(factor) => self.pauli(&[], &[], *factor, controls),
            Action::Pauli { x, z, factor } => self.pauli(x, z, *factor, controls),
            Action::Monomial { places, image, factors } => {
                self.monomial(places, image, factors, controls);
            }
            Action::Matrix { places, entries } => self.matrix(places, entries, controls)?,
            Action::Prepare { places, amplitudes } => self.prepare(places, amplitudes)?,
            Action::Channel { places, operators } => {
                let (probabilities, next) = self.followed(places, operators, uniform())?;
                if let (Some(mut next), Some(probability)) = (next, probabilities.last()) {
                    next.scale(probability.sqrt().recip());
                    *self = next;
                }
            }
        }
        Ok(())
    }

    /// The probabilities of a channel's operators up to the one that a uniform number falls on, and
    /// what that one makes of the state; `None` if none of them is possible.
    pub(crate) fn followed(
        &self,
        places: &[usize],
        operators: &[Matrix],
        uniform: f64,
    ) -> Result<(Vec<f64>, Option<Self>), Error> {
        let (mut probabilities, mut drawn) = (Vec::new(), None);
        for operator in operators {
            let mut next = self.clone();
            next.matrix(places, operator.entries(), &Controls::NONE)?;
            let probability = next.norm();
            probabilities.push(probability);
            if probability > NOTHING {
                drawn = Some((probabilities.len(), next));
            }
            if fallen_on(&probabilities, uniform).is_some_and(|(_, surely)| surely) {
                break;
            }
        }
        probabilities.truncate(drawn.as_ref().map_or(0, |(n, _)| *n));
        Ok((probabilities, drawn.map(|(_, next)| next)))
    }

    /// Applies one of a channel's operators, which has this probability.
    pub(crate) fn follow(
        &mut self,
        places: &[usize],
        operator: &Matrix,
        probability: f64,
    ) -> Result<(), Error> {
        self.matrix(places, operator.entries(), &Controls::NONE)?;
        self.scale(probability.sqrt().recip());
        Ok(())
    }

    /// A Pauli string and a factor where the controls hold. It may act on its own controls: they
    /// are looked at first.
    fn pauli(
        &mut self,
        x: &[(usize, u64)],
        z: &[(usize, u64)],
        factor: Complex64,
        controls: &Controls,
    ) {
        let states = self.states.chunks_exact_mut(self.n_words);
        for (state, amplitude) in states.zip(&mut self.amplitudes) {
            if controls.hold(state) {
                *amplitude *= if is_odd(state, z) { -factor } else { factor };
                for (word, mask) in x {
                    state[*word] ^= mask;
                }
            }
        }
    }

    fn monomial(
        &mut self,
        places: &[usize],
        image: &[usize],
        factors: &[Complex64],
        controls: &Controls,
    ) {
        let states = self.states.chunks_exact_mut(self.n_words);
        for (state, amplitude) in states.zip(&mut self.amplitudes) {
            if controls.hold(state) {
                let value = read(state, places);
                *amplitude *= factors[value];
                if image[value] != value {
                    write(state, places, image[value]);
                }
            }
        }
    }

    /// Any matrix: basis states that differ at its places only are put together, multiplied, and
    /// those parts kept that are not 0.
    fn matrix(
        &mut self,
        places: &[usize],
        entries: &[Complex64],
        controls: &Controls,
    ) -> Result<(), Error> {
        let dim = 1 << places.len();
        let (n_words, n) = (self.n_words, self.len());
        let (mut groups, mut inputs) = (Vec::new(), Vec::<Complex64>::new());
        let (mut states, mut amplitudes) = (Vec::new(), Vec::new());
        let (mut index, mut base) = (Index::with_room(n), vec![0; n_words]);
        for (number, (state, amplitude)) in self.iter().enumerate() {
            if number % POLLED_EVERY == 0 {
                self.limit.cancel.poll()?;
            }
            if !controls.hold(state) {
                states.extend_from_slice(state);
                amplitudes.push(amplitude);
                continue;
            }
            base.copy_from_slice(state);
            write(&mut base, places, 0);
            let (group, is_new) = index.find_or_push(&base, &mut groups);
            if is_new {
                inputs.resize(inputs.len() + dim, Complex64::ZERO);
            }
            inputs[group * dim + read(state, places)] = amplitude;
        }
        let rows_at_a_time = POLLED_EVERY.div_ceil(dim);
        for (group, (base, input)) in
            groups.chunks_exact_mut(n_words).zip(inputs.chunks_exact(dim)).enumerate()
        {
            if group % rows_at_a_time == 0 {
                self.limit.cancel.poll()?;
                self.fits(amplitudes.len())?;
            }
            for (row, entries) in entries.chunks_exact(dim).enumerate() {
                let output: Complex64 = entries.iter().zip(input).map(|(m, a)| m * a).sum();
                if output.norm_sqr() > NOTHING {
                    write(base, places, row);
                    states.extend_from_slice(base);
                    amplitudes.push(output);
                }
            }
        }
        self.fits(amplitudes.len())?;
        (self.states, self.amplitudes) = (states, amplitudes);
        Ok(())
    }

    fn prepare(&mut self, places: &[usize], prepared: &[Complex64]) -> Result<(), Error> {
        let kept = prepared.iter().filter(|amplitude| amplitude.norm_sqr() > NOTHING).count();
        self.fits(self.len().saturating_mul(kept))?;
        let (mut states, mut amplitudes) = (Vec::new(), Vec::new());
        for (state, amplitude) in self.iter() {
            for (value, factor) in prepared.iter().enumerate() {
                if factor.norm_sqr() > NOTHING {
                    states.extend_from_slice(state);
                    let begin = states.len() - self.n_words;
                    write(&mut states[begin..], places, value);
                    amplitudes.push(amplitude * factor);
                }
            }
        }
        (self.states, self.amplitudes) = (states, amplitudes);
        Ok(())
    }

    /// The weights of reading 0 and 1 at a place.
    pub(crate) fn weights(&self, place: usize) -> [f64; 2] {
        let mut weights = [0.0; 2];
        for (state, amplitude) in self.iter() {
            weights[usize::from(bit(state, place))] += amplitude.norm_sqr();
        }
        // An outcome that rounding alone makes possible is none.
        weights.map(|weight| if weight > NOTHING { weight } else { 0.0 })
    }

    /// Keeps the part of the state that reads `outcome` at a place, whose weight is given.
    pub(crate) fn collapse(&mut self, place: usize, outcome: bool, weight: f64) {
        let mut end = 0;
        for number in 0..self.len() {
            if self.bit(number, place) == outcome {
                let words = number * self.n_words..(number + 1) * self.n_words;
                self.states.copy_within(words, end * self.n_words);
                self.amplitudes[end] = self.amplitudes[number];
                end += 1;
            }
        }
        if end < self.len() {
            self.states.truncate(end * self.n_words);
            self.amplitudes.truncate(end);
            self.scale(weight.sqrt().recip());
        }
    }

    /// Exchanges |0> and |1>.
    pub(crate) fn flip(&mut self, place: usize) {
        self.pauli(&[(place / 64, 1 << (place % 64))], &[], Complex64::ONE, &Controls::NONE);
    }

    /// The sum of the squared amplitudes.
    pub(crate) fn norm(&self) -> f64 {
        self.amplitudes.iter().map(Complex64::norm_sqr).sum()
    }

    /// The expectation value of a Pauli string given as by [`pauli`](super::op::pauli). `index` is
    /// this state's.
    pub(crate) fn expectation(
        &self,
        (x, z, factor): &(Bits, Bits, Complex64),
        index: &Index,
    ) -> f64 {
        let mut image = vec![0; self.n_words];
        let term = |(state, amplitude): (&[u64], Complex64)| {
            image.copy_from_slice(state);
            for (word, mask) in x {
                image[*word] ^= mask;
            }
            let other = self.amplitudes[index.find(&image, &self.states)?];
            let value = other.conj() * amplitude * factor;
            Some(if is_odd(state, z) { -value.re } else { value.re })
        };
        self.iter().filter_map(term).sum()
    }

    fn scale(&mut self, factor: f64) {
        self.amplitudes.iter_mut().for_each(|amplitude| *amplitude *= factor);
    }

    /// Refuses more than `n` basis states beside each other.
    pub(crate) fn fits(&self, n: usize) -> Result<(), Error> {
        if n <= self.limit.states {
            return Ok(());
        }
        let what = || format!("a sparse state of {n} or more basis states");
        let needed = n as u128 * u128::from(bytes_per_state(self.n_places));
        let available = self.limit.bytes.min((needed - 1) as u64);
        let advice = "the statevector or matrix_product_state method, or fewer qubits";
        memory::require(what, needed, available, advice)
    }
}

/// The place of the probability that a uniform number falls on, and whether it does so whatever
/// comes behind the last of them. Impossible ones are passed over.
pub(crate) fn fallen_on(probabilities: &[f64], uniform: f64) -> Option<(usize, bool)> {
    let (mut left, mut last) = (uniform, None);
    for (place, &probability) in probabilities.iter().enumerate() {
        if probability > NOTHING {
            last = Some((place, left < probability));
            if left < probability {
                break;
            }
        }
        left -= probability;
    }
    last
}

/// Bit `place` of a basis state.
pub(crate) fn bit(state: &[u64], place: usize) -> bool {
    state[place / 64] >> (place % 64) & 1 == 1
}

/// The bits at some places as a number, the first place lowest.
pub(crate) fn read(state: &[u64], places: &[usize]) -> usize {
    let bits = places.iter().enumerate();
    bits.fold(0, |value, (i, &place)| value | usize::from(bit(state, place)) << i)
}

/// Sets the bits at some places to a number.
pub(crate) fn write(state: &mut [u64], places: &[usize], value: usize) {
    for (i, &place) in places.iter().enumerate() {
        let (word, bit) = (&mut state[place / 64], place % 64);
        *word = *word & !(1 << bit) | (value as u64 >> i & 1) << bit;
    }
}

/// Whether an odd number of these bits is set.
pub(crate) fn is_odd(state: &[u64], bits: &[(usize, u64)]) -> bool {
    bits.iter().fold(0, |n, (word, mask)| n + (state[*word] & mask).count_ones()) % 2 == 1
}
