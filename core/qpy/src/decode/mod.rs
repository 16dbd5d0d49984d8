//! From bytes to what they say.
//!
//! The layout is that of the format's documentation, `qiskit.qpy`, for versions 13 to 18.

mod array;
mod evolution;
mod expression;
mod formula;
mod instruction;
mod skip;
mod value;

use std::collections::HashMap;

use ketch_interface::circuit::MAX_QUBITS;

use crate::{
    VERSIONS,
    cursor::Cursor,
    error::{Decoded, Error, malformed},
    model::{Bits, Circuit, Register, Type, Usage, Value, Variable},
};

/// How deep circuits, definitions and lists may be nested.
pub(crate) const MAX_DEPTH: u32 = 64;

/// How many nodes of formulas substitutions may make.
const MAX_SUBSTITUTED: u64 = 1 << 22;

/// What a file begins with.
const MAGIC: &[u8] = b"QISKIT";

/// The bytes are those of a QPY file, of whatever version.
pub(crate) fn is_qpy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// What is known while a file is read.
pub(crate) struct Decoder {
    version: u8,
    depth: u32,
    substituted: u64,
}

/// A vector of parameters, of which elements are named.
#[derive(Clone, Copy, Debug)]
struct Vector<'a> {
    uuid: u128,
    name: &'a str,
}

/// The vectors of a circuit, if the version has a table of them.
type Vectors<'a> = Vec<Vector<'a>>;

/// All circuits of a file.
pub(crate) fn circuits(bytes: &[u8]) -> Decoded<Vec<Circuit<'_>>> {
    if !is_qpy(bytes) {
        return Err(Error::NotQpy);
    }
    let mut cursor = Cursor::new(bytes);
    cursor.bytes(MAGIC.len() as u64)?;
    let version = cursor.u8()?;
    if !VERSIONS.contains(&version) {
        return Err(Error::Version { found: version });
    }
    let _qiskit: [u8; 3] = cursor.array()?;
    let n_circuits = cursor.u64()?;
    let _symbols_by = cursor.u8()?;
    let kind = cursor.u8()?;
    if kind != b'q' {
        return malformed(cursor.at() - 1, "programs that are no circuits");
    }
    let mut decoder = Decoder { version, depth: 0, substituted: 0 };
    if version >= 16 {
        // Where each circuit begins. They stand in order, without gaps: each is read once.
        let table = n_circuits.saturating_mul(8);
        cursor.bytes(table)?;
    }
    let n_circuits = cursor.count(n_circuits, decoder.circuit_size())?;
    (0..n_circuits).map(|_| decoder.circuit(&mut cursor)).collect()
}

impl Decoder {
    /// One level deeper.
    fn within<'a, T>(
        &mut self,
        cursor: &mut Cursor<'a>,
        read: impl FnOnce(&mut Self, &mut Cursor<'a>) -> Decoded<T>,
    ) -> Decoded<T> {
        if self.depth >= MAX_DEPTH {
            return malformed(cursor.at(), format!("things nested more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        let found = read(self, cursor);
        self.depth -= 1;
        found
    }

    /// The size of the smallest circuit.
    fn circuit_size(&self) -> usize {
        41
    }

    /// The size of the smallest register.
    fn register_size(&self) -> usize {
        if self.version >= 18 { 10 } else { 9 }
    }

    pub(super) fn circuit<'a>(&mut self, cursor: &mut Cursor<'a>) -> Decoded<Circuit<'a>> {
        self.within(cursor, Self::circuit_here)
    }

    fn circuit_here<'a>(&mut self, cursor: &mut Cursor<'a>) -> Decoded<Circuit<'a>> {
        let start = cursor.at();
        let name_size = cursor.u16()?;
        let phase_kind = cursor.u8()?;
        let phase_size = cursor.u16()?;
        let (n_qubits, n_clbits) = (cursor.u32()?, cursor.u32()?);
        let metadata_size = cursor.u64()?;
        let n_registers = cursor.u32()?;
        let n_instructions = cursor.u64()?;
        let n_variables = cursor.u32()?;
        if n_qubits > MAX_QUBITS || n_clbits > MAX_QUBITS {
            let found = format!("{n_qubits} qubits and {n_clbits} clbits");
            return malformed(start, format!("{found}: at most {MAX_QUBITS} of each are allowed"));
        }
        let name = cursor.text(name_size)?;
        let phase = cursor.part(phase_size.into())?;
        // The metadata are the user's; nothing in them is needed to run the circuit.
        cursor.bytes(metadata_size)?;
        let (qregs, cregs) = self.registers(cursor, n_registers, n_qubits, n_clbits)?;
        let variables = self.variables(cursor, n_variables)?;
        if self.version >= 15 {
            skip::annotation_states(cursor)?;
        }
        let vectors = if self.version >= 18 { self.vectors(cursor)? } else { Vec::new() };
        let global_phase = self.value(phase_kind, phase, &vectors)?;
        let customs = self.customs(cursor, &vectors)?;
        let n_instructions = cursor.count(n_instructions, instruction::SIZE)?;
        let mut instructions = Vec::with_capacity(n_instructions);
        for _ in 0..n_instructions {
            instructions.push(self.instruction(cursor, &vectors, true)?);
        }
        if self.version < 18 {
            self.skip_calibrations(cursor)?;
        }
        self.skip_layout(cursor)?;
        let creg_places = cregs.iter().enumerate().map(|(place, creg)| (creg.name, place));
        Ok(Circuit {
            name,
            global_phase,
            n_qubits,
            n_clbits,
            creg_places: creg_places.collect(),
            qregs,
            cregs,
            variables,
            customs,
            instructions,
        })
    }

    /// Quantum and classical registers.
    fn registers<'a>(
        &self,
        cursor: &mut Cursor<'a>,
        number: u32,
        n_qubits: u32,
        n_clbits: u32,
    ) -> Decoded<(Vec<Register<'a>>, Vec<Register<'a>>)> {
        let number = cursor.count(number, self.register_size())?;
        let (mut qregs, mut cregs) = (Vec::new(), Vec::new());
        for _ in 0..number {
            let at = cursor.at();
            let kind = cursor.u8()?;
            let (registers, n_bits) = match kind {
                b'q' | b'a' => (&mut qregs, n_qubits),
                b'c' => (&mut cregs, n_clbits),
                _ => return malformed(at, format!("a register of type {kind}")),
            };
            registers.push(self.register(cursor, n_bits)?);
        }
        Ok((qregs, cregs))
    }

    /// A register after its type.
    fn register<'a>(&self, cursor: &mut Cursor<'a>, n_bits: u32) -> Decoded<Register<'a>> {
        let _standalone = cursor.truth()?;
        let size = cursor.u32()?;
        let name_size = cursor.u16()?;
        let in_circuit = cursor.truth()?;
        let contiguous = self.version >= 18 && cursor.truth()?;
        let name = cursor.text(name_size)?;
        let at = cursor.at();
        let outside = || malformed(at, format!("register `{name}` of {n_bits} bits"));
        let bits = if contiguous {
            let start = cursor.u32()?;
            if start.checked_add(size).is_none_or(|end| end > n_bits) {
                return outside();
            }
            Bits::Run { start, size }
        } else {
            let wide = self.version < 18;
            let size = cursor.count(size, if wide { 8 } else { 4 })?;
            let mut places = Vec::with_capacity(size);
            for _ in 0..size {
                let place = match wide {
                    true => cursor.i64()?,
                    false => match cursor.u32()? {
                        u32::MAX => -1,
                        place => place.into(),
                    },
                };
                places.push(match u32::try_from(place) {
                    Ok(place) if place < n_bits => Some(place),
                    Ok(_) => return outside(),
                    Err(_) if place < 0 => None,
                    Err(_) => return outside(),
                });
            }
            Bits::List(places)
        };
        Ok(Register { name, bits, in_circuit })
    }

    fn variables<'a>(&self, cursor: &mut Cursor<'a>, number: u32) -> Decoded<Vec<Variable<'a>>> {
        let number = cursor.count(number, 20)?;
        let mut variables = Vec::with_capacity(number);
        for _ in 0..number {
            let uuid = cursor.u128()?;
            let at = cursor.at();
            let usage = match cursor.u8()? {
                b'I' => Usage::Input,
                b'C' => Usage::Captured,
                b'L' => Usage::Local,
                b'A' | b'O' => Usage::Stretch,
                other => return malformed(at, format!("a variable of usage {other}")),
            };
            let name_size = cursor.u16()?;
            let ty = expression::ty(cursor)?;
            let name = cursor.text(name_size)?;
            variables.push(Variable { uuid, name, usage, ty });
        }
        Ok(variables)
    }

    fn vectors<'a>(&self, cursor: &mut Cursor<'a>) -> Decoded<Vectors<'a>> {
        let number = cursor.u16()?;
        let number = cursor.count(number, 26)?;
        let mut vectors = Vec::with_capacity(number);
        for _ in 0..number {
            let name_size = cursor.u16()?;
            let _size = cursor.u64()?;
            let uuid = cursor.u128()?;
            let name = cursor.text(name_size)?;
            vectors.push(Vector { uuid, name });
        }
        Ok(vectors)
    }

    /// A value with its type before it.
    fn typed<'a>(&mut self, cursor: &mut Cursor<'a>, vectors: &Vectors<'a>) -> Decoded<Value<'a>> {
        let kind = cursor.u8()?;
        let size = cursor.u64()?;
        let part = cursor.part(size)?;
        self.within(cursor, |decoder, _| decoder.param(kind, part, vectors))
    }

    /// Counts what substitutions make.
    fn charge(&mut self, nodes: usize, at: usize) -> Decoded<()> {
        self.substituted += nodes as u64;
        match self.substituted > MAX_SUBSTITUTED {
            true => malformed(at, format!("substitutions of more than {MAX_SUBSTITUTED} steps")),
            false => Ok(()),
        }
    }
}

/// The customs of a circuit, by name.
type Customs<'a> = HashMap<&'a str, crate::model::Custom<'a>>;

/// Widths of whole numbers that can be meant.
fn check_width(width: u32, at: usize) -> Decoded<Type> {
    match width <= MAX_QUBITS {
        true => Ok(Type::Uint(width)),
        false => malformed(at, format!("a number of {width} bits: at most {MAX_QUBITS}")),
    }
}
