//! The parameters of instructions.

use ketch_interface::Complex64;

use super::{Decoder, Vectors, array};
use crate::{
    cursor::Cursor,
    error::{Decoded, malformed},
    model::{Formula, Modifier, Node, Storage, Value},
};

impl Decoder {
    /// A parameter of an instruction. Numbers are reversed here up to version 17, and only here.
    pub(super) fn param<'a>(
        &mut self,
        kind: u8,
        mut part: Cursor<'a>,
        vectors: &Vectors<'a>,
    ) -> Decoded<Value<'a>> {
        match kind {
            b'i' if self.version < 18 => part.i64_reversed().map(Value::Int),
            b'f' if self.version < 18 => part.f64_reversed().map(Value::Float),
            b'q' => Ok(Value::Circuit(Box::new(self.circuit(&mut part)?))),
            b'm' => modifier(&mut part).map(Value::Modifier),
            b'r' => {
                let (start, stop, step) = (part.i64()?, part.i64()?, part.i64()?);
                Ok(Value::Range { start, stop, step })
            }
            b't' => {
                let number = part.u64()?;
                let number = part.count(number, 9)?;
                let mut items = Vec::with_capacity(number);
                for _ in 0..number {
                    items.push(self.typed(&mut part, vectors)?);
                }
                Ok(Value::Tuple(items))
            }
            b'R' => self.storage(&mut part).map(Value::Storage),
            _ => self.value(kind, part, vectors),
        }
    }

    /// A value that stands anywhere.
    pub(super) fn value<'a>(
        &mut self,
        kind: u8,
        mut part: Cursor<'a>,
        vectors: &Vectors<'a>,
    ) -> Decoded<Value<'a>> {
        Ok(match kind {
            b'i' => Value::Int(part.i64()?),
            b'f' => Value::Float(part.f64()?),
            b'c' => Value::Complex(Complex64::new(part.f64()?, part.f64()?)),
            b's' => {
                let size = part.left() as u64;
                Value::Text(part.text(size)?)
            }
            b'n' => Value::Array(array::numbers(&mut part)?),
            b'z' => Value::Null,
            b'd' => Value::Default,
            b'p' | b'v' => {
                let symbol = self.symbol(kind, &mut part, vectors)?;
                Value::Formula(Formula { nodes: vec![Node::Symbol(symbol)] })
            }
            b'e' => Value::Formula(self.formula(&mut part, vectors)?),
            b'x' => Value::Expression(self.expression(part)?),
            other => return malformed(part.at(), format!("a value of type {other}")),
        })
    }

    /// A classical bit or register.
    pub(super) fn storage<'a>(&self, part: &mut Cursor<'a>) -> Decoded<Storage<'a>> {
        let at = part.at();
        if self.version >= 18 {
            return match part.u8()? {
                0 => part.u32().map(Storage::Bit),
                1 => {
                    let size = part.left() as u64;
                    part.text(size).map(Storage::Register)
                }
                other => malformed(at, format!("a bit or register of type {other}")),
            };
        }
        let size = part.left() as u64;
        let text = part.text(size)?;
        match text.strip_prefix('\0') {
            None => Ok(Storage::Register(text)),
            Some(digits) => match digits.parse() {
                Ok(bit) => Ok(Storage::Bit(bit)),
                Err(_) => malformed(at, format!("a clbit of number `{digits}`")),
            },
        }
    }
}

fn modifier(part: &mut Cursor<'_>) -> Decoded<Modifier> {
    let at = part.at();
    let kind = part.u8()?;
    let (n_controls, state, power) = (part.u32()?, part.u32()?, part.f64()?);
    match kind {
        b'i' => Ok(Modifier::Inverse),
        b'c' => Ok(Modifier::Control { n_controls, state }),
        b'p' => Ok(Modifier::Power(power)),
        other => malformed(at, format!("a modifier of type {other}")),
    }
}
