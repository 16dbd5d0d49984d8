//! The choice of the method.

use ketch_interface::circuit::{Circuit, Op, SaveKind, SetState};

use crate::Method;

/// The method that runs a circuit, and why: what was asked for, or with
/// [`Automatic`](Method::Automatic) the one that fits the instructions.
#[must_use]
pub fn choose(circuit: &Circuit, requested: Method) -> (Method, &'static str) {
    if requested != Method::Automatic {
        return (requested, "asked for");
    }
    let needs_unitary = circuit.instructions().any(|instruction| match instruction.op {
        Op::Save(save) => save.kind == SaveKind::Unitary,
        Op::SetState(state) => matches!(**state, SetState::Unitary(_)),
        _ => false,
    });
    if needs_unitary {
        (Method::Unitary, "the circuit saves or sets a unitary")
    } else {
        (Method::Statevector, "it runs every circuit without noise")
    }
}
