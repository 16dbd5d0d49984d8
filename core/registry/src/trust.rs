//! What the user decides about a third party's plugin.

use crate::{
    Candidate, Error, Registry, Result, State,
    cache::PROBE,
    check::is_third_party,
    lock_file::{Pin, Terms},
    scan::LOCK,
    stamp::digest_of,
};

impl Registry {
    /// Accepts the file that a provider's plugin is now, and sets how it is to be run; what is
    /// `None` in the terms stays as it was. A provider of the installation needs no trust, but may
    /// be given terms. Returns the file. Blocks while it is read.
    ///
    /// # Errors
    /// If there is no such plugin, it was refused for another reason, it is named by
    /// `--plugin-dir` alone, or the lock file cannot be written.
    pub fn trust(&self, id: &str, terms: &Terms) -> Result<std::path::PathBuf> {
        let candidate = self.acceptable(id)?;
        let pin = if is_third_party(id) {
            let sha256 = digest_of(&candidate.path).map_err(|error| self.unread(error))?;
            Some(Pin::now(&sha256, &candidate.path))
        } else if *terms == Terms::default() {
            let reason = "it is part of the installation".to_owned();
            return Err(Error::NothingToTrust { id: id.to_owned(), reason });
        } else {
            None
        };
        self.change(id, |known| {
            if let Some(pin) = pin {
                *known = Pin { terms: known.terms.clone(), extra: known.extra.clone(), ..pin };
            }
            known.terms.update(terms);
        })?;
        // With other limits it may answer.
        let mut seen = self.seen();
        seen.cache.forget_probe(&candidate.path);
        seen.cache.save();
        seen.look_again();
        Ok(candidate.path.clone())
    }

    /// Remembers that the user was asked about the file that a provider's plugin is now, and did
    /// not accept it. Blocks while it is read.
    ///
    /// # Errors
    /// As [`trust`](Self::trust).
    pub fn decline(&self, id: &str) -> Result<()> {
        let candidate = self.acceptable(id)?;
        let sha256 = digest_of(&candidate.path).map_err(|error| self.unread(error))?;
        self.change(id, |known| known.declined = Some(sha256))
    }

    /// The plugins whose files are others than the user accepted, and about which the user was not
    /// asked yet. Blocks while they are read.
    #[must_use]
    pub fn undecided(&self) -> Vec<std::sync::Arc<Candidate>> {
        let Some(pins) = self.lock_file().and_then(|file| file.read().ok()) else {
            return Vec::new();
        };
        let mut candidates = self.candidates();
        candidates.retain(|candidate| {
            let State::Refused(refusal) = &candidate.state else { return false };
            let id = candidate.manifest.as_ref().map(|manifest| &manifest.id);
            let Some(pin) = id.and_then(|id| pins.get(id)) else { return false };
            let declined = pin.declined.as_deref();
            refusal.step == LOCK
                && (declined.is_none() || declined != digest_of(&candidate.path).ok().as_deref())
        });
        candidates
    }

    /// The first plugin with this id that nothing but the lock file, or its own answer, speaks
    /// against.
    fn acceptable(&self, id: &str) -> Result<std::sync::Arc<Candidate>> {
        let of_id = |candidate: &&std::sync::Arc<Candidate>| {
            candidate.manifest.as_ref().is_some_and(|manifest| manifest.id == id)
        };
        let candidates = self.candidates();
        let may_be = |candidate: &&std::sync::Arc<Candidate>| match &candidate.state {
            State::Ready => true,
            State::Shadowed { .. } => false,
            State::Refused(refusal) => [LOCK, PROBE].contains(&refusal.step),
        };
        let found = candidates.iter().filter(of_id).find(may_be);
        match found {
            Some(candidate) => Ok(std::sync::Arc::clone(candidate)),
            None => Err(self.no_provider(id)),
        }
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Pin)) -> Result<()> {
        let Some(lock_file) = self.lock_file() else {
            let reason = "there is no home to keep that in".to_owned();
            return Err(Error::NothingToTrust { id: id.to_owned(), reason });
        };
        lock_file.change(|pins| change(pins.entry(id.to_owned()).or_default()))?;
        Ok(())
    }

    fn unread(&self, error: std::io::Error) -> Error {
        let path = self.lock_file().map(|file| file.path().to_owned()).unwrap_or_default();
        let fix = "check the permissions of the plugin's file".to_owned();
        Error::LockFile { path, what: "change", reason: error.to_string(), fix }
    }
}

impl Terms {
    /// With what the others say.
    fn update(&mut self, others: &Self) {
        let Self { isolation, memory, cpu_seconds, open_files } = others.clone();
        self.isolation = isolation.or(self.isolation);
        self.memory = memory.or(self.memory);
        self.cpu_seconds = cpu_seconds.or(self.cpu_seconds);
        self.open_files = open_files.or(self.open_files);
    }
}
