//! Which pairs of qubits a two-qubit gate can act on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

/// The directed couplings of a device.
///
/// A pair `(a, b)` says that a two-qubit gate can take `a` as its first qubit (the control of a
/// `cx`) and `b` as its second. Pairs are kept sorted and once each. In JSON this is a list of
/// pairs, `[[0, 1], [1, 2]]`.
///
/// A backend whose qubits are all coupled has no coupling map, rather than a full one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CouplingMap {
    edges: BTreeSet<(u32, u32)>,
}

/// A coupling map is too large to be spelt out as pairs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot expand the coupling map: its groups of three or more qubits stand for over {limit} \
     pairs; list the coupled pairs, or leave the map out if all qubits are coupled"
)]
pub struct TooManyCouplings {
    /// The most pairs that larger groups may stand for together.
    pub limit: usize,
}

/// Enough for one group of a thousand qubits, and still only some tens of megabytes.
const MOST_EXPANDED: usize = 1 << 20;

impl CouplingMap {
    /// The map with these couplings, each from the first qubit to the second.
    ///
    /// ```
    /// use ketch_interface::device::CouplingMap;
    ///
    /// let line = CouplingMap::new([(0, 1), (1, 2)]);
    /// assert!(line.contains(0, 1) && !line.contains(1, 0));
    /// assert_eq!(line.distance(2, 0), Some(2));
    /// ```
    pub fn new(edges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        Self { edges: edges.into_iter().collect() }
    }

    /// The map that a configuration document's groups of qubits stand for.
    ///
    /// A group of two is a coupling from the first to the second. A larger group means, by the
    /// schema, that its qubits are physically coupled together; it names no direction, so every
    /// pair in it is coupled both ways. A group of one couples nothing.
    ///
    /// # Errors
    /// [`TooManyCouplings`] if the groups of three and more stand for over a million pairs: a
    /// short document must not be able to fill the memory.
    pub fn from_groups(groups: &[Vec<u32>]) -> Result<Self, TooManyCouplings> {
        // Repeated groups count each time: the limit bounds the work, not only the memory.
        let larger = groups.iter().map(Vec::len).filter(|&n| n > 2);
        let expanded = larger.fold(0_usize, |sum, n| sum.saturating_add(n.saturating_mul(n - 1)));
        if expanded > MOST_EXPANDED {
            return Err(TooManyCouplings { limit: MOST_EXPANDED });
        }
        let mut edges = BTreeSet::new();
        for group in groups {
            if let [first, second] = group[..] {
                edges.insert((first, second));
                continue;
            }
            for &first in group {
                edges.extend(group.iter().filter(|&&second| second != first).map(|&s| (first, s)));
            }
        }
        Ok(Self { edges })
    }

    /// The couplings as the groups of two that a configuration document lists.
    pub fn to_groups(&self) -> Vec<Vec<u32>> {
        self.edges().map(|(first, second)| vec![first, second]).collect()
    }

    /// Every coupling once, in ascending order.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = (u32, u32)> + '_ {
        self.edges.iter().copied()
    }

    /// Whether a gate can take `first` as its first qubit and `second` as its second.
    pub fn contains(&self, first: u32, second: u32) -> bool {
        self.edges.contains(&(first, second))
    }

    /// The qubits coupled to `qubit` in either direction, in ascending order.
    pub fn neighbours(&self, qubit: u32) -> BTreeSet<u32> {
        let ends = self.edges.iter().filter_map(|&(first, second)| match qubit {
            _ if first == second => None,
            _ if qubit == first => Some(second),
            _ if qubit == second => Some(first),
            _ => None,
        });
        ends.collect()
    }

    /// The least number of couplings to walk, in either direction, from `from` to `to`.
    ///
    /// `None` if there is no way, or if one of the qubits has no coupling.
    pub fn distance(&self, from: u32, to: u32) -> Option<u32> {
        self.distances(from).get(&to).copied()
    }

    /// Whether every qubit that has a coupling can be reached from every other.
    ///
    /// Directions are ignored; a map without couplings counts as connected. A device may have
    /// qubits that no coupling names: the map does not know of them.
    pub fn is_connected(&self) -> bool {
        let Some(&(start, _)) = self.edges.first() else { return true };
        let reached = self.distances(start);
        self.edges.iter().all(|(first, _)| reached.contains_key(first))
    }

    /// The distance from `start` to each qubit that can be reached, by breadth-first search.
    fn distances(&self, start: u32) -> BTreeMap<u32, u32> {
        let mut adjacent: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for &(first, second) in &self.edges {
            adjacent.entry(first).or_default().push(second);
            adjacent.entry(second).or_default().push(first);
        }
        if !adjacent.contains_key(&start) {
            return BTreeMap::new();
        }
        let mut distances = BTreeMap::from([(start, 0)]);
        let mut frontier = VecDeque::from([(start, 0)]);
        while let Some((qubit, distance)) = frontier.pop_front() {
            for &next in &adjacent[&qubit] {
                distances.entry(next).or_insert_with(|| {
                    frontier.push_back((next, distance + 1));
                    distance + 1
                });
            }
        }
        distances
    }
}

impl FromIterator<(u32, u32)> for CouplingMap {
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(edges: I) -> Self {
        Self::new(edges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The five-qubit bow tie of ibmqx2.
    fn bow_tie() -> CouplingMap {
        CouplingMap::new([(0, 1), (0, 2), (1, 2), (3, 2), (3, 4), (4, 2)])
    }

    #[test]
    fn neighbours_look_both_ways_and_contains_does_not() {
        let map = bow_tie();
        assert_eq!(map.neighbours(2), BTreeSet::from([0, 1, 3, 4]));
        assert_eq!(map.neighbours(9), BTreeSet::new());
        assert!(map.contains(3, 2));
        assert!(!map.contains(2, 3));
    }

    #[test]
    fn distance_is_the_shortest_walk() {
        let map = bow_tie();
        assert_eq!(map.distance(0, 0), Some(0));
        assert_eq!(map.distance(0, 4), Some(2));
        assert_eq!(map.distance(0, 7), None);
        assert_eq!(map.distance(7, 7), None);
        let line = CouplingMap::new((0..50).map(|q| (q, q + 1)));
        assert_eq!(line.distance(50, 0), Some(50));
    }

    #[test]
    fn two_islands_are_not_connected() {
        assert!(bow_tie().is_connected());
        assert!(CouplingMap::default().is_connected());
        assert!(!CouplingMap::new([(0, 1), (2, 3)]).is_connected());
        assert!(!CouplingMap::new([(0, u32::MAX), (7, 8)]).is_connected());
        assert!(CouplingMap::new([(1, 0), (2, 1), (2, 3)]).is_connected());
    }

    #[test]
    fn a_group_of_three_is_coupled_both_ways() {
        let map = CouplingMap::from_groups(&[vec![0, 1, 2], vec![2, 3], vec![5]]).unwrap();
        let edges: Vec<_> = map.edges().collect();
        assert_eq!(edges, [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 3)]);
        assert_eq!(CouplingMap::from_groups(&map.to_groups()), Ok(map));
    }

    #[test]
    fn a_huge_group_is_refused_rather_than_expanded() {
        let everyone: Vec<u32> = (0..100_000).collect();
        let refusal = Err(TooManyCouplings { limit: MOST_EXPANDED });
        assert_eq!(CouplingMap::from_groups(&[everyone]), refusal);
        let thousand: Vec<u32> = (0..1000).collect();
        assert_eq!(CouplingMap::from_groups(&[thousand.clone(), thousand]), refusal);
    }

    #[test]
    fn json_is_a_list_of_pairs() {
        let map = CouplingMap::new([(1, 2), (0, 1), (1, 2)]);
        let text = serde_json::to_string(&map).unwrap();
        assert_eq!(text, "[[0,1],[1,2]]");
        assert_eq!(serde_json::from_str::<CouplingMap>(&text).unwrap(), map);
        assert!(serde_json::from_str::<CouplingMap>("[[0,1,2]]").is_err());
    }
}
