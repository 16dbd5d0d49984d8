//! What has to wait for what.

use crate::node::Node;

/// A node of the list, as routing sees it.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The virtual qubits that have to be coupled, if two have to.
    pub(crate) pair: Option<[u32; 2]>,
    /// The number of `cx` that it becomes.
    pub(crate) weight: u8,
}

/// Items with the order that their qubits and classical values impose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dag {
    pub(crate) items: Vec<Item>,
    /// Where each item's successors begin; they end where the next one's begin.
    starts: Vec<u32>,
    successors: Vec<u32>,
    /// How many items each waits for; one that it waits for twice counts twice.
    pub(crate) waits_for: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Dag {
    fn from_edges(items: Vec<Item>, edges: &[(u32, u32)]) -> Self {
        let mut starts = vec![0_u32; items.len() + 1];
        let mut waits_for = vec![0_u32; items.len()];
        for &(from, to) in edges {
            starts[from as usize + 1] += 1;
            waits_for[to as usize] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut place = starts.clone();
        let mut successors = vec![0; edges.len()];
        for &(from, to) in edges {
            successors[place[from as usize] as usize] = to;
            place[from as usize] += 1;
        }
        Self { items, starts, successors, waits_for }
    }

    pub(crate) fn successors(&self, item: u32) -> &[u32] {
        let item = item as usize;
        &self.successors[self.starts[item] as usize..self.starts[item + 1] as usize]
    }

    /// The same with time running backwards.
    pub(crate) fn reversed(&self) -> Self {
        let edges: Vec<(u32, u32)> = (0..self.items.len() as u32)
            .rev()
            .flat_map(|from| self.successors(from).iter().map(move |&to| (to, from)))
            .collect();
        Self::from_edges(self.items.clone(), &edges)
    }

    /// Only what has to be coupled, blocks of control flow laid open: what a layout is judged by.
    pub(crate) fn of_pairs(nodes: &[Node], n_qubits: u32) -> Self {
        let mut items = Vec::new();
        let mut edges = Vec::new();
        let mut last = vec![NONE; n_qubits as usize];
        visit_pairs(nodes, &mut |node, pair| {
            let item = items.len() as u32;
            for q in pair {
                let before = std::mem::replace(&mut last[q as usize], item);
                if before != NONE {
                    edges.push((before, item));
                }
            }
            items.push(Item { pair: Some(pair), weight: weight(node) });
        });
        Self::from_edges(items, &edges)
    }

    /// Each node of a list as the item of the same number.
    pub(crate) fn of_all(nodes: &[Node], n_qubits: u32) -> Self {
        let mut items = Vec::with_capacity(nodes.len());
        let mut edges = Vec::with_capacity(2 * nodes.len());
        let mut last = vec![NONE; n_qubits as usize];
        let mut last_ordered = NONE;
        for (i, node) in nodes.iter().enumerate() {
            let i = i as u32;
            let mut wait = |slot: &mut u32| {
                let before = std::mem::replace(slot, i);
                if before != NONE && before != i {
                    edges.push((before, i));
                }
            };
            if node.stops_all() {
                let mut before = last.clone();
                before.sort_unstable();
                before.dedup();
                before.iter_mut().for_each(&mut wait);
                last.fill(i);
            } else {
                node.qubits().iter().for_each(|&q| wait(&mut last[q as usize]));
            }
            if node.is_ordered() {
                wait(&mut last_ordered);
            }
            items.push(Item { pair: node.pair(), weight: weight(node) });
        }
        Self::from_edges(items, &edges)
    }
}

/// Calls with every pair, those of blocks included, in the order of the text.
fn visit_pairs(nodes: &[Node], call: &mut impl FnMut(&Node, [u32; 2])) {
    for node in nodes {
        if let Some(pair) = node.pair() {
            call(node, pair);
        } else if let Node::Flow(flow) = node {
            flow.blocks.iter().for_each(|block| visit_pairs(block, call));
        }
    }
}

/// Joined runs of gates are not measured: most take two or three `cx`.
fn weight(node: &Node) -> u8 {
    match node {
        Node::Cx(..) => 1,
        Node::Two(_, _, matrix) if crate::linear::is_diagonal(matrix) => 2,
        Node::Two(..) | Node::Swap(..) => 3,
        _ => 0,
    }
}
