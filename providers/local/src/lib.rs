//! The local simulators, as a Ketch plugin: `qasm_simulator`, `statevector_simulator` and
//! `unitary_simulator`, the names of Qiskit 0.6.
//!
//! `backends` is the table of what there is; `options` the table of what can be set; `run` turns a
//! Qobj into a result with the engines of `ketch-simulator`; `values` puts what circuits save into
//! the result's form, and `metadata` how they were run.

#![forbid(unsafe_code)]

mod backends;
mod metadata;
mod noise;
mod options;
mod run;
mod values;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ketch_core::{Backend, Error, Filter, Host, Level, Provider, Result};

pub use backends::{ALIASES, Alias, LocalBackend};

/// The provider of the local simulators.
#[derive(Debug)]
pub struct LocalProvider {
    host: Host,
    backends: Vec<LocalBackend>,
}

impl LocalProvider {
    /// The provider; `host` gets its notes.
    #[must_use]
    pub fn new(host: Host) -> Self {
        let backends = LocalBackend::all();
        Self { host, backends }
    }
}

impl Provider for LocalProvider {
    fn name(&self) -> &str {
        "local"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        filter.apply(self.backends.iter().map(LocalBackend::shared))
    }

    /// The backend with this name, or the one that an [alias](ALIASES) stands for, with a note to
    /// the host's log.
    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        let alias = ALIASES.iter().find(|alias| alias.name == name);
        let real = alias.map_or(name, |alias| alias.backend);
        let found = self.backends.iter().find(|backend| backend.name() == real);
        let known = || self.backends.iter().map(|backend| backend.name().to_owned()).collect();
        let found = found
            .ok_or_else(|| Error::BackendNotFound { name: name.to_owned(), known: known() })?;
        if let Some(alias) = alias {
            let note = format!("`{name}` stands for `{real}`: {}", alias.note);
            self.host.log(Level::Info, &note);
        }
        Ok(found.shared())
    }
}

ketch_core::export_provider! {
    id: "local",
    provider: |host: Host| Ok(LocalProvider::new(host)),
    manifest: r#""status":"static","rerun":"safe""#,
}
