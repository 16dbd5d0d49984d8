//! What a backend is to run for pubs of the estimator.

use std::collections::HashMap;

use ketch_interface::{
    BackendConfiguration, Circuit, Complex64, Qobj,
    circuit::{Op, PauliTerm, Qubit, Save, SaveKind, SaveSubtype},
    qobj::{Experiment, Program},
};

use super::{
    EstimatorOptions, EstimatorPub,
    asked::Asked,
    group::{Budget, Grouped},
    rotation::Rotation,
    way::Way,
};
use crate::{
    Error, Observable, PubError, Result,
    limits::Load,
    observable::{Pauli, Support},
};

/// What a backend is to run for these pubs.
///
/// The experiments stand in the order of pubs, of sets of numbers, and of groups of strings.
///
/// # Errors
/// What is wrong with a pub, naming it; or too many shots for the backend, or too much altogether.
pub fn plan(
    pubs: &[EstimatorPub],
    options: &EstimatorOptions,
    configuration: &BackendConfiguration,
) -> Result<Qobj> {
    if pubs.is_empty() {
        return Err(Error::NoPubs);
    }
    let mut planned = Planned {
        rotation: Rotation::of(configuration),
        load: Load::new(configuration),
        budget: Budget::default(),
        circuits: Vec::new(),
        experiments: Vec::new(),
    };
    for (index, one) in pubs.iter().enumerate() {
        let in_pub = Error::of_pub(index);
        let asked = Asked::new(one, options).map_err(&in_pub)?;
        match Way::of(&asked, options, configuration).map_err(&in_pub)? {
            Way::ExpectationValues => planned.saves(&asked)?,
            Way::Measurement { shots } => planned.measures(&asked, shots, &in_pub)?,
        }
    }
    let Planned { circuits, experiments, .. } = planned;
    let mut qobj = Qobj::from_circuits(Vec::new());
    qobj.program = Program::Circuits { circuits, experiments };
    qobj.config.seed = options.seed;
    qobj.config.memory = Some(false);
    qobj.config.options = options.backend.clone();
    Ok(qobj)
}

/// A plan that is being made.
struct Planned {
    rotation: &'static Rotation,
    load: Load,
    budget: Budget,
    circuits: Vec<Circuit>,
    experiments: Vec<Experiment>,
}

impl Planned {
    /// One circuit for each choice of observables, one experiment for each set of numbers.
    fn saves(&mut self, asked: &Asked<'_>) -> Result<()> {
        let first = self.circuits.len();
        for bundle in 0..asked.bundles.len() {
            let n_terms: usize = asked.observables(bundle).map(|one| one.terms().len()).sum();
            self.load.add_circuit(asked.of.circuit.len() + n_terms)?;
            let mut circuit = asked.of.circuit.clone();
            for (place, observable) in asked.observables(bundle).enumerate() {
                let (save, qubits) = saved(observable, place);
                circuit.push_unchecked(Op::Save(Box::new(save)), &qubits, &[], &[]);
            }
            self.circuits.push(circuit);
        }
        let numbers = asked.of.circuit.parameters().len();
        self.load.add_experiments(asked.bindings.n_places, numbers)?;
        for (set, bundle) in asked.bundle_of.iter().enumerate() {
            self.push(asked, first + bundle, set, 1);
        }
        Ok(())
    }

    /// One circuit for each basis, one experiment for each set of numbers and each group.
    fn measures(
        &mut self,
        asked: &Asked<'_>,
        shots: u64,
        in_pub: &dyn Fn(PubError) -> Error,
    ) -> Result<()> {
        let mut known: HashMap<Support, usize> = HashMap::new();
        let mut circuits_of: Vec<Vec<usize>> = Vec::with_capacity(asked.bundles.len());
        for bundle in 0..asked.bundles.len() {
            let grouped = Grouped::new(asked.observables(bundle), &mut self.budget);
            let grouped = grouped.map_err(in_pub)?;
            let mut numbers = Vec::with_capacity(grouped.groups.len());
            for group in grouped.groups {
                let number = match known.get(&group.basis) {
                    Some(number) => *number,
                    None => {
                        self.load.add_circuit(asked.of.circuit.len() + 3 * group.basis.len())?;
                        let measured = self.rotation.measured(&asked.of.circuit, &group.basis);
                        self.circuits.push(measured);
                        known.insert(group.basis, self.circuits.len() - 1);
                        self.circuits.len() - 1
                    }
                };
                numbers.push(number);
            }
            circuits_of.push(numbers);
        }
        let numbers = asked.of.circuit.parameters().len();
        for (set, bundle) in asked.bundle_of.iter().enumerate() {
            self.load.add_experiments(circuits_of[*bundle].len(), numbers)?;
            circuits_of[*bundle].iter().for_each(|circuit| self.push(asked, *circuit, set, shots));
        }
        Ok(())
    }

    fn push(&mut self, asked: &Asked<'_>, circuit: usize, set: usize, shots: u64) {
        let bindings = asked.bindings.at(set);
        let mut experiment = Experiment { circuit, bindings, ..Experiment::default() };
        experiment.config.shots = Some(shots);
        self.experiments.push(experiment);
    }
}

/// The instruction that saves an observable's expectation value, and its qubits: those that the
/// observable looks at, for engines leave out what nobody looks at.
fn saved(observable: &Observable, place: usize) -> (Save, Vec<Qubit>) {
    let mut qubits: Vec<u32> =
        observable.supports().flat_map(|(support, _)| support.iter().map(|(q, _)| *q)).collect();
    qubits.sort_unstable();
    qubits.dedup();
    if qubits.is_empty() {
        qubits.push(0);
    }
    let letters = |support: &Support| -> String {
        let own = |qubit: &u32| support.binary_search_by_key(qubit, |(own, _)| *own);
        let letter = |qubit| own(qubit).map_or('I', |place| Pauli::letter(support[place].1));
        qubits.iter().rev().map(letter).collect()
    };
    let term = |pauli, weight| PauliTerm { pauli, coefficient: Complex64::new(weight, 0.0) };
    let mut terms: Vec<PauliTerm> =
        observable.supports().map(|(support, weight)| term(letters(support), weight)).collect();
    if terms.is_empty() {
        terms.push(term(letters(&Support::new()), 0.0));
    }
    let kind = SaveKind::ExpectationValue(terms);
    let save = Save { kind, key: key(place), subtype: SaveSubtype::Average };
    (save, qubits.into_iter().map(Qubit).collect())
}

/// Under which key the expectation value of the `place`-th observable of a choice is saved.
pub(crate) fn key(place: usize) -> String {
    format!("estimator.{place}")
}
