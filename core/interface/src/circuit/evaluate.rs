//! The value of an expression.

use super::{Binary, Circuit, Expr, ExprId, Param, Unary, Value, VarType};
use crate::BitString;

/// What an expression is evaluated in.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The classical bits now.
    pub clbits: &'a BitString,
    /// The variables now, by [`VarId`](super::VarId).
    pub variables: &'a [Value],
    /// The numbers bound to the parameters, by [`ParamId`](super::ParamId).
    pub bindings: &'a [f64],
}

/// An expression without a value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// A parameter has no number yet.
    #[error("parameter `{name}` is not bound to a number")]
    Unbound {
        /// Its name.
        name: String,
    },
    /// An operator has no meaning for these values.
    #[error("{operator} has no meaning for {operands}")]
    Meaningless {
        /// The operator.
        operator: String,
        /// The values.
        operands: String,
    },
}

impl Circuit {
    /// The value of an expression.
    ///
    /// Unsigned arithmetic wraps at the width of the wider operand.
    ///
    /// # Errors
    /// If a parameter is not bound, or an operator does not fit its operands.
    ///
    /// # Panics
    /// If the circuit is not [valid](Self::validate), or the scope is smaller than the circuit.
    pub fn evaluate(&self, id: ExprId, scope: Scope<'_>) -> Result<Value, EvaluateError> {
        match self.expression(id) {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::Parameter(param) => {
                let number = scope.bindings.get(param.0 as usize);
                number.copied().map(Value::Float).ok_or_else(|| EvaluateError::Unbound {
                    name: self.parameters()[param.0 as usize].clone(),
                })
            }
            Expr::Clbit(clbit) => Ok(Value::Bool(scope.clbits.get(clbit.0))),
            Expr::Clbits { start, size } => Ok(Value::Uint(scope.clbits.slice(*start, *size))),
            Expr::Var(var) => Ok(scope.variables[var.0 as usize].clone()),
            Expr::Unary(operator, a) => unary(*operator, self.evaluate(*a, scope)?),
            Expr::Binary(operator, a, b) => {
                let a = self.evaluate(*a, scope)?;
                binary(*operator, a, self.evaluate(*b, scope)?)
            }
            Expr::Cast(ty, a) => Ok(self.evaluate(*a, scope)?.cast(*ty)),
        }
    }

    /// The number that a parameter stands for.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    ///
    /// # Panics
    /// As [`evaluate`](Self::evaluate).
    pub fn number(&self, param: Param, scope: Scope<'_>) -> Result<f64, EvaluateError> {
        match param {
            Param::Number(number) => Ok(number),
            Param::Expr(id) => Ok(self.evaluate(id, scope)?.to_number()),
        }
    }
}

impl Value {
    /// What a variable of this type holds at first.
    #[must_use]
    pub fn zero(ty: VarType) -> Self {
        Self::Bool(false).cast(ty)
    }

    /// The value as another type: bits are cut or filled with zeros, numbers rounded towards zero.
    #[must_use]
    pub fn cast(&self, ty: VarType) -> Self {
        match ty {
            VarType::Bool => Self::Bool(self.is_true()),
            VarType::Float => Self::Float(self.to_number()),
            VarType::Int(width) => {
                let value = match self {
                    Self::Float(value) => *value as i64,
                    Self::Int(value) => *value,
                    other => other.to_bits(64).to_u64().unwrap_or(0) as i64,
                };
                let unused = 64 - width.clamp(1, 64);
                Self::Int(value << unused >> unused)
            }
            VarType::Uint(width) => Self::Uint(self.to_bits(width)),
        }
    }

    /// The lowest `width` bits.
    fn to_bits(&self, width: u32) -> BitString {
        let signed = |value: i64| {
            let sign = if value < 0 { u64::MAX } else { 0 };
            let mut words = vec![sign; (width as usize).div_ceil(64).max(1)];
            words[0] = value as u64;
            BitString::from_words(width, &words)
        };
        match self {
            Self::Bool(value) => BitString::from_u64(width, u64::from(*value)),
            Self::Uint(bits) => bits.slice(0, width),
            Self::Int(value) => signed(*value),
            Self::Float(value) => signed(*value as i64),
        }
    }

    fn to_number(&self) -> f64 {
        match self {
            Self::Bool(value) => f64::from(u8::from(*value)),
            Self::Uint(bits) => {
                bits.words().rev().fold(0.0, |sum, word| sum * 2_f64.powi(64) + word as f64)
            }
            Self::Int(value) => *value as f64,
            Self::Float(value) => *value,
        }
    }

    fn width(&self) -> u32 {
        match self {
            Self::Bool(_) => 1,
            Self::Uint(bits) => bits.width(),
            Self::Int(_) | Self::Float(_) => 64,
        }
    }
}

fn unary(operator: Unary, a: Value) -> Result<Value, EvaluateError> {
    Ok(match (operator, a) {
        (Unary::Not, a) => Value::Bool(!a.is_true()),
        (Unary::BitNot, Value::Bool(a)) => Value::Bool(!a),
        (Unary::BitNot, Value::Uint(a)) => {
            let words: Vec<u64> = a.words().map(|word| !word).collect();
            Value::Uint(BitString::from_words(a.width(), &words))
        }
        (Unary::BitNot, Value::Int(a)) => Value::Int(!a),
        (Unary::Negate, Value::Int(a)) => Value::Int(a.wrapping_neg()),
        (Unary::BitNot, a) => return Err(meaningless(&operator, &[a])),
        (operator, a) => Value::Float(operator.of_number(a.to_number())),
    })
}

fn binary(operator: Binary, a: Value, b: Value) -> Result<Value, EvaluateError> {
    use Binary::{And, BitAnd, BitOr, BitXor, Or, Shl, Shr};
    match operator {
        And => return Ok(Value::Bool(a.is_true() && b.is_true())),
        Or => return Ok(Value::Bool(a.is_true() || b.is_true())),
        _ => {}
    }
    if matches!(a, Value::Float(_)) || matches!(b, Value::Float(_)) {
        let number = operator.of_numbers(a.to_number(), b.to_number());
        let number = number.ok_or_else(|| meaningless(&operator, &[a, b]))?;
        return Ok(if is_comparison(operator) {
            Value::Bool(number != 0.0)
        } else {
            Value::Float(number)
        });
    }
    let signed = matches!(a, Value::Int(_)) || matches!(b, Value::Int(_));
    let width = if matches!(operator, Shl | Shr) { a.width() } else { a.width().max(b.width()) };
    if signed {
        let (x, y) = (a.cast(VarType::Int(64)), b.cast(VarType::Int(64)));
        let (Value::Int(x), Value::Int(y)) = (x, y) else { unreachable!("a cast to Int") };
        return int(operator, x, y).ok_or_else(|| meaningless(&operator, &[a, b]));
    }
    let (x, y) = (a.to_bits(width), b.to_bits(width.max(b.width())));
    let wordwise = |f: fn(u64, u64) -> u64| {
        let words: Vec<u64> = x.words().zip(y.words()).map(|(x, y)| f(x, y)).collect();
        BitString::from_words(width, &words)
    };
    let bits = match operator {
        BitAnd => wordwise(|x, y| x & y),
        BitOr => wordwise(|x, y| x | y),
        BitXor => wordwise(|x, y| x ^ y),
        Shl => shift(&x, |to, by| to.checked_sub(by), &y),
        Shr => shift(&x, u32::checked_add, &y),
        _ if is_comparison(operator) => {
            let ordering = x.cmp(&y.slice(0, width));
            return Ok(Value::Bool(compare(operator, ordering)));
        }
        _ => {
            let (Some(x), Some(y)) = (x.to_u64(), y.to_u64()) else {
                return Err(meaningless(&operator, &[a, b]));
            };
            let Some(value) = uint(operator, x, y) else {
                return Err(meaningless(&operator, &[a, b]));
            };
            BitString::from_u64(width, value)
        }
    };
    let both_bool = matches!((&a, &b), (Value::Bool(_), Value::Bool(_)));
    Ok(if both_bool { Value::Bool(bits.get(0)) } else { Value::Uint(bits) })
}

fn shift(bits: &BitString, from: fn(u32, u32) -> Option<u32>, by: &BitString) -> BitString {
    let mut shifted = BitString::zeros(bits.width());
    let by = by.to_u64().and_then(|by| u32::try_from(by).ok());
    let sources = |to| by.and_then(|by| from(to, by)).is_some_and(|source| bits.get(source));
    (0..bits.width()).filter(|&to| sources(to)).for_each(|to| shifted.set(to, true));
    shifted
}

fn is_comparison(operator: Binary) -> bool {
    use Binary::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    matches!(operator, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}

fn compare(operator: Binary, ordering: std::cmp::Ordering) -> bool {
    match operator {
        Binary::Equal => ordering.is_eq(),
        Binary::NotEqual => ordering.is_ne(),
        Binary::Less => ordering.is_lt(),
        Binary::LessEqual => ordering.is_le(),
        Binary::Greater => ordering.is_gt(),
        _ => ordering.is_ge(),
    }
}

fn uint(operator: Binary, x: u64, y: u64) -> Option<u64> {
    match operator {
        Binary::Add => Some(x.wrapping_add(y)),
        Binary::Sub => Some(x.wrapping_sub(y)),
        Binary::Mul => Some(x.wrapping_mul(y)),
        Binary::Div => x.checked_div(y),
        Binary::Rem => x.checked_rem(y),
        Binary::Pow => Some(x.wrapping_pow(u32::try_from(y).ok()?)),
        _ => None,
    }
}

fn int(operator: Binary, x: i64, y: i64) -> Option<Value> {
    Some(Value::Int(match operator {
        Binary::Add => x.wrapping_add(y),
        Binary::Sub => x.wrapping_sub(y),
        Binary::Mul => x.wrapping_mul(y),
        Binary::Div => x.checked_div(y)?,
        Binary::Rem => x.checked_rem(y)?,
        Binary::Pow => x.wrapping_pow(u32::try_from(y).ok()?),
        Binary::BitAnd => x & y,
        Binary::BitOr => x | y,
        Binary::BitXor => x ^ y,
        Binary::Shl => x.checked_shl(u32::try_from(y).ok()?).unwrap_or(0),
        Binary::Shr => x.checked_shr(u32::try_from(y).ok()?).unwrap_or(0),
        _ => return Some(Value::Bool(compare(operator, x.cmp(&y)))),
    }))
}

fn meaningless(operator: &dyn std::fmt::Debug, operands: &[Value]) -> EvaluateError {
    let operands: Vec<String> = operands.iter().map(|value| format!("{value:?}")).collect();
    EvaluateError::Meaningless {
        operator: format!("{operator:?}"),
        operands: operands.join(" and "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Clbit;

    fn value(circuit: &Circuit, id: ExprId, clbits: &str) -> Value {
        let clbits = clbits.parse().unwrap();
        let scope = Scope { clbits: &clbits, variables: &[], bindings: &[0.5] };
        circuit.evaluate(id, scope).unwrap()
    }

    #[test]
    fn registers_compare_as_numbers_of_any_width() {
        let mut circuit = Circuit::new(0, 70);
        let equal = circuit.register_equals(0, 70, 5);
        assert_eq!(value(&circuit, equal, &format!("{:070b}", 5)), Value::Bool(true));
        assert_eq!(value(&circuit, equal, &format!("1{:069b}", 5)), Value::Bool(false));
        let too_large = circuit.register_equals(0, 2, 4);
        assert_eq!(value(&circuit, too_large, "00"), Value::Bool(false));
    }

    #[test]
    fn operators_follow_the_types() {
        let mut circuit = Circuit::new(0, 4);
        circuit.parameter("theta");
        let mut literal = |value| circuit.add_expr(Expr::Literal(value));
        let three = literal(Value::Uint(BitString::from_u64(4, 3)));
        let minus = literal(Value::Int(-2));
        let half = literal(Value::Float(0.5));
        let bits = circuit.add_expr(Expr::Clbits { start: 0, size: 4 });
        let theta = circuit.add_expr(Expr::Parameter(crate::circuit::ParamId(0)));
        let bit = circuit.add_expr(Expr::Clbit(Clbit(1)));
        let mut check = |operator, a, b, expected| {
            let id = circuit.add_expr(Expr::Binary(operator, a, b));
            assert_eq!(value(&circuit, id, "1010"), expected, "{operator:?}");
        };
        let uint = |value| Value::Uint(BitString::from_u64(4, value));
        check(Binary::BitAnd, bits, three, uint(2));
        check(Binary::Sub, three, bits, uint(9));
        check(Binary::Shl, bits, three, uint(0));
        check(Binary::Shr, bits, three, uint(1));
        check(Binary::Add, minus, three, Value::Int(1));
        check(Binary::Mul, theta, half, Value::Float(0.25));
        check(Binary::Less, minus, three, Value::Bool(true));
        check(Binary::And, bit, three, Value::Bool(true));
        let zero = circuit.add_expr(Expr::Literal(Value::Int(0)));
        let by_zero = circuit.add_expr(Expr::Binary(Binary::Rem, three, zero));
        let scope = Scope { clbits: &BitString::zeros(4), variables: &[], bindings: &[] };
        assert!(circuit.evaluate(by_zero, scope).is_err());
        assert!(matches!(circuit.evaluate(theta, scope), Err(EvaluateError::Unbound { .. })));
    }
}
