//! [`Registry`]: from directories to providers.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use ketch_core::Provider;

use crate::{
    Candidate, Error, Event, Isolation, Limits, Refusal, Result, SearchDirectory, SearchPath,
    State,
    accounts::ActiveAccounts,
    check::{self, RESERVED},
    host::{HostObject, Listeners},
    isolate, load,
    search_path::Origin,
};

/// Another name of a provider, from the system that Ketch is modelled on.
pub(crate) const ALIASES: [(&str, &str); 1] = [("aer", "local")];

/// The plugins of a search path. Shared freely between threads.
///
/// Looking at the files is done once, by [`discover`](Self::discover); a plugin's code runs when
/// its provider is first asked for.
#[derive(Debug)]
pub struct Registry {
    search_path: SearchPath,
    candidates: Vec<Candidate>,
    slots: HashMap<String, Slot>,
    listeners: Listeners,
    accounts: ActiveAccounts,
    isolation: Isolation,
    limits: Limits,
}

/// One accepted plugin.
struct Slot {
    candidate: usize,
    provider: OnceLock<Result<Arc<dyn Provider>, Refusal>>,
}

impl Registry {
    /// Looks through the search path and checks every candidate. Loads nothing, never fails: what
    /// cannot be used stays among the [`candidates`](Self::candidates). Blocks while files are
    /// read.
    #[must_use]
    pub fn discover(search_path: &SearchPath) -> Self {
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut slots: HashMap<String, Slot> = HashMap::new();
        let mut seen = Vec::new();
        for directory in &search_path.directories {
            for path in files(directory) {
                // The same directory may be reached by two names.
                let real = path.canonicalize().unwrap_or_else(|_| path.clone());
                if seen.contains(&real) {
                    continue;
                }
                seen.push(real);
                let mut candidate = check::check(&path, directory.origin);
                if let (State::Ready, Some(manifest)) = (&candidate.state, &candidate.manifest) {
                    match slots.get(&manifest.id) {
                        Some(earlier) => {
                            let by = candidates[earlier.candidate].path.clone();
                            candidate.state = State::Shadowed { by };
                        }
                        None => {
                            let slot =
                                Slot { candidate: candidates.len(), provider: OnceLock::new() };
                            slots.insert(manifest.id.clone(), slot);
                        }
                    }
                }
                candidates.push(candidate);
            }
        }
        Self {
            search_path: search_path.clone(),
            candidates,
            slots,
            listeners: Listeners::default(),
            accounts: ActiveAccounts::default(),
            isolation: Isolation::default(),
            limits: Limits::default(),
        }
    }

    /// Chooses which plugins run in processes of their own; all but those of the installation,
    /// unless this says otherwise.
    #[must_use]
    pub fn with_isolation(self, isolation: Isolation) -> Self {
        Self { isolation, ..self }
    }

    /// Chooses what plugins in processes of their own may use, and how long their calls may take.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The directories that were searched.
    #[must_use]
    pub fn search_path(&self) -> &SearchPath {
        &self.search_path
    }

    /// Every file that was looked at, in search order.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The ids of the accepted plugins, in search order.
    #[must_use]
    pub fn provider_ids(&self) -> Vec<&str> {
        let mut slots: Vec<(&String, &Slot)> = self.slots.iter().collect();
        slots.sort_by_key(|(_, slot)| slot.candidate);
        slots.into_iter().map(|(id, _)| id.as_str()).collect()
    }

    /// The provider with this id, or an alias of it. Loads the plugin the first time, which blocks
    /// for some milliseconds; in a process of its own unless it belongs to the installation or
    /// [`with_isolation`](Self::with_isolation) says otherwise.
    ///
    /// # Errors
    /// If there is no such provider, or its plugin cannot be loaded; every further call says the
    /// same then.
    pub fn provider(&self, id: &str) -> Result<Arc<dyn Provider>> {
        let id = ALIASES.iter().find(|(alias, _)| *alias == id).map_or(id, |(_, id)| id);
        let Some(slot) = self.slots.get(id) else { return Err(self.no_provider(id)) };
        let candidate = &self.candidates[slot.candidate];
        let provider = slot.provider.get_or_init(|| {
            let manifest = candidate.manifest.as_ref().expect("an accepted plugin has a manifest");
            let host = Arc::new(HostObject {
                provider: manifest.id.clone(),
                listeners: self.listeners.clone(),
                accounts: self.accounts.clone(),
            });
            let is_isolated = match self.isolation {
                // The checks accept these ids from the installation and --plugin-dir only.
                Isolation::Automatic => !RESERVED.contains(&id),
                Isolation::Always => true,
                Isolation::Never => false,
            };
            match is_isolated {
                true => isolate::provider(&candidate.path, manifest, host, self.limits.clone()),
                false => load::load(&candidate.path, manifest, host),
            }
        });
        provider.clone().map_err(|refusal| Error::Plugin { refusal })
    }

    /// Calls `listener` with whatever providers tell from now on, on their threads. It must not
    /// block, nor call a provider.
    pub fn listen(&self, listener: impl Fn(Event) + Send + Sync + 'static) {
        self.listeners.add(listener);
    }

    /// The accounts that providers are told of when they ask; none until some are
    /// [loaded](ActiveAccounts::load) or [enabled](ActiveAccounts::enable).
    #[must_use]
    pub fn accounts(&self) -> &ActiveAccounts {
        &self.accounts
    }

    /// Why there is no such provider: it was refused, there is none at all, or only others.
    fn no_provider(&self, id: &str) -> Error {
        let refused = |candidate: &Candidate| match (&candidate.state, &candidate.manifest) {
            (State::Refused(refusal), Some(manifest)) if manifest.id == id => Some(refusal.clone()),
            _ => None,
        };
        match self.candidates.iter().find_map(refused) {
            Some(refusal) => Error::Plugin { refusal },
            None if self.slots.is_empty() => self.no_plugin(),
            None => {
                let known = self.provider_ids().into_iter().map(str::to_owned).collect();
                Error::UnknownProvider { id: id.to_owned(), known }
            }
        }
    }

    pub(crate) fn no_plugin(&self) -> Error {
        let refused = self.candidates.iter().filter_map(|candidate| match &candidate.state {
            State::Refused(refusal) => Some(refusal.clone()),
            _ => None,
        });
        Error::NoPlugin {
            searched: self.search_path.directories.clone(),
            refused: refused.collect(),
        }
    }
}

/// The files of a directory that may be plugins, by name. Beside the executable lies much else, so
/// only what is named like a plugin counts there.
fn files(directory: &SearchDirectory) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(&directory.path) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            // A name need not be text to be one.
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            let prefix = match directory.origin {
                Origin::Executable => "libketch_provider_",
                _ => "",
            };
            name.ends_with(b".so") && name.starts_with(prefix.as_bytes()) && !name.starts_with(b".")
        })
        .collect();
    files.sort();
    files
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("candidate", &self.candidate).finish_non_exhaustive()
    }
}
