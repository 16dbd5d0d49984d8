//! The document's table of names.
//!
//! An instruction names a row of the table, so a reader that does not know a gate or an
//! instruction can say which before it has read a single one.

use std::collections::HashMap;

use super::{
    DecodeError,
    bytes::{Reader, Writer},
    expression::LATER,
    operation::{READERS, ReadOp, write_payload},
};
use crate::circuit::{ControlState, GATES, GateOp, Op};

type Read<T> = Result<T, DecodeError>;

/// A row of the table while writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Name {
    /// Without controls it would be ambiguous, so the row has them too.
    Gate(GateOp),
    Instruction(&'static str),
}

/// The table while writing: rows in the order of their first use.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    rows: Vec<Name>,
    places: HashMap<Name, u64>,
    /// The rows of gates without controls and with one, in the order of [`Gate`](crate::circuit::Gate),
    /// each plus one: most instructions are such, and nothing is hashed for them.
    plain: Vec<[u64; 2]>,
}

impl Names {
    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    fn gate(&mut self, op: GateOp) -> u64 {
        let (gate, controls) = (op.gate as usize, usize::from(op.controls));
        if controls > 1 || !op.state.is_all() {
            return self.place(Name::Gate(op));
        }
        if self.plain.len() <= gate {
            self.plain.resize(gate + 1, [0; 2]);
        }
        if self.plain[gate][controls] == 0 {
            self.plain[gate][controls] = self.place(Name::Gate(op)) + 1;
        }
        self.plain[gate][controls] - 1
    }

    fn place(&mut self, name: Name) -> u64 {
        if let Some(place) = self.places.get(&name) {
            return *place;
        }
        let place = self.rows.len() as u64;
        self.rows.push(name);
        self.places.insert(name, place);
        place
    }

    /// Writes the table.
    pub(super) fn write(&self, to: &mut Writer) {
        to.length(self.rows.len());
        for row in &self.rows {
            match row {
                Name::Gate(op) => {
                    to.byte(0);
                    to.text(op.gate.name());
                    to.number(op.controls.into());
                    let open = !op.state.is_all();
                    to.optional_number(open.then(|| op.state.bits(op.controls)));
                }
                Name::Instruction(name) => {
                    to.byte(1);
                    to.text(name);
                }
            }
        }
    }

    /// Gives a word that expressions use a row, for readers that do not know it.
    pub(super) fn write_word(&mut self, word: &'static str) {
        self.place(Name::Instruction(word));
    }

    /// Writes what an operation holds into `payload` and returns its row.
    pub(super) fn write_op(&mut self, op: &Op, payload: &mut Writer) -> u64 {
        match op {
            Op::Gate(gate) => self.gate(*gate),
            op => self.place(Name::Instruction(write_payload(op, payload))),
        }
    }
}

/// A row of the table while reading.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row {
    Gate(GateOp),
    Instruction(ReadOp),
}

impl Row {
    /// Reads the table.
    pub(super) fn read_all(mut from: Reader<'_>) -> Read<Vec<Self>> {
        let rows = from.list(2, Self::read)?;
        from.finish()?;
        Ok(rows)
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let kind = from.byte()?;
        let name = from.text()?;
        let unknown = || DecodeError::UnknownInstruction { name: name.to_owned() };
        match kind {
            0 => {
                let base = GATES.iter().find(|info| info.name == name).ok_or_else(unknown)?;
                let controls = from.number()?;
                let controls = u16::try_from(controls)
                    .map_err(|_| from.invalid(controls, "at most 65535 controls"))?;
                let state = match from.optional(Reader::number)? {
                    None => ControlState::ALL,
                    Some(bits) => ControlState::new(controls, bits)
                        .ok_or_else(|| from.invalid(bits, "a pattern for the controls"))?,
                };
                Ok(Self::Gate(GateOp { gate: base.gate, controls, state }))
            }
            1 if LATER.contains(&name) => {
                Ok(Self::Instruction(|from| Err(from.invalid("a word", "an instruction"))))
            }
            1 => {
                let known = READERS.iter().find(|(known, _)| *known == name);
                Ok(Self::Instruction(known.ok_or_else(unknown)?.1))
            }
            other => Err(from.invalid(other, "a row of kind 0 or 1")),
        }
    }

    /// Reads what an operation of this row holds.
    pub(super) fn read_op(&self, payload: &mut Reader<'_>) -> Read<Op> {
        match self {
            Self::Gate(op) => Ok(Op::Gate(*op)),
            Self::Instruction(read) => read(payload),
        }
    }
}
