//! [`NoiseModel`]: which noise belongs to which instruction.

use std::collections::{BTreeMap, BTreeSet};

use super::{Channel, NoiseError, QuantumError, ReadoutError};
use crate::circuit::{Controls, Gate, GateOp, Spelling};

/// Which noise belongs to which instruction on which qubits.
///
/// An entry for certain qubits, in the order of the gate's arguments, takes the place of the one
/// for all qubits. A gate's noise follows it; that of `measure` comes before the measurement, and
/// the readout error behind it. An instruction with a label of its own has the noise of the label
/// instead.
///
/// ```
/// use ketch_interface::noise::{Channel, NoiseModel, ReadoutError};
/// let mut model = NoiseModel::new();
/// model.add("cx", Channel::depolarizing(0.02, 2)?);
/// model.add_on("x", &[3], Channel::amplitude_damping(0.01)?);
/// model.add_readout(ReadoutError::of_bit(0.01, 0.03)?);
/// assert!(model.error("cx", &[0, 1]).is_some() && model.error("x", &[0]).is_none());
/// # Ok::<(), ketch_interface::noise::NoiseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoiseModel {
    /// By instruction name; the key of the inner map is empty for all qubits.
    errors: BTreeMap<String, BTreeMap<Vec<u32>, QuantumError>>,
    /// Likewise, on other qubits than the instruction's; never for all qubits.
    non_local: BTreeMap<String, BTreeMap<Vec<u32>, Vec<NonLocalError>>>,
    /// By the measured qubits; empty for each qubit that has none of its own.
    readout: BTreeMap<Vec<u32>, ReadoutError>,
    relaxation: BTreeMap<u32, Relaxation>,
    tick: Option<f64>,
    basis_gates: Vec<String>,
    x90_gates: BTreeSet<String>,
}

/// The name of a 90° pulse about X, of which [other gates](NoiseModel::x90_gates) may be made.
pub const PULSE: &str = "x90";

/// What an instruction does to other qubits than its own.
#[derive(Clone, Debug, PartialEq)]
pub struct NonLocalError {
    /// The qubits on which the error acts, in the order of its places.
    pub qubits: Vec<u32>,
    /// What happens to them.
    pub error: QuantumError,
}

/// How an idle qubit decays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relaxation {
    /// The time constant of the populations, in seconds.
    pub t1: f64,
    /// The time constant of the coherence, in seconds; at most twice `t1`.
    pub t2: f64,
    /// The population of |1> in equilibrium.
    pub excited: f64,
}

impl Relaxation {
    /// What happens in some seconds.
    ///
    /// # Errors
    /// As [`Channel::thermal_relaxation`].
    pub fn during(&self, seconds: f64) -> Result<Channel, NoiseError> {
        Channel::thermal_relaxation(self.t1, self.t2, seconds, self.excited)
    }
}

impl NoiseModel {
    /// No noise.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The noise of an instruction, or of a label, on whatever qubits; composed with what is there.
    pub fn add(&mut self, instruction: &str, error: impl Into<QuantumError>) {
        self.add_on(instruction, &[], error);
    }

    /// The noise of an instruction, or of a label, on exactly these qubits in this order; composed
    /// with what is there for them. What holds for all qubits does not hold for these any more.
    ///
    /// # Panics
    /// If there are qubits, but fewer than the error has.
    pub fn add_on(&mut self, instruction: &str, qubits: &[u32], error: impl Into<QuantumError>) {
        let error = error.into();
        let enough = qubits.is_empty() || error.n_qubits() <= qubits.len();
        assert!(enough, "an error on {} qubits for {qubits:?}", error.n_qubits());
        let size = match qubits {
            [] => arity(instruction).unwrap_or(0),
            qubits => qubits.len(),
        };
        let of_instruction = self.errors.entry(Spelling::canonical(instruction)).or_default();
        let known = of_instruction.entry(qubits.to_vec()).or_default();
        *known = std::mem::take(known).compose(error).widened(size as u32);
    }

    /// What an instruction on exactly these qubits does to others, behind its own noise.
    ///
    /// # Panics
    /// If there are fewer qubits than the error has.
    pub fn add_non_local(
        &mut self,
        instruction: &str,
        qubits: &[u32],
        on: &[u32],
        error: impl Into<QuantumError>,
    ) {
        let error = error.into();
        assert!(error.n_qubits() <= on.len(), "an error on {} qubits for {on:?}", error.n_qubits());
        let of_instruction = self.non_local.entry(Spelling::canonical(instruction)).or_default();
        let known = of_instruction.entry(qubits.to_vec()).or_default();
        known.push(NonLocalError { qubits: on.to_vec(), error });
    }

    /// The readout error of each qubit that has none of its own. Replaces an earlier one.
    ///
    /// # Panics
    /// If it is not of one bit.
    pub fn add_readout(&mut self, error: ReadoutError) {
        assert_eq!(error.n_bits(), 1, "bits of the readout error for all qubits");
        self.readout.insert(Vec::new(), error);
    }

    /// The readout error of a qubit. Replaces an earlier one.
    ///
    /// # Panics
    /// If it is not of one bit.
    pub fn add_readout_on(&mut self, qubit: u32, error: ReadoutError) {
        self.add_joint_readout(&[qubit], error);
    }

    /// The readout error of qubits that are measured by one instruction, in this order. Replaces an
    /// earlier one.
    ///
    /// # Panics
    /// If there are not as many qubits as bits.
    pub fn add_joint_readout(&mut self, qubits: &[u32], error: ReadoutError) {
        assert_eq!(error.n_bits() as usize, qubits.len(), "bits of the readout error");
        self.readout.insert(qubits.to_vec(), error);
    }

    /// How a qubit decays during delays.
    pub fn add_relaxation(&mut self, qubit: u32, relaxation: Relaxation) {
        self.relaxation.insert(qubit, relaxation);
    }

    /// How long the device's own tick is, in seconds: delays may be counted in it.
    pub fn set_tick(&mut self, seconds: f64) {
        self.tick = Some(seconds);
    }

    /// The gates that the device has, as far as they are known.
    pub fn set_basis_gates(&mut self, names: Vec<String>) {
        self.basis_gates = names;
    }

    /// The gates on one qubit that are made of 90° pulses about X and changes of frame: instead of
    /// noise of their own, the noise of `x90` follows each pulse.
    pub fn set_x90_gates(&mut self, names: BTreeSet<String>) {
        self.x90_gates = names.iter().map(|name| Spelling::canonical(name)).collect();
    }

    /// The noise of an instruction on these qubits.
    #[must_use]
    pub fn error(&self, instruction: &str, qubits: &[u32]) -> Option<&QuantumError> {
        let of_instruction = self.errors.get(&Spelling::canonical(instruction))?;
        of_instruction.get(qubits).or_else(|| of_instruction.get(&[][..]))
    }

    /// What an instruction on these qubits does to others.
    #[must_use]
    pub fn non_local(&self, instruction: &str, qubits: &[u32]) -> &[NonLocalError] {
        let of_instruction = self.non_local.get(&Spelling::canonical(instruction));
        of_instruction.and_then(|errors| errors.get(qubits)).map_or(&[], Vec::as_slice)
    }

    /// The readout error of a qubit.
    #[must_use]
    pub fn readout(&self, qubit: u32) -> Option<&ReadoutError> {
        self.readout.get(&[qubit][..]).or_else(|| self.readout.get(&[][..]))
    }

    /// The readout error of several qubits that are measured by one instruction, if they have one
    /// together.
    #[must_use]
    pub fn joint_readout(&self, qubits: &[u32]) -> Option<&ReadoutError> {
        self.readout.get(qubits).filter(|_| qubits.len() > 1)
    }

    /// All errors: instruction, qubits (none for all of them), and what happens.
    pub fn errors(&self) -> impl Iterator<Item = (&str, &[u32], &QuantumError)> {
        self.errors.iter().flat_map(|(name, errors)| {
            errors.iter().map(move |(qubits, error)| (name.as_str(), qubits.as_slice(), error))
        })
    }

    /// All errors on other qubits than the instruction's: instruction, its qubits, and what happens.
    pub fn non_local_errors(&self) -> impl Iterator<Item = (&str, &[u32], &NonLocalError)> {
        self.non_local.iter().flat_map(|(name, of_instruction)| {
            of_instruction.iter().flat_map(move |(qubits, errors)| {
                errors.iter().map(move |error| (name.as_str(), qubits.as_slice(), error))
            })
        })
    }

    /// All readout errors with their qubits; none for each qubit that has none of its own.
    pub fn readout_errors(&self) -> impl Iterator<Item = (&[u32], &ReadoutError)> {
        self.readout.iter().map(|(qubits, error)| (qubits.as_slice(), error))
    }

    /// How qubits decay during delays.
    pub fn relaxations(&self) -> impl Iterator<Item = (u32, &Relaxation)> {
        self.relaxation.iter().map(|(qubit, relaxation)| (*qubit, relaxation))
    }

    /// The gates that the device has; none if that is not known.
    #[must_use]
    pub fn basis_gates(&self) -> &[String] {
        &self.basis_gates
    }

    /// How a qubit decays during delays.
    #[must_use]
    pub fn relaxation(&self, qubit: u32) -> Option<&Relaxation> {
        self.relaxation.get(&qubit)
    }

    /// How long the device's own tick is, in seconds, if that is known.
    #[must_use]
    pub fn tick(&self) -> Option<f64> {
        self.tick
    }

    /// The instructions that have noise.
    pub fn instructions(&self) -> impl Iterator<Item = &str> {
        self.errors.keys().map(String::as_str)
    }

    /// The gates that are made of 90° pulses about X.
    #[must_use]
    pub fn x90_gates(&self) -> &BTreeSet<String> {
        &self.x90_gates
    }

    /// The gate is [made of 90° pulses](Self::x90_gates), and it is known how.
    #[must_use]
    pub fn is_pulsed(&self, gate: GateOp) -> bool {
        let is_known =
            matches!(gate.gate, Gate::U | Gate::U2 | Gate::U3 | Gate::X | Gate::Y | Gate::H);
        is_known && gate.controls == 0 && self.x90_gates.contains(&gate.name())
    }

    /// There is no noise at all.
    #[must_use]
    pub fn is_ideal(&self) -> bool {
        self.errors().all(|(.., error)| error.is_identity())
            && self.non_local_errors().all(|(.., other)| other.error.is_identity())
            && self.readout.values().all(ReadoutError::is_identity)
            && self.relaxation.is_empty()
    }
}

/// How many qubits an instruction of this name has, if that is known.
pub(super) fn arity(name: &str) -> Option<usize> {
    if matches!(name, "measure" | "reset") {
        return Some(1);
    }
    let spelling = Spelling::by_name(name)?;
    match spelling.controls {
        Controls::Exactly(controls) => {
            Some(usize::from(controls) + spelling.gate.info().n_qubits as usize)
        }
        Controls::Any => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_for_certain_qubits_comes_first() {
        let mut model = NoiseModel::new();
        assert!(model.is_ideal());
        let weak = Channel::depolarizing(0.01, 2).unwrap();
        let strong = Channel::depolarizing(0.1, 2).unwrap();
        model.add("cnot", weak.clone());
        model.add_on("cx", &[1, 0], strong.clone());
        let channel =
            |qubits: &[u32]| model.error("cx", qubits).unwrap().steps()[0].channel.clone();
        assert_eq!(channel(&[0, 1]), weak);
        assert_eq!(channel(&[1, 0]), strong);
        assert!(model.error("x", &[0]).is_none());
        assert_eq!(model.instructions().collect::<Vec<_>>(), ["cx"]);
        model.add_readout(ReadoutError::of_bit(0.1, 0.1).unwrap());
        model.add_readout_on(1, ReadoutError::of_bit(0.2, 0.2).unwrap());
        assert_eq!(model.readout(0).unwrap().rows()[0][1], 0.1);
        assert_eq!(model.readout(1).unwrap().rows()[0][1], 0.2);
        assert!(!model.is_ideal());
    }

    #[test]
    fn errors_of_one_instruction_add_up() {
        let mut model = NoiseModel::new();
        let damping = Channel::amplitude_damping(0.1).unwrap();
        let flip = Channel::pauli(&[("X", 0.1), ("I", 0.9)]).unwrap();
        model.add_on("x", &[2], damping.clone());
        model.add_on("x", &[2], flip.clone());
        let steps = model.error("x", &[2]).unwrap().steps();
        assert_eq!(steps.iter().map(|step| &step.channel).collect::<Vec<_>>(), [&damping, &flip]);
        model.add_non_local("x", &[2], &[3], flip.clone());
        model.add_non_local("x", &[2], &[1, 4], damping);
        let on: Vec<&[u32]> = model.non_local("x", &[2]).iter().map(|e| &*e.qubits).collect();
        assert_eq!(on, [&[3][..], &[1, 4]]);
        assert!(model.non_local("x", &[1]).is_empty());
        let joint = ReadoutError::new(vec![vec![0.25; 4]; 4]).unwrap();
        model.add_joint_readout(&[0, 1], joint.clone());
        assert_eq!(model.joint_readout(&[0, 1]), Some(&joint));
        assert!(model.joint_readout(&[1, 0]).is_none() && model.readout(0).is_none());
    }
}
