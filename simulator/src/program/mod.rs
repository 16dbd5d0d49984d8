//! The circuit in the form that is run: blocks turned into jumps, parameters evaluated, and quantum
//! instructions in the form of the engine that runs them. Made once, run once for each shot.

mod layout;
mod lower;

use ketch_interface::circuit::{Circuit, ExprId, Op, Qubit, SaveSubtype, VarId};

pub(crate) use layout::{Layout, sees_all};
pub(crate) use lower::{Lower, lower, numbers};

/// What an engine made of quantum instructions.
pub(crate) trait Operation {
    /// A random number decides what it does, so that shots can differ behind it.
    fn is_random(&self) -> bool;

    /// It acts on a place that is asked about.
    fn acts_on(&self, asked: impl Fn(usize) -> bool) -> bool;

    /// How often it goes over the state.
    fn n_passes(&self) -> usize {
        1
    }
}

/// One step of a program for an engine whose operations are `O`.
#[derive(Clone, Debug)]
pub(crate) enum Step<O> {
    /// What the engine does to its qubits.
    Quantum(O),
    /// A gate whose parameters depend on classical values: the instruction at this index.
    Dynamic(usize),
    /// Misreads clbits, as the instruction at this index says.
    ReadoutError(usize),
    /// Measures a place into a clbit; `None` for an idle qubit, which reads 0.
    Measure { place: Option<usize>, clbit: u32 },
    /// Measures a place into a bit of a variable.
    MeasureVar { place: Option<usize>, var: VarId, bit: u32 },
    /// Sets a place to |0>.
    Reset(usize),
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
    /// Writes an expression into one bit of a variable.
    StoreBit { var: VarId, index: ExprId, value: ExprId },
    /// Writes an expression into one of the clbits of the instruction at this index.
    StoreClbit(usize),
    /// Writes an expression into one of the variables of the instruction at this index.
    StoreElement(usize),
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

/// A circuit, ready to run.
#[derive(Debug)]
pub(crate) struct Program<'c, O> {
    pub(crate) circuit: &'c Circuit,
    pub(crate) layout: Layout,
    pub(crate) steps: Vec<Step<O>>,
    /// How many loops and switches keep a value.
    pub(crate) n_slots: usize,
    /// The gates of the circuit.
    pub(crate) n_gates: usize,
    /// Measurements that were left out since they are last and the method has no outcomes.
    pub(crate) n_left_out: usize,
}

impl<O: Operation> Program<'_, O> {
    /// How often the steps go over the state, if each is done once.
    pub(crate) fn n_passes(&self) -> usize {
        let passes = |step: &Step<O>| match step {
            Step::Quantum(op) => op.n_passes(),
            Step::Dynamic(_) => 1,
            _ => 0,
        };
        self.steps.iter().map(passes).sum()
    }

    /// The place of each of these qubits.
    ///
    /// # Panics
    /// If one has none: only qubits whose state matters are asked for.
    pub(crate) fn places(&self, qubits: &[Qubit]) -> Vec<usize> {
        self.layout.places(qubits)
    }

    /// Something is saved.
    pub(crate) fn saves(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Save(_) | Step::Snapshot(_)))
    }

    /// The end of the steps that are the same in every shot: no randomness, no classical values.
    pub(crate) fn common_prefix(&self) -> usize {
        let common = |step: &Step<O>| match step {
            Step::Quantum(op) => !op.is_random(),
            Step::SetState(_) => true,
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
