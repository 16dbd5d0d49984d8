//! Calls of gates: parameters, operands, and the spreading of gates over registers.

use ketch_interface::circuit::{Op, Param, Qubit, first_repeated};

use super::{
    expression::{Now, expression},
    inline::Cost,
    names::{Callee, Signature, Symbol},
    parser::Parser,
};
use crate::{
    diagnostic::{Failure, Parsed},
    lexer::{Cursor, Word, shown},
};

/// Bits that a statement names: a whole register or one bit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    /// The first bit.
    pub(super) start: u32,
    /// How many.
    pub(super) size: u32,
    /// A register was named, not a bit.
    pub(super) whole: bool,
}

impl Parser<'_> {
    /// The rest of a gate's call.
    #[inline]
    pub(super) fn gate_call(
        &mut self,
        cursor: &mut Cursor<'_>,
        word: Word,
        gate: Signature,
    ) -> Parsed<()> {
        self.read_params(cursor)?;
        if self.params.len() != gate.n_params as usize {
            return Err(wrong_count(cursor, word, "parameter", gate.n_params, self.params.len()));
        }
        self.read_operands(cursor)?;
        if self.operands.len() != gate.n_qubits as usize {
            return Err(wrong_count(cursor, word, "qubit", gate.n_qubits, self.operands.len()));
        }
        self.frames.qubits.clear();
        if self.operands.iter().any(|operand| operand.whole) {
            return self.spread(cursor, word, gate);
        }
        self.frames.qubits.extend(self.operands.iter().map(|operand| Qubit(operand.start)));
        if let Callee::Defined(definition) = gate.gate {
            let cost = self.gates.definitions[definition as usize].cost;
            self.charge(word, cost)?;
        }
        self.push_gate(cursor, word, gate.gate)
    }

    /// One instruction for each bit of the registers among the operands; the single bits take part
    /// in each.
    fn spread(&mut self, cursor: &mut Cursor<'_>, word: Word, gate: Signature) -> Parsed<()> {
        let mut registers = self.operands.iter().filter(|operand| operand.whole);
        let size = registers.next().map_or(1, |operand| operand.size);
        if let Some(other) = registers.find(|operand| operand.size != size) {
            let name = shown(cursor.name(word));
            let message =
                format!("`{name}` on registers of different sizes, {size} and {}", other.size);
            return Err(Failure::new(word.start..word.end, message));
        }
        // Even a gate with an empty body takes time.
        let mut each = Cost { operands: 0, steps: 1 + u64::from(gate.n_qubits) };
        match gate.gate {
            Callee::Defined(definition) => {
                each.add(self.gates.definitions[definition as usize].cost);
            }
            _ => each.operands = self.memory_of(gate),
        }
        self.charge(word, each.times(u64::from(size)))?;
        for index in 0..size {
            self.frames.qubits.clear();
            for operand in &self.operands {
                let place = if operand.whole { index } else { 0 };
                self.frames.qubits.push(Qubit(operand.start + place));
            }
            self.push_gate(cursor, word, gate.gate)?;
        }
        Ok(())
    }

    /// What one instruction takes, in qubits that it names: parameters and names take as much as
    /// several. A gate of the table has few enough parameters to leave them out.
    pub(super) fn memory_of(&self, gate: Signature) -> u64 {
        let n_qubits = u64::from(gate.n_qubits);
        match gate.gate {
            Callee::Opaque(id) => {
                n_qubits + 4 * u64::from(gate.n_params) + self.names.name(id).len() as u64 / 4
            }
            Callee::Table(_) | Callee::Defined(_) => n_qubits,
        }
    }

    /// One instruction, or one use of a definition, on the qubits in `frames`.
    #[inline]
    fn push_gate(&mut self, cursor: &Cursor<'_>, word: Word, gate: Callee) -> Parsed<()> {
        self.check_distinct(word)?;
        let op = match gate {
            Callee::Table(op) => Op::Gate(op),
            Callee::Opaque(id) => Op::Opaque(self.names.name(id).into()),
            Callee::Defined(definition) => return self.inline(cursor, word, definition),
        };
        self.circuit.push_unchecked(op, &self.frames.qubits, &[], &self.params);
        Ok(())
    }

    fn inline(&mut self, cursor: &Cursor<'_>, word: Word, definition: u32) -> Parsed<()> {
        self.frames.numbers.clear();
        self.frames.numbers.extend(self.params.iter().filter_map(|param| param.as_number()));
        let (circuit, frames) = (&mut self.circuit, &mut self.frames);
        self.gates.inline(circuit, &self.names, frames, definition, 0, 0).map_err(|reason| {
            let name = shown(cursor.name(word));
            let message = format!("in the body of `{name}` with these parameters: {reason}");
            Failure::new(word.start..word.end, message)
        })
    }

    /// Checks that no qubit in `frames` stands twice.
    #[inline]
    pub(super) fn check_distinct(&self, word: Word) -> Parsed<()> {
        let repeated = match self.frames.qubits[..] {
            [] | [_] => None,
            [a, b] => (a == b).then_some(a),
            ref qubits => first_repeated(qubits),
        };
        match repeated {
            None => Ok(()),
            Some(qubit) => Err(self.repeated(word, qubit)),
        }
    }

    #[cold]
    fn repeated(&self, word: Word, qubit: Qubit) -> Box<Failure> {
        let registers = self.circuit.qregs().iter();
        let mut holding = registers.filter(|register| register.bits().contains(&qubit.0));
        let message = match holding.next() {
            Some(register) => {
                let (name, index) = (shown(&register.name), qubit.0 - register.start);
                format!("qubit `{name}[{index}]` stands twice")
            }
            None => format!("qubit {} stands twice", qubit.0),
        };
        Failure::new(word.start..word.end, message)
    }

    /// Parameters in parentheses, if there are any, into `params`.
    #[inline]
    fn read_params(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        self.params.clear();
        if !cursor.eat(b'(') || cursor.eat(b')') {
            return Ok(());
        }
        loop {
            let value = expression(cursor, &mut Now)?;
            self.params.push(Param::Number(value));
            if !cursor.eat(b',') {
                break;
            }
        }
        match cursor.eat(b')') {
            true => Ok(()),
            false => Err(cursor.expected("an operator, `,` or `)`")),
        }
    }

    /// Quantum operands up to the semicolon, into `operands`.
    #[inline]
    pub(super) fn read_operands(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        self.operands.clear();
        loop {
            let operand = self.operand(cursor, true)?;
            self.operands.push(operand);
            if cursor.eat(b',') {
                continue;
            }
            return match cursor.eat(b';') {
                true => Ok(()),
                false => Err(cursor.expected("`,` or `;`")),
            };
        }
    }

    /// A register, or a bit of one.
    #[inline]
    pub(super) fn operand(&mut self, cursor: &mut Cursor<'_>, quantum: bool) -> Parsed<Operand> {
        let Some(word) = cursor.word() else {
            return Err(cursor.expected("a register or a bit of one"));
        };
        let bits = match self.names.find(cursor, word) {
            Some((_, Symbol::Qreg(bits))) if quantum => bits,
            Some((_, Symbol::Creg(bits))) if !quantum => bits,
            other => {
                let found = other.map(|(_, symbol)| symbol);
                return Err(self.not_a_register(cursor, word, found, quantum));
            }
        };
        if !cursor.eat(b'[') {
            return Ok(Operand { start: bits.start, size: bits.size, whole: true });
        }
        let index = cursor.integer("the number of a bit")?;
        if index >= u64::from(bits.size) {
            let end = cursor.at();
            let name = shown(cursor.name(word));
            let last = bits.size - 1;
            let message = format!("`{name}` has bits 0 to {last}, found bit {}", large(index));
            return Err(Failure::new(word.start..end, message));
        }
        cursor.expect(b']')?;
        Ok(Operand { start: bits.start + index as u32, size: 1, whole: false })
    }
}

fn large(index: u64) -> String {
    if index == u64::MAX { "2^64 or more".to_owned() } else { index.to_string() }
}

/// The failure that a gate is called with too few or too many of something.
#[cold]
pub(super) fn wrong_count(
    cursor: &Cursor<'_>,
    word: Word,
    what: &str,
    expected: u32,
    found: usize,
) -> Box<Failure> {
    let name = shown(cursor.name(word));
    let plural = if expected == 1 { "" } else { "s" };
    let message = format!("`{name}` takes {expected} {what}{plural}, found {found}");
    Failure::new(word.start..word.end, message)
}
