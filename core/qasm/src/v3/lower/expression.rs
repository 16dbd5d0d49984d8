//! The values of expressions.

use ketch_interface::{
    BitString,
    circuit::{Binary, Clbit, Expr as Node, ExprId, Param, Unary, Value as Literal, VarType},
};

use super::super::ast::{BinaryOp, Expr, ExprKind, Span, UnaryOp};
use super::{
    Lower, Lowerer,
    constant::{self, is_comparison, meeting, radians},
    fail,
    place::Part,
    scope::{Bits, Symbol},
    value::{Const, Of, Time, Ty, Value, angle_unit, bits_of},
};

impl Lowerer<'_> {
    /// The value of an expression.
    pub(super) fn eval(&mut self, expr: &Expr) -> Lower<Value> {
        self.step(expr.span)?;
        match &expr.kind {
            ExprKind::Int(value) => Ok(Value::literal(*value)),
            ExprKind::Float(value) => Ok(Value::float(*value)),
            ExprKind::Imaginary(value) => {
                let value = ketch_interface::Complex64::new(0.0, *value);
                Ok(Value::known(Ty::Complex, Const::Complex(value)))
            }
            ExprKind::Bool(value) => Ok(Value::bool(*value)),
            ExprKind::Bits(bits) => Ok(bits_value(bits.clone())),
            ExprKind::Time(amount, unit) => {
                let time = Time { amount: *amount, unit: *unit, stretch: false };
                Ok(Value::known(Ty::Duration, Const::Time(time)))
            }
            ExprKind::Unary(operator, operand) => {
                let value = self.eval(operand)?;
                self.unary(*operator, &value, expr.span)
            }
            ExprKind::Chain(first, rest) => {
                let mut value = self.eval(first)?;
                for (operator, operand) in rest {
                    value = self.kept_before(value, operand)?;
                    let operand_value = self.eval(operand)?;
                    let span = first.span.to(operand.span);
                    value = self.binary(*operator, &value, &operand_value, span)?;
                }
                Ok(value)
            }
            ExprKind::Name(_) | ExprKind::Index(..) => {
                let part = self.part(expr)?;
                self.read(&part, expr.span)
            }
            ExprKind::Call(name, args) => self.call_function(*name, args, &[], expr.span),
            ExprKind::QuantumCall(name, args, qubits) => {
                self.call_function(*name, args, qubits, expr.span)
            }
            ExprKind::Cast(ty, value) => {
                let ty = self.scalar(ty)?;
                let value = self.eval(value)?;
                self.convert(&value, ty, expr.span)
            }
            ExprKind::DurationOf(block) => self.duration_of(block, expr.span),
            ExprKind::Measure(operand) => self.measured(operand, expr.span),
            ExprKind::Concat(parts) => self.joined(parts, expr.span),
            ExprKind::Physical(_) => fail(expr.span, "a qubit is no value"),
            ExprKind::Braces(_) => fail(expr.span, "the elements of an array are no value here"),
        }
    }

    /// Bits one after the other, the first parts lowest.
    pub(super) fn joined(&mut self, parts: &[Expr], span: Span) -> Lower<Value> {
        let mut low = self.eval(&parts[0])?;
        for part in &parts[1..] {
            low = self.kept_before(low, part)?;
            let high = self.eval(part)?;
            let (Some(n), Some(m)) = (low.ty.width(), high.ty.width()) else {
                return fail(span, format!("`++` of a `{}` and a `{}`", low.ty, high.ty));
            };
            let width = self.bit_width(u64::from(n) + u64::from(m), span)?;
            let low_bits = self.convert(&low, Ty::Bits(width), span)?;
            let high_bits = self.convert(&high, Ty::Bits(width), span)?;
            let by = Value::literal(i128::from(n));
            let shifted = self.binary(BinaryOp::Shl, &high_bits, &by, span)?;
            low = self.binary(BinaryOp::BitOr, &low_bits, &shifted, span)?;
        }
        Ok(low)
    }

    /// A width that a register of bits may have.
    pub(super) fn bit_width(&mut self, width: u64, span: Span) -> Lower<u32> {
        match u32::try_from(width) {
            Ok(width) if (1..=ketch_interface::circuit::MAX_QUBITS).contains(&width) => {
                if width > 64 {
                    self.charge(span, u64::from(width / 64), 0)?;
                }
                Ok(width)
            }
            _ => {
                let most = ketch_interface::circuit::MAX_QUBITS;
                fail(span, format!("{width} bits, expected 1 to {most}"))
            }
        }
    }

    /// The value, which must be known and a whole number.
    pub(super) fn known_int(&mut self, expr: &Expr, what: &str) -> Lower<i128> {
        let value = self.eval(expr)?;
        match value.as_int() {
            Some(value) => Ok(value),
            None if value.as_known().is_some() => {
                fail(expr.span, format!("{what} is a whole number, found a `{}`", value.ty))
            }
            None => fail(expr.span, format!("{what} must be known before the program runs")),
        }
    }

    /// A value as a truth value.
    pub(super) fn truth(&mut self, value: &Value, span: Span) -> Lower<Value> {
        self.convert(value, Ty::Bool, span)
    }

    /// An operator on one value.
    pub(super) fn unary(&mut self, operator: UnaryOp, value: &Value, span: Span) -> Lower<Value> {
        if value.as_known().is_some() {
            return constant::unary(operator, value).or_else(|message| fail(span, message));
        }
        let ty = value.ty;
        let node = self.run_node(value, span)?;
        let unary = |lower: &mut Self, operator, node| {
            Value::run(ty, lower.node(Node::Unary(operator, node)))
        };
        Ok(match (operator, ty) {
            (UnaryOp::Not, _) => {
                let truth = self.truth(value, span)?;
                let node = self.run_node(&truth, span)?;
                Value::run(Ty::Bool, self.node(Node::Unary(Unary::Not, node)))
            }
            (UnaryOp::Negate, Ty::Uint(n) | Ty::Angle(n)) => {
                let zero = self.uint(n, 0);
                Value::run(ty, self.node(Node::Binary(Binary::Sub, zero, node)))
            }
            (UnaryOp::Negate, Ty::Float | Ty::Int(_) | Ty::Duration) => {
                let negated = unary(self, Unary::Negate, node);
                self.wrapped_int(negated)
            }
            (UnaryOp::BitNot, Ty::Float | Ty::Duration | Ty::Complex) | (UnaryOp::Negate, _) => {
                let sign = if operator == UnaryOp::BitNot { "~" } else { "-" };
                return fail(span, format!("`{sign}` of a `{ty}`"));
            }
            (UnaryOp::BitNot, _) => unary(self, Unary::BitNot, node),
        })
    }

    /// Cuts a signed number to its width; arithmetic of the circuit is that of 64 bits.
    fn wrapped_int(&mut self, value: Value) -> Value {
        match (value.ty, &value.of) {
            (Ty::Int(n), Of::Run(node)) if n < 64 => {
                Value::run(value.ty, self.node(Node::Cast(VarType::Int(n), *node)))
            }
            _ => value,
        }
    }

    /// An operator on two values.
    pub(super) fn binary(
        &mut self,
        operator: BinaryOp,
        a: &Value,
        b: &Value,
        span: Span,
    ) -> Lower<Value> {
        let (a, b) = (&settled(a, b.ty, span)?, &settled(b, a.ty, span)?);
        if let (Some(x), Some(y)) = (a.as_known(), b.as_known()) {
            for bits in [x, y] {
                if let Const::Bits(bits) = bits
                    && bits.width() > 64
                {
                    self.charge(span, 0, u64::from(bits.width() / 64))?;
                }
            }
            return constant::binary(operator, a, b).or_else(|message| fail(span, message));
        }
        self.run_binary(operator, a, b, span)
    }

    fn run_binary(&mut self, operator: BinaryOp, a: &Value, b: &Value, span: Span) -> Lower<Value> {
        use BinaryOp::{And, BitAnd, BitOr, BitXor, Div, Mul, Or, Shl, Shr};
        let node_operator = node_operator(operator);
        match operator {
            And | Or => {
                let (a, b) = (self.truth(a, span)?, self.truth(b, span)?);
                let (x, y) = (self.run_node(&a, span)?, self.run_node(&b, span)?);
                return Ok(Value::run(Ty::Bool, self.node(Node::Binary(node_operator, x, y))));
            }
            Shl | Shr => {
                let ty = match a.ty {
                    Ty::Bit | Ty::Bool => Ty::Uint(1),
                    Ty::Literal => Ty::Int(super::value::INT_WIDTH),
                    Ty::Float | Ty::Complex | Ty::Duration => {
                        let sign = constant::sign(operator);
                        return fail(span, format!("{sign} of a `{}`", a.ty));
                    }
                    ty => ty,
                };
                let by = if matches!(ty, Ty::Int(_)) { Ty::Int(64) } else { Ty::Uint(64) };
                let (a, b) = (self.convert(a, ty, span)?, self.convert(b, by, span)?);
                let (x, y) = (self.run_node(&a, span)?, self.run_node(&b, span)?);
                let value = Value::run(ty, self.node(Node::Binary(node_operator, x, y)));
                return Ok(self.wrapped_int(value));
            }
            _ => {}
        }
        if a.ty == Ty::Duration || b.ty == Ty::Duration {
            return self.run_duration(operator, a, b, span);
        }
        let mut ty = meeting(a.ty, b.ty);
        let mut result = None;
        let (mut a, mut b) = (a.clone(), b.clone());
        if let (Ty::Angle(n), Mul | Div) = (ty, operator) {
            match (a.ty, b.ty) {
                (Ty::Angle(_), Ty::Angle(_)) if operator == Div => result = Some(Ty::Uint(n)),
                (Ty::Float, _) | (_, Ty::Float) => ty = Ty::Float,
                (Ty::Angle(_), other) | (other, Ty::Angle(_)) if other.width().is_some() => {
                    // Bit patterns are multiplied, as those of whole numbers.
                    for value in [&mut a, &mut b] {
                        if !matches!(value.ty, Ty::Angle(_)) {
                            *value = self.convert(value, Ty::Uint(n), span)?;
                            value.ty = Ty::Angle(n);
                        }
                    }
                }
                _ => {}
            }
        }
        if !matches!(operator, BitAnd | BitOr | BitXor) && !is_comparison(operator) {
            ty = match ty {
                Ty::Bit | Ty::Bool => Ty::Uint(1),
                Ty::Bits(n) => Ty::Uint(n),
                ty => ty,
            };
        }
        if ty == Ty::Literal {
            ty = Ty::Int(super::value::INT_WIDTH);
        }
        if ty == Ty::Complex {
            return fail(span, "complex numbers must be known before the program runs");
        }
        let (a, b) = (self.convert(&a, ty, span)?, self.convert(&b, ty, span)?);
        let (x, y) = (self.run_node(&a, span)?, self.run_node(&b, span)?);
        let node = self.node(Node::Binary(node_operator, x, y));
        if is_comparison(operator) {
            return Ok(Value::run(Ty::Bool, node));
        }
        Ok(self.wrapped_int(Value::run(result.unwrap_or(ty), node)))
    }

    fn run_duration(
        &mut self,
        operator: BinaryOp,
        a: &Value,
        b: &Value,
        span: Span,
    ) -> Lower<Value> {
        let seconds = |lower: &mut Self, value: &Value| match value.ty {
            Ty::Duration => lower.run_node(value, span),
            _ => {
                let number = lower.convert(value, Ty::Float, span)?;
                lower.run_node(&number, span)
            }
        };
        let both = a.ty == b.ty;
        let ty = match operator {
            BinaryOp::Add | BinaryOp::Sub if both => Ty::Duration,
            BinaryOp::Div if both => Ty::Float,
            BinaryOp::Div if a.ty == Ty::Duration => Ty::Duration,
            BinaryOp::Mul if !both => Ty::Duration,
            _ if is_comparison(operator) && both => Ty::Bool,
            _ => {
                let sign = constant::sign(operator);
                return fail(span, format!("{sign} of a `{}` and a `{}`", a.ty, b.ty));
            }
        };
        let (x, y) = (seconds(self, a)?, seconds(self, b)?);
        Ok(Value::run(ty, self.node(Node::Binary(node_operator(operator), x, y))))
    }

    /// The value as another type.
    pub(super) fn convert(&mut self, value: &Value, ty: Ty, span: Span) -> Lower<Value> {
        let from = value.ty;
        if from == ty {
            return Ok(value.clone());
        }
        let node = match &value.of {
            Of::Known(known) => {
                return match constant::convert(known, from, ty) {
                    Ok(known) => Ok(Value::known(ty, known)),
                    Err(message) => fail(span, message),
                };
            }
            Of::Run(node) => *node,
        };
        let cast = |lower: &mut Self, to: VarType| lower.node(Node::Cast(to, node));
        let converted = match (from, ty) {
            (Ty::Bit, Ty::Bool) | (Ty::Bool, Ty::Bit) => node,
            (Ty::Duration | Ty::Complex, _) | (_, Ty::Duration | Ty::Complex) => {
                return fail(span, format!("a `{from}` does not become a `{ty}`"));
            }
            (_, Ty::Bit | Ty::Bool) => cast(self, VarType::Bool),
            (Ty::Angle(_), Ty::Int(_) | Ty::Uint(_) | Ty::Literal) => {
                return fail(span, format!("a `{from}` does not become a `{ty}`"));
            }
            (Ty::Angle(n), Ty::Float) => {
                let number = cast(self, VarType::Float);
                let unit = self.node(Node::Literal(Literal::Float(angle_unit(n))));
                self.node(Node::Binary(Binary::Mul, number, unit))
            }
            (Ty::Angle(m), Ty::Angle(n)) if m > n => {
                let by = self.uint(32, u64::from(m - n));
                let shifted = self.node(Node::Binary(Binary::Shr, node, by));
                self.node(Node::Cast(VarType::Uint(n), shifted))
            }
            (Ty::Angle(m), Ty::Angle(n)) => {
                let wide = cast(self, VarType::Uint(n));
                let by = self.uint(32, u64::from(n - m));
                self.node(Node::Binary(Binary::Shl, wide, by))
            }
            (Ty::Bits(_) | Ty::Bit, Ty::Angle(n)) => cast(self, VarType::Uint(n)),
            (_, Ty::Angle(n)) => {
                let float = cast(self, VarType::Float);
                let steps = self.node(Node::Literal(Literal::Float(1.0 / angle_unit(n))));
                let scaled = self.node(Node::Binary(Binary::Mul, float, steps));
                let half = self.node(Node::Literal(Literal::Float(0.5)));
                let raised = self.node(Node::Binary(Binary::Add, scaled, half));
                let whole = self.node(Node::Unary(Unary::Floor, raised));
                self.node(Node::Cast(VarType::Uint(n), whole))
            }
            (_, Ty::Literal) => cast(self, VarType::Int(super::value::INT_WIDTH)),
            (_, ty) => {
                let stored = ty.stored().expect("the types without storage were refused");
                cast(self, stored)
            }
        };
        Ok(Value::run(ty, converted))
    }

    /// A node for a whole number of this width.
    pub(super) fn uint(&mut self, width: u32, value: u64) -> ExprId {
        self.node(Node::Literal(Literal::Uint(BitString::from_u64(width, value))))
    }

    /// The node of a value: truth values for bits.
    pub(super) fn run_node(&mut self, value: &Value, span: Span) -> Lower<ExprId> {
        let known = match &value.of {
            Of::Run(node) => return Ok(*node),
            Of::Known(known) => known,
        };
        let literal = match (value.ty, known) {
            (_, Const::Bool(value)) => Literal::Bool(*value),
            (_, Const::Bits(bits)) => Literal::Uint(bits.clone()),
            (_, Const::Float(value)) => Literal::Float(*value),
            (Ty::Uint(n) | Ty::Angle(n), Const::Int(value)) => Literal::Uint(bits_of(*value, n)),
            (_, Const::Int(value)) => match i64::try_from(*value) {
                Ok(value) => Literal::Int(value),
                Err(_) => return fail(span, "a whole number of more than 64 bits"),
            },
            (_, Const::Time(time)) => {
                match time.in_unit(ketch_interface::circuit::TimeUnit::Second) {
                    Some(time) => Literal::Float(time.amount),
                    None => {
                        return fail(span, "the length of `dt` is the device's: not known here");
                    }
                }
            }
            (_, Const::Complex(_)) => {
                return fail(span, "complex numbers must be known before the program runs");
            }
        };
        Ok(self.node(Node::Literal(literal)))
    }

    /// The node of a value in the form in which its type is stored.
    pub(super) fn stored_node(&mut self, value: &Value, span: Span) -> Lower<ExprId> {
        match (value.ty, value.as_known()) {
            (Ty::Bit, Some(Const::Bool(bit))) => Ok(self.uint(1, u64::from(*bit))),
            (Ty::Bit, _) => {
                let node = self.run_node(value, span)?;
                Ok(self.node(Node::Cast(VarType::Uint(1), node)))
            }
            _ => self.run_node(value, span),
        }
    }

    /// A gate's parameter: a number, angles in radians.
    pub(super) fn param(&mut self, value: &Value, span: Span) -> Lower<Param> {
        if value.as_known().is_some() {
            return match radians(value) {
                Some(number) if number.is_finite() => Ok(Param::Number(number)),
                Some(_) => fail(span, "the parameter is not finite"),
                None => fail(span, format!("a parameter is a number, found a `{}`", value.ty)),
            };
        }
        let number = self.convert(value, Ty::Float, span)?;
        self.run_node(&number, span).map(Param::Expr)
    }

    /// The value of a part of what a name stands for.
    pub(super) fn read(&mut self, part: &Part, span: Span) -> Lower<Value> {
        match part {
            Part::Value(value) => Ok(value.clone()),
            Part::Clbits(bits) => self.clbits(bits, span),
            Part::Var(var) => self.read_var(*var, span),
            Part::VarBits { var, bits, register } => {
                let whole = self.read_var(*var, span)?;
                self.bits_at(&whole, bits, *register, span)
            }
            Part::Array(_) => fail(span, "an array is no value: name one of its elements"),
            Part::Qubits(_) => fail(span, "a qubit is no value: `measure` it"),
            Part::Choice { parts, index } => self.read_choice(parts, index, span),
        }
    }

    fn clbits(&mut self, bits: &Bits, span: Span) -> Lower<Value> {
        if !bits.register {
            let node = self.node(Node::Clbit(Clbit(bits.bits[0])));
            return Ok(Value::run(Ty::Bit, node));
        }
        let (start, size) = (bits.bits[0], bits.bits.len() as u32);
        let run = bits.bits.iter().zip(start..).all(|(&bit, expected)| bit == expected);
        if run {
            let node = self.node(Node::Clbits { start, size });
            return Ok(Value::run(Ty::Bits(size), node));
        }
        self.charge_joining(size, span)?;
        let mut joined = self.uint(size, 0);
        for (place, &bit) in bits.bits.iter().enumerate() {
            let bit = self.node(Node::Clbit(Clbit(bit)));
            joined = self.with_bit(joined, bit, size, place as u32);
        }
        Ok(Value::run(Ty::Bits(size), joined))
    }

    /// Every bit that is put into its place takes a few nodes.
    fn charge_joining(&mut self, size: u32, span: Span) -> Lower<()> {
        self.charge(span, u64::from(size), 4 * u64::from(size))
    }

    /// `joined | bit << place`, of `size` bits.
    fn with_bit(&mut self, joined: ExprId, bit: ExprId, size: u32, place: u32) -> ExprId {
        let wide = self.node(Node::Cast(VarType::Uint(size), bit));
        let by = self.uint(32, u64::from(place));
        let shifted = self.node(Node::Binary(Binary::Shl, wide, by));
        self.node(Node::Binary(Binary::BitOr, joined, shifted))
    }

    /// Some bits of a value.
    pub(super) fn bits_at(
        &mut self,
        value: &Value,
        places: &[u32],
        register: bool,
        span: Span,
    ) -> Lower<Value> {
        let width = value.ty.width().expect("bits of a value that has them");
        if let Some(known) = value.as_known() {
            let bits = match known {
                Const::Bits(bits) => bits.clone(),
                Const::Bool(bit) => BitString::from_u64(1, u64::from(*bit)),
                Const::Int(value) => bits_of(*value, width),
                _ => return fail(span, format!("a `{}` has no bits", value.ty)),
            };
            if !register {
                return Ok(Value::known(Ty::Bit, Const::Bool(bits.get(places[0]))));
            }
            self.charge(span, 0, places.len() as u64 / 16)?;
            let mut chosen = BitString::zeros(places.len() as u32);
            for (to, from) in places.iter().enumerate() {
                chosen.set(to as u32, bits.get(*from));
            }
            return Ok(bits_value(chosen));
        }
        let unsigned = self.convert_bits(value, width, span)?;
        let bit_at = |lower: &mut Self, place: u32| {
            let by = lower.uint(32, u64::from(place));
            let shifted = lower.node(Node::Binary(Binary::Shr, unsigned, by));
            lower.node(Node::Cast(VarType::Uint(1), shifted))
        };
        if !register {
            let bit = bit_at(self, places[0]);
            return Ok(Value::run(Ty::Bit, self.node(Node::Cast(VarType::Bool, bit))));
        }
        let size = places.len() as u32;
        let run = places.iter().zip(places[0]..).all(|(&place, expected)| place == expected);
        if run {
            let by = self.uint(32, u64::from(places[0]));
            let shifted = self.node(Node::Binary(Binary::Shr, unsigned, by));
            let node = self.node(Node::Cast(VarType::Uint(size), shifted));
            return Ok(Value::run(Ty::Bits(size), node));
        }
        self.charge_joining(size, span)?;
        let mut joined = self.uint(size, 0);
        for (to, &place) in places.iter().enumerate() {
            let bit = bit_at(self, place);
            joined = self.with_bit(joined, bit, size, to as u32);
        }
        Ok(Value::run(Ty::Bits(size), joined))
    }

    /// The node of a value as unsigned bits of its width.
    pub(super) fn convert_bits(&mut self, value: &Value, width: u32, span: Span) -> Lower<ExprId> {
        let node = self.run_node(value, span)?;
        Ok(match value.ty {
            Ty::Bits(_) | Ty::Uint(_) | Ty::Angle(_) => node,
            _ => self.node(Node::Cast(VarType::Uint(width), node)),
        })
    }

    /// What a name means, as a value or a place.
    pub(super) fn named(&mut self, symbol: Symbol, span: Span) -> Lower<Part> {
        Ok(match symbol {
            Symbol::Value(value) => Part::Value(value),
            Symbol::Var(var) => Part::Var(var),
            Symbol::Bits(bits) => Part::Clbits(bits),
            Symbol::Qubits(bits) => Part::Qubits(bits),
            Symbol::Array(array) => Part::Array(array),
            Symbol::Standard(_) | Symbol::Gate(_) => return fail(span, "a gate is no value"),
            Symbol::Sub(_) | Symbol::Extern => {
                return fail(span, "a subroutine is no value: call it with `(` and `)`");
            }
            Symbol::Broken => return fail(span, ""),
        })
    }
}

/// A value of bits: one bit is a `bit[1]`.
pub(super) fn bits_value(bits: BitString) -> Value {
    Value::known(Ty::Bits(bits.width()), Const::Bits(bits))
}

/// A whole number that the program writes out, as the type of what it meets if it fits there.
fn settled(value: &Value, other: Ty, span: Span) -> Lower<Value> {
    let (Ty::Literal, Some(Const::Int(number))) = (value.ty, value.as_known()) else {
        return Ok(value.clone());
    };
    let narrow = matches!(other, Ty::Bit | Ty::Bool | Ty::Bits(..=64) | Ty::Int(_) | Ty::Uint(_));
    if narrow && !(i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(number) {
        return fail(span, format!("a number of more than 64 bits meets a `{other}`: {number}"));
    }
    let fits = match other {
        Ty::Uint(n) => Ty::Uint(n).wrap(*number) == *number,
        // As many bits as the type has: `int[2](c) == 3` asks for two ones.
        Ty::Int(n) => Ty::Int(n).wrap(*number) == *number || Ty::Uint(n).wrap(*number) == *number,
        _ => return Ok(value.clone()),
    };
    Ok(match fits {
        true => Value::known(other, Const::Int(other.wrap(*number))),
        false => Value::known(Ty::Int(64), Const::Int(Ty::Int(64).wrap(*number))),
    })
}

/// The operator of the circuit that does the same.
pub(super) fn node_operator(operator: BinaryOp) -> Binary {
    match operator {
        BinaryOp::Add => Binary::Add,
        BinaryOp::Sub => Binary::Sub,
        BinaryOp::Mul => Binary::Mul,
        BinaryOp::Div => Binary::Div,
        BinaryOp::Rem => Binary::Rem,
        BinaryOp::Pow => Binary::Pow,
        BinaryOp::Shl => Binary::Shl,
        BinaryOp::Shr => Binary::Shr,
        BinaryOp::Less => Binary::Less,
        BinaryOp::LessEqual => Binary::LessEqual,
        BinaryOp::Greater => Binary::Greater,
        BinaryOp::GreaterEqual => Binary::GreaterEqual,
        BinaryOp::Equal => Binary::Equal,
        BinaryOp::NotEqual => Binary::NotEqual,
        BinaryOp::BitAnd => Binary::BitAnd,
        BinaryOp::BitXor => Binary::BitXor,
        BinaryOp::BitOr => Binary::BitOr,
        BinaryOp::And => Binary::And,
        BinaryOp::Or => Binary::Or,
    }
}
