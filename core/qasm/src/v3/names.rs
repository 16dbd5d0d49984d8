//! Names that OpenQASM 3 allows and that stand for one thing each.

use std::collections::HashSet;

use super::definitions::{DEFINITIONS, TAKEN};

/// Words with a meaning of their own.
const RESERVED: &[&str] = &[
    "OPENQASM", "include", "defcalgrammar", "def", "cal", "defcal", "gate", "extern", "box", "let",
    "break", "continue", "if", "else", "end", "return", "for", "while", "in", "switch", "case",
    "default", "pragma", "nop", "input", "output", "const", "readonly", "mutable", "qreg", "qubit",
    "creg", "bool", "bit", "int", "uint", "float", "angle", "complex", "array", "void", "duration",
    "stretch", "gphase", "inv", "pow", "ctrl", "negctrl", "true", "false", "im", "durationof",
    "delay", "reset", "measure", "barrier", "pi", "tau", "euler", "sin", "cos", "tan", "arcsin",
    "arccos", "arctan", "exp", "log", "sqrt", "mod", "floor", "ceiling", "popcount", "rotl",
    "rotr", "sizeof", "real", "imag", "abs", "dt", "ns", "us", "ms", "s",
];

/// Hands out names.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// A name like `wanted`, which no other thing of the program has; `first` is put before one
    /// that does not begin with a letter.
    pub(super) fn unique(&mut self, wanted: &str, first: &str) -> String {
        let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let mut name: String = wanted.chars().map(allowed).collect();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            name.insert_str(0, first);
        }
        let free = |name: &String| !self.taken.contains(name) && !is_reserved(name);
        let numbered = (2..).map(|number: u32| format!("{name}_{number}"));
        let found = std::iter::once(name.clone()).chain(numbered).find(free);
        let found = found.expect("there are more numbers than names");
        self.taken.insert(found.clone());
        found
    }
}

fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
        || TAKEN.contains(&name)
        || DEFINITIONS.iter().any(|definition| definition.name == name)
}
