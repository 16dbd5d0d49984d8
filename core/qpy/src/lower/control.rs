//! Branches and loops.

use ketch_interface::circuit::{
    BlockId, Case, Expr, ExprId, For, ForValues, Op, Switch, Value as Literal, VarType,
};

use super::{Frame, Lower, Lowerer, MAX_UNROLLED, MAX_UNROLLED_TOGETHER, fail, formula::Bound};
use crate::model::{Circuit, Instruction, Storage, Type, Value};

impl<'m> Lowerer<'m> {
    /// Makes room for an operation that names blocks.
    fn placeholder(&mut self) -> Lower<usize> {
        self.push(Op::End, &[], &[], &[])?;
        Ok(self.circuit.len() - 1)
    }

    fn block(&mut self, body: &'m Circuit<'m>, qubits: &[u32], clbits: &[u32]) -> Lower<BlockId> {
        let block = self.circuit.open_block();
        self.blocks += 1;
        self.inline(body, qubits, clbits)?;
        self.blocks -= 1;
        self.circuit.close_block(block);
        Ok(block)
    }

    fn loop_block(
        &mut self,
        body: &'m Circuit<'m>,
        qubits: &[u32],
        clbits: &[u32],
    ) -> Lower<BlockId> {
        self.loops += 1;
        let block = self.block(body, qubits, clbits)?;
        self.loops -= 1;
        Ok(block)
    }

    pub(super) fn if_else(
        &mut self,
        frame: &Frame<'m>,
        instruction: &'m Instruction<'m>,
        qubits: &[u32],
        clbits: &[u32],
    ) -> Lower<()> {
        let Some(condition) = &instruction.condition else { return fail("no condition") };
        let (then, otherwise) = match &instruction.params[..] {
            [Value::Circuit(then)] | [Value::Circuit(then), Value::Null] => (then, None),
            [Value::Circuit(then), Value::Circuit(otherwise)] => (then, Some(otherwise)),
            _ => return fail("one or two bodies expected"),
        };
        let condition = self.condition(frame, condition)?;
        let place = self.placeholder()?;
        let then = self.block(then, qubits, clbits)?;
        let otherwise = match otherwise {
            Some(body) => Some(self.block(body, qubits, clbits)?),
            None => None,
        };
        self.circuit.set_op(place, Op::If { condition, then, otherwise });
        Ok(())
    }

    pub(super) fn while_loop(
        &mut self,
        frame: &Frame<'m>,
        instruction: &'m Instruction<'m>,
        qubits: &[u32],
        clbits: &[u32],
    ) -> Lower<()> {
        let Some(condition) = &instruction.condition else { return fail("no condition") };
        let [Value::Circuit(body)] = &instruction.params[..] else { return fail("no body") };
        let condition = self.condition(frame, condition)?;
        let place = self.placeholder()?;
        let body = self.loop_block(body, qubits, clbits)?;
        self.circuit.set_op(place, Op::While { condition, body });
        Ok(())
    }

    pub(super) fn for_loop(
        &mut self,
        params: &'m [Value<'m>],
        qubits: &[u32],
        clbits: &[u32],
    ) -> Lower<()> {
        let [values, symbol, Value::Circuit(body)] = params else {
            return fail("values, a parameter and a body expected");
        };
        let uuid = match symbol {
            Value::Null => None,
            Value::Formula(formula) if let Some(symbol) = formula.symbol() => Some(symbol.uuid),
            _ => return fail("a loop whose variable is no parameter"),
        };
        let values = Values::of(values)?;
        let count = values.count();
        if count == 0 {
            return Ok(());
        }
        let most = MAX_UNROLLED.min(MAX_UNROLLED_TOGETHER / self.rounds);
        let outer = uuid.map(|uuid| (uuid, self.bound.get(&uuid).copied()));
        if count <= most && !jumps(body) {
            self.expansion += 1;
            self.rounds *= count;
            for round in 0..count {
                if let Some(uuid) = uuid {
                    self.bound.insert(uuid, Bound::Number(values.at(round) as f64));
                }
                self.inline(body, qubits, clbits)?;
            }
            self.rounds /= count;
            self.expansion -= 1;
        } else {
            let var = self.circuit.add_variable("_", VarType::Int(64));
            if let Some(uuid) = uuid {
                self.bound.insert(uuid, Bound::Variable(var));
            }
            let mut literal =
                |number: i64| self.circuit.add_expr(Expr::Literal(Literal::Int(number)));
            let values = match values {
                Values::Range { start, step, .. } => {
                    let stop = literal(values.at(count - 1));
                    ForValues::Range { start: literal(start), step: literal(step), stop }
                }
                Values::List(list) => ForValues::List(list.into_iter().map(literal).collect()),
            };
            let place = self.placeholder()?;
            let body = self.loop_block(body, qubits, clbits)?;
            self.circuit.set_op(place, Op::For(Box::new(For { var, values, body })));
        }
        match outer {
            Some((uuid, Some(bound))) => self.bound.insert(uuid, bound),
            Some((uuid, None)) => self.bound.remove(&uuid),
            None => None,
        };
        Ok(())
    }

    pub(super) fn switch(
        &mut self,
        frame: &Frame<'m>,
        params: &'m [Value<'m>],
        qubits: &[u32],
        clbits: &[u32],
    ) -> Lower<()> {
        let [target, Value::Tuple(cases)] = params else {
            return fail("a target and cases expected");
        };
        let (target, width) = match target {
            Value::Storage(storage) => {
                let width = match storage {
                    Storage::Bit(_) => 1,
                    Storage::Register(name) => frame.register(name)?.len(),
                };
                (self.read(frame, *storage)?, width as u32)
            }
            Value::Expression(expression) => {
                let width = match expression.nodes.last() {
                    Some((_, Type::Uint(width))) => *width,
                    _ => 1,
                };
                (self.run_time(frame, expression)?, width)
            }
            _ => return fail("a target that is no classical value"),
        };
        // Labels are signed. A wide target is compared without losing its highest bits.
        let signed = width < 64;
        let target = match signed {
            true => self.circuit.add_expr(Expr::Cast(VarType::Int(64), target)),
            false => target,
        };
        let place = self.placeholder()?;
        let mut lowered = Vec::with_capacity(cases.len());
        for case in cases {
            let Value::Tuple(case) = case else { return fail("a case without labels") };
            let [Value::Tuple(labels), Value::Circuit(body)] = &case[..] else {
                return fail("a case without labels or body");
            };
            let values = self.labels(labels, signed)?;
            let body = self.block(body, qubits, clbits)?;
            // Labels that are never met leave a case that is never run.
            if values.is_empty() && !labels.iter().any(|label| matches!(label, Value::Default)) {
                return fail("a case whose labels its target never equals");
            }
            lowered.push(Case { values, body });
        }
        self.circuit.set_op(place, Op::Switch(Box::new(Switch { target, cases: lowered })));
        Ok(())
    }

    /// The values of a case; none for the default.
    fn labels(&mut self, labels: &[Value<'m>], signed: bool) -> Lower<Vec<ExprId>> {
        if labels.iter().any(|label| matches!(label, Value::Default)) {
            return Ok(Vec::new());
        }
        let mut values = Vec::with_capacity(labels.len());
        for label in labels {
            let literal = match label {
                Value::Int(number) if signed => Literal::Int(*number),
                Value::Int(number) if *number >= 0 => {
                    Literal::Uint(ketch_interface::BitString::from_u64(64, *number as u64))
                }
                Value::Int(_) => continue,
                _ => return fail("a label that is no whole number"),
            };
            values.push(self.circuit.add_expr(Expr::Literal(literal)));
        }
        Ok(values)
    }
}

/// What a loop goes through.
enum Values {
    /// As Python's: `stop` is not reached.
    Range {
        start: i64,
        stop: i64,
        step: i64,
    },
    List(Vec<i64>),
}

impl Values {
    fn of(value: &Value<'_>) -> Lower<Self> {
        match value {
            Value::Range { step: 0, .. } => fail("a range whose step is 0"),
            &Value::Range { start, stop, step } => Ok(Self::Range { start, stop, step }),
            Value::Tuple(items) => {
                let each = items.iter().map(|item| match item {
                    Value::Int(number) => Ok(*number),
                    _ => fail("a loop over something else than whole numbers"),
                });
                Ok(Self::List(each.collect::<Lower<_>>()?))
            }
            _ => fail("a loop over something else than a range or a list"),
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::List(items) => items.len() as u64,
            &Self::Range { start, stop, step } => {
                let ahead = if step > 0 { stop > start } else { stop < start };
                match ahead {
                    true => stop.abs_diff(start).div_ceil(step.unsigned_abs()),
                    false => 0,
                }
            }
        }
    }

    /// The value of a round, of which there are enough.
    fn at(&self, round: u64) -> i64 {
        match self {
            Self::List(items) => items[round as usize],
            // The sum lies between the ends, so that what wraps on the way comes back.
            Self::Range { start, step, .. } => start.wrapping_add(step.wrapping_mul(round as i64)),
        }
    }
}

/// Something in the body leaves the loop around it, or its round.
fn jumps(body: &Circuit<'_>) -> bool {
    fn in_value(value: &Value<'_>) -> bool {
        match value {
            Value::Circuit(body) => jumps(body),
            Value::Tuple(items) => items.iter().any(in_value),
            _ => false,
        }
    }
    body.instructions.iter().any(|instruction| match instruction.name {
        "BreakLoopOp" | "ContinueLoopOp" => true,
        "IfElseOp" | "SwitchCaseOp" | "BoxOp" => instruction.params.iter().any(in_value),
        _ => false,
    })
}
