//! Values that are read from a stabilizer state.

use std::collections::BTreeMap;

use ketch_interface::{
    BitString, Complex64,
    circuit::{PauliTerm, Qubit, Save, SaveKind, Snapshot},
};

use super::{
    StabilizerProgram,
    register::Stabilizers,
    tableau::{Pauli, Tableau},
};
use crate::{Error, Saved, memory};

/// The value that the save at `index` asks for.
pub(super) fn saved(
    program: &StabilizerProgram<'_>,
    index: usize,
    save: &Save,
    state: &Stabilizers,
) -> Result<Saved, Error> {
    let qubits = program.circuit.instruction(index).qubits;
    let tableau = &state.tableau;
    Ok(match &save.kind {
        SaveKind::State | SaveKind::Stabilizer | SaveKind::Clifford => stabilizers(tableau),
        SaveKind::Probabilities => probabilities(state, &program.places(qubits))?,
        SaveKind::ProbabilitiesDict => probabilities_dict(state, &program.places(qubits))?,
        SaveKind::ExpectationValue(terms) => {
            Saved::Number(expectation(tableau, terms, &program.places(qubits)).re)
        }
        SaveKind::ExpectationValueVariance(terms) => {
            let (value, variance) = with_variance(tableau, terms, &program.places(qubits));
            Saved::Reals(vec![value, variance].into())
        }
        SaveKind::AmplitudesSquared(indices) => {
            Saved::Reals(indices.iter().map(|index| probability_of(tableau, index)).collect())
        }
        kind => unreachable!("`{}` was refused by the check", kind.instruction_name()),
    })
}

/// The value that the snapshot at `index` asks for.
pub(super) fn snapshot(
    program: &StabilizerProgram<'_>,
    index: usize,
    snapshot: &Snapshot,
    state: &Stabilizers,
) -> Result<Saved, Error> {
    let given = program.circuit.instruction(index).qubits;
    let all: Vec<Qubit> = (0..program.circuit.n_qubits()).map(Qubit).collect();
    let places = program.places(if given.is_empty() { &all } else { given });
    Ok(match snapshot.kind.as_str() {
        "" | "state" | "stabilizer" => stabilizers(&state.tableau),
        "probabilities" => probabilities_dict(state, &places)?,
        "expectation_value_pauli" => {
            let value = expectation(&state.tableau, &snapshot.paulis, &places);
            match value.im == 0.0 {
                true => Saved::Number(value.re),
                false => Saved::Vector(vec![value].into()),
            }
        }
        kind => unreachable!("a snapshot of `{kind}` was refused by the check"),
    })
}

/// All stabilizers and destabilizers as text.
pub(super) fn stabilizers(tableau: &Tableau) -> Saved {
    let [stabilizers, destabilizers] = tableau
        .pushed_forward()
        .map(|strings| strings.iter().map(|pauli| tableau.text(pauli)).collect());
    Saved::Stabilizers { stabilizers, destabilizers }
}

/// The outcomes that measuring some places can have, all equally likely: one of them, and strings
/// that can be added to it independently.
///
/// Whether an outcome is certain does not depend on those before it, and each depends on them by
/// sums, so the outcomes with one coin on 1 tell all.
struct Outcomes {
    first: Vec<bool>,
    spans: Vec<Vec<bool>>,
}

impl Outcomes {
    fn of(tableau: &Tableau, places: &[usize]) -> Self {
        let read = |heads: Option<usize>| {
            let (mut copy, mut n_coins) = (tableau.clone(), 0);
            let bits: Vec<bool> = places
                .iter()
                .map(|&place| {
                    copy.measure(place, || {
                        n_coins += 1;
                        heads == Some(n_coins - 1)
                    })
                })
                .collect();
            (bits, n_coins)
        };
        let (first, n_coins) = read(None);
        let span = |coin| {
            let (bits, _) = read(Some(coin));
            bits.iter().zip(&first).map(|(a, b)| a ^ b).collect()
        };
        let spans = (0..n_coins).map(span).collect();
        Self { first, spans }
    }

    fn n_coins(tableau: &Tableau, places: &[usize]) -> u32 {
        let (mut copy, mut n_coins) = (tableau.clone(), 0);
        for &place in places {
            copy.measure(place, || {
                n_coins += 1;
                false
            });
        }
        n_coins
    }

    /// All outcomes, each once.
    fn all(&self) -> impl Iterator<Item = Vec<bool>> + '_ {
        (0..1_u64 << self.spans.len()).map(|coins| {
            let mut bits = self.first.clone();
            for (coin, span) in self.spans.iter().enumerate() {
                if coins >> coin & 1 == 1 {
                    bits.iter_mut().zip(span).for_each(|(bit, flip)| *bit ^= flip);
                }
            }
            bits
        })
    }
}

/// Refuses what would not fit, before it is made.
fn require(state: &Stabilizers, n_bits: u64, bytes: u64) -> Result<(), Error> {
    let what = || format!("the probabilities of 2^{n_bits} outcomes");
    let needed = memory::power_of_two_bytes(n_bits, bytes);
    if needed <= memory::SMALL && state.max_memory.is_none() {
        return Ok(());
    }
    memory::require(what, needed, memory::allowance(state.max_memory), "fewer qubits")
}

fn probabilities(state: &Stabilizers, places: &[usize]) -> Result<Saved, Error> {
    require(state, places.len() as u64, 8)?;
    let outcomes = Outcomes::of(&state.tableau, places);
    let each = 0.5_f64.powi(outcomes.spans.len() as i32);
    let mut probabilities = vec![0.0; 1 << places.len()];
    for bits in outcomes.all() {
        let value = bits.iter().rev().fold(0, |value, &bit| value << 1 | usize::from(bit));
        probabilities[value] = each;
    }
    Ok(Saved::Reals(probabilities.into()))
}

fn probabilities_dict(state: &Stabilizers, places: &[usize]) -> Result<Saved, Error> {
    // A key and its place in the tree.
    let entry = 48 + places.len().div_ceil(8) as u64;
    require(state, u64::from(Outcomes::n_coins(&state.tableau, places)), entry)?;
    let outcomes = Outcomes::of(&state.tableau, places);
    let each = 0.5_f64.powi(outcomes.spans.len() as i32);
    let named = outcomes.all().map(|bits| {
        let mut key = BitString::zeros(bits.len() as u32);
        (0..).zip(bits).for_each(|(place, bit)| key.set(place, bit));
        (key, each)
    });
    Ok(Saved::Probabilities(named.collect::<BTreeMap<_, _>>()))
}

/// The probability of one basis state of all places.
fn probability_of(tableau: &Tableau, index: &BitString) -> f64 {
    let (mut copy, mut probability) = (tableau.clone(), 1.0);
    for place in 0..tableau.n_places() {
        let wanted = index.get(place as u32);
        let read = copy.measure(place, || {
            probability *= 0.5;
            wanted
        });
        if read != wanted {
            return 0.0;
        }
    }
    probability
}

/// The string of a term: its rightmost letter acts on the first place.
fn pauli(tableau: &Tableau, letters: &str, places: &[usize]) -> Pauli {
    let at = |wanted: [char; 2]| {
        let letters = letters.chars().rev().zip(places);
        letters.filter(move |(letter, _)| wanted.contains(letter)).map(|(_, &place)| place)
    };
    tableau.pauli(at(['X', 'Y']), at(['Z', 'Y']))
}

fn expectation(tableau: &Tableau, terms: &[PauliTerm], places: &[usize]) -> Complex64 {
    let value = |term: &PauliTerm| {
        term.coefficient * tableau.expectation(&pauli(tableau, &term.pauli, places))
    };
    terms.iter().map(value).sum()
}

/// <O> and <O²> - <O>² of a sum O of Pauli strings with real weights.
///
/// O² is a sum of Pauli strings again: products of strings that anticommute cancel in pairs.
fn with_variance(tableau: &Tableau, terms: &[PauliTerm], places: &[usize]) -> (f64, f64) {
    let strings: Vec<(Pauli, f64)> = terms
        .iter()
        .map(|term| (pauli(tableau, &term.pauli, places), term.coefficient.re))
        .collect();
    let value: f64 = strings.iter().map(|(p, weight)| weight * tableau.expectation(p)).sum();
    let mut of_square = 0.0;
    for (a, weight_a) in &strings {
        for (b, weight_b) in &strings {
            if let Some(product) = a.commuting_product(b) {
                of_square += weight_a * weight_b * tableau.expectation(&product);
            }
        }
    }
    (value, (of_square - value * value).max(0.0))
}
