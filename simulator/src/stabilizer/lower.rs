//! From quantum instructions to elementary gates and mixtures.

use ketch_interface::circuit::{GateOp, Instruction};

use super::{
    StabilizerOp,
    recognise::{Recognised, Recogniser},
};
use crate::{
    Error, Method,
    program::{Layout, Lower, Step},
};

/// Lowers instructions that the check has accepted.
#[derive(Debug, Default)]
pub(super) struct StabilizerLower(Recogniser);

impl Lower for StabilizerLower {
    type Op = StabilizerOp;

    fn gate(
        &mut self,
        op: GateOp,
        params: &[f64],
        places: &[usize],
        out: &mut Vec<Step<StabilizerOp>>,
    ) {
        let gates = self.0.gate(op, params).expect("the check refused gates that are not Clifford");
        let place = |q: u32| places[q as usize] as u32;
        out.extend(gates.iter().map(|gate| Step::Quantum(StabilizerOp::Gate(gate.moved(place)))));
    }

    fn global_phase(&mut self, _: f64, _: &mut Vec<Step<StabilizerOp>>) {}

    fn instruction(
        &mut self,
        instruction: Instruction<'_>,
        layout: &Layout,
        out: &mut Vec<Step<StabilizerOp>>,
    ) -> Result<(), Error> {
        let recognised = self.0.instruction(instruction.op).map_err(|reason| {
            let (instruction, method) = (instruction.op.name(), Method::Stabilizer);
            Error::UnsupportedInstruction { instruction, method, reason }
        })?;
        match recognised {
            Recognised::Gates { resets, gates } => {
                // Idle qubits are |0> already.
                let places: Vec<_> =
                    instruction.qubits.iter().map(|&qubit| layout.place(qubit)).collect();
                if resets {
                    out.extend(places.iter().flatten().map(|&place| Step::Reset(place)));
                }
                let place =
                    |q: u32| places[q as usize].expect("a qubit that is acted on is active") as u32;
                let ops = gates.iter().map(|gate| StabilizerOp::Gate(gate.moved(place)));
                out.extend(ops.map(Step::Quantum));
            }
            Recognised::Noise(mixture) => {
                let places = layout.places(instruction.qubits);
                let places = places.into_iter().map(|place| place as u32).collect();
                out.push(Step::Quantum(StabilizerOp::Noise { mixture, places }));
            }
        }
        Ok(())
    }

    fn flush(&mut self, _: &[usize], _: &mut Vec<Step<StabilizerOp>>) {}

    fn flush_all(&mut self, _: &mut Vec<Step<StabilizerOp>>) {}

    fn forget(&mut self, _: &[usize]) {}

    fn forget_all(&mut self) {}
}
