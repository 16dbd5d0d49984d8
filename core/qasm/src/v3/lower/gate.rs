//! Calls of gates: parameters, operands, bodies, and the instructions that they become.

use std::rc::Rc;

use ketch_interface::circuit::Labelled;
use ketch_interface::{
    Matrix,
    circuit::{ControlState, Gate, GateOp, Op, Param, Qubit},
};

use crate::lexer::shown;

use super::super::ast::{ForValues, GateCall, GateDef, Ident, Span, Stmt, StmtKind};
use super::{
    Lower, Lowerer, MAX_CALLS, fail,
    modifier::Modified,
    place::Part,
    scope::{Bits, Defined, Symbol},
    standard::{Form, Standard},
    value::Value,
};

/// What a call calls.
#[derive(Clone, Debug)]
pub(super) enum Callee {
    Standard(Standard),
    Defined(Rc<Defined<GateDef>>),
}

/// A gate that is to become an instruction, with all that was put around it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) what: What,
    /// Controls, and whether each is open: the gate acts where it is 0.
    pub(super) controls: Vec<(u32, bool)>,
    pub(super) params: Vec<Value>,
    pub(super) targets: Vec<u32>,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Gate(Gate, Form),
    Matrix(Rc<Matrix>),
    Barrier,
}

/// The qubits of an operand.
enum Operand {
    Bits(Bits),
    Choice(Vec<Bits>, Value),
}

impl Lowerer<'_> {
    /// A call of a gate, or of a subroutine in the same form.
    pub(super) fn call(&mut self, call: &GateCall, span: Span) -> Lower<()> {
        let name = call.name;
        let callee = match self.scopes.find(name.name) {
            super::Found::Nothing => {
                return self.unknown(name.name, name.span, "gate", |symbol| {
                    matches!(symbol, Symbol::Standard(_) | Symbol::Gate(_) | Symbol::Sub(_))
                });
            }
            _ => self.symbol(name.name, name.span)?,
        };
        let callee = match callee {
            Symbol::Standard(standard) => Callee::Standard(standard),
            Symbol::Gate(defined) => Callee::Defined(defined),
            Symbol::Sub(_) | Symbol::Extern if call.modifiers.is_empty() => {
                let args = call.params.iter().chain(&call.operands).collect::<Vec<_>>();
                self.call_sub(name, &args, span)?;
                return Ok(());
            }
            _ => {
                let text = shown(self.names.text(name.name));
                return fail(name.span, format!("`{text}` is no gate"));
            }
        };
        let modified = self.modified(&call.modifiers)?;
        let mut params = self.eval_each(&call.params)?;
        self.check_counts(&callee, name, params.len(), call.operands.len(), &modified)?;
        let mut operands: Vec<Operand> = Vec::with_capacity(call.operands.len());
        for operand in &call.operands {
            if self.changes_arrays(operand) {
                self.keep_operands(&mut params, &mut operands, operand.span)?;
            }
            operands.push(self.operand(operand)?);
        }
        self.spread(&callee, &modified, &params, &operands, false, span)
    }

    fn check_counts(
        &self,
        callee: &Callee,
        name: Ident,
        n_params: usize,
        n_operands: usize,
        modified: &Modified,
    ) -> Lower<()> {
        let (params, qubits) = match callee {
            Callee::Standard(standard) => (standard.n_params(), standard.n_qubits()),
            Callee::Defined(gate) => (gate.tree.params.len(), gate.tree.qubits.len()),
        };
        let qubits = qubits + modified.n_controls();
        for (what, expected, found) in
            [("parameter", params, n_params), ("qubit", qubits, n_operands)]
        {
            if expected != found {
                let text = shown(self.names.text(name.name));
                let plural = if expected == 1 { "" } else { "s" };
                let with = match modified.n_controls() {
                    0 => "",
                    _ if what == "qubit" => " with its controls",
                    _ => "",
                };
                let message =
                    format!("`{text}`{with} takes {expected} {what}{plural}, found {found}");
                return fail(name.span, message);
            }
        }
        Ok(())
    }

    /// Keeps what was asked for before an operand whose index changes something.
    fn keep_operands(
        &mut self,
        params: &mut [Value],
        operands: &mut [Operand],
        span: Span,
    ) -> Lower<()> {
        let indices = operands.iter_mut().filter_map(|operand| match operand {
            Operand::Choice(_, index) => Some(index),
            Operand::Bits(_) => None,
        });
        for value in params.iter_mut().chain(indices) {
            *value = self.kept(value, span)?;
        }
        Ok(())
    }

    fn operand(&mut self, expr: &super::super::ast::Expr) -> Lower<Operand> {
        match self.part(expr)? {
            Part::Qubits(bits) => Ok(Operand::Bits(bits)),
            Part::Choice { parts, index } => {
                let mut choices = Vec::with_capacity(parts.len());
                for part in parts {
                    match part {
                        Part::Qubits(bits) => choices.push(bits),
                        _ => return fail(expr.span, "expected a qubit or register"),
                    }
                }
                Ok(Operand::Choice(choices, index))
            }
            _ => fail(expr.span, "expected a qubit or register"),
        }
    }

    /// One gate for each place of the registers among the operands; one block for each choice.
    fn spread(
        &mut self,
        callee: &Callee,
        modified: &Modified,
        params: &[Value],
        operands: &[Operand],
        chosen: bool,
        span: Span,
    ) -> Lower<()> {
        let choice = operands.iter().position(|operand| matches!(operand, Operand::Choice(..)));
        if let Some(place) = choice {
            let Operand::Choice(choices, index) = &operands[place] else {
                unreachable!("a choice was found")
            };
            return self.switch_on(index, choices.len(), &[], span, |lower, k| {
                let now = operands.iter().enumerate().map(|(i, operand)| match operand {
                    _ if i == place => Operand::Bits(choices[k].clone()),
                    Operand::Bits(bits) => Operand::Bits(bits.clone()),
                    Operand::Choice(choices, index) => {
                        Operand::Choice(choices.clone(), index.clone())
                    }
                });
                let now: Vec<Operand> = now.collect();
                lower.spread(callee, modified, params, &now, true, span)
            });
        }
        let bits: Vec<&Bits> = operands
            .iter()
            .filter_map(|operand| match operand {
                Operand::Bits(bits) => Some(bits),
                Operand::Choice(..) => None,
            })
            .collect();
        let mut registers = bits.iter().filter(|bits| bits.register);
        let size = registers.next().map(|bits| bits.bits.len());
        if let Some(other) = registers.find(|bits| Some(bits.bits.len()) != size) {
            let (a, b) = (size.unwrap_or(0), other.bits.len());
            return fail(span, format!("registers of different sizes, {a} and {b}"));
        }
        if size.is_some() {
            self.expansion += 1;
        }
        let mut qubits = Vec::with_capacity(bits.len());
        for place in 0..size.unwrap_or(1) {
            qubits.clear();
            qubits.extend(bits.iter().map(|bits| bits.bits[if bits.register { place } else { 0 }]));
            // An index that is known only later may meet another operand: such a case cannot be.
            if chosen && operands_meet(&qubits) {
                continue;
            }
            self.distinct(&qubits, span)?;
            self.apply(callee, modified, params, &qubits, span)?;
        }
        if size.is_some() {
            self.expansion -= 1;
        }
        Ok(())
    }

    /// One gate on these qubits.
    fn apply(
        &mut self,
        callee: &Callee,
        modified: &Modified,
        params: &[Value],
        qubits: &[u32],
        span: Span,
    ) -> Lower<()> {
        let steps = self.steps_of(callee, modified, params, qubits, span)?;
        if self.expansion > 0 || steps.len() > 1 {
            let operands = steps.iter().map(|s| (s.targets.len() + s.controls.len()) as u64).sum();
            self.charge(span, operands, steps.len() as u64)?;
        }
        steps.iter().try_for_each(|step| self.emit(step, span))
    }

    /// A call as gates of the table, with the modifiers applied.
    fn steps_of(
        &mut self,
        callee: &Callee,
        modified: &Modified,
        params: &[Value],
        qubits: &[u32],
        span: Span,
    ) -> Lower<Vec<Step>> {
        let (controls, qubits) = qubits.split_at(modified.n_controls());
        let steps = match callee {
            Callee::Standard(standard) => {
                vec![self.standard_step(*standard, params, qubits, span)?]
            }
            Callee::Defined(gate) => self.body_steps(gate, params, qubits, span)?,
        };
        self.modify(steps, modified, controls, span)
    }

    fn standard_step(
        &mut self,
        standard: Standard,
        params: &[Value],
        qubits: &[u32],
        span: Span,
    ) -> Lower<Step> {
        let (controls, targets) = qubits.split_at(usize::from(standard.controls));
        let half_sum = |lower: &mut Self, a: &Value, b: &Value, by: f64| {
            let sum = lower.plus(a, b, span)?;
            lower.scaled(&sum, by, span)
        };
        let params = match standard.form {
            Form::Table => params.to_vec(),
            Form::U => {
                let phase = self.scaled(&params[0], 0.5, span)?;
                [params, &[phase]].concat()
            }
            Form::U3 => {
                let phase = half_sum(self, &params[1], &params[2], -0.5)?;
                [params, &[phase]].concat()
            }
            Form::U2 => {
                let phase = half_sum(self, &params[0], &params[1], -0.5)?;
                [&[Value::float(std::f64::consts::FRAC_PI_2)], params, &[phase]].concat()
            }
        };
        Ok(Step {
            what: What::Gate(standard.gate, standard.form),
            controls: controls.iter().map(|&control| (control, false)).collect(),
            params,
            targets: targets.to_vec(),
        })
    }

    /// The gates of a body.
    fn body_steps(
        &mut self,
        gate: &Defined<GateDef>,
        params: &[Value],
        qubits: &[u32],
        span: Span,
    ) -> Lower<Vec<Step>> {
        let tree = &gate.tree;
        self.enter(tree.name, span)?;
        let (outer, outer_file) = (self.scopes.frame(), self.file);
        self.frames += 1;
        self.scopes.open_frame(self.frames, self.vars.len());
        for (name, value) in tree.params.iter().zip(params) {
            self.scopes.set(name.name, Symbol::Value(value.clone()));
        }
        for (name, &qubit) in tree.qubits.iter().zip(qubits) {
            let bits = Bits { bits: Rc::new([qubit]), register: false };
            self.scopes.set(name.name, Symbol::Qubits(bits));
        }
        self.file = gate.file;
        let mut steps = Vec::new();
        let result = self.collect(&tree.body, &mut steps);
        self.leave(outer_file, result)?;
        let vars = self.scopes.close_frame(outer);
        self.vars.truncate(vars);
        Ok(steps)
    }

    /// Goes into a body.
    pub(super) fn enter(&mut self, name: Ident, span: Span) -> Lower<()> {
        if self.calls >= MAX_CALLS {
            let name = shown(self.names.text(name.name));
            return fail(span, format!("the call of `{name}` is more than {MAX_CALLS} calls deep"));
        }
        self.calls += 1;
        self.expansion += 1;
        self.charge(span, 0, 1)
    }

    /// Goes out of a body again, back to this file. What is wrong in the body is told where it
    /// stands, also if that is another file.
    pub(super) fn leave<T>(&mut self, file: usize, result: Lower<T>) -> Lower<T> {
        let body = std::mem::replace(&mut self.file, file);
        match result {
            Ok(value) => {
                self.calls -= 1;
                self.expansion -= 1;
                Ok(value)
            }
            Err(super::Stop::Failure(failure)) if body != file => {
                let text = &self.files[body];
                let diagnostic = failure.into_diagnostic(&text.name, text.text());
                Err(super::Stop::Failure(Box::new(crate::diagnostic::Failure::Elsewhere(
                    diagnostic,
                ))))
            }
            Err(stop) => Err(stop),
        }
    }

    /// The gates of the statements of a body.
    fn collect(&mut self, body: &[Stmt], steps: &mut Vec<Step>) -> Lower<()> {
        for statement in body {
            let span = statement.span;
            self.step(span)?;
            match &statement.kind {
                StmtKind::Call(call) => self.collect_call(call, span, steps)?,
                StmtKind::Barrier(operands) => {
                    let mut targets = Vec::new();
                    for operand in operands {
                        match self.part(operand)? {
                            Part::Qubits(bits) => targets.extend_from_slice(&bits.bits),
                            _ => return fail(operand.span, "expected a qubit"),
                        }
                    }
                    self.distinct(&targets, span)?;
                    let (controls, params) = (Vec::new(), Vec::new());
                    steps.push(Step { what: What::Barrier, controls, params, targets });
                }
                StmtKind::Nop | StmtKind::Noted => {}
                StmtKind::Scope(block) | StmtKind::Box(None, block) => {
                    self.open_scope();
                    self.collect(block, steps)?;
                    self.close_scope();
                }
                StmtKind::If { condition, then, otherwise } => {
                    let value = self.eval(condition)?;
                    let chosen = match (value.as_truth(), otherwise) {
                        (Some(true), _) => then,
                        (Some(false), Some(otherwise)) => otherwise,
                        (Some(false), None) => continue,
                        (None, _) => {
                            return fail(
                                condition.span,
                                "a gate does not depend on what is measured",
                            );
                        }
                    };
                    self.open_scope();
                    self.collect(chosen, steps)?;
                    self.close_scope();
                }
                StmtKind::For { ty, name, values: ForValues::Range(range), body } => {
                    let ty = self.scalar(ty)?;
                    let Some(values) = self.known_range(range, ty)? else {
                        return fail(range.span, "a loop in a gate has few and known rounds");
                    };
                    let outer = self.rounds;
                    self.rounds = outer.saturating_mul(values.len().max(1) as u64);
                    for value in values {
                        let value = self.convert(&value, ty, name.span)?;
                        self.open_scope();
                        self.scopes.set(name.name, Symbol::Value(value));
                        self.collect(body, steps)?;
                        self.close_scope();
                    }
                    self.rounds = outer;
                }
                StmtKind::Declare { ty, name, value: Some(value), constant: true } => {
                    self.declaration(ty, *name, Some(value), true, span)?;
                }
                _ => {
                    return fail(
                        span,
                        "the body of a gate holds gates, barriers and loops over them",
                    );
                }
            }
        }
        Ok(())
    }

    fn collect_call(&mut self, call: &GateCall, span: Span, steps: &mut Vec<Step>) -> Lower<()> {
        let name = call.name;
        let callee = match self.scopes.find(name.name) {
            super::Found::Symbol(Symbol::Standard(standard)) => Callee::Standard(standard),
            super::Found::Symbol(Symbol::Gate(defined)) => Callee::Defined(defined),
            super::Found::Symbol(Symbol::Sub(_) | Symbol::Extern) => {
                return fail(span, "the body of a gate calls gates, no subroutines");
            }
            _ => {
                return self.unknown(name.name, name.span, "gate", |symbol| {
                    matches!(symbol, Symbol::Standard(_) | Symbol::Gate(_))
                });
            }
        };
        let mut params = Vec::with_capacity(call.params.len());
        for param in &call.params {
            params.push(self.eval(param)?);
        }
        let modified = self.modified(&call.modifiers)?;
        self.check_counts(&callee, name, params.len(), call.operands.len(), &modified)?;
        let mut qubits = Vec::with_capacity(call.operands.len());
        for operand in &call.operands {
            match self.part(operand)? {
                Part::Qubits(bits) if !bits.register => qubits.push(bits.bits[0]),
                _ => return fail(operand.span, "expected a qubit of the gate"),
            }
        }
        self.distinct(&qubits, span)?;
        let inner = self.steps_of(&callee, &modified, &params, &qubits, span)?;
        let operands =
            inner.iter().map(|s| (s.targets.len() + s.controls.len()) as u64).sum::<u64>();
        // The list is kept until the whole gate is known: a step takes as much as eight qubits do.
        self.charge(span, operands + 8 * inner.len() as u64, inner.len() as u64)?;
        steps.extend(inner);
        Ok(())
    }

    /// Appends the instruction of a step.
    fn emit(&mut self, step: &Step, span: Span) -> Lower<()> {
        let open: Vec<u32> = step.controls.iter().filter(|c| c.1).map(|c| c.0).collect();
        let n_controls = step.controls.len();
        let mut qubits: Vec<Qubit> = step.controls.iter().map(|c| Qubit(c.0)).collect();
        qubits.extend(step.targets.iter().copied().map(Qubit));
        let pattern = step.controls.iter().enumerate().filter(|(_, c)| !c.1);
        let pattern = pattern.fold(0_u64, |bits, (i, _)| if i < 64 { bits | 1 << i } else { bits });
        match &step.what {
            What::Barrier => {
                self.circuit.push_unchecked(Op::Barrier, &qubits, &[], &[]);
                return Ok(());
            }
            What::Matrix(matrix) => {
                if qubits.len() > MAX_MATRIX_QUBITS {
                    let found = qubits.len();
                    let message = format!(
                        "a power with its controls on {found} qubits, which has no simpler form: \
                         at most {MAX_MATRIX_QUBITS}"
                    );
                    return fail(span, message);
                }
                let value = match n_controls {
                    0 => (**matrix).clone(),
                    // The first qubits of the instruction are the lowest bits of the matrix.
                    _ => matrix.controlled(n_controls as u32, pattern),
                };
                let op = Op::Unitary(Box::new(Labelled { label: None, value }));
                self.circuit.push_unchecked(op, &qubits, &[], &[]);
                return Ok(());
            }
            What::Gate(..) => {}
        }
        let What::Gate(gate, form) = step.what else { unreachable!("the others were emitted") };
        if gate == Gate::GlobalPhase && n_controls == 0 {
            // What happened in one run only, no one can tell.
            let number = super::constant::radians(&step.params[0]);
            if let (Some(number), 0) = (number.filter(|number| number.is_finite()), self.region) {
                self.circuit.global_phase += number;
            }
            return Ok(());
        }
        let mut params: Vec<Param> = Vec::with_capacity(step.params.len());
        for param in &step.params {
            params.push(self.param(param, span)?);
        }
        let (gate, mut controls, mut state) = (gate, n_controls, pattern);
        let gate = match (gate, form) {
            (Gate::PhasedU, Form::U | Form::U2 | Form::U3) if n_controls == 0 => {
                params.truncate(3);
                match form {
                    Form::U => Gate::U,
                    Form::U2 => {
                        params.remove(0);
                        Gate::U2
                    }
                    _ => Gate::U3,
                }
            }
            // The phase of the controls is a phase gate on one of them.
            (Gate::GlobalPhase, _) => {
                let target = (0..n_controls).rev().find(|&i| !step.controls[i].1).unwrap_or(0);
                let last = qubits.remove(target);
                qubits.push(last);
                let low = state & ((1 << target.min(63)) - 1);
                let high = if target >= 63 { 0 } else { state >> (target + 1) << target };
                state = low | high;
                controls -= 1;
                let lone = open.len() == n_controls;
                if lone {
                    self.push_x(&[last.0]);
                }
                self.push_controlled(Gate::P, controls, state, &qubits, &params);
                if lone {
                    self.push_x(&[last.0]);
                }
                return Ok(());
            }
            _ => gate,
        };
        self.push_controlled(gate, controls, state, &qubits, &params);
        Ok(())
    }

    fn push_controlled(
        &mut self,
        gate: Gate,
        controls: usize,
        pattern: u64,
        qubits: &[Qubit],
        params: &[Param],
    ) {
        let controls = controls as u16;
        if controls <= 31
            && let Some(state) = ControlState::new(controls, pattern)
        {
            let op = Op::Gate(GateOp { gate, controls, state });
            self.circuit.push_unchecked(op, qubits, &[], params);
            return;
        }
        let is_open = |i: usize| i < 64 && pattern >> i & 1 == 0;
        let open: Vec<u32> =
            (0..usize::from(controls)).filter(|&i| is_open(i)).map(|i| qubits[i].0).collect();
        self.push_x(&open);
        let op = Op::Gate(GateOp::new(gate, controls));
        self.circuit.push_unchecked(op, qubits, &[], params);
        self.push_x(&open);
    }

    fn push_x(&mut self, qubits: &[u32]) {
        for &qubit in qubits {
            let op = Op::Gate(GateOp::new(Gate::X, 0));
            self.circuit.push_unchecked(op, &[Qubit(qubit)], &[], &[]);
        }
    }

    /// The qubit of `$number`.
    pub(super) fn physical_qubit(&mut self, number: u32, span: Span) -> Lower<u32> {
        if number >= MAX_PHYSICAL {
            return fail(span, format!("physical qubits are `$0` to `${}`", MAX_PHYSICAL - 1));
        }
        while self.physical.len() <= number as usize {
            let next = self.physical.len();
            if self.circuit.n_qubits() >= ketch_interface::circuit::MAX_QUBITS {
                return fail(span, "the program has too many qubits");
            }
            let qubit = self.circuit.add_qreg(format!("${next}"), 1);
            self.physical.push(qubit.0);
        }
        Ok(self.physical[number as usize])
    }
}

/// The most qubits of a matrix that a circuit gets, with its controls.
const MAX_MATRIX_QUBITS: usize = 8;

/// Physical qubits have lower numbers.
const MAX_PHYSICAL: u32 = 1 << 12;

fn operands_meet(qubits: &[u32]) -> bool {
    qubits.iter().enumerate().any(|(i, qubit)| qubits[..i].contains(qubit))
}
