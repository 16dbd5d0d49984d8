//! The values of saves and snapshots, from a chain.

use std::collections::BTreeMap;

use ketch_interface::{
    BitString, Complex64,
    circuit::{PauliTerm, SaveKind},
};

use super::{chain::Chain, linalg::Mat, observe, register::State};
use crate::{Error, Saved, memory, saved::Tensor};

/// Probabilities and squared amplitudes below this are left out of dictionaries, as in Qiskit Aer
/// (its option `zero_threshold`).
const ZERO_THRESHOLD: f64 = 1e-10;

/// About what an entry of a dictionary takes, in bytes.
const ENTRY: u64 = 128;

/// The value of a save. `places` are those of the instruction's qubits, the first one lowest.
pub(super) fn saved(
    state: &mut State<'_>,
    kind: &SaveKind,
    places: &[usize],
) -> Result<Saved, Error> {
    if let SaveKind::State | SaveKind::MatrixProductState = kind {
        return tensors(state);
    }
    let (chain, sites) = state.settled()?;
    let on: Vec<usize> = places.iter().map(|&place| sites[place]).collect();
    Ok(match kind {
        SaveKind::Statevector => Saved::Vector(observe::amplitudes(chain, &sites)?.into()),
        SaveKind::StatevectorDict => Saved::Amplitudes(dictionary(chain, &sites)?),
        SaveKind::DensityMatrix => density_matrix(chain, &on)?,
        SaveKind::Probabilities => {
            let n = on.len();
            let bytes = memory::power_of_two_bytes(n as u64, 8);
            let what = || format!("the probabilities of {n} qubits");
            memory::require(what, bytes, chain.max_bytes(), "fewer qubits in what is saved")?;
            let mut probabilities = vec![0.0; 1 << n];
            observe::probabilities(chain, &on, 0.0, &mut |bits, probability| {
                let index = bits.to_u64().expect("memory was found for 2^n numbers");
                probabilities[index as usize] = probability;
                Ok(())
            })?;
            Saved::Reals(probabilities.into())
        }
        SaveKind::ProbabilitiesDict => Saved::Probabilities(probabilities_dict(chain, &on)?),
        SaveKind::ExpectationValue(terms) => Saved::Number(expectation(chain, terms, &on)?.re),
        SaveKind::ExpectationValueVariance(terms) => {
            let value = expectation(chain, terms, &on)?.re;
            let variance = (square(chain, terms, &on)? - value * value).max(0.0);
            Saved::Reals(vec![value, variance].into())
        }
        SaveKind::Amplitudes(basis_states) => {
            let amplitude = |bits: &BitString| amplitude(chain, &sites, bits);
            Saved::Vector(basis_states.iter().map(amplitude).collect())
        }
        SaveKind::AmplitudesSquared(basis_states) => {
            let squared = |bits: &BitString| amplitude(chain, &sites, bits).norm_sqr();
            Saved::Reals(basis_states.iter().map(squared).collect())
        }
        kind => unreachable!("`{}` was refused by the check", kind.instruction_name()),
    })
}

/// The value of a snapshot of the quantum state.
pub(super) fn snapshot(
    state: &mut State<'_>,
    kind: &str,
    paulis: &[PauliTerm],
    places: &[usize],
) -> Result<Saved, Error> {
    let (chain, sites) = state.settled()?;
    let on: Vec<usize> = places.iter().map(|&place| sites[place]).collect();
    Ok(match kind {
        "" | "statevector" | "state" => Saved::Vector(observe::amplitudes(chain, &sites)?.into()),
        "probabilities" => Saved::Probabilities(probabilities_dict(chain, &on)?),
        "density_matrix" => density_matrix(chain, &on)?,
        "expectation_value_pauli" => {
            let value = expectation(chain, paulis, &on)?;
            if value.im == 0.0 {
                Saved::Number(value.re)
            } else {
                Saved::Vector(vec![value].into())
            }
        }
        kind => unreachable!("a snapshot of `{kind}` was refused by the check"),
    })
}

/// The state at the end.
pub(super) fn vector(state: &mut State<'_>) -> Result<Saved, Error> {
    let (chain, sites) = state.settled()?;
    Ok(Saved::Vector(observe::amplitudes(chain, &sites)?.into()))
}

/// The whole chain, with qubit `q` at site `q`.
fn tensors(state: &mut State<'_>) -> Result<Saved, Error> {
    state.sort()?;
    let (chain, _) = state.settled()?;
    let phase = chain.phase();
    let weights = chain.weights()?.to_vec();
    let mut sites: Vec<[Tensor; 2]> = chain
        .sites()
        .iter()
        .zip(&weights[1..])
        .map(|(site, right)| observe::vidal(site, right).map(|matrix| tensor(&matrix)))
        .collect();
    if let Some(first) = sites.first_mut() {
        first.iter_mut().flat_map(|t| &mut t.entries).for_each(|entry| *entry *= phase);
    }
    let inner = weights.len().saturating_sub(1).max(1);
    Ok(Saved::MatrixProductState { sites, weights: weights[1..inner].to_vec() })
}

fn tensor(matrix: &Mat) -> Tensor {
    let (rows, columns) = matrix.shape();
    Tensor { rows, columns, entries: matrix.transpose().as_slice().to_vec() }
}

fn amplitude(chain: &Chain, sites: &[usize], bits: &BitString) -> Complex64 {
    let mut values = vec![false; sites.len()];
    (0..)
        .zip(sites)
        .for_each(|(place, &site)| values[site] = place < bits.width() && bits.get(place));
    observe::amplitude(chain, |site| values[site])
}

fn density_matrix(chain: &mut Chain, on: &[usize]) -> Result<Saved, Error> {
    let bytes = memory::power_of_two_bytes(2 * on.len() as u64, 16);
    let what = || format!("the density matrix of {} qubits", on.len());
    memory::require(what, bytes, chain.max_bytes(), "fewer qubits in what is saved")?;
    let entries = observe::density_matrix(chain, on)?;
    Ok(Saved::Matrix { dim: 1 << on.len(), entries: entries.into() })
}

fn probabilities_dict(chain: &mut Chain, on: &[usize]) -> Result<BTreeMap<BitString, f64>, Error> {
    let max_bytes = chain.max_bytes();
    let mut dictionary = BTreeMap::new();
    observe::probabilities(chain, on, ZERO_THRESHOLD, &mut |bits, probability| {
        dictionary.insert(bits.clone(), probability);
        fits(dictionary.len(), max_bytes)
    })?;
    Ok(dictionary)
}

/// The amplitudes that are not 0, by basis state.
fn dictionary(chain: &mut Chain, sites: &[usize]) -> Result<BTreeMap<BitString, Complex64>, Error> {
    let max_bytes = chain.max_bytes();
    let mut seen = Vec::new();
    observe::probabilities(chain, sites, ZERO_THRESHOLD, &mut |bits, _| {
        seen.push(bits.clone());
        fits(seen.len(), max_bytes)
    })?;
    let named = seen.into_iter().map(|bits| {
        let amplitude = amplitude(chain, sites, &bits);
        (bits, amplitude)
    });
    Ok(named.collect())
}

fn fits(entries: usize, max_bytes: u64) -> Result<(), Error> {
    let what = || "a dictionary of basis states".to_owned();
    let needed = u128::from(ENTRY) * entries as u128;
    memory::require(what, needed, max_bytes, "fewer qubits in what is saved")
}

fn expectation(chain: &mut Chain, terms: &[PauliTerm], on: &[usize]) -> Result<Complex64, Error> {
    let mut sum = Complex64::ZERO;
    for term in terms {
        let letters: Vec<(usize, u8)> =
            term.pauli.bytes().rev().zip(on).map(|(letter, &site)| (site, letter)).collect();
        sum += term.coefficient * observe::expectation(chain, &letters)?;
    }
    Ok(sum)
}

/// <O²> of a sum O of Pauli strings with real weights. O² is a sum of Pauli strings again: products
/// of strings that anticommute cancel in pairs.
fn square(chain: &mut Chain, terms: &[PauliTerm], on: &[usize]) -> Result<f64, Error> {
    let mut square: BTreeMap<Vec<u8>, f64> = BTreeMap::new();
    for a in terms {
        for b in terms {
            if let Some((sign, product)) = product(&a.pauli, &b.pauli) {
                let weight = sign * a.coefficient.re * b.coefficient.re;
                *square.entry(product).or_insert(0.0) += weight;
            }
        }
    }
    let mut sum = 0.0;
    for (product, weight) in square {
        let letters: Vec<(usize, u8)> =
            product.iter().rev().zip(on).map(|(letter, &site)| (site, *letter)).collect();
        sum += weight * observe::expectation(chain, &letters)?;
    }
    Ok(sum)
}

/// The product of two Pauli strings that commute; `None` if they anticommute.
fn product(a: &str, b: &str) -> Option<(f64, Vec<u8>)> {
    let mut quarter_turns = 0;
    let letters = a.bytes().zip(b.bytes()).map(|pair| {
        let (turns, letter) = match pair {
            (b'I', letter) | (letter, b'I') => (0, letter),
            (a, b) if a == b => (0, b'I'),
            (b'X', b'Y') => (1, b'Z'),
            (b'Y', b'Z') => (1, b'X'),
            (b'Z', b'X') => (1, b'Y'),
            (b'Y', b'X') => (3, b'Z'),
            (b'Z', b'Y') => (3, b'X'),
            _ => (3, b'Y'),
        };
        quarter_turns += turns;
        letter
    });
    let letters = letters.collect();
    match quarter_turns % 4 {
        0 => Some((1.0, letters)),
        2 => Some((-1.0, letters)),
        _ => None,
    }
}
