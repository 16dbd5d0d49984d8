//! The values of saves and snapshots, from a sparse state.

use std::collections::BTreeMap;

use ketch_interface::{
    Array, BitString, Complex64,
    circuit::{PauliTerm, SaveKind},
};

use super::{
    index::Index,
    op::pauli,
    state::{State, read},
};
use crate::{Error, Saved};

/// Probabilities and squared amplitudes below this are left out of dictionaries, as in Qiskit Aer
/// (its option `zero_threshold`).
const ZERO_THRESHOLD: f64 = 1e-10;

/// The value of a save. `places` are those of the instruction's qubits, the first one lowest.
pub(super) fn saved(
    state: &State,
    kind: &SaveKind,
    places: &[usize],
    n_qubits: u32,
) -> Result<Saved, Error> {
    Ok(match kind {
        SaveKind::State | SaveKind::StatevectorDict => {
            Saved::Amplitudes(dictionary(state, n_qubits))
        }
        SaveKind::Statevector => Saved::Vector(dense(state)),
        SaveKind::DensityMatrix => density_matrix(state, places),
        SaveKind::Probabilities => Saved::Reals(probabilities(state, places).into()),
        SaveKind::ProbabilitiesDict => Saved::Probabilities(probabilities_dict(state, places)),
        SaveKind::ExpectationValue(terms) => Saved::Number(expectation(state, terms, places).re),
        SaveKind::ExpectationValueVariance(terms) => {
            let value = expectation(state, terms, places).re;
            let variance = (square(state, terms, places)? - value * value).max(0.0);
            Saved::Reals(vec![value, variance].into())
        }
        SaveKind::Amplitudes(basis_states) => {
            let index = state.index();
            Saved::Vector(basis_states.iter().map(|bits| amplitude(state, &index, bits)).collect())
        }
        SaveKind::AmplitudesSquared(basis_states) => {
            let index = state.index();
            let squared = basis_states.iter().map(|bits| amplitude(state, &index, bits).norm_sqr());
            Saved::Reals(squared.collect())
        }
        kind => unreachable!("`{}` was refused by the check", kind.instruction_name()),
    })
}

/// The value of a snapshot of the quantum state.
pub(super) fn snapshot(state: &State, kind: &str, paulis: &[PauliTerm], places: &[usize]) -> Saved {
    match kind {
        "" | "statevector" | "state" => Saved::Vector(dense(state)),
        "probabilities" => Saved::Probabilities(probabilities_dict(state, places)),
        "density_matrix" => density_matrix(state, places),
        "expectation_value_pauli" => {
            let value = expectation(state, paulis, places);
            if value.im == 0.0 {
                Saved::Number(value.re)
            } else {
                Saved::Vector(vec![value].into())
            }
        }
        kind => unreachable!("a snapshot of `{kind}` was refused by the check"),
    }
}

/// All `2^n` amplitudes.
pub(super) fn dense(state: &State) -> Array<Complex64> {
    let mut amplitudes = vec![Complex64::ZERO; 1 << state.n_places()];
    for (basis_state, amplitude) in state.iter() {
        amplitudes[basis_state[0] as usize] = amplitude;
    }
    amplitudes.into()
}

/// The amplitudes that are not 0.
fn dictionary(state: &State, n_qubits: u32) -> BTreeMap<BitString, Complex64> {
    let seen = state.iter().filter(|(_, amplitude)| amplitude.norm_sqr() >= ZERO_THRESHOLD);
    seen.map(|(words, amplitude)| (BitString::from_words(n_qubits, words), amplitude)).collect()
}

fn amplitude(state: &State, index: &Index, basis_state: &BitString) -> Complex64 {
    let mut words: Vec<u64> = basis_state.words().collect();
    words.resize(state.n_words(), 0);
    let number = index.find(&words, state.states());
    number.map_or(Complex64::ZERO, |number| state.amplitude(number))
}

fn probabilities(state: &State, places: &[usize]) -> Vec<f64> {
    let mut probabilities = vec![0.0; 1 << places.len()];
    for (basis_state, amplitude) in state.iter() {
        probabilities[read(basis_state, places)] += amplitude.norm_sqr();
    }
    probabilities
}

fn probabilities_dict(state: &State, places: &[usize]) -> BTreeMap<BitString, f64> {
    let mut probabilities = BTreeMap::new();
    for (number, (_, amplitude)) in state.iter().enumerate() {
        let mut bits = BitString::zeros(places.len() as u32);
        for (i, &place) in (0..).zip(places) {
            bits.set(i, state.bit(number, place));
        }
        *probabilities.entry(bits).or_insert(0.0) += amplitude.norm_sqr();
    }
    probabilities.retain(|_, probability| *probability >= ZERO_THRESHOLD);
    probabilities
}

/// The sum of |a><b| over basis states that agree in all other places.
fn density_matrix(state: &State, places: &[usize]) -> Saved {
    let dim = 1 << places.len();
    let (mut index, mut rests) = (Index::with_room(state.len()), Vec::new());
    let mut members: Vec<(usize, usize, Complex64)> = Vec::with_capacity(state.len());
    for (basis_state, amplitude) in state.iter() {
        let mut rest = basis_state.to_vec();
        super::state::write(&mut rest, places, 0);
        let (group, _) = index.find_or_push(&rest, &mut rests);
        members.push((group, read(basis_state, places), amplitude));
    }
    members.sort_unstable_by_key(|(group, value, _)| (*group, *value));
    let mut entries = vec![Complex64::ZERO; dim * dim];
    for group in members.chunk_by(|a, b| a.0 == b.0) {
        for (_, row, a) in group {
            for (_, column, b) in group {
                entries[row * dim + column] += a * b.conj();
            }
        }
    }
    Saved::Matrix { dim, entries: entries.into() }
}

fn expectation(state: &State, terms: &[PauliTerm], places: &[usize]) -> Complex64 {
    let index = state.index();
    let value = |term: &PauliTerm| {
        term.coefficient * state.expectation(&pauli(&term.pauli, places), &index)
    };
    terms.iter().map(value).sum()
}

/// <O²> of a sum O of Pauli strings with real weights: the norm of O applied to the state.
fn square(state: &State, terms: &[PauliTerm], places: &[usize]) -> Result<f64, Error> {
    let (mut index, mut images) = (Index::with_room(state.len()), Vec::new());
    let mut sums: Vec<Complex64> = Vec::new();
    for term in terms {
        let (x, z, factor) = pauli(&term.pauli, places);
        for (basis_state, amplitude) in state.iter() {
            let mut image = basis_state.to_vec();
            x.iter().for_each(|(word, mask)| image[*word] ^= mask);
            let (place, is_new) = index.find_or_push(&image, &mut images);
            if is_new {
                sums.push(Complex64::ZERO);
            }
            let sign = if super::state::is_odd(basis_state, &z) { -1.0 } else { 1.0 };
            sums[place] += term.coefficient * amplitude * factor * sign;
        }
        state.fits(sums.len())?;
    }
    Ok(sums.iter().map(Complex64::norm_sqr).sum())
}
