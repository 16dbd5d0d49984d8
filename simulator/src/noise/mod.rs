//! Putting a noise model into a circuit.
//!
//! [`insert`] makes the circuit that a noisy device runs of the one that was asked for: each gate is
//! followed by its channels, each measurement by its readout error. What comes out is an ordinary
//! circuit, which any method that knows noise runs.

mod insert;
mod split;

pub use insert::insert;
pub(crate) use split::Split;
