//! Statements that are neither declarations nor control flow.

use std::collections::BTreeSet;

use ketch_interface::circuit::{Op, Qubit, TimeUnit};

use super::super::ast::{BinaryOp, Expr, ExprKind, Span, Stmt, StmtKind};
use super::{
    Lower, Lowerer, fail,
    jump::Flow,
    place::{Part, vars_of},
    scope::{Bits, Defined, Symbol},
    value::{Const, Ty},
};

impl Lowerer<'_> {
    /// Gives a statement its meaning.
    pub(super) fn statement(&mut self, statement: &Stmt) -> Lower<Flow> {
        let span = statement.span;
        self.step(span)?;
        match &statement.kind {
            StmtKind::Include(_) => fail(span, "`include` stands outside of all blocks"),
            StmtKind::Declare { ty, name, value, constant } => {
                self.declaration(ty, *name, value.as_ref(), *constant, span)?;
                Ok(Flow::Next)
            }
            StmtKind::Io { ty, name, input } => {
                self.io(ty, *name, *input, span)?;
                Ok(Flow::Next)
            }
            StmtKind::Alias(name, value) => {
                self.alias(*name, value)?;
                Ok(Flow::Next)
            }
            StmtKind::Assign { target, operator, value } => {
                self.assignment(target, *operator, value, span)?;
                Ok(Flow::Next)
            }
            StmtKind::Gate(tree) => {
                self.only_global("gate", span)?;
                let defined = Defined { file: self.file, tree: tree.clone() };
                self.declare(tree.name, Symbol::Gate(defined.into()))?;
                Ok(Flow::Next)
            }
            StmtKind::Def(tree) => {
                self.only_global("def", span)?;
                let defined = Defined { file: self.file, tree: tree.clone() };
                self.declare(tree.name, Symbol::Sub(defined.into()))?;
                Ok(Flow::Next)
            }
            StmtKind::Extern(name) => {
                self.only_global("extern", span)?;
                self.declare(*name, Symbol::Extern)?;
                Ok(Flow::Next)
            }
            StmtKind::Call(call) => {
                self.call(call, span)?;
                Ok(Flow::Next)
            }
            StmtKind::Measure { value, target } => {
                match target {
                    Some(target) => self.assignment(target, None, value, span)?,
                    None => {
                        self.eval(value)?;
                    }
                }
                Ok(Flow::Next)
            }
            StmtKind::Reset(operand) => {
                self.on_each(operand, span, |lower, bits| lower.at_once(Op::Reset, bits, span))?;
                Ok(Flow::Next)
            }
            StmtKind::Barrier(operands) => {
                let bits = self.all_of(operands, span)?;
                self.at_once(Op::Barrier, &bits, span)?;
                Ok(Flow::Next)
            }
            StmtKind::Delay(duration, operands) => {
                self.delay(duration, operands, span)?;
                Ok(Flow::Next)
            }
            StmtKind::Box(duration, body) => {
                if let Some(duration) = duration {
                    let value = self.eval(duration)?;
                    if value.ty != Ty::Duration {
                        let message =
                            format!("the length of a `box` is a duration, not a `{}`", value.ty);
                        return fail(duration.span, message);
                    }
                }
                self.block(body)
            }
            StmtKind::Nop | StmtKind::Noted => Ok(Flow::Next),
            StmtKind::DefCal(name) => {
                self.calibrated.extend(*name);
                Ok(Flow::Next)
            }
            StmtKind::Cal => {
                fail(span, "`cal` is for hardware that plays pulses: no backend here runs it")
            }
            StmtKind::Expr(expr) => {
                self.call_or_value(expr)?;
                Ok(Flow::Next)
            }
            StmtKind::Scope(block) => self.block(block),
            StmtKind::If { condition, then, otherwise } => {
                self.conditional(condition, then, otherwise.as_ref(), span)
            }
            StmtKind::While { condition, body } => self.while_loop(condition, body, span),
            StmtKind::For { ty, name, values, body } => {
                self.for_loop(ty, *name, values, body, span)
            }
            StmtKind::Switch { target, cases } => self.switch(target, cases, span),
            StmtKind::Break => self.jump(Flow::Break, span),
            StmtKind::Continue => self.jump(Flow::Continue, span),
            StmtKind::End => self.jump(Flow::End, span),
            StmtKind::Return(value) => {
                self.returned(value.as_ref(), span)?;
                self.jump(Flow::Return, span)
            }
        }
    }

    fn only_global(&self, what: &str, span: Span) -> Lower<()> {
        match self.scopes.is_global() {
            true => Ok(()),
            false => fail(span, format!("`{what}` stands outside of all blocks")),
        }
    }

    fn assignment(
        &mut self,
        target: &Expr,
        operator: Option<BinaryOp>,
        value: &Expr,
        span: Span,
    ) -> Lower<()> {
        let mut place = self.part(target)?;
        self.keep_choice(&mut place, value)?;
        if let Part::Array(array) = &place {
            if operator.is_some() {
                return fail(span, "whole arrays have no operators");
            }
            let array = array.clone();
            return self.assign_array(&array, value);
        }
        if let (None, ExprKind::Measure(operand)) = (operator, &value.kind) {
            let written = vars_of(std::slice::from_ref(&place));
            return self.on_qubits(operand, &written, value.span, |lower, qubits| {
                lower.measure_into(qubits, &place, span)
            });
        }
        let mut new = self.eval(value)?;
        if let Some(operator) = operator {
            let old = self.read(&place, target.span)?;
            new = self.binary(operator, &old, &new, span)?;
        }
        self.assign(&place, &new, span)
    }

    /// Runs `each` with the qubits of an operand, in a block of the circuit for each choice if an
    /// index is not known.
    pub(super) fn on_each(
        &mut self,
        operand: &Expr,
        span: Span,
        each: impl FnMut(&mut Self, &[u32]) -> Lower<()>,
    ) -> Lower<()> {
        let mut each = each;
        self.on_qubits(operand, &[], span, |lower, bits| each(lower, &bits.bits))
    }

    fn on_qubits(
        &mut self,
        operand: &Expr,
        written: &[usize],
        span: Span,
        mut each: impl FnMut(&mut Self, &Bits) -> Lower<()>,
    ) -> Lower<()> {
        match self.part(operand)? {
            Part::Qubits(bits) => each(self, &bits),
            Part::Choice { parts, index } => {
                self.switch_on(&index, parts.len(), written, span, |lower, k| match &parts[k] {
                    Part::Qubits(bits) => each(lower, bits),
                    _ => fail(operand.span, "expected a qubit or register"),
                })
            }
            _ => fail(operand.span, "expected a qubit or register"),
        }
    }

    /// The qubits of all operands; of the whole circuit if there are none.
    fn all_of(&mut self, operands: &[Expr], span: Span) -> Lower<Vec<u32>> {
        if operands.is_empty() {
            return Ok((0..self.circuit.n_qubits()).collect());
        }
        let mut all: Vec<u32> = Vec::new();
        let mut chosen = BTreeSet::new();
        for operand in operands {
            match self.part(operand)? {
                Part::Qubits(bits) => {
                    self.charge(span, bits.bits.len() as u64, 0)?;
                    all.extend_from_slice(&bits.bits);
                }
                // Which one it is does not matter to what comes before and behind.
                Part::Choice { parts, .. } => {
                    for part in parts {
                        if let Part::Qubits(bits) = part {
                            self.charge(span, bits.bits.len() as u64, 0)?;
                            chosen.extend(bits.bits.iter().copied());
                        }
                    }
                }
                _ => return fail(operand.span, "expected a qubit or register"),
            }
        }
        for bit in &all {
            chosen.remove(bit);
        }
        all.extend(chosen);
        Ok(all)
    }

    /// One instruction on all of these qubits.
    fn at_once(&mut self, op: Op, bits: &[u32], span: Span) -> Lower<()> {
        self.distinct(bits, span)?;
        if bits.len() > 1 || self.expansion > 0 {
            self.charge(span, bits.len() as u64, 1)?;
        }
        let qubits: Vec<Qubit> = bits.iter().copied().map(Qubit).collect();
        self.circuit.push_unchecked(op, &qubits, &[], &[]);
        Ok(())
    }

    fn delay(&mut self, duration: &Expr, operands: &[Expr], span: Span) -> Lower<()> {
        let value = self.eval(duration)?;
        if value.ty != Ty::Duration {
            let message = format!("a delay takes a duration such as `100ns`, not a `{}`", value.ty);
            return fail(duration.span, message);
        }
        let bits = self.all_of(operands, span)?;
        self.distinct(&bits, span)?;
        self.charge(span, bits.len() as u64, 1)?;
        let (unit, amount) = match value.as_known() {
            Some(Const::Time(time)) => {
                // A stretch takes what is needed: never less than nothing.
                let amount = if time.stretch { time.amount.max(0.0) } else { time.amount };
                if amount < 0.0 || !amount.is_finite() {
                    return fail(duration.span, "a delay of less than nothing");
                }
                (time.unit, ketch_interface::circuit::Param::Number(amount))
            }
            _ => {
                let node = self.run_node(&value, duration.span)?;
                (TimeUnit::Second, ketch_interface::circuit::Param::Expr(node))
            }
        };
        let qubits: Vec<Qubit> = bits.into_iter().map(Qubit).collect();
        self.circuit.push_unchecked(Op::Delay(unit), &qubits, &[], &[amount]);
        Ok(())
    }

    /// No qubit stands twice.
    pub(super) fn distinct(&self, bits: &[u32], span: Span) -> Lower<()> {
        if bits.len() < 2 {
            return Ok(());
        }
        let qubits: Vec<Qubit> = bits.iter().copied().map(Qubit).collect();
        let Some(Qubit(qubit)) = ketch_interface::circuit::first_repeated(&qubits) else {
            return Ok(());
        };
        let registers = self.circuit.qregs().iter();
        let mut holding = registers.filter(|register| register.bits().contains(&qubit));
        let name = match holding.next() {
            Some(register) if register.size == 1 => register.name.clone(),
            Some(register) => {
                let name = crate::lexer::shown(&register.name);
                format!("{name}[{}]", qubit - register.start)
            }
            None => qubit.to_string(),
        };
        fail(span, format!("qubit `{name}` stands twice"))
    }
}
