//! Devices of the Quantum Device Management Interface, as a Ketch plugin.
//!
//! QDMI is a C interface between a device's library and whoever runs programs on it. Each device
//! that the user names, in a manifest or by its library, is a backend: `configured` finds them,
//! `library` opens them, `abi` holds the interface's numbers and functions, `session` and `ticket`
//! the calls, `device` and `calibration` make Ketch's documents of what a device tells, `program`
//! writes OpenQASM, `run` makes a result of what comes back.
//!
//! Versions 1.2 to 1.4 are spoken. A device runs in this process, and QDMI has no words for what
//! went wrong: Ketch runs this plugin in a process of its own, and `printed` reads what devices print.
//!
//! Source: the headers and the documentation of QDMI 1.3.2 and 1.4.0.

#![expect(unsafe_code, reason = "calls the functions that devices export")]

mod abi;
mod answer;
mod backend;
mod calibration;
mod configured;
mod device;
mod library;
mod outcomes;
mod printed;
mod program;
mod run;
mod session;
mod ticket;
mod watch;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use ketch_core::{Backend, Error, Filter, Host, Level, Provider, Result};

pub use configured::{DEVICES, default_places};

use backend::QdmiBackend;

/// The provider of the devices that the user named.
///
/// Manifests are read when backends are first asked for, a device is opened when it is first asked
/// anything.
pub struct QdmiProvider {
    host: Host,
    places: Vec<PathBuf>,
    devices: OnceLock<Devices>,
}

struct Devices {
    backends: Vec<QdmiBackend>,
    /// What was named and is no device, by the name that its file suggests.
    refused: Vec<(String, Error)>,
}

impl QdmiProvider {
    /// The provider, with the devices of the [default places](default_places). `host` gets its
    /// notes.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self::with_places(host, default_places())
    }

    /// The provider, with the devices of these libraries, manifests and directories of manifests.
    #[must_use]
    pub fn with_places(host: Host, places: Vec<PathBuf>) -> Self {
        Self { host, places, devices: OnceLock::new() }
    }

    fn devices(&self) -> &Devices {
        self.devices.get_or_init(|| {
            let found = configured::read(&self.places);
            for (_, error) in &found.refused {
                self.host.log(Level::Warn, &format!("device left out: {error}"));
            }
            let backends = found.devices.into_iter().map(QdmiBackend::new).collect();
            Devices { backends, refused: found.refused }
        })
    }
}

impl Provider for QdmiProvider {
    fn name(&self) -> &str {
        "qdmi"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        let backends = self.devices().backends.iter();
        filter.apply(backends.map(|backend| Arc::new(backend.clone()) as Arc<dyn Backend>))
    }

    /// The backend with this name; for one that was named and is no device, the reason.
    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        let Devices { backends, refused } = self.devices();
        if let Some(found) = backends.iter().find(|backend| backend.name() == name) {
            return Ok(Arc::new(found.clone()));
        }
        if let Some((_, error)) = refused.iter().find(|(refused, _)| refused == name) {
            return Err(error.clone());
        }
        let known = backends.iter().map(|backend| backend.name().to_owned()).collect();
        Err(Error::BackendNotFound { name: name.to_owned(), known })
    }
}

impl std::fmt::Debug for QdmiProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QdmiProvider").field("places", &self.places).finish_non_exhaustive()
    }
}

/// Nothing panics while such a lock is held, and each change leaves it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

ketch_core::export_provider! {
    id: "qdmi",
    provider: |host: Host| {
        printed::listen();
        Ok(QdmiProvider::new(host))
    },
    manifest: r#""rerun":"never","listing_reads":["$KETCH_QDMI_DEVICES","$XDG_DATA_HOME/ketch/qdmi","$HOME/.local/share/ketch/qdmi"]"#,
}
