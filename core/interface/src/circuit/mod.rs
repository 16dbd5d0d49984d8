//! The circuit: what is run, in a form that every format, compiler and engine shares.
//!
//! Structured and flat: instructions stand in one array in program order; a block is a range of
//! them. Block 0 is the program. The blocks of an `If` or a loop lie right behind the instruction
//! that names them, inside the range of the block around it, so a circuit is written and read in
//! one pass and never rearranged:
//!
//! ```text
//! index   0      1        2              3      4
//!         h q0   measure  If(c0){1}      x q1   z q0
//! block 0 [------------------------------------]
//! block 1                                [--]
//! ```

mod arithmetic;
mod build;
mod evaluate;
pub mod expression;
mod gate;
mod insert;
mod names;
mod operation;
mod parts;
mod rewrite;
mod validate;
mod value;
mod wide;

use std::{fmt, ops::Range, sync::Arc};

pub use build::{Mark, ParamArg};
pub use evaluate::{EvaluateError, Scope};
pub use expression::{
    Binary, Expr, ExprId, Param, ParamId, Unary, Value, VarId, VarType, Variable,
};
pub use gate::{
    Controls, GATES, Gate, GateInfo, Inverse, Library, SPELLINGS, Spelling, inverse_params,
};
use names::Names;
pub use operation::{
    BlockId, Case, ControlState, For, ForValues, GateOp, Initialize, Labelled, Op, PauliTerm, Save,
    SaveKind, SaveSubtype, SetState, Snapshot, StoreElement, Switch, TimeUnit,
};
pub(crate) use parts::{Counted, Operands};
pub use rewrite::BindError;
pub use validate::{CircuitError, MAX_QUBITS, first_repeated};

/// The number of a qubit within its circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Qubit(pub u32);

/// The number of a classical bit within its circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Clbit(pub u32);

/// A named run of qubits or of clbits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Register {
    /// Its name.
    pub name: String,
    /// Its first bit.
    pub start: u32,
    /// The number of bits.
    pub size: u32,
}

impl Register {
    /// The register of bits `start .. start + size`.
    #[must_use]
    pub fn new(name: impl Into<String>, start: u32, size: u32) -> Self {
        Self { name: name.into(), start, size }
    }

    /// The numbers of its bits.
    #[must_use]
    pub fn bits(&self) -> Range<u32> {
        self.start..self.start + self.size
    }
}

/// A quantum circuit.
///
/// Built by chaining, or instruction by instruction with [`push`](Self::push):
///
/// ```
/// use ketch_interface::Circuit;
/// let bell = Circuit::new(2, 2).h(0).cx(0, 1).measure_all();
/// assert_eq!(bell.instructions().count(), 3);
/// ```
#[derive(Clone, PartialEq, Default)]
pub struct Circuit {
    /// Its name; it names the experiment in the result.
    pub name: String,
    /// A phase in radians of the whole.
    pub global_phase: f64,
    n_qubits: u32,
    n_clbits: u32,
    /// Shared, as thousands of circuits mostly have the same.
    qregs: Arc<Vec<Register>>,
    cregs: Arc<Vec<Register>>,
    variables: Vec<Variable>,
    parameters: Names,
    records: Vec<Record>,
    qubits: Vec<Qubit>,
    clbits: Vec<Clbit>,
    params: Vec<Param>,
    /// Ranges of instructions. Block 0, the program, is not stored: it is all of them.
    blocks: Vec<Range<u32>>,
    exprs: Vec<Expr>,
}

/// One instruction; its operands begin at these places of the operand arrays and end where the
/// next instruction's begin.
#[derive(Clone, PartialEq)]
struct Record {
    op: Op,
    qubits: u32,
    clbits: u32,
    params: u32,
}

/// An instruction, as lent by its circuit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instruction<'a> {
    /// What it does.
    pub op: &'a Op,
    /// The qubits, in the order that the operation gives them meaning.
    pub qubits: &'a [Qubit],
    /// The clbits.
    pub clbits: &'a [Clbit],
    /// The parameters.
    pub params: &'a [Param],
}

/// The instructions that are left, and their operands.
struct Instructions<'a> {
    records: &'a [Record],
    qubits: &'a [Qubit],
    clbits: &'a [Clbit],
    params: &'a [Param],
}

impl<'a> Iterator for Instructions<'a> {
    type Item = Instruction<'a>;

    #[inline]
    fn next(&mut self) -> Option<Instruction<'a>> {
        let (record, rest) = self.records.split_first()?;
        self.records = rest;
        let Some(next) = rest.first() else {
            let (qubits, clbits, params) = (self.qubits, self.clbits, self.params);
            return Some(Instruction { op: &record.op, qubits, clbits, params });
        };
        let (qubits, other_qubits) = self.qubits.split_at((next.qubits - record.qubits) as usize);
        let (clbits, other_clbits) = self.clbits.split_at((next.clbits - record.clbits) as usize);
        let (params, other_params) = self.params.split_at((next.params - record.params) as usize);
        (self.qubits, self.clbits, self.params) = (other_qubits, other_clbits, other_params);
        Some(Instruction { op: &record.op, qubits, clbits, params })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.records.len(), Some(self.records.len()))
    }
}

impl ExactSizeIterator for Instructions<'_> {}

impl Circuit {
    /// A circuit of one quantum register `q` and one classical register `c`; neither if empty.
    #[must_use]
    pub fn new(n_qubits: u32, n_clbits: u32) -> Self {
        let mut circuit = Self::default();
        if n_qubits > 0 {
            circuit.add_qreg("q", n_qubits);
        }
        if n_clbits > 0 {
            circuit.add_creg("c", n_clbits);
        }
        circuit
    }

    /// The number of qubits.
    #[inline]
    #[must_use]
    pub fn n_qubits(&self) -> u32 {
        self.n_qubits
    }

    /// The number of clbits: the width of the counts' keys.
    #[inline]
    #[must_use]
    pub fn n_clbits(&self) -> u32 {
        self.n_clbits
    }

    /// The quantum registers, in order; together they hold every qubit once.
    #[must_use]
    pub fn qregs(&self) -> &[Register] {
        &self.qregs
    }

    /// The classical registers, in order; together they hold every clbit once.
    #[must_use]
    pub fn cregs(&self) -> &[Register] {
        &self.cregs
    }

    /// The classical registers as they are shared, for [`Counts`](crate::Counts).
    #[must_use]
    pub fn shared_cregs(&self) -> Arc<Vec<Register>> {
        Arc::clone(&self.cregs)
    }

    /// The variables; [`VarId`] is the place.
    #[must_use]
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The names of the parameters to be bound; [`ParamId`] is the place.
    #[inline]
    #[must_use]
    pub fn parameters(&self) -> &[String] {
        &self.parameters
    }

    /// All expressions; [`ExprId`] is the place. An expression names only earlier ones.
    #[inline]
    #[must_use]
    pub fn expressions(&self) -> &[Expr] {
        &self.exprs
    }

    /// One expression.
    ///
    /// # Panics
    /// If the circuit has no such expression.
    #[must_use]
    pub fn expression(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    /// The number of instructions, those of blocks included.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// There are no instructions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The instruction at a place in the whole array.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[inline]
    #[must_use]
    pub fn instruction(&self, index: usize) -> Instruction<'_> {
        let record = &self.records[index];
        let next = self.records.get(index + 1);
        let to = |end: Option<u32>, all: usize| end.map_or(all, |end| end as usize);
        Instruction {
            op: &record.op,
            qubits: &self.qubits
                [record.qubits as usize..to(next.map(|n| n.qubits), self.qubits.len())],
            clbits: &self.clbits
                [record.clbits as usize..to(next.map(|n| n.clbits), self.clbits.len())],
            params: &self.params
                [record.params as usize..to(next.map(|n| n.params), self.params.len())],
        }
    }

    /// All instructions in program order; those inside blocks follow the one that names the block.
    #[inline]
    pub fn instructions(&self) -> impl ExactSizeIterator<Item = Instruction<'_>> + '_ {
        Instructions {
            records: &self.records,
            qubits: &self.qubits,
            clbits: &self.clbits,
            params: &self.params,
        }
    }

    /// The instructions that stand directly in a block (`None`: the program), with their places;
    /// what is inside nested blocks is passed over.
    pub fn block(&self, block: Option<BlockId>) -> impl Iterator<Item = (usize, Instruction<'_>)> {
        let range = self.block_range(block);
        let mut next = range.start;
        std::iter::from_fn(move || {
            let index = next;
            (index < range.end).then(|| {
                next = self.end_of(index);
                (index, self.instruction(index))
            })
        })
    }

    /// The places of a block's instructions (`None`: the program).
    ///
    /// # Panics
    /// If the circuit has no such block.
    #[must_use]
    pub fn block_range(&self, block: Option<BlockId>) -> Range<usize> {
        match block {
            None => 0..self.len(),
            Some(block) => {
                let range = &self.blocks[block.index() - 1];
                range.start as usize..range.end as usize
            }
        }
    }

    /// The number of blocks, the program included.
    #[must_use]
    pub fn n_blocks(&self) -> usize {
        self.blocks.len() + 1
    }

    /// The place behind an instruction and the blocks that it names.
    #[must_use]
    pub fn end_of(&self, index: usize) -> usize {
        self.records[index]
            .op
            .blocks()
            .map(|block| self.block_range(Some(block)).end)
            .max()
            .unwrap_or(0)
            .max(index + 1)
    }

    /// The circuit has instructions that jump: not a plain list of instructions.
    #[must_use]
    pub fn has_control_flow(&self) -> bool {
        !self.blocks.is_empty()
            || self.records.iter().any(|r| matches!(r.op, Op::Break | Op::Continue | Op::End))
    }
}

impl Op {
    /// The blocks that this operation names.
    pub fn blocks(&self) -> impl Iterator<Item = BlockId> + '_ {
        let (one, two, cases): (_, _, &[Case]) = match self {
            Self::If { then, otherwise, .. } => (Some(*then), *otherwise, &[]),
            Self::While { body, .. } => (Some(*body), None, &[]),
            Self::For(each) => (Some(each.body), None, &[]),
            Self::Switch(switch) => (None, None, &switch.cases),
            _ => (None, None, &[]),
        };
        one.into_iter().chain(two).chain(cases.iter().map(|case| case.body))
    }

    /// It writes the value of an expression into variables or clbits.
    #[must_use]
    pub fn is_store(&self) -> bool {
        matches!(
            self,
            Self::Store { .. }
                | Self::StoreClbits(_)
                | Self::StoreBit { .. }
                | Self::StoreClbit { .. }
                | Self::StoreElement(_)
        )
    }

    /// It writes clbits.
    #[must_use]
    pub fn writes_clbits(&self) -> bool {
        matches!(self, Self::Measure | Self::StoreClbits(_) | Self::StoreClbit { .. })
    }

    /// The name of the operation in documents and messages.
    #[must_use]
    pub fn name(&self) -> String {
        let name = match self {
            Self::Gate(op) => return op.name(),
            Self::Measure | Self::MeasureVar { .. } => "measure",
            Self::Reset => "reset",
            Self::Barrier => "barrier",
            Self::Delay(_) => "delay",
            Self::Unitary(_) => "unitary",
            Self::Diagonal(_) => "diagonal",
            Self::Multiplexer(_) => "multiplexer",
            Self::Pauli(_) => "pauli",
            Self::Initialize(_) => "initialize",
            Self::Kraus(_) => "kraus",
            Self::Superop(_) => "superop",
            Self::ReadoutError(_) => "roerror",
            Self::Save(save) => save.kind.instruction_name(),
            Self::Snapshot(_) => "snapshot",
            Self::SetState(state) => match **state {
                SetState::Statevector(_) => "set_statevector",
                SetState::DensityMatrix(_) => "set_density_matrix",
                SetState::Unitary(_) => "set_unitary",
                SetState::Superop(_) => "set_superop",
            },
            Self::Store { .. } | Self::StoreClbits(_) => "store",
            Self::StoreBit { .. } | Self::StoreClbit { .. } | Self::StoreElement(_) => "store",
            Self::If { .. } => "if_else",
            Self::While { .. } => "while_loop",
            Self::For(_) => "for_loop",
            Self::Switch(_) => "switch_case",
            Self::Break => "break_loop",
            Self::Continue => "continue_loop",
            Self::End => "end",
            Self::Opaque(name) => name,
        };
        name.to_owned()
    }
}

impl GateOp {
    /// The name that documents use, such as `ccx`; with open controls, `_o` and the pattern follow.
    #[must_use]
    pub fn name(self) -> String {
        let mut name = match Spelling::of(self.gate, self.controls, Library::Qobj) {
            Some(spelling) => spelling.name.to_owned(),
            None if self.controls == 0 => self.gate.name().to_owned(),
            None => format!("c{}{}", self.controls, self.gate.name()),
        };
        if !self.state.is_all() {
            name.push_str(&format!("_o{}", self.state.bits(self.controls)));
        }
        name
    }
}

impl fmt::Debug for Circuit {
    /// A listing, one instruction a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "circuit `{}`: {} qubits, {} clbits", self.name, self.n_qubits, self.n_clbits)?;
        for (index, instruction) in self.instructions().enumerate() {
            write!(f, "{index:5}  {}", instruction.op.name())?;
            instruction.qubits.iter().try_for_each(|qubit| write!(f, " q{}", qubit.0))?;
            instruction.clbits.iter().try_for_each(|clbit| write!(f, " c{}", clbit.0))?;
            instruction.params.iter().try_for_each(|param| match param {
                Param::Number(number) => write!(f, " {number}"),
                Param::Expr(id) => write!(f, " e{}", id.0),
            })?;
            writeln!(f)?;
        }
        Ok(())
    }
}
