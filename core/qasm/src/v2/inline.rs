//! The gates that a program defines, and their inlining.
//!
//! Bodies are flat: calls in one array, the numbers of their qubits in another, the code of their
//! parameters in a third.

use std::ops::Range;

use ketch_interface::{
    Circuit,
    circuit::{GateOp, Op, Param, Qubit},
};

use super::{
    expression::{Code, run},
    names::Names,
};

/// How many qubits all instructions together may name that stand for a whole register or come out
/// of the body of a gate. The other instructions are bounded by the length of the program.
pub const MAX_EXPANSION: u64 = 1 << 23;

/// How many calls and steps of parameter expressions the bodies of gates may take in a program.
pub const MAX_STEPS: u64 = 1 << 26;

/// How deep definitions of gates may build on each other.
pub const MAX_NESTING: u32 = 256;

/// What instructions cost that a program does not spell out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Qubits that instructions name.
    pub(super) operands: u64,
    /// Calls, and steps of parameter expressions.
    pub(super) steps: u64,
}

impl Cost {
    pub(super) fn add(&mut self, other: Self) {
        self.operands = self.operands.saturating_add(other.operands);
        self.steps = self.steps.saturating_add(other.steps);
    }

    pub(super) fn times(self, factor: u64) -> Self {
        Self {
            operands: self.operands.saturating_mul(factor),
            steps: self.steps.saturating_mul(factor),
        }
    }
}

/// A gate of the program.
#[derive(Debug)]
pub(super) struct Definition {
    /// Its calls.
    pub(super) calls: Range<usize>,
    /// What one use costs.
    pub(super) cost: Cost,
    /// How many definitions it builds on, one upon another.
    pub(super) depth: u32,
}

/// One statement of a body.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) action: Action,
    /// The code that pushes its parameters.
    pub(super) codes: Range<usize>,
    /// The places of its qubits among the gate's.
    pub(super) qubits: Range<usize>,
}

/// What a statement of a body does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// A gate of the table.
    Table(GateOp),
    /// A gate of the program.
    Defined(u32),
    /// An instruction with the name of this symbol.
    Opaque(u32),
    /// A barrier.
    Barrier,
}

/// All gates of a program.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    pub(super) definitions: Vec<Definition>,
    pub(super) calls: Vec<Call>,
    pub(super) codes: Vec<Code>,
    pub(super) qubits: Vec<u32>,
}

/// Where the parameters and qubits of the gates that are being inlined stand, innermost last.
#[derive(Debug, Default)]
pub(super) struct Frames {
    pub(super) numbers: Vec<f64>,
    pub(super) qubits: Vec<Qubit>,
    params: Vec<Param>,
}

impl Definitions {
    /// Appends the instructions of a gate. Its parameters and qubits stand in `frames` from these
    /// places on.
    ///
    /// # Errors
    /// Why a parameter has no value.
    pub(super) fn inline(
        &self,
        circuit: &mut Circuit,
        names: &Names,
        frames: &mut Frames,
        gate: u32,
        first_number: usize,
        first_qubit: usize,
    ) -> Result<(), &'static str> {
        for call in &self.calls[self.definitions[gate as usize].calls.clone()] {
            let numbers = frames.numbers.len();
            run(&self.codes[call.codes.clone()], &mut frames.numbers, first_number)?;
            let qubits = frames.qubits.len();
            for &place in &self.qubits[call.qubits.clone()] {
                frames.qubits.push(frames.qubits[first_qubit + place as usize]);
            }
            let op = match call.action {
                Action::Table(op) => Some(Op::Gate(op)),
                Action::Opaque(id) => Some(Op::Opaque(names.name(id).into())),
                Action::Barrier => Some(Op::Barrier),
                Action::Defined(inner) => {
                    self.inline(circuit, names, frames, inner, numbers, qubits)?;
                    None
                }
            };
            if let Some(op) = op {
                frames.params.clear();
                frames.params.extend(frames.numbers[numbers..].iter().map(|&n| Param::Number(n)));
                circuit.push_unchecked(op, &frames.qubits[qubits..], &[], &frames.params);
            }
            frames.numbers.truncate(numbers);
            frames.qubits.truncate(qubits);
        }
        Ok(())
    }
}
