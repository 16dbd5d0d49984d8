//! Plugins in a process of their own.
//!
//! The *host* is the process that uses the registry, a *worker* a child process that has loaded one
//! plugin. Between them is a socket; what crosses is [`frame`]s. The worker [`serve`]s the calls,
//! the host's side of them are the traits in [`proxy`], over a [`worker`] that a thread
//! [`watch`]es. Whatever the plugin does, it does to its worker: a crash, an endless loop or
//! nonsense on the socket is an error for those who wait, and the next call gets a fresh worker.

mod call;
mod death;
mod frame;
mod hello;
mod isolated;
mod limits;
mod memory;
mod output;
mod pace;
mod pause;
mod plugin_host;
mod process;
mod program;
mod proxy;
mod serve;
mod socket;
mod watch;
mod worker;

use std::{
    fmt,
    path::Path,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ketch_abi::Manifest;
use ketch_core::{Error, Extensions, Provider};
use serde::{Deserialize, Serialize};

pub(crate) use isolated::START;
pub use limits::Limits;
pub use plugin_host::run_if_plugin_host;

use crate::Refusal;

/// Starts a worker for a library that passed the checks, and makes its provider there. With a
/// digest, no worker loads other bytes than those that have it.
///
/// # Errors
/// If no worker can be started, or the plugin refuses to load, dies while it is loaded or takes
/// longer than it may.
pub(crate) fn provider(
    path: &Path,
    manifest: &Manifest,
    sha256: Option<&str>,
    host: Arc<dyn Extensions>,
    limits: Limits,
) -> Result<Arc<dyn Provider>, Refusal> {
    let isolated = isolated::Isolated::start(path, manifest, sha256, host, limits)?;
    Ok(Arc::new(proxy::ProviderProxy::new(isolated)))
}

/// Which plugins run in processes of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Isolation {
    /// All but those of the installation itself.
    #[default]
    #[serde(rename = "auto")]
    Automatic,
    /// All.
    #[serde(rename = "always")]
    Always,
    /// None: a plugin that crashes takes the host with it.
    #[serde(rename = "never")]
    Never,
}

const ISOLATIONS: [(&str, Isolation); 3] =
    [("auto", Isolation::Automatic), ("always", Isolation::Always), ("never", Isolation::Never)];

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ISOLATIONS.iter().find(|(_, isolation)| isolation == self);
        f.pad(name.map_or("", |(name, _)| name))
    }
}

impl FromStr for Isolation {
    type Err = Error;

    /// Reads `auto`, `always` or `never`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let known = ISOLATIONS.iter().find(|(name, _)| *name == text);
        known.map(|(_, isolation)| *isolation).ok_or_else(|| Error::InvalidOption {
            name: "isolation".to_owned(),
            reason: format!("found `{text}`, expected auto, always or never"),
            nearest: None,
        })
    }
}

/// No panic happens while a lock is held, and if one did, the state would still be whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
