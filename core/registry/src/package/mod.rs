//! Packages: a plugin in one file that says what is in it, to be passed on and installed.
//!
//! A package is a tar archive, compressed with gzip: first [`CONTENTS`], a JSON document that names
//! every other file with its size and SHA-256, then those files. Nothing of a package is believed
//! before it was compared with that document, and nothing of it is run before the library passed
//! the checks that every plugin passes.

mod install;
mod pack;
mod unpack;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{Error, Manifest, Refusal, check};

pub use ketch_abi::is_plain_id;

pub use crate::check::RESERVED;
pub use install::{Installed, Removed, install, remove};
pub use pack::pack;

/// The first entry of a package.
pub const CONTENTS: &str = "ketch-package.json";

/// The schema of [`Contents`].
pub const SCHEMA: &str = "ketch.package/1";

/// No list of contents is longer.
const MAX_CONTENTS: u64 = 64 << 10;

/// What a package says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contents {
    /// [`SCHEMA`].
    pub schema: String,
    /// The provider's id.
    pub id: String,
    /// The plugin's version.
    pub version: String,
    /// The machine it was built for.
    pub target: String,
    /// The files, in the order in which they follow.
    pub files: Vec<PackedFile>,
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PackedFile {
    /// Its name, without any directory.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Its digest, in hexadecimal.
    pub sha256: String,
}

/// Why a plugin cannot be packed, installed or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum PackageError {
    #[error("cannot {what} `{}`", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is no package to install: found {found}, expected {expected}", path.display())]
    Refused { path: PathBuf, found: String, expected: String },
    #[error("{0}")]
    Plugin(Refusal),
    #[error("provider `{id}` is installed with another file, or another has its place: {}", path.display())]
    Exists { id: String, path: PathBuf },
    #[error("provider `{id}` is not installed in {}", directory.display())]
    NotInstalled { id: String, directory: PathBuf },
    #[error("there is no home to install plugins in")]
    NoHome,
    #[error("the plugin does not start")]
    Probe(#[source] Error),
    #[error("the plugin is in place and could not be accepted")]
    Trust(#[source] Error),
    #[error("provider `{id}` is not removed: what was accepted of it cannot be forgotten")]
    Forget {
        id: String,
        #[source]
        source: Error,
    },
}

impl PackageError {
    /// The stable word for machines.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "input.not_found"
            }
            Self::Io { .. } => "package.io",
            Self::Refused { .. } => "package.refused",
            Self::Plugin(_) => "plugin.refused",
            Self::Exists { .. } => "package.exists",
            Self::NotInstalled { .. } => "provider.not_found",
            Self::NoHome => "package.no_home",
            Self::Probe(error) | Self::Trust(error) | Self::Forget { source: error, .. } => {
                error.code()
            }
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { .. } => Some("ask its author for the file again".to_owned()),
            Self::Exists { .. } => Some("--replace puts this one in its place".to_owned()),
            Self::NotInstalled { .. } => {
                Some("`ketch providers` shows where each plugin lies".to_owned())
            }
            Self::NoHome => Some("set HOME, or XDG_DATA_HOME and XDG_CONFIG_HOME".to_owned()),
            Self::Probe(error) | Self::Trust(error) | Self::Forget { source: error, .. } => {
                error.hint()
            }
            Self::Io { .. } | Self::Plugin(_) => None,
        }
    }
}

/// The file names in a package of this provider: the library, and what may lie beside it.
fn names(id: &str) -> [String; 2] {
    [format!("libketch_provider_{id}.so"), format!("libketch_provider_{id}.json")]
}

/// The manifest of a library that passes every check that depends on its bytes, and has an id of
/// its own: no other can be installed.
fn accepted(library: &Path) -> Result<Manifest, PackageError> {
    let inspected = check::inspect(library, false);
    if let Some(refusal) = inspected.refusal {
        return Err(PackageError::Plugin(refusal));
    }
    let manifest = inspected.manifest.expect("what was not refused has a manifest");
    if !check::is_third_party(&manifest.id) {
        return Err(PackageError::Plugin(Refusal {
            path: library.to_owned(),
            step: "id",
            found: format!("the reserved id `{}`", manifest.id),
            expected: "an id of its own outside the installation".to_owned(),
            fix: "choose another id".to_owned(),
            details: None,
        }));
    }
    Ok(manifest)
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PackageError {
    let path = path.to_owned();
    move |source| PackageError::Io { what, path, source }
}
