//! Putting a noise model into a circuit, and idle times.
//!
//! [`insert`] makes the circuit that a noisy device runs of the one that was asked for: each gate is
//! followed by its channels, each measurement by its readout error. What comes out is an ordinary
//! circuit, which any method that knows noise runs. [`schedule`] puts delays where qubits wait for each
//! other, so that they relax there.

mod apart;
mod insert;
mod schedule;
mod split;

pub(crate) use apart::{Apart, Channels, beyond, pick};
pub use insert::{insert, waits_for_parameters};
pub use schedule::{Durations, ScheduleError, Scheduling, insert_with_idle, schedule};
pub(crate) use split::Split;
