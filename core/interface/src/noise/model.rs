//! [`NoiseModel`]: which noise belongs to which instruction.

use std::collections::BTreeMap;

use super::{Channel, NoiseError, ReadoutError};
use crate::circuit::{Controls, GateOp, Spelling};

/// Which noise belongs to which instruction on which qubits.
///
/// An entry for certain qubits, in the order of the gate's arguments, takes the place of the one
/// for all qubits. A gate's noise follows it; that of `measure` comes before the measurement, and
/// the readout error behind it.
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
    readout: BTreeMap<Option<u32>, ReadoutError>,
    relaxation: BTreeMap<u32, Relaxation>,
    tick: Option<f64>,
}

/// The channels that follow one instruction, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantumError {
    steps: Vec<ErrorStep>,
}

/// One channel of a [`QuantumError`].
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorStep {
    /// What happens.
    pub channel: Channel,
    /// To which of the instruction's qubits: places among its arguments, from 0.
    pub places: Vec<usize>,
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

impl QuantumError {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more channel on these arguments of the instruction; one that does nothing is left
    /// out.
    ///
    /// # Panics
    /// If there are not as many places as the channel has qubits.
    #[must_use]
    pub fn then(mut self, channel: Channel, places: &[usize]) -> Self {
        assert_eq!(channel.n_qubits() as usize, places.len(), "places of a channel");
        if !channel.is_identity() {
            self.steps.push(ErrorStep { channel, places: places.to_vec() });
        }
        self
    }

    /// The channels, the first to act first.
    #[must_use]
    pub fn steps(&self) -> &[ErrorStep] {
        &self.steps
    }

    /// The least number of arguments that the instruction must have.
    #[must_use]
    pub fn n_qubits(&self) -> usize {
        let places = self.steps.iter().flat_map(|step| &step.places);
        places.max().map_or(0, |place| place + 1)
    }
}

impl From<Channel> for QuantumError {
    /// The channel on the instruction's first qubits.
    fn from(channel: Channel) -> Self {
        let places: Vec<usize> = (0..channel.n_qubits() as usize).collect();
        Self::new().then(channel, &places)
    }
}

impl NoiseModel {
    /// No noise.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The noise of an instruction on whatever qubits. Replaces an earlier one.
    pub fn add(&mut self, instruction: &str, error: impl Into<QuantumError>) {
        self.add_on(instruction, &[], error);
    }

    /// The noise of an instruction on exactly these qubits in this order. Replaces an earlier one.
    pub fn add_on(&mut self, instruction: &str, qubits: &[u32], error: impl Into<QuantumError>) {
        let of_instruction = self.errors.entry(canonical(instruction)).or_default();
        of_instruction.insert(qubits.to_vec(), error.into());
    }

    /// The readout error of each qubit that has none of its own.
    pub fn add_readout(&mut self, error: ReadoutError) {
        self.readout.insert(None, error);
    }

    /// The readout error of a qubit.
    pub fn add_readout_on(&mut self, qubit: u32, error: ReadoutError) {
        self.readout.insert(Some(qubit), error);
    }

    /// How a qubit decays during delays.
    pub fn add_relaxation(&mut self, qubit: u32, relaxation: Relaxation) {
        self.relaxation.insert(qubit, relaxation);
    }

    /// How long the device's own tick is, in seconds: delays may be counted in it.
    pub fn set_tick(&mut self, seconds: f64) {
        self.tick = Some(seconds);
    }

    /// The noise of an instruction on these qubits.
    #[must_use]
    pub fn error(&self, instruction: &str, qubits: &[u32]) -> Option<&QuantumError> {
        let of_instruction = self.errors.get(&canonical(instruction))?;
        of_instruction.get(qubits).or_else(|| of_instruction.get(&[][..]))
    }

    /// The readout error of a qubit.
    #[must_use]
    pub fn readout(&self, qubit: u32) -> Option<&ReadoutError> {
        self.readout.get(&Some(qubit)).or_else(|| self.readout.get(&None))
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

    /// There is no noise at all.
    #[must_use]
    pub fn is_ideal(&self) -> bool {
        let errors = self.errors.values().flat_map(BTreeMap::values);
        errors.flat_map(QuantumError::steps).next().is_none()
            && self.readout.values().all(ReadoutError::is_identity)
            && self.relaxation.is_empty()
    }
}

/// The name that circuits use for an instruction: `cnot` is `cx`.
fn canonical(name: &str) -> String {
    let spelling = Spelling::by_name(name);
    let gate = spelling.and_then(|spelling| match spelling.controls {
        Controls::Exactly(controls) => Some(GateOp::new(spelling.gate, controls)),
        Controls::Any => None,
    });
    gate.map_or_else(|| name.to_owned(), GateOp::name)
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
    fn what_does_nothing_is_left_out() {
        let error = QuantumError::from(Channel::identity(1));
        assert!(error.steps().is_empty() && error.n_qubits() == 0);
        let error = error.then(Channel::amplitude_damping(0.1).unwrap(), &[1]);
        assert_eq!(error.n_qubits(), 2);
    }
}
