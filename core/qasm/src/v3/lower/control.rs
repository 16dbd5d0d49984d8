//! Blocks, branches and loops.

use ketch_interface::circuit::{
    BlockId, Case, Expr as Node, For, ForValues as Values, Op, Switch, Unary, Value as Literal,
};

use super::super::ast::{Block, Expr, ForValues, Ident, RangeExpr, Span, Stmt, SwitchCase, Type};
use super::{
    Lower, Lowerer, Stop,
    assigned::{Jumps, jumps_of},
    fail,
    jump::{Flow, Kind},
    place::Part,
    scope::Symbol,
    value::{Const, Ty, Value},
};

/// Variables, what is known of each, and whether the circuit knows it too.
pub(super) type Knowledge = Vec<(usize, Option<Const>, bool)>;

/// A loop of at most this many rounds is unrolled if its values are known.
pub const MAX_UNROLLED: u64 = 1024;

/// Loops in loops are unrolled up to this many rounds together.
pub const MAX_UNROLLED_TOGETHER: u64 = 1 << 16;

impl Lowerer<'_> {
    /// What is known of some variables.
    pub(super) fn knowledge(&self, vars: &[usize]) -> Knowledge {
        let known = |&var: &usize| (var, self.vars[var].known.clone(), self.vars[var].stored);
        vars.iter().map(known).collect()
    }

    /// Goes back to what was known.
    pub(super) fn know(&mut self, before: Knowledge) {
        for (var, known, stored) in before {
            self.vars[var].known = known;
            self.vars[var].stored = stored;
        }
    }

    /// Statements in a scope of their own.
    pub(super) fn block(&mut self, block: &Block) -> Lower<Flow> {
        self.open_scope();
        let flow = self.statements(block);
        self.close_scope();
        flow
    }

    pub(super) fn statements(&mut self, statements: &[Stmt]) -> Lower<Flow> {
        for statement in statements {
            let flow = self.statement(statement)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// Statements that may not be run, as a block of the circuit.
    fn branch(
        &mut self,
        written: &[usize],
        span: Span,
        body: impl FnOnce(&mut Self) -> Lower<Flow>,
    ) -> Lower<(BlockId, Flow)> {
        self.charge(span, 0, written.len() as u64 / 4)?;
        // Nothing else changes within, by what `written` says; jumps take back what they store.
        let before = self.knowledge(written);
        let block = self.circuit.open_block();
        self.region += 1;
        let flow = body(self)?;
        if flow != Flow::Dead {
            for &var in written {
                self.store(var, span)?;
            }
        }
        self.region -= 1;
        self.circuit.close_block(block);
        self.know(before);
        Ok((block, flow))
    }

    fn placeholder(&mut self) -> usize {
        self.circuit.push_unchecked(Op::End, &[], &[], &[]);
        self.circuit.len() - 1
    }

    fn store_each(&mut self, written: &[usize], span: Span) -> Lower<()> {
        written.iter().try_for_each(|&var| self.store(var, span))
    }

    fn forget_each(&mut self, written: &[usize]) {
        written.iter().for_each(|&var| self.forget(var));
    }

    pub(super) fn conditional(
        &mut self,
        condition: &Expr,
        then: &Block,
        otherwise: Option<&Block>,
        span: Span,
    ) -> Lower<Flow> {
        let value = self.eval(condition)?;
        let value = self.truth(&value, condition.span)?;
        if let Some(truth) = value.as_truth() {
            return match (truth, otherwise) {
                (true, _) => self.block(then),
                (false, Some(otherwise)) => self.block(otherwise),
                (false, None) => Ok(Flow::Next),
            };
        }
        let blocks: Vec<&Block> = std::iter::once(then).chain(otherwise).collect();
        let written = self.written(&blocks, span)?;
        self.store_each(&written, span)?;
        let condition = self.run_node(&value, span)?;
        let place = self.placeholder();
        let (then, then_flow) = self.branch(&written, span, |lower| lower.block(then))?;
        let mut dead = then_flow == Flow::Dead && otherwise.is_some();
        let otherwise = match otherwise {
            None => None,
            Some(block) => {
                let (block, flow) = self.branch(&written, span, |lower| lower.block(block))?;
                dead &= flow == Flow::Dead;
                Some(block)
            }
        };
        self.circuit.set_op(place, Op::If { condition, then, otherwise });
        self.forget_each(&written);
        Ok(if dead { Flow::Dead } else { Flow::Next })
    }

    /// One block of the circuit for each value of an index.
    pub(super) fn switch_on(
        &mut self,
        index: &Value,
        count: usize,
        written: &[usize],
        span: Span,
        mut each: impl FnMut(&mut Self, usize) -> Lower<()>,
    ) -> Lower<()> {
        let index = self.convert(index, Ty::Int(64), span)?;
        let target = self.run_node(&index, span)?;
        self.store_each(written, span)?;
        self.expansion += 1;
        let place = self.placeholder();
        let mut cases = Vec::with_capacity(count);
        for k in 0..count {
            let value = self.node(Node::Literal(Literal::Int(k as i64)));
            self.charge(span, 1, 1)?;
            let (body, _) = self.branch(written, span, |lower| {
                each(lower, k)?;
                Ok(Flow::Next)
            })?;
            cases.push(Case { values: vec![value], body });
        }
        self.expansion -= 1;
        self.circuit.set_op(place, Op::Switch(Box::new(Switch { target, cases })));
        self.forget_each(written);
        Ok(())
    }

    pub(super) fn switch(
        &mut self,
        target: &Expr,
        cases: &[SwitchCase],
        span: Span,
    ) -> Lower<Flow> {
        let value = self.eval(target)?;
        let value = match value.ty {
            Ty::Int(_) | Ty::Uint(_) | Ty::Literal => value,
            Ty::Bits(n) if n <= 64 => self.convert(&value, Ty::Uint(n), target.span)?,
            Ty::Bit | Ty::Bool => self.convert(&value, Ty::Uint(1), target.span)?,
            ty => {
                return fail(target.span, format!("`switch` on a `{ty}`, expected a whole number"));
            }
        };
        let mut labels: Vec<Vec<i128>> = Vec::with_capacity(cases.len());
        for case in cases {
            let mut values = Vec::with_capacity(case.values.len());
            for expr in &case.values {
                let label = self.known_int(expr, "the value of a `case`")?;
                if labels.iter().flatten().chain(&values).any(|other| *other == label) {
                    return fail(expr.span, format!("`case {label}` stands twice"));
                }
                let most = match value.ty {
                    Ty::Uint(_) => i128::from(u64::MAX),
                    _ => i128::from(i64::MAX),
                };
                if label < i128::from(i64::MIN) || label > most {
                    let message = format!("`case {label}`, a number of more than 64 bits");
                    return fail(expr.span, message);
                }
                self.charge(expr.span, 0, (labels.len() + values.len()) as u64)?;
                values.push(label);
            }
            labels.push(values);
        }
        if let Some(known) = value.as_int() {
            let chosen =
                labels.iter().position(|labels| labels.is_empty() || labels.contains(&known));
            return match chosen {
                Some(chosen) => self.block(&cases[chosen].body),
                None => Ok(Flow::Next),
            };
        }
        let blocks: Vec<&Block> = cases.iter().map(|case| &case.body).collect();
        let written = self.written(&blocks, span)?;
        self.store_each(&written, span)?;
        let wide = self.convert(&value, Ty::Int(64), target.span)?;
        let target = self.run_node(&wide, target.span)?;
        let place = self.placeholder();
        let mut lowered = Vec::with_capacity(cases.len());
        let mut dead = labels.last().is_some_and(Vec::is_empty);
        for (case, labels) in cases.iter().zip(labels) {
            let values = labels
                .into_iter()
                .map(|label| {
                    let label = Ty::Int(64).wrap(label) as i64;
                    self.node(Node::Literal(Literal::Int(label)))
                })
                .collect();
            let (body, flow) = self.branch(&written, span, |lower| lower.block(&case.body))?;
            dead &= flow == Flow::Dead;
            lowered.push(Case { values, body });
        }
        self.circuit.set_op(place, Op::Switch(Box::new(Switch { target, cases: lowered })));
        self.forget_each(&written);
        Ok(if dead { Flow::Dead } else { Flow::Next })
    }

    pub(super) fn while_loop(&mut self, condition: &Expr, body: &Block, span: Span) -> Lower<Flow> {
        self.charge(span, 0, self.vars.len() as u64 / 8)?;
        let (point, place) = (self.checkpoint(), self.targets.len());
        match self.unrolled_while(condition, body, span) {
            Ok(Some(flow)) => return Ok(flow),
            // The condition is not known after some rounds, or a jump needs a loop to leave.
            Ok(None) => self.rewind(point),
            Err(Stop::Retry(target)) if target == place || target == place + 1 => {
                self.rewind(point);
            }
            Err(stop) => return Err(stop),
        }
        self.expansion += 1;
        let written = self.written_in_rounds(condition, body, span)?;
        self.store_each(&written, span)?;
        self.forget_each(&written);
        let (point, length) = (self.checkpoint(), self.circuit.len());
        let value = self.eval(condition)?;
        let value = self.truth(&value, condition.span)?;
        let simple = self.circuit.len() == length && !self.changes_arrays(condition);
        let asked = match simple {
            true => self.run_node(&value, span)?,
            // What the condition does is done in each round.
            false => {
                self.rewind(point);
                self.node(Node::Literal(Literal::Bool(true)))
            }
        };
        let place = self.placeholder();
        self.loops += 1;
        let endless = value.as_truth() == Some(true) && !jumps_of(body).breaks;
        let (block, _) = self.branch(&written, span, |lower| {
            lower.open_target(Kind::Loop, false);
            if !simple {
                let value = lower.eval(condition)?;
                let value = lower.truth(&value, condition.span)?;
                lower.store_each(&written, span)?;
                let node = lower.run_node(&value, span)?;
                let over = lower.node(Node::Unary(Unary::Not, node));
                let leave = lower.circuit.open_if(over);
                lower.circuit.push_unchecked(Op::Break, &[], &[], &[]);
                lower.circuit.close_block(leave);
            }
            let flow = lower.block(body)?;
            lower.end_of_round(flow, span)
        })?;
        self.targets.pop();
        self.loops -= 1;
        self.expansion -= 1;
        self.circuit.set_op(place, Op::While { condition: asked, body: block });
        self.forget_each(&written);
        self.behind_loop();
        Ok(if endless { Flow::Dead } else { Flow::Next })
    }

    /// The end of a round of a loop of the circuit.
    fn end_of_round(&mut self, flow: Flow, span: Span) -> Lower<Flow> {
        if flow == Flow::Break {
            self.store_for_jump(span)?;
            self.circuit.push_unchecked(Op::Break, &[], &[], &[]);
            return Ok(Flow::Dead);
        }
        Ok(flow)
    }

    /// A loop whose condition is known in each round; `None` if it is not.
    fn unrolled_while(
        &mut self,
        condition: &Expr,
        body: &Block,
        span: Span,
    ) -> Lower<Option<Flow>> {
        self.open_target(Kind::Unrolled, false);
        self.open_target(Kind::Round, false);
        let place = self.targets.len() - 2;
        self.expansion += 1;
        let rounds = MAX_UNROLLED.min(MAX_UNROLLED_TOGETHER / self.rounds.max(1));
        let outer = self.rounds;
        for round in 0..=rounds {
            let value = self.eval(condition)?;
            let value = self.truth(&value, condition.span)?;
            let mut over = match value.as_truth() {
                None => return Ok(None),
                Some(truth) => (!truth).then_some(Flow::Next),
            };
            if over.is_none() {
                if round == rounds {
                    return Ok(None);
                }
                self.charge(span, 0, 1)?;
                self.rounds = outer * (round + 1);
                over = match self.block(body)? {
                    Flow::Next | Flow::Continue => None,
                    Flow::Break => Some(Flow::Next),
                    flow => Some(flow),
                };
            }
            if let Some(flow) = over {
                self.rounds = outer;
                self.targets.truncate(place);
                self.expansion -= 1;
                return Ok(Some(flow));
            }
        }
        Ok(None)
    }

    pub(super) fn for_loop(
        &mut self,
        ty: &Type,
        name: Ident,
        values: &ForValues,
        body: &Block,
        span: Span,
    ) -> Lower<Flow> {
        let ty = self.scalar(ty)?;
        let values = match values {
            ForValues::Range(range) => {
                let ends = self.range_ends(range, ty)?;
                match self.known_rounds(&ends, range.span)? {
                    Some(values) => values,
                    None => return self.run_for(ty, name, &ends, range, body, span),
                }
            }
            // The rounds do not change what the loop goes through.
            ForValues::Set(items) => {
                let keep = self.changes_anything(body);
                let mut values = self.eval_each(items)?;
                for (value, item) in values.iter_mut().zip(items).filter(|_| keep) {
                    *value = self.kept(value, item.span)?;
                }
                values
            }
            ForValues::Of(expr) => {
                let keep = self.changes_anything(body);
                self.values_of(expr, keep)?
            }
        };
        if values.is_empty() {
            return Ok(Flow::Next);
        }
        let written = self.written(&[body], span)?;
        let Jumps { breaks, continues } = jumps_of(body);
        let outer = self.rounds;
        self.rounds = outer.saturating_mul(values.len() as u64);
        self.expansion += 1;
        let round = |lower: &mut Self, value: &Value| {
            lower.charge(span, 0, 1)?;
            lower.open_scope();
            let value = lower.convert(value, ty, name.span)?;
            let var = lower.new_var(name.name, ty);
            lower.scopes.set(name.name, Symbol::Var(var));
            lower.write_var(var, &value, name.span)?;
            let flow = lower.statements(body);
            lower.close_scope();
            flow
        };
        let all = |lower: &mut Self| {
            for value in &values {
                let flow = match continues {
                    true => lower.leaving(Kind::Round, &written, span, |l| round(l, value))?,
                    false => round(lower, value)?,
                };
                match flow {
                    Flow::Next | Flow::Continue => {}
                    Flow::Break => return Ok(Flow::Next),
                    flow => return Ok(flow),
                }
            }
            Ok(Flow::Next)
        };
        let flow = match breaks {
            true => self.leaving(Kind::Unrolled, &written, span, all)?,
            false => all(self)?,
        };
        self.rounds = outer;
        self.expansion -= 1;
        Ok(flow)
    }

    /// Where a loop's range starts and stops, and its step.
    fn range_ends(&mut self, range: &RangeExpr, ty: Ty) -> Lower<[Value; 3]> {
        let (Some(start), Some(stop)) = (&range.start, &range.stop) else {
            return fail(range.span, "the range of a loop has two ends");
        };
        if !ty.is_integer() {
            return fail(range.span, format!("a range gives whole numbers, not a `{ty}`"));
        }
        let exprs = [start, stop].into_iter().chain(&range.step).map(|expr| &**expr);
        let mut values = self.eval_each(exprs)?.into_iter();
        let mut next = || values.next().unwrap_or_else(|| Value::literal(1));
        Ok([next(), next(), next()])
    }

    /// The values of a range if they are known and few.
    pub(super) fn known_range(&mut self, range: &RangeExpr, ty: Ty) -> Lower<Option<Vec<Value>>> {
        let ends = self.range_ends(range, ty)?;
        self.known_rounds(&ends, range.span)
    }

    fn known_rounds(&self, ends: &[Value; 3], span: Span) -> Lower<Option<Vec<Value>>> {
        let [Some(start), Some(stop), Some(step)] = [0, 1, 2].map(|end| ends[end].as_int()) else {
            return Ok(None);
        };
        if step == 0 {
            return fail(span, "a range whose step is 0");
        }
        let rounds = match start.abs_diff(stop) / step.unsigned_abs() {
            _ if (step > 0) != (stop >= start) && stop != start => 0,
            rounds => rounds.saturating_add(1),
        };
        let most = MAX_UNROLLED.min(MAX_UNROLLED_TOGETHER / self.rounds.max(1));
        if rounds > u128::from(most) {
            return Ok(None);
        }
        // The numbers lie between the ends, so that what wraps on the way to them comes back.
        let at = |round: i128| Value::literal(start.wrapping_add(round.wrapping_mul(step)));
        Ok(Some((0..rounds as i128).map(at).collect()))
    }

    /// The elements that a loop over an array or register goes through, kept if its rounds may
    /// change them.
    fn values_of(&mut self, expr: &Expr, keep: bool) -> Lower<Vec<Value>> {
        let span = expr.span;
        let held = |lower: &mut Self, value: Value| match keep {
            true => lower.kept(&value, span),
            false => Ok(value),
        };
        match self.part(expr)? {
            Part::Array(array) if array.sizes.len() == 1 => {
                let each = array.vars.iter().map(|&var| {
                    let value = self.read_var(var, span)?;
                    held(self, value)
                });
                each.collect()
            }
            Part::Array(_) => fail(span, "a loop goes over an array of one dimension"),
            part => {
                let value = self.read(&part, span)?;
                let Ty::Bits(n) = value.ty else {
                    return fail(span, format!("a loop over a `{}`", value.ty));
                };
                self.charge(span, u64::from(n), u64::from(n))?;
                let value = held(self, value)?;
                (0..n).map(|bit| self.bits_at(&value, &[bit], false, span)).collect()
            }
        }
    }

    /// A loop of the circuit.
    fn run_for(
        &mut self,
        ty: Ty,
        name: Ident,
        ends: &[Value; 3],
        range: &RangeExpr,
        body: &Block,
        span: Span,
    ) -> Lower<Flow> {
        self.expansion += 1;
        let ty = if ty == Ty::Literal { Ty::Int(super::value::INT_WIDTH) } else { ty };
        let written = self.written(&[body], span)?;
        let mut nodes = Vec::with_capacity(ends.len());
        for value in ends {
            if let Some(end) = value.as_int()
                && i64::try_from(end).is_err()
            {
                let message = format!("a range with {end}, a number of more than 64 bits");
                return fail(range.span, message);
            }
            let value = self.convert(value, Ty::Int(64), range.span)?;
            nodes.push(self.run_node(&value, range.span)?);
        }
        let [start, stop, step] = nodes[..] else { unreachable!("as many as there are ends") };
        self.store_each(&written, span)?;
        self.forget_each(&written);
        // The circuit counts in signed numbers, the program in those of its type.
        let counter = self.unnamed_var(Ty::Int(64));
        let id = self.var_id(counter, span)?;
        self.forget(counter);
        let place = self.placeholder();
        self.loops += 1;
        let (block, _) = self.branch(&written, span, |lower| {
            lower.open_target(Kind::Loop, false);
            lower.open_scope();
            let value = lower.read_var(counter, span)?;
            let value = lower.convert(&value, ty, span)?;
            let var = lower.new_var(name.name, ty);
            lower.scopes.set(name.name, Symbol::Var(var));
            lower.write_var(var, &value, name.span)?;
            let flow = lower.statements(body);
            lower.close_scope();
            lower.end_of_round(flow?, span)
        })?;
        self.targets.pop();
        self.loops -= 1;
        self.expansion -= 1;
        let values = Values::Range { start, step, stop };
        self.circuit.set_op(place, Op::For(Box::new(For { var: id, values, body: block })));
        self.forget_each(&written);
        self.behind_loop();
        Ok(Flow::Next)
    }

    /// Opens a scope within the same body.
    pub(super) fn open_scope(&mut self) {
        self.scopes.open(self.vars.len());
    }

    /// Closes it; its variables are gone.
    pub(super) fn close_scope(&mut self) {
        let vars = self.scopes.close();
        self.vars.truncate(vars);
    }
}
