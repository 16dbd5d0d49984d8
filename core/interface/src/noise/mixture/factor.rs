//! Telling independent choices apart.
//!
//! Errors that were composed or tensored arrive as one mixture of all combinations: a Pauli string
//! out of 16, then one of three relaxations of each qubit, is a mixture of 144 circuits. One
//! channel of them all would hide from engines that each part is simple, so the parts are found
//! again: a mixture factors if its probabilities, as a table over the choices, are products.

use super::{Item, MAX_TERMS, Term, combined, step_of};
use crate::noise::{ErrorStep, NoiseError};

/// How far a probability may be from the product of its choices': rounding only.
const TOLERANCE: f64 = 1e-14;

/// The channels that a mixture comes to, the first to act first.
pub(super) fn steps(terms: Vec<Term>) -> Result<Vec<ErrorStep>, NoiseError> {
    let terms = merged(terms);
    if let [(_, items)] = terms.as_slice() {
        return items.iter().map(step_of).collect();
    }
    let ways = [split_off_group(&terms), split_off_head(&terms)];
    for choices in ways.into_iter().flatten() {
        if let Some([first, then]) = factors(&choices) {
            let mut all = steps(first)?;
            all.extend(steps(then)?);
            return Ok(all);
        }
    }
    Ok(combined(&terms)?.into_iter().collect())
}

/// Like circuits as one.
fn merged(terms: Vec<Term>) -> Vec<Term> {
    let mut merged: Vec<Term> = Vec::new();
    for (p, items) in terms {
        match merged.iter_mut().find(|(_, known)| *known == items) {
            Some((sum, _)) => *sum += p,
            None => merged.push((p, items)),
        }
    }
    merged
}

/// Each circuit split in two.
type Split = Vec<(f64, [Vec<Item>; 2])>;

/// What happens on the first qubit, and those that it is joined with, apart from all the rest.
fn split_off_group(terms: &[Term]) -> Option<Split> {
    let all = || terms.iter().flat_map(|(_, items)| items);
    let mut group = vec![*all().flat_map(|item| &item.places).min()?];
    loop {
        let joins = |item: &&Item| item.places.iter().any(|place| group.contains(place));
        let joined = all().filter(joins).flat_map(|item| &item.places);
        match joined.copied().find(|place| !group.contains(place)) {
            Some(place) => group.push(place),
            None => break,
        }
    }
    if all().all(|item| group.contains(&item.places[0])) {
        return None;
    }
    let split = |(p, items): &Term| {
        let within = |item: &Item| group.contains(&item.places[0]);
        let (inside, outside) = items.iter().cloned().partition(within);
        (*p, [inside, outside])
    };
    Some(terms.iter().map(split).collect())
}

/// The first instruction apart from those behind it, where it is on several qubits. A circuit that
/// begins otherwise has none there.
fn split_off_head(terms: &[Term]) -> Option<Split> {
    let is_head = |item: &Item| item.places.len() > 1;
    let split = |(p, items): &Term| {
        let n = usize::from(items.first().is_some_and(is_head));
        (*p, [items[..n].to_vec(), items[n..].to_vec()])
    };
    let split: Split = terms.iter().map(split).collect();
    let is_both = |part: usize| split.iter().any(|(_, parts)| !parts[part].is_empty());
    (is_both(0) && is_both(1)).then_some(split)
}

/// Both choices with their own probabilities, if they are independent.
fn factors(split: &Split) -> Option<[Vec<Term>; 2]> {
    let choices =
        |part: usize| merged(split.iter().map(|(p, parts)| (*p, parts[part].clone())).collect());
    let (first, then) = (choices(0), choices(1));
    // Independent choices occur in all combinations, each of which is a circuit.
    if first.len() * then.len() > MAX_TERMS {
        return None;
    }
    let index = |among: &[Term], items: &Vec<Item>| among.iter().position(|(_, one)| one == items);
    let mut table = vec![0.0; first.len() * then.len()];
    for (p, parts) in split {
        table[index(&first, &parts[0])? * then.len() + index(&then, &parts[1])?] += p;
    }
    let product = |i: usize| first[i / then.len()].0 * then[i % then.len()].0;
    let independent = table.iter().enumerate().all(|(i, p)| (p - product(i)).abs() <= TOLERANCE);
    independent.then_some([first, then])
}

#[cfg(test)]
mod tests {
    use crate::{
        Circuit,
        noise::{Channel, QuantumError},
    };

    /// Depolarizing on two qubits, then identity, Z or reset of each, as Aer composes them.
    fn composed() -> Vec<(f64, Circuit)> {
        let mut terms = Vec::new();
        let letters = ["I", "X", "Y", "Z"];
        for high in letters {
            for low in letters {
                let weight = if high == "I" && low == "I" { 0.85 } else { 0.01 };
                for (first, p) in [("id", 0.9), ("z", 0.04), ("reset", 0.06)] {
                    for (second, q) in [("id", 0.7), ("z", 0.2), ("reset", 0.1)] {
                        let mut circuit = Circuit::new(2, 0);
                        let label = format!("{high}{low}");
                        let qubits = [crate::circuit::Qubit(0), crate::circuit::Qubit(1)];
                        let op = crate::circuit::Op::Pauli(label.into());
                        circuit.push(op, &qubits, &[], &[]).unwrap();
                        for (name, q) in [(first, 0), (second, 1)] {
                            circuit = match name {
                                "id" => circuit.id(q),
                                "z" => circuit.z(q),
                                _ => circuit.reset(q),
                            };
                        }
                        terms.push((weight * p * q, circuit));
                    }
                }
            }
        }
        terms
    }

    #[test]
    fn composed_errors_come_apart() {
        let error = QuantumError::new().then_mixture(composed()).unwrap();
        let places: Vec<&[usize]> = error.steps().iter().map(|step| &*step.places).collect();
        assert_eq!(places, [&[0, 1][..], &[0], &[1]]);
        let depolarizing = Channel::depolarizing(0.16, 2).unwrap().superop();
        assert!(error.steps()[0].channel.superop().distance(&depolarizing) < 1e-14);
        let reset = Channel::reset(0.06, 0.0).unwrap();
        let expected = reset.pauli_transfer();
        let found = error.steps()[1].channel.pauli_transfer();
        assert!((found.at(3, 0) - expected.at(3, 0)).norm() < 1e-14);
        assert!((found.at(1, 1) - (0.94 - 2.0 * 0.04)).norm() < 1e-14);
    }

    #[test]
    fn what_depends_on_each_other_stays_together() {
        let correlated =
            vec![(0.9, Circuit::new(2, 0).id(0)), (0.1, Circuit::new(2, 0).reset(0).x(1))];
        let error = QuantumError::new().then_mixture(correlated).unwrap();
        assert_eq!(error.steps().len(), 1);
        let channel = &error.steps()[0].channel;
        let both = Channel::reset(1.0, 0.0).unwrap();
        let flip = Channel::pauli(&[("X", 1.0)]).unwrap();
        let (joint, nothing) = (flip.tensor(&both).unwrap().superop(), Channel::identity(2));
        for (i, entry) in channel.superop().entries().iter().enumerate() {
            let expected = joint.entries()[i] * 0.1 + nothing.superop().entries()[i] * 0.9;
            assert!((entry - expected).norm() < 1e-14);
        }
    }
}
