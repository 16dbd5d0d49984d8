//! What a circuit is to fit: the basis and the couplings of a backend.

use std::collections::{BTreeMap, BTreeSet};

use ketch_interface::{
    BackendConfiguration, BackendProperties,
    circuit::{Controls, Gate, GateOp, Spelling},
    device::CouplingMap,
};

use crate::{
    CompileError,
    coupling::Coupling,
    linear::{M4, exchanged, of},
    synthesis::{
        one_qubit::{Axis, Euler},
        two_qubit::AsCx,
    },
};

/// What circuits are compiled for.
///
/// Made once for a backend and used for any number of circuits.
#[derive(Clone, Debug)]
pub struct Target {
    pub(crate) backend: String,
    pub(crate) n_qubits: Option<u32>,
    pub(crate) simulator: bool,
    pub(crate) basis: Vec<String>,
    gates: BTreeSet<(Gate, Count)>,
    instructions: BTreeSet<String>,
    /// The couplings of gates that have their own.
    gate_maps: BTreeMap<String, CouplingMap>,
    map: Option<CouplingMap>,
    pub(crate) coupling: Option<Coupling>,
    pub(crate) euler: Option<Euler>,
    pub(crate) entangler: Option<Entangler>,
    pub(crate) ising: Option<Gate>,
    /// The errors of the entangler, by qubits.
    errors: BTreeMap<(u32, u32), f64>,
}

/// How many controls a basis gate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Count {
    Exactly(u16),
    Any,
}

/// The device's two-qubit gate, by which `cx` is made.
#[derive(Clone, Debug)]
pub(crate) struct Entangler {
    pub(crate) op: GateOp,
    pub(crate) angle: Option<f64>,
    pub(crate) as_cx: AsCx,
    name: String,
}

/// Two-qubit gates in the order of preference where a device has several; with the angle at which
/// they are `cx` up to gates on each qubit.
const ENTANGLERS: [(Gate, u16, Option<f64>); 12] = {
    use std::f64::consts::{FRAC_PI_2, PI};
    [
        (Gate::X, 1, None),
        (Gate::Z, 1, None),
        (Gate::Ecr, 0, None),
        (Gate::Rzx, 0, Some(FRAC_PI_2)),
        (Gate::Rzz, 0, Some(FRAC_PI_2)),
        (Gate::Rxx, 0, Some(FRAC_PI_2)),
        (Gate::Ryy, 0, Some(FRAC_PI_2)),
        (Gate::Y, 1, None),
        (Gate::H, 1, None),
        (Gate::P, 1, Some(PI)),
        (Gate::U1, 1, Some(PI)),
        (Gate::Rz, 1, Some(PI)),
    ]
};

/// Gates that are an Ising interaction of any angle.
const ISING: [Gate; 4] = [Gate::Rzz, Gate::Rxx, Gate::Ryy, Gate::Rzx];

impl Target {
    /// The target that a configuration describes.
    ///
    /// A two-qubit gate that lists its own couplings in `gates` can be used on those, any other on
    /// the whole coupling map. Names in the basis that are no gates of the table are taken for
    /// instructions that the backend knows.
    ///
    /// # Errors
    /// If the coupling map is too large, or names a qubit that the backend does not have.
    pub fn new(configuration: &BackendConfiguration) -> Result<Self, CompileError> {
        let backend = configuration.backend_name.clone();
        let mut gates = BTreeSet::new();
        let mut instructions = BTreeSet::new();
        for name in &configuration.basis_gates {
            match Spelling::by_name(name) {
                Some(spelling) => {
                    let count = match spelling.controls {
                        Controls::Exactly(n) => Count::Exactly(n),
                        Controls::Any => Count::Any,
                    };
                    gates.insert((spelling.gate, count));
                }
                None => {
                    instructions.insert(name.clone());
                }
            }
        }
        instructions.extend(configuration.supported_instructions.iter().flatten().cloned());
        let couplings = |source| CompileError::Couplings { backend: backend.clone(), source };
        let map = configuration.coupling().map_err(couplings)?;
        let mut gate_maps = BTreeMap::new();
        for gate in &configuration.gates {
            let groups = gate.coupling_map.iter().flatten();
            let pairs: Vec<(u32, u32)> =
                groups.filter(|group| group.len() == 2).map(|group| (group[0], group[1])).collect();
            if !pairs.is_empty() {
                gate_maps.insert(gate.name.clone(), CouplingMap::new(pairs));
            }
        }
        let mut target = Self {
            backend: backend.clone(),
            n_qubits: configuration.n_qubits(),
            simulator: configuration.simulator,
            basis: configuration.basis_gates.clone(),
            gates,
            instructions,
            gate_maps,
            map,
            coupling: None,
            euler: None,
            entangler: None,
            ising: None,
            errors: BTreeMap::new(),
        };
        target.euler = target.find_euler();
        target.entangler = target.find_entangler();
        target.ising = ISING.into_iter().find(|&gate| target.has(gate, 0));
        let name = target.entangler.as_ref().map_or("", |entangler| entangler.name.as_str());
        let map = target.map_of(name).cloned();
        if target.map.is_some()
            && let Some(map) = map
        {
            let n_qubits = target.n_qubits.unwrap_or_else(|| {
                map.edges().map(|(a, b)| a.max(b).saturating_add(1)).max().unwrap_or(0)
            });
            target.n_qubits = Some(n_qubits);
            target.coupling = Some(Coupling::new(&backend, n_qubits, &map)?);
        }
        Ok(target)
    }

    /// The target with the device's calibration: where circuits fit without swaps in several
    /// places, the one with the least error is taken.
    #[must_use]
    pub fn with_properties(mut self, properties: &BackendProperties) -> Self {
        let Some(entangler) = &self.entangler else { return self };
        for gate in properties.gates.iter().filter(|gate| gate.gate == entangler.name) {
            if let [a, b] = gate.qubits[..]
                && let Some(error) = properties.gate_error(&gate.gate, &gate.qubits)
            {
                self.errors.insert((a, b), error);
            }
        }
        self
    }

    /// The backend's name.
    #[must_use]
    pub fn backend(&self) -> &str {
        &self.backend
    }

    /// How many qubits circuits may have; `None` if there is no fixed limit.
    #[must_use]
    pub fn n_qubits(&self) -> Option<u32> {
        self.n_qubits
    }

    /// The gate is in the basis.
    #[must_use]
    pub fn supports(&self, op: GateOp) -> bool {
        op.state.is_all() && self.has(op.gate, op.controls)
    }

    fn has(&self, gate: Gate, controls: u16) -> bool {
        self.gates.contains(&(gate, Count::Exactly(controls)))
            || (controls > 0 && self.gates.contains(&(gate, Count::Any)))
    }

    /// The backend knows an instruction of this name.
    pub(crate) fn knows(&self, instruction: &str) -> bool {
        self.instructions.contains(instruction)
    }

    /// The couplings that a gate can be used on; `None`: all.
    pub(crate) fn map_of(&self, gate: &str) -> Option<&CouplingMap> {
        self.gate_maps.get(gate).or(self.map.as_ref())
    }

    /// The known error of the two-qubit gate on these qubits, in the better direction.
    pub(crate) fn error(&self, a: u32, b: u32) -> Option<f64> {
        let one = self.errors.get(&(a, b)).copied();
        let other = self.errors.get(&(b, a)).copied();
        one.into_iter().chain(other).reduce(f64::min)
    }

    /// There is something to choose between places.
    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    fn find_euler(&self) -> Option<Euler> {
        let first = |gates: &[Gate]| gates.iter().copied().find(|&gate| self.has(gate, 0));
        let z = first(&[Gate::Rz, Gate::P, Gate::U1]);
        let general = first(&[Gate::U3, Gate::U]);
        Some(match (z, general) {
            (Some(z), _) if self.has(Gate::Sx, 0) => Euler::ZSx { z, x: self.has(Gate::X, 0) },
            (_, Some(general)) => {
                let phase = first(&[Gate::U1, Gate::P, Gate::Rz]);
                Euler::U { general, half: self.has(Gate::U2, 0), phase }
            }
            (Some(z), None) => {
                let inner = first(&[Gate::Ry, Gate::Rx, Gate::R, Gate::H])?;
                let inner = match inner {
                    Gate::Ry => Axis::Y(Gate::Ry),
                    Gate::H => Axis::ByH(z),
                    gate => Axis::X(gate),
                };
                Euler::Axes(Axis::Z(z), inner)
            }
            (None, None) if self.has(Gate::R, 0) => Euler::Axes(Axis::X(Gate::R), Axis::Y(Gate::R)),
            (None, None) if self.has(Gate::Rx, 0) && self.has(Gate::Ry, 0) => {
                Euler::Axes(Axis::X(Gate::Rx), Axis::Y(Gate::Ry))
            }
            (None, None) => return None,
        })
    }

    fn find_entangler(&self) -> Option<Entangler> {
        let present = ENTANGLERS.iter().find(|&&(gate, controls, _)| self.has(gate, controls));
        let &(gate, controls, angle) = present?;
        let op = GateOp::new(gate, controls);
        let matrix: M4 = of(&op.matrix(angle.as_slice()));
        let as_cx = AsCx::of(&matrix)?;
        Some(Entangler { op, angle, as_cx, name: op.name() })
    }
}

/// The gate does the same with its two qubits exchanged.
pub(crate) fn is_symmetric(op: GateOp) -> bool {
    if op.n_qubits() != 2 || !op.state.is_all() {
        return false;
    }
    let params = [0.3, 0.5, 0.7, 1.1];
    let matrix: M4 = of(&op.matrix(&params[..op.gate.info().n_params as usize]));
    let back = exchanged(&matrix);
    matrix.as_flattened().iter().zip(back.as_flattened()).all(|(a, b)| (a - b).norm() < 1e-12)
}
