//! Gates with many controls, as gates of the specification's `qelib1.inc`, without further qubits.
//!
//! Methods: Barenco et al., "Elementary gates for quantum computation", Phys. Rev. A 52, 3457
//! (1995), lemmas 7.2, 7.3 and 7.5. The number of gates grows with the square of the number of
//! controls.

use std::f64::consts::PI;

use ketch_interface::{
    Complex64, Matrix,
    circuit::{Gate, GateOp, Library, Op, Param, Spelling},
};

use super::{definitions::Body, parser::parse};
use crate::source::{NoIncludes, Source};

/// A gate on the qubits with these numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) params: Vec<f64>,
    pub(super) qubits: Vec<usize>,
}

/// The steps of a gate whose controls must all be 1, on qubits 0, 1, …; exact but for a global
/// phase where there are no controls.
pub(super) fn lower(op: GateOp, params: &[f64]) -> Vec<Step> {
    let mut steps = Steps(Vec::new());
    let qubits: Vec<usize> = (0..op.n_qubits()).collect();
    steps.controlled(op.gate, usize::from(op.controls), params, &qubits);
    steps.0
}

/// The angles θ, φ, λ, γ for which a 2×2 unitary is e^(iγ) u3(θ, φ, λ).
pub(crate) fn euler(matrix: &Matrix) -> [f64; 4] {
    let arg = |z: Complex64| if z.norm() < 1e-12 { None } else { Some(z.arg()) };
    let theta = 2.0 * matrix.at(1, 0).norm().atan2(matrix.at(0, 0).norm());
    // Where an entry is 0, the angle that only it depends on is free.
    let gamma = arg(matrix.at(0, 0)).unwrap_or(0.0);
    let phi = arg(matrix.at(1, 0)).map_or(0.0, |phase| phase - gamma);
    let lambda = match arg(-matrix.at(0, 1)) {
        Some(phase) => phase - gamma,
        None => matrix.at(1, 1).arg() - gamma - phi,
    };
    [theta, phi, lambda, gamma]
}

struct Steps(Vec<Step>);

impl Steps {
    fn push(&mut self, name: &'static str, params: &[f64], qubits: &[usize]) {
        self.0.push(Step { name, params: params.to_vec(), qubits: qubits.to_vec() });
    }

    /// `gate` with controls; qubits: controls, then targets.
    fn controlled(&mut self, gate: Gate, n_controls: usize, params: &[f64], qubits: &[usize]) {
        let (controls, targets) = qubits.split_at(n_controls);
        match gate {
            Gate::GlobalPhase => self.phase(params[0], controls),
            Gate::Id | Gate::U0 => {}
            Gate::X => self.x(controls, targets[0], &[]),
            Gate::Z => self.phase(PI, qubits),
            Gate::S => self.phase(PI / 2.0, qubits),
            Gate::Sdg => self.phase(-PI / 2.0, qubits),
            Gate::T => self.phase(PI / 4.0, qubits),
            Gate::Tdg => self.phase(-PI / 4.0, qubits),
            Gate::P | Gate::U1 => self.phase(params[0], qubits),
            _ if targets.len() == 1 => self.unitary(euler(&gate.matrix(params)), qubits),
            _ => {
                for (op, params, places) in decomposed(gate, params) {
                    let on = places.iter().map(|&place| targets[place]);
                    let qubits: Vec<usize> = controls.iter().copied().chain(on).collect();
                    self.controlled(
                        op.gate,
                        n_controls + usize::from(op.controls),
                        &params,
                        &qubits,
                    );
                }
            }
        }
    }

    /// e^(iγ) u3(θ, φ, λ) on the last qubit, controlled by the others.
    fn unitary(&mut self, [theta, phi, lambda, gamma]: [f64; 4], qubits: &[usize]) {
        let (&target, controls) = qubits.split_last().expect("a target");
        if controls.is_empty() {
            self.push("u3", &[theta, phi, lambda], &[target]);
            return;
        }
        // The three turns of the target cancel where the two X do not act.
        self.phase(gamma + (lambda + phi) / 2.0, controls);
        self.push("u1", &[(lambda - phi) / 2.0], &[target]);
        self.x(controls, target, &[]);
        self.push("u3", &[-theta / 2.0, 0.0, -(phi + lambda) / 2.0], &[target]);
        self.x(controls, target, &[]);
        self.push("u3", &[theta / 2.0, phi, 0.0], &[target]);
    }

    /// Multiplies the state where all qubits are 1 by e^(i angle) (lemma 7.5).
    fn phase(&mut self, angle: f64, qubits: &[usize]) {
        match *qubits {
            [] => {}
            [a] => self.push("u1", &[angle], &[a]),
            [a, b] => self.push("cu1", &[angle], &[a, b]),
            [ref rest @ .., a, b] => {
                self.push("cu1", &[angle / 2.0], &[a, b]);
                self.x(rest, a, &[b]);
                self.push("cu1", &[-angle / 2.0], &[a, b]);
                self.x(rest, a, &[b]);
                let others: Vec<usize> = rest.iter().copied().chain([b]).collect();
                self.phase(angle / 2.0, &others);
            }
        }
    }

    /// X on `target` where all controls are 1. `free` qubits may hold any state and get it back.
    fn x(&mut self, controls: &[usize], target: usize, free: &[usize]) {
        match *controls {
            [] => self.push("x", &[], &[target]),
            [a] => self.push("cx", &[], &[a, target]),
            [a, b] => self.push("ccx", &[], &[a, b, target]),
            _ if free.len() >= controls.len() - 2 => self.ladder(controls, target, free),
            _ => match free.first() {
                Some(&free) => self.split(controls, target, free),
                None => {
                    let all: Vec<usize> = controls.iter().copied().chain([target]).collect();
                    self.push("h", &[], &[target]);
                    self.phase(PI, &all);
                    self.push("h", &[], &[target]);
                }
            },
        }
    }

    /// Lemma 7.2: for three or more controls and two free qubits less than that.
    fn ladder(&mut self, controls: &[usize], target: usize, free: &[usize]) {
        let top = controls.len() - 2;
        let rung = |i: usize| {
            let to = if i == top { target } else { free[i] };
            match i {
                0 => [controls[0], controls[1], to],
                _ => [controls[i + 1], free[i - 1], to],
            }
        };
        let up_and_down = |from: usize| (0..=from).rev().chain(1..=from);
        for i in up_and_down(top).chain(up_and_down(top - 1)) {
            self.push("ccx", &[], &rung(i));
        }
    }

    /// Lemma 7.3: with one free qubit, in four parts of half the size, which have enough of them.
    fn split(&mut self, controls: &[usize], target: usize, free: usize) {
        let (first, second) = controls.split_at(controls.len().div_ceil(2));
        let rest: Vec<usize> = second.iter().copied().chain([free]).collect();
        let others: Vec<usize> = second.iter().copied().chain([target]).collect();
        for _ in 0..2 {
            self.x(first, free, &others);
            self.x(&rest, target, first);
        }
    }
}

/// The definition of a gate of several qubits, as gates of the table.
fn decomposed(gate: Gate, params: &[f64]) -> Vec<(GateOp, Vec<f64>, Vec<usize>)> {
    let spelling = Spelling::of(gate, 0, Library::Later).expect("a gate that programs know");
    let body = Body::of(spelling.name).expect("gates of several qubits are defined");
    let numbers: Vec<String> = params.iter().map(|param| format!("{param:?}")).collect();
    let n_qubits = gate.info().n_qubits;
    let qubits: Vec<String> = (0..n_qubits).map(|qubit| format!("q[{qubit}]")).collect();
    let program = format!(
        "OPENQASM 2.0; include \"qelib1.inc\"; gate defined{} {} {{ {} }} \
         qreg q[{n_qubits}]; defined({}) {};",
        body.params,
        body.qubits,
        body.body,
        numbers.join(","),
        qubits.join(",")
    );
    let circuit = parse(&Source::new(program, body.name), &NoIncludes)
        .expect("the definitions are OpenQASM 2");
    let step = |instruction: ketch_interface::circuit::Instruction<'_>| {
        let Op::Gate(op) = *instruction.op else { unreachable!("definitions hold gates only") };
        let params = instruction.params.iter().filter_map(|param: &Param| param.as_number());
        let places = instruction.qubits.iter().map(|qubit| qubit.0 as usize);
        (op, params.collect(), places.collect())
    };
    circuit.instructions().map(step).collect()
}
