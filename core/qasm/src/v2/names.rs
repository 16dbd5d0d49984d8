//! What each name of a program means.

use std::collections::HashMap;

use ketch_interface::circuit::{Controls, GateOp, Library, SPELLINGS};

use crate::lexer::{Cursor, Word, key_of};

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Symbol {
    /// A word of the language.
    Keyword(Keyword),
    /// A gate.
    Gate(Signature),
    /// A quantum register.
    Qreg(Bits),
    /// A classical register.
    Creg(Bits),
}

/// The words of the language that begin a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    OpenQasm,
    Include,
    Qreg,
    Creg,
    Gate,
    Opaque,
    If,
    Barrier,
    Measure,
    Reset,
}

/// A register's bits: `start .. start + size` of the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    pub(super) start: u32,
    pub(super) size: u32,
}

/// How a gate is called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Signature {
    pub(super) gate: Callee,
    pub(super) n_params: u32,
    pub(super) n_qubits: u32,
    /// The program may give the name a meaning of its own.
    pub(super) replaceable: bool,
}

/// What calling a gate does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Callee {
    /// An instruction of the gate table.
    Table(GateOp),
    /// The body of this definition.
    Defined(u32),
    /// An instruction that is known by name: that of this symbol.
    Opaque(u32),
}

const KEYWORDS: &[(&str, Keyword)] = &[
    ("OPENQASM", Keyword::OpenQasm),
    ("include", Keyword::Include),
    ("qreg", Keyword::Qreg),
    ("creg", Keyword::Creg),
    ("gate", Keyword::Gate),
    ("opaque", Keyword::Opaque),
    ("if", Keyword::If),
    ("barrier", Keyword::Barrier),
    ("measure", Keyword::Measure),
    ("reset", Keyword::Reset),
];

/// The gates of `qelib1.inc` as the specification prints it. Programs may define the others that
/// the file has grown since, and later ones, themselves.
const SPECIFIED: &[&str] = &[
    "u3", "u2", "u1", "cx", "id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "rx", "ry", "rz",
    "cz", "cy", "ch", "ccx", "crz", "cu1", "cu3",
];

/// The gate that a library knows by this name, once `qelib1.inc` is included.
pub(super) fn library_gate(name: &str) -> bool {
    library().any(|(known, _)| known == name)
}

/// The name means something in the language or in a library, as a gate or in expressions.
pub(super) fn is_reserved(name: &str) -> bool {
    name == "pi"
        || super::expression::is_function(name)
        || KEYWORDS.iter().any(|(keyword, _)| *keyword == name)
        || SPELLINGS.iter().any(|spelling| spelling.name == name)
}

fn library() -> impl Iterator<Item = (&'static str, Signature)> {
    SPELLINGS.iter().filter_map(|spelling| {
        let Controls::Exactly(controls) = spelling.controls else { return None };
        let included = matches!(spelling.library, Library::Qelib1 | Library::Later);
        let replaceable = !SPECIFIED.contains(&spelling.name);
        let op = GateOp::new(spelling.gate, controls);
        included.then(|| (spelling.name, table_gate(op, replaceable)))
    })
}

fn table_gate(op: GateOp, replaceable: bool) -> Signature {
    let n_params = op.gate.info().n_params;
    let n_qubits = u32::from(op.controls) + op.gate.info().n_qubits;
    Signature { gate: Callee::Table(op), n_params, n_qubits, replaceable }
}

/// The names of a program.
///
/// Lookups go to a small cache first, which finds names of up to eight bytes by comparing one
/// number. The map behind it is keyed at random, so no choice of names makes it slow.
pub(super) struct Names {
    cache: Box<[Cached; CACHE]>,
    by_name: HashMap<Box<str>, u32>,
    symbols: Vec<(Box<str>, Symbol)>,
}

#[derive(Clone, Copy)]
struct Cached {
    key: u64,
    /// The length of the name; 0 marks an empty place.
    len: u32,
    id: u32,
}

const CACHE: usize = 256;

impl Names {
    /// The words of the language and its two gates.
    pub(super) fn new() -> Self {
        let empty = Cached { key: 0, len: 0, id: 0 };
        let (by_name, symbols) = (HashMap::new(), Vec::new());
        let mut names = Self { cache: Box::new([empty; CACHE]), by_name, symbols };
        for &(name, keyword) in KEYWORDS {
            names.set(name, Symbol::Keyword(keyword));
        }
        for spelling in SPELLINGS.iter().filter(|spelling| spelling.library == Library::BuiltIn) {
            if let Controls::Exactly(controls) = spelling.controls {
                let op = GateOp::new(spelling.gate, controls);
                names.set(spelling.name, Symbol::Gate(table_gate(op, false)));
            }
        }
        names
    }

    /// What a word means, and its number.
    #[inline]
    pub(super) fn find(&mut self, cursor: &Cursor<'_>, word: Word) -> Option<(u32, Symbol)> {
        let place = (word.key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize;
        let cached = self.cache[place];
        if cached.key == word.key && cached.len as usize == word.len() {
            let (name, symbol) = &self.symbols[cached.id as usize];
            if word.len() <= 8 || **name == *cursor.name(word) {
                return Some((cached.id, *symbol));
            }
        }
        let id = *self.by_name.get(cursor.name(word))?;
        // Names longer than 2^32 bytes do not fit a program.
        self.cache[place] = Cached { key: word.key, len: word.len() as u32, id };
        Some((id, self.symbols[id as usize].1))
    }

    /// What a name means.
    pub(super) fn get(&self, name: &str) -> Option<Symbol> {
        self.by_name.get(name).map(|&id| self.symbols[id as usize].1)
    }

    /// The name of a symbol.
    pub(super) fn name(&self, id: u32) -> &str {
        &self.symbols[id as usize].0
    }

    /// Gives a name a meaning, in place of any it had, and returns its number.
    pub(super) fn set(&mut self, name: &str, symbol: Symbol) -> u32 {
        if let Some(&id) = self.by_name.get(name) {
            self.symbols[id as usize].1 = symbol;
            return id;
        }
        let id = u32::try_from(self.symbols.len()).expect("fewer names than bytes of a program");
        self.symbols.push((name.into(), symbol));
        self.by_name.insert(name.into(), id);
        id
    }

    /// Includes `qelib1.inc` and the later standard gates.
    ///
    /// # Errors
    /// The name of a gate of the specification's file that the program has defined already.
    pub(super) fn include_library(&mut self) -> Result<(), &'static str> {
        for (name, signature) in library() {
            match self.get(name) {
                None => {
                    self.set(name, Symbol::Gate(signature));
                }
                Some(known) if signature.replaceable || known == Symbol::Gate(signature) => {}
                Some(_) => return Err(name),
            }
        }
        Ok(())
    }

    /// The known name that a misspelt one most resembles, among the symbols that fit.
    pub(super) fn nearest(&self, name: &str, fits: impl Fn(&Symbol) -> bool) -> Option<&str> {
        let short = |name: &str| name.len() <= LONGEST_COMPARED;
        if !short(name) {
            return None;
        }
        let known = self.symbols.iter().filter(|(known, symbol)| fits(symbol) && short(known));
        ketch_interface::nearest(name, known.take(MOST_COMPARED).map(|(known, _)| &**known))
    }
}

/// Comparing takes time; a suggestion from very many or very long names would help nobody.
const LONGEST_COMPARED: usize = 64;
const MOST_COMPARED: usize = 4096;

/// `pi`.
pub(super) const PI: u64 = key_of("pi");
