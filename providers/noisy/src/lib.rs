//! Simulators that behave like devices, as a Ketch plugin.
//!
//! Each backend is a device's configuration and calibration: its qubits, gates, couplings and
//! numbers. It takes circuits that the device could take, and runs them with the noise that the
//! numbers imply. There are four devices of 2018 (`shipped`), five made up ones (`synthetic`), and
//! the user's own from a directory (`directory`).
//!
//! `document` makes a `Device` of two documents; `fit` says whether a circuit
//! fits it; `run` turns a Qobj into a result with the engines of `ketch-simulator`.

#![forbid(unsafe_code)]

mod backend;
mod directory;
mod document;
mod fit;
mod options;
mod run;
mod shipped;
mod synthetic;

#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use ketch_core::{Backend, Error, Filter, Host, Level, Provider, Result};

pub use backend::NoisyBackend;
pub use directory::{DEVICES, default_directory};
pub use document::DeviceError;

/// The provider of simulated devices.
///
/// The user's devices are read when backends are first asked for, so that loading does no I/O.
#[derive(Debug)]
pub struct NoisyProvider {
    host: Host,
    directory: Option<PathBuf>,
    devices: OnceLock<Devices>,
}

#[derive(Debug)]
struct Devices {
    backends: Vec<NoisyBackend>,
    /// The user's devices that cannot be used, by the name that their files suggest.
    refused: Vec<(String, DeviceError)>,
}

impl NoisyProvider {
    /// The provider, with the user's devices from the [default directory](default_directory).
    /// `host` gets its notes.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self::with_directory(host, default_directory())
    }

    /// The provider, with the user's devices from this directory.
    #[must_use]
    pub fn with_directory(host: Host, directory: Option<PathBuf>) -> Self {
        Self { host, directory, devices: OnceLock::new() }
    }

    /// The user's devices that cannot be used, and why: by the name that their files suggest.
    pub fn refused(&self) -> impl Iterator<Item = (&str, &DeviceError)> {
        self.devices().refused.iter().map(|(name, error)| (name.as_str(), error))
    }

    fn devices(&self) -> &Devices {
        self.devices.get_or_init(|| {
            let devices = load(self.directory.as_deref());
            for (_, error) in &devices.refused {
                self.host.log(Level::Warn, &format!("device left out: {}", described(error)));
            }
            devices
        })
    }
}

/// All devices; of two with one name the first is kept.
fn load(directory: Option<&Path>) -> Devices {
    let own = directory.map(directory::read).unwrap_or_default();
    let built_in = shipped::devices().into_iter().chain(synthetic::devices());
    let built_in = built_in.map(|device| (device.name().to_owned(), Ok(device)));
    let mut devices = Devices { backends: Vec::new(), refused: Vec::new() };
    for (name, device) in built_in.chain(own) {
        match device {
            Ok(device) if devices.backends.iter().any(|known| known.name() == device.name()) => {
                let error = DeviceError::NameTaken {
                    file: device.source().to_owned(),
                    name: device.name().to_owned(),
                };
                devices.refused.push((name, error));
            }
            Ok(device) => devices.backends.push(NoisyBackend::new(device)),
            Err(error) => devices.refused.push((name, error)),
        }
    }
    devices
}

impl Provider for NoisyProvider {
    fn name(&self) -> &str {
        "noisy"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        filter.apply(self.devices().backends.iter().map(NoisyBackend::shared))
    }

    /// The backend with this name; for a device of the user's that cannot be used, the reason.
    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        let Devices { backends, refused } = self.devices();
        if let Some(found) = backends.iter().find(|backend| backend.name() == name) {
            return Ok(found.shared());
        }
        if let Some((_, error)) = refused.iter().find(|(refused, _)| refused == name) {
            let message = format!("cannot use the device `{name}`");
            return Err(Error::caused("calibration.invalid", message, error.clone()));
        }
        let known = backends.iter().map(|backend| backend.name().to_owned()).collect();
        Err(Error::BackendNotFound { name: name.to_owned(), known })
    }
}

/// An error and its causes in one line.
fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

ketch_core::export_provider! {
    id: "noisy",
    provider: |host: Host| Ok(NoisyProvider::new(host)),
    manifest: r#""status":"static","rerun":"safe","listing_reads":["$KETCH_NOISY_DEVICES","$XDG_DATA_HOME/ketch/devices","$HOME/.local/share/ketch/devices"]"#,
}
