//! Gates whose angles are not known yet: made of `rz` and gates without angles.
//!
//! A phase of the whole by such an angle is left out: it can be seen nowhere.

use std::f64::consts::FRAC_PI_2;

use ketch_interface::circuit::{Binary, Gate, Param};

use super::Expander;
use crate::{
    linear::{H, M2, SH, X, adjoint, rz},
    node::Node,
};

const ZERO: Param = Param::Number(0.0);

impl Expander<'_> {
    pub(super) fn symbolic(&mut self, gate: Gate, p: &[Param], controls: &[u32], targets: &[u32]) {
        let right = Param::Number(FRAC_PI_2);
        match (gate, targets) {
            (Gate::GlobalPhase, _) => self.phase_where(controls, p[0]),
            (Gate::U0, _) => {}
            (Gate::P | Gate::U1, &[t]) => self.phase_where(&[controls, &[t]].concat(), p[0]),
            (Gate::U2, &[t]) => self.euler(controls, t, [right, p[0], p[1]], ZERO),
            (Gate::U3 | Gate::U, &[t]) => self.euler(controls, t, [p[0], p[1], p[2]], ZERO),
            (Gate::PhasedU, &[t]) => self.euler(controls, t, [p[0], p[1], p[2]], p[3]),
            (Gate::R, &[t]) => {
                let back = self.negative(p[1]);
                self.turn(t, back);
                self.rotation(controls, t, p[0], &H);
                self.turn(t, p[1]);
            }
            (Gate::Rx, &[t]) => self.rotation(controls, t, p[0], &H),
            (Gate::Ry, &[t]) => self.rotation(controls, t, p[0], &SH),
            (Gate::Rz, &[t]) => self.rotation_z(controls, t, p[0]),
            (Gate::Rxx, &[a, b]) => self.ising(controls, [a, b], p[0], [Some(&H), Some(&H)]),
            (Gate::Ryy, &[a, b]) => self.ising(controls, [a, b], p[0], [Some(&SH), Some(&SH)]),
            (Gate::Rzz, &[a, b]) => self.ising(controls, [a, b], p[0], [None, None]),
            (Gate::Rzx, &[a, b]) => self.ising(controls, [a, b], p[0], [None, Some(&H)]),
            (Gate::XxMinusYy | Gate::XxPlusYy, &[a, b]) => {
                let half = self.half(p[0]);
                let back = self.negative(p[1]);
                let (other, before, after) = match gate {
                    Gate::XxPlusYy => (half, p[1], back),
                    _ => (self.negative(half), back, p[1]),
                };
                self.turn(a, before);
                self.ising(controls, [a, b], half, [Some(&H), Some(&H)]);
                self.ising(controls, [a, b], other, [Some(&SH), Some(&SH)]);
                self.turn(a, after);
            }
            _ => unreachable!("`{}` has no parameters or is in the list above", gate.name()),
        }
    }

    /// `exp(iθ)` where all of these qubits are 1, up to a phase of the whole.
    fn phase_where(&mut self, qubits: &[u32], angle: Param) {
        let Some((target, controls)) = qubits.split_last() else { return };
        self.rotation_z(controls, *target, angle);
        let half = self.half(angle);
        self.phase_where(controls, half);
    }

    /// `exp(iγ) u(θ, φ, λ)` with controls.
    fn euler(&mut self, controls: &[u32], t: u32, [theta, phi, lambda]: [Param; 3], gamma: Param) {
        self.rotation_z(controls, t, lambda);
        self.rotation(controls, t, theta, &SH);
        self.rotation_z(controls, t, phi);
        if !controls.is_empty() {
            let sum = self.sum(phi, lambda);
            let half = self.half(sum);
            let angle = self.sum(gamma, half);
            self.phase_where(controls, angle);
        }
    }

    /// A rotation about the axis to which `frame` takes Z.
    fn rotation(&mut self, controls: &[u32], t: u32, angle: Param, frame: &M2) {
        self.one(t, adjoint(frame));
        self.rotation_z(controls, t, angle);
        self.one(t, *frame);
    }

    fn ising(&mut self, controls: &[u32], ab: [u32; 2], angle: Param, frames: [Option<&M2>; 2]) {
        for (q, frame) in ab.into_iter().zip(frames) {
            frame.into_iter().for_each(|frame| self.one(q, adjoint(frame)));
        }
        let [a, b] = ab;
        self.cx(a, b);
        self.rotation_z(controls, b, angle);
        self.cx(a, b);
        for (q, frame) in ab.into_iter().zip(frames) {
            frame.into_iter().for_each(|frame| self.one(q, *frame));
        }
    }

    /// `rz` with controls: half forth and, where X is around it, half back.
    fn rotation_z(&mut self, controls: &[u32], t: u32, angle: Param) {
        if controls.is_empty() {
            self.turn(t, angle);
            return;
        }
        let half = self.half(angle);
        let back = self.negative(half);
        self.turn(t, half);
        self.controlled(controls, t, &X);
        self.turn(t, back);
        self.controlled(controls, t, &X);
    }

    fn turn(&mut self, q: u32, angle: Param) {
        match angle {
            Param::Number(number) => self.one(q, rz(number)),
            angle => self.push(Node::Rz(q, angle)),
        }
    }

    fn half(&mut self, angle: Param) -> Param {
        self.combine(Binary::Mul, Param::Number(0.5), angle)
    }

    fn negative(&mut self, angle: Param) -> Param {
        self.combine(Binary::Mul, Param::Number(-1.0), angle)
    }

    fn sum(&mut self, a: Param, b: Param) -> Param {
        self.combine(Binary::Add, a, b)
    }

    fn combine(&mut self, operator: Binary, a: Param, b: Param) -> Param {
        let known = a.as_number().zip(b.as_number());
        match known.and_then(|(a, b)| operator.of_numbers(a, b)) {
            Some(number) => Param::Number(number),
            None => self.out.combine(operator, a, b),
        }
    }
}
