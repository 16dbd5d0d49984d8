//! Everything that a Ketch provider needs; a provider's crate depends on nothing else.
//!
//! Three traits: a [`Provider`] gives access to backends, a [`Backend`] runs a [`Qobj`] and returns
//! a [`Job`], the job comes back with a [`RunResult`]. Implement them, export the provider, build
//! the crate as a `cdylib`, and drop the file into a plugin directory:
//!
//! ```
//! use ketch_core::prelude::*;
//!
//! struct MyProvider;
//!
//! impl Provider for MyProvider {
//!     fn name(&self) -> &str {
//!         "mylab"
//!     }
//!
//!     fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
//!         filter.apply([])
//!     }
//! }
//!
//! ketch_core::export_provider! {
//!     id: "mylab",
//!     provider: |_host| Ok(MyProvider),
//! }
//! ```
//!
//! [`JobQueue`] makes jobs of closures, and tells the host of their states and progress, for
//! providers that compute in their own process; [`PolledJob`] makes them of a service's answers;
//! [`check_qobj`] refuses what a backend's configuration does not allow.

#![forbid(unsafe_code)]

mod check;
pub mod events;
mod host;
mod polled_job;
mod thread_job;

pub use check::check_qobj;
pub use events::{Events, EventsOf, JOB_EVENT, JobEvent, JobEvents, PROGRESS, Progress, events_of};
pub use host::{ACCOUNTS, Host, LOG, Level};
pub use ketch_interface::*;
pub use polled_job::{JobNews, JobService, PolledJob};
pub use thread_job::{JobQueue, Reporter, Running};

/// What most providers use.
pub mod prelude {
    pub use std::sync::Arc;

    pub use ketch_interface::{
        Backend, BackendConfiguration, BackendExt, BackendProperties, BackendStatus, Circuit,
        Error, Filter, Job, JobStatus, Provider, Qobj, Result, RunOptions, RunResult,
        result::ExperimentResult,
    };

    pub use crate::{
        Host, JobNews, JobQueue, JobService, Level, PolledJob, Running, check_qobj, export_provider,
    };
}

/// Exports a provider from a dynamic library.
///
/// * `id`: the name of the provider, the part before the slash in `mylab/backend`: a letter, then
///   lower-case letters, digits, `-` and `_`. Its [`Provider::name`] must be the same.
/// * `provider`: a function from [`Host`] to a result of the provider. It runs once, when the
///   plugin is loaded; it should not block.
/// * `manifest` (optional): more fields of the manifest as JSON members, such as
///   `r#""status":"static""#` for backends that are always ready.
///
/// Version, description and licence are taken from the crate's `Cargo.toml`, and are one line each,
/// without quotes and backslashes. A panic in the
/// provider becomes an error on the other side. Use it once in a crate.
#[macro_export]
macro_rules! export_provider {
    (id: $id:literal, provider: $make:expr $(, manifest: $manifest:literal)? $(,)?) => {
        $crate::__private::__export_provider!(
            $id,
            |host| $crate::__private::make($make, host),
            [$("," $manifest)?]
        );
    };
}

/// What the expansion of [`export_provider!`] names. Not for use by hand.
#[doc(hidden)]
pub mod __private {
    use std::sync::Arc;

    pub use ketch_abi::__export_provider;

    use crate::{Extensions, Host, Provider, Result};

    /// Turns the author's function into the one that the ABI calls.
    pub fn make<P: Provider + 'static>(
        make: impl FnOnce(Host) -> Result<P>,
        host: Arc<dyn Extensions>,
    ) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(crate::host::Hosted::make(Host::new(host), make)?))
    }
}
