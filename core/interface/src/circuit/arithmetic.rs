//! What operators do to values, by the rules that [`Circuit::evaluate`](super::Circuit::evaluate)
//! states.

use super::{
    Binary, EvaluateError, Unary, Value, VarType,
    wide::{self, MAX_PRODUCT_WIDTH},
};
use crate::BitString;

type Evaluated = Result<Value, EvaluateError>;

/// An operator of one operand.
pub(super) fn unary(operator: Unary, a: Value) -> Evaluated {
    Ok(match (operator, a) {
        (Unary::Not, a) => Value::Bool(!a.is_true()),
        (Unary::BitNot, Value::Bool(a)) => Value::Bool(!a),
        (Unary::BitNot, Value::Uint(a)) => Value::Uint(each_word(&a, &a, |x, _| !x)),
        (Unary::BitNot, Value::Int(a)) => Value::Int(!a),
        (Unary::BitNot | Unary::Popcount, a @ Value::Float(_)) => {
            return Err(meaningless(&operator, &[&a]));
        }
        (Unary::Negate, Value::Int(a)) => Value::Int(a.wrapping_neg()),
        (Unary::Negate, Value::Bool(a)) => Value::Int(-i64::from(a)),
        (Unary::Negate, Value::Uint(a)) => Value::Uint(wide::sub(&BitString::zeros(a.width()), &a)),
        (Unary::Abs, Value::Int(a)) => Value::Int(a.wrapping_abs()),
        (Unary::Abs, a @ (Value::Uint(_) | Value::Bool(_))) => a,
        (Unary::Popcount, a) => {
            let ones = a.to_bits(a.width()).words().map(|word| u64::from(word.count_ones())).sum();
            Value::Uint(BitString::from_u64(64, ones))
        }
        (operator, a) => Value::Float(operator.of_number(a.to_f64())),
    })
}

/// An operator of two operands.
pub(super) fn binary(operator: Binary, a: &Value, b: &Value) -> Evaluated {
    use Binary::{And, Or, RotateLeft, RotateRight, Shl, Shr};
    match operator {
        And => return Ok(Value::Bool(a.is_true() && b.is_true())),
        Or => return Ok(Value::Bool(a.is_true() || b.is_true())),
        Shl | Shr => return shift(operator, a, b),
        RotateLeft | RotateRight => return rotate(operator, a, b),
        _ => {}
    }
    match (a, b) {
        (Value::Float(_), _) | (_, Value::Float(_)) => {
            let number = operator.of_numbers(a.to_f64(), b.to_f64());
            let number = number.ok_or_else(|| meaningless(&operator, &[a, b]))?;
            let truth = is_comparison(operator);
            Ok(if truth { Value::Bool(number != 0.0) } else { Value::Float(number) })
        }
        (Value::Int(_), _) | (_, Value::Int(_)) => {
            let (x, y) = (a.cast(VarType::Int(64)), b.cast(VarType::Int(64)));
            let (Value::Int(x), Value::Int(y)) = (x, y) else { unreachable!("a cast to Int") };
            int(operator, x, y)
        }
        _ => {
            let both_bool = matches!((a, b), (Value::Bool(_), Value::Bool(_)));
            let width = a.width().max(b.width());
            let value = uint(operator, &a.to_bits(width), &b.to_bits(width))?;
            Ok(if both_bool { Value::Bool(value.is_true()) } else { value })
        }
    }
}

fn int(operator: Binary, x: i64, y: i64) -> Evaluated {
    let by_zero = || EvaluateError::DivisionByZero { operator };
    Ok(Value::Int(match operator {
        Binary::Add => x.wrapping_add(y),
        Binary::Sub => x.wrapping_sub(y),
        Binary::Mul => x.wrapping_mul(y),
        Binary::Div if y == 0 => return Err(by_zero()),
        Binary::Rem if y == 0 => return Err(by_zero()),
        Binary::Div => x.wrapping_div(y),
        Binary::Rem => x.wrapping_rem(y),
        Binary::Pow => match u64::try_from(y) {
            Ok(exponent) => power(x as u64, exponent) as i64,
            Err(_) => return Err(meaningless(&operator, &[&Value::Int(x), &Value::Int(y)])),
        },
        Binary::BitAnd => x & y,
        Binary::BitOr => x | y,
        Binary::BitXor => x ^ y,
        _ => return Ok(Value::Bool(compare(operator, x.cmp(&y)))),
    }))
}

/// Two numbers of one width.
fn uint(operator: Binary, x: &BitString, y: &BitString) -> Evaluated {
    let width = x.width();
    let is_product =
        matches!(operator, Binary::Mul | Binary::Div | Binary::Rem | Binary::Pow) && width > 64;
    if is_product && width > MAX_PRODUCT_WIDTH {
        return Err(EvaluateError::TooWide { operator, width, limit: MAX_PRODUCT_WIDTH });
    }
    let by_zero = || EvaluateError::DivisionByZero { operator };
    Ok(Value::Uint(match operator {
        Binary::BitAnd => each_word(x, y, |x, y| x & y),
        Binary::BitOr => each_word(x, y, |x, y| x | y),
        Binary::BitXor => each_word(x, y, |x, y| x ^ y),
        Binary::Add => wide::add(x, y),
        Binary::Sub => wide::sub(x, y),
        Binary::Mul => wide::mul(x, y),
        Binary::Div => wide::div_rem(x, y).ok_or_else(by_zero)?.0,
        Binary::Rem => wide::div_rem(x, y).ok_or_else(by_zero)?.1,
        Binary::Pow => wide::pow(x, y),
        _ => return Ok(Value::Bool(compare(operator, x.cmp(y)))),
    }))
}

fn each_word(x: &BitString, y: &BitString, f: fn(u64, u64) -> u64) -> BitString {
    if let (0..=64, Some(x_low), Some(y_low)) = (x.width(), x.to_u64(), y.to_u64()) {
        return BitString::from_u64(x.width(), f(x_low, y_low));
    }
    let words: Vec<u64> = x.words().zip(y.words()).map(|(x, y)| f(x, y)).collect();
    BitString::from_words(x.width(), &words)
}

/// Modulo 2^64.
fn power(base: u64, exponent: u64) -> u64 {
    let (mut power, mut square, mut left) = (1_u64, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            power = power.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        left >>= 1;
    }
    power
}

/// The left operand decides the type and the width; bits that leave it are lost.
fn shift(operator: Binary, a: &Value, b: &Value) -> Evaluated {
    let refused = || meaningless(&operator, &[a, b]);
    let left = operator == Binary::Shl;
    let distance = match b {
        Value::Float(_) => return Err(refused()),
        // As good as any other distance beyond all widths.
        Value::Uint(_) => b.to_i128().unwrap_or(i128::MAX),
        _ => b.to_i128().filter(|distance| *distance >= 0).ok_or_else(refused)?,
    };
    let distance = u32::try_from(distance).unwrap_or(u32::MAX);
    Ok(match a {
        Value::Float(_) => return Err(refused()),
        Value::Int(x) if left => Value::Int(x.checked_shl(distance).unwrap_or(0)),
        Value::Int(x) => Value::Int(x >> distance.min(63)),
        _ => {
            let (bits, width) = (a.to_bits(a.width()), a.width());
            Value::Uint(match bits.to_u64() {
                Some(x) if width <= 64 && left => {
                    BitString::from_u64(width, x.checked_shl(distance).unwrap_or(0))
                }
                Some(x) if width <= 64 => {
                    BitString::from_u64(width, x.checked_shr(distance).unwrap_or(0))
                }
                _ if left => moved(&bits, |to| to.checked_sub(distance)),
                _ => moved(&bits, |to| to.checked_add(distance)),
            })
        }
    })
}

/// Bits that leave at one end come back at the other; negative distances go the other way.
fn rotate(operator: Binary, a: &Value, b: &Value) -> Evaluated {
    let width = a.width();
    let (Value::Bool(_) | Value::Uint(_), Some(distance)) = (a, b.to_i128()) else {
        return Err(meaningless(&operator, &[a, b]));
    };
    if width == 0 {
        return Ok(a.clone());
    }
    let left = if operator == Binary::RotateLeft { distance } else { -distance };
    let left = u32::try_from(left.rem_euclid(i128::from(width))).expect("below the width");
    let bits = moved(&a.to_bits(width), |to| Some((to + width - left) % width));
    Ok(if matches!(a, Value::Bool(_)) { a.clone() } else { Value::Uint(bits) })
}

/// The bits, each taken from another place; 0 where there is none.
fn moved(bits: &BitString, source: impl Fn(u32) -> Option<u32>) -> BitString {
    let mut moved = BitString::zeros(bits.width());
    let is_set = |to: &u32| source(*to).is_some_and(|from| bits.get(from));
    (0..bits.width()).filter(is_set).for_each(|to| moved.set(to, true));
    moved
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

pub(super) fn meaningless(operator: &dyn std::fmt::Debug, operands: &[&Value]) -> EvaluateError {
    let operands: Vec<String> = operands.iter().map(|value| format!("{value:?}")).collect();
    EvaluateError::Meaningless {
        operator: format!("{operator:?}"),
        operands: operands.join(" and "),
    }
}
