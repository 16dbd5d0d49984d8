//! Modifiers of gates: `ctrl`, `negctrl`, `inv` and `pow`.

use std::rc::Rc;

use ketch_interface::circuit::{Gate, Inverse};

use super::super::ast::{BinaryOp, Modifier, ModifierKind, Span, UnaryOp};
use super::{
    Lower, Lowerer, fail,
    gate::{Step, What},
    power,
    standard::Form,
    value::{Ty, Value},
};

/// The most controls that a call adds.
const MAX_CONTROLS: usize = 60;

/// A whole power of more than this is not written out, if there is another way.
const MAX_REPEATS: i128 = 64;

/// The modifiers of a call, the outermost first.
#[derive(Clone, Debug, Default)]
pub(super) struct Modified {
    modifiers: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Inverse,
    Power(Value, Span),
    /// So many controls, open or not.
    Controls(usize, bool),
}

impl Modified {
    /// How many qubits stand before those of the gate.
    pub(super) fn n_controls(&self) -> usize {
        let controls = |change: &Change| match change {
            Change::Controls(count, _) => *count,
            _ => 0,
        };
        self.modifiers.iter().map(controls).sum()
    }
}

impl Lowerer<'_> {
    /// What the modifiers of a call say.
    pub(super) fn modified(&mut self, modifiers: &[Modifier]) -> Lower<Modified> {
        let mut modified = Modified::default();
        for modifier in modifiers {
            let change = match &modifier.kind {
                ModifierKind::Inv => Change::Inverse,
                ModifierKind::Pow(exponent) => Change::Power(self.eval(exponent)?, exponent.span),
                ModifierKind::Ctrl { count: None, open } => Change::Controls(1, *open),
                ModifierKind::Ctrl { count: Some(count), open } => {
                    let controls = self.known_int(count, "the number of controls")?;
                    if controls < 1 {
                        return fail(
                            count.span,
                            format!("{controls} controls, expected 1 or more"),
                        );
                    }
                    Change::Controls(usize::try_from(controls).unwrap_or(usize::MAX), *open)
                }
            };
            if let Change::Controls(count, _) = change
                && count.saturating_add(modified.n_controls()) > MAX_CONTROLS
            {
                return fail(modifier.span, format!("at most {MAX_CONTROLS} controls are added"));
            }
            modified.modifiers.push(change);
        }
        Ok(modified)
    }

    /// Applies the modifiers, the innermost first.
    pub(super) fn modify(
        &mut self,
        steps: Vec<Step>,
        modified: &Modified,
        controls: &[u32],
        span: Span,
    ) -> Lower<Vec<Step>> {
        let (mut steps, mut controls) = (steps, controls);
        for change in modified.modifiers.iter().rev() {
            match change {
                Change::Inverse => steps = self.inverse(steps, span)?,
                Change::Power(exponent, at) => steps = self.power(steps, exponent, *at)?,
                Change::Controls(count, open) => {
                    let (outer, own) = controls.split_at(controls.len() - count);
                    controls = outer;
                    let added: Vec<(u32, bool)> = own.iter().map(|&c| (c, *open)).collect();
                    self.charge(span, (steps.len() * count) as u64, steps.len() as u64)?;
                    for step in &mut steps {
                        if !matches!(step.what, What::Barrier) {
                            step.controls.splice(0..0, added.iter().copied());
                        }
                    }
                }
            }
        }
        Ok(steps)
    }

    fn inverse(&mut self, steps: Vec<Step>, span: Span) -> Lower<Vec<Step>> {
        steps.into_iter().rev().map(|step| self.inverse_step(step, span)).collect()
    }

    fn inverse_step(&mut self, mut step: Step, span: Span) -> Lower<Step> {
        let (gate, form) = match &step.what {
            What::Barrier => return Ok(step),
            What::Matrix(matrix) => {
                step.what = What::Matrix(Rc::new(matrix.adjoint()));
                return Ok(step);
            }
            What::Gate(gate, form) => (*gate, *form),
        };
        match gate.info().inverse {
            Inverse::Same => {}
            Inverse::Gate(other) => step.what = What::Gate(other, form),
            Inverse::NegateFirst => {
                step.params[0] = self.negated(&step.params[0], span)?;
            }
            Inverse::Euler => {
                for param in &mut step.params {
                    *param = self.negated(param, span)?;
                }
                step.params.swap(1, 2);
                if form == Form::U2 {
                    step.what = What::Gate(gate, Form::U3);
                }
            }
            Inverse::Adjoint if gate == Gate::U2 => {
                let (phi, lambda) = (&step.params[0], &step.params[1]);
                let (phi, lambda) = (self.negated(phi, span)?, self.negated(lambda, span)?);
                let theta = Value::float(-std::f64::consts::FRAC_PI_2);
                step.params = vec![theta, lambda, phi];
                step.what = What::Gate(Gate::U3, Form::Table);
            }
            Inverse::Adjoint => {
                let params = known_params(&step).expect("such gates have no parameters");
                step.what = What::Matrix(Rc::new(gate.matrix(&params).adjoint()));
                step.params.clear();
            }
        }
        Ok(step)
    }

    pub(super) fn negated(&mut self, value: &Value, span: Span) -> Lower<Value> {
        self.unary(UnaryOp::Negate, value, span)
    }

    pub(super) fn plus(&mut self, a: &Value, b: &Value, span: Span) -> Lower<Value> {
        let (a, b) = (self.convert(a, Ty::Float, span)?, self.convert(b, Ty::Float, span)?);
        self.binary(BinaryOp::Add, &a, &b, span)
    }

    pub(super) fn scaled(&mut self, value: &Value, by: f64, span: Span) -> Lower<Value> {
        let value = self.convert(value, Ty::Float, span)?;
        self.binary(BinaryOp::Mul, &value, &Value::float(by), span)
    }

    /// The steps to the power of a number.
    fn power(&mut self, steps: Vec<Step>, exponent: &Value, span: Span) -> Lower<Vec<Step>> {
        let steps: Vec<Step> =
            steps.into_iter().filter(|step| !matches!(step.what, What::Barrier)).collect();
        let number = exponent.as_number();
        let whole = number.filter(|k| k.fract() == 0.0 && k.abs() < 1e15).map(|k| k as i128);
        if let [step] = &steps[..]
            && let Some(step) = self.scaled_step(step, exponent, whole.is_some(), span)?
        {
            return Ok(vec![step]);
        }
        let Some(number) = number else {
            return fail(span, "a power of this gate must be known before the program runs");
        };
        if !number.is_finite() {
            return fail(span, "the exponent is not finite");
        }
        if let Some(whole) = whole
            && (whole.abs() <= MAX_REPEATS || union(&steps).len() > power::MAX_QUBITS)
        {
            let base = if whole < 0 { self.inverse(steps, span)? } else { steps };
            let repeats = whole.unsigned_abs() as u64;
            let size =
                base.iter().map(|s| (s.targets.len() + s.controls.len()) as u64).sum::<u64>();
            self.charge(span, size.saturating_mul(repeats), repeats)?;
            let length = base.len() as u64;
            self.charge(span, 0, length.saturating_mul(repeats))?;
            return Ok((0..repeats).flat_map(|_| base.iter().cloned()).collect());
        }
        let qubits = union(&steps);
        if qubits.len() > power::MAX_QUBITS {
            let (found, most) = (qubits.len(), power::MAX_QUBITS);
            return fail(span, format!("a power of a gate on {found} qubits: at most {most}"));
        }
        self.charge(span, 0, (steps.len() as u64 + 64) << (2 * qubits.len()))?;
        let Some(matrix) = power::matrix_of(&steps, &qubits) else {
            return fail(span, "a power of this gate needs parameters that are known");
        };
        let Some(matrix) = power::real_power(&matrix, number) else {
            return fail(span, "the power of this gate was not found to full precision");
        };
        let (controls, params) = (Vec::new(), Vec::new());
        if qubits.len() == 1 {
            let params = crate::v2::euler(&matrix).map(Value::float).to_vec();
            let what = What::Gate(Gate::PhasedU, Form::Table);
            return Ok(vec![Step { what, controls, params, targets: qubits }]);
        }
        let what = What::Matrix(Rc::new(matrix));
        Ok(vec![Step { what, controls, params, targets: qubits }])
    }

    /// The power of a gate whose parameter only has to be multiplied.
    fn scaled_step(
        &mut self,
        step: &Step,
        exponent: &Value,
        whole: bool,
        span: Span,
    ) -> Lower<Option<Step>> {
        let What::Gate(gate, _) = step.what else { return Ok(None) };
        use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};
        let fixed = match gate {
            Gate::Z => Some(PI),
            Gate::S => Some(FRAC_PI_2),
            Gate::Sdg => Some(-FRAC_PI_2),
            Gate::T => Some(FRAC_PI_4),
            Gate::Tdg => Some(-FRAC_PI_4),
            _ => None,
        };
        let mut step = step.clone();
        if let Some(angle) = fixed {
            step.what = What::Gate(Gate::P, Form::Table);
            step.params = vec![Value::float(angle)];
        }
        let What::Gate(gate, _) = step.what else { return Ok(None) };
        // How large a parameter may be for its gate's phases to be principal values.
        let largest = match gate {
            Gate::GlobalPhase | Gate::P | Gate::U1 => PI,
            Gate::Rx | Gate::Ry | Gate::Rz | Gate::R => 2.0 * PI,
            Gate::Rxx | Gate::Ryy | Gate::Rzz | Gate::Rzx => 2.0 * PI,
            Gate::XxMinusYy | Gate::XxPlusYy => 2.0 * PI,
            Gate::Id => return Ok(Some(step)),
            _ => return Ok(None),
        };
        let angle = step.params[0].clone();
        if let (Some(number), false) = (super::constant::radians(&angle), whole)
            && exponent.as_known().is_some()
        {
            let phase = matches!(gate, Gate::GlobalPhase | Gate::P | Gate::U1);
            if phase {
                let turned = number.rem_euclid(2.0 * PI);
                let principal = if turned > PI + 1e-12 { turned - 2.0 * PI } else { turned };
                step.params[0] = Value::float(principal);
            } else if number.abs() > largest {
                return Ok(None);
            }
        }
        let base = self.convert(&step.params[0], Ty::Float, span)?;
        let by = self.convert(exponent, Ty::Float, span)?;
        step.params[0] = self.binary(BinaryOp::Mul, &base, &by, span)?;
        Ok(Some(step))
    }
}

/// The parameters, if all are known; angles in radians.
pub(super) fn known_params(step: &Step) -> Option<Vec<f64>> {
    step.params.iter().map(super::constant::radians).collect()
}

/// The qubits that any of the steps names.
fn union(steps: &[Step]) -> Vec<u32> {
    let mut qubits: Vec<u32> = Vec::new();
    for step in steps {
        qubits.extend(step.controls.iter().map(|control| control.0));
        qubits.extend_from_slice(&step.targets);
    }
    qubits.sort_unstable();
    qubits.dedup();
    qubits
}
