//! [`Registry`]: from directories to providers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ketch_core::Provider;

use crate::{
    Candidate, Error, Event, Isolation, Limits, Result, SearchPath, State,
    accounts::ActiveAccounts,
    cache::Cache,
    lock_file::LockFile,
    scan::{Snapshot, scan},
    slot::{Slot, Surroundings},
};

/// Another name of a provider, from the system that Ketch is modelled on.
pub(crate) const ALIASES: [(&str, &str); 1] = [("aer", "local")];

/// The plugins of a search path. Shared freely between threads.
///
/// Every call looks whether files were added, replaced or removed since the last one, which takes
/// one question to the file system for each. Providers that were handed out go on with the file
/// that they were loaded from.
#[derive(Debug)]
pub struct Registry {
    search_path: SearchPath,
    lock_file: Option<LockFile>,
    pub(crate) seen: Mutex<Seen>,
    pub(crate) around: Surroundings,
}

/// What is known of the files.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) cache: Cache,
    snapshot: Option<Arc<Snapshot>>,
}

impl Seen {
    /// Something was learned that is not in the files: the next question scans again.
    pub(crate) fn look_again(&mut self) {
        if let Some(snapshot) = &mut self.snapshot {
            *snapshot = Arc::new(snapshot.unsettled());
        }
    }

    /// The plugin was pinned by this process, when it was first seen.
    pub(crate) fn has_pinned(&self, slot: &Slot) -> bool {
        let snapshot = self.snapshot.as_ref();
        snapshot.is_some_and(|snapshot| snapshot.pinned.iter().any(|id| id == slot.id()))
    }

    /// This very plugin is still among those that may be used.
    pub(crate) fn holds(&self, slot: &Arc<Slot>) -> bool {
        let snapshot = self.snapshot.as_ref();
        snapshot.is_some_and(|snapshot| snapshot.slots.iter().any(|own| Arc::ptr_eq(own, slot)))
    }
}

impl Registry {
    /// Looks through the search path and checks every candidate. Loads nothing, never fails: what
    /// cannot be used stays among the [`candidates`](Self::candidates). Blocks while files are
    /// read.
    ///
    /// What was found is remembered in the user's cache directory, and the files of third parties
    /// are pinned in the user's lock file. A search path of [nothing but named
    /// directories](SearchPath::only) keeps no such records.
    #[must_use]
    pub fn discover(search_path: &SearchPath) -> Self {
        let kept = search_path.is_standard();
        let lock_file = if kept { LockFile::standard() } else { None };
        Self::new(search_path, if kept { Cache::standard() } else { Cache::default() }, lock_file)
    }

    /// As [`discover`](Self::discover), for files that are [named](SearchPath::only) one by one: one
    /// that the user has accepted is told its accounts and keeps its terms, as it does where it is
    /// installed. Nothing is pinned or remembered.
    #[must_use]
    pub fn discover_named(search_path: &SearchPath) -> Self {
        Self::new(search_path, Cache::default(), LockFile::standard())
    }

    /// As [`discover`](Self::discover), but checks every file anew instead of believing what is
    /// known from earlier times.
    #[must_use]
    pub fn discover_anew(search_path: &SearchPath) -> Self {
        let mut cache =
            if search_path.is_standard() { Cache::standard() } else { Cache::default() };
        cache.forget();
        let lock_file = if search_path.is_standard() { LockFile::standard() } else { None };
        Self::new(search_path, cache, lock_file)
    }

    fn new(search_path: &SearchPath, cache: Cache, lock_file: Option<LockFile>) -> Self {
        let registry = Self {
            search_path: search_path.clone(),
            lock_file,
            seen: Mutex::new(Seen { cache, snapshot: None }),
            around: Surroundings::default(),
        };
        registry.snapshot();
        registry
    }

    /// Chooses which plugins run in processes of their own; all but those of the installation,
    /// unless this, or the user's lock file for a provider, says otherwise.
    #[must_use]
    pub fn with_isolation(self, isolation: Isolation) -> Self {
        let around = Surroundings { isolation, ..self.around };
        Self { around, ..self }
    }

    /// Chooses what plugins in processes of their own may use, and how long their calls may take;
    /// the user's lock file may say otherwise for a provider.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        let around = Surroundings { limits, ..self.around };
        Self { around, ..self }
    }

    /// The plugins as they are now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        let Seen { cache, snapshot } = &mut *self.seen();
        let now = scan(&self.search_path, snapshot.as_ref(), cache, self.lock_file.as_ref());
        *snapshot = Some(Arc::clone(&now));
        now
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_file(&self) -> Option<&LockFile> {
        self.lock_file.as_ref()
    }

    /// The directories that are searched.
    #[must_use]
    pub fn search_path(&self) -> &SearchPath {
        &self.search_path
    }

    /// Every file that there is to look at, in search order.
    #[must_use]
    pub fn candidates(&self) -> Vec<Arc<Candidate>> {
        self.snapshot().candidates.clone()
    }

    /// The ids of the accepted plugins, in search order.
    #[must_use]
    pub fn provider_ids(&self) -> Vec<String> {
        self.snapshot().slots.iter().map(|slot| slot.id().to_owned()).collect()
    }

    /// Whether the plugin of this provider runs in a process of its own; `None` if there is no
    /// accepted plugin with this id.
    #[must_use]
    pub fn is_isolated(&self, id: &str) -> Option<bool> {
        let snapshot = self.snapshot();
        snapshot.slot(id).map(|slot| slot.is_isolated(self.around.isolation))
    }

    /// The provider with this id, or an alias of it. Loads the plugin the first time, which blocks
    /// for some milliseconds; in a process of its own unless it belongs to the installation or
    /// [`with_isolation`](Self::with_isolation) says otherwise.
    ///
    /// # Errors
    /// If there is no such provider, or its plugin cannot be loaded; every further call says the
    /// same then, until the file is another one.
    pub fn provider(&self, id: &str) -> Result<Arc<dyn Provider>> {
        let id = ALIASES.iter().find(|(alias, _)| *alias == id).map_or(id, |(_, id)| id);
        let snapshot = self.snapshot();
        let Some(slot) = snapshot.slot(id) else { return Err(self.no_provider(id)) };
        slot.provider(&self.around).map_err(|refusal| Error::Plugin { refusal })
    }

    /// Calls `listener` with whatever providers tell from now on, on their threads. It must not
    /// block, nor call a provider.
    pub fn listen(&self, listener: impl Fn(Event) + Send + Sync + 'static) {
        self.around.listeners.add(listener);
    }

    /// The accounts that providers are told of when they ask; none until some are
    /// [loaded](ActiveAccounts::load) or [enabled](ActiveAccounts::enable).
    #[must_use]
    pub fn accounts(&self) -> &ActiveAccounts {
        &self.around.accounts
    }

    /// Why there is no such provider: it was refused, there is none at all, or only others.
    pub(crate) fn no_provider(&self, id: &str) -> Error {
        let refused = |candidate: &Arc<Candidate>| match (&candidate.state, &candidate.manifest) {
            (State::Refused(refusal), Some(manifest)) if manifest.id == id => Some(refusal.clone()),
            _ => None,
        };
        let snapshot = self.snapshot();
        match snapshot.candidates.iter().find_map(refused) {
            Some(refusal) => Error::Plugin { refusal },
            None if snapshot.slots.is_empty() => self.no_plugin(),
            None => Error::UnknownProvider { id: id.to_owned(), known: self.provider_ids() },
        }
    }

    pub(crate) fn no_plugin(&self) -> Error {
        let candidates = self.candidates();
        let refused = candidates.iter().filter_map(|candidate| match &candidate.state {
            State::Refused(refusal) => Some(refusal.clone()),
            _ => None,
        });
        Error::NoPlugin {
            searched: self.search_path.directories.clone(),
            refused: refused.collect(),
        }
    }
}
