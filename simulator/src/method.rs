//! The choice of the method.

use ketch_interface::circuit::{Circuit, Gate, Instruction, Op, Param, SaveKind, SetState};

use crate::{
    Method, Options,
    check::{check, check_method},
    memory,
    plan::{bond_bits, plan, summary},
    program::Layout,
    sparse::{Effort, stays_sparse},
};

/// Qubits up to which noise is run by density matrix: 16 MiB in double precision. Above, a pass
/// over the matrix costs as much as a pass over the state vectors of over a thousand shots.
const DENSITY_MATRIX_UP_TO: usize = 10;

/// Qubits from which on it pays to look for something cheaper than a dense state.
pub(crate) const WIDE: usize = 16;

/// The binary logarithm of the bond dimension up to which a matrix product state is chosen: its
/// gates take some milliseconds each then.
const LITTLE_ENTANGLED: usize = 8;

/// Gates that make several basis states of one, up to which the sparse method runs circuits whose
/// basis states cannot be followed beforehand: 256 basis states at most.
const FEW_BRANCHES: usize = 8;

/// The method that runs a circuit, and why: what was asked for, or with
/// [`Automatic`](Method::Automatic) the one that fits the instructions.
///
/// A circuit that falls into parts has a method for each; what is told is that of the widest. One
/// that is not valid has a method too, and is refused by [`check`](crate::check).
#[must_use]
pub fn choose(circuit: &Circuit, options: &Options) -> (Method, &'static str) {
    summary(&plan(circuit, options))
}

/// The method for a circuit that nothing cheap was found for.
pub(crate) fn choose_general(circuit: &Circuit, options: &Options) -> (Method, &'static str) {
    if let Some(chosen) = named_by_content(circuit) {
        return chosen;
    }
    let n_places = Layout::active(circuit).n_places();
    let whole = options.final_state || options.initial_state.is_some();
    let noisy = is_noisy(circuit);
    let last = measures_last(circuit);
    if noisy && last && !asks_for_amplitudes(circuit) && n_places <= DENSITY_MATRIX_UP_TO {
        return (Method::DensityMatrix, "noise on few qubits is run exactly");
    }
    if noisy && !whole && n_places > DENSITY_MATRIX_UP_TO && is_clifford(circuit) {
        return (Method::Stabilizer, "all gates are Clifford gates, and all noise is of Paulis");
    }
    let too_large = n_places >= WIDE && !fits(n_places, options);
    if !whole && too_large && takes(circuit, Method::MatrixProductState) {
        return (
            Method::MatrixProductState,
            "a state vector does not fit the memory, and qubits are little entangled",
        );
    }
    match (noisy, last) {
        (false, _) => (Method::Statevector, "it runs every circuit without noise"),
        (true, false) => {
            (Method::Statevector, "noise is drawn for each shot: measurements are not last")
        }
        (true, true) if asks_for_amplitudes(circuit) => {
            (Method::Statevector, "noise is drawn for each shot: amplitudes are asked for")
        }
        (true, true) => (Method::Statevector, "noise on many qubits is drawn for each shot"),
    }
}

/// The method for a wide circuit that costs little in disguise, if it is one.
pub(crate) fn choose_cheap(circuit: &Circuit, options: &Options) -> Option<(Method, &'static str)> {
    let n_places = Layout::active(circuit).n_places();
    if n_places < WIDE {
        return None;
    }
    if asks_for_a_state(circuit) || named_by_content(circuit).is_some() {
        return None;
    }
    let noisy = is_noisy(circuit);
    let clifford = is_clifford(circuit);
    if !noisy && measures_last(circuit) {
        // A basis state costs about as much as a hundred amplitudes of a dense state.
        let effort = match clifford {
            // Stabilizers run it too, so nobody asks how much memory is free, which takes as long as
            // all the rest.
            true => Effort { states: 16, steps: 1 << 12 },
            false if fits(n_places, options) => {
                Effort { states: 1 << (n_places - 7).min(20), steps: 1 << (n_places - 4).min(24) }
            }
            false => Effort { states: 1 << 20, steps: 1 << 24 },
        };
        if stays_sparse(circuit, effort) {
            return Some((Method::Sparse, "few basis states ever have an amplitude"));
        }
    }
    if clifford {
        let reason = match noisy {
            true => "all gates are Clifford gates, and all noise is of Paulis",
            false => "all gates are Clifford gates",
        };
        return Some((Method::Stabilizer, reason));
    }
    if (noisy || !measures_last(circuit)) && branches_at_most(circuit, FEW_BRANCHES) {
        return Some((Method::Sparse, "few gates make more basis states of one"));
    }
    None
}

/// What the instructions leave no choice about.
fn named_by_content(circuit: &Circuit) -> Option<(Method, &'static str)> {
    let named = |instruction: Instruction<'_>| {
        Some(match instruction.op {
            Op::Save(save) => match save.kind {
                SaveKind::Unitary => (Method::Unitary, "the circuit saves a unitary"),
                SaveKind::Superop => (Method::Superop, "the circuit saves a superoperator"),
                SaveKind::MatrixProductState => {
                    (Method::MatrixProductState, "the circuit saves a matrix product state")
                }
                SaveKind::Stabilizer | SaveKind::Clifford => {
                    (Method::Stabilizer, "the circuit saves stabilizers")
                }
                _ => return None,
            },
            Op::SetState(state) => match **state {
                SetState::Unitary(_) => (Method::Unitary, "the circuit sets a unitary"),
                SetState::DensityMatrix(_) => {
                    (Method::DensityMatrix, "the circuit sets a density matrix")
                }
                SetState::Superop(_) => (Method::Superop, "the circuit sets a superoperator"),
                _ => return None,
            },
            _ => return None,
        })
    };
    circuit.instructions().find_map(named)
}

/// The memory holds a dense state of that many qubits.
fn fits(n_places: usize, options: &Options) -> bool {
    let bytes = options.precision.amplitude_bytes();
    let needed = memory::power_of_two_bytes(n_places as u64, bytes);
    match options.max_memory {
        None if needed <= memory::SMALL => true,
        max_memory => needed <= u128::from(memory::allowance(max_memory)),
    }
}

/// The method runs the circuit, and the state does not grow beyond what it is good for.
fn takes(circuit: &Circuit, method: Method) -> bool {
    check(circuit, method).is_ok() && bond_bits(circuit) <= LITTLE_ENTANGLED
}

fn is_noisy(circuit: &Circuit) -> bool {
    circuit.instructions().any(|i| matches!(i.op, Op::Kraus(_) | Op::Superop(_)))
}

fn asks_for_amplitudes(circuit: &Circuit) -> bool {
    circuit.instructions().any(|i| check_method(i, Method::DensityMatrix).is_err())
}

/// Something asks for a state as a whole, or sets it.
fn asks_for_a_state(circuit: &Circuit) -> bool {
    circuit.instructions().any(|instruction| match instruction.op {
        Op::Save(save) => matches!(save.kind, SaveKind::State | SaveKind::Statevector),
        Op::Snapshot(snapshot) => matches!(snapshot.kind.as_str(), "" | "statevector" | "state"),
        Op::SetState(_) => true,
        _ => false,
    })
}

/// The stabilizer method takes the circuit. The first gate that is none of Clifford's decides,
/// before anything is looked at closely.
fn is_clifford(circuit: &Circuit) -> bool {
    let perhaps = |instruction: Instruction<'_>| match instruction.op {
        Op::Gate(op) => {
            let paulis = matches!(op.gate, Gate::X | Gate::Y | Gate::Z);
            match op.controls {
                0 if instruction.params.is_empty() => op.gate.info().clifford,
                0 => instruction.params.iter().all(is_quarter_turn),
                1 => paulis,
                _ => false,
            }
        }
        Op::Unitary(_) | Op::Diagonal(_) | Op::Multiplexer(_) | Op::Initialize(_) => false,
        _ => true,
    };
    circuit.instructions().all(perhaps) && check(circuit, Method::Stabilizer).is_ok()
}

fn is_quarter_turn(param: &Param) -> bool {
    let Param::Number(angle) = param else { return false };
    let quarters = angle / std::f64::consts::FRAC_PI_2;
    (quarters - quarters.round()).abs() < 1e-9
}

/// No more gates than that make several basis states of one, and no loop repeats them.
fn branches_at_most(circuit: &Circuit, most: usize) -> bool {
    let mut left = most;
    for instruction in circuit.instructions() {
        let branching = match instruction.op {
            Op::While { .. } | Op::For(_) => return false,
            Op::Gate(op) => match op.gate {
                gate if gate.info().diagonal => 0,
                Gate::X | Gate::Y | Gate::Swap | Gate::Iswap | Gate::Dcx => 0,
                Gate::Rccx | Gate::Rc3x => 0,
                gate => gate.info().n_qubits as usize,
            },
            Op::Unitary(_) | Op::Initialize(_) => instruction.qubits.len(),
            Op::Kraus(_) | Op::Superop(_) => instruction.qubits.len(),
            Op::Multiplexer(_) => return false,
            _ => 0,
        };
        match left.checked_sub(branching) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
    true
}

/// No quantum instruction acts on a measured qubit, and nothing depends on what was measured.
fn measures_last(circuit: &Circuit) -> bool {
    if circuit.has_control_flow() {
        return false;
    }
    let mut measured = vec![false; circuit.n_qubits() as usize];
    let mut any = false;
    for instruction in circuit.instructions() {
        match instruction.op {
            Op::Measure => {
                any = true;
                for qubit in instruction.qubits {
                    if let Some(measured) = measured.get_mut(qubit.0 as usize) {
                        *measured = true;
                    }
                }
            }
            Op::Barrier | Op::Delay(_) | Op::ReadoutError(_) => {}
            Op::MeasureVar { .. } => return false,
            op if op.is_store() => return false,
            Op::Save(_) | Op::Snapshot(_) | Op::SetState(_) if any => return false,
            _ if !any => {}
            _ => {
                let is_measured = |place: u32| measured.get(place as usize) == Some(&true);
                if instruction.qubits.iter().any(|qubit| is_measured(qubit.0)) {
                    return false;
                }
            }
        }
    }
    true
}
