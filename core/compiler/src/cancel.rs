//! Pairs of `cx` that undo each other, also across gates that commute with them.

use crate::{
    linear::{H, M2, adjoint, is_diagonal, mul},
    node::Node,
};

/// How far along a qubit a partner is looked for.
const REACH: usize = 32;

/// How often it is looked for pairs.
const PASSES: u32 = 16;

const NONE: u32 = u32::MAX;

/// Removes pairs of equal `cx` between which there are, on the control, only gates that are
/// diagonal there, and on the target only gates that are functions of X there.
pub(crate) fn cancel(nodes: Vec<Node>, n_qubits: u32) -> Vec<Node> {
    let mut nodes: Vec<Option<Node>> = nodes
        .into_iter()
        .map(|node| {
            Some(match node {
                Node::Flow(mut flow) => {
                    for block in &mut flow.blocks {
                        *block = cancel(std::mem::take(block), n_qubits);
                    }
                    Node::Flow(flow)
                }
                node => node,
            })
        })
        .collect();
    // What stood around a pair may be a pair in turn. A palindrome of a million gates would take half
    // a million passes.
    for _ in 0..PASSES {
        if !pass(&mut nodes, n_qubits) {
            break;
        }
    }
    nodes.into_iter().flatten().collect()
}

fn pass(nodes: &mut [Option<Node>], n_qubits: u32) -> bool {
    // The next node on the first and second qubit of each pair, and of each one-qubit node on its
    // qubit; nothing goes past any other.
    let mut next = vec![[NONE; 2]; nodes.len()];
    let mut last = vec![NONE; n_qubits as usize];
    for (i, node) in nodes.iter().enumerate().rev() {
        let Some(node) = node else { continue };
        if node.stops_all() {
            last.fill(i as u32);
            continue;
        }
        for (k, &q) in node.qubits().iter().enumerate() {
            if k < 2 {
                next[i][k] = last[q as usize];
            }
            last[q as usize] = i as u32;
        }
    }
    let mut changed = false;
    for i in 0..nodes.len() {
        let Some(Node::Cx(a, b)) = nodes[i] else { continue };
        let partner = |q: u32, side: Side| find(nodes, &next, i, q, (a, b), side);
        if let Some(j) = partner(a, Side::Control)
            && partner(b, Side::Target) == Some(j)
        {
            nodes[i] = None;
            nodes[j] = None;
            changed = true;
        }
    }
    changed
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Control,
    Target,
}

/// The next equal `cx` along a qubit, if all before it commute with it there.
fn find(
    nodes: &[Option<Node>],
    next: &[[u32; 2]],
    start: usize,
    q: u32,
    (a, b): (u32, u32),
    side: Side,
) -> Option<usize> {
    let mut at = next[start][usize::from(side == Side::Target)] as usize;
    for _ in 0..REACH {
        if at == NONE as usize {
            return None;
        }
        let mut place = 0;
        match &nodes[at] {
            // Removed in this pass: the next pass looks again.
            None => return None,
            Some(Node::Cx(c, d)) if (*c, *d) == (a, b) => return Some(at),
            Some(Node::Cx(c, d)) => match side {
                Side::Control if *c == q => {}
                Side::Target if *d == q => place = 1,
                _ => return None,
            },
            Some(Node::One(_, matrix)) => {
                if !commutes(matrix, side) {
                    return None;
                }
            }
            Some(Node::Rz(..)) if side == Side::Control => {}
            Some(Node::Two(c, _, matrix)) if side == Side::Control && is_diagonal(matrix) => {
                place = usize::from(*c != q);
            }
            Some(_) => return None,
        }
        at = next[at][place] as usize;
    }
    None
}

fn commutes(matrix: &M2, side: Side) -> bool {
    match side {
        Side::Control => is_diagonal(matrix),
        Side::Target => is_diagonal(&mul(&adjoint(&H), &mul(matrix, &H))),
    }
}
