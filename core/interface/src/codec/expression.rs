//! Expressions and the types of variables. The order of the operator tables is part of the format.

use super::{
    DecodeError,
    bytes::{Reader, Writer},
    operation::expr,
};
use crate::circuit::{Binary, Clbit, Expr, ParamId, Unary, Value, VarId, VarType};

type Read<T> = Result<T, DecodeError>;

const UNARY: [Unary; 16] = [
    Unary::Negate,
    Unary::Not,
    Unary::BitNot,
    Unary::Sin,
    Unary::Cos,
    Unary::Tan,
    Unary::Asin,
    Unary::Acos,
    Unary::Atan,
    Unary::Exp,
    Unary::Ln,
    Unary::Sqrt,
    Unary::Abs,
    Unary::Floor,
    Unary::Ceiling,
    Unary::Popcount,
];

const BINARY: [Binary; 21] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Rem,
    Binary::Pow,
    Binary::And,
    Binary::Or,
    Binary::BitAnd,
    Binary::BitOr,
    Binary::BitXor,
    Binary::Shl,
    Binary::Shr,
    Binary::Equal,
    Binary::NotEqual,
    Binary::Less,
    Binary::LessEqual,
    Binary::Greater,
    Binary::GreaterEqual,
    Binary::RotateLeft,
    Binary::RotateRight,
];

/// What the first version of the format did not have. A document that uses one of these has a row
/// for it in its table of names, so that a reader that does not know it refuses it by name.
pub(super) const LATER: [&str; 7] =
    ["floor", "ceiling", "popcount", "rotl", "rotr", "index", "element"];

/// The word of [`LATER`] that an expression needs.
pub(super) fn later(expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::Unary(Unary::Floor, _) => Some("floor"),
        Expr::Unary(Unary::Ceiling, _) => Some("ceiling"),
        Expr::Unary(Unary::Popcount, _) => Some("popcount"),
        Expr::Binary(Binary::RotateLeft, ..) => Some("rotl"),
        Expr::Binary(Binary::RotateRight, ..) => Some("rotr"),
        Expr::Index { .. } => Some("index"),
        Expr::Element { .. } => Some("element"),
        _ => None,
    }
}

pub(super) fn write(expr: &Expr, to: &mut Writer) {
    let mut start = |tag, number: u32| {
        to.byte(tag);
        to.number(number.into());
    };
    match expr {
        Expr::Literal(Value::Bool(value)) => start(0, u32::from(*value)),
        Expr::Literal(Value::Uint(bits)) => {
            to.byte(1);
            to.bits(bits);
        }
        Expr::Literal(Value::Int(value)) => {
            to.byte(2);
            to.bytes.extend_from_slice(&value.to_le_bytes());
        }
        Expr::Literal(Value::Float(value)) => {
            to.byte(3);
            to.real(*value);
        }
        Expr::Parameter(id) => start(4, id.0),
        Expr::Clbit(clbit) => start(5, clbit.0),
        Expr::Clbits { start: first, size } => {
            start(6, *first);
            to.number((*size).into());
        }
        Expr::Var(var) => start(7, var.0),
        Expr::Unary(operator, a) => {
            to.byte(8);
            to.byte(place(&UNARY, operator));
            to.number(a.0.into());
        }
        Expr::Binary(operator, a, b) => {
            to.byte(9);
            to.byte(place(&BINARY, operator));
            to.number(a.0.into());
            to.number(b.0.into());
        }
        Expr::Cast(ty, a) => {
            to.byte(10);
            write_type(*ty, to);
            to.number(a.0.into());
        }
        Expr::Index { of, index } => {
            start(11, of.0);
            to.number(index.0.into());
        }
        Expr::Element { first, size, index } => {
            start(12, first.0);
            to.number((*size).into());
            to.number(index.0.into());
        }
    }
}

pub(super) fn read(from: &mut Reader<'_>) -> Read<Expr> {
    Ok(match from.byte()? {
        0 => Expr::Literal(Value::Bool(from.truth()?)),
        1 => Expr::Literal(Value::Uint(from.bits()?)),
        2 => Expr::Literal(Value::Int(from.u64()? as i64)),
        3 => Expr::Literal(Value::Float(from.real()?)),
        4 => Expr::Parameter(ParamId(from.small()?)),
        5 => Expr::Clbit(Clbit(from.small()?)),
        6 => Expr::Clbits { start: from.small()?, size: from.small()? },
        7 => Expr::Var(VarId(from.small()?)),
        8 => Expr::Unary(operator(&UNARY, from)?, expr(from)?),
        9 => Expr::Binary(operator(&BINARY, from)?, expr(from)?, expr(from)?),
        10 => Expr::Cast(read_type(from)?, expr(from)?),
        11 => Expr::Index { of: expr(from)?, index: expr(from)? },
        12 => {
            let (first, size) = (VarId(from.small()?), from.small()?);
            Expr::Element { first, size, index: expr(from)? }
        }
        other => return Err(from.invalid(other, "an expression of kind 0 to 12")),
    })
}

fn place<T: PartialEq>(table: &[T], operator: &T) -> u8 {
    let place = table.iter().position(|known| known == operator);
    place.expect("all operators stand in their table") as u8
}

fn operator<T: Copy>(table: &[T], from: &mut Reader<'_>) -> Read<T> {
    let place = from.byte()?;
    let operator = table.get(usize::from(place)).copied();
    operator.ok_or_else(|| from.invalid(place, "the number of an operator"))
}

pub(super) fn write_type(ty: VarType, to: &mut Writer) {
    let (tag, width) = match ty {
        VarType::Bool => (0, 0),
        VarType::Uint(width) => (1, width),
        VarType::Int(width) => (2, width),
        VarType::Float => (3, 0),
    };
    to.byte(tag);
    to.number(width.into());
}

pub(super) fn read_type(from: &mut Reader<'_>) -> Read<VarType> {
    let tag = from.byte()?;
    let width = from.width()?;
    match tag {
        0 => Ok(VarType::Bool),
        1 => Ok(VarType::Uint(width)),
        2 => Ok(VarType::Int(width)),
        3 => Ok(VarType::Float),
        other => Err(from.invalid(other, "a type from 0 to 3")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_stand_at_their_place() {
        for (index, operator) in UNARY.iter().enumerate() {
            assert_eq!(*operator as usize, index);
        }
        for (index, operator) in BINARY.iter().enumerate() {
            assert_eq!(*operator as usize, index);
        }
    }
}
