//! One accepted plugin, and its provider once somebody asked for it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use ketch_abi::Manifest;
use ketch_core::Provider;

use crate::{
    Isolation, Limits, Refusal,
    accounts::ActiveAccounts,
    check,
    host::{HostObject, Listeners},
    isolate, load,
    lock_file::Terms,
};

/// One accepted plugin, and its provider once somebody asked for it.
pub(crate) struct Slot {
    path: PathBuf,
    pub(crate) manifest: Manifest,
    /// Of a third party's file, as it was when it was accepted.
    sha256: Option<String>,
    trusted: bool,
    terms: Terms,
    provider: OnceLock<Result<Arc<dyn Provider>, Refusal>>,
}

/// What a plugin is loaded with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) listeners: Listeners,
    pub(crate) accounts: ActiveAccounts,
    pub(crate) isolation: Isolation,
    pub(crate) limits: Limits,
}

impl Slot {
    pub(crate) fn new(
        path: &Path,
        manifest: Manifest,
        sha256: Option<String>,
        trusted: bool,
        terms: Terms,
    ) -> Self {
        Self { path: path.to_owned(), manifest, sha256, trusted, terms, provider: OnceLock::new() }
    }

    /// The same plugin, not opened yet, as one that is told no accounts.
    pub(crate) fn without_trust(&self) -> Self {
        let (sha256, terms) = (self.sha256.clone(), Terms::default());
        Self::new(&self.path, self.manifest.clone(), sha256, false, terms)
    }

    /// The provider's id.
    pub(crate) fn id(&self) -> &str {
        &self.manifest.id
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// It would be run the same way.
    pub(crate) fn is_like(&self, trusted: bool, terms: &Terms) -> bool {
        self.trusted == trusted && self.terms == *terms
    }

    /// Whether its code runs in a process of its own: what the user said of this provider, else
    /// what was said for all, else by whose it is.
    pub(crate) fn is_isolated(&self, usual: Isolation) -> bool {
        match self.terms.isolation.unwrap_or(usual) {
            Isolation::Always => true,
            Isolation::Never => false,
            Isolation::Automatic => check::is_third_party(self.id()),
        }
    }

    /// What its process may use: what the user said of this provider, else what is usual.
    pub(crate) fn limits(&self, usual: &Limits) -> Limits {
        self.terms.limits(usual)
    }

    /// It is open in this process, or was refused when it was to be opened.
    pub(crate) fn opened(&self) -> Option<Result<Arc<dyn Provider>, Refusal>> {
        self.provider.get().cloned()
    }

    /// Its provider, which is made the first time. Every further call says the same.
    pub(crate) fn provider(&self, around: &Surroundings) -> Result<Arc<dyn Provider>, Refusal> {
        self.provider.get_or_init(|| self.open(around)).clone()
    }

    /// Runs the plugin's code for a provider of its own, which is not kept.
    pub(crate) fn open(&self, around: &Surroundings) -> Result<Arc<dyn Provider>, Refusal> {
        self.open_within(around, self.limits(&around.limits))
    }

    /// As [`open`](Self::open), with other limits.
    pub(crate) fn open_within(
        &self,
        around: &Surroundings,
        limits: Limits,
    ) -> Result<Arc<dyn Provider>, Refusal> {
        let host = Arc::new(HostObject {
            provider: self.manifest.id.clone(),
            trusted: self.trusted,
            listeners: around.listeners.clone(),
            accounts: around.accounts.clone(),
        });
        let (path, manifest, sha256) = (&self.path, &self.manifest, self.sha256.as_deref());
        match self.is_isolated(around.isolation) {
            true => isolate::provider(path, manifest, sha256, host, limits),
            false => load::load(path, manifest, sha256, host),
        }
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("path", &self.path).finish_non_exhaustive()
    }
}
