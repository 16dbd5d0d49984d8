//! Where the qubits go, and the swaps that bring them together.

mod dag;
mod layout;
mod perfect;
mod place;
mod sabre;

pub(crate) use layout::Layout;
pub(crate) use place::{fits, place};

use ketch_interface::{Circuit, circuit::Op};

use self::{dag::Dag, sabre::Step};
use crate::{coupling::Coupling, node::Node, rng::Rng};

/// A list of operations on physical qubits.
#[derive(Clone, Debug)]
pub(crate) struct Routed {
    pub(crate) nodes: Vec<Node>,
    /// Where each virtual qubit is in the end.
    pub(crate) layout: Layout,
    /// Swaps that were put in, those in blocks included.
    pub(crate) swaps: usize,
}

/// Routes a list of operations on virtual qubits from a layout.
pub(crate) fn route(
    nodes: &[Node],
    source: &Circuit,
    coupling: &Coupling,
    layout: Layout,
    seed: u64,
) -> Routed {
    let mut walk = Walk { source, coupling, layout, log: Vec::new(), swaps: 0, seed };
    let nodes = walk.block(nodes, 0);
    Routed { nodes, layout: walk.layout, swaps: walk.swaps }
}

struct Walk<'a> {
    source: &'a Circuit,
    coupling: &'a Coupling,
    layout: Layout,
    /// All swaps from the beginning of the program to here.
    log: Vec<(u32, u32)>,
    swaps: usize,
    seed: u64,
}

impl Walk<'_> {
    /// Routes one block. `around` is how long the log was where the innermost loop began.
    fn block(&mut self, nodes: &[Node], around: usize) -> Vec<Node> {
        let mut out = Vec::with_capacity(nodes.len());
        let dag = Dag::of_all(nodes, self.coupling.n_qubits());
        let mut layout = self.layout.clone();
        let mut left = false;
        let mut rng = Rng::new(self.seed);
        sabre::route(&dag, self.coupling, &mut layout, &mut rng, &mut |step, layout| match step {
            _ if left => {}
            Step::Swap(p, q) => {
                out.push(Node::Swap(p, q));
                self.log.push((p, q));
                self.swaps += 1;
            }
            Step::Run(item) => match &nodes[item as usize] {
                Node::Flow(flow) => {
                    self.layout.clone_from(layout);
                    let blocks = flow.blocks.iter();
                    let op = self.source.instruction(flow.source).op;
                    let is_loop = matches!(op, Op::While { .. } | Op::For(_));
                    let around = if is_loop { self.log.len() } else { around };
                    let blocks = blocks.map(|block| self.inner(block, around)).collect();
                    let flow = crate::node::Flow::new(flow.source, blocks);
                    out.push(Node::Flow(Box::new(flow)));
                }
                node => {
                    if let Node::Fence(fence) = node {
                        let op = self.source.instruction(fence.source).op;
                        if matches!(op, Op::Break | Op::Continue) {
                            self.undo(around, &mut out);
                        }
                        // What follows in the block is never reached.
                        left = matches!(op, Op::Break | Op::Continue | Op::End);
                    }
                    out.push(node.clone().on(|v| layout.physical(v)));
                }
            },
        });
        self.layout = layout;
        out
    }

    /// Routes a block of control flow and brings every qubit back to where it was.
    fn inner(&mut self, nodes: &[Node], around: usize) -> Vec<Node> {
        let entry = self.layout.clone();
        let mark = self.log.len();
        let mut out = self.block(nodes, around);
        let leaves = out.last().is_some_and(|node| self.is_jump(node));
        if !leaves {
            self.undo(mark, &mut out);
        }
        self.log.truncate(mark);
        self.layout = entry;
        out
    }

    /// Writes the swaps since `mark`, backwards.
    fn undo(&mut self, mark: usize, out: &mut Vec<Node>) {
        for &(p, q) in self.log[mark..].iter().rev() {
            out.push(Node::Swap(p, q));
            self.swaps += 1;
        }
    }

    fn is_jump(&self, node: &Node) -> bool {
        let Node::Fence(fence) = node else { return false };
        let op = self.source.instruction(fence.source).op;
        matches!(op, Op::Break | Op::Continue | Op::End)
    }
}
