//! Ketch's simulation engines: a circuit goes in, counts and states come out.
//!
//! ```
//! use ketch_interface::Circuit;
//! use ketch_simulator::{Cancel, Options, simulate};
//!
//! let bell = Circuit::new(2, 2).h(0).cx(0, 1).measure_all();
//! let outcome = simulate(&bell, &Options::default(), &Cancel::new())?;
//! let counts = outcome.counts.expect("the circuit measures");
//! assert_eq!(counts.get("00") + counts.get("11"), 1024);
//! # Ok::<(), ketch_simulator::Error>(())
//! ```
//!
//! Reading order: [`Options`] and [`Outcome`] say what goes in and comes out. [`choose`] picks the
//! method, [`check`] refuses what it cannot run. `program` is the circuit in the form that is run:
//! control flow is the same for all engines, quantum instructions become an engine's own operations.
//! `run` interprets programs, shot by shot, on whatever implements its `Register`. The engines are
//! folders: `dense` holds amplitudes, `density` density matrices and superoperators, `stabilizer` the
//! stabilizers of Clifford circuits. [`noise`] puts a noise model into a circuit. `reference` is the
//! slow, obvious simulator that tests compare with.
//!
//! Nothing here knows of providers, plugins or documents.

#![forbid(unsafe_code)]

mod binomial;
mod cancel;
mod check;
mod dense;
mod density;
mod error;
mod memory;
mod method;
mod mps;
pub mod noise;
mod options;
mod plan;
mod program;
mod progress;
mod records;
mod rng;
mod run;
mod saved;
mod shares;
mod simulate;
mod sparse;
mod stabilizer;
mod stage;
mod system;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub use cancel::Cancel;
pub use check::check;
pub use error::Error;
pub use ketch_kernels::{Threads, ThreadsError};
pub use method::choose;
pub use mps::Truncation;
pub use options::{Facts, Method, Options, Outcome, Precision, SnapshotOutcome};
pub use saved::{Saved, Tensor};
pub use simulate::{
    Size, memory_needed, qubits_needed, simulate, simulate_bound, simulate_on, size,
};
pub use system::{available_memory, total_memory};
