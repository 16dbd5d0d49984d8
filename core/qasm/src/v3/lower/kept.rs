//! Values that are read before something is written.
//!
//! A value that is known only while the circuit runs is an expression, which is evaluated where it
//! stands in the circuit. What follows it in the program may come before that place, and change the
//! variables that the expression names: then the value is first kept in a variable of its own.

use super::super::ast::{Expr, Span};
use super::{
    Lower, Lowerer,
    place::Part,
    value::{Of, Value},
};

impl Lowerer<'_> {
    /// The value as it is now, whatever is written later. Durations have no storage: they stay as
    /// they are.
    pub(super) fn kept(&mut self, value: &Value, span: Span) -> Lower<Value> {
        if matches!(value.of, Of::Known(_)) || value.ty.stored().is_none() {
            return Ok(value.clone());
        }
        let var = self.unnamed_var(value.ty);
        self.write_var(var, value, span)?;
        self.read_var(var, span)
    }

    /// The value, kept if `next` may change what it is read from.
    pub(super) fn kept_before(&mut self, value: Value, next: &Expr) -> Lower<Value> {
        match matches!(value.of, Of::Run(_)) && self.changes_arrays(next) {
            true => self.kept(&value, next.span),
            false => Ok(value),
        }
    }

    /// The values of expressions, from the first to the last.
    pub(super) fn eval_each<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e Expr>,
    ) -> Lower<Vec<Value>> {
        let mut values: Vec<Value> = Vec::new();
        let mut n_kept = 0;
        for expr in exprs {
            if values[n_kept..].iter().any(|value| matches!(value.of, Of::Run(_)))
                && self.changes_arrays(expr)
            {
                for value in &mut values[n_kept..] {
                    *value = self.kept(value, expr.span)?;
                }
                n_kept = values.len();
            }
            values.push(self.eval(expr)?);
        }
        Ok(values)
    }

    /// Keeps which part is chosen, if `next` may change that.
    pub(super) fn keep_choice(&mut self, part: &mut Part, next: &Expr) -> Lower<()> {
        if let Part::Choice { parts, index } = part
            && self.changes_arrays(next)
        {
            *index = self.kept(index, next.span)?;
            parts.iter_mut().try_for_each(|part| self.keep_choice(part, next))?;
        }
        Ok(())
    }
}
