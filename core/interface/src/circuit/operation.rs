//! What an instruction does.

use std::sync::Arc;

use num_complex::Complex64;
use serde::{Deserialize, Serialize};

use super::{
    expression::{ExprId, VarId},
    gate::Gate,
};
use crate::{BitString, Matrix};

/// What an instruction does; on which bits stands beside it, in [`Instruction`](super::Instruction).
///
/// Kept small (16 bytes): what is large is boxed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// A gate of the table. Qubits: controls, then targets. Parameters: the table's.
    Gate(GateOp),
    /// Measures each qubit into the clbit at the same place.
    Measure,
    /// Measures the one qubit into bit `bit` of a variable.
    MeasureVar {
        /// The variable.
        var: VarId,
        /// Which of its bits.
        bit: u32,
    },
    /// Sets each qubit to |0>.
    Reset,
    /// Keeps the compiler from moving instructions across; does nothing to the state.
    Barrier,
    /// Waits for the time given by the one parameter.
    Delay(TimeUnit),
    /// A unitary given by its matrix.
    Unitary(Box<Labelled<Matrix>>),
    /// A unitary given by its diagonal: `2^k` entries of modulus 1.
    Diagonal(Box<[Complex64]>),
    /// One unitary for each value of the control qubits. Qubits: targets, then controls; entry `i`
    /// acts where the controls read `i`.
    Multiplexer(Box<[Matrix]>),
    /// A Pauli string such as `XIZ`: the rightmost letter acts on the first qubit.
    Pauli(Box<str>),
    /// Sets the qubits to a state.
    Initialize(Box<Initialize>),
    /// A channel by its Kraus operators; shared, for noise is few channels in many places.
    Kraus(Arc<[Matrix]>),
    /// A channel by its superoperator, column-stacking, of dimension `4^k`.
    Superop(Box<Matrix>),
    /// Classical readout error on the clbits: row `i` holds the probabilities of reading `j` where
    /// the true value is `i`.
    ReadoutError(Box<[Vec<f64>]>),
    /// Puts what is asked for into the result.
    Save(Box<Save>),
    /// The older form of [`Save`](Op::Save), from Qobj documents.
    Snapshot(Box<Snapshot>),
    /// Replaces the simulator's whole state.
    SetState(Box<SetState>),
    /// Writes the value of an expression into a variable.
    Store {
        /// The variable.
        var: VarId,
        /// What is written.
        value: ExprId,
    },
    /// Writes the lowest bits of an expression's value into the clbits, the first clbit getting
    /// bit 0.
    StoreClbits(ExprId),
    /// Writes one bit of a variable. Negative indices count from the end.
    StoreBit {
        /// The variable; it holds bits or an integer.
        var: VarId,
        /// Which of its bits.
        index: ExprId,
        /// What is written: whether it is true.
        value: ExprId,
    },
    /// Writes one of the clbits. Negative indices count from the end.
    StoreClbit {
        /// Which of the instruction's clbits.
        index: ExprId,
        /// What is written: whether it is true.
        value: ExprId,
    },
    /// Writes one of several variables, an element of an array.
    StoreElement(Box<StoreElement>),
    /// Runs one of two blocks.
    If {
        /// Any value but false and 0 runs `then`.
        condition: ExprId,
        /// The block where the condition holds.
        then: BlockId,
        /// The block where it does not.
        otherwise: Option<BlockId>,
    },
    /// Runs a block as long as a condition holds.
    While {
        /// Asked before each round.
        condition: ExprId,
        /// The block.
        body: BlockId,
    },
    /// Runs a block once for each value.
    For(Box<For>),
    /// Runs the block of the first matching case.
    Switch(Box<Switch>),
    /// Leaves the innermost loop.
    Break,
    /// Starts the next round of the innermost loop.
    Continue,
    /// Ends the shot.
    End,
    /// An instruction that is known by name only; every backend that does not know it refuses it.
    Opaque(Box<str>),
}

/// A gate with its controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GateOp {
    /// What happens to the target qubits.
    pub gate: Gate,
    /// The number of control qubits.
    pub controls: u16,
    /// When the controls let the gate act.
    pub state: ControlState,
}

impl GateOp {
    /// `gate` with `controls` controls that all must be 1.
    #[must_use]
    pub const fn new(gate: Gate, controls: u16) -> Self {
        Self { gate, controls, state: ControlState::ALL }
    }

    /// Controls and targets together.
    #[inline]
    #[must_use]
    pub fn n_qubits(self) -> usize {
        usize::from(self.controls) + self.gate.info().n_qubits as usize
    }

    /// The matrix on controls and targets together.
    ///
    /// # Panics
    /// If the number of parameters is wrong, or there are more than 10 controls.
    #[must_use]
    pub fn matrix(self, params: &[f64]) -> Matrix {
        assert!(self.controls <= 10, "a matrix for {} controls", self.controls);
        let n_controls = u32::from(self.controls);
        self.gate.matrix(params).controlled(n_controls, self.state.bits(self.controls))
    }
}

/// The bits that the controls must hold for the gate to act: bit `i` for the `i`-th control.
///
/// Any pattern for up to 31 controls; for more, only all ones (put `x` around the open ones).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ControlState(u32);

impl ControlState {
    /// All controls must be 1.
    pub const ALL: Self = Self(u32::MAX);

    /// The pattern `bits` for `controls` controls; `None` if it has bits beyond them, or there are
    /// more than 31 controls and one of them is open.
    #[must_use]
    pub fn new(controls: u16, bits: u64) -> Option<Self> {
        let all = if controls >= 64 { u64::MAX } else { (1 << controls) - 1 };
        match bits {
            _ if bits == all => Some(Self::ALL),
            _ if bits & !all != 0 || controls > 31 => None,
            _ => Some(Self(bits as u32)),
        }
    }

    /// The pattern for `controls` controls. Only the lowest 64 controls are shown.
    #[inline]
    #[must_use]
    pub fn bits(self, controls: u16) -> u64 {
        match self {
            Self::ALL if controls >= 64 => u64::MAX,
            Self::ALL => (1 << controls) - 1,
            Self(bits) => u64::from(bits),
        }
    }

    /// All controls must be 1.
    #[inline]
    #[must_use]
    pub fn is_all(self) -> bool {
        self == Self::ALL
    }
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum TimeUnit {
    #[serde(rename = "s")]
    Second,
    #[serde(rename = "ms")]
    Millisecond,
    #[serde(rename = "us")]
    Microsecond,
    #[serde(rename = "ns")]
    Nanosecond,
    #[serde(rename = "ps")]
    Picosecond,
    /// The device's own tick.
    #[serde(rename = "dt")]
    Tick,
}

/// Something with the name that the user gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled<T> {
    /// The name, if any.
    pub label: Option<String>,
    /// The thing.
    pub value: T,
}

/// The state that [`Op::Initialize`] sets.
#[derive(Clone, Debug, PartialEq)]
pub enum Initialize {
    /// `2^k` amplitudes; the first qubit is the least significant bit of the index.
    Amplitudes(Vec<Complex64>),
    /// One letter a qubit of `0 1 + - r l`, the rightmost for the first qubit.
    Labels(String),
}

/// What [`Op::Save`] puts into the result, and under which key.
#[derive(Clone, Debug, PartialEq)]
pub struct Save {
    /// What is saved.
    pub kind: SaveKind,
    /// The key in the result's data.
    pub key: String,
    /// What happens with several shots.
    pub subtype: SaveSubtype,
}

/// What can be saved. The words in documents are `save_` and these, in snake case.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SaveKind {
    /// The state in the form of the method that runs.
    State,
    /// All amplitudes.
    Statevector,
    /// The amplitudes that are not 0, by basis state.
    StatevectorDict,
    /// The density matrix of the instruction's qubits.
    DensityMatrix,
    /// The probabilities of the basis states of the instruction's qubits.
    Probabilities,
    /// Those that are not 0, by basis state.
    ProbabilitiesDict,
    /// The expectation value of a sum of Pauli strings on the instruction's qubits.
    ExpectationValue(Vec<PauliTerm>),
    /// Expectation value and variance.
    ExpectationValueVariance(Vec<PauliTerm>),
    /// The amplitudes of these basis states.
    Amplitudes(Vec<BitString>),
    /// Their squared moduli.
    AmplitudesSquared(Vec<BitString>),
    /// The tensors of a matrix product state.
    MatrixProductState,
    /// The stabilizer tableau.
    Stabilizer,
    /// The Clifford operator of the stabilizer state.
    Clifford,
    /// The unitary of the circuit so far.
    Unitary,
    /// The superoperator of the circuit so far.
    Superop,
}

impl SaveKind {
    /// The name of the instruction in documents.
    #[must_use]
    pub fn instruction_name(&self) -> &'static str {
        match self {
            Self::State => "save_state",
            Self::Statevector => "save_statevector",
            Self::StatevectorDict => "save_statevector_dict",
            Self::DensityMatrix => "save_density_matrix",
            Self::Probabilities => "save_probabilities",
            Self::ProbabilitiesDict => "save_probabilities_dict",
            Self::ExpectationValue(_) => "save_expval",
            Self::ExpectationValueVariance(_) => "save_expval_var",
            Self::Amplitudes(_) => "save_amplitudes",
            Self::AmplitudesSquared(_) => "save_amplitudes_sq",
            Self::MatrixProductState => "save_matrix_product_state",
            Self::Stabilizer => "save_stabilizer",
            Self::Clifford => "save_clifford",
            Self::Unitary => "save_unitary",
            Self::Superop => "save_superop",
        }
    }

    /// The key under which it is saved where the user gives none.
    #[must_use]
    pub fn default_key(&self) -> &'static str {
        let name = self.instruction_name();
        match self {
            Self::ExpectationValue(_) => "expectation_value",
            Self::ExpectationValueVariance(_) => "expectation_value_variance",
            _ => &name["save_".len()..],
        }
    }
}

/// What a save does with several shots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaveSubtype {
    /// Keeps the last shot's value.
    #[default]
    Single,
    /// Keeps every shot's value in a list.
    List,
    /// Averages over shots.
    Average,
    /// Sums over shots.
    Accum,
    /// Like `Single`, split by the value of the classical memory.
    CSingle,
    /// Like `List`, split by the value of the classical memory.
    CList,
    /// Like `Average`, split by the value of the classical memory.
    CAverage,
    /// Like `Accum`, split by the value of the classical memory.
    CAccum,
}

/// One Pauli string with its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct PauliTerm {
    /// Letters of `IXYZ`; the rightmost acts on the first qubit.
    pub pauli: String,
    /// The weight.
    pub coefficient: Complex64,
}

/// A snapshot of the simulator, from the Qobj of 2018.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The type, such as `statevector` or `expectation_value_pauli`.
    pub kind: String,
    /// The label in the result.
    pub label: String,
    /// The terms of an expectation value; empty for other types.
    pub paulis: Vec<PauliTerm>,
}

/// A state for the simulator.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SetState {
    /// `2^n` amplitudes.
    Statevector(Vec<Complex64>),
    /// A density matrix.
    DensityMatrix(Matrix),
    /// A unitary.
    Unitary(Matrix),
    /// A superoperator, column-stacking.
    Superop(Matrix),
}

/// The number of a block within its circuit. Block 0 is the program, so no instruction names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockId(pub(super) std::num::NonZeroU32);

impl BlockId {
    /// The place in the circuit's array of blocks, the program first.
    #[must_use]
    pub fn index(self) -> usize {
        self.0.get() as usize
    }

    /// The block at this place; `None` for 0, the program.
    #[must_use]
    pub fn new(index: u32) -> Option<Self> {
        std::num::NonZeroU32::new(index).map(Self)
    }
}

/// What [`Op::StoreElement`] writes, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreElement {
    /// The variable at index 0.
    pub first: VarId,
    /// How many variables there are.
    pub size: u32,
    /// Which one. Negative indices count from the end.
    pub index: ExprId,
    /// What is written.
    pub value: ExprId,
}

/// A loop over values.
#[derive(Clone, Debug, PartialEq)]
pub struct For {
    /// Holds the value in each round.
    pub var: VarId,
    /// The values.
    pub values: ForValues,
    /// The block.
    pub body: BlockId,
}

/// The values of a [`For`].
#[derive(Clone, Debug, PartialEq)]
pub enum ForValues {
    /// `start`, `start + step`, … up to and including `stop`.
    Range {
        /// The first value.
        start: ExprId,
        /// The difference between values.
        step: ExprId,
        /// The last value, if it is met.
        stop: ExprId,
    },
    /// These.
    List(Vec<ExprId>),
}

/// A choice between blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    /// What is compared.
    pub target: ExprId,
    /// Cases in order; one without values is the default.
    pub cases: Vec<Case>,
}

/// One case of a [`Switch`].
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The block runs where the target equals one of these; empty: always.
    pub values: Vec<ExprId>,
    /// The block.
    pub body: BlockId,
}
