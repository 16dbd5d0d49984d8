//! Operators on values that are known.

use ketch_interface::BitString;
use ketch_interface::Complex64;

use super::super::ast::{BinaryOp, UnaryOp};
use super::expression::node_operator;
use super::value::{Const, Of, Time, Ty, Value, angle_of, angle_unit, bits_of};

/// Why an operator has no value; a message.
pub(super) type Computed<T> = Result<T, String>;

/// A whole number of more bits than known ones have.
pub(super) fn large() -> String {
    "the result is too large".to_owned()
}

/// `value` as `to`, where it is known.
pub(super) fn convert(value: &Const, from: Ty, to: Ty) -> Computed<Const> {
    let wrong = || Err(format!("a `{from}` does not become a `{to}`"));
    let known = Value { ty: from, of: Of::Known(value.clone()) };
    Ok(match to {
        _ if from == to => value.clone(),
        Ty::Bit | Ty::Bool => match (from, known.as_truth()) {
            (Ty::Duration | Ty::Complex, _) | (_, None) => return wrong(),
            (_, Some(truth)) => Const::Bool(truth),
        },
        Ty::Bits(n) => match (from, value) {
            (_, Const::Bits(bits)) => Const::Bits(bits.slice(0, n)),
            (_, Const::Bool(bit)) => Const::Bits(BitString::from_u64(n, u64::from(*bit))),
            (_, Const::Int(value)) => Const::Bits(bits_of(*value, n)),
            _ => return wrong(),
        },
        Ty::Literal | Ty::Int(_) | Ty::Uint(_) => Const::Int(to.wrap(match value {
            Const::Int(value) if !matches!(from, Ty::Angle(_)) => *value,
            Const::Bool(value) => i128::from(*value),
            Const::Bits(bits) => match (bits.to_u64(), to.width()) {
                (Some(value), _) => i128::from(value),
                (None, Some(width)) => {
                    i128::from(bits.slice(0, width).to_u64().unwrap_or(u64::MAX))
                }
                _ => return wrong(),
            },
            Const::Float(value) if value.is_finite() && value.abs() < 1e30 => *value as i128,
            Const::Float(_) => return Err(format!("the number is too large for a `{to}`")),
            _ => return wrong(),
        })),
        Ty::Float => match known.as_number() {
            Some(number) => Const::Float(number),
            None => return wrong(),
        },
        Ty::Angle(n) => match (from, value) {
            (Ty::Angle(m), Const::Int(value)) if m >= n => Const::Int(value >> (m - n)),
            (Ty::Angle(m), Const::Int(value)) => Const::Int(value << (n - m)),
            (Ty::Bits(_) | Ty::Bit, _) => return convert(value, from, Ty::Uint(n)),
            (Ty::Complex | Ty::Duration, _) => return wrong(),
            _ => match known.as_number() {
                Some(number) if number.is_finite() => Const::Int(angle_of(number, n)),
                _ => return wrong(),
            },
        },
        Ty::Complex => match known.as_number() {
            Some(number) => Const::Complex(Complex64::from(number)),
            None => return wrong(),
        },
        Ty::Duration => return wrong(),
    })
}

/// The type in which two values meet, for arithmetic, comparisons and bitwise operators.
pub(super) fn meeting(a: Ty, b: Ty) -> Ty {
    let number = |ty: Ty| match ty {
        Ty::Bit | Ty::Bool => Ty::Uint(1),
        Ty::Bits(n) => Ty::Uint(n),
        ty => ty,
    };
    match (a, b) {
        _ if a == b => a,
        (Ty::Bit, Ty::Bool) | (Ty::Bool, Ty::Bit) => Ty::Bool,
        (Ty::Bits(n), Ty::Bits(m)) => Ty::Bits(n.max(m)),
        (Ty::Complex, _) | (_, Ty::Complex) => Ty::Complex,
        (Ty::Angle(n), Ty::Angle(m)) => Ty::Angle(n.max(m)),
        (Ty::Angle(n), _) | (_, Ty::Angle(n)) => Ty::Angle(n),
        (Ty::Float, _) | (_, Ty::Float) => Ty::Float,
        (Ty::Literal, other) | (other, Ty::Literal) => match number(other) {
            Ty::Int(n) => Ty::Int(n),
            // The literal may have more bits than the register that it is compared with.
            Ty::Uint(n) if matches!(other, Ty::Uint(_)) => Ty::Uint(n),
            Ty::Uint(n) => Ty::Uint(n.max(64)),
            _ => Ty::Literal,
        },
        _ => match (number(a), number(b)) {
            (Ty::Uint(n), Ty::Uint(m)) => Ty::Uint(n.max(m)),
            (Ty::Int(n), Ty::Int(m)) => Ty::Int(n.max(m)),
            (Ty::Uint(n), Ty::Int(m)) | (Ty::Int(m), Ty::Uint(n)) if n >= m => Ty::Uint(n),
            (_, Ty::Int(m)) | (Ty::Int(m), _) => Ty::Int(m),
            (ty, _) => ty,
        },
    }
}

/// An operator on one known value.
pub(super) fn unary(operator: UnaryOp, value: &Value) -> Computed<Value> {
    let known = value.as_known().expect("the operand is known");
    let ty = value.ty;
    Ok(match (operator, known) {
        (UnaryOp::Not, _) => {
            Value::bool(!value.as_truth().ok_or_else(|| format!("`!` of a `{ty}`"))?)
        }
        (UnaryOp::Negate, Const::Int(x)) => {
            Value::known(ty, Const::Int(ty.wrap(x.checked_neg().ok_or_else(large)?)))
        }
        (UnaryOp::Negate, Const::Float(x)) => Value::float(-x),
        (UnaryOp::Negate, Const::Complex(x)) => Value::known(ty, Const::Complex(-x)),
        (UnaryOp::Negate, Const::Time(time)) => {
            Value::known(ty, Const::Time(Time { amount: -time.amount, ..*time }))
        }
        (UnaryOp::BitNot, Const::Bool(x)) => Value::known(ty, Const::Bool(!x)),
        (UnaryOp::BitNot, Const::Bits(bits)) => {
            let words: Vec<u64> = bits.words().map(|word| !word).collect();
            Value::known(ty, Const::Bits(BitString::from_words(bits.width(), &words)))
        }
        (UnaryOp::BitNot, Const::Int(x)) => Value::known(ty, Const::Int(ty.wrap(!x))),
        (UnaryOp::Negate, _) => return Err(format!("`-` of a `{ty}`")),
        (UnaryOp::BitNot, _) => return Err(format!("`~` of a `{ty}`")),
    })
}

/// An operator on two known values.
pub(super) fn binary(operator: BinaryOp, a: &Value, b: &Value) -> Computed<Value> {
    use BinaryOp::{And, BitAnd, BitOr, BitXor, Div, Mul, Or, Rem, Shl, Shr};
    let none = || format!("{} of a `{}` and a `{}`", sign(operator), a.ty, b.ty);
    let (x, y) = (a.as_known().expect("known"), b.as_known().expect("known"));
    match operator {
        And | Or => {
            let (x, y) = (a.as_truth().ok_or_else(none)?, b.as_truth().ok_or_else(none)?);
            return Ok(Value::bool(if operator == And { x && y } else { x || y }));
        }
        Shl | Shr => return shift(operator, a, b),
        _ => {}
    }
    if a.ty == Ty::Duration || b.ty == Ty::Duration {
        return duration(operator, a, b).ok_or_else(none)?;
    }
    let mut ty = meeting(a.ty, b.ty);
    if let (Ty::Angle(n), Mul | Div) = (ty, operator) {
        match (a.ty, b.ty) {
            (Ty::Angle(_), Ty::Angle(_)) if operator == Div => ty = Ty::Uint(n),
            // An angle times a float is a float, in radians; times a whole number, an angle.
            (Ty::Float, _) | (_, Ty::Float) => ty = Ty::Float,
            (Ty::Angle(_), other) | (other, Ty::Angle(_)) if other.width().is_some() => {
                let whole = |value: &Value| match (value.ty, value.as_known()) {
                    (Ty::Angle(m), Some(Const::Int(units))) => Some(units << (n - m)),
                    _ => value.as_int(),
                };
                let (x, y) = (whole(a).ok_or_else(none)?, whole(b).ok_or_else(none)?);
                if operator == Div && matches!(b.ty, Ty::Angle(_)) {
                    return Err(none());
                }
                return integers(operator, ty, x, y).map(|x| Value::known(ty, Const::Int(x)));
            }
            _ => return Err(none()),
        }
        if ty == Ty::Uint(n) {
            let (x, y) = (convert(x, a.ty, Ty::Angle(n))?, convert(y, b.ty, Ty::Angle(n))?);
            let (Const::Int(x), Const::Int(y)) = (x, y) else { return Err(none()) };
            return integers(operator, ty, x, y).map(|x| Value::known(ty, Const::Int(x)));
        }
    }
    if ty == Ty::Literal && operator == Div {
        // Whole numbers that the program writes out are numbers like any other: 3 / 5 is 0.6.
        if let (Const::Int(x), Const::Int(y)) = (x, y)
            && x.checked_rem(*y).is_some_and(|rest| rest != 0)
        {
            return Ok(Value::float(*x as f64 / *y as f64));
        }
    }
    let arithmetic = !matches!(operator, BitAnd | BitOr | BitXor) && !is_comparison(operator);
    if arithmetic {
        ty = match ty {
            Ty::Bit | Ty::Bool => Ty::Uint(1),
            Ty::Bits(n) if n <= 64 => Ty::Uint(n),
            ty => ty,
        };
    }
    // Known whole numbers have no room for wider registers: they are compared as bits.
    if let Ty::Uint(n @ 65..) = ty {
        ty = Ty::Bits(n);
    }
    if operator == BinaryOp::Pow
        && ty.is_integer()
        && b.as_int().is_some_and(|exponent| exponent < 0)
    {
        ty = Ty::Float;
    }
    let (x, y) = (convert(x, a.ty, ty)?, convert(y, b.ty, ty)?);
    let of = match (x, y) {
        (Const::Bool(x), Const::Bool(y)) => Const::Bool(match operator {
            BitAnd => x & y,
            BitOr => x | y,
            BitXor => x ^ y,
            _ => return compare(operator, x.partial_cmp(&y)).ok_or_else(none),
        }),
        (Const::Bits(x), Const::Bits(y)) => {
            let join: fn(u64, u64) -> u64 = match operator {
                BitAnd => |x, y| x & y,
                BitOr => |x, y| x | y,
                BitXor => |x, y| x ^ y,
                _ => return compare(operator, x.partial_cmp(&y)).ok_or_else(none),
            };
            let words: Vec<u64> = x.words().zip(y.words()).map(|(x, y)| join(x, y)).collect();
            Const::Bits(BitString::from_words(x.width(), &words))
        }
        (Const::Int(x), Const::Int(y)) => {
            if is_comparison(operator) {
                return compare(operator, x.partial_cmp(&y)).ok_or_else(none);
            }
            Const::Int(integers(operator, ty, x, y)?)
        }
        (Const::Float(x), Const::Float(y)) => match operator {
            BinaryOp::Add => Const::Float(x + y),
            BinaryOp::Sub => Const::Float(x - y),
            Mul => Const::Float(x * y),
            Div if y == 0.0 => return Err("division by 0".to_owned()),
            Div => Const::Float(x / y),
            Rem => Const::Float(x % y),
            BinaryOp::Pow => Const::Float(x.powf(y)),
            _ => return compare(operator, x.partial_cmp(&y)).ok_or_else(none),
        },
        (Const::Complex(x), Const::Complex(y)) => match operator {
            BinaryOp::Add => Const::Complex(x + y),
            BinaryOp::Sub => Const::Complex(x - y),
            Mul => Const::Complex(x * y),
            Div => Const::Complex(x / y),
            BinaryOp::Pow => Const::Complex(x.powc(y)),
            BinaryOp::Equal => return Ok(Value::bool(x == y)),
            BinaryOp::NotEqual => return Ok(Value::bool(x != y)),
            _ => return Err(none()),
        },
        _ => return Err(none()),
    };
    Ok(Value::known(ty, of))
}

fn integers(operator: BinaryOp, ty: Ty, x: i128, y: i128) -> Computed<i128> {
    let value = match operator {
        BinaryOp::Add => x.checked_add(y).ok_or_else(large)?,
        BinaryOp::Sub => x.checked_sub(y).ok_or_else(large)?,
        BinaryOp::Mul => x.checked_mul(y).ok_or_else(large)?,
        BinaryOp::Div | BinaryOp::Rem if y == 0 => return Err("division by 0".to_owned()),
        BinaryOp::Div => x.checked_div(y).ok_or_else(large)?,
        BinaryOp::Rem => x.checked_rem(y).unwrap_or(0),
        BinaryOp::Pow => {
            let exponent = u32::try_from(y).map_err(|_| large())?;
            match ty {
                // Only the lowest bits count, whatever is lost above them.
                Ty::Int(_) | Ty::Uint(_) => (x as u128 as i128).wrapping_pow(exponent),
                _ => x.checked_pow(exponent).ok_or_else(large)?,
            }
        }
        BinaryOp::BitAnd => x & y,
        BinaryOp::BitOr => x | y,
        BinaryOp::BitXor => x ^ y,
        _ => return Err(format!("{} of whole numbers", sign(operator))),
    };
    Ok(ty.wrap(value))
}

fn shift(operator: BinaryOp, a: &Value, b: &Value) -> Computed<Value> {
    let none = || format!("{} of a `{}` by a `{}`", sign(operator), a.ty, b.ty);
    let by = b.as_int().filter(|by| *by >= 0).ok_or_else(none)?;
    let by = u32::try_from(by).unwrap_or(u32::MAX);
    let left = operator == BinaryOp::Shl;
    let of = match a.as_known().expect("known") {
        Const::Int(x) => {
            let shifted = match (by < 127, left) {
                (true, true) if a.ty == Ty::Literal => {
                    x.checked_mul(1_i128.checked_shl(by).unwrap_or(i128::MAX)).ok_or_else(large)?
                }
                (true, true) => (*x as u128).wrapping_shl(by) as i128,
                (true, false) => x >> by,
                (false, true) if a.ty == Ty::Literal && *x != 0 => {
                    return Err(large());
                }
                (false, true) => 0,
                (false, false) => x >> 126,
            };
            Const::Int(a.ty.wrap(shifted))
        }
        Const::Bits(bits) => {
            let mut shifted = BitString::zeros(bits.width());
            for to in 0..bits.width() {
                let from = if left { to.checked_sub(by) } else { to.checked_add(by) };
                if from.is_some_and(|from| bits.get(from)) {
                    shifted.set(to, true);
                }
            }
            Const::Bits(shifted)
        }
        Const::Bool(bit) => Const::Bool(*bit && by == 0),
        _ => return Err(none()),
    };
    Ok(Value::known(a.ty, of))
}

/// `None`: the operator has no meaning for durations.
fn duration(operator: BinaryOp, a: &Value, b: &Value) -> Option<Computed<Value>> {
    let value = |time: Time| Some(Ok(Value::known(Ty::Duration, Const::Time(time))));
    match (a.as_known()?, b.as_known()?) {
        (Const::Time(x), Const::Time(y)) => {
            let Some((x, y)) = x.aligned(*y) else {
                return Some(Err("`dt` and seconds do not meet: the length of a tick is the \
                                 device's"
                    .to_owned()));
            };
            let joined = |amount| Time { amount, unit: x.unit, stretch: x.stretch || y.stretch };
            match operator {
                BinaryOp::Add => value(joined(x.amount + y.amount)),
                BinaryOp::Sub => value(joined(x.amount - y.amount)),
                BinaryOp::Div => Some(Ok(Value::float(x.amount / y.amount))),
                _ => compare(operator, x.amount.partial_cmp(&y.amount)).map(Ok),
            }
        }
        (Const::Time(x), _) => match operator {
            BinaryOp::Mul => value(Time { amount: x.amount * b.as_number()?, ..*x }),
            BinaryOp::Div => value(Time { amount: x.amount / b.as_number()?, ..*x }),
            _ => None,
        },
        (_, Const::Time(y)) if operator == BinaryOp::Mul => {
            value(Time { amount: y.amount * a.as_number()?, ..*y })
        }
        _ => None,
    }
}

pub(super) fn is_comparison(operator: BinaryOp) -> bool {
    use BinaryOp::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    matches!(operator, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}

fn compare(operator: BinaryOp, ordering: Option<std::cmp::Ordering>) -> Option<Value> {
    let truth = |of: fn(std::cmp::Ordering) -> bool| ordering.is_some_and(of);
    Some(Value::bool(match operator {
        BinaryOp::Equal => truth(std::cmp::Ordering::is_eq),
        BinaryOp::NotEqual => !truth(std::cmp::Ordering::is_eq),
        BinaryOp::Less => truth(std::cmp::Ordering::is_lt),
        BinaryOp::LessEqual => truth(std::cmp::Ordering::is_le),
        BinaryOp::Greater => truth(std::cmp::Ordering::is_gt),
        BinaryOp::GreaterEqual => truth(std::cmp::Ordering::is_ge),
        _ => return None,
    }))
}

/// The operator as programs write it, in quotes.
pub(super) fn sign(operator: BinaryOp) -> String {
    format!("`{}`", node_operator(operator).word())
}

/// A known angle in radians, a known number as it is.
pub(super) fn radians(value: &Value) -> Option<f64> {
    match (value.ty, value.as_known()?) {
        (Ty::Angle(n), Const::Int(units)) => Some(*units as f64 * angle_unit(n)),
        _ => value.as_number(),
    }
}
