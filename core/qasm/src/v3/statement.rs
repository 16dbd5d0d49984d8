//! Loops, choices and assignments as OpenQASM 3 writes them.

use ketch_interface::circuit::{
    Clbit, Expr, ExprId, For, ForValues, Instruction, Op, Switch, Value, VarId,
};

use super::{
    emit::{Emit, Writer, unsupported, whole},
    expression::{self, Text, Type, index_text, written},
    storage::word,
};

impl Writer<'_> {
    pub(super) fn for_loop(
        &mut self,
        place: usize,
        instruction: &Instruction<'_>,
        each: &For,
    ) -> Emit {
        let ty = self.storage.ty(each.var);
        let values = match &each.values {
            ForValues::Range { start, step, stop } => {
                let part = |id| {
                    let text = self.text(instruction, id)?;
                    match text.ty {
                        Type::Float => {
                            Err(unsupported(instruction, "its range is one of real numbers"))
                        }
                        _ => Ok(index_text(text)),
                    }
                };
                let (start, step, stop) = (part(*start)?, part(*step)?, part(*stop)?);
                format!("[{start}:{step}:{stop}]")
            }
            ForValues::List(values) => {
                let part = |id: &ExprId| Ok(self.text(instruction, *id)?.cast(ty).text);
                let values: Emit<Vec<String>> = values.iter().map(part).collect();
                format!("{{{}}}", values?.join(", "))
            }
        };
        let (name, is_declared) =
            (self.storage.name(each.var), self.storage.is_declared_by(each.var, place));
        let held = if is_declared { name.clone() } else { self.free_names.unique("each", "v") };
        self.nested_with(&format!("for {} {held} in {values}", word(ty)), each, |writer| {
            if !is_declared {
                writer.line(&format!("{name} = {held};"));
            }
        })?;
        self.line("}");
        Ok(())
    }

    fn nested_with(&mut self, head: &str, each: &For, first: impl FnOnce(&mut Self)) -> Emit {
        self.line(&format!("{head} {{"));
        self.indented(|writer| {
            first(writer);
            writer.block(Some(each.body))
        })
    }

    /// As a `switch` where the language has one for it, else as a chain of `if`s.
    pub(super) fn switch(&mut self, instruction: &Instruction<'_>, switch: &Switch) -> Emit {
        let target = self.text(instruction, switch.target)?;
        let default = switch.cases.iter().position(|case| case.values.is_empty());
        let cases = &switch.cases[..default.unwrap_or(switch.cases.len())];
        let label = |id: ExprId| match self.circuit.expression(id) {
            Expr::Literal(Value::Int(value)) => Some(i128::from(*value)),
            Expr::Literal(value @ Value::Uint(_)) => value.to_i128(),
            _ => None,
        };
        let mut labels: Vec<i128> = Vec::new();
        let mut all = cases.iter().flat_map(|case| &case.values);
        // A label stands once, and is a number.
        let plain = all.all(|id| {
            label(*id).is_some_and(|number| {
                let is_new = !labels.contains(&number);
                labels.push(number);
                is_new && i32::try_from(number).is_ok()
            })
        });
        let is_integer = matches!(target.ty, Type::Bits(_) | Type::Uint(_) | Type::Int(_));
        if !plain || !is_integer || cases.is_empty() {
            return self.chain(instruction, switch, default);
        }
        let target = match target.ty {
            Type::Bits(width) => target.cast(Type::Uint(width)),
            _ => target,
        };
        let heads: Vec<String> = cases
            .iter()
            .map(|case| {
                let labels = case.values.iter().filter_map(|id| label(*id));
                labels.map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
            })
            .collect();
        self.line(&format!("switch ({}) {{", target.text));
        self.indented(|writer| {
            for (case, head) in cases.iter().zip(heads) {
                writer.nested(&format!("case {head}"), case.body)?;
                writer.line("}");
            }
            if let Some(default) = default {
                writer.nested("default", switch.cases[default].body)?;
                writer.line("}");
            }
            Ok(())
        })?;
        self.line("}");
        Ok(())
    }

    /// Nothing runs before all conditions that fail have been asked, so each may ask for the target
    /// again.
    fn chain(
        &mut self,
        instruction: &Instruction<'_>,
        switch: &Switch,
        default: Option<usize>,
    ) -> Emit {
        let cases = &switch.cases[..default.unwrap_or(switch.cases.len())];
        for case in cases {
            let equal = |id: &ExprId| {
                let texts = (self.text(instruction, switch.target)?, self.text(instruction, *id)?);
                let equal = expression::equal(texts.0, texts.1);
                equal.map_err(|reason| unsupported(instruction, &reason))
            };
            let values: Emit<Vec<String>> = case.values.iter().map(equal).collect();
            self.nested(&format!("if ({})", values?.join(" || ")), case.body)?;
            self.line("} else {");
            self.deeper();
        }
        if let Some(default) = default {
            self.block(Some(switch.cases[default].body))?;
        }
        for _ in cases {
            self.shallower();
            self.line("}");
        }
        Ok(())
    }

    /// A measurement into a variable.
    pub(super) fn measure_variable(
        &mut self,
        instruction: &Instruction<'_>,
        var: VarId,
        bit: u32,
    ) -> Emit {
        let (name, qubit) = (self.storage.name(var), self.qubit(instruction.qubits[0]));
        let target = match self.storage.ty(var) {
            Type::Bool if bit == 0 => name,
            Type::Uint(width) | Type::Int(width) if bit < width => format!("{name}[{bit}]"),
            Type::Float => {
                return Err(unsupported(instruction, "it goes into a real number"));
            }
            // It measures, and nobody hears of it.
            _ => {
                self.line(&format!("measure {qubit};"));
                return Ok(());
            }
        };
        self.line(&format!("{target} = measure {qubit};"));
        Ok(())
    }

    pub(super) fn store(&mut self, instruction: &Instruction<'_>) -> Emit {
        match instruction.op {
            Op::Store { var, value } => {
                let value = self.text(instruction, *value)?.cast(self.storage.ty(*var));
                self.line(&format!("{} = {};", self.storage.name(*var), value.text));
            }
            Op::StoreBit { var, index, value } => {
                let value = self.text(instruction, *value)?.cast(Type::Bool);
                let name = self.storage.name(*var);
                let target = match self.storage.ty(*var) {
                    Type::Bool => name,
                    _ => format!("{name}[{}]", index_text(self.text(instruction, *index)?)),
                };
                self.line(&format!("{target} = {};", value.text));
            }
            Op::StoreElement(element) => {
                let value = self.text(instruction, element.value)?;
                let value = value.cast(self.storage.ty(element.first));
                let index = index_text(self.text(instruction, element.index)?);
                let array = self.storage.array(element.first);
                let array = array.map_err(|reason| unsupported(instruction, &reason))?;
                self.line(&format!("{array}[{index}] = {};", value.text));
            }
            Op::StoreClbit { index, value } => {
                let value = self.text(instruction, *value)?.cast(Type::Bool);
                let index = index_text(self.text(instruction, *index)?);
                let Some(register) = self.register(instruction.clbits) else {
                    let reason = "its clbits are no register";
                    return Err(unsupported(instruction, reason));
                };
                self.line(&format!("{register}[{index}] = {};", value.text));
            }
            Op::StoreClbits(value) => self.store_clbits(instruction, *value)?,
            op => unreachable!("`{}` stores nothing", op.name()),
        }
        Ok(())
    }

    fn store_clbits(&mut self, instruction: &Instruction<'_>, value: ExprId) -> Emit {
        let clbits = instruction.clbits;
        let size = clbits.len() as u32;
        let value = self.text(instruction, value)?;
        let in_a_row = clbits.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1);
        let run = clbits
            .first()
            .filter(|_| in_a_row)
            .and_then(|first| expression::clbits(self.circuit, first.0, size, self.names()).ok());
        match (clbits, run) {
            ([], _) => {}
            ([clbit], _) => {
                let target = self.clbit(*clbit);
                let value = match value.ty {
                    Type::Bool => value,
                    _ => value.cast(Type::Uint(1)).cast(Type::Bool),
                };
                self.line(&format!("{target} = {};", value.text));
            }
            (_, Some(target)) => {
                let value = value.cast(Type::Bits(size)).text;
                self.line(&format!("{target} = {value};"));
            }
            // Evaluated once, then bit by bit.
            (_, None) => {
                let held = self.free_names.unique("bits", "v");
                let value = value.cast(Type::Uint(size)).text;
                self.line(&format!("uint[{size}] {held} = {value};"));
                for (bit, clbit) in clbits.iter().enumerate() {
                    let target = self.clbit(*clbit);
                    self.line(&format!("{target} = {held}[{bit}];"));
                }
            }
        }
        Ok(())
    }

    fn text(&self, instruction: &Instruction<'_>, id: ExprId) -> Emit<Text> {
        let text = written(self.circuit, id, self.names());
        text.map_err(|reason| unsupported(instruction, &reason))
    }

    fn register(&self, clbits: &[Clbit]) -> Option<String> {
        let place = whole(self.circuit.cregs(), clbits.iter().map(|clbit| clbit.0))?;
        Some(self.names().cregs[place].clone())
    }

    fn clbit(&self, clbit: Clbit) -> String {
        expression::bit(self.circuit.cregs(), self.names().cregs, clbit.0)
    }
}
