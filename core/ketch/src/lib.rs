//! Run quantum circuits on any backend.
//!
//! ```no_run
//! use ketch::prelude::*;
//!
//! fn main() -> ketch::Result<()> {
//!     let registry = Registry::discover(&SearchPath::standard());
//!     let backend = registry.get_backend("local/qasm_simulator")?;
//!     let bell = Circuit::new(2, 2).h(0).cx(0, 1).measure_all();
//!     let job = backend.run_circuit(bell, 1024)?;
//!     println!("{}", job.result(None)?.counts(0)?);
//!     Ok(())
//! }
//! ```
//!
//! A [`Registry`] finds plugins and the backends in them; [`load`] reads circuit files; the traits
//! and the data are those of [`ketch_core`], re-exported here. [`jobs`] keeps jobs on disk, so that
//! they outlive the program that submitted them; [`primitives`] has a sampler and an estimator.
//!
//! Plugins that do not belong to the installation run in processes of their own. A program whose
//! `main` begins with [`run_if_plugin_host`] is what runs in them; others need `ketch` beside them
//! or on the path.

#![forbid(unsafe_code)]

mod compile;
mod error;
pub mod jobs;
mod load;
mod noise_file;
pub mod primitives;

pub use compile::{FitError, Fitted, check_fit, check_fit_to, fit, fit_to};
pub use error::{Error, Result};
/// The errors of providers, backends and jobs.
pub use ketch_core::Error as BackendError;
pub use ketch_core::{
    Array, Backend, BackendConfiguration, BackendExt, BackendProperties, BackendStatus, BitString,
    Buffer, Circuit, Complex64, Counts, Events, EventsOf, Extensions, Filter, Job, JobEvent,
    JobEvents, JobQuery, JobStatus, Level, Matrix, Message, Progress, Provider, Qobj, RunOptions,
    RunResult, bits, circuit, codec, device, events_of, least_busy, nearest, noise, qobj, result,
};
pub use ketch_draw as draw;
pub use ketch_qasm as qasm;
pub use ketch_qpy as qpy;
pub use ketch_registry::{
    Account, AccountError, AccountFilter, AccountStore, ActiveAccounts, Candidate, Catalogue,
    Error as RegistryError, Event, Isolation, Limits, ListedBackend, Listing, Manifest, Origin,
    QualifiedBackend, Refusal, Registry, SearchDirectory, SearchPath, State, Step, Terms, accounts,
    package, run_if_plugin_host,
};
pub use load::{
    Format, LoadError, Loaded, load, load_bytes_with, load_text, load_text_with, load_with,
};
pub use noise_file::{LoadedNoise, NoiseLoadError, load_noise};

/// What most programs use.
pub mod prelude {
    pub use crate::{
        Backend, BackendExt, Circuit, Filter, Job, JobEvent, JobEvents, JobStatus, Provider, Qobj,
        Registry, RunOptions, RunResult, SearchPath, events_of, least_busy,
    };
}
