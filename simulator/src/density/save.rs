//! The values of saves and snapshots.

use std::collections::BTreeMap;

use ketch_interface::{
    Array, BitString, Complex64,
    circuit::{PauliTerm, Qubit, Save, SaveKind, Snapshot},
};
use ketch_kernels::Real;

use super::{DensityProgram, state::PauliState};
use crate::{
    Error, Saved,
    dense::{
        apply::pauli_masks,
        save::{ZERO_THRESHOLD, with_variance},
    },
};

/// The value that the save at `index` asks for.
pub(super) fn saved<T: Real>(
    program: &DensityProgram<'_, T>,
    index: usize,
    save: &Save,
    state: &PauliState<'_, T>,
) -> Result<Saved, Error> {
    let places = program.places(program.circuit.instruction(index).qubits);
    Ok(match &save.kind {
        SaveKind::State | SaveKind::Superop => whole(state)?,
        SaveKind::DensityMatrix => density_matrix(state, &places)?,
        SaveKind::Probabilities => Saved::Reals(state.probabilities(&places).into()),
        SaveKind::ProbabilitiesDict => probabilities_dict(state, &places),
        SaveKind::ExpectationValue(terms) => Saved::Number(expectation(state, terms, &places).re),
        SaveKind::ExpectationValueVariance(terms) => {
            let (value, variance) = with_variance(|x, z| state.expectation(x, z), terms, &places);
            Saved::Reals(vec![value, variance].into())
        }
        SaveKind::AmplitudesSquared(indices) => {
            let probabilities = state.all_probabilities();
            let probability = |index: &BitString| {
                let index = index.to_u64().and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| probabilities.get(index)).copied().unwrap_or(0.0)
            };
            Saved::Reals(indices.iter().map(probability).collect())
        }
        kind => unreachable!("`{}` was refused by the check", kind.instruction_name()),
    })
}

/// The value that the snapshot at `index` asks for.
pub(super) fn snapshot<T: Real>(
    program: &DensityProgram<'_, T>,
    index: usize,
    snapshot: &Snapshot,
    state: &PauliState<'_, T>,
) -> Result<Saved, Error> {
    let given = program.circuit.instruction(index).qubits;
    let all: Vec<_> = (0..program.circuit.n_qubits()).map(Qubit).collect();
    let places = program.places(if given.is_empty() { &all } else { given });
    Ok(match snapshot.kind.as_str() {
        // The simulator of Qiskit 0.6 took the state where no type was given.
        "" | "state" | "superop" => whole(state)?,
        "probabilities" => probabilities_dict(state, &places),
        "density_matrix" => density_matrix(state, &places)?,
        "expectation_value_pauli" => {
            let value = expectation(state, &snapshot.paulis, &places);
            if value.im == 0.0 {
                Saved::Number(value.re)
            } else {
                Saved::Vector(vec![value].into())
            }
        }
        kind => unreachable!("a snapshot of `{kind}` was refused by the check"),
    })
}

/// All of it: the density matrix or the superoperator.
pub(super) fn whole<T: Real>(state: &PauliState<'_, T>) -> Result<Saved, Error> {
    if state.is_superop() {
        return Ok(Saved::Matrix { dim: 1 << (2 * state.n_places()), entries: state.superop()? });
    }
    Ok(Saved::Matrix { dim: 1 << state.n_places(), entries: state.to_array()? })
}

fn density_matrix<T: Real>(state: &PauliState<'_, T>, places: &[usize]) -> Result<Saved, Error> {
    let entries = Array::from_owner(state.density_matrix(places)?);
    Ok(Saved::Matrix { dim: 1 << places.len(), entries })
}

fn probabilities_dict<T: Real>(state: &PauliState<'_, T>, places: &[usize]) -> Saved {
    let probabilities = (0_u64..).zip(state.probabilities(places));
    let seen = probabilities.filter(|(_, p)| *p >= ZERO_THRESHOLD);
    let named = seen.map(|(i, p)| (BitString::from_u64(places.len() as u32, i), p));
    Saved::Probabilities(named.collect::<BTreeMap<_, _>>())
}

fn expectation<T: Real>(
    state: &PauliState<'_, T>,
    terms: &[PauliTerm],
    places: &[usize],
) -> Complex64 {
    let terms = terms.iter().map(|term| {
        let (x, z) = pauli_masks(&term.pauli, places);
        term.coefficient * state.expectation(x, z)
    });
    terms.sum()
}
