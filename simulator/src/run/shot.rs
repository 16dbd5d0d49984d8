//! One shot: the interpreter of programs.

use ketch_interface::{
    BitString,
    circuit::{Circuit, EvaluateError, ExprId, ForValues, Op, Scope, Value, VarId, VarType},
};

use super::{Register, readout::misread};
use crate::{
    Cancel, Error, Saved,
    program::{Program, Step, numbers},
    progress::Unit,
    records::{Budget, Records},
    rng::ShotRandom,
};

/// What all shots of a run share.
#[derive(Debug)]
pub(crate) struct Run<'r, 'c, O> {
    pub(crate) program: &'r Program<'c, O>,
    pub(crate) cancel: &'r Cancel,
    pub(crate) budget: &'r Budget,
}

/// What one shot knows beyond the state.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) clbits: BitString,
    variables: Vec<Value>,
    slots: Vec<Slot>,
    pub(super) random: ShotRandom,
}

/// What a loop or a switch remembers.
#[derive(Clone, Debug)]
enum Slot {
    Empty,
    /// The next value of a list: its instruction, its place.
    List {
        index: usize,
        next: usize,
    },
    Whole {
        next: i128,
        step: i128,
        stop: i128,
    },
    Real {
        start: f64,
        step: f64,
        stop: f64,
        round: u64,
    },
    Target(Value),
}

impl Shot {
    pub(crate) fn new<O>(program: &Program<'_, O>, seed: u64, shot: u64) -> Self {
        let circuit = program.circuit;
        Self {
            clbits: BitString::zeros(circuit.n_clbits()),
            variables: circuit.variables().iter().map(|var| Value::zero(var.ty)).collect(),
            slots: vec![Slot::Empty; program.n_slots],
            random: ShotRandom::new(seed, shot),
        }
    }

    /// Runs the steps from `from` until `to` or the end.
    pub(crate) fn run<'t, R: Register<'t>>(
        &mut self,
        run: &Run<'_, '_, R::Op>,
        state: &mut R,
        records: &mut Records,
        from: usize,
        to: usize,
    ) -> Result<(), Error> {
        let mut at = from;
        while at < to {
            run.cancel.poll()?;
            at = self.step(run, state, records, at)?;
        }
        Ok(())
    }

    /// Does one step; says which is next.
    pub(super) fn step<'t, R: Register<'t>>(
        &mut self,
        run: &Run<'_, '_, R::Op>,
        state: &mut R,
        records: &mut Records,
        at: usize,
    ) -> Result<usize, Error> {
        let Run { program, budget, .. } = *run;
        let circuit = program.circuit;
        let mut next = at + 1;
        match &program.steps[at] {
            Step::Quantum(op) => {
                state.apply(op, &mut self.random)?;
                run.cancel.did(Unit::Passes, 1);
            }
            Step::Dynamic(index) => self.dynamic(program, *index, state)?,
            Step::ReadoutError(index) => {
                let instruction = circuit.instruction(*index);
                let Op::ReadoutError(rows) = instruction.op else {
                    unreachable!("a step is made from an instruction of its kind")
                };
                let uniform = self.random.uniform();
                misread(&mut self.clbits, instruction.clbits, rows, uniform);
            }
            Step::Measure { place, clbit } => {
                let outcome = self.measure(state, *place)?;
                self.clbits.set(*clbit, outcome);
            }
            Step::MeasureVar { place, var, bit } => {
                let outcome = self.measure(state, *place)?;
                self.set_bit(circuit, *var, *bit, outcome);
            }
            Step::Reset(place) => state.reset(*place, self.random.uniform())?,
            Step::SetState(index) => {
                let Op::SetState(set) = circuit.instruction(*index).op else {
                    unreachable!("a step is made from an instruction of its kind")
                };
                state.set(set)?;
            }
            Step::Save(index) => {
                let Op::Save(save) = circuit.instruction(*index).op else {
                    unreachable!("a step is made from an instruction of its kind")
                };
                let value = state.save(program, *index, save)?;
                records.save(save, value, &self.clbits, budget)?;
            }
            Step::Snapshot(index) => {
                let Op::Snapshot(snapshot) = circuit.instruction(*index).op else {
                    unreachable!("a step is made from an instruction of its kind")
                };
                let value = match snapshot.kind.as_str() {
                    "memory" => Saved::Bits(self.clbits.clone()),
                    "register" => Saved::Bits(register(&self.variables)),
                    _ => state.snapshot(program, *index, snapshot)?,
                };
                records.snapshot(*index, snapshot, value, budget)?;
            }
            Step::Store { var, value } => {
                let value = self.evaluate(circuit, *value, "store")?;
                self.set_variable(circuit, *var, &value, "store")?;
            }
            Step::StoreClbits { index, value } => {
                let clbits = circuit.instruction(*index).clbits;
                let value = self.evaluate(circuit, *value, "store")?;
                let value = cast(&value, VarType::Uint(clbits.len() as u32), "store")?;
                if let Value::Uint(bits) = value {
                    for (bit, clbit) in (0..).zip(clbits) {
                        self.clbits.set(clbit.0, bits.get(bit));
                    }
                }
            }
            Step::StoreBit { var, index, value } => {
                let width = width(circuit.variables()[var.0 as usize].ty);
                let bit = self.index(circuit, *index, width)?;
                let value = self.evaluate(circuit, *value, "store")?.is_true();
                self.set_bit(circuit, *var, bit, value);
            }
            Step::StoreClbit(place) => {
                let instruction = circuit.instruction(*place);
                let Op::StoreClbit { index, value } = *instruction.op else {
                    unreachable!("a step is made from an instruction of its kind")
                };
                let chosen = self.index(circuit, index, instruction.clbits.len() as u32)?;
                let value = self.evaluate(circuit, value, "store")?.is_true();
                self.clbits.set(instruction.clbits[chosen as usize].0, value);
            }
            Step::StoreElement(place) => {
                let Op::StoreElement(element) = circuit.instruction(*place).op else {
                    unreachable!("a step is made from an instruction of its kind")
                };
                let chosen = self.index(circuit, element.index, element.size)?;
                let value = self.evaluate(circuit, element.value, "store")?;
                let var = VarId(element.first.0 + chosen);
                self.set_variable(circuit, var, &value, "store")?;
            }
            Step::Jump(to) => next = *to,
            Step::JumpUnless { condition, to } => {
                if !self.evaluate(circuit, *condition, "condition")?.is_true() {
                    next = *to;
                }
            }
            Step::ForBegin { slot, index } => {
                self.slots[*slot] = self.first_round(circuit, *index)?;
            }
            Step::ForNext { slot, var, exit } => match self.next_round(circuit, *slot)? {
                Some(value) => self.set_variable(circuit, *var, &value, "for_loop")?,
                None => next = *exit,
            },
            Step::SwitchBegin { slot, target } => {
                let target = self.evaluate(circuit, *target, "switch_case")?;
                self.slots[*slot] = Slot::Target(target);
            }
            Step::JumpUnlessCase { slot, index, case, to } => {
                if !self.is_case(circuit, *slot, *index, *case)? {
                    next = *to;
                }
            }
        }
        Ok(next)
    }

    fn dynamic<'t, R: Register<'t>>(
        &self,
        program: &Program<'_, R::Op>,
        index: usize,
        state: &mut R,
    ) -> Result<(), Error> {
        let instruction = program.circuit.instruction(index);
        let Op::Gate(gate) = *instruction.op else {
            unreachable!("only gates have parameters that are evaluated late")
        };
        let numbers = numbers(program.circuit, gate, instruction.params, self.scope())?;
        state.gate(gate, &numbers, &program.layout.places(instruction.qubits))
    }

    fn measure<'t, R: Register<'t>>(
        &mut self,
        state: &mut R,
        place: Option<usize>,
    ) -> Result<bool, Error> {
        match place {
            Some(place) => state.measure(place, self.random.uniform()),
            None => Ok(false),
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope { clbits: &self.clbits, variables: &self.variables, bindings: &[] }
    }

    fn evaluate(&self, circuit: &Circuit, id: ExprId, name: &str) -> Result<Value, Error> {
        circuit.evaluate(id, self.scope()).map_err(|source| no_value(name, source))
    }

    /// Which of `size` things an expression chooses.
    fn index(&self, circuit: &Circuit, id: ExprId, size: u32) -> Result<u32, Error> {
        let index = self.evaluate(circuit, id, "store")?;
        index.to_index(size).map_err(|source| no_value("store", source))
    }

    fn set_variable(
        &mut self,
        circuit: &Circuit,
        var: VarId,
        value: &Value,
        name: &str,
    ) -> Result<(), Error> {
        let place = var.0 as usize;
        self.variables[place] = cast(value, circuit.variables()[place].ty, name)?;
        Ok(())
    }

    /// Sets one bit of a variable; bits beyond its width are dropped.
    pub(super) fn set_bit(&mut self, circuit: &Circuit, var: VarId, bit: u32, outcome: bool) {
        let ty = circuit.variables()[var.0 as usize].ty;
        let width = width(ty);
        let bits = self.variables[var.0 as usize].cast(VarType::Uint(width));
        if let Value::Uint(mut bits) = bits
            && bit < width
        {
            bits.set(bit, outcome);
            self.variables[var.0 as usize] = Value::Uint(bits).cast(ty);
        }
    }

    fn first_round(&self, circuit: &Circuit, index: usize) -> Result<Slot, Error> {
        let Op::For(each) = circuit.instruction(index).op else { return Ok(Slot::Empty) };
        let ForValues::Range { start, step, stop } = &each.values else {
            return Ok(Slot::List { index, next: 0 });
        };
        let value = |id: &ExprId| self.evaluate(circuit, *id, "for_loop");
        let (start, step, stop) = (value(start)?, value(step)?, value(stop)?);
        if !step.is_true() {
            let reason = "the step of the range is 0: the loop would never end".to_owned();
            return Err(Error::BadValue { instruction: "for_loop".to_owned(), reason });
        }
        let any_real = [&start, &step, &stop].into_iter().any(|v| matches!(v, Value::Float(_)));
        if any_real {
            let (start, step, stop) = (start.to_f64(), step.to_f64(), stop.to_f64());
            return Ok(Slot::Real { start, step, stop, round: 0 });
        }
        let whole = |value: &Value| {
            let reason = || "a bound of the range needs more than 64 bits".to_owned();
            let number = value.to_i128().filter(|number| number.unsigned_abs() >> 64 == 0);
            let instruction = || "for_loop".to_owned();
            number.ok_or_else(|| Error::BadValue { instruction: instruction(), reason: reason() })
        };
        Ok(Slot::Whole { next: whole(&start)?, step: whole(&step)?, stop: whole(&stop)? })
    }

    fn next_round(&mut self, circuit: &Circuit, slot: usize) -> Result<Option<Value>, Error> {
        let beyond = |next: f64, step: f64, stop: f64| {
            if step > 0.0 { next > stop } else { next < stop }
        };
        match &mut self.slots[slot] {
            Slot::Whole { next, step, stop } => {
                let value = *next;
                if if *step > 0 { value > *stop } else { value < *stop } {
                    return Ok(None);
                }
                *next += *step;
                Ok(Some(match i64::try_from(value) {
                    Ok(value) => Value::Int(value),
                    Err(_) => Value::Uint(BitString::from_u64(64, value as u64)),
                }))
            }
            Slot::Real { start, step, stop, round } => {
                // Multiplied, so that rounding does not add up.
                let value = *start + *round as f64 * *step;
                *round += 1;
                Ok((!beyond(value, *step, *stop) && !value.is_nan()).then_some(Value::Float(value)))
            }
            Slot::List { index, next } => {
                let (index, place) = (*index, *next);
                *next += 1;
                let Op::For(each) = circuit.instruction(index).op else { return Ok(None) };
                let ForValues::List(values) = &each.values else { return Ok(None) };
                let value = values.get(place).map(|id| self.evaluate(circuit, *id, "for_loop"));
                value.transpose()
            }
            Slot::Empty | Slot::Target(_) => Ok(None),
        }
    }

    fn is_case(
        &self,
        circuit: &Circuit,
        slot: usize,
        index: usize,
        case: usize,
    ) -> Result<bool, Error> {
        let Op::Switch(switch) = circuit.instruction(index).op else { return Ok(false) };
        let Slot::Target(target) = &self.slots[slot] else { return Ok(false) };
        let values = &switch.cases[case].values;
        for id in values {
            if equal(target, &self.evaluate(circuit, *id, "switch_case")?) {
                return Ok(true);
            }
        }
        Ok(values.is_empty())
    }
}

/// The bits of all variables that hold bits, the first variable lowest.
fn register(variables: &[Value]) -> BitString {
    let mut bits = Vec::new();
    for variable in variables {
        let width = match variable {
            Value::Bool(_) => 1,
            Value::Uint(value) => value.width(),
            _ => continue,
        };
        if let Value::Uint(value) = variable.cast(VarType::Uint(width)) {
            bits.extend((0..width).map(|bit| value.get(bit)));
        }
    }
    let mut register = BitString::zeros(bits.len() as u32);
    (0..).zip(bits).for_each(|(place, bit)| register.set(place, bit));
    register
}

/// The bits of a variable of this type; reals have those of the integer that they are rounded to.
fn width(ty: VarType) -> u32 {
    match ty {
        VarType::Bool => 1,
        VarType::Uint(width) | VarType::Int(width) => width,
        _ => 64,
    }
}

fn cast(value: &Value, ty: VarType, name: &str) -> Result<Value, Error> {
    value.try_cast(ty).map_err(|source| no_value(name, source))
}

fn no_value(name: &str, source: EvaluateError) -> Error {
    Error::Evaluate { instruction: name.to_owned(), source }
}

/// Whether two values are the same number.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(_), _) | (_, Value::Float(_)) => a.to_f64() == b.to_f64(),
        (Value::Uint(x), Value::Uint(y)) => {
            let width = x.width().max(y.width());
            x.slice(0, width) == y.slice(0, width)
        }
        _ => a.to_i128() == b.to_i128() && a.to_i128().is_some(),
    }
}
