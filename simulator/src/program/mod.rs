//! The circuit in the form that is run: parameters evaluated, matrices made, blocks turned into
//! jumps, single-qubit gates merged. Made once, run once for each shot.

pub(crate) mod apply;
mod channel;
mod fuse;
mod layout;
mod lower;
mod merge;

use ketch_interface::circuit::{Circuit, ExprId, Op, Qubit, SaveSubtype, VarId};
use ketch_kernels::Real;
use num_complex::Complex;

pub(crate) use apply::Apply;
pub(crate) use channel::Noise;
pub(crate) use layout::Layout;
pub(crate) use lower::lower;

/// One step of a program.
#[derive(Clone, Debug)]
pub(crate) enum Step<T> {
    /// A unitary.
    Apply(Apply<T>),
    /// A gate whose parameters depend on classical values: the instruction at this index.
    Dynamic(usize),
    /// What is no unitary.
    Noise(Noise<T>),
    /// Misreads clbits, as the instruction at this index says.
    ReadoutError(usize),
    /// Measures a place into a clbit; `None` for an idle qubit, which reads 0.
    Measure { place: Option<usize>, clbit: u32 },
    /// Measures a place into a bit of a variable.
    MeasureVar { place: Option<usize>, var: VarId, bit: u32 },
    /// Sets a place to |0>.
    Reset(usize),
    /// Sets places that are |0> to a state; the first place is the lowest bit of its index.
    Prepare { places: Box<[usize]>, amplitudes: Box<[Complex<T>]> },
    /// Replaces the whole state: the instruction at this index.
    SetState(usize),
    /// Saves what the instruction at this index asks for.
    Save(usize),
    /// Takes the snapshot that the instruction at this index asks for.
    Snapshot(usize),
    /// Writes an expression into a variable.
    Store { var: VarId, value: ExprId },
    /// Writes an expression into clbits.
    StoreClbits { index: usize, value: ExprId },
    /// Goes on elsewhere.
    Jump(usize),
    /// Goes on elsewhere if the condition is false.
    JumpUnless { condition: ExprId, to: usize },
    /// Begins the loop of the instruction at this index, whose round is counted in `slot`.
    ForBegin { slot: usize, index: usize },
    /// Begins the next round of a loop, or goes on at `exit`.
    ForNext { slot: usize, var: VarId, exit: usize },
    /// Evaluates the target of a switch.
    SwitchBegin { slot: usize, target: ExprId },
    /// Goes on elsewhere unless the target equals a value of this case of the instruction at
    /// `index`.
    JumpUnlessCase { slot: usize, index: usize, case: usize, to: usize },
}

impl<T> Step<T> {
    /// It names other steps by their places.
    fn is_jump(&self) -> bool {
        matches!(
            self,
            Self::Jump(_)
                | Self::JumpUnless { .. }
                | Self::JumpUnlessCase { .. }
                | Self::ForNext { .. }
        )
    }
}

/// A circuit, ready to run.
#[derive(Debug)]
pub(crate) struct Program<'c, T> {
    pub(crate) circuit: &'c Circuit,
    pub(crate) layout: Layout,
    pub(crate) steps: Vec<Step<T>>,
    /// How many loops and switches keep a value.
    pub(crate) n_slots: usize,
    /// The gates of the circuit.
    pub(crate) n_gates: usize,
    /// Measurements that were left out since they are last and the method has no outcomes.
    pub(crate) n_left_out: usize,
}

impl<T: Real> Program<'_, T> {
    /// The steps that make a pass over the state.
    pub(crate) fn n_passes(&self) -> usize {
        let pass =
            |step: &&Step<T>| matches!(step, Step::Apply(_) | Step::Dynamic(_) | Step::Noise(_));
        self.steps.iter().filter(pass).count()
    }

    /// The place of each of these qubits.
    ///
    /// # Panics
    /// If one has none: only qubits whose state matters are asked for.
    pub(crate) fn places(&self, qubits: &[Qubit]) -> Vec<usize> {
        self.layout.places(qubits)
    }

    /// Operators are drawn that leave the state with less than norm 1.
    pub(crate) fn loses_norm(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Noise(noise) if !noise.is_exact()))
    }

    /// The end of the steps that are the same in every shot: no randomness, no classical values.
    pub(crate) fn common_prefix(&self) -> usize {
        let common = |step: &Step<T>| match step {
            Step::Apply(_) | Step::Prepare { .. } | Step::SetState(_) => true,
            Step::Noise(noise) => noise.is_exact(),
            Step::Save(index) | Step::Snapshot(index) => {
                !sees_clbits(self.circuit.instruction(*index).op)
            }
            _ => false,
        };
        self.steps.iter().position(|step| !common(step)).unwrap_or(self.steps.len())
    }
}

/// Whether a save or a snapshot looks at the clbits.
pub(crate) fn sees_clbits(op: &Op) -> bool {
    use SaveSubtype::{CAccum, CAverage, CList, CSingle};
    match op {
        Op::Save(save) => matches!(save.subtype, CSingle | CList | CAverage | CAccum),
        Op::Snapshot(snapshot) => matches!(snapshot.kind.as_str(), "memory" | "register"),
        _ => false,
    }
}
