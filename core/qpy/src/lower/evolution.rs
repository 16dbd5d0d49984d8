//! Evolution under a sum of Pauli operators, by the product formulas that Qiskit uses.
//!
//! Suzuki, J. Math. Phys. 32, 400 (1991), equations 1.3 to 1.6.

use std::f64::consts::FRAC_PI_2;

use ketch_interface::circuit::{Gate, Param};

use super::{Lower, Lowerer, fail};
use crate::model::{Evolution, Term};

/// The highest order of a formula.
const MAX_ORDER: u64 = 16;

/// A turn about a product of Pauli operators, and its share of the angle.
#[derive(Clone, Debug)]
struct Turn {
    factors: Vec<(u32, u8)>,
    angle: f64,
}

/// What a turn takes to copy.
fn size(turn: &Turn) -> u64 {
    1 + turn.factors.len() as u64
}

impl<'m> Lowerer<'m> {
    pub(super) fn evolution(&mut self, evolution: &'m Evolution<'m>, qubits: &[u32]) -> Lower<()> {
        let settings = &evolution.formula["settings"];
        let order = match evolution.formula["class"].as_str() {
            Some("LieTrotter") => 1,
            Some("SuzukiTrotter") => settings["order"].as_u64().unwrap_or(2),
            other => return fail(format!("evolution by `{}`", other.unwrap_or("?"))),
        };
        if order == 0 || order > MAX_ORDER || order > 1 && order % 2 == 1 {
            return fail(format!("a product formula of order {order}"));
        }
        let reps = settings["reps"].as_u64().unwrap_or(1).max(1);
        if settings["preserve_order"].as_bool() == Some(false) {
            return fail("a product formula that may change the order of its terms");
        }
        let time = self.param(&evolution.time)?;
        let mut groups: Vec<Vec<Turn>> = Vec::new();
        for operator in &evolution.operators {
            let mut group = Vec::new();
            for term in operator {
                self.turns(term, 2.0 / reps as f64, &mut group)?;
            }
            match evolution.standalone {
                // Nothing says that its terms commute.
                true => groups.extend(group.into_iter().map(|turn| vec![turn])),
                false => groups.push(group),
            }
        }
        let formula = self.formula_of(order, &groups)?;
        if formula.is_empty() {
            // However often it is repeated.
            return Ok(());
        }
        for _ in 0..reps {
            self.charge(formula.len() as u64)?;
            for turn in &formula {
                self.turn(turn, time, qubits)?;
            }
        }
        Ok(())
    }

    /// A term as turns, which commute: a projector is half the sum or difference of the identity
    /// and a Pauli operator.
    fn turns(&mut self, term: &Term, scale: f64, turns: &mut Vec<Turn>) -> Lower<()> {
        if term.weight.im.abs() > 1e-12 {
            return fail(format!("the weight {} of an operator, which must be real", term.weight));
        }
        let mut parts = vec![Turn { factors: Vec::new(), angle: term.weight.re * scale }];
        for &(qubit, letter) in &term.factors {
            let (pauli, sign) = match letter {
                b'0' => (b'Z', 1.0),
                b'1' => (b'Z', -1.0),
                b'+' => (b'X', 1.0),
                b'-' => (b'X', -1.0),
                b'r' => (b'Y', 1.0),
                b'l' => (b'Y', -1.0),
                pauli => {
                    parts.iter_mut().for_each(|part| part.factors.push((qubit, pauli)));
                    continue;
                }
            };
            self.charge(parts.len() as u64 * (2 + parts[0].factors.len() as u64))?;
            let halves = parts.iter().flat_map(|part| {
                let half = Turn { factors: part.factors.clone(), angle: part.angle / 2.0 };
                let mut other = Turn { angle: half.angle * sign, ..half.clone() };
                other.factors.push((qubit, pauli));
                [half, other]
            });
            parts = halves.collect();
        }
        turns.extend(parts);
        Ok(())
    }

    /// The turns of one step. Groups are gone through forwards and backwards; within a group the
    /// order stays.
    fn formula_of(&mut self, order: u64, groups: &[Vec<Turn>]) -> Lower<Vec<Turn>> {
        self.charge(groups.iter().flatten().map(size).sum())?;
        if order == 1 {
            return Ok(groups.concat());
        }
        let scaled = |factor: f64, groups: &[Vec<Turn>]| -> Vec<Vec<Turn>> {
            let group = |group: &Vec<Turn>| {
                let turns = group.iter().cloned();
                turns.map(|turn| Turn { angle: turn.angle * factor, ..turn }).collect()
            };
            groups.iter().map(group).collect()
        };
        if order == 2 {
            let Some((last, others)) = groups.split_last() else { return Ok(Vec::new()) };
            let halves = scaled(0.5, others);
            let backwards = halves.iter().rev().flatten().cloned();
            return Ok([halves.concat(), last.clone()]
                .concat()
                .into_iter()
                .chain(backwards)
                .collect());
        }
        let share = 1.0 / (4.0 - 4_f64.powf(1.0 / (order - 1) as f64));
        let outer = self.formula_of(order - 2, &scaled(share, groups))?;
        let inner = self.formula_of(order - 2, &scaled(1.0 - 4.0 * share, groups))?;
        self.charge(4 * outer.iter().map(size).sum::<u64>())?;
        Ok([&outer[..], &outer, &inner, &outer, &outer].concat())
    }

    /// exp(-i θ/2 P), P a product of Pauli operators, θ the turn's share times the parameter.
    fn turn(&mut self, turn: &Turn, time: Param, qubits: &[u32]) -> Lower<()> {
        let mut on: Vec<(u32, u8)> = Vec::with_capacity(turn.factors.len());
        for &(place, pauli) in &turn.factors {
            match qubits.get(place as usize) {
                Some(&qubit) => on.push((qubit, pauli)),
                None => return fail(format!("an operator on qubit {place} of {}", qubits.len())),
            }
        }
        let angle = self.scaled(time, turn.angle);
        let (gate, targets) = match on[..] {
            [] => {
                let phase = self.scaled(angle, -0.5);
                return self.gate(Gate::GlobalPhase, 0, &[], &[phase]);
            }
            [(a, b'X')] => (Gate::Rx, vec![a]),
            [(a, b'Y')] => (Gate::Ry, vec![a]),
            [(a, _)] => (Gate::Rz, vec![a]),
            [(a, b'X'), (b, b'X')] => (Gate::Rxx, vec![a, b]),
            [(a, b'Y'), (b, b'Y')] => (Gate::Ryy, vec![a, b]),
            [(a, b'Z'), (b, b'Z')] => (Gate::Rzz, vec![a, b]),
            [(a, b'Z'), (b, b'X')] => (Gate::Rzx, vec![a, b]),
            [(a, b'X'), (b, b'Z')] => (Gate::Rzx, vec![b, a]),
            _ => return self.long_turn(&on, angle),
        };
        self.gate(gate, 0, &targets, &[angle])
    }

    /// A turn about a product of any length: to the basis of Z, the parity onto the last qubit,
    /// and back.
    fn long_turn(&mut self, on: &[(u32, u8)], angle: Param) -> Lower<()> {
        self.charge(on.len() as u64 * 6)?;
        let basis = |lowerer: &mut Self, sign: f64| {
            on.iter().try_for_each(|&(qubit, pauli)| match pauli {
                b'X' => lowerer.gate(Gate::H, 0, &[qubit], &[]),
                b'Y' => {
                    let turn = Param::Number(sign * FRAC_PI_2);
                    lowerer.gate(Gate::Rx, 0, &[qubit], &[turn])
                }
                _ => Ok(()),
            })
        };
        let (last, others) = on.split_last().expect("at least two operators");
        basis(self, 1.0)?;
        for (qubit, _) in others {
            self.gate(Gate::X, 1, &[*qubit, last.0], &[])?;
        }
        self.gate(Gate::Rz, 0, &[last.0], &[angle])?;
        for (qubit, _) in others.iter().rev() {
            self.gate(Gate::X, 1, &[*qubit, last.0], &[])?;
        }
        basis(self, -1.0)
    }
}
