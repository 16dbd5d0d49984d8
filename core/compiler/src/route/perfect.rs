//! Layouts that need no swap.
//!
//! The circuit's pairs are looked for in the coupling map by backtracking, as in VF2 (Cordella et
//! al., IEEE Trans. PAMI 26, 2004): a qubit at a time, the most constrained first, next to those
//! that are placed.

use super::dag::Dag;
use crate::Target;

/// Places that are tried before the search gives up.
const BUDGET: u32 = 20_000;

/// The places of the virtual qubits that have partners, if the search finds some where all pairs are
/// coupled. With a calibration, those with the least error of all that the search meets.
pub(crate) fn find(dag: &Dag, target: &Target, n_virtual: u32) -> Option<Vec<Option<u32>>> {
    let coupling = target.coupling.as_ref()?;
    let mut partners = vec![Vec::new(); n_virtual as usize];
    let mut uses = std::collections::BTreeMap::<(u32, u32), u32>::new();
    for [a, b] in dag.items.iter().filter_map(|item| item.pair) {
        *uses.entry((a.min(b), a.max(b))).or_default() += 1;
    }
    for &(a, b) in uses.keys() {
        partners[a as usize].push(b);
        partners[b as usize].push(a);
    }
    let degree = |q: u32| coupling.neighbours(q).len();
    let largest = (0..coupling.n_qubits()).map(degree).max().unwrap_or(0);
    if partners.iter().any(|list| list.len() > largest) {
        return None;
    }
    let mut search = Search {
        target,
        order: order(&partners),
        partners,
        uses,
        places: vec![None; n_virtual as usize],
        taken: vec![false; coupling.n_qubits() as usize],
        left: BUDGET,
        best: None,
    };
    search.place(0);
    search.best.map(|(_, places)| places)
}

/// Each qubit after one of its partners where possible, those with most placed partners first.
fn order(partners: &[Vec<u32>]) -> Vec<u32> {
    let mut order: Vec<u32> = Vec::new();
    let mut placed_partners = vec![0_usize; partners.len()];
    let mut done = vec![false; partners.len()];
    loop {
        let open = (0..partners.len()).filter(|&q| !done[q] && !partners[q].is_empty());
        let next = open.max_by_key(|&q| (placed_partners[q], partners[q].len(), usize::MAX - q));
        let Some(next) = next else { return order };
        done[next] = true;
        order.push(next as u32);
        partners[next].iter().for_each(|&q| placed_partners[q as usize] += 1);
    }
}

struct Search<'a> {
    target: &'a Target,
    partners: Vec<Vec<u32>>,
    uses: std::collections::BTreeMap<(u32, u32), u32>,
    order: Vec<u32>,
    places: Vec<Option<u32>>,
    taken: Vec<bool>,
    left: u32,
    best: Option<(f64, Vec<Option<u32>>)>,
}

impl Search<'_> {
    /// Places the rest of the order; true if the search is over.
    fn place(&mut self, step: usize) -> bool {
        let Some(&v) = self.order.get(step) else {
            let error = self.error();
            if self.best.as_ref().is_none_or(|(least, _)| error < *least) {
                self.best = Some((error, self.places.clone()));
            }
            return !self.target.has_errors();
        };
        let coupling = self.target.coupling.as_ref().expect("a search has a coupling map");
        let placed: Vec<u32> =
            self.partners[v as usize].iter().filter_map(|&q| self.places[q as usize]).collect();
        let everywhere: Vec<u32>;
        let candidates = match placed.first() {
            Some(&p) => coupling.neighbours(p),
            None => {
                everywhere = (0..coupling.n_qubits()).collect();
                &everywhere
            }
        };
        for &p in candidates {
            let room = coupling.neighbours(p).len() >= self.partners[v as usize].len();
            if self.taken[p as usize] || !room || !placed.iter().all(|&q| coupling.coupled(p, q)) {
                continue;
            }
            if self.left == 0 {
                return true;
            }
            self.left -= 1;
            self.taken[p as usize] = true;
            self.places[v as usize] = Some(p);
            if self.place(step + 1) {
                return true;
            }
            self.taken[p as usize] = false;
            self.places[v as usize] = None;
        }
        false
    }

    /// The sum over all gates; the logarithm of the chance that none fails, but for the sign.
    fn error(&self) -> f64 {
        let pairs = self.uses.iter().map(|(&(a, b), &count)| {
            let places = self.places[a as usize].zip(self.places[b as usize]);
            let error = places.and_then(|(p, q)| self.target.error(p, q));
            // What is not known is not preferred.
            -f64::from(count) * (1.0 - error.unwrap_or(0.5).clamp(0.0, 0.999)).ln()
        });
        pairs.sum()
    }
}
