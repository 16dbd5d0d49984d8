//! Noise, described as data: which channel follows which gate, how readout errs.
//!
//! A [`Channel`] is what happens to qubits, as Kraus operators. A [`QuantumError`] is the channels
//! that follow one gate, each on some of its qubits; a [`ReadoutError`] flips classical outcomes. A
//! [`NoiseModel`] says which of them belongs to which instruction on which qubits, and can be read
//! off a device's calibration with [`NoiseModel::from_device`].
//!
//! Nothing here simulates: putting a model into a circuit and running it is the engine's work.

mod channel;
mod choi;
mod device;
mod error;
mod model;
mod readout;

pub use channel::{Channel, TOLERANCE};
pub use error::NoiseError;
pub use model::{ErrorStep, NoiseModel, QuantumError, Relaxation};
pub use readout::ReadoutError;
