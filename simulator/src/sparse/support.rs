//! How many basis states a circuit needs, found out by following it for a while.

use ketch_interface::{
    BitString,
    circuit::{Circuit, Gate, Instruction, Op, Param, Scope},
};

use super::{
    op::SparseOp,
    state::{Limit, State},
};
use crate::Cancel;

/// What may be spent to find out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// The most basis states at a time.
    pub(crate) states: usize,
    /// The most basis states that gates are applied to, all gates together.
    pub(crate) steps: usize,
}

/// Whether a circuit stays sparse: no more basis states than that have an amplitude at any time.
/// False if it takes more effort to find out, or if it has more than gates, and measurements at
/// the end. Parameters that are not bound count as 1.
pub(crate) fn stays_sparse(circuit: &Circuit, effort: Effort) -> bool {
    if grows(circuit, effort.states) {
        return false;
    }
    let n_places = circuit.n_qubits() as usize;
    let limit = Limit::new(n_places, u64::MAX, effort.states, &Cancel::new());
    let mut state = State::zero(n_places, limit);
    let unbound = vec![1.0; circuit.parameters().len()];
    let clbits = BitString::zeros(0);
    let scope = Scope { clbits: &clbits, variables: &[], bindings: &unbound };
    let mut steps = 0;
    for instruction in circuit.instructions() {
        let places: Vec<usize> = instruction.qubits.iter().map(|qubit| qubit.0 as usize).collect();
        let op = match instruction.op {
            Op::Gate(gate) if matches!(gate.gate, Gate::Id | Gate::U0) => continue,
            Op::Gate(gate) => {
                let numbers = instruction.params.iter().map(|param| circuit.number(*param, scope));
                let Ok(numbers) = numbers.collect::<Result<Vec<f64>, _>>() else { return false };
                SparseOp::of_gate(*gate, &numbers, &places)
            }
            Op::Unitary(unitary) => {
                SparseOp::of_matrix(&unitary.value, &places, super::op::Controls::NONE)
            }
            Op::Diagonal(entries) => SparseOp::diagonal(entries, &places),
            Op::Pauli(letters) => SparseOp::pauli(letters, &places),
            Op::Barrier | Op::Delay(_) | Op::Measure | Op::Save(_) | Op::ReadoutError(_) => {
                continue;
            }
            _ => return false,
        };
        steps += state.len();
        if steps > effort.steps || state.apply(&op, || 0.0).is_err() {
            return false;
        }
    }
    true
}

/// Whether more than `limit` basis states are there at some time for certain: gates that branch on
/// a qubit that is in a basis state double them, and such a gate on another can halve them at most.
fn grows(circuit: &Circuit, limit: usize) -> bool {
    let limit = limit.ilog2() as isize;
    let mut settled = vec![true; circuit.n_qubits() as usize];
    let mut least = 0;
    for instruction in circuit.instructions() {
        let qubits = instruction.qubits;
        let all_settled = qubits.iter().all(|qubit| settled[qubit.0 as usize]);
        let stays_settled = match instruction.op {
            Op::Gate(gate) => match branches(gate.gate, instruction) {
                // A permutation of basis states takes one to one.
                Branches::Never => all_settled || gate.gate.info().diagonal,
                Branches::Surely if all_settled && gate.controls == 0 => {
                    least += 1;
                    false
                }
                _ => {
                    least -= gate.gate.info().n_qubits as isize;
                    false
                }
            },
            Op::Unitary(_) | Op::Multiplexer(_) => {
                least -= qubits.len() as isize;
                false
            }
            _ => true,
        };
        if !stays_settled {
            qubits.iter().for_each(|qubit| settled[qubit.0 as usize] = false);
        }
        least = least.max(0);
        if least > limit {
            return true;
        }
    }
    false
}

/// Whether a gate makes several basis states of one.
#[derive(PartialEq)]
enum Branches {
    Never,
    Perhaps,
    Surely,
}

fn branches(gate: Gate, instruction: Instruction<'_>) -> Branches {
    match gate {
        _ if gate.info().diagonal => Branches::Never,
        Gate::X | Gate::Y | Gate::Swap | Gate::Iswap | Gate::Dcx | Gate::Rccx | Gate::Rc3x => {
            Branches::Never
        }
        Gate::H | Gate::Sx | Gate::Sxdg | Gate::U2 => Branches::Surely,
        // The first parameter is the angle; a whole multiple of a half turn does not branch.
        Gate::U3 | Gate::U | Gate::R | Gate::Rx | Gate::Ry => match instruction.params[0] {
            Param::Number(angle) if angle.sin().abs() > 1e-6 => Branches::Surely,
            _ => Branches::Perhaps,
        },
        _ => Branches::Perhaps,
    }
}
