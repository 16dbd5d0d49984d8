//! The first call to a worker: which plugin it is for, and what became of it.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use ketch_abi::{Manifest, message};
use ketch_core::{Buffer, Error, Message, Result};
use serde::{Deserialize, Serialize};

use super::limits::Imposed;
use crate::Refusal;

/// The number of this protocol. The executable of the worker need not be of the host's version.
const PROTOCOL: u32 = 1;

/// Which plugin a worker is for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    protocol: u32,
    pub(super) manifest: Manifest,
    /// What the file must be.
    #[serde(default)]
    pub(super) sha256: Option<String>,
    pub(super) limits: Imposed,
    /// Paths need not be text, so this travels beside the document.
    #[serde(skip)]
    pub(super) path: PathBuf,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Welcome {
    Loaded,
    Refused { step: String, found: String, expected: String, fix: String, details: Option<String> },
}

impl Hello {
    pub(super) fn new(
        path: &Path,
        manifest: &Manifest,
        sha256: Option<String>,
        limits: Imposed,
    ) -> Self {
        let (path, manifest) = (path.to_owned(), manifest.clone());
        Self { protocol: PROTOCOL, manifest, sha256, limits, path }
    }

    pub(super) fn to_message(&self) -> Result<Message> {
        let mut message = message::from_document(self)?;
        let path = self.path.as_os_str().as_bytes().to_vec();
        message.buffers.push(Buffer::Bytes(path.into()));
        Ok(message)
    }

    pub(super) fn from_message(message: &Message) -> Result<Self> {
        let hello: Self = message::to_document(message, "greeting")?;
        let ([Buffer::Bytes(path)], PROTOCOL) = (message.buffers.as_slice(), hello.protocol) else {
            let said = format!(
                "the host speaks protocol {} with its workers, this `ketch` {PROTOCOL}; use both \
                 of one version",
                hello.protocol
            );
            return Err(Error::other("plugin.protocol", said));
        };
        Ok(Self { path: OsStr::from_bytes(path).into(), ..hello })
    }
}

impl Welcome {
    pub(super) fn refused(refusal: Refusal) -> Self {
        let Refusal { step, found, expected, fix, details, .. } = refusal;
        let details = details.map(|details| details.to_string());
        Self::Refused { step: step.to_owned(), found, expected, fix, details }
    }

    /// What a worker said of this file.
    pub(super) fn into_result(self, path: &Path) -> Result<(), Refusal> {
        match self {
            Self::Loaded => Ok(()),
            Self::Refused { step, found, expected, fix, details } => {
                let known = STEPS.iter().find(|known| **known == step);
                Err(Refusal {
                    path: path.to_owned(),
                    step: known.unwrap_or(&"loading"),
                    found,
                    expected,
                    fix,
                    details: details.map(Into::into),
                })
            }
        }
    }
}

/// The steps at which loading can fail.
const STEPS: [&str; 6] = ["file kind", "architecture", "completeness", "loading", "entry", "id"];
