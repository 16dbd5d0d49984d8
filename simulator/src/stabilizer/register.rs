//! The tableau as the register that programs run on.

use ketch_interface::circuit::{GateOp, Save, SetState, Snapshot};
use ketch_kernels::Threads;

use super::{
    StabilizerOp, StabilizerProgram, check::not_clifford, clifford::Clifford, mixture::Act,
    recognise::Recogniser, save, tableau::Tableau,
};
use crate::{Error, Saved, rng::ShotRandom, run::Register};

/// A stabilizer state and the bytes that values read from it may take.
#[derive(Clone, Debug)]
pub(crate) struct Stabilizers {
    pub(super) tableau: Tableau,
    pub(super) max_memory: Option<u64>,
}

impl<'t> Register<'t> for Stabilizers {
    type Op = StabilizerOp;

    fn apply(&mut self, op: &StabilizerOp, random: &mut ShotRandom) -> Result<(), Error> {
        let (mixture, places) = match op {
            StabilizerOp::Gate(gate) => {
                self.tableau.apply(*gate);
                return Ok(());
            }
            StabilizerOp::Noise { mixture, places } => (mixture, places),
        };
        let (which, outcome) = (random.uniform(), random.uniform());
        let place = |q: u32| places[q as usize];
        match mixture.pick(which) {
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
                self.tableau.reset(places[0] as usize, || outcome < 0.5);
                if *value {
                    self.tableau.apply(Clifford::X(places[0]));
                }
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
