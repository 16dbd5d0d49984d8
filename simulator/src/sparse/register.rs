//! The sparse state as the register that programs run on.

use ketch_interface::circuit::{GateOp, Qubit, Save, SetState, Snapshot};
use ketch_kernels::Threads;

use super::{
    SparseProgram,
    op::{Action, SparseOp},
    save,
    state::{State, fallen_on},
};
use crate::{
    Error, Saved,
    program::Operation,
    rng::ShotRandom,
    run::{Branch, Choice, Register},
};

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
        let [zero, one] = State::weights(self, place);
        // The norm is 1 up to rounding, so compare with what it is.
        let outcome = uniform * (zero + one) < one;
        State::collapse(self, place, outcome, if outcome { one } else { zero });
        Ok(outcome)
    }

    fn reset(&mut self, place: usize, uniform: f64) -> Result<(), Error> {
        if self.measure(place, uniform)? {
            State::flip(self, place);
        }
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

impl<'t> Branch<'t> for State {
    fn bytes(&self) -> u64 {
        State::bytes(self)
    }

    fn settle(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn weights(&mut self, place: usize) -> Result<[f64; 2], Error> {
        Ok(State::weights(self, place))
    }

    fn collapse(&mut self, place: usize, outcome: bool, weight: f64) -> Result<(), Error> {
        State::collapse(self, place, outcome, weight);
        Ok(())
    }

    fn flip(&mut self, place: usize) -> Result<(), Error> {
        State::flip(self, place);
        Ok(())
    }

    fn choose(
        &mut self,
        op: &SparseOp,
        random: &mut ShotRandom,
        shots: &[u64],
    ) -> Result<Vec<Choice>, Error> {
        let Action::Channel { places, operators } = &op.action else {
            unreachable!("only channels are random")
        };
        let uniforms = random.uniforms(shots);
        let largest = uniforms.iter().copied().fold(0.0, f64::max);
        let (probabilities, _) = self.followed(places, operators, largest)?;
        let choice = |uniform: &f64| match fallen_on(&probabilities, *uniform) {
            Some((place, _)) => Choice { place, probability: Some(probabilities[place]) },
            None => Choice::FIRST,
        };
        Ok(uniforms.iter().map(choice).collect())
    }

    fn take(&mut self, op: &SparseOp, choice: Choice) -> Result<(), Error> {
        match (&op.action, choice) {
            (Action::Channel { places, operators }, Choice { place, probability: Some(p) }) => {
                self.follow(places, &operators[place], p)
            }
            // None of its operators is possible: it does nothing.
            _ => Ok(()),
        }
    }
}
