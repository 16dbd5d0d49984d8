//! Statements.

use ketch_interface::{
    BitString, Circuit,
    circuit::{Binary, Clbit, Expr, MAX_QUBITS, Op, Qubit, Value},
};

use super::{
    apply::Operand,
    inline::{Cost, Definitions, Frames, MAX_EXPANSION, MAX_STEPS},
    names::{Bits, Keyword, Names, Symbol, library_gate},
};
use crate::{
    diagnostic::{Error, Failure, Parsed},
    lexer::{Cursor, Word, shown},
    source::{Includes, MAX_INCLUDED, Source},
    version::{self, Version},
};

/// How deep included files may include others.
pub const MAX_INCLUDE_DEPTH: usize = 16;

/// How many files a program may include.
pub const MAX_INCLUDES: usize = 256;

/// Reads a program.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse(source: &Source, includes: &dyn Includes) -> Result<Circuit, Error> {
    let mut parser = Parser {
        circuit: Circuit::default(),
        names: Names::new(),
        gates: Definitions::default(),
        frames: Frames::default(),
        operands: Vec::new(),
        params: Vec::new(),
        spent: Cost::default(),
        includes,
        open: Vec::new(),
        n_included: 0,
        included_bytes: 0,
    };
    let mut cursor = Cursor::new(&source.text);
    let read = header(&mut cursor).and_then(|()| parser.file(source, &mut cursor));
    match read {
        Ok(()) => Ok(parser.circuit),
        Err(failure) => {
            let diagnostic = failure.into_diagnostic(&source.name, &source.text);
            Err(Error::Invalid { diagnostics: vec![diagnostic] })
        }
    }
}

/// A program being read.
pub(super) struct Parser<'i> {
    pub(super) circuit: Circuit,
    pub(super) names: Names,
    pub(super) gates: Definitions,
    pub(super) frames: Frames,
    /// The operands and parameters of the statement being read; kept to be used again.
    pub(super) operands: Vec<Operand>,
    pub(super) params: Vec<ketch_interface::circuit::Param>,
    /// What was inlined and spread over registers so far.
    spent: Cost,
    includes: &'i dyn Includes,
    /// The files being read, the program first: their names and identities.
    open: Vec<(String, String)>,
    n_included: usize,
    included_bytes: u64,
}

/// The version line.
fn header(cursor: &mut Cursor<'_>) -> Parsed<()> {
    let word = cursor.word().filter(|word| word.key == version::KEYWORD);
    if word.is_none() {
        let start = cursor.at();
        let message = "the program does not begin with its version";
        let help = "begin it with `OPENQASM 2.0;`".to_owned();
        let span = first_word(cursor, start);
        return Err(Failure::new(span, message).with_help(Some(help)));
    }
    cursor.skip_space();
    let start = cursor.at();
    match version::read_version(cursor) {
        None => Err(cursor.expected("a version such as `2.0`")),
        Some(Version { major: 2, minor: 0 }) => cursor.expect(b';'),
        Some(version) => {
            let message = format!("there is no OpenQASM {version}, expected 2.0");
            Err(Failure::new(start..cursor.at(), message))
        }
    }
}

/// The bytes of the first word of a program that may have been read already.
fn first_word(cursor: &mut Cursor<'_>, behind: usize) -> std::ops::Range<usize> {
    let text = cursor.slice(0, behind);
    let word = text.bytes().rev().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    behind - word..behind
}

impl Parser<'_> {
    /// All statements of one file.
    fn file(&mut self, source: &Source, cursor: &mut Cursor<'_>) -> Parsed<()> {
        self.open.push((source.name.clone(), source.identity.clone()));
        loop {
            cursor.skip_space();
            if cursor.is_at_end() {
                self.open.pop();
                return Ok(());
            }
            self.statement(cursor)?;
        }
    }

    #[inline]
    fn statement(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let word = cursor.expect_word("a statement")?;
        match self.names.find(cursor, word) {
            Some((_, Symbol::Gate(gate))) => self.gate_call(cursor, word, gate),
            Some((_, Symbol::Keyword(keyword))) => self.keyword(cursor, word, keyword),
            other => Err(self.not_a_gate(cursor, word, other.map(|(_, symbol)| symbol))),
        }
    }

    fn keyword(&mut self, cursor: &mut Cursor<'_>, word: Word, keyword: Keyword) -> Parsed<()> {
        match keyword {
            Keyword::OpenQasm => {
                let message = "the version stands once, at the beginning of the program";
                Err(Failure::new(word.start..word.end, message))
            }
            Keyword::Include => self.include(cursor),
            Keyword::Qreg => self.register(cursor, true),
            Keyword::Creg => self.register(cursor, false),
            Keyword::Gate => self.define_gate(cursor),
            Keyword::Opaque => self.declare_opaque(cursor),
            Keyword::If => self.conditional(cursor, word),
            Keyword::Barrier => self.barrier(cursor, word),
            Keyword::Measure => self.measure(cursor, word),
            Keyword::Reset => self.reset(cursor, word),
        }
    }

    fn include(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        cursor.skip_space();
        let start = cursor.at();
        let name = cursor.expect_string("a file name in double quotes")?;
        let span = start..cursor.at();
        cursor.expect(b';')?;
        if name == "qelib1.inc" {
            return self.names.include_library().map_err(|gate| {
                let message = format!("`qelib1.inc` defines `{gate}`, which is defined already");
                Failure::new(span, message)
            });
        }
        let refused = |reason: &str| {
            let message = format!("cannot include `{}`: {reason}", shown(name));
            Failure::new(span.clone(), message)
        };
        let (from, _) = self.open.last().expect("a file is being read");
        let source = self.includes.open(from, name).map_err(|reason| refused(&reason))?;
        self.n_included += 1;
        self.included_bytes += source.text.len() as u64;
        if self.open.iter().any(|(_, identity)| *identity == source.identity) {
            return Err(refused("it includes itself"));
        }
        if self.open.len() > MAX_INCLUDE_DEPTH {
            let reason = format!("files include each other more than {MAX_INCLUDE_DEPTH} deep");
            return Err(refused(&reason));
        }
        if self.n_included > MAX_INCLUDES {
            return Err(refused(&format!("the program includes more than {MAX_INCLUDES} files")));
        }
        if self.included_bytes > MAX_INCLUDED {
            return Err(refused(&format!("the program includes more than {MAX_INCLUDED} bytes")));
        }
        self.file(&source, &mut Cursor::new(&source.text)).map_err(|failure| {
            let diagnostic = failure.into_diagnostic(&source.name, &source.text);
            Box::new(Failure::Elsewhere(diagnostic))
        })
    }

    fn register(&mut self, cursor: &mut Cursor<'_>, quantum: bool) -> Parsed<()> {
        let word = cursor.expect_word("the name of a register")?;
        self.check_new(cursor, word)?;
        cursor.expect(b'[')?;
        cursor.skip_space();
        let start = cursor.at();
        let size = cursor.integer("the size of the register")?;
        let span = start..cursor.at();
        cursor.expect(b']')?;
        cursor.expect(b';')?;
        let (what, used) = match quantum {
            true => ("qubits", self.circuit.n_qubits()),
            false => ("clbits", self.circuit.n_clbits()),
        };
        let size = match u32::try_from(size) {
            Ok(0) => return Err(Failure::new(span, "a register of no bits")),
            Ok(size) if size <= MAX_QUBITS - used => size,
            _ => {
                let size = shown(cursor.slice(span.start, span.end));
                let message = if used == 0 {
                    format!("a register of {size} {what}: at most {MAX_QUBITS} are allowed")
                } else {
                    let all = "a program may have";
                    format!("{size} {what} more than {used}: {all} at most {MAX_QUBITS}")
                };
                return Err(Failure::new(span, message));
            }
        };
        let name = cursor.name(word);
        let symbol = match quantum {
            true => Symbol::Qreg(Bits { start: self.circuit.add_qreg(name, size).0, size }),
            false => Symbol::Creg(Bits { start: self.circuit.add_creg(name, size).0, size }),
        };
        self.names.set(name, symbol);
        Ok(())
    }

    /// Checks that the program may give a name a meaning.
    pub(super) fn check_new(&self, cursor: &Cursor<'_>, word: Word) -> Parsed<()> {
        let name = cursor.name(word);
        let is = match self.names.get(name) {
            None => return Ok(()),
            Some(Symbol::Gate(gate)) if gate.replaceable => return Ok(()),
            Some(Symbol::Keyword(_)) => "a word of the language",
            Some(Symbol::Gate(_)) => "already a gate",
            Some(Symbol::Qreg(_)) => "already a quantum register",
            Some(Symbol::Creg(_)) => "already a classical register",
        };
        Err(Failure::new(word.start..word.end, format!("`{}` is {is}", shown(name))))
    }

    fn conditional(&mut self, cursor: &mut Cursor<'_>, word: Word) -> Parsed<()> {
        cursor.expect(b'(')?;
        let bits = self.whole_creg(cursor)?;
        // The condition holds as many bits.
        self.charge(word, Cost { operands: u64::from(bits.size / 64), steps: 0 })?;
        if !cursor.eat_all("==") {
            return Err(cursor.expected("`==`"));
        }
        cursor.skip_space();
        let start = cursor.at();
        let digits = cursor.digits();
        if digits.is_empty() {
            return Err(cursor.expected("a whole number"));
        }
        if digits.len() > MAX_DIGITS {
            let message = format!("a number of more than {MAX_DIGITS} digits");
            return Err(Failure::new(start..cursor.at(), message));
        }
        let value = bits_of_decimal(digits, bits.size).ok_or_else(|| {
            let size = bits.size;
            let message = format!("the number does not fit {size} bits: the condition never holds");
            Failure::new(start..cursor.at(), message)
        })?;
        cursor.expect(b')')?;
        let register = self.circuit.add_expr(Expr::Clbits { start: bits.start, size: bits.size });
        let value = self.circuit.add_expr(Expr::Literal(Value::Uint(value)));
        let condition = self.circuit.add_expr(Expr::Binary(Binary::Equal, register, value));
        let block = self.circuit.open_if(condition);
        let word = cursor.expect_word("a gate, `measure` or `reset`")?;
        match self.names.find(cursor, word) {
            Some((_, Symbol::Gate(gate))) => self.gate_call(cursor, word, gate)?,
            Some((_, Symbol::Keyword(Keyword::Measure))) => self.measure(cursor, word)?,
            Some((_, Symbol::Keyword(Keyword::Reset))) => self.reset(cursor, word)?,
            Some((_, Symbol::Keyword(_))) => {
                let name = cursor.name(word);
                let message = format!("expected a gate, `measure` or `reset`, found `{name}`");
                return Err(Failure::new(word.start..word.end, message));
            }
            other => return Err(self.not_a_gate(cursor, word, other.map(|(_, symbol)| symbol))),
        }
        self.circuit.close_block(block);
        Ok(())
    }

    fn whole_creg(&mut self, cursor: &mut Cursor<'_>) -> Parsed<Bits> {
        let word = cursor.expect_word("the name of a classical register")?;
        let found = self.names.find(cursor, word).map(|(_, symbol)| symbol);
        let Some(Symbol::Creg(bits)) = found else {
            return Err(self.not_a_register(cursor, word, found, false));
        };
        match cursor.eat(b'[') {
            false => Ok(bits),
            true => {
                let message = "the condition of `if` is on a whole register, not on one bit";
                let help = "give the bit a register of its own".to_owned();
                Err(Failure::new(word.start..cursor.at(), message).with_help(Some(help)))
            }
        }
    }

    fn barrier(&mut self, cursor: &mut Cursor<'_>, word: Word) -> Parsed<()> {
        self.read_operands(cursor)?;
        self.push_at_once(word, Op::Barrier)
    }

    fn reset(&mut self, cursor: &mut Cursor<'_>, word: Word) -> Parsed<()> {
        self.operands.clear();
        let operand = self.operand(cursor, true)?;
        self.operands.push(operand);
        cursor.expect(b';')?;
        self.push_at_once(word, Op::Reset)
    }

    /// One instruction on all bits of all operands.
    fn push_at_once(&mut self, word: Word, op: Op) -> Parsed<()> {
        let operands: u64 = self.operands.iter().map(|o| u64::from(o.size)).sum();
        if operands > self.operands.len() as u64 {
            self.charge(word, Cost { operands, steps: 0 })?;
        }
        let qubits = &mut self.frames.qubits;
        qubits.clear();
        for operand in &self.operands {
            qubits.extend((operand.start..operand.start + operand.size).map(Qubit));
        }
        self.check_distinct(word)?;
        self.circuit.push_unchecked(op, &self.frames.qubits, &[], &[]);
        Ok(())
    }

    fn measure(&mut self, cursor: &mut Cursor<'_>, word: Word) -> Parsed<()> {
        let from = self.operand(cursor, true)?;
        if !cursor.eat_all("->") {
            return Err(cursor.expected("`->`"));
        }
        let to = self.operand(cursor, false)?;
        let end = cursor.at();
        cursor.expect(b';')?;
        if from.whole != to.whole && from.size.max(to.size) > 1 || from.size != to.size {
            let kind = |operand: &Operand, bits: &str| match operand.whole {
                true => format!("a register of {} {bits}", operand.size),
                false => format!("one {}", &bits[..bits.len() - 1]),
            };
            let (from, to) = (kind(&from, "qubits"), kind(&to, "clbits"));
            let message = format!("`measure` of {from} into {to}");
            return Err(Failure::new(word.start..end, message));
        }
        if !from.whole {
            let (qubit, clbit) = (Qubit(from.start), Clbit(to.start));
            self.circuit.push_unchecked(Op::Measure, &[qubit], &[clbit], &[]);
            return Ok(());
        }
        self.charge(word, Cost { operands: u64::from(from.size), steps: 0 })?;
        let qubits: Vec<Qubit> = (from.start..from.start + from.size).map(Qubit).collect();
        let clbits: Vec<Clbit> = (to.start..to.start + to.size).map(Clbit).collect();
        self.circuit.push_unchecked(Op::Measure, &qubits, &clbits, &[]);
        Ok(())
    }

    /// Counts what a statement adds beyond itself.
    pub(super) fn charge(&mut self, word: Word, cost: Cost) -> Parsed<()> {
        self.spent.add(cost);
        let message = if self.spent.operands > MAX_EXPANSION {
            format!("inlined gates and whole registers name more than {MAX_EXPANSION} qubits")
        } else if self.spent.steps > MAX_STEPS {
            format!("inlined gates take more than {MAX_STEPS} steps")
        } else {
            return Ok(());
        };
        Err(Failure::new(word.start..word.end, message))
    }

    /// The failure that a word does not name a gate.
    #[cold]
    pub(super) fn not_a_gate(
        &self,
        cursor: &Cursor<'_>,
        word: Word,
        found: Option<Symbol>,
    ) -> Box<Failure> {
        let name = cursor.name(word);
        let (message, help) = match found {
            Some(Symbol::Qreg(_)) => (format!("`{}` is a quantum register", shown(name)), None),
            Some(Symbol::Creg(_)) => (format!("`{}` is a classical register", shown(name)), None),
            Some(_) => (format!("`{}` is not a gate", shown(name)), None),
            None if library_gate(name) => {
                let help = "add `include \"qelib1.inc\";` behind the version line".to_owned();
                (format!("unknown gate `{name}`"), Some(help))
            }
            None => {
                let fits = |symbol: &Symbol| matches!(symbol, Symbol::Gate(_) | Symbol::Keyword(_));
                let nearest = self.names.nearest(name, fits);
                let help = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
                (format!("unknown gate `{}`", shown(name)), help)
            }
        };
        Failure::new(word.start..word.end, message).with_help(help)
    }

    /// The failure that a word does not name a register of the right kind.
    #[cold]
    pub(super) fn not_a_register(
        &self,
        cursor: &Cursor<'_>,
        word: Word,
        found: Option<Symbol>,
        quantum: bool,
    ) -> Box<Failure> {
        let name = cursor.name(word);
        let kind = if quantum { "quantum" } else { "classical" };
        let is = match found {
            Some(Symbol::Qreg(_)) => "a quantum register",
            Some(Symbol::Creg(_)) => "a classical register",
            Some(Symbol::Gate(_)) => "a gate",
            Some(Symbol::Keyword(_)) => "a word of the language",
            None => {
                let fits = |symbol: &Symbol| match symbol {
                    Symbol::Qreg(_) => quantum,
                    Symbol::Creg(_) => !quantum,
                    _ => false,
                };
                let nearest = self.names.nearest(name, fits);
                let help = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
                let message = format!("unknown {kind} register `{}`", shown(name));
                return Failure::new(word.start..word.end, message).with_help(help);
            }
        };
        let message = format!("expected a {kind} register, `{}` is {is}", shown(name));
        Failure::new(word.start..word.end, message)
    }
}

/// The longest number that a register may be compared with, in decimal digits.
const MAX_DIGITS: usize = 4096;

/// A decimal number as bits: as many as the register has, or up to 64 if the number needs them;
/// `None` if it needs more than both.
fn bits_of_decimal(digits: &str, size: u32) -> Option<BitString> {
    let value = digits.parse::<u64>();
    if let Ok(value) = value {
        return Some(BitString::from_u64(size.max(64 - value.leading_zeros()), value));
    }
    // The last word shows whether there was room.
    let mut words: Vec<u64> = vec![0; (size as usize).min(MAX_DIGITS * 4).div_ceil(64) + 1];
    for digit in digits.bytes() {
        let mut carry = u128::from(digit - b'0');
        for word in &mut words {
            carry += u128::from(*word) * 10;
            *word = carry as u64;
            carry >>= 64;
        }
        if carry != 0 {
            return None;
        }
    }
    let bits = BitString::from_words(size, &words);
    let same = bits.words().chain(std::iter::repeat(0)).zip(&words).all(|(a, b)| a == *b);
    same.then_some(bits)
}
