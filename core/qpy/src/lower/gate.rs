//! Gates with classes of their own: which gate of the table each is.

use std::{collections::HashMap, sync::LazyLock};

use ketch_interface::circuit::{ControlState, Gate, GateOp, Op, Param};

use super::{Lower, Lowerer, fail};
use crate::model::Instruction;

/// Class, gate, controls.
const CLASSES: &[(&str, Gate, u16)] = &[
    ("GlobalPhaseGate", Gate::GlobalPhase, 0),
    ("IGate", Gate::Id, 0),
    ("XGate", Gate::X, 0),
    ("YGate", Gate::Y, 0),
    ("ZGate", Gate::Z, 0),
    ("HGate", Gate::H, 0),
    ("SGate", Gate::S, 0),
    ("SdgGate", Gate::Sdg, 0),
    ("TGate", Gate::T, 0),
    ("TdgGate", Gate::Tdg, 0),
    ("SXGate", Gate::Sx, 0),
    ("SXdgGate", Gate::Sxdg, 0),
    ("PhaseGate", Gate::P, 0),
    ("U1Gate", Gate::U1, 0),
    ("U2Gate", Gate::U2, 0),
    ("U3Gate", Gate::U3, 0),
    ("UGate", Gate::U, 0),
    ("RGate", Gate::R, 0),
    ("RXGate", Gate::Rx, 0),
    ("RYGate", Gate::Ry, 0),
    ("RZGate", Gate::Rz, 0),
    ("SwapGate", Gate::Swap, 0),
    ("iSwapGate", Gate::Iswap, 0),
    ("DCXGate", Gate::Dcx, 0),
    ("ECRGate", Gate::Ecr, 0),
    ("RXXGate", Gate::Rxx, 0),
    ("RYYGate", Gate::Ryy, 0),
    ("RZZGate", Gate::Rzz, 0),
    ("RZXGate", Gate::Rzx, 0),
    ("XXMinusYYGate", Gate::XxMinusYy, 0),
    ("XXPlusYYGate", Gate::XxPlusYy, 0),
    ("RCCXGate", Gate::Rccx, 0),
    ("RC3XGate", Gate::Rc3x, 0),
    ("CXGate", Gate::X, 1),
    ("CYGate", Gate::Y, 1),
    ("CZGate", Gate::Z, 1),
    ("CHGate", Gate::H, 1),
    ("CSGate", Gate::S, 1),
    ("CSdgGate", Gate::Sdg, 1),
    ("CSXGate", Gate::Sx, 1),
    ("CPhaseGate", Gate::P, 1),
    ("CU1Gate", Gate::U1, 1),
    ("CU3Gate", Gate::U3, 1),
    ("CUGate", Gate::PhasedU, 1),
    ("CRXGate", Gate::Rx, 1),
    ("CRYGate", Gate::Ry, 1),
    ("CRZGate", Gate::Rz, 1),
    ("CSwapGate", Gate::Swap, 1),
    ("CCXGate", Gate::X, 2),
    ("CCZGate", Gate::Z, 2),
    ("C3XGate", Gate::X, 3),
    ("C3SXGate", Gate::Sx, 3),
    ("C4XGate", Gate::X, 4),
];

/// Classes with any number of controls. The last ones have more qubits behind the target, which
/// they give back as they were.
const CONTROLLED: &[(&str, Gate)] = &[
    ("MCPhaseGate", Gate::P),
    ("MCU1Gate", Gate::U1),
    ("MCXGate", Gate::X),
    ("MCXGrayCode", Gate::X),
    ("MCXRecursive", Gate::X),
    ("MCXVChain", Gate::X),
];

/// A class's gate, and its controls if they are fixed.
static GATES: LazyLock<HashMap<&str, (Gate, Option<u16>)>> = LazyLock::new(|| {
    let fixed = CLASSES.iter().map(|&(class, gate, controls)| (class, (gate, Some(controls))));
    fixed.chain(CONTROLLED.iter().map(|&(class, gate)| (class, (gate, None)))).collect()
});

impl<'m> Lowerer<'m> {
    /// Appends the gate, if the class has one.
    pub(super) fn standard_gate(
        &mut self,
        instruction: &'m Instruction<'m>,
        qubits: &[u32],
    ) -> Lower<bool> {
        let Some(&(gate, fixed)) = GATES.get(instruction.name) else { return Ok(false) };
        let said = instruction.n_controls;
        let controls = match fixed {
            Some(controls) => controls,
            None => match u16::try_from(said) {
                Ok(controls) => controls,
                Err(_) => return fail(format!("{said} controls")),
            },
        };
        let n_qubits = GateOp::new(gate, controls).n_qubits();
        if qubits.len() != n_qubits && (fixed.is_some() || qubits.len() < n_qubits) {
            return fail(format!("{} qubits, expected {n_qubits}", qubits.len()));
        }
        let params = self.params(&instruction.params)?;
        let state = match said == u32::from(controls) {
            true => instruction.control_state,
            false => u32::MAX,
        };
        self.controlled_gate(gate, controls, state, &qubits[..n_qubits], &params)?;
        Ok(true)
    }

    /// A gate with controls that hold the bits of `state`; more than 32 of them hold ones.
    pub(super) fn controlled_gate(
        &mut self,
        gate: Gate,
        controls: u16,
        state: u32,
        qubits: &[u32],
        params: &[Param],
    ) -> Lower<()> {
        let all = match controls {
            0..32 => (1_u64 << controls) - 1,
            _ => u64::from(u32::MAX),
        };
        let state = if u64::from(state) == u64::from(u32::MAX) { all } else { state.into() };
        if state == all {
            return self.gate(gate, controls, qubits, params);
        }
        if state & !all != 0 {
            return fail(format!("control state {state} of {controls} controls"));
        }
        if let Some(state) = ControlState::new(controls, state) {
            return self.push(Op::Gate(GateOp { gate, controls, state }), qubits, &[], params);
        }
        let open = open_controls(&qubits[..usize::from(controls)], state as u32);
        self.flip(&open)?;
        self.gate(gate, controls, qubits, params)?;
        self.flip(&open)
    }

    /// X on each of these qubits.
    pub(super) fn flip(&mut self, qubits: &[u32]) -> Lower<()> {
        qubits.iter().try_for_each(|&qubit| self.gate(Gate::X, 0, &[qubit], &[]))
    }
}

/// Those of the controls that are open. Beyond 32 of them, only the first are told apart.
pub(super) fn open_controls(controls: &[u32], state: u32) -> Vec<u32> {
    let told = controls.iter().enumerate().take(32);
    told.filter(|(place, _)| state >> place & 1 == 0).map(|(_, &control)| control).collect()
}
