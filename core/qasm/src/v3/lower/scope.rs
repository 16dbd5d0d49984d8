//! What names mean, where.

use std::rc::Rc;

use ketch_interface::circuit::VarId;

use super::super::{
    ast::{GateDef, Sub},
    intern::Name,
};
use super::{
    standard::Standard,
    value::{Const, Ty, Value},
};

/// What a name means.
#[derive(Clone, Debug)]
pub(super) enum Symbol {
    /// A gate of the language or its library.
    Standard(Standard),
    /// A gate of the program.
    Gate(Rc<Defined<GateDef>>),
    Sub(Rc<Defined<Sub>>),
    /// A function of the host, which nobody provides.
    Extern,
    /// A constant, or a value that does not change while its scope lasts.
    Value(Value),
    Qubits(Bits),
    /// Clbits.
    Bits(Bits),
    /// A variable, by its place in the table.
    Var(usize),
    Array(Array),
    /// Its declaration was wrong; what is wrong with its uses was said there.
    Broken,
}

/// A definition and the file that it stands in.
#[derive(Debug)]
pub(super) struct Defined<T> {
    pub(super) file: usize,
    pub(super) tree: Rc<T>,
}

/// Qubits or clbits of the circuit.
#[derive(Clone, Debug)]
pub(super) struct Bits {
    pub(super) bits: Rc<[u32]>,
    /// A register, not one bit.
    pub(super) register: bool,
}

/// An array, or a part of one: its elements are variables.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub(super) element: Ty,
    pub(super) sizes: Rc<[usize]>,
    /// The elements' places in the table, the last index running fastest.
    pub(super) vars: Rc<[usize]>,
    pub(super) readonly: bool,
}

/// A classical variable.
///
/// As long as a value is known, it is used instead of the variable, and written into the circuit
/// only when control flow makes it depend on what happened.
#[derive(Clone, Debug)]
pub(super) struct Var {
    pub(super) name: Name,
    pub(super) ty: Ty,
    /// Its place in the circuit, once it has one.
    pub(super) id: Option<VarId>,
    pub(super) known: Option<Const>,
    /// The circuit's variable holds what is known.
    pub(super) stored: bool,
}

/// The names that are visible.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    /// The innermost meaning of each name, by its number.
    heads: Vec<Option<u32>>,
    entries: Vec<Entry>,
    /// Where the entries and the variables of each open scope begin; the global scope is not
    /// listed.
    starts: Vec<(usize, usize)>,
    /// The subroutine or gate that is being lowered; 0 outside of any.
    frame: u32,
}

#[derive(Debug)]
struct Entry {
    name: Name,
    symbol: Symbol,
    /// What the name meant before.
    hidden: Option<u32>,
    frame: u32,
}

/// A place to go back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScopeMark {
    entries: usize,
    starts: usize,
    frame: u32,
}

/// What is found under a name.
#[derive(Debug)]
pub(super) enum Found {
    Symbol(Symbol),
    /// A global that bodies of gates and subroutines do not see.
    Hidden,
    Nothing,
}

impl Scopes {
    pub(super) fn mark(&self) -> ScopeMark {
        let (entries, starts, frame) = (self.entries.len(), self.starts.len(), self.frame);
        ScopeMark { entries, starts, frame }
    }

    pub(super) fn rewind(&mut self, mark: ScopeMark) {
        self.forget_behind(mark.entries);
        self.starts.truncate(mark.starts);
        self.frame = mark.frame;
    }

    /// Closes the scopes that were opened since, keeping what was declared in this one.
    pub(super) fn close_to(&mut self, mark: ScopeMark) {
        if let Some(&(inner, _)) = self.starts.get(mark.starts) {
            self.forget_behind(inner);
        }
        self.starts.truncate(mark.starts);
        self.frame = mark.frame;
    }

    fn forget_behind(&mut self, length: usize) {
        for entry in self.entries.drain(length..).rev() {
            self.heads[entry.name.0 as usize] = entry.hidden;
        }
    }

    /// Opens a scope within the same body; there are so many variables now.
    pub(super) fn open(&mut self, vars: usize) {
        self.starts.push((self.entries.len(), vars));
    }

    /// Opens the scope of another body, which sees only global constants and its own names.
    pub(super) fn open_frame(&mut self, number: u32, vars: usize) {
        self.open(vars);
        self.frame = number;
    }

    /// Closes the innermost scope and tells how many variables there were before it.
    pub(super) fn close(&mut self) -> usize {
        let (start, vars) = self.starts.pop().expect("a scope is open");
        self.forget_behind(start);
        vars
    }

    /// Closes the scope of another body; `outer` is the frame around it.
    pub(super) fn close_frame(&mut self, outer: u32) -> usize {
        let vars = self.close();
        self.frame = outer;
        vars
    }

    /// The body whose names are visible.
    pub(super) fn frame(&self) -> u32 {
        self.frame
    }

    /// The global scope is the innermost.
    pub(super) fn is_global(&self) -> bool {
        self.starts.is_empty()
    }

    /// What is found under a name.
    #[inline]
    pub(super) fn find(&self, name: Name) -> Found {
        let mut next = self.heads.get(name.0 as usize).copied().flatten();
        let mut hidden = false;
        while let Some(place) = next {
            let entry = &self.entries[place as usize];
            if entry.frame == self.frame {
                return Found::Symbol(entry.symbol.clone());
            }
            if entry.frame == 0 {
                let constant = matches!(
                    entry.symbol,
                    Symbol::Standard(_)
                        | Symbol::Gate(_)
                        | Symbol::Sub(_)
                        | Symbol::Extern
                        | Symbol::Value(_)
                        | Symbol::Broken
                );
                // Names in blocks of the program are no globals.
                let global = self.starts.first().is_none_or(|&(start, _)| (place as usize) < start);
                match constant && global {
                    true => return Found::Symbol(entry.symbol.clone()),
                    false => hidden = true,
                }
            }
            next = entry.hidden;
        }
        if hidden { Found::Hidden } else { Found::Nothing }
    }

    /// The meaning of a global name, without copying it.
    #[inline]
    pub(super) fn global(&self, name: Name) -> Option<&Symbol> {
        let place = self.heads.get(name.0 as usize).copied().flatten()?;
        Some(&self.entries[place as usize].symbol)
    }

    /// The name has a meaning in the innermost scope.
    pub(super) fn is_taken(&self, name: Name) -> Option<&Symbol> {
        let place = self.heads.get(name.0 as usize).copied().flatten()?;
        let start = self.starts.last().map_or(0, |&(start, _)| start);
        (place as usize >= start).then(|| &self.entries[place as usize].symbol)
    }

    /// Gives a name a meaning in the innermost scope.
    pub(super) fn set(&mut self, name: Name, symbol: Symbol) {
        let index = name.0 as usize;
        if index >= self.heads.len() {
            self.heads.resize(index + 1, None);
        }
        let place = self.entries.len() as u32;
        let hidden = self.heads[index].replace(place);
        self.entries.push(Entry { name, symbol, hidden, frame: self.frame });
    }

    /// The names that have a meaning here.
    pub(super) fn visible(&self) -> impl Iterator<Item = (Name, &Symbol)> {
        self.entries.iter().map(|entry| (entry.name, &entry.symbol))
    }
}
