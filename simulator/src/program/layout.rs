//! Which index bit each qubit has, and which qubits need none.

use ketch_interface::circuit::{Circuit, Gate, Op, Qubit, SaveKind};

/// Which index bit of the state each qubit has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    places: Vec<Option<usize>>,
    n_places: usize,
}

impl Layout {
    /// Qubit `q` at place `q`.
    pub(crate) fn all(n_qubits: u32) -> Self {
        let n_places = n_qubits as usize;
        Self { places: (0..n_places).map(Some).collect(), n_places }
    }

    /// The unitary as a state of `2n` places, row-major: gates act on the row index, which is the
    /// upper half.
    pub(crate) fn rows(n_qubits: u32) -> Self {
        let n = n_qubits as usize;
        Self { places: (0..n).map(|qubit| Some(n + qubit)).collect(), n_places: 2 * n }
    }

    /// Places for those qubits only whose state can differ from |0>, or that something asks for.
    pub(crate) fn active(circuit: &Circuit) -> Self {
        let mut active = vec![false; circuit.n_qubits() as usize];
        for instruction in circuit.instructions() {
            let acts = match instruction.op {
                Op::Gate(op) => !matches!(op.gate, Gate::Id | Gate::U0),
                Op::Save(save) if sees_all(&save.kind) => return Self::all(circuit.n_qubits()),
                Op::Snapshot(s) if !matches!(s.kind.as_str(), "memory" | "register") => {
                    return Self::all(circuit.n_qubits());
                }
                Op::SetState(_) => return Self::all(circuit.n_qubits()),
                Op::Measure | Op::MeasureVar { .. } | Op::Reset => false,
                Op::Barrier | Op::Delay(_) => false,
                _ => true,
            };
            if acts {
                for qubit in instruction.qubits {
                    if let Some(active) = active.get_mut(qubit.0 as usize) {
                        *active = true;
                    }
                }
            }
        }
        let mut n_places = 0;
        let places = active.into_iter().map(|active| {
            active.then(|| {
                n_places += 1;
                n_places - 1
            })
        });
        let places = places.collect();
        Self { places, n_places }
    }

    /// The number of index bits.
    pub(crate) fn n_places(&self) -> usize {
        self.n_places
    }

    /// The place of each of these qubits.
    ///
    /// # Panics
    /// If one has none.
    pub(crate) fn places(&self, qubits: &[Qubit]) -> Vec<usize> {
        let place = |qubit: &Qubit| self.place(*qubit).expect("a qubit that is acted on is active");
        qubits.iter().map(place).collect()
    }

    /// The place of a qubit; `None` for an idle one.
    pub(crate) fn place(&self, qubit: Qubit) -> Option<usize> {
        self.places[qubit.0 as usize]
    }
}

/// Whether a save looks at more than the instruction's qubits.
pub(crate) fn sees_all(kind: &SaveKind) -> bool {
    use SaveKind::{
        DensityMatrix, ExpectationValue, ExpectationValueVariance, Probabilities, ProbabilitiesDict,
    };
    !matches!(
        kind,
        DensityMatrix
            | ExpectationValue(_)
            | ExpectationValueVariance(_)
            | Probabilities
            | ProbabilitiesDict
    )
}
