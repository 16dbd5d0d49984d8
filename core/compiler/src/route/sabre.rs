//! SWAP routing: SABRE (Li, Ding and Xie, arXiv:1809.02573) with the refinements of LightSABRE (Zou
//! et al., arXiv:2409.08368): scores by what a swap changes, decay, lookahead, and a release valve.
//!
//! One refinement is our own: a swap on two qubits whose last gates were on each other melts into
//! those gates when they are joined, and so costs one `cx` or none instead of three.

use super::{
    dag::{Dag, Item},
    layout::Layout,
};
use crate::{coupling::Coupling, rng::Rng};

/// What routing does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Runs an item, whose qubits are coupled now.
    Run(u32),
    /// Exchanges two coupled places.
    Swap(u32, u32),
}

const NONE: u32 = u32::MAX;
/// How many pairs beyond the front are looked at.
const LOOKAHEAD: usize = 20;
/// Their part in the score, relative to the front.
const LOOKAHEAD_WEIGHT: f64 = 0.5;
/// How much a qubit's swaps count more once it has been swapped.
const DECAY: f64 = 0.001;
/// After so many swaps all decay is forgotten.
const DECAY_RESET: u32 = 5;
/// How much nearer one front pair would have to come to make up for a swap that does not melt.
const MELTING: f64 = 0.8;

/// Routes all items and returns the estimated number of `cx` of all.
pub(crate) fn route(
    dag: &Dag,
    coupling: &Coupling,
    layout: &mut Layout,
    rng: &mut Rng,
    call: &mut dyn FnMut(Step, &mut Layout),
) -> u64 {
    let n = coupling.n_qubits() as usize;
    let mut router = Router {
        dag,
        coupling,
        waits_for: dag.waits_for.clone(),
        front: Vec::new(),
        partner: vec![NONE; n],
        ahead: Vec::new(),
        ahead_of: vec![Vec::new(); n],
        seen: vec![0; dag.items.len()],
        stamp: 0,
        decay: vec![1.0; n],
        runs: Runs { last: vec![(0, 0); n], count: 0, cost: 0 },
        candidates: Vec::new(),
        pending: Vec::new(),
        settled_cost: 0,
    };
    let mut ready: Vec<u32> =
        (0..dag.items.len() as u32).filter(|&item| dag.waits_for[item as usize] == 0).collect();
    let mut stale = true;
    let (mut swaps_since_reset, mut swaps_since_run) = (0, 0);
    let patience = 10 * n as u32;
    loop {
        if router.run_ready(&mut ready, layout, call) {
            (swaps_since_run, stale) = (0, true);
            router.decay.fill(1.0);
        }
        if router.front.is_empty() {
            return router.runs.cost;
        }
        if std::mem::take(&mut stale) {
            router.look_ahead();
        }
        if swaps_since_run > patience {
            router.walk_nearest(layout);
            swaps_since_run = 0;
        } else {
            let (p, q) = router.best_swap(layout, rng);
            router.swap(p, q, layout);
            swaps_since_run += 1;
            swaps_since_reset += 1;
            if swaps_since_reset % DECAY_RESET == 0 {
                router.decay.fill(1.0);
            } else {
                router.decay[p as usize] += DECAY;
                router.decay[q as usize] += DECAY;
            }
        }
        router.release(layout, &mut ready);
    }
}

struct Router<'a> {
    dag: &'a Dag,
    coupling: &'a Coupling,
    waits_for: Vec<u32>,
    /// Items that wait for nothing but a coupling.
    front: Vec<u32>,
    /// For each virtual qubit, the one that its front item needs it next to.
    partner: Vec<u32>,
    /// The pairs that come soon, and for each virtual qubit the others of those pairs.
    ahead: Vec<[u32; 2]>,
    ahead_of: Vec<Vec<u32>>,
    /// Items visited by the lookahead that has the number `stamp`.
    seen: Vec<u32>,
    stamp: u32,
    decay: Vec<f64>,
    runs: Runs,
    candidates: Vec<(u32, u32)>,
    /// Swaps since the last item that ran, which may still be taken back, and the cost before them.
    pending: Vec<(u32, u32)>,
    settled_cost: u64,
}

impl Router<'_> {
    /// Runs what can be run and returns whether a pair was among it.
    fn run_ready(
        &mut self,
        ready: &mut Vec<u32>,
        layout: &mut Layout,
        call: &mut dyn FnMut(Step, &mut Layout),
    ) -> bool {
        let mut any = false;
        let mut next = 0;
        while next < ready.len() {
            let item = ready[next];
            next += 1;
            if let Some([a, b]) = self.dag.items[item as usize].pair {
                let (p, q) = (layout.physical(a), layout.physical(b));
                if !self.coupling.coupled(p, q) {
                    self.partner[a as usize] = b;
                    self.partner[b as usize] = a;
                    self.front.push(item);
                    any = true;
                    continue;
                }
                self.runs.add(p, q, &self.dag.items[item as usize]);
                any = true;
            }
            for (p, q) in self.pending.drain(..) {
                call(Step::Swap(p, q), layout);
            }
            self.settled_cost = self.runs.cost;
            call(Step::Run(item), layout);
            for &successor in self.dag.successors(item) {
                let waits_for = &mut self.waits_for[successor as usize];
                *waits_for -= 1;
                if *waits_for == 0 {
                    ready.push(successor);
                }
            }
        }
        ready.clear();
        any
    }

    /// Moves front items whose qubits are coupled now to those that can be run.
    fn release(&mut self, layout: &Layout, ready: &mut Vec<u32>) {
        let (dag, coupling, partner) = (self.dag, self.coupling, &mut self.partner);
        self.front.retain(|&item| {
            let [a, b] = dag.items[item as usize].pair.expect("the front is made of pairs");
            let stays = !coupling.coupled(layout.physical(a), layout.physical(b));
            if !stays {
                partner[a as usize] = NONE;
                partner[b as usize] = NONE;
                ready.push(item);
            }
            stays
        });
    }

    /// Collects the pairs behind the front, breadth first.
    fn look_ahead(&mut self) {
        for [a, b] in self.ahead.drain(..) {
            self.ahead_of[a as usize].clear();
            self.ahead_of[b as usize].clear();
        }
        self.stamp += 1;
        let mut queue = self.front.clone();
        let mut next = 0;
        while next < queue.len() && self.ahead.len() < LOOKAHEAD {
            for &successor in self.dag.successors(queue[next]) {
                if std::mem::replace(&mut self.seen[successor as usize], self.stamp) == self.stamp {
                    continue;
                }
                queue.push(successor);
                if let Some([a, b]) = self.dag.items[successor as usize].pair {
                    self.ahead.push([a, b]);
                    self.ahead_of[a as usize].push(b);
                    self.ahead_of[b as usize].push(a);
                }
            }
            next += 1;
        }
    }

    fn best_swap(&mut self, layout: &Layout, rng: &mut Rng) -> (u32, u32) {
        let distance = |pair: &[u32; 2]| {
            f64::from(self.coupling.distance(layout.physical(pair[0]), layout.physical(pair[1])))
        };
        let items = self.front.iter().filter_map(|&item| self.dag.items[item as usize].pair);
        let front_now: f64 = items.map(|pair| distance(&pair)).sum();
        let ahead_now: f64 = self.ahead.iter().map(distance).sum();
        let front_scale = 1.0 / self.front.len() as f64;
        let ahead_scale = LOOKAHEAD_WEIGHT / self.ahead.len().max(1) as f64;

        let mut best = f64::INFINITY;
        self.candidates.clear();
        for &item in &self.front {
            let pair = self.dag.items[item as usize].pair.expect("the front is made of pairs");
            for p in pair.map(|v| layout.physical(v)) {
                for &q in self.coupling.neighbours(p) {
                    // A swap of two front qubits is met from both sides.
                    if q < p && self.partner[layout.holds(q) as usize] != NONE {
                        continue;
                    }
                    let (front, ahead) = self.change(p, q, layout);
                    let decay = self.decay[p as usize].max(self.decay[q as usize]);
                    let melting = if self.runs.melts(p, q) { MELTING } else { 0.0 };
                    let score = decay
                        * ((front_now + front - melting) * front_scale
                            + (ahead_now + ahead) * ahead_scale);
                    if score < best - 1e-10 {
                        best = score;
                        self.candidates.clear();
                    }
                    if score < best + 1e-10 {
                        self.candidates.push((p, q));
                    }
                }
            }
        }
        self.candidates[rng.below(self.candidates.len())]
    }

    /// How the distances of the front's pairs and of those to come change by a swap.
    fn change(&self, p: u32, q: u32, layout: &Layout) -> (f64, f64) {
        let (mut front, mut ahead) = (0, 0);
        for (from, to) in [(p, q), (q, p)] {
            let v = layout.holds(from) as usize;
            let moved = |other: u32| {
                let other = layout.physical(other);
                if other == to {
                    return 0;
                }
                i32::from(self.coupling.distance(to, other))
                    - i32::from(self.coupling.distance(from, other))
            };
            if self.partner[v] != NONE {
                front += moved(self.partner[v]);
            }
            ahead += self.ahead_of[v].iter().map(|&other| moved(other)).sum::<i32>();
        }
        (f64::from(front), f64::from(ahead))
    }

    fn swap(&mut self, p: u32, q: u32, layout: &mut Layout) {
        layout.swap(p, q);
        self.runs.add_swap(p, q);
        self.pending.push((p, q));
    }

    /// The release valve: takes back the swaps that led nowhere and brings the nearest front pair
    /// together, whatever else that does.
    fn walk_nearest(&mut self, layout: &mut Layout) {
        for (p, q) in self.pending.drain(..).rev() {
            layout.swap(p, q);
        }
        self.runs.cost = self.settled_cost;
        self.runs.last.fill((0, 0));
        let places = |item: &u32| {
            let pair = self.dag.items[*item as usize].pair.expect("the front is made of pairs");
            pair.map(|v| layout.physical(v))
        };
        let nearest =
            self.front.iter().map(places).min_by_key(|&[p, q]| self.coupling.distance(p, q));
        let [mut p, q] = nearest.expect("the front is not empty");
        while !self.coupling.coupled(p, q) {
            let step = self.coupling.neighbours(p).iter().copied();
            let nearer = step.min_by_key(|&next| self.coupling.distance(next, q));
            let next = nearer.expect("a qubit of a connected part has neighbours");
            self.swap(p, next, layout);
            p = next;
        }
    }
}

/// Runs of gates on the same two places, and what they cost.
struct Runs {
    /// For each place, the number and the weight of the run that its last gate belongs to.
    last: Vec<(u32, u8)>,
    count: u32,
    cost: u64,
}

impl Runs {
    fn same(&self, p: u32, q: u32) -> Option<u8> {
        let (run, weight) = self.last[p as usize];
        (run != 0 && run == self.last[q as usize].0).then_some(weight)
    }

    fn melts(&self, p: u32, q: u32) -> bool {
        self.same(p, q).is_some()
    }

    fn add(&mut self, p: u32, q: u32, item: &Item) {
        match self.same(p, q) {
            Some(before) => self.reweigh(p, q, before, merged(before, item.weight)),
            None => self.start(p, q, item.weight),
        }
    }

    fn add_swap(&mut self, p: u32, q: u32) {
        match self.same(p, q) {
            Some(before) => self.reweigh(p, q, before, merged(before, 3)),
            None => self.start(p, q, 3),
        }
    }

    fn start(&mut self, p: u32, q: u32, weight: u8) {
        self.count += 1;
        self.cost += u64::from(weight);
        self.last[p as usize] = (self.count, weight);
        self.last[q as usize] = (self.count, weight);
    }

    fn reweigh(&mut self, p: u32, q: u32, before: u8, now: u8) {
        self.cost = self.cost + u64::from(now) - u64::from(before);
        let run = self.last[p as usize].0;
        self.last[p as usize] = (run, now);
        self.last[q as usize] = (run, now);
    }
}

/// The number of `cx` of two runs of `a` and `b` that are joined, if one of them is a swap or both
/// are short.
fn merged(a: u8, b: u8) -> u8 {
    match (a, b) {
        (0, other) | (other, 0) => other,
        (3, 1) | (1, 3) | (1, 1) => 2,
        _ => 3,
    }
}
