//! What the stabilizer method can run, found out before anything runs.

use ketch_interface::{
    BitString,
    circuit::{Circuit, GateOp, Instruction, Op, Param, SaveKind, Scope},
};

use super::recognise::Recogniser;
use crate::{Error, Method};

/// Checks the instructions of one circuit, and remembers what it found out.
#[derive(Debug, Default)]
pub(crate) struct Checker(Recogniser);

impl Checker {
    /// Checks that a stabilizer state can follow an instruction. `late` tells the expressions whose
    /// value is known only while the circuit runs: gates with them are looked at then.
    ///
    /// # Errors
    /// What stands in the way, naming the gate and its angles.
    pub(crate) fn check(
        &mut self,
        circuit: &Circuit,
        instruction: Instruction<'_>,
        late: &[bool],
    ) -> Result<(), Error> {
        let op = instruction.op;
        let refuse = |reason: String| {
            let instruction = match op {
                Op::Snapshot(snapshot) => format!("snapshot ({})", snapshot.kind),
                op => op.name(),
            };
            Err(Error::UnsupportedInstruction { instruction, method: Method::Stabilizer, reason })
        };
        match op {
            Op::Gate(gate) => {
                let is_late = |p: &Param| matches!(p, Param::Expr(id) if late[id.0 as usize]);
                if instruction.params.iter().any(is_late) {
                    return Ok(());
                }
                let clbits = BitString::zeros(0);
                let scope = Scope { clbits: &clbits, variables: &[], bindings: &[] };
                let params = crate::program::numbers(circuit, *gate, instruction.params, scope)?;
                match self.0.gate(*gate, &params) {
                    Some(_) => Ok(()),
                    None => Err(not_clifford(*gate, &params)),
                }
            }
            Op::Unitary(_)
            | Op::Diagonal(_)
            | Op::Multiplexer(_)
            | Op::Pauli(_)
            | Op::Reset
            | Op::Initialize(_)
            | Op::Kraus(_)
            | Op::Superop(_) => match self.0.instruction(op) {
                Ok(_) => Ok(()),
                Err(reason) => refuse(reason),
            },
            Op::Save(save) => match &save.kind {
                SaveKind::State
                | SaveKind::Stabilizer
                | SaveKind::Clifford
                | SaveKind::Probabilities
                | SaveKind::ProbabilitiesDict
                | SaveKind::ExpectationValue(_)
                | SaveKind::ExpectationValueVariance(_)
                | SaveKind::AmplitudesSquared(_) => check_subtype(instruction, &refuse),
                SaveKind::Statevector
                | SaveKind::StatevectorDict
                | SaveKind::Amplitudes(_)
                | SaveKind::DensityMatrix => refuse("use the statevector method".to_owned()),
                SaveKind::Unitary => refuse("use the unitary method".to_owned()),
                _ => refuse("the method's state has no such form".to_owned()),
            },
            Op::Snapshot(snapshot) => match snapshot.kind.as_str() {
                ""
                | "state"
                | "stabilizer"
                | "probabilities"
                | "memory"
                | "register"
                | "expectation_value_pauli" => Ok(()),
                _ => refuse(
                    "this method knows stabilizer, state, probabilities, memory, register and \
                     expectation_value_pauli"
                        .to_owned(),
                ),
            },
            Op::SetState(_) => refuse("the method's state has no such form".to_owned()),
            Op::Opaque(_) => refuse("it is known by name only".to_owned()),
            Op::Measure | Op::MeasureVar { .. } | Op::ReadoutError(_) => Ok(()),
            Op::Barrier | Op::Delay(_) => Ok(()),
            op if op.is_store() => Ok(()),
            Op::If { .. } | Op::While { .. } | Op::For(_) | Op::Switch(_) => Ok(()),
            Op::Break | Op::Continue | Op::End => Ok(()),
            _ => refuse("the method does not know it".to_owned()),
        }
    }
}

/// Sums of tableaus over shots mean nothing.
fn check_subtype(
    instruction: Instruction<'_>,
    refuse: &impl Fn(String) -> Result<(), Error>,
) -> Result<(), Error> {
    use ketch_interface::circuit::SaveSubtype::{Accum, Average, CAccum, CAverage};
    let Op::Save(save) = instruction.op else { return Ok(()) };
    let sums = matches!(save.subtype, Accum | Average | CAccum | CAverage);
    let is_state = matches!(save.kind, SaveKind::State | SaveKind::Stabilizer | SaveKind::Clifford);
    match sums && is_state {
        true => refuse("stabilizers are not averaged; use `single` or `list`".to_owned()),
        false => Ok(()),
    }
}

/// The refusal of a gate, with its angles.
pub(super) fn not_clifford(op: GateOp, params: &[f64]) -> Error {
    let angles: Vec<String> = params.iter().map(f64::to_string).collect();
    let instruction = match angles.is_empty() {
        true => op.name(),
        false => format!("{}({})", op.name(), angles.join(", ")),
    };
    let reason = "it is not a Clifford gate; use the statevector method".to_owned();
    Error::UnsupportedInstruction { instruction, method: Method::Stabilizer, reason }
}
