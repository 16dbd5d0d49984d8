//! The gates and constants that programs need not define.

use ketch_interface::circuit::{Controls, Gate, Library, SPELLINGS};

use crate::diagnostic::{Failure, Parsed};

use super::super::ast::Span;
use super::{Lowerer, scope::Symbol, value::Value};

/// A gate of the language or its library.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Standard {
    pub(super) gate: Gate,
    pub(super) controls: u16,
    pub(super) form: Form,
    /// The program may give the name a meaning of its own.
    pub(super) replaceable: bool,
}

/// How a name's parameters are those of the gate table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    Table,
    /// `U`: θ, φ, λ, with a phase of θ/2.
    U,
    /// `u2`: φ, λ with θ = π/2, and a phase of -(φ+λ)/2.
    U2,
    /// `u3`: θ, φ, λ, with a phase of -(φ+λ)/2.
    U3,
}

impl Standard {
    const fn new(gate: Gate, controls: u16, form: Form) -> Self {
        Self { gate, controls, form, replaceable: false }
    }

    pub(super) fn n_params(self) -> usize {
        match self.form {
            Form::Table => self.gate.info().n_params as usize,
            Form::U2 => 2,
            Form::U | Form::U3 => 3,
        }
    }

    pub(super) fn n_qubits(self) -> usize {
        usize::from(self.controls) + self.gate.info().n_qubits as usize
    }
}

/// The gates of `stdgates.inc`. The matrices of those with [`Form::Table`] are exactly the gate
/// table's, phases included.
const LIBRARY: &[(&str, Standard)] = &[
    ("p", Standard::new(Gate::P, 0, Form::Table)),
    ("x", Standard::new(Gate::X, 0, Form::Table)),
    ("y", Standard::new(Gate::Y, 0, Form::Table)),
    ("z", Standard::new(Gate::Z, 0, Form::Table)),
    ("h", Standard::new(Gate::H, 0, Form::Table)),
    ("s", Standard::new(Gate::S, 0, Form::Table)),
    ("sdg", Standard::new(Gate::Sdg, 0, Form::Table)),
    ("t", Standard::new(Gate::T, 0, Form::Table)),
    ("tdg", Standard::new(Gate::Tdg, 0, Form::Table)),
    ("sx", Standard::new(Gate::Sx, 0, Form::Table)),
    ("rx", Standard::new(Gate::Rx, 0, Form::Table)),
    ("ry", Standard::new(Gate::Ry, 0, Form::Table)),
    ("rz", Standard::new(Gate::Rz, 0, Form::Table)),
    ("cx", Standard::new(Gate::X, 1, Form::Table)),
    ("cy", Standard::new(Gate::Y, 1, Form::Table)),
    ("cz", Standard::new(Gate::Z, 1, Form::Table)),
    ("cp", Standard::new(Gate::P, 1, Form::Table)),
    ("crx", Standard::new(Gate::Rx, 1, Form::Table)),
    ("cry", Standard::new(Gate::Ry, 1, Form::Table)),
    ("crz", Standard::new(Gate::Rz, 1, Form::Table)),
    ("ch", Standard::new(Gate::H, 1, Form::Table)),
    ("swap", Standard::new(Gate::Swap, 0, Form::Table)),
    ("ccx", Standard::new(Gate::X, 2, Form::Table)),
    ("cswap", Standard::new(Gate::Swap, 1, Form::Table)),
    ("cu", Standard::new(Gate::PhasedU, 1, Form::Table)),
    ("CX", Standard::new(Gate::X, 1, Form::Table)),
    ("phase", Standard::new(Gate::P, 0, Form::Table)),
    ("cphase", Standard::new(Gate::P, 1, Form::Table)),
    ("id", Standard::new(Gate::Id, 0, Form::Table)),
    ("u1", Standard::new(Gate::U1, 0, Form::Table)),
    ("u2", Standard::new(Gate::PhasedU, 0, Form::U2)),
    ("u3", Standard::new(Gate::PhasedU, 0, Form::U3)),
];

/// The language's own gates.
const BUILT_IN: &[(&str, Standard)] = &[
    ("U", Standard::new(Gate::PhasedU, 0, Form::U)),
    ("gphase", Standard::new(Gate::GlobalPhase, 0, Form::Table)),
];

/// A gate of this name comes with the library.
pub(super) fn is_in_library(name: &str) -> bool {
    LIBRARY.iter().any(|(known, _)| *known == name)
        || SPELLINGS.iter().any(|s| s.name == name && s.controls != Controls::Any)
}

impl Lowerer<'_> {
    /// What every program has.
    pub(super) fn built_in(&mut self) {
        let (pi, tau, euler) = (std::f64::consts::PI, std::f64::consts::TAU, std::f64::consts::E);
        let constants =
            [("pi", pi), ("π", pi), ("tau", tau), ("τ", tau), ("euler", euler), ("ℇ", euler)];
        for (name, value) in constants {
            let name = self.names.get(name);
            self.scopes.set(name, Symbol::Value(Value::float(value)));
        }
        for (name, standard) in BUILT_IN {
            let name = self.names.get(name);
            self.scopes.set(name, Symbol::Standard(*standard));
        }
    }

    /// `stdgates.inc`, and Qiskit's later standard gates, which a program may define itself.
    pub(super) fn include_standard(&mut self, span: Span) -> Parsed<()> {
        if std::mem::replace(&mut self.standard, true) {
            return Ok(());
        }
        for (text, standard) in LIBRARY {
            let name = self.names.get(text);
            if self.scopes.is_taken(name).is_some() {
                let message = format!("the library defines `{text}`, which is defined already");
                return Err(Failure::new(span.range(), message));
            }
            self.scopes.set(name, Symbol::Standard(*standard));
        }
        for spelling in SPELLINGS {
            let Controls::Exactly(controls) = spelling.controls else { continue };
            let name = self.names.get(spelling.name);
            if spelling.library == Library::Qobj || self.scopes.is_taken(name).is_some() {
                continue;
            }
            let standard = Standard::new(spelling.gate, controls, Form::Table);
            let standard = Standard { replaceable: true, ..standard };
            self.scopes.set(name, Symbol::Standard(standard));
        }
        Ok(())
    }
}
