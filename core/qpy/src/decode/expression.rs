//! Classical expressions: a node, its type, what belongs to it, its operands.

use ketch_interface::circuit::TimeUnit;

use super::{Decoder, check_width};
use crate::{
    cursor::Cursor,
    error::{Decoded, malformed},
    model::{Expression, Part, Storage, Type},
};

/// A type.
pub(super) fn ty(cursor: &mut Cursor<'_>) -> Decoded<Type> {
    let at = cursor.at();
    match cursor.u8()? {
        b'b' => Ok(Type::Bool),
        b'u' => check_width(cursor.u32()?, at),
        b'f' => Ok(Type::Float),
        b'd' => Ok(Type::Duration),
        other => malformed(at, format!("a value of type {other}")),
    }
}

impl Decoder {
    pub(super) fn expression<'a>(&mut self, mut cursor: Cursor<'a>) -> Decoded<Expression<'a>> {
        let mut nodes = Vec::new();
        self.node(&mut cursor, &mut nodes)?;
        Ok(Expression { nodes })
    }

    /// Reads a node behind its operands, and returns its place.
    fn node<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        nodes: &mut Vec<(Part<'a>, Type)>,
    ) -> Decoded<u32> {
        let at = cursor.at();
        let kind = cursor.u8()?;
        let ty = ty(cursor)?;
        let mut operand = |decoder: &mut Self, cursor: &mut Cursor<'a>| {
            decoder.within(cursor, |decoder, cursor| decoder.node(cursor, nodes))
        };
        let part = match kind {
            b'x' => match cursor.u8()? {
                b'C' => Part::Storage(Storage::Bit(cursor.u32()?)),
                b'R' => {
                    let size = cursor.u16()?;
                    Part::Storage(Storage::Register(cursor.text(size)?))
                }
                b'U' => Part::Variable(cursor.u16()?),
                other => return malformed(at, format!("a variable of type {other}")),
            },
            b's' => Part::Variable(cursor.u16()?),
            b'v' => match cursor.u8()? {
                b'b' => Part::Bool(cursor.truth()?),
                b'i' => {
                    let size = cursor.u8()?;
                    Part::Int(cursor.bytes(size.into())?)
                }
                b'f' => Part::Float(cursor.f64()?),
                b't' => duration(cursor)?,
                other => return malformed(at, format!("a constant of type {other}")),
            },
            b'c' => {
                let _implicit = cursor.truth()?;
                Part::Cast(operand(self, cursor)?)
            }
            b'u' => {
                let operator = cursor.u8()?;
                Part::Unary(operator, operand(self, cursor)?)
            }
            b'b' => {
                let operator = cursor.u8()?;
                let left = operand(self, cursor)?;
                Part::Binary(operator, left, operand(self, cursor)?)
            }
            b'i' => {
                let target = operand(self, cursor)?;
                Part::Index(target, operand(self, cursor)?)
            }
            other => return malformed(at, format!("an expression of type {other}")),
        };
        nodes.push((part, ty));
        Ok(nodes.len() as u32 - 1)
    }
}

fn duration<'a>(cursor: &mut Cursor<'a>) -> Decoded<Part<'a>> {
    let at = cursor.at();
    let unit = match cursor.u8()? {
        b't' => return Ok(Part::Duration(cursor.u64()? as f64, TimeUnit::Tick)),
        b'p' => TimeUnit::Picosecond,
        b'n' => TimeUnit::Nanosecond,
        b'u' => TimeUnit::Microsecond,
        b'm' => TimeUnit::Millisecond,
        b's' => TimeUnit::Second,
        other => return malformed(at, format!("a duration in units {other}")),
    };
    Ok(Part::Duration(cursor.f64()?, unit))
}
