//! What a backend says about itself: configuration, calibration, state, and the state of its jobs.
//!
//! The JSON form of each type is the document of the same name in Qiskit's published schemas
//! (releases 0.6.1 to 0.18.3), field by field, and the Rust fields are the same words. Fields that
//! these types do not know are kept in `extra` and written back. Qubits are numbered from 0.
//! Dates stay text, because the documents in circulation do not agree on one format.

mod configuration;
mod coupling_map;
mod properties;
mod status;

pub use configuration::{BackendConfiguration, GateConfig};
pub use coupling_map::{CouplingMap, TooManyCouplings};
pub use properties::{BackendProperties, GateProperties, Nduv};
pub use status::{BackendStatus, JobStatus, JobStatusDocument};
