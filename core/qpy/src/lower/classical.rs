//! Classical values that are known while the circuit runs: variables, expressions, what is stored.

use ketch_interface::{
    BitString,
    circuit::{
        Binary, Clbit, Expr, ExprId, Op, Param, TimeUnit, Unary, Value as Literal, VarId, VarType,
    },
};

use super::{Frame, Lower, Lowerer, fail};
use crate::model::{Expression, Part, Storage, Type, Usage, Value, Variable};

/// A variable of Qiskit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Var {
    Stored(VarId),
    Stretch,
}

/// A duration.
#[derive(Clone, Copy, Debug)]
struct Time {
    amount: f64,
    unit: TimeUnit,
}

/// What an expression is worth.
#[derive(Clone, Copy, Debug)]
enum Known {
    Run(ExprId),
    /// Durations are known before the circuit runs; a stretch takes no time of its own.
    Time(Time),
}

impl Time {
    const ZERO: Self = Self { amount: 0.0, unit: TimeUnit::Second };

    /// Both in one unit; `None` for ticks and seconds, since a tick's length is the device's.
    fn aligned(self, other: Self) -> Option<(f64, f64, TimeUnit)> {
        if self.unit == other.unit || other.amount == 0.0 {
            return Some((self.amount, other.amount, self.unit));
        }
        if self.amount == 0.0 {
            return Some((self.amount, other.amount, other.unit));
        }
        Some((self.seconds()?, other.seconds()?, TimeUnit::Second))
    }

    fn seconds(self) -> Option<f64> {
        let divisor = match self.unit {
            TimeUnit::Second => 1.0,
            TimeUnit::Millisecond => 1e3,
            TimeUnit::Microsecond => 1e6,
            TimeUnit::Nanosecond => 1e9,
            TimeUnit::Picosecond => 1e12,
            TimeUnit::Tick => return None,
        };
        Some(self.amount / divisor)
    }
}

/// Qiskit's operators of one operand, from number 1 on.
const UNARY: [Unary; 3] = [Unary::BitNot, Unary::Not, Unary::Negate];

/// Qiskit's operators of two operands, from number 1 on.
const BINARY: [Binary; 17] = [
    Binary::BitAnd,
    Binary::BitOr,
    Binary::BitXor,
    Binary::And,
    Binary::Or,
    Binary::Equal,
    Binary::NotEqual,
    Binary::Less,
    Binary::LessEqual,
    Binary::Greater,
    Binary::GreaterEqual,
    Binary::Shl,
    Binary::Shr,
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
];

fn numbered<T: Copy>(operators: &[T], number: u8) -> Lower<T> {
    let place = usize::from(number).checked_sub(1);
    match place.and_then(|place| operators.get(place)) {
        Some(operator) => Ok(*operator),
        None => fail(format!("operator {number} in an expression")),
    }
}

impl<'m> Lowerer<'m> {
    /// Makes the variables of a circuit known.
    pub(super) fn declare(&mut self, frame: &Frame<'m>) -> Lower<()> {
        let variables = &frame.circuit.variables;
        self.step(variables.len() as u64)?;
        for variable in variables {
            let known = self.variables.contains_key(&variable.uuid);
            match variable.usage {
                Usage::Stretch => {
                    self.variables.insert(variable.uuid, Var::Stretch);
                }
                Usage::Captured if known => {}
                Usage::Captured => {
                    return fail(format!("nothing around it has the variable `{}`", variable.name));
                }
                // A block that is there several times has its variable once.
                Usage::Local if known => {}
                Usage::Local => {
                    self.add_variable(variable)?;
                }
                Usage::Input => self.input(variable)?,
            }
        }
        Ok(())
    }

    fn add_variable(&mut self, variable: &Variable<'_>) -> Lower<VarId> {
        let Some(ty) = variable.ty.stored() else {
            return fail(format!("the variable `{}` of type `Duration`", variable.name));
        };
        self.charge_width(variable.ty)?;
        let id = self.circuit.add_variable(variable.name, ty);
        self.variables.insert(variable.uuid, Var::Stored(id));
        Ok(id)
    }

    /// A variable whose value comes with the run.
    fn input(&mut self, variable: &Variable<'_>) -> Lower<()> {
        let Variable { name, ty, .. } = *variable;
        let id = self.add_variable(variable)?;
        let value = match (self.inputs.get(name), ty) {
            (Some(&number), _) => {
                self.used.push(name.to_owned());
                self.number(name, number, ty)?
            }
            (None, Type::Float) => {
                let id = self.circuit.parameter(name);
                self.circuit.add_expr(Expr::Parameter(id))
            }
            (None, _) => {
                let ty = match ty {
                    Type::Uint(width) => format!("Uint({width})"),
                    _ => "Bool".to_owned(),
                };
                return fail(format!(
                    "the input `{name}` of type `{ty}` has no value; give it one: `-p {name}=1`"
                ));
            }
        };
        self.push(Op::Store { var: id, value }, &[], &[], &[])
    }

    /// A number as a constant of this type.
    fn number(&mut self, name: &str, number: f64, ty: Type) -> Lower<ExprId> {
        let literal = match ty {
            Type::Float => Literal::Float(number),
            Type::Bool if number == 0.0 || number == 1.0 => Literal::Bool(number == 1.0),
            Type::Uint(width)
                if number.fract() == 0.0
                    && (0.0..2_f64.powi(width.min(53) as i32)).contains(&number) =>
            {
                Literal::Uint(BitString::from_u64(width, number as u64))
            }
            _ => return fail(format!("the input `{name}` does not hold {number}")),
        };
        Ok(self.circuit.add_expr(Expr::Literal(literal)))
    }

    /// Counts the words of a wide number, of which a few bytes may make many.
    fn charge_width(&mut self, ty: Type) -> Lower<()> {
        match ty {
            Type::Uint(width) if width > 64 => self.charge(u64::from(width / 64)),
            _ => Ok(()),
        }
    }

    /// "This bit or register holds this value."
    pub(super) fn equals(
        &mut self,
        frame: &Frame<'m>,
        storage: Storage<'m>,
        value: i64,
    ) -> Lower<ExprId> {
        let read = self.read(frame, storage)?;
        match (storage, value) {
            (Storage::Bit(_), 1) => Ok(read),
            (Storage::Bit(_), 0) => Ok(self.circuit.add_expr(Expr::Unary(Unary::Not, read))),
            _ if value < 0 => Ok(self.circuit.add_expr(Expr::Literal(Literal::Bool(false)))),
            _ => {
                let literal = Literal::Uint(BitString::from_u64(64, value as u64));
                let literal = self.circuit.add_expr(Expr::Literal(literal));
                Ok(self.circuit.add_expr(Expr::Binary(Binary::Equal, read, literal)))
            }
        }
    }

    /// The value of a bit or register.
    pub(super) fn read(&mut self, frame: &Frame<'m>, storage: Storage<'m>) -> Lower<ExprId> {
        match storage {
            Storage::Bit(place) => {
                let clbit = Clbit(frame.clbit(place)?);
                Ok(self.circuit.add_expr(Expr::Clbit(clbit)))
            }
            Storage::Register(name) => {
                let clbits = frame.register(name)?;
                self.charge(clbits.len() as u64 / 64)?;
                let follow = clbits.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
                match clbits.first() {
                    Some(&start) if follow => {
                        let size = clbits.len() as u32;
                        Ok(self.circuit.add_expr(Expr::Clbits { start, size }))
                    }
                    Some(_) => self.joined(&clbits),
                    None => fail(format!("the empty register `{name}`")),
                }
            }
        }
    }

    /// Clbits in any order as one number: halves are joined, so that it is not nested deep.
    fn joined(&mut self, clbits: &[u32]) -> Lower<ExprId> {
        self.charge(clbits.len() as u64 * (1 + clbits.len() as u64 / 64))?;
        let width = clbits.len() as u32;
        let mut parts: Vec<ExprId> = Vec::with_capacity(clbits.len());
        for (place, &clbit) in (0..).zip(clbits) {
            let bit = self.circuit.add_expr(Expr::Clbit(Clbit(clbit)));
            let wide = self.circuit.add_expr(Expr::Cast(VarType::Uint(width), bit));
            let by = Expr::Literal(Literal::Uint(BitString::from_u64(32, place)));
            let by = self.circuit.add_expr(by);
            parts.push(self.circuit.add_expr(Expr::Binary(Binary::Shl, wide, by)));
        }
        while parts.len() > 1 {
            let pairs: Vec<Vec<ExprId>> = parts.chunks(2).map(<[ExprId]>::to_vec).collect();
            parts = pairs
                .into_iter()
                .map(|pair| match pair[..] {
                    [a, b] => self.circuit.add_expr(Expr::Binary(Binary::BitOr, a, b)),
                    _ => pair[0],
                })
                .collect();
        }
        Ok(parts[0])
    }

    /// An expression that is no duration.
    pub(super) fn run_time(
        &mut self,
        frame: &Frame<'m>,
        expression: &'m Expression<'m>,
    ) -> Lower<ExprId> {
        match self.worth(frame, expression, expression.nodes.len())? {
            Known::Run(id) => Ok(id),
            Known::Time(_) => fail("a duration where another value is expected"),
        }
    }

    /// What the first nodes of an expression are worth.
    fn worth(
        &mut self,
        frame: &Frame<'m>,
        expression: &'m Expression<'m>,
        size: usize,
    ) -> Lower<Known> {
        self.step(size as u64)?;
        let mut known: Vec<Known> = Vec::with_capacity(size);
        for (part, ty) in &expression.nodes[..size] {
            let next = self.part(frame, part, *ty, &known)?;
            known.push(next);
        }
        known.pop().map_or_else(|| fail("an empty expression"), Ok)
    }

    fn part(
        &mut self,
        frame: &Frame<'m>,
        part: &Part<'m>,
        ty: Type,
        known: &[Known],
    ) -> Lower<Known> {
        let of = |place: u32| known[place as usize];
        let run = |known: Known| match known {
            Known::Run(id) => Ok(id),
            Known::Time(_) => fail("an operator that durations do not have"),
        };
        let node = match *part {
            Part::Storage(storage) => return self.read(frame, storage).map(Known::Run),
            Part::Variable(place) => match self.variable(frame, place)? {
                Var::Stored(id) => Expr::Var(id),
                Var::Stretch => return Ok(Known::Time(Time::ZERO)),
            },
            Part::Bool(truth) => Expr::Literal(Literal::Bool(truth)),
            Part::Int(bytes) => Expr::Literal(self.whole_number(bytes, ty)?),
            Part::Float(number) => Expr::Literal(Literal::Float(number)),
            Part::Duration(amount, unit) => return Ok(Known::Time(Time { amount, unit })),
            Part::Cast(a) => match ty.stored() {
                Some(stored) => {
                    self.charge_width(ty)?;
                    Expr::Cast(stored, run(of(a))?)
                }
                None => return Ok(of(a)),
            },
            Part::Unary(operator, a) => {
                let unary = numbered(&UNARY, operator)?;
                match of(a) {
                    Known::Time(time) if unary == Unary::Negate => {
                        return Ok(Known::Time(Time { amount: -time.amount, ..time }));
                    }
                    a => Expr::Unary(unary, run(a)?),
                }
            }
            Part::Binary(operator, a, b) => {
                let binary = numbered(&BINARY, operator)?;
                match (of(a), of(b)) {
                    (Known::Run(a), Known::Run(b)) => Expr::Binary(binary, a, b),
                    (a, b) => return self.of_durations(binary, a, b),
                }
            }
            Part::Index(target, index) => {
                Expr::Index { of: run(of(target))?, index: run(of(index))? }
            }
        };
        Ok(Known::Run(self.circuit.add_expr(node)))
    }

    fn variable(&self, frame: &Frame<'m>, place: u16) -> Lower<Var> {
        let Some(variable) = frame.circuit.variables.get(usize::from(place)) else {
            return fail(format!("variable {place} of {}", frame.circuit.variables.len()));
        };
        match self.variables.get(&variable.uuid) {
            Some(var) => Ok(*var),
            None => fail(format!("the variable `{}` is not declared", variable.name)),
        }
    }

    /// A constant of a type, from big-endian bytes. There are no negative ones; some writers put a
    /// zero before those whose highest bit is set, others do not.
    fn whole_number(&mut self, bytes: &[u8], ty: Type) -> Lower<Literal> {
        match ty {
            Type::Bool => Ok(Literal::Bool(bytes.iter().any(|byte| *byte != 0))),
            Type::Uint(width) => {
                self.charge_width(ty)?;
                let mut words = vec![0_u64; (width as usize).div_ceil(64)];
                for (place, byte) in bytes.iter().rev().enumerate() {
                    match words.get_mut(place / 8) {
                        Some(word) => *word |= u64::from(*byte) << (place % 8 * 8),
                        None if *byte == 0 => {}
                        None => return fail(format!("a number of more than {width} bits")),
                    }
                }
                Ok(Literal::Uint(BitString::from_words(width, &words)))
            }
            Type::Float => {
                let join = |sum: f64, byte: &u8| sum * 256.0 + f64::from(*byte);
                Ok(Literal::Float(bytes.iter().fold(0.0, join)))
            }
            Type::Duration => fail("a whole number that is a duration"),
        }
    }

    /// An operator on values of which one is a duration.
    fn of_durations(&mut self, operator: Binary, a: Known, b: Known) -> Lower<Known> {
        let refused = || fail("an operator that durations do not have, or not while running");
        let number = |lowerer: &Self, id: ExprId| match lowerer.circuit.expression(id) {
            Expr::Literal(Literal::Float(number)) => Some(*number),
            Expr::Literal(Literal::Uint(bits)) => bits.to_u64().map(|bits| bits as f64),
            _ => None,
        };
        let times = |time: Time, factor: f64| {
            Ok(Known::Time(Time { amount: time.amount * factor, ..time }))
        };
        match (operator, a, b) {
            (Binary::Mul, Known::Time(time), Known::Run(id))
            | (Binary::Mul, Known::Run(id), Known::Time(time)) => match number(self, id) {
                Some(factor) => times(time, factor),
                None => refused(),
            },
            (Binary::Div, Known::Time(time), Known::Run(id)) => match number(self, id) {
                Some(divisor) if divisor != 0.0 => times(time, 1.0 / divisor),
                _ => refused(),
            },
            (operator, Known::Time(a), Known::Time(b)) => {
                let Some((a, b, unit)) = a.aligned(b) else {
                    return fail("ticks and seconds do not meet: a tick's length is the device's");
                };
                let Some(number) = operator.of_numbers(a, b) else { return refused() };
                let literal = match operator {
                    Binary::Add | Binary::Sub => {
                        return Ok(Known::Time(Time { amount: number, unit }));
                    }
                    Binary::Div => Literal::Float(number),
                    Binary::Mul => return refused(),
                    _ => Literal::Bool(number != 0.0),
                };
                Ok(Known::Run(self.circuit.add_expr(Expr::Literal(literal))))
            }
            _ => refused(),
        }
    }

    /// Waits. Numbers are ticks: the format does not keep other units.
    pub(super) fn delay(
        &mut self,
        frame: &Frame<'m>,
        params: &'m [Value<'m>],
        qubits: &[u32],
    ) -> Lower<()> {
        let (unit, amount) = match params.first() {
            Some(Value::Expression(expression)) => {
                match self.worth(frame, expression, expression.nodes.len())? {
                    // A stretch takes what is needed: never less than nothing.
                    Known::Time(time) => (time.unit, Param::Number(time.amount.max(0.0))),
                    Known::Run(_) => return fail("a delay that is no duration"),
                }
            }
            Some(value) => (TimeUnit::Tick, self.param(value)?),
            None => return fail("a delay without a duration"),
        };
        if amount.as_number().is_some_and(|amount| !(amount >= 0.0 && amount.is_finite())) {
            return fail("a delay of less than nothing");
        }
        self.push(Op::Delay(unit), qubits, &[], &[amount])
    }

    /// Writes a value into bits or a variable.
    pub(super) fn store(&mut self, frame: &Frame<'m>, params: &'m [Value<'m>]) -> Lower<()> {
        let [Value::Expression(place), Value::Expression(value)] = params else {
            return fail("two expressions expected");
        };
        let value = self.run_time(frame, value)?;
        let part = |size: usize| {
            let last = size.checked_sub(1).and_then(|last| place.nodes.get(last));
            last.map(|(part, _)| part)
        };
        match part(place.nodes.len()) {
            Some(&Part::Variable(variable)) => match self.variable(frame, variable)? {
                Var::Stored(var) => self.push(Op::Store { var, value }, &[], &[], &[]),
                Var::Stretch => fail("a stretch is not written"),
            },
            Some(&Part::Storage(storage)) => {
                let clbits = match storage {
                    Storage::Bit(place) => vec![frame.clbit(place)?],
                    Storage::Register(name) => frame.register(name)?,
                };
                self.charge(clbits.len() as u64)?;
                self.push(Op::StoreClbits(value), &[], &clbits, &[])
            }
            Some(&Part::Index(target, index)) => {
                let index = match self.worth(frame, place, index as usize + 1)? {
                    Known::Run(index) => index,
                    Known::Time(_) => return fail("an index that is a duration"),
                };
                match part(target as usize + 1) {
                    Some(&Part::Variable(variable)) => match self.variable(frame, variable)? {
                        Var::Stored(var) => {
                            self.push(Op::StoreBit { var, index, value }, &[], &[], &[])
                        }
                        Var::Stretch => fail("a stretch is not written"),
                    },
                    Some(&Part::Storage(Storage::Register(name))) => {
                        let clbits = frame.register(name)?;
                        self.charge(clbits.len() as u64)?;
                        self.push(Op::StoreClbit { index, value }, &[], &clbits, &[])
                    }
                    _ => fail("a place that is not written"),
                }
            }
            _ => fail("a place that is not written"),
        }
    }
}
