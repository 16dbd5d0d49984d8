//! Gates inverted, controlled and repeated.

use std::f64::consts::FRAC_PI_2;

use ketch_interface::{
    Matrix,
    circuit::{ControlState, Gate, GateOp, Inverse, Labelled, Op, Param, Qubit},
};

use super::{Lower, Lowerer, fail};

/// The most qubits of what is controlled or undone by its matrix.
const MAX_MATRIX_QUBITS: usize = 10;

/// A gate that is not yet an instruction.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) op: Op,
    pub(super) qubits: Vec<Qubit>,
    pub(super) params: Vec<Param>,
}

impl Step {
    /// What it takes to copy.
    fn size(&self) -> u64 {
        let entries = match &self.op {
            Op::Unitary(matrix) => matrix.value.entries().len(),
            Op::Diagonal(entries) => entries.len(),
            Op::Multiplexer(matrices) => matrices.iter().map(|matrix| matrix.entries().len()).sum(),
            _ => 0,
        };
        (1 + self.qubits.len() + entries) as u64
    }

    /// It can be undone and controlled.
    pub(super) fn is_unitary(&self) -> bool {
        matches!(
            self.op,
            Op::Gate(_)
                | Op::Unitary(_)
                | Op::Diagonal(_)
                | Op::Multiplexer(_)
                | Op::Pauli(_)
                | Op::Barrier
                | Op::Delay(_)
        )
    }
}

/// What is done to gates.
#[derive(Clone, Copy, Debug)]
pub(super) enum Modified<'q> {
    Inverse,
    /// These qubits hold these bits.
    Controlled(&'q [u32], u32),
    Power(f64),
}

impl Lowerer<'_> {
    pub(super) fn push_step(&mut self, step: Step) -> Lower<()> {
        let qubits: Vec<u32> = step.qubits.iter().map(|qubit| qubit.0).collect();
        self.push(step.op, &qubits, &[], &step.params)
    }

    /// Gates after what is done to them as a whole.
    pub(super) fn modified(
        &mut self,
        steps: Vec<Step>,
        modified: Modified<'_>,
    ) -> Lower<Vec<Step>> {
        match modified {
            Modified::Inverse => self.inverted(steps),
            Modified::Power(exponent) => self.repeated(steps, exponent),
            Modified::Controlled(controls, state) => {
                let size = |step: &Step| step.size() + controls.len() as u64;
                self.charge(steps.iter().map(size).sum())?;
                let each = steps.into_iter().map(|step| self.controlled(step, controls, state));
                Ok(each.collect::<Lower<Vec<_>>>()?.concat())
            }
        }
    }

    fn inverted(&mut self, steps: Vec<Step>) -> Lower<Vec<Step>> {
        self.charge(steps.iter().map(Step::size).sum())?;
        steps.into_iter().rev().map(|step| self.undone(step)).collect()
    }

    fn undone(&mut self, step: Step) -> Lower<Step> {
        let Step { op, qubits, mut params } = step;
        let op = match op {
            Op::Gate(GateOp { gate: Gate::U2, controls, state }) => {
                params.insert(0, Param::Number(FRAC_PI_2));
                let gate = GateOp { gate: Gate::U, controls, state };
                return self.undone(Step { op: Op::Gate(gate), qubits, params });
            }
            Op::Gate(gate) => match gate.gate.info().inverse {
                Inverse::Same => Op::Gate(gate),
                Inverse::Gate(other) => Op::Gate(GateOp { gate: other, ..gate }),
                Inverse::NegateFirst => {
                    params[0] = self.scaled(params[0], -1.0);
                    Op::Gate(gate)
                }
                Inverse::Euler => {
                    for param in &mut params {
                        *param = self.scaled(*param, -1.0);
                    }
                    params.swap(1, 2);
                    Op::Gate(gate)
                }
                Inverse::Adjoint => {
                    self.check_matrix(qubits.len())?;
                    unitary(gate.matrix(&[]).adjoint())
                }
            },
            Op::Unitary(matrix) => unitary(matrix.value.adjoint()),
            Op::Diagonal(entries) => {
                Op::Diagonal(entries.iter().map(|entry| entry.conj()).collect())
            }
            Op::Multiplexer(matrices) => {
                Op::Multiplexer(matrices.iter().map(Matrix::adjoint).collect())
            }
            op => op,
        };
        Ok(Step { op, qubits, params })
    }

    /// Counts the entries of a matrix that is made.
    fn check_matrix(&mut self, n_qubits: usize) -> Lower<()> {
        match n_qubits <= MAX_MATRIX_QUBITS {
            true => self.charge(1 << (2 * n_qubits)),
            false => fail(format!("a matrix on {n_qubits} qubits: at most {MAX_MATRIX_QUBITS}")),
        }
    }

    /// A gate that acts where the controls hold these bits.
    fn controlled(&mut self, step: Step, controls: &[u32], state: u32) -> Lower<Vec<Step>> {
        let Step { op, qubits, params } = step;
        let n = controls.len();
        let all = if n < 32 { (1_u64 << n) - 1 } else { u64::MAX };
        let state = if n < 32 { u64::from(state) } else { u64::MAX };
        if state & !all != 0 {
            return fail(format!("control state {state} of {n} controls"));
        }
        let first: Vec<Qubit> = controls.iter().copied().map(Qubit).collect();
        let on = |rest: &[Qubit]| [&first, rest].concat();
        let op = match op {
            Op::Gate(gate) => {
                let Ok(count) = u16::try_from(n + usize::from(gate.controls)) else {
                    return fail(format!("{n} controls more than {}", gate.controls));
                };
                let whole = state == all && gate.state.is_all();
                let bits = match n {
                    0..32 => gate.state.bits(gate.controls) << n | state,
                    _ => u64::MAX,
                };
                let pattern =
                    if whole { Some(ControlState::ALL) } else { ControlState::new(count, bits) };
                let Some(state) = pattern else {
                    return fail(format!("{count} controls of which some are open: at most 31"));
                };
                Op::Gate(GateOp { gate: gate.gate, controls: count, state })
            }
            Op::Unitary(matrix) => {
                self.check_matrix(n + qubits.len())?;
                unitary(matrix.value.controlled(n as u32, state))
            }
            Op::Diagonal(entries) => {
                self.check_matrix((n + qubits.len()).div_ceil(2))?;
                let size = entries.len() << n;
                let mut whole = vec![ketch_interface::Complex64::ONE; size];
                for (place, entry) in entries.iter().enumerate() {
                    whole[place << n | state as usize] = *entry;
                }
                Op::Diagonal(whole.into())
            }
            Op::Multiplexer(matrices) => {
                // The controls of a multiplexer stand behind its targets.
                let targets = matrices[0].n_qubits().unwrap_or(0);
                self.check_matrix((n + qubits.len() + targets as usize).div_ceil(2))?;
                let size = matrices.len();
                let mut whole = vec![Matrix::identity(targets); size << n];
                whole[size * state as usize..][..size].clone_from_slice(&matrices);
                let qubits = [&qubits, &first[..]].concat();
                return Ok(vec![Step { op: Op::Multiplexer(whole.into()), qubits, params }]);
            }
            Op::Pauli(letters) => {
                let each = letters.bytes().rev().zip(&qubits).filter_map(|(letter, &qubit)| {
                    let gate = match letter {
                        b'X' => Gate::X,
                        b'Y' => Gate::Y,
                        b'Z' => Gate::Z,
                        _ => return None,
                    };
                    let op = Op::Gate(GateOp::new(gate, 0));
                    Some(Step { op, qubits: vec![qubit], params: Vec::new() })
                });
                let each: Vec<Step> = each.collect();
                let each =
                    each.into_iter().map(|step| self.controlled(step, controls, state as u32));
                return Ok(each.collect::<Lower<Vec<_>>>()?.concat());
            }
            op => return Ok(vec![Step { op, qubits, params }]),
        };
        let qubits = on(&qubits);
        Ok(vec![Step { op, qubits, params }])
    }

    /// Gates as often as a whole number says.
    fn repeated(&mut self, steps: Vec<Step>, exponent: f64) -> Lower<Vec<Step>> {
        if let [Step { op: Op::Gate(gate), qubits, params }] = &steps[..]
            && let Some((gate, first)) = turning(*gate)
        {
            // Powers of gates that turn about an axis: the angle is multiplied.
            let angle = params.first().copied().or(first.map(Param::Number));
            let angle = angle.expect("an angle of the gate's own, or the one that stands for it");
            let params = [&[self.scaled(angle, exponent)], params.get(1..).unwrap_or(&[])].concat();
            return Ok(vec![Step { op: Op::Gate(gate), qubits: qubits.clone(), params }]);
        }
        if exponent.fract() != 0.0 || exponent.abs() > 1e9 {
            return fail(format!("the power {exponent} of what is no single turn"));
        }
        let steps = if exponent < 0.0 { self.inverted(steps)? } else { steps };
        let times = exponent.abs() as u64;
        let size: u64 = steps.iter().map(Step::size).sum();
        self.charge(size.saturating_mul(times).max(times))?;
        Ok((0..times).flat_map(|_| steps.iter().cloned()).collect())
    }
}

/// The gate whose angle is the exponent of this one, and the angle that stands for this one.
fn turning(op: GateOp) -> Option<(GateOp, Option<f64>)> {
    use std::f64::consts::{FRAC_PI_4, PI};
    let phase = |angle| Some((GateOp { gate: Gate::P, ..op }, Some(angle)));
    match op.gate {
        Gate::Z => phase(PI),
        Gate::S => phase(FRAC_PI_2),
        Gate::Sdg => phase(-FRAC_PI_2),
        Gate::T => phase(FRAC_PI_4),
        Gate::Tdg => phase(-FRAC_PI_4),
        Gate::P | Gate::U1 | Gate::Rx | Gate::Ry | Gate::Rz | Gate::R | Gate::GlobalPhase => {
            Some((op, None))
        }
        Gate::Rxx | Gate::Ryy | Gate::Rzz | Gate::Rzx => Some((op, None)),
        _ => None,
    }
}

fn unitary(value: Matrix) -> Op {
    Op::Unitary(Box::new(Labelled { label: None, value }))
}
