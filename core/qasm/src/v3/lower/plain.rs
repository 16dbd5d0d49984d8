//! Plain lines, as nearly all lines of large programs are: a gate of the library, numbers, single
//! qubits of registers. They become instructions as they are read, without a tree.
//!
//! Whatever is not seen through at a glance is left to the parser, which also says what is wrong
//! with it: this path accepts nothing that the other would not, with the same meaning.

use ketch_interface::circuit::{Clbit, Gate, GateOp, Op, Param, Qubit};

use crate::lexer::Cursor;

use super::{Lowerer, scope::Symbol, standard::Form};

/// Room for one line.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    params: Vec<Param>,
    qubits: Vec<Qubit>,
}

/// How deep parentheses nest in a plain line.
const MAX_DEPTH: u32 = 8;

impl Lowerer<'_> {
    /// Reads lines as long as they are plain; the cursor stops before one that is not.
    pub(super) fn plain_lines(&mut self, cursor: &mut Cursor<'_>) {
        loop {
            cursor.skip_space();
            let start = cursor.at();
            if self.plain_line(cursor).is_none() {
                cursor.back_to(start);
                return;
            }
        }
    }

    #[inline]
    fn plain_line(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let word = cursor.word()?;
        let name = self.names.word(cursor, word);
        let Some(Symbol::Standard(standard)) = self.scopes.global(name) else {
            return self.plain_measure(cursor, name);
        };
        let standard = *standard;
        let mut scratch = std::mem::take(&mut self.scratch);
        let read = self.plain_gate(cursor, standard, &mut scratch);
        self.scratch = scratch;
        read
    }

    #[inline]
    fn plain_gate(
        &mut self,
        cursor: &mut Cursor<'_>,
        standard: super::standard::Standard,
        scratch: &mut Scratch,
    ) -> Option<()> {
        scratch.params.clear();
        scratch.qubits.clear();
        if cursor.eat(b'(') {
            loop {
                let value = self.sum(cursor, 0)?.value;
                scratch.params.push(Param::Number(value));
                if !cursor.eat(b',') {
                    break;
                }
            }
            if !cursor.eat(b')') {
                return None;
            }
        }
        if scratch.params.len() != standard.n_params() {
            return None;
        }
        let finite = |param: &Param| param.as_number().is_some_and(f64::is_finite);
        if !scratch.params.iter().all(finite) {
            return None;
        }
        loop {
            let qubit = self.plain_bit(cursor, true)?;
            if scratch.qubits.contains(&Qubit(qubit)) {
                return None;
            }
            scratch.qubits.push(Qubit(qubit));
            if !cursor.eat(b',') {
                break;
            }
        }
        if scratch.qubits.len() != standard.n_qubits() || !cursor.eat(b';') {
            return None;
        }
        let gate = match standard.form {
            Form::Table => standard.gate,
            Form::U => Gate::U,
            Form::U2 => Gate::U2,
            Form::U3 => Gate::U3,
        };
        let op = Op::Gate(GateOp::new(gate, standard.controls));
        self.circuit.push_unchecked(op, &scratch.qubits, &[], &scratch.params);
        Some(())
    }

    /// `c[0] = measure q[0];`
    fn plain_measure(
        &mut self,
        cursor: &mut Cursor<'_>,
        name: super::super::intern::Name,
    ) -> Option<()> {
        let Some(Symbol::Bits(bits)) = self.scopes.global(name) else { return None };
        if !bits.register || !cursor.eat(b'[') {
            return None;
        }
        let size = bits.bits.len() as u64;
        let index = cursor.integer("").ok().filter(|&index| index < size)?;
        let clbit = Clbit(bits.bits[index as usize]);
        if !cursor.eat(b']') || !cursor.eat(b'=') || cursor.peek() == b'=' {
            return None;
        }
        let word = cursor.word()?;
        if cursor.name(word) != "measure" {
            return None;
        }
        let qubit = Qubit(self.plain_bit(cursor, true)?);
        if !cursor.eat(b';') {
            return None;
        }
        self.circuit.push_unchecked(Op::Measure, &[qubit], &[clbit], &[]);
        Some(())
    }

    /// One bit: `q[3]`, or `q` if it is no register.
    #[inline]
    fn plain_bit(&mut self, cursor: &mut Cursor<'_>, quantum: bool) -> Option<u32> {
        let word = cursor.word()?;
        let name = self.names.word(cursor, word);
        let bits = match self.scopes.global(name)? {
            Symbol::Qubits(bits) if quantum => bits,
            _ => return None,
        };
        if !bits.register {
            return (cursor.peek() != b'[').then(|| bits.bits[0]);
        }
        if !cursor.eat(b'[') {
            return None;
        }
        let index = usize::try_from(cursor.integer("").ok()?).ok()?;
        let bit = *bits.bits.get(index)?;
        cursor.eat(b']').then_some(bit)
    }

    fn sum(&mut self, cursor: &mut Cursor<'_>, depth: u32) -> Option<Number> {
        let mut left = self.product(cursor, depth)?;
        loop {
            let add = cursor.eat(b'+');
            if !add && !cursor.eat(b'-') {
                return Some(left);
            }
            let right = self.product(cursor, depth)?;
            let value = if add { left.value + right.value } else { left.value - right.value };
            left = left.joined(right, value)?;
        }
    }

    fn product(&mut self, cursor: &mut Cursor<'_>, depth: u32) -> Option<Number> {
        let mut left = self.factor(cursor, depth)?;
        loop {
            if cursor.eat(b'*') {
                let right = self.factor(cursor, depth)?;
                left = left.joined(right, left.value * right.value)?;
            } else if cursor.eat(b'/') {
                let right = self.factor(cursor, depth)?;
                // Whole numbers divide in their own way, and nothing by 0.
                if left.whole && right.whole || right.value == 0.0 {
                    return None;
                }
                left = left.joined(right, left.value / right.value)?;
            } else {
                return Some(left);
            }
        }
    }

    fn factor(&mut self, cursor: &mut Cursor<'_>, depth: u32) -> Option<Number> {
        if depth > MAX_DEPTH {
            return None;
        }
        if cursor.eat(b'-') {
            let number = self.factor(cursor, depth + 1)?;
            return Some(Number { value: -number.value, ..number });
        }
        if cursor.eat(b'(') {
            let inner = self.sum(cursor, depth + 1)?;
            return cursor.eat(b')').then_some(inner);
        }
        let start = cursor.at();
        if let Some(value) = cursor.number() {
            let text = cursor.slice(start, cursor.at());
            let whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ');
            // A unit, a longer number, or one in another base: for the parser.
            let behind = cursor.peek();
            if behind.is_ascii_alphanumeric() || matches!(behind, b'_' | b'.' | 0x80..) {
                return None;
            }
            return Some(Number { value, whole });
        }
        let word = cursor.word()?;
        (cursor.name(word) == "pi" && cursor.peek() < 0x80)
            .then_some(Number { value: std::f64::consts::PI, whole: false })
    }
}

/// A number of a plain line.
#[derive(Clone, Copy)]
struct Number {
    value: f64,
    /// It is written as a whole number, or made of such.
    whole: bool,
}

impl Number {
    /// What two numbers make; `None` if it is a whole number too large to be exact.
    fn joined(self, other: Self, value: f64) -> Option<Self> {
        let whole = self.whole && other.whole;
        (!whole || value.abs() < 9e15).then_some(Self { value, whole })
    }
}
