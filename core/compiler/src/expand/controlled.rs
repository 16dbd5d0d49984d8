//! Gates with controls.

use std::f64::consts::{FRAC_PI_4, PI};

use super::{Expander, eigen};
use crate::{
    linear::{self, C, H, M2, M4, X, adjoint, kron, mul, phase},
    node::Node,
    synthesis::{
        kak::Kak,
        two_qubit::{Interaction, synthesise},
    },
};

/// Up to this many controls a gate is made of its eigenphases (2^(n+1) - 2 `cx`), which is then the
/// shortest way.
const BY_PHASES: usize = 4;

impl Expander<'_> {
    /// `u` on the target where all controls are 1.
    pub(super) fn controlled(&mut self, controls: &[u32], target: u32, u: &M2) {
        match controls {
            [] => self.one(target, *u),
            &[control] if *u == X => self.cx(control, target),
            &[control] => {
                let mut matrix = kron(&linear::IDENTITY, &linear::IDENTITY);
                for (i, row) in u.iter().enumerate() {
                    for (j, entry) in row.iter().enumerate() {
                        matrix[2 * i + 1][2 * j + 1] = *entry;
                    }
                }
                self.two(control, target, matrix);
            }
            _ if controls.len() <= BY_PHASES => self.by_phases(controls, target, u),
            _ => self.many_controls(controls, target, u),
        }
    }

    /// In the basis of its eigenvectors, a controlled gate is diagonal.
    fn by_phases(&mut self, controls: &[u32], target: u32, u: &M2) {
        let ([zero, one], vectors) = if *u == X { ([0.0, PI], H) } else { eigen(u) };
        let mut phases = vec![0.0; 2 << controls.len()];
        let all = (1 << controls.len()) - 1;
        phases[all] = zero;
        phases[all | 1 << controls.len()] = one;
        self.one(target, adjoint(&vectors));
        self.diagonal(&phases, &[controls, &[target]].concat());
        self.one(target, vectors);
    }

    fn many_controls(&mut self, controls: &[u32], target: u32, u: &M2) {
        if *u == X && self.flip(controls, target) {
            return;
        }
        // Barenco et al., arXiv:quant-ph/9503016, lemma 7.5: the square root, twice, and its inverse
        // where the controls do not agree. The target is free to borrow while the last control is
        // flipped.
        let (last, rest) = controls.split_last().expect("more than BY_PHASES controls");
        let root = square_root(u);
        self.controlled(&[*last], target, &root);
        self.borrow_flip(rest, *last, &[target]);
        self.controlled(&[*last], target, &adjoint(&root));
        self.borrow_flip(rest, *last, &[target]);
        self.controlled(rest, target, &root);
    }

    /// X with many controls, by borrowing qubits of the circuit that the gate leaves alone; false if
    /// there are none.
    fn flip(&mut self, controls: &[u32], target: u32) -> bool {
        let idle = (0..self.source.n_qubits()).filter(|q| *q != target && !controls.contains(q));
        let idle: Vec<u32> = idle.take(controls.len()).collect();
        if idle.is_empty() {
            return false;
        }
        self.borrow_flip(controls, target, &idle);
        true
    }

    /// X with controls; `borrowed`, at least one, are used and left as they were, whatever state
    /// they are in.
    fn borrow_flip(&mut self, controls: &[u32], target: u32, borrowed: &[u32]) {
        let n = controls.len();
        if n < BY_PHASES {
            self.controlled(controls, target, &X);
        } else if borrowed.len() >= n - 2 {
            self.ladder(controls, target, &borrowed[..n - 2]);
        } else {
            // Lemma 7.3: through one borrowed qubit, in two halves that lend to each other.
            let (first, second) = controls.split_at(n.div_ceil(2));
            let through = borrowed[0];
            let with_through = [second, &[through]].concat();
            for _ in 0..2 {
                self.borrow_flip(first, through, &[second, &[target]].concat());
                self.borrow_flip(&with_through, target, first);
            }
        }
    }

    /// Lemma 7.2, with Margolus gates in place of all Toffoli gates that do not touch the target:
    /// their phases cancel (Maslov, arXiv:1508.03273).
    fn ladder(&mut self, controls: &[u32], target: u32, borrowed: &[u32]) {
        let (last, rest) = controls.split_last().expect("a ladder has three or more controls");
        let top = *borrowed.last().expect("a ladder borrows one or more");
        for _ in 0..2 {
            self.controlled(&[*last, top], target, &X);
            for i in (1..borrowed.len()).rev() {
                self.margolus(&[], rest[i + 1], borrowed[i - 1], borrowed[i]);
            }
            self.margolus(&[], rest[0], rest[1], borrowed[0]);
            for i in 1..borrowed.len() {
                self.margolus(&[], rest[i + 1], borrowed[i - 1], borrowed[i]);
            }
        }
    }

    /// `exp(iθ)` where all of these qubits are 1.
    pub(super) fn controlled_phase(&mut self, qubits: &[u32], angle: f64) {
        match qubits.split_last() {
            None => self.phase += angle,
            Some((target, controls)) => self.controlled(controls, *target, &phase(angle)),
        }
    }

    /// A two-qubit unitary with controls: each of its gates with the controls.
    pub(super) fn controlled_pair(&mut self, controls: &[u32], a: u32, b: u32, u: &M4) {
        let mut gates = Vec::new();
        let angle = synthesise(&Kak::of(u), [a, b], Interaction::Cx, &mut gates);
        for gate in gates {
            self.with_controls(controls, gate);
        }
        self.controlled_phase(controls, angle);
    }

    /// The relative-phase Toffoli gate: `ccx` up to phases, with three `cx`.
    pub(super) fn margolus(&mut self, controls: &[u32], a: u32, b: u32, target: u32) {
        let t = phase(FRAC_PI_4);
        let gates = [
            Node::One(target, H),
            Node::One(target, t),
            Node::Cx(b, target),
            Node::One(target, adjoint(&t)),
            Node::Cx(a, target),
            Node::One(target, t),
            Node::Cx(b, target),
            Node::One(target, adjoint(&t)),
            Node::One(target, H),
        ];
        gates.into_iter().for_each(|gate| self.with_controls(controls, gate));
    }

    /// The relative-phase X with three controls.
    pub(super) fn margolus3(&mut self, controls: &[u32], a: u32, b: u32, c: u32, target: u32) {
        let t = phase(FRAC_PI_4);
        let dagger = adjoint(&t);
        let one = |m: M2| Node::One(target, m);
        let gates = [
            one(mul(&t, &H)),
            Node::Cx(c, target),
            one(mul(&H, &dagger)),
            Node::Cx(a, target),
            one(t),
            Node::Cx(b, target),
            one(dagger),
            Node::Cx(a, target),
            one(t),
            Node::Cx(b, target),
            one(mul(&t, &mul(&H, &dagger))),
            Node::Cx(c, target),
            one(mul(&H, &dagger)),
        ];
        gates.into_iter().for_each(|gate| self.with_controls(controls, gate));
    }

    fn with_controls(&mut self, controls: &[u32], node: Node) {
        match node {
            _ if controls.is_empty() => self.push(node),
            Node::One(q, u) => self.controlled(controls, q, &u),
            Node::Cx(control, target) => {
                self.controlled(&[controls, &[control]].concat(), target, &X);
            }
            node => unreachable!("{node:?} among the gates of a synthesis by cx"),
        }
    }
}

/// The square root with both eigenvalues' angles halved.
fn square_root(u: &M2) -> M2 {
    let (angles, vectors) = eigen(u);
    let roots = angles.map(|angle| C::cis(angle / 2.0));
    let diagonal = [[roots[0], C::ZERO], [C::ZERO, roots[1]]];
    mul(&mul(&vectors, &diagonal), &adjoint(&vectors))
}
