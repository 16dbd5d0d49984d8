//! Runs of gates on the same two qubits, and their shortest form.

use crate::{
    linear::{IDENTITY, M2, M4, exchanged, identity_phase, kron, mul},
    node::Node,
    synthesis::{
        kak::{Kak, as_product},
        two_qubit::{Interaction, synthesise},
    },
};

/// What becomes of a run of gates on two qubits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// One operation: what routing has to bring together once.
    Joined,
    /// Gates of the device, as few as can be; Ising interactions too where it has them.
    Gates { ising: bool },
}

/// Rewrites a list of operations and returns the phase that is left over.
pub(crate) fn rewrite(nodes: Vec<Node>, n_qubits: u32, form: Form) -> (Vec<Node>, f64) {
    let n = n_qubits as usize;
    let mut collector = Collector {
        form,
        open: vec![None; n],
        waiting: vec![None; n],
        runs: Vec::new(),
        out: Vec::with_capacity(nodes.len()),
        phase: 0.0,
    };
    nodes.into_iter().for_each(|node| collector.take(node, n_qubits));
    (0..n_qubits).for_each(|q| collector.settle(q));
    (collector.out, collector.phase)
}

/// Gates on two qubits with nothing between them.
struct Run {
    pair: [u32; 2],
    nodes: Vec<Node>,
}

struct Collector {
    form: Form,
    /// For each qubit, the run that is not closed.
    open: Vec<Option<u32>>,
    /// For each qubit outside a run, the product of its one-qubit gates.
    waiting: Vec<Option<M2>>,
    runs: Vec<Run>,
    out: Vec<Node>,
    phase: f64,
}

impl Collector {
    fn take(&mut self, node: Node, n_qubits: u32) {
        match node {
            Node::One(q, matrix) => match self.open[q as usize] {
                Some(run) => self.runs[run as usize].nodes.push(node),
                None => {
                    let before = self.waiting[q as usize].get_or_insert(IDENTITY);
                    *before = mul(&matrix, before);
                }
            },
            Node::Cx(a, b) | Node::Swap(a, b) | Node::Two(a, b, _) | Node::Ising(a, b, _) => {
                let same = self.open[a as usize].is_some()
                    && self.open[a as usize] == self.open[b as usize];
                if !same {
                    self.close(a);
                    self.close(b);
                    let mut nodes = Vec::with_capacity(4);
                    for q in [a, b] {
                        nodes.extend(self.waiting[q as usize].take().map(|m| Node::One(q, m)));
                        self.open[q as usize] = Some(self.runs.len() as u32);
                    }
                    self.runs.push(Run { pair: [a, b], nodes });
                }
                let run = self.open[a as usize].expect("opened above") as usize;
                self.runs[run].nodes.push(node);
            }
            Node::Flow(mut flow) => {
                let all = flow.jumps();
                flow.qubits.iter().for_each(|&q| self.settle(q));
                if all {
                    (0..n_qubits).for_each(|q| self.settle(q));
                }
                for block in &mut flow.blocks {
                    // A phase of a block cannot be seen.
                    *block = rewrite(std::mem::take(block), n_qubits, self.form).0;
                }
                self.out.push(Node::Flow(flow));
            }
            Node::Rz(..) | Node::Reset(_) | Node::Fence(_) => {
                if node.stops_all() {
                    (0..n_qubits).for_each(|q| self.settle(q));
                } else {
                    node.qubits().iter().for_each(|&q| self.settle(q));
                }
                self.out.push(node);
            }
        }
    }

    /// Writes all that waits on a qubit.
    fn settle(&mut self, q: u32) {
        self.close(q);
        if let Some(matrix) = self.waiting[q as usize].take() {
            self.one(q, &matrix);
        }
    }

    fn one(&mut self, q: u32, matrix: &M2) {
        match identity_phase(matrix) {
            Some(phase) => self.phase += phase,
            None => self.out.push(Node::One(q, *matrix)),
        }
    }

    fn close(&mut self, q: u32) {
        let Some(run) = self.open[q as usize] else { return };
        let run = &mut self.runs[run as usize];
        let (pair, nodes) = (run.pair, std::mem::take(&mut run.nodes));
        pair.iter().for_each(|&q| self.open[q as usize] = None);
        match self.form {
            Form::Joined => self.join(pair, nodes),
            Form::Gates { ising } => self.make(pair, nodes, ising),
        }
    }

    fn join(&mut self, pair: [u32; 2], nodes: Vec<Node>) {
        let n_pairs = nodes.iter().filter(|node| node.pair().is_some()).count();
        let joined = nodes.iter().any(|node| matches!(node, Node::Two(..)));
        if n_pairs == 1 && !joined {
            self.out.extend(nodes);
            return;
        }
        let matrix = product(pair, &nodes);
        match as_product(&matrix) {
            Some((factors, phase)) => {
                self.phase += phase;
                pair.iter().zip(&factors).for_each(|(&q, factor)| self.one(q, factor));
            }
            None => self.out.push(Node::Two(pair[0], pair[1], Box::new(matrix))),
        }
    }

    fn make(&mut self, pair: [u32; 2], nodes: Vec<Node>, ising: bool) {
        let n_pairs = nodes.iter().filter(|node| node.pair().is_some()).count();
        let single = n_pairs == 1 && !nodes.iter().any(|node| matches!(node, Node::Two(..)));
        if single {
            self.out.extend(nodes);
            return;
        }
        let kak = Kak::of(&product(pair, &nodes));
        let (by_cx, by_ising) = (kak.count(Interaction::Cx), kak.count(Interaction::Ising));
        let interaction =
            if ising && by_ising < by_cx { Interaction::Ising } else { Interaction::Cx };
        let written: usize = nodes.iter().map(weight).sum();
        if written <= kak.count(interaction) {
            self.out.extend(nodes);
        } else {
            self.phase += synthesise(&kak, pair, interaction, &mut self.out);
        }
    }
}

/// How many two-qubit gates a node becomes; those that need a synthesis count as many.
fn weight(node: &Node) -> usize {
    match node {
        Node::Cx(..) | Node::Ising(..) => 1,
        Node::Swap(..) => 3,
        Node::Two(..) => 100,
        _ => 0,
    }
}

/// The matrix of nodes on two qubits, the first of `pair` the least significant.
pub(crate) fn product(pair: [u32; 2], nodes: &[Node]) -> M4 {
    let mut factors = [IDENTITY; 2];
    let mut all: Option<M4> = None;
    for node in nodes {
        if let Node::One(q, matrix) = node {
            let factor = &mut factors[usize::from(*q != pair[0])];
            *factor = mul(matrix, factor);
        } else if let (Some([a, _]), Some(matrix)) = (node.pair(), node.pair_matrix()) {
            let matrix = if a == pair[0] { matrix } else { exchanged(&matrix) };
            let before = kron(&factors[1], &factors[0]);
            let before = all.map_or(before, |all| mul(&before, &all));
            all = Some(mul(&matrix, &before));
            factors = [IDENTITY; 2];
        }
    }
    let last = kron(&factors[1], &factors[0]);
    all.map_or(last, |all| mul(&last, &all))
}
