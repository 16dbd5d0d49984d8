//! What to run a circuit with, and what comes out of it.

use std::{collections::BTreeMap, fmt};

use ketch_interface::{Array, Complex64, Counts, result::Memory};

use crate::{Saved, Truncation};

/// How to run a circuit.
#[derive(Clone, Debug)]
pub struct Options {
    /// The method.
    pub method: Method,
    /// The precision of the amplitudes.
    pub precision: Precision,
    /// How many shots; the unitary and the superop methods have none.
    pub shots: u64,
    /// The key of all random choices.
    pub seed: u64,
    /// Whether the outcome of every shot is kept, in order.
    pub memory: bool,
    /// The most threads at a time; 0 stands for as many as the process may run.
    pub threads: usize,
    /// The most bytes to use; `None` for what the system has free.
    pub max_memory: Option<u64>,
    /// Whether the state at the end is saved, as `statevector`, `unitary`, `density_matrix`
    /// or `superop`.
    ///
    /// Where measurements are last, it is the state before them.
    pub final_state: bool,
    /// The state to start from instead of |0…0>: `2^n` amplitudes of norm 1.
    pub initial_state: Option<Array<Complex64>>,
    /// Whether qubits that no gate acts on are left out where that cannot be seen in the result.
    pub truncate: bool,
    /// How much of the entanglement a matrix product state keeps.
    pub truncation: Truncation,
}

impl Default for Options {
    /// 1024 shots in double precision on all threads, seed 0.
    fn default() -> Self {
        Self {
            method: Method::Automatic,
            precision: Precision::Double,
            shots: 1024,
            seed: 0,
            memory: false,
            threads: 0,
            max_memory: None,
            final_state: false,
            initial_state: None,
            truncate: true,
            truncation: Truncation::default(),
        }
    }
}

/// How a circuit is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// The engine chooses and says why.
    #[default]
    Automatic,
    /// `2^n` amplitudes.
    Statevector,
    /// The `4^n` entries of the circuit's unitary.
    Unitary,
    /// The `4^n` entries of the density matrix: noise without chance.
    DensityMatrix,
    /// The stabilizers of a Clifford circuit's state: thousands of qubits.
    Stabilizer,
    /// A chain of tensors, as large as the entanglement asks for.
    MatrixProductState,
    /// The amplitudes that are not 0, of any number of qubits.
    Sparse,
    /// The `16^n` entries of the circuit's superoperator.
    Superop,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 8] = [
        Self::Automatic,
        Self::Statevector,
        Self::Unitary,
        Self::DensityMatrix,
        Self::Stabilizer,
        Self::MatrixProductState,
        Self::Sparse,
        Self::Superop,
    ];

    /// Its name in options and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Statevector => "statevector",
            Self::Unitary => "unitary",
            Self::DensityMatrix => "density_matrix",
            Self::Stabilizer => "stabilizer",
            Self::MatrixProductState => "matrix_product_state",
            Self::Sparse => "sparse",
            Self::Superop => "superop",
        }
    }
}

impl Method {
    /// It holds real numbers, one for each string of I, X, Y and Z.
    pub(crate) const fn is_real(self) -> bool {
        matches!(self, Self::DensityMatrix | Self::Superop)
    }

    /// It holds all numbers of a state, a unitary, a density matrix or a superoperator.
    pub(crate) const fn is_dense(self) -> bool {
        matches!(self, Self::Statevector | Self::Unitary) || self.is_real()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The precision of the amplitudes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 8 bytes an amplitude; about 7 digits.
    Single,
    /// 16 bytes an amplitude; about 16 digits.
    #[default]
    Double,
}

impl Precision {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Single, Self::Double];

    /// Its name in options and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Double => "double",
        }
    }

    /// The bytes of one complex amplitude.
    #[must_use]
    pub const fn amplitude_bytes(self) -> u64 {
        match self {
            Self::Single => 8,
            Self::Double => 16,
        }
    }
}

/// What came out of a circuit.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How often each value of the clbits was seen; `None` if nothing is ever written to a clbit.
    pub counts: Option<Counts>,
    /// The clbits of every shot in order, if they were asked for.
    pub memory: Option<Memory>,
    /// What was saved, by key.
    pub data: BTreeMap<String, Saved>,
    /// The snapshots, in circuit order.
    pub snapshots: Vec<SnapshotOutcome>,
    /// How it was run.
    pub facts: Facts,
}

/// The values of one snapshot instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotOutcome {
    /// Its type.
    pub kind: String,
    /// Its label.
    pub label: String,
    /// One value for each shot, or one for all where they cannot differ.
    pub values: Vec<Saved>,
}

/// How a circuit was run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The method.
    pub method: Method,
    /// Why this one.
    pub reason: &'static str,
    /// The precision.
    pub precision: Precision,
    /// The most threads that worked at a time.
    pub threads: usize,
    /// The instruction set of the kernels.
    pub instruction_set: String,
    /// All shots were drawn from one final state; if not, each shot was run.
    pub sampled: bool,
    /// The qubits that were simulated: those of the circuit without idle ones.
    pub n_qubits: u32,
    /// The bytes that the state took.
    pub bytes: u64,
    /// The gates of the circuit.
    pub n_gates: usize,
    /// The passes over the state that they took after merging; those in blocks count once.
    pub n_passes: usize,
    /// The largest bond dimension of a matrix product state.
    pub bond_dimension: Option<usize>,
    /// What a matrix product state left out: the sum of the squared Schmidt values, each time of a
    /// sum of 1; of the worst shot, where each was run. The squared overlap with the exact state is
    /// about 1 less this, as long as it is small.
    pub discarded_weight: Option<f64>,
    /// What the user should know.
    pub notes: Vec<String>,
}
