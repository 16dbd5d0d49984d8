//! Whether a circuit fits a device as it stands.

use ketch_interface::{
    Circuit,
    circuit::{Instruction, Op},
};

use crate::{CompileError, Target, target::is_symmetric};

/// Refuses a circuit that does not fit the target as it stands.
///
/// Every gate has to be in the basis and, on two qubits, on the coupling map in its direction;
/// gates that treat their qubits alike go both ways. Instructions that are no gates are left to the
/// backend, but for unitaries given by their data, which the backend must name.
///
/// # Errors
/// The first thing that does not fit, gate and qubits named.
pub fn check(circuit: &Circuit, target: &Target) -> Result<(), CompileError> {
    circuit.validate()?;
    check_size(circuit, target)?;
    circuit.instructions().try_for_each(|instruction| check_one(instruction, target))
}

pub(crate) fn check_size(circuit: &Circuit, target: &Target) -> Result<(), CompileError> {
    match target.n_qubits {
        Some(limit) if circuit.n_qubits() > limit => Err(CompileError::TooManyQubits {
            backend: target.backend.clone(),
            circuit: circuit.name.clone(),
            needed: circuit.n_qubits(),
            limit,
        }),
        _ => Ok(()),
    }
}

fn check_one(instruction: Instruction<'_>, target: &Target) -> Result<(), CompileError> {
    let (name, known) = match instruction.op {
        Op::Gate(op) => (op.name(), target.supports(*op)),
        op @ (Op::Unitary(_)
        | Op::Diagonal(_)
        | Op::Multiplexer(_)
        | Op::Pauli(_)
        | Op::Initialize(_)
        | Op::Opaque(_)) => (op.name(), target.knows(&op.name())),
        _ => return Ok(()),
    };
    let qubits: Vec<u32> = instruction.qubits.iter().map(|q| q.0).collect();
    let backend = target.backend.clone();
    if !known {
        let basis = target.basis.clone();
        return Err(CompileError::OutsideBasis { backend, gate: name, qubits, basis });
    }
    let Some(map) = target.map_of(&name) else { return Ok(()) };
    let (fits, reversed) = match qubits[..] {
        [] | [_] => (true, false),
        [a, b] => {
            let back = map.contains(b, a);
            let symmetric = matches!(instruction.op, Op::Gate(op) if is_symmetric(*op));
            (map.contains(a, b) || (symmetric && back), back)
        }
        // A map of pairs says nothing of a gate on three qubits.
        _ => (false, false),
    };
    if fits {
        Ok(())
    } else {
        Err(CompileError::OutsideMap { backend, gate: name, qubits, reversed })
    }
}
