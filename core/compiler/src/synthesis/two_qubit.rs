//! Two-qubit unitaries from `cx` gates or Ising interactions, as few as there can be.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

use super::kak::Kak;
use crate::{
    linear::{H, IDENTITY, M2, M4, SH, X, adjoint, mul, rx, ry, rz},
    node::Node,
};

/// What two-qubit unitaries are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interaction {
    /// `cx`, or a gate that is one up to gates on each qubit.
    Cx,
    /// `exp(-iθ/2 ZZ)` for any angle, or the same along other axes.
    Ising,
}

impl Kak {
    /// How many gates [`synthesise`] makes.
    pub(crate) fn count(&self, from: Interaction) -> usize {
        match from {
            Interaction::Cx => self.cx_count(),
            Interaction::Ising => self.ising_count(),
        }
    }
}

/// Writes a decomposed unitary on qubits `[a, b]` and returns the phase that is left.
pub(crate) fn synthesise(
    kak: &Kak,
    [a, b]: [u32; 2],
    from: Interaction,
    out: &mut Vec<Node>,
) -> f64 {
    out.push(Node::One(a, kak.before[0]));
    out.push(Node::One(b, kak.before[1]));
    let phase = match from {
        Interaction::Cx => by_cx(kak, a, b, out),
        Interaction::Ising => by_ising(kak, a, b, out),
    };
    out.push(Node::One(a, kak.after[0]));
    out.push(Node::One(b, kak.after[1]));
    kak.phase + phase
}

fn by_ising(kak: &Kak, a: u32, b: u32, out: &mut Vec<Node>) -> f64 {
    // The Cliffords that turn Z into X, Y and Z.
    for (turn, coordinate) in [H, SH, IDENTITY].iter().zip(kak.coordinates) {
        if coordinate.abs() < 1e-9 {
            continue;
        }
        // Some devices take angles from 0 on only: X on one side negates the angle.
        let flip = if coordinate > 0.0 { &X } else { &IDENTITY };
        let first = mul(turn, flip);
        out.push(Node::One(a, adjoint(&first)));
        out.push(Node::One(b, adjoint(turn)));
        out.push(Node::Ising(a, b, 2.0 * coordinate.abs()));
        out.push(Node::One(a, first));
        out.push(Node::One(b, *turn));
    }
    0.0
}

fn by_cx(kak: &Kak, a: u32, b: u32, out: &mut Vec<Node>) -> f64 {
    let [x, y, z] = kak.coordinates;
    match kak.cx_count() {
        0 => 0.0,
        1 => {
            // exp(iπ/4 ZX) is cx up to quarter turns; H on the control makes it XX.
            let control = mul(&rz(-FRAC_PI_2), &H);
            out.push(Node::One(a, control));
            out.push(Node::One(b, rx(-FRAC_PI_2)));
            out.push(Node::Cx(a, b));
            out.push(Node::One(a, H));
            -FRAC_PI_4
        }
        2 => {
            // cx takes X on the control to XX, and Z on the target to ZZ; a turn about X takes ZZ
            // to YY.
            let turn = rx(FRAC_PI_2);
            for q in [a, b] {
                out.push(Node::One(q, turn));
            }
            out.push(Node::Cx(a, b));
            out.push(Node::One(a, rx(-2.0 * x)));
            out.push(Node::One(b, rz(-2.0 * y)));
            out.push(Node::Cx(a, b));
            for q in [a, b] {
                out.push(Node::One(q, adjoint(&turn)));
            }
            0.0
        }
        _ => {
            // Vatan and Williams, arXiv:quant-ph/0308006, figure 6.
            out.push(Node::One(b, rz(FRAC_PI_2)));
            out.push(Node::Cx(b, a));
            out.push(Node::One(b, ry(FRAC_PI_2 - 2.0 * x)));
            out.push(Node::Cx(a, b));
            out.push(Node::One(a, rz(FRAC_PI_2 - 2.0 * z)));
            out.push(Node::One(b, ry(2.0 * y - FRAC_PI_2)));
            out.push(Node::Cx(b, a));
            out.push(Node::One(a, rz(-FRAC_PI_2)));
            FRAC_PI_4
        }
    }
}

/// The gates on each qubit that make a gate into `cx` from its first qubit to its second.
#[derive(Clone, Debug)]
pub(crate) struct AsCx {
    pub(crate) before: [M2; 2],
    pub(crate) after: [M2; 2],
    pub(crate) phase: f64,
}

impl AsCx {
    /// `None` if no gates on each qubit make this a `cx`.
    pub(crate) fn of(gate: &M4) -> Option<Self> {
        let gate = Kak::of(gate);
        if gate.cx_count() != 1 {
            return None;
        }
        // Both are local gates around exp(iπ/4 XX).
        let cx = Kak::of(&crate::linear::cx(true));
        Some(Self {
            before: std::array::from_fn(|q| mul(&adjoint(&gate.before[q]), &cx.before[q])),
            after: std::array::from_fn(|q| mul(&cx.after[q], &adjoint(&gate.after[q]))),
            phase: cx.phase - gate.phase,
        })
    }
}
