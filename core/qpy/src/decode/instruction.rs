//! Instructions, and what a file says of those whose class is not enough.

use std::collections::HashMap;

use super::{Customs, Decoder, Vectors, evolution, skip};
use crate::{
    cursor::Cursor,
    error::{Decoded, malformed},
    model::{Condition, Custom, CustomKind, Definition, Instruction, Value},
};

/// The size of the smallest instruction.
pub(super) const SIZE: usize = 33;

/// The size of the smallest custom instruction.
const CUSTOM_SIZE: usize = 36;

/// In the byte that says what an instruction has: annotations.
const ANNOTATED: u8 = 0x80;

impl Decoder {
    /// An instruction. Those that are controlled or annotated by others name no bits.
    pub(super) fn instruction<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        vectors: &Vectors<'a>,
        names_bits: bool,
    ) -> Decoded<Instruction<'a>> {
        let start = cursor.at();
        let (name_size, label_size) = (cursor.u16()?, cursor.u16()?);
        let n_params = cursor.u16()?;
        let (n_qubits, n_clbits) = (cursor.u32()?, cursor.u32()?);
        let extras = cursor.u8()?;
        let register_size = cursor.u16()?;
        let value = cursor.i64()?;
        let (n_controls, control_state) = (cursor.u32()?, cursor.u32()?);
        let name = cursor.text(name_size)?;
        cursor.bytes(label_size.into())?;
        let mut register = cursor.part(register_size.into())?;
        let condition = match extras & 3 {
            0 => None,
            1 => Some(Condition::Equals(self.storage(&mut register)?, value)),
            2 => match self.typed(cursor, vectors)? {
                Value::Expression(expression) => Some(Condition::Expression(expression)),
                _ => return malformed(start, "a condition that is no expression"),
            },
            other => return malformed(start, format!("a condition of type {other}")),
        };
        let (mut qubits, mut clbits) = (Vec::new(), Vec::new());
        if names_bits {
            let (n_qubits, n_clbits) = (u64::from(n_qubits), u64::from(n_clbits));
            cursor.count(n_qubits + n_clbits, 5)?;
            for (bits, kind, number) in
                [(&mut qubits, b'q', n_qubits), (&mut clbits, b'c', n_clbits)]
            {
                bits.reserve_exact(number as usize);
                for _ in 0..number {
                    let at = cursor.at();
                    if cursor.u8()? != kind {
                        return malformed(at, "a qubit among clbits, or a clbit among qubits");
                    }
                    bits.push(cursor.u32()?);
                }
            }
        }
        let n_params = cursor.count(n_params, 9)?;
        let mut params = Vec::with_capacity(n_params);
        for _ in 0..n_params {
            params.push(self.typed(cursor, vectors)?);
        }
        if extras & ANNOTATED != 0 && self.version >= 15 {
            skip::annotations(cursor)?;
        }
        Ok(Instruction { name, condition, qubits, clbits, params, n_controls, control_state })
    }

    /// The custom instructions of a circuit.
    pub(super) fn customs<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        vectors: &Vectors<'a>,
    ) -> Decoded<Customs<'a>> {
        let number = cursor.u64()?;
        let number = cursor.count(number, CUSTOM_SIZE)?;
        let mut customs = HashMap::with_capacity(number);
        for _ in 0..number {
            let at = cursor.at();
            let name_size = cursor.u16()?;
            let kind = match cursor.u8()? {
                b'i' | b'g' => CustomKind::Plain,
                b'c' => CustomKind::Controlled,
                b'a' => CustomKind::Annotated,
                b'p' => CustomKind::PauliEvolution,
                other => return malformed(at, format!("an instruction of type {other}")),
            };
            let (n_qubits, n_clbits) = (cursor.u32()?, cursor.u32()?);
            let has_definition = cursor.truth()?;
            let size = cursor.u64()?;
            let (_n_controls, _control_state) = (cursor.u32()?, cursor.u32()?);
            let base_size = cursor.u64()?;
            let name = cursor.text(name_size)?;
            let mut body = cursor.part(size)?;
            let mut base = cursor.part(base_size)?;
            let definition = match has_definition {
                false => None,
                true if kind == CustomKind::PauliEvolution => {
                    let evolution = self.evolution(&mut body, vectors)?;
                    Some(Definition::Evolution(Box::new(evolution)))
                }
                true => Some(Definition::Circuit(Box::new(self.circuit(&mut body)?))),
            };
            let base = match base.is_at_end() {
                true => None,
                false => {
                    let read = |decoder: &mut Self, base: &mut Cursor<'a>| {
                        decoder.instruction(base, vectors, false)
                    };
                    Some(self.within(&mut base, read)?)
                }
            };
            customs.insert(name, Custom { kind, n_qubits, n_clbits, definition, base });
        }
        Ok(customs)
    }

    fn evolution<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        vectors: &Vectors<'a>,
    ) -> Decoded<crate::model::Evolution<'a>> {
        let at = cursor.at();
        let n_operators = cursor.u64()?;
        let standalone = cursor.truth()?;
        let time_kind = cursor.u8()?;
        let (time_size, formula_size) = (cursor.u64()?, cursor.u64()?);
        let n_operators = cursor.count(n_operators, 8)?;
        if standalone && n_operators != 1 {
            return malformed(at, format!("{n_operators} operators, expected one"));
        }
        let mut operators = Vec::with_capacity(n_operators);
        for _ in 0..n_operators {
            operators.push(evolution::operator(cursor, self.version)?);
        }
        let time = cursor.part(time_size)?;
        let time = self.within(cursor, |decoder, _| decoder.value(time_kind, time, vectors))?;
        let at = cursor.at();
        let formula = serde_json::from_slice(cursor.bytes(formula_size)?)
            .or_else(|_| malformed(at, "a product formula that is not JSON"))?;
        Ok(crate::model::Evolution { time, standalone, operators, formula })
    }
}
