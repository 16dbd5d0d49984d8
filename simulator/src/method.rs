//! The choice of the method.

use ketch_interface::circuit::{Circuit, Op, Qubit, SaveKind, SetState};

use crate::{Method, check::check_method, program::Layout};

/// Qubits up to which noise is run by density matrix: 16 MiB in double precision. Above, a pass
/// over the matrix costs as much as a pass over the state vectors of over a thousand shots.
const DENSITY_MATRIX_UP_TO: usize = 10;

/// The method that runs a circuit, and why: what was asked for, or with
/// [`Automatic`](Method::Automatic) the one that fits the instructions.
#[must_use]
pub fn choose(circuit: &Circuit, requested: Method) -> (Method, &'static str) {
    if requested != Method::Automatic {
        return (requested, "asked for");
    }
    let sets = |wanted: fn(&SetState) -> bool| {
        circuit.instructions().any(|i| matches!(i.op, Op::SetState(state) if wanted(state)))
    };
    let saves_unitary = circuit
        .instructions()
        .any(|i| matches!(i.op, Op::Save(save) if save.kind == SaveKind::Unitary));
    if saves_unitary || sets(|state| matches!(state, SetState::Unitary(_))) {
        return (Method::Unitary, "the circuit saves or sets a unitary");
    }
    if sets(|state| matches!(state, SetState::DensityMatrix(_))) {
        return (Method::DensityMatrix, "the circuit sets a density matrix");
    }
    let noisy = circuit.instructions().any(|i| matches!(i.op, Op::Kraus(_) | Op::Superop(_)));
    if !noisy {
        return (Method::Statevector, "it runs every circuit without noise");
    }
    if !measures_last(circuit) {
        return (Method::Statevector, "noise is drawn for each shot: measurements are not last");
    }
    if circuit.instructions().any(|i| check_method(i, Method::DensityMatrix).is_err()) {
        return (Method::Statevector, "noise is drawn for each shot: amplitudes are asked for");
    }
    match Layout::active(circuit).n_places() <= DENSITY_MATRIX_UP_TO {
        true => (Method::DensityMatrix, "noise on few qubits is run exactly"),
        false => (Method::Statevector, "noise on many qubits is drawn for each shot"),
    }
}

/// No quantum instruction acts on a measured qubit, and nothing depends on what was measured.
fn measures_last(circuit: &Circuit) -> bool {
    if circuit.has_control_flow() {
        return false;
    }
    let mut measured: Vec<Qubit> = Vec::new();
    for instruction in circuit.instructions() {
        match instruction.op {
            Op::Measure => measured.extend(instruction.qubits),
            Op::Barrier | Op::Delay(_) | Op::ReadoutError(_) => {}
            Op::MeasureVar { .. } | Op::Store { .. } | Op::StoreClbits(_) => return false,
            Op::Save(_) | Op::Snapshot(_) | Op::SetState(_) if !measured.is_empty() => {
                return false;
            }
            _ if measured.is_empty() => {}
            _ if instruction.qubits.iter().any(|qubit| measured.contains(qubit)) => return false,
            _ => {}
        }
    }
    true
}
