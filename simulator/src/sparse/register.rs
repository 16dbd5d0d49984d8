//! The sparse state as the register that programs run on.

use ketch_interface::circuit::{GateOp, Qubit, Save, SetState, Snapshot};
use ketch_kernels::Threads;

use super::{SparseProgram, op::SparseOp, save, state::State};
use crate::{Error, Saved, program::Operation, rng::ShotRandom, run::Register};

impl Operation for SparseOp {
    fn is_random(&self) -> bool {
        self.draws()
    }

    fn acts_on(&self, asked: impl Fn(usize) -> bool) -> bool {
        self.acts(asked)
    }
}

impl<'t> Register<'t> for State {
    type Op = SparseOp;

    fn apply(&mut self, op: &SparseOp, random: &mut ShotRandom) -> Result<(), Error> {
        State::apply(self, op, || random.uniform())
    }

    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize]) -> Result<(), Error> {
        State::apply(self, &SparseOp::of_gate(op, params, places), || 0.0)
    }

    fn measure(&mut self, place: usize, uniform: f64) -> Result<bool, Error> {
        Ok(State::measure(self, place, uniform))
    }

    fn reset(&mut self, place: usize, uniform: f64) -> Result<(), Error> {
        State::reset(self, place, uniform);
        Ok(())
    }

    fn set(&mut self, state: &SetState) -> Result<(), Error> {
        match state {
            SetState::Statevector(amplitudes) => State::set(self, amplitudes),
            _ => unreachable!("the check refused the other forms"),
        }
    }

    fn save(
        &mut self,
        program: &SparseProgram<'_>,
        index: usize,
        save: &Save,
    ) -> Result<Saved, Error> {
        let places = program.places(program.circuit.instruction(index).qubits);
        save::saved(self, &save.kind, &places, program.circuit.n_qubits())
    }

    fn snapshot(
        &mut self,
        program: &SparseProgram<'_>,
        index: usize,
        snapshot: &Snapshot,
    ) -> Result<Saved, Error> {
        let given = program.circuit.instruction(index).qubits;
        let all: Vec<Qubit> = (0..program.circuit.n_qubits()).map(Qubit).collect();
        let places = program.places(if given.is_empty() { &all } else { given });
        Ok(save::snapshot(self, &snapshot.kind, &snapshot.paulis, &places))
    }

    fn fork(&self, _threads: &'t Threads) -> Result<Self, Error> {
        Ok(self.clone())
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), Error> {
        State::copy_from(self, other);
        Ok(())
    }

    fn shots_side_by_side(&self) -> bool {
        true
    }
}
