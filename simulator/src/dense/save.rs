//! The values of saves and snapshots.

use std::collections::BTreeMap;

use ketch_interface::{
    Array, BitString, Complex64,
    circuit::{PauliTerm, Save, SaveKind, Snapshot},
};
use ketch_kernels::Real;

use super::{DenseProgram, State, apply::pauli_masks};
use crate::{Error, Saved};

/// Probabilities and squared amplitudes below this are left out of dictionaries, as in Qiskit Aer
/// (its option `zero_threshold`).
pub(crate) const ZERO_THRESHOLD: f64 = 1e-10;

/// The value that the save at `index` asks for.
pub(super) fn saved<T: Real>(
    program: &DenseProgram<'_, T>,
    index: usize,
    save: &Save,
    state: &State<'_, T>,
) -> Result<Saved, Error> {
    let qubits = program.circuit.instruction(index).qubits;
    let n_qubits = program.circuit.n_qubits();
    let is_unitary = state.n_places() > program.circuit.n_qubits() as usize;
    Ok(match &save.kind {
        SaveKind::State | SaveKind::Unitary if is_unitary => unitary(state)?,
        SaveKind::State | SaveKind::Statevector => Saved::Vector(state.to_array()?),
        SaveKind::StatevectorDict => {
            let amplitudes = (0_u64..).zip(state.amplitudes()).map(|(i, a)| (i, double(*a)));
            let seen = amplitudes.filter(|(_, a)| a.norm_sqr() >= ZERO_THRESHOLD);
            let named = seen.map(|(i, a)| (BitString::from_u64(n_qubits, i), a));
            Saved::Amplitudes(named.collect())
        }
        SaveKind::DensityMatrix => density_matrix(state, &program.places(qubits)),
        SaveKind::Probabilities => {
            Saved::Reals(state.probabilities(&program.places(qubits))?.into())
        }
        SaveKind::ProbabilitiesDict => probabilities_dict(state, &program.places(qubits))?,
        SaveKind::ExpectationValue(terms) => {
            let value = expectation(state, terms, &program.places(qubits));
            Saved::Number(value.re)
        }
        SaveKind::ExpectationValueVariance(terms) => {
            let (value, variance) =
                with_variance(|x, z| state.expectation(x, z), terms, &program.places(qubits));
            Saved::Reals(vec![value, variance].into())
        }
        SaveKind::Amplitudes(indices) => {
            Saved::Vector(indices.iter().map(|i| amplitude(state, i)).collect())
        }
        SaveKind::AmplitudesSquared(indices) => {
            Saved::Reals(indices.iter().map(|i| probability(state, i)).collect())
        }
        kind => unreachable!("`{}` was refused by the check", kind.instruction_name()),
    })
}

/// The value that the snapshot at `index` asks for.
pub(super) fn snapshot<T: Real>(
    program: &DenseProgram<'_, T>,
    index: usize,
    snapshot: &Snapshot,
    state: &State<'_, T>,
) -> Result<Saved, Error> {
    let given = program.circuit.instruction(index).qubits;
    let all: Vec<_> =
        (0..program.circuit.n_qubits()).map(ketch_interface::circuit::Qubit).collect();
    let qubits = if given.is_empty() { &all } else { given };
    Ok(match snapshot.kind.as_str() {
        // The simulator of Qiskit 0.6 took the state where no type was given.
        "" | "statevector" | "state" | "unitary" => {
            if state.n_places() > program.circuit.n_qubits() as usize {
                unitary(state)?
            } else {
                Saved::Vector(state.to_array()?)
            }
        }
        "probabilities" => probabilities_dict(state, &program.places(qubits))?,
        "density_matrix" => density_matrix(state, &program.places(qubits)),
        "expectation_value_pauli" => {
            let value = expectation(state, &snapshot.paulis, &program.places(qubits));
            if value.im == 0.0 {
                Saved::Number(value.re)
            } else {
                Saved::Vector(vec![value].into())
            }
        }
        kind => unreachable!("a snapshot of `{kind}` was refused by the check"),
    })
}

fn unitary<T: Real>(state: &State<'_, T>) -> Result<Saved, Error> {
    Ok(Saved::Matrix { dim: 1 << (state.n_places() / 2), entries: state.to_array()? })
}

fn density_matrix<T: Real>(state: &State<'_, T>, places: &[usize]) -> Saved {
    let entries: Array<Complex64> = state.density_matrix(places).into();
    Saved::Matrix { dim: 1 << places.len(), entries }
}

fn probabilities_dict<T: Real>(state: &State<'_, T>, places: &[usize]) -> Result<Saved, Error> {
    let probabilities = (0_u64..).zip(state.probabilities(places)?);
    let seen = probabilities.filter(|(_, p)| *p >= ZERO_THRESHOLD);
    let named = seen.map(|(i, p)| (BitString::from_u64(places.len() as u32, i), p));
    Ok(Saved::Probabilities(named.collect::<BTreeMap<_, _>>()))
}

fn amplitude<T: Real>(state: &State<'_, T>, index: &BitString) -> Complex64 {
    let index = index.to_u64().and_then(|index| usize::try_from(index).ok());
    index.and_then(|index| state.amplitudes().get(index)).map_or(Complex64::ZERO, |a| double(*a))
}

fn probability<T: Real>(state: &State<'_, T>, index: &BitString) -> f64 {
    let index = index.to_u64().and_then(|index| usize::try_from(index).ok());
    index.map_or(0.0, |index| state.probability(index))
}

fn double<T: Real>(amplitude: num_complex::Complex<T>) -> Complex64 {
    Complex64::new(amplitude.re.widen(), amplitude.im.widen())
}

fn expectation<T: Real>(state: &State<'_, T>, terms: &[PauliTerm], places: &[usize]) -> Complex64 {
    let terms = terms.iter().map(|term| {
        let (x, z) = pauli_masks(&term.pauli, places);
        term.coefficient * state.expectation(x, z)
    });
    terms.sum()
}

/// <O> and <O²> - <O>² of a sum O of Pauli strings with real weights, where the string of masks
/// (x, z) has the expectation value `of(x, z)`.
///
/// O² is a sum of Pauli strings again: products of strings that anticommute cancel in pairs.
pub(crate) fn with_variance(
    of: impl Fn(usize, usize) -> f64,
    terms: &[PauliTerm],
    places: &[usize],
) -> (f64, f64) {
    let masks: Vec<(usize, usize, f64)> = terms
        .iter()
        .map(|term| {
            let (x, z) = pauli_masks(&term.pauli, places);
            (x, z, term.coefficient.re)
        })
        .collect();
    let value: f64 = masks.iter().map(|&(x, z, weight)| weight * of(x, z)).sum();
    let mut square: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for &(x1, z1, w1) in &masks {
        for &(x2, z2, w2) in &masks {
            if let Some(sign) = commuting_product_sign((x1, z1), (x2, z2)) {
                *square.entry((x1 ^ x2, z1 ^ z2)).or_insert(0.0) += sign * w1 * w2;
            }
        }
    }
    let of_square: f64 = square.iter().map(|(&(x, z), w)| w * of(x, z)).sum();
    (value, (of_square - value * value).max(0.0))
}

/// The sign of the product of two Pauli strings that commute; `None` if they anticommute.
///
/// With P(x, z) = i^|x∧z| X^x Z^z, moving Z^z1 past X^x2 gives (-1)^|z1∧x2|.
fn commuting_product_sign((x1, z1): (usize, usize), (x2, z2): (usize, usize)) -> Option<f64> {
    let count = |mask: usize| i64::from(mask.count_ones());
    let i_power =
        count(x1 & z1) + count(x2 & z2) - count((x1 ^ x2) & (z1 ^ z2)) + 2 * count(z1 & x2);
    match i_power.rem_euclid(4) {
        0 => Some(1.0),
        2 => Some(-1.0),
        _ => None,
    }
}
