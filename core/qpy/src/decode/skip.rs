//! What is in a file and not needed to run its circuits.

use super::Decoder;
use crate::{cursor::Cursor, error::Decoded};

/// The states of what wrote annotations.
pub(super) fn annotation_states(cursor: &mut Cursor<'_>) -> Decoded<()> {
    let number = cursor.u32()?;
    for _ in 0..cursor.count(number, 12)? {
        let namespace_size = cursor.u32()?;
        let state_size = cursor.u64()?;
        cursor.bytes(namespace_size.into())?;
        cursor.bytes(state_size)?;
    }
    Ok(())
}

/// The annotations of an instruction.
pub(super) fn annotations(cursor: &mut Cursor<'_>) -> Decoded<()> {
    let number = cursor.u32()?;
    for _ in 0..cursor.count(number, 12)? {
        let _namespace = cursor.u32()?;
        let size = cursor.u64()?;
        cursor.bytes(size)?;
    }
    Ok(())
}

/// A value, whatever it is.
fn typed(cursor: &mut Cursor<'_>) -> Decoded<()> {
    let _kind = cursor.u8()?;
    let size = cursor.u64()?;
    cursor.bytes(size).map(drop)
}

fn sequence(cursor: &mut Cursor<'_>) -> Decoded<()> {
    let number = cursor.u64()?;
    (0..cursor.count(number, 9)?).try_for_each(|_| typed(cursor))
}

impl Decoder {
    /// The pulses that Qiskit 1 may have attached to gates.
    pub(super) fn skip_calibrations(&mut self, cursor: &mut Cursor<'_>) -> Decoded<()> {
        let number = cursor.u16()?;
        for _ in 0..cursor.count(number, 7)? {
            let name_size = cursor.u16()?;
            let (n_qubits, n_params) = (cursor.u16()?, cursor.u16()?);
            let _kind = cursor.u8()?;
            cursor.bytes(name_size.into())?;
            cursor.bytes(u64::from(n_qubits) * 8)?;
            (0..n_params).try_for_each(|_| typed(cursor))?;
            self.skip_schedule(cursor)?;
        }
        Ok(())
    }

    fn skip_schedule(&mut self, cursor: &mut Cursor<'_>) -> Decoded<()> {
        let name_size = cursor.u16()?;
        let metadata_size = cursor.u64()?;
        let n_elements = cursor.u16()?;
        cursor.bytes(name_size.into())?;
        cursor.bytes(metadata_size)?;
        let _alignment = cursor.u8()?;
        sequence(cursor)?;
        for _ in 0..n_elements {
            if cursor.u8()? == b's' {
                self.within(cursor, Self::skip_schedule)?;
            } else {
                sequence(cursor)?;
                typed(cursor)?;
            }
        }
        let n_references = cursor.u64()?;
        for _ in 0..cursor.count(n_references, 5)? {
            let key_size = cursor.u16()?;
            let _kind = cursor.u8()?;
            let size = cursor.u16()?;
            cursor.bytes(u64::from(key_size) + u64::from(size))?;
        }
        Ok(())
    }

    /// Which qubit of the circuit was which before it was compiled.
    pub(super) fn skip_layout(&mut self, cursor: &mut Cursor<'_>) -> Decoded<()> {
        let exists = cursor.truth()?;
        let sizes = [cursor.i32()?, cursor.i32()?, cursor.i32()?];
        let [initial, mapping, last] = sizes.map(|size| u32::try_from(size).unwrap_or(0));
        let n_registers = cursor.u32()?;
        let _n_inputs = cursor.i32()?;
        if !exists {
            return Ok(());
        }
        for _ in 0..cursor.count(n_registers, self.register_size())? {
            let _kind = cursor.u8()?;
            self.register(cursor, u32::MAX)?;
        }
        for _ in 0..cursor.count(initial, 4)? {
            let index = cursor.i32()?;
            if self.version >= 18 && index == -1 {
                continue;
            }
            let name_size = cursor.i32()?;
            cursor.bytes(u64::try_from(name_size).unwrap_or(0))?;
        }
        cursor.bytes(4 * (u64::from(mapping) + u64::from(last))).map(drop)
    }
}
