//! Writing the instructions of a circuit.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{QobjDialect, conditions::Condition, instructions::MAX_REGISTER, params};
use crate::{
    BitString, Circuit,
    circuit::{BlockId, Clbit, Expr, ExprId, Instruction, Op, Param, Qubit, Scope, VarId, VarType},
};

/// What cannot be written.
type Write<T> = Result<T, String>;

pub(super) fn instructions(circuit: &Circuit, dialect: QobjDialect) -> Write<Vec<Value>> {
    let mut registers: Vec<Option<u32>> = Vec::new();
    let mut taken = BTreeSet::new();
    for variable in circuit.variables() {
        let number = variable.name.strip_prefix('r').and_then(|digits| digits.parse().ok());
        let usable = number.filter(|&number| number < MAX_REGISTER && taken.insert(number));
        registers.push(usable);
    }
    let next_register = taken.last().map_or(0, |&last| last + 1);
    let mut writer = Writer { circuit, dialect, registers, next_register, written: Vec::new() };
    writer.block(None, None)?;
    Ok(writer.written)
}

struct Writer<'c> {
    circuit: &'c Circuit,
    dialect: QobjDialect,
    /// The numbers of the variables, where they have one already.
    registers: Vec<Option<u32>>,
    next_register: u32,
    written: Vec<Value>,
}

impl Writer<'_> {
    /// Writes a block, each instruction with the condition beside it.
    fn block(&mut self, block: Option<BlockId>, condition: Option<&Value>) -> Write<()> {
        let instructions: Vec<Instruction<'_>> =
            self.circuit.block(block).map(|(_, instruction)| instruction).collect();
        let mut rest = instructions.as_slice();
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            match first.op {
                Op::If { .. } if condition.is_some() => {
                    return Err("an if inside an if".to_owned());
                }
                Op::If { condition, then, otherwise } => {
                    self.branch(*condition, *then, *otherwise)?;
                }
                Op::Measure => rest = self.measure(first, behind, condition)?,
                Op::Store { var, value } => {
                    rest = self.store(*var, *value, behind, condition)?;
                }
                _ => self.plain(first, condition)?,
            }
        }
        Ok(())
    }

    fn branch(&mut self, id: ExprId, then: BlockId, otherwise: Option<BlockId>) -> Write<()> {
        let mut blocks = [Some(then), otherwise].into_iter().flatten();
        if blocks.all(|block| self.circuit.block_range(Some(block)).is_empty()) {
            return Ok(());
        }
        if let Expr::Var(var) = self.circuit.expression(id) {
            if otherwise.is_some() {
                return Err("the else branch of a register's value".to_owned());
            }
            let mut register = self.register(*var)?;
            let range = self.circuit.block_range(Some(then));
            let changes = |place| writes_variable(self.circuit.instruction(place).op, *var);
            if range.len() > 1 && range.into_iter().any(changes) {
                let copy = self.fresh_register();
                let copied = json!({
                    "name": "copy", "register_orig": register, "register_copy": [copy],
                });
                self.written.push(copied);
                register = copy;
            }
            return self.block(Some(then), Some(&register.into()));
        }
        let condition = Condition::of(self.circuit, id)
            .ok_or_else(|| format!("the condition in expression {}", id.0))?;
        if self.dialect == QobjDialect::Terra06
            && otherwise.is_none()
            && self.keeps_clbits(then)
            && let Some(object) = condition.to_object()
        {
            return self.block(Some(then), Some(&object));
        }
        // Both conditions come first: the branches may change the clbits.
        let negated = otherwise.map(|_| condition.clone().negated());
        let register = self.bfunc(&condition);
        let negated = negated.map(|negated| self.bfunc(&negated));
        self.block(Some(then), Some(&register.into()))?;
        match (otherwise, negated) {
            (Some(block), Some(register)) => self.block(Some(block), Some(&register.into())),
            _ => Ok(()),
        }
    }

    /// At most the last instruction of a block changes clbits, so that the condition can be asked
    /// before each.
    fn keeps_clbits(&self, block: BlockId) -> bool {
        let range = self.circuit.block_range(Some(block));
        let mut all_but_last = range.start..range.end.saturating_sub(1).max(range.start);
        all_but_last.all(|place| !self.circuit.instruction(place).op.writes_clbits())
    }

    /// Computes a condition into a new register.
    fn bfunc(&mut self, condition: &Condition) -> u32 {
        let register = self.fresh_register();
        let mut bfunc = condition.to_bfunc();
        bfunc["register"] = register.into();
        self.written.push(bfunc);
        register
    }

    /// A measurement, and with it the stores right behind that keep the same bits in registers.
    fn measure<'i>(
        &mut self,
        measure: &Instruction<'_>,
        behind: &'i [Instruction<'i>],
        condition: Option<&Value>,
    ) -> Write<&'i [Instruction<'i>]> {
        if measure.qubits.is_empty() {
            return Ok(behind);
        }
        let mut fields = Map::new();
        fields.insert("memory".to_owned(), numbers_of(measure.clbits));
        if self.dialect == QobjDialect::Terra06 {
            fields.insert("clbits".to_owned(), numbers_of(measure.clbits));
        }
        let kept = |(clbit, instruction): (&Clbit, &Instruction<'_>)| match instruction.op {
            Op::Store { var, value } if *self.circuit.expression(*value) == Expr::Clbit(*clbit) => {
                Some(*var)
            }
            _ => None,
        };
        let kept: Vec<VarId> = measure.clbits.iter().zip(behind).map_while(kept).collect();
        let mut rest = behind;
        if kept.len() == measure.clbits.len() {
            let registers: Write<Vec<u32>> = kept.iter().map(|var| self.register(*var)).collect();
            fields.insert("register".to_owned(), registers?.into());
            rest = &behind[kept.len()..];
        }
        self.push("measure", measure.qubits, fields, condition);
        Ok(rest)
    }

    /// A value for a register: a copy, or a condition, which may go into memory too.
    fn store<'i>(
        &mut self,
        var: VarId,
        value: ExprId,
        behind: &'i [Instruction<'i>],
        condition: Option<&Value>,
    ) -> Write<&'i [Instruction<'i>]> {
        let register = self.register(var)?;
        if let Expr::Var(from) = self.circuit.expression(value) {
            let from = self.register(*from)?;
            let mut fields = Map::new();
            fields.insert("register_orig".to_owned(), from.into());
            fields.insert("register_copy".to_owned(), vec![register].into());
            self.push("copy", &[], fields, condition);
            return Ok(behind);
        }
        let mut fields = self.bfunc_fields(value)?;
        fields.insert("register".to_owned(), register.into());
        let mut rest = behind;
        if let Some((next, after)) = behind.split_first()
            && let (Op::StoreClbits(stored), [clbit]) = (next.op, next.clbits)
            && *self.circuit.expression(*stored) == Expr::Var(var)
        {
            fields.insert("memory".to_owned(), clbit.0.into());
            rest = after;
        }
        self.push("bfunc", &[], fields, condition);
        Ok(rest)
    }

    fn bfunc_fields(&self, value: ExprId) -> Write<Map<String, Value>> {
        let computed = Condition::of(self.circuit, value);
        match computed.map(|computed| computed.to_bfunc()) {
            Some(Value::Object(fields)) => Ok(fields),
            _ => Err(format!("the value in expression {}", value.0)),
        }
    }

    /// Every other instruction.
    fn plain(&mut self, instruction: &Instruction<'_>, condition: Option<&Value>) -> Write<()> {
        let name = instruction.op.name();
        let mut fields = Map::new();
        match instruction.op {
            Op::Reset => {
                // One for each qubit: the schema has no others.
                for qubit in instruction.qubits {
                    self.push("reset", &[*qubit], Map::new(), condition);
                }
                return Ok(());
            }
            Op::Barrier if instruction.qubits.is_empty() => return Ok(()),
            Op::MeasureVar { var, bit: 0 } => {
                fields.insert("register".to_owned(), vec![self.register(*var)?].into());
            }
            Op::StoreClbits(value) if instruction.clbits.len() == 1 => {
                let mut fields = self.bfunc_fields(*value)?;
                fields.insert("memory".to_owned(), instruction.clbits[0].0.into());
                self.push("bfunc", &[], fields, condition);
                return Ok(());
            }
            Op::While { .. } | Op::For(_) | Op::Switch(_) => return Err(format!("a `{name}`")),
            Op::Break | Op::Continue | Op::End | Op::MeasureVar { .. } => {
                return Err(format!("a `{name}`"));
            }
            op if op.is_store() => return Err(format!("a `{name}`")),
            Op::Delay(unit) => {
                fields.insert("unit".to_owned(), json!(unit));
            }
            op => {
                if let Some(Value::Object(more)) = params::write(op)? {
                    fields = more;
                    fields.retain(|_, value| !value.is_null());
                }
            }
        }
        if !instruction.params.is_empty() {
            let numbers: Write<Vec<f64>> =
                instruction.params.iter().map(|param| self.number(*param, &name)).collect();
            fields.insert("params".to_owned(), numbers?.into());
        }
        if !instruction.clbits.is_empty() {
            fields.insert("memory".to_owned(), numbers_of(instruction.clbits));
        }
        self.push(&name, instruction.qubits, fields, condition);
        Ok(())
    }

    fn push(
        &mut self,
        name: &str,
        qubits: &[Qubit],
        fields: Map<String, Value>,
        condition: Option<&Value>,
    ) {
        let mut instruction = Map::new();
        instruction.insert("name".to_owned(), name.into());
        if !qubits.is_empty() {
            let qubits: Value = qubits.iter().map(|qubit| qubit.0).collect();
            instruction.insert("qubits".to_owned(), qubits);
        }
        instruction.extend(fields);
        if let Some(condition) = condition {
            instruction.insert("conditional".to_owned(), condition.clone());
        }
        self.written.push(instruction.into());
    }

    fn number(&self, param: Param, name: &str) -> Write<f64> {
        let number = match param {
            Param::Expr(id) if !self.circuit.is_static(id) => {
                return Err(format!("a parameter of `{name}` that is computed during the run"));
            }
            param => {
                let clbits = BitString::zeros(0);
                let scope = Scope { clbits: &clbits, variables: &[], bindings: &[] };
                self.circuit.number(param, scope).map_err(|error| error.to_string())?
            }
        };
        let finite = number.is_finite().then_some(number);
        finite.ok_or_else(|| format!("the parameter {number} of `{name}`"))
    }

    /// The number of a variable of one bit.
    fn register(&mut self, var: VarId) -> Write<u32> {
        let variable = &self.circuit.variables()[var.0 as usize];
        if !matches!(variable.ty, VarType::Bool | VarType::Uint(1)) {
            return Err(format!("the variable `{}`, which is not a bit,", variable.name));
        }
        if let Some(register) = self.registers[var.0 as usize] {
            return Ok(register);
        }
        let register = self.fresh_register();
        self.registers[var.0 as usize] = Some(register);
        Ok(register)
    }

    fn fresh_register(&mut self) -> u32 {
        self.next_register += 1;
        self.next_register - 1
    }
}

fn numbers_of(clbits: &[Clbit]) -> Value {
    clbits.iter().map(|clbit| clbit.0).collect()
}

fn writes_variable(op: &Op, var: VarId) -> bool {
    match op {
        Op::Store { var: written, .. }
        | Op::StoreBit { var: written, .. }
        | Op::MeasureVar { var: written, .. } => *written == var,
        Op::StoreElement(element) => {
            (element.first.0..element.first.0 + element.size).contains(&var.0)
        }
        _ => false,
    }
}
