//! Finds, checks and loads plugins.
//!
//! *Plugin* is the file, *provider* what it yields, *host* the process that loads it. A
//! [`Registry`] looks through a [`SearchPath`], checks every candidate without running any of its
//! code, and loads a plugin when its provider is first asked for. A file that cannot be used is
//! never hidden: it stays among the [`candidates`](Registry::candidates) with the reason.
//!
//! This crate alone names libloading.

pub mod accounts;
mod backends;
mod c_plugin;
mod cache;
mod candidate;
mod catalogue;
mod check;
mod elf;
mod error;
mod files;
mod host;
mod isolate;
mod load;
mod lock_file;
mod made_from;
pub mod package;
mod permissions;
mod platform;
mod registry;
mod scan;
mod search_path;
mod slot;
mod stamp;
mod trust;

pub use accounts::{Account, AccountError, AccountFilter, AccountStore, ActiveAccounts};
pub use backends::{Listing, QualifiedBackend};
pub use candidate::{Candidate, State, Step};
pub use catalogue::{Catalogue, ListedBackend};
pub use error::{Error, Refusal, Result};
pub use host::Event;
pub use isolate::{Isolation, Limits, run_if_plugin_host};
pub use ketch_abi::Manifest;
pub use lock_file::Terms;
pub use registry::Registry;
pub use search_path::{Origin, SearchDirectory, SearchPath};

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("this release of Ketch runs on Linux on x86-64 only");
