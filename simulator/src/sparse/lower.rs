//! Quantum instructions as a sparse state takes them.

use ketch_interface::{
    circuit::{GateOp, Initialize, Instruction, Op, Qubit},
    noise::{Channel, NoiseError},
};

use super::op::{Action, Controls, SparseOp};
use crate::{
    Error,
    program::{Layout, Lower, Step},
};

/// What lowering remembers.
#[derive(Debug)]
pub(super) struct SparseLower {
    /// The places that are |0> for certain: resetting them does nothing.
    fresh: Vec<bool>,
}

type Steps = Vec<Step<SparseOp>>;

impl SparseLower {
    /// For a state of `n_places`, each |0> at first if `from_zero`.
    pub(super) fn new(n_places: usize, from_zero: bool) -> Self {
        Self { fresh: vec![from_zero; n_places] }
    }

    fn touch(&mut self, places: &[usize]) {
        places.iter().for_each(|&place| self.fresh[place] = false);
    }

    fn reset(&mut self, qubits: &[Qubit], layout: &Layout, out: &mut Steps) {
        // An idle qubit is |0> already.
        for place in qubits.iter().filter_map(|&qubit| layout.place(qubit)) {
            if !self.fresh[place] {
                out.push(Step::Reset(place));
                self.fresh[place] = true;
            }
        }
    }
}

impl Lower for SparseLower {
    type Op = SparseOp;

    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize], out: &mut Steps) {
        self.touch(places);
        out.push(Step::Quantum(SparseOp::of_gate(op, params, places)));
    }

    fn global_phase(&mut self, phase: f64, out: &mut Steps) {
        out.push(Step::Quantum(SparseOp::phase(phase)));
    }

    fn instruction(
        &mut self,
        instruction: Instruction<'_>,
        layout: &Layout,
        out: &mut Steps,
    ) -> Result<(), Error> {
        let op = instruction.op;
        if let Op::Reset | Op::Initialize(_) = op {
            self.reset(instruction.qubits, layout, out);
        }
        if let Op::Reset = op {
            return Ok(());
        }
        let places = layout.places(instruction.qubits);
        self.touch(&places);
        let mut push = |op| out.push(Step::Quantum(op));
        match op {
            Op::Unitary(unitary) => {
                push(SparseOp::of_matrix(&unitary.value, &places, Controls::NONE));
            }
            Op::Diagonal(entries) => push(SparseOp::diagonal(entries, &places)),
            Op::Multiplexer(matrices) => {
                let n_targets = matrices[0].n_qubits().expect("the circuit was validated");
                let (targets, controlling) = places.split_at(n_targets as usize);
                for (value, matrix) in matrices.iter().enumerate() {
                    let controls =
                        (0..).zip(controlling).fold(Controls::NONE, |all, (bit, &place)| {
                            all.and(place, value >> bit & 1 == 1)
                        });
                    push(SparseOp::of_matrix(matrix, targets, controls));
                }
            }
            Op::Pauli(letters) => push(SparseOp::pauli(letters, &places)),
            Op::Kraus(kraus) => push(channel(op, Channel::new(kraus.to_vec()), &places)?),
            Op::Superop(superop) => push(channel(op, Channel::from_superop(superop), &places)?),
            Op::Initialize(state) => push(prepare(state, &places)),
            op => unreachable!("`{}` is lowered for all engines alike", op.name()),
        }
        Ok(())
    }

    fn flush(&mut self, _places: &[usize], _out: &mut Steps) {}

    fn flush_all(&mut self, _out: &mut Steps) {}

    fn forget(&mut self, places: &[usize]) {
        self.touch(places);
    }

    fn forget_all(&mut self) {
        self.fresh.fill(false);
    }
}

fn prepare(state: &Initialize, places: &[usize]) -> SparseOp {
    let amplitudes = state.amplitudes().expect("the circuit was validated").into();
    let action = Action::Prepare { places: places.into(), amplitudes };
    SparseOp { action, controls: Controls::NONE }
}

fn channel(
    op: &Op,
    channel: Result<Channel, NoiseError>,
    places: &[usize],
) -> Result<SparseOp, Error> {
    let channel = channel
        .map_err(|error| Error::BadValue { instruction: op.name(), reason: error.to_string() })?;
    let operators = channel.kraus().into();
    let action = Action::Channel { places: places.into(), operators };
    Ok(SparseOp { action, controls: Controls::NONE })
}
