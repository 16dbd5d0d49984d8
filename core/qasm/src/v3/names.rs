//! Names that OpenQASM 3 allows and that stand for one thing each.

use super::definitions::{DEFINITIONS, is_standard_gate};
use crate::unique::UniqueNames;

/// Words with a meaning of their own.
const RESERVED: &str = "
    OPENQASM include defcalgrammar def cal defcal gate extern box let break continue if else end
    return for while in switch case default pragma nop input output const readonly mutable qreg
    qubit creg bool bit int uint float angle complex array void duration stretch inv pow ctrl
    negctrl true false im durationof delay reset measure barrier pi tau euler sin cos tan arcsin
    arccos arctan exp log sqrt mod floor ceiling popcount rotl rotr sizeof real imag abs
    dt ns us ms s
";

/// Hands out names.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: UniqueNames,
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
        self.taken.take(name, is_reserved)
    }
}

fn is_reserved(name: &str) -> bool {
    RESERVED.split_whitespace().any(|word| word == name)
        || is_standard_gate(name)
        || DEFINITIONS.iter().any(|definition| definition.name == name)
}
