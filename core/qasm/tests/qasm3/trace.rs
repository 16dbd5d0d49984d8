//! What a circuit does, step by step, where measurements read what they are told: gates with their
//! numbers, and the clbits at the end. Or the clbits alone, where qubits are in basis states, which
//! measurements read.

use ketch_interface::{
    BitString, Circuit,
    circuit::{BlockId, EvaluateError, ExprId, ForValues, Op, Scope, Value, VarId, VarType},
};

/// Rounds of loops and instructions together.
const MAX_STEPS: usize = 5000;

struct Machine<'c> {
    circuit: &'c Circuit,
    clbits: BitString,
    variables: Vec<Value>,
    outcomes: u64,
    /// The qubits, if they are in a basis state that only X changes.
    qubits: Option<BitString>,
    steps: usize,
    lines: Vec<String>,
}

#[derive(PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
    End,
}

type Step<T = Flow> = Result<T, EvaluateError>;

/// The lines of a run; the last one tells the clbits, or that there was an error.
pub(crate) fn trace(circuit: &Circuit, outcomes: u64) -> Vec<String> {
    let mut machine = Machine::new(circuit, outcomes);
    let end = match machine.block(None) {
        Ok(_) => machine.clbits.to_string(),
        Err(_) => "an error".to_owned(),
    };
    machine.lines.push(end);
    machine.lines
}

/// The clbits at the end of a circuit whose only gates are `x`, on qubits that begin as 0.
pub(crate) fn outcome(circuit: &Circuit) -> String {
    let mut machine = Machine::new(circuit, 0);
    machine.qubits = Some(BitString::zeros(circuit.n_qubits()));
    machine.block(None).unwrap();
    assert!(machine.steps < MAX_STEPS);
    machine.clbits.to_string()
}

impl<'c> Machine<'c> {
    fn new(circuit: &'c Circuit, outcomes: u64) -> Self {
        Self {
            circuit,
            clbits: BitString::zeros(circuit.n_clbits()),
            variables: circuit.variables().iter().map(|var| Value::zero(var.ty)).collect(),
            outcomes,
            qubits: None,
            steps: 0,
            lines: Vec::new(),
        }
    }

    fn value(&self, id: ExprId) -> Step<Value> {
        let scope = Scope { clbits: &self.clbits, variables: &self.variables, bindings: &[] };
        self.circuit.evaluate(id, scope)
    }

    fn set(&mut self, var: VarId, value: &Value) -> Step<()> {
        let ty = self.circuit.variables()[var.0 as usize].ty;
        self.variables[var.0 as usize] = value.try_cast(ty)?;
        Ok(())
    }

    fn set_bit(&mut self, var: VarId, bit: u32, value: bool) {
        let ty = self.circuit.variables()[var.0 as usize].ty;
        let Value::Uint(mut bits) = self.variables[var.0 as usize].cast(VarType::Uint(64)) else {
            unreachable!()
        };
        bits.set(bit, value);
        self.variables[var.0 as usize] = Value::Uint(bits).cast(ty);
    }

    fn block(&mut self, block: Option<BlockId>) -> Step {
        for (place, _) in self.circuit.block(block) {
            let flow = self.instruction(place)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// One round of a loop: whether there is another one, or what comes instead.
    fn round(&mut self, body: BlockId) -> Step<Option<Flow>> {
        self.steps += 1;
        Ok(match self.block(Some(body))? {
            Flow::Next | Flow::Continue if self.steps < MAX_STEPS => None,
            Flow::End => Some(Flow::End),
            _ => Some(Flow::Next),
        })
    }

    fn instruction(&mut self, place: usize) -> Step {
        let circuit = self.circuit;
        let instruction = circuit.instruction(place);
        let width = |var: VarId| match circuit.variables()[var.0 as usize].ty {
            VarType::Uint(width) | VarType::Int(width) => width,
            _ => 1,
        };
        match instruction.op {
            Op::Measure => {
                for (qubit, clbit) in instruction.qubits.iter().zip(instruction.clbits) {
                    let outcome = self.outcome(qubit.0);
                    self.clbits.set(clbit.0, outcome);
                }
            }
            Op::MeasureVar { var, bit } => {
                let outcome = self.outcome(instruction.qubits[0].0);
                if *bit < width(*var) {
                    self.set_bit(*var, *bit, outcome);
                }
            }
            Op::Reset if self.qubits.is_some() => {
                let state = self.qubits.as_mut().expect("just seen");
                instruction.qubits.iter().for_each(|qubit| state.set(qubit.0, false));
            }
            Op::Store { var, value } => {
                let value = self.value(*value)?;
                self.set(*var, &value)?;
            }
            Op::StoreBit { var, index, value } => {
                let bit = self.value(*index)?.to_index(width(*var))?;
                let value = self.value(*value)?.is_true();
                self.set_bit(*var, bit, value);
            }
            Op::StoreElement(element) => {
                let at = self.value(element.index)?.to_index(element.size)?;
                let value = self.value(element.value)?;
                self.set(VarId(element.first.0 + at), &value)?;
            }
            Op::StoreClbit { index, value } => {
                let at = self.value(*index)?.to_index(instruction.clbits.len() as u32)?;
                let value = self.value(*value)?.is_true();
                self.clbits.set(instruction.clbits[at as usize].0, value);
            }
            Op::StoreClbits(value) => {
                let n_clbits = instruction.clbits.len() as u32;
                let value = self.value(*value)?.try_cast(VarType::Uint(n_clbits))?;
                let Value::Uint(bits) = value else { unreachable!() };
                for (bit, clbit) in (0..).zip(instruction.clbits) {
                    self.clbits.set(clbit.0, bits.get(bit));
                }
            }
            Op::If { condition, then, otherwise } => {
                return match (self.value(*condition)?.is_true(), otherwise) {
                    (true, _) => self.block(Some(*then)),
                    (false, Some(otherwise)) => self.block(Some(*otherwise)),
                    (false, None) => Ok(Flow::Next),
                };
            }
            Op::While { condition, body } => {
                while self.value(*condition)?.is_true() {
                    if let Some(flow) = self.round(*body)? {
                        return Ok(flow);
                    }
                }
            }
            Op::For(each) => {
                let values: Vec<Value> = match &each.values {
                    ForValues::List(values) => {
                        values.iter().map(|id| self.value(*id)).collect::<Step<_>>()?
                    }
                    ForValues::Range { start, step, stop } => {
                        let number = |id| Ok(self.value(id)?.to_i128().unwrap());
                        let (start, step, stop) = (number(*start)?, number(*step)?, number(*stop)?);
                        let inside = |at: &i128| if step > 0 { *at <= stop } else { *at >= stop };
                        let all = std::iter::successors(Some(start), |at| Some(at + step));
                        let all = all.take_while(inside).take(MAX_STEPS);
                        all.map(|at| Value::Int(at as i64)).collect()
                    }
                };
                for value in values {
                    self.set(each.var, &value)?;
                    if let Some(flow) = self.round(each.body)? {
                        return Ok(flow);
                    }
                }
            }
            Op::Switch(switch) => {
                let target = self.value(switch.target)?;
                for case in &switch.cases {
                    let mut taken = case.values.is_empty();
                    for id in &case.values {
                        taken |= self.value(*id)?.to_i128() == target.to_i128();
                    }
                    if taken {
                        return self.block(Some(case.body));
                    }
                }
            }
            Op::Break => return Ok(Flow::Break),
            Op::Continue => return Ok(Flow::Continue),
            Op::End => return Ok(Flow::End),
            op => {
                let scope =
                    Scope { clbits: &self.clbits, variables: &self.variables, bindings: &[] };
                // Both zeros are the same angle.
                let number = |param: &_| Ok(circuit.number(*param, scope)? + 0.0);
                let numbers: Vec<f64> =
                    instruction.params.iter().map(number).collect::<Step<_>>()?;
                if let Some(&number) = numbers.iter().find(|number| !number.is_finite()) {
                    return Err(EvaluateError::NotFinite { number });
                }
                if let Some(state) = &mut self.qubits {
                    assert_eq!(op.name(), "x", "the only gate that keeps basis states as they are");
                    let qubit = instruction.qubits[0].0;
                    state.set(qubit, !state.get(qubit));
                }
                let qubits: Vec<u32> = instruction.qubits.iter().map(|qubit| qubit.0).collect();
                self.lines.push(format!("{} {numbers:?} {qubits:?}", op.name()));
            }
        }
        Ok(Flow::Next)
    }

    fn outcome(&mut self, qubit: u32) -> bool {
        if let Some(state) = &self.qubits {
            return state.get(qubit);
        }
        self.outcomes = self.outcomes.rotate_right(1);
        self.outcomes >> 63 == 1
    }
}
