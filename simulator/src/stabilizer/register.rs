//! The tableau as the register that programs run on.

use ketch_interface::circuit::{GateOp, Save, SetState, Snapshot};
use ketch_kernels::Threads;

use super::{
    StabilizerOp, StabilizerProgram,
    check::not_clifford,
    clifford::Clifford,
    mixture::{Act, Mixture},
    recognise::Recogniser,
    save,
    tableau::Tableau,
};
use crate::{
    Error, Saved,
    rng::ShotRandom,
    run::{Branch, Choice, Register},
};

/// A stabilizer state and the bytes that values read from it may take.
#[derive(Clone, Debug)]
pub(crate) struct Stabilizers {
    pub(super) tableau: Tableau,
    pub(super) max_memory: Option<u64>,
}

impl Stabilizers {
    /// What two random numbers make a mixture do: the place of the operation, doubled, and one more
    /// where a qubit is set that could read both and reads 1.
    fn chosen(&self, mixture: &Mixture, places: &[u32], which: f64, outcome: f64) -> usize {
        let term = mixture.pick(which);
        let reads_one = match mixture.terms[term].1 {
            Act::Set(_) => outcome < 0.5 && self.tableau.certain(places[0] as usize).is_none(),
            Act::Pauli { .. } | Act::Gates(_) => false,
        };
        2 * term + usize::from(reads_one)
    }

    /// Does what was [`chosen`](Self::chosen).
    fn act(&mut self, mixture: &Mixture, places: &[u32], choice: usize) {
        let place = |q: u32| places[q as usize];
        match &mixture.terms[choice / 2].1 {
            Act::Pauli { x, z } => {
                for (bit, &place) in (0..).zip(places) {
                    match (x >> bit & 1, z >> bit & 1) {
                        (1, 0) => self.tableau.apply(Clifford::X(place)),
                        (0, 1) => self.tableau.apply(Clifford::Z(place)),
                        (1, 1) => self.tableau.apply(Clifford::Y(place)),
                        _ => {}
                    }
                }
            }
            Act::Gates(gates) => {
                gates.iter().for_each(|gate| self.tableau.apply(gate.moved(place)));
            }
            Act::Set(value) => {
                self.tableau.reset(places[0] as usize, || choice % 2 == 1);
                if *value {
                    self.tableau.apply(Clifford::X(places[0]));
                }
            }
        }
    }
}

impl<'t> Register<'t> for Stabilizers {
    type Op = StabilizerOp;

    fn apply(&mut self, op: &StabilizerOp, random: &mut ShotRandom) -> Result<(), Error> {
        match op {
            StabilizerOp::Gate(gate) => self.tableau.apply(*gate),
            StabilizerOp::Noise { mixture, places } => {
                let (which, outcome) = (random.uniform(), random.uniform());
                self.act(mixture, places, self.chosen(mixture, places, which, outcome));
            }
        }
        Ok(())
    }

    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize]) -> Result<(), Error> {
        let mut recogniser = Recogniser::default();
        let gates = recogniser.gate(op, params).ok_or_else(|| not_clifford(op, params))?;
        let place = |q: u32| places[q as usize] as u32;
        gates.iter().for_each(|gate| self.tableau.apply(gate.moved(place)));
        Ok(())
    }

    fn measure(&mut self, place: usize, uniform: f64) -> Result<bool, Error> {
        Ok(self.tableau.measure(place, || uniform < 0.5))
    }

    fn reset(&mut self, place: usize, uniform: f64) -> Result<(), Error> {
        self.tableau.reset(place, || uniform < 0.5);
        Ok(())
    }

    fn set(&mut self, _: &SetState) -> Result<(), Error> {
        unreachable!("the check refused all forms")
    }

    fn save(
        &mut self,
        program: &StabilizerProgram<'_>,
        index: usize,
        save: &Save,
    ) -> Result<Saved, Error> {
        save::saved(program, index, save, self)
    }

    fn snapshot(
        &mut self,
        program: &StabilizerProgram<'_>,
        index: usize,
        snapshot: &Snapshot,
    ) -> Result<Saved, Error> {
        save::snapshot(program, index, snapshot, self)
    }

    fn fork(&self, _: &'t Threads) -> Result<Self, Error> {
        Ok(self.clone())
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), Error> {
        self.tableau.copy_from(&other.tableau);
        Ok(())
    }

    fn shots_side_by_side(&self) -> bool {
        true
    }
}

impl<'t> Branch<'t> for Stabilizers {
    fn settle(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn weights(&mut self, place: usize) -> Result<[f64; 2], Error> {
        Ok(match self.tableau.certain(place) {
            None => [0.5, 0.5],
            Some(false) => [1.0, 0.0],
            Some(true) => [0.0, 1.0],
        })
    }

    fn collapse(&mut self, place: usize, outcome: bool, _weight: f64) -> Result<(), Error> {
        self.tableau.measure(place, || outcome);
        Ok(())
    }

    fn flip(&mut self, place: usize) -> Result<(), Error> {
        self.tableau.apply(Clifford::X(place as u32));
        Ok(())
    }

    fn choose(
        &mut self,
        op: &StabilizerOp,
        random: &mut ShotRandom,
        shots: &[u64],
    ) -> Result<Vec<Choice>, Error> {
        let StabilizerOp::Noise { mixture, places } = op else {
            unreachable!("only noise is random")
        };
        let (which, outcomes) = (random.uniforms(shots), random.uniforms(shots));
        let choice = |(which, outcome)| {
            let place = self.chosen(mixture, places, which, outcome);
            Choice { place, probability: None }
        };
        Ok(which.into_iter().zip(outcomes).map(choice).collect())
    }

    fn take(&mut self, op: &StabilizerOp, choice: Choice) -> Result<(), Error> {
        let StabilizerOp::Noise { mixture, places } = op else {
            unreachable!("only noise is random")
        };
        self.act(mixture, places, choice.place);
        Ok(())
    }
}
