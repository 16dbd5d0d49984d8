//! Pauli strings that one measurement serves.
//!
//! Two strings commute qubit by qubit if they have the same letter on every qubit on which both have
//! one; strings of which every two do are all read from one measurement, each qubit in the basis of
//! its letter (Kandala et al., Nature 549, 242, 2017, call it a tensor product basis). To find the
//! fewest such groups is as hard as colouring a graph; here every string, the longest first, goes
//! into the first group that it fits.

use std::{cmp::Reverse, collections::HashMap};

use crate::{
    error::PubError,
    limits::{MAX_COMPARISONS, MAX_GROUP_CELLS, MAX_GROUPED_TERMS},
    observable::{Observable, Pauli, Support},
};

/// How often strings may still be compared with groups. Grouping takes time in proportion to strings
/// times groups, and there may be as many of these as of those.
#[derive(Debug)]
pub(crate) struct Budget(u64);

impl Default for Budget {
    /// For all pubs of a job.
    fn default() -> Self {
        Self(MAX_COMPARISONS)
    }
}

/// Strings that are measured together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// The basis of each qubit that is measured, in ascending order of qubits; never empty.
    pub(crate) basis: Support,
    /// Which strings.
    pub(crate) terms: Vec<u32>,
}

/// Some observables, taken apart into strings and groups of them.
#[derive(Debug)]
pub(crate) struct Grouped<'o> {
    /// Each string once; none is the identity.
    pub(crate) terms: Vec<&'o Support>,
    /// Each string is in one of them.
    pub(crate) groups: Vec<Group>,
    /// For each observable its weight of the identity, and its strings with their weights.
    pub(crate) sums: Vec<(f64, Vec<(u32, f64)>)>,
}

impl<'o> Grouped<'o> {
    /// Takes observables apart. There is always a group: where nothing is to be measured, qubit 0 is,
    /// so that the circuit runs and its errors show.
    pub(crate) fn new(
        observables: impl IntoIterator<Item = &'o Observable>,
        budget: &mut Budget,
    ) -> Result<Self, PubError> {
        let mut known: HashMap<&Support, u32> = HashMap::new();
        let (mut terms, mut sums) = (Vec::new(), Vec::new());
        for observable in observables {
            let (mut identity, mut sum) = (0.0, Vec::new());
            for (support, weight) in observable.supports() {
                if support.is_empty() {
                    identity += weight;
                    continue;
                }
                let term = *known.entry(support).or_insert_with(|| {
                    terms.push(support);
                    terms.len() as u32 - 1
                });
                sum.push((term, weight));
            }
            if terms.len() > MAX_GROUPED_TERMS {
                let (found, limit) = (terms.len(), MAX_GROUPED_TERMS);
                return Err(PubError::TooManyTerms { found, limit });
            }
            sums.push((identity, sum));
        }
        let mut groups = grouped(&terms, budget)?;
        if groups.is_empty() {
            groups.push(Group { basis: vec![(0, Pauli::Z)], terms: Vec::new() });
        }
        Ok(Self { terms, groups, sums })
    }
}

fn grouped(terms: &[&Support], budget: &mut Budget) -> Result<Vec<Group>, PubError> {
    let mut qubits: Vec<u32> = terms.iter().flat_map(|s| s.iter().map(|(q, _)| *q)).collect();
    qubits.sort_unstable();
    qubits.dedup();
    let place = |qubit: u32| qubits.binary_search(&qubit).expect("a qubit of one of the strings");
    let mut order: Vec<u32> = (0..terms.len() as u32).collect();
    order.sort_by_key(|&term| {
        let support = terms[term as usize];
        (Reverse(support.len()), support)
    });
    let mut groups: Vec<(Vec<Option<Pauli>>, Vec<u32>)> = Vec::new();
    for term in order {
        let letters: Vec<(usize, Pauli)> =
            terms[term as usize].iter().map(|&(qubit, pauli)| (place(qubit), pauli)).collect();
        let fits = |basis: &[Option<Pauli>]| {
            letters.iter().all(|&(at, pauli)| basis[at].is_none_or(|other| other == pauli))
        };
        let found = groups.iter().position(|(basis, _)| fits(basis));
        let compared = found.map_or(groups.len(), |place| place + 1);
        let left = budget.0.checked_sub(compared as u64);
        budget.0 = left.ok_or(PubError::TooManyGroups { found: terms.len() })?;
        let group = found.unwrap_or_else(|| {
            groups.push((vec![None; qubits.len()], Vec::new()));
            groups.len() - 1
        });
        if groups.len().saturating_mul(qubits.len()) > MAX_GROUP_CELLS {
            let (found, limit) = (terms.len(), MAX_GROUP_CELLS / qubits.len());
            return Err(PubError::TooManyTerms { found, limit });
        }
        let (basis, members) = &mut groups[group];
        letters.iter().for_each(|&(at, pauli)| basis[at] = Some(pauli));
        members.push(term);
    }
    let group = |(basis, terms): (Vec<Option<Pauli>>, _)| {
        let measured = qubits.iter().zip(basis).filter_map(|(qubit, pauli)| Some((*qubit, pauli?)));
        Group { basis: measured.collect(), terms }
    };
    Ok(groups.into_iter().map(group).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bases(text: &str) -> Vec<String> {
        let observable: Observable = text.parse().unwrap();
        let grouped = Grouped::new([&observable], &mut Budget::default()).unwrap();
        let basis = |group: &Group| crate::observable::string(&group.basis, observable.n_qubits());
        grouped.groups.iter().map(basis).collect()
    }

    #[test]
    fn strings_that_agree_are_measured_together() {
        assert_eq!(bases("ZZI + IZZ + ZII"), ["ZZZ"]);
        assert_eq!(bases("XX + ZZ + IX + ZI"), ["XX", "ZZ"]);
        assert_eq!(bases("X + Y + Z"), ["X", "Y", "Z"]);
        assert_eq!(bases("XXI + IXY"), ["XXY"]);
    }

    #[test]
    fn grouping_ends_when_its_budget_is_spent() {
        let observable: Observable = "XX + YY + ZZ".parse().unwrap();
        // The second string is compared with one group, the third with two.
        assert_eq!(Grouped::new([&observable], &mut Budget(3)).unwrap().groups.len(), 3);
        let refusal = Grouped::new([&observable], &mut Budget(2)).unwrap_err();
        assert!(matches!(refusal, PubError::TooManyGroups { found: 3 }), "{refusal}");
    }

    #[test]
    fn the_identity_is_not_measured() {
        let observable: Observable = "2 II + ZI".parse().unwrap();
        let grouped = Grouped::new([&observable], &mut Budget::default()).unwrap();
        assert_eq!(grouped.sums, [(2.0, vec![(0, 1.0)])]);
        assert_eq!(bases("2 II + ZI"), ["ZI"]);
        // But something is.
        assert_eq!(bases("3 II"), ["IZ"]);
    }

    #[test]
    fn observables_share_what_is_measured() {
        let (a, b): (Observable, Observable) =
            ("ZZ + XX".parse().unwrap(), "IZ + XX".parse().unwrap());
        let grouped = Grouped::new([&a, &b], &mut Budget::default()).unwrap();
        assert_eq!((grouped.terms.len(), grouped.groups.len()), (3, 2));
    }

    fn observables() -> impl Strategy<Value = Vec<Observable>> {
        let string = prop::collection::vec(prop::sample::select(vec!['I', 'X', 'Y', 'Z']), 4)
            .prop_map(String::from_iter);
        let observable = prop::collection::vec((string, -2.0..2.0), 1..12)
            .prop_map(|terms| Observable::new(terms).unwrap());
        prop::collection::vec(observable, 1..4)
    }

    proptest! {
        #[test]
        fn each_string_is_in_one_group_and_only_with_those_that_agree(all in observables()) {
            let grouped = Grouped::new(&all, &mut Budget::default()).unwrap();
            let mut members: Vec<u32> = Vec::new();
            for group in &grouped.groups {
                for &term in &group.terms {
                    let agrees = |letter| group.basis.contains(letter);
                    prop_assert!(grouped.terms[term as usize].iter().all(agrees));
                }
                members.extend(&group.terms);
            }
            members.sort_unstable();
            let every: Vec<u32> = (0..grouped.terms.len() as u32).collect();
            prop_assert_eq!(members, every);
            // And the sums are the observables again.
            for (observable, (identity, sum)) in all.iter().zip(&grouped.sums) {
                let n_qubits = observable.n_qubits();
                let letters = |support: &[_]| crate::observable::string(support, n_qubits);
                let strings = sum.iter().map(|&(t, w)| (letters(grouped.terms[t as usize]), w));
                let again = strings.chain([(letters(&[]), *identity)]);
                prop_assert_eq!(observable, &Observable::new(again).unwrap());
            }
        }
    }
}
