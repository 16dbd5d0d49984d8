//! From directories to candidates, again and again: a file that is added, replaced or removed
//! while a program runs is noticed when it next asks.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use crate::{
    Candidate, Origin, Refusal, SearchDirectory, SearchPath, State, Step,
    cache::{Cache, PROBE, Probe},
    check,
    lock_file::{LockFile, Pin, Pins, Terms},
    slot::Slot,
    stamp::Stamp,
};

/// The step in which a third party's file is compared with the one that the user accepted.
pub(crate) const LOCK: &str = "lock";

/// What a search path holds at one time.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// Every file that was looked at, in search order.
    pub(crate) candidates: Vec<Arc<Candidate>>,
    /// The accepted ones, in search order.
    pub(crate) slots: Vec<Arc<Slot>>,
    /// The ids that were pinned when these files were first seen, by this process.
    pub(crate) pinned: Vec<String>,
    fingerprint: Fingerprint,
    /// Another state would have another fingerprint.
    settled: bool,
}

/// All that decides what a scan finds, without reading any file.
#[derive(Clone, Debug, PartialEq)]
struct Fingerprint {
    directories: Vec<Listed>,
    files: Vec<File>,
    lock_file: Option<Stamp>,
}

/// The files of a directory that may be plugins.
#[derive(Clone, Debug, PartialEq)]
struct Listed {
    stamp: Option<Stamp>,
    files: Vec<PathBuf>,
}

/// A file that may be a plugin.
#[derive(Clone, Debug, PartialEq)]
struct File {
    path: PathBuf,
    origin: Origin,
    stamp: Option<Stamp>,
    /// Of the manifest beside it.
    beside: Option<Stamp>,
}

/// The search path as it is now; the previous snapshot itself if nothing changed.
pub(crate) fn scan(
    search_path: &SearchPath,
    previous: Option<&Arc<Snapshot>>,
    cache: &mut Cache,
    lock_file: Option<&LockFile>,
) -> Arc<Snapshot> {
    let now = SystemTime::now();
    let before = previous.map(|snapshot| &snapshot.fingerprint.directories);
    let fingerprint = Fingerprint::of(search_path, before, lock_file, now);
    if let Some(previous) = previous
        && previous.settled
        && previous.fingerprint == fingerprint
    {
        return Arc::clone(previous);
    }
    let mut scan = Scan {
        previous,
        cache,
        pins: Pinned::read(lock_file),
        candidates: Vec::new(),
        slots: Vec::new(),
    };
    fingerprint.files.iter().for_each(|file| scan.look_at(file));
    let mut pinned = previous.map_or_else(Vec::new, |previous| previous.pinned.clone());
    pinned.extend(scan.pins.write(lock_file, &mut scan.candidates, &mut scan.slots));
    let Scan { candidates, slots, .. } = scan;
    let mut snapshot = Snapshot {
        candidates: candidates.into_iter().map(Arc::new).collect(),
        slots: slots.into_iter().map(|(_, slot)| slot).collect(),
        pinned,
        settled: fingerprint.is_settled(now),
        fingerprint,
    };
    snapshot.fingerprint.lock_file = stamp_of(lock_file);
    cache.save();
    Arc::new(snapshot)
}

impl Snapshot {
    /// The same, to be looked at again.
    pub(crate) fn unsettled(&self) -> Self {
        Self { settled: false, ..self.clone() }
    }

    /// The accepted plugin with this id.
    pub(crate) fn slot(&self, id: &str) -> Option<&Arc<Slot>> {
        self.slots.iter().find(|slot| slot.id() == id)
    }
}

impl Fingerprint {
    fn of(
        search_path: &SearchPath,
        before: Option<&Vec<Listed>>,
        lock_file: Option<&LockFile>,
        now: SystemTime,
    ) -> Self {
        let mut directories = Vec::new();
        let mut files: Vec<File> = Vec::new();
        let mut seen = Vec::new();
        for (place, directory) in search_path.directories.iter().enumerate() {
            let before = before.and_then(|before| before.get(place));
            let listed = Listed::of(directory, before, now);
            for path in &listed.files {
                // The same directory may be reached by two names.
                let real = path.canonicalize().unwrap_or_else(|_| path.clone());
                if seen.contains(&real) {
                    continue;
                }
                seen.push(real);
                files.push(File {
                    path: path.clone(),
                    origin: directory.origin,
                    stamp: Stamp::at(path).ok(),
                    beside: Stamp::at(&path.with_extension("json")).ok(),
                });
            }
            directories.push(listed);
        }
        Self { directories, files, lock_file: stamp_of(lock_file) }
    }

    fn is_settled(&self, now: SystemTime) -> bool {
        let directories = self.directories.iter().filter_map(|listed| listed.stamp);
        let files = self.files.iter().flat_map(|file| [file.stamp, file.beside]).flatten();
        directories.chain(files).chain(self.lock_file).all(|stamp| stamp.is_settled(now))
    }
}

impl Listed {
    fn of(directory: &SearchDirectory, before: Option<&Self>, now: SystemTime) -> Self {
        let stamp = Stamp::at(&directory.path).ok();
        match before {
            Some(before) if before.stamp == stamp && stamp.is_none_or(|s| s.is_settled(now)) => {
                before.clone()
            }
            _ => Self { stamp, files: files(directory) },
        }
    }
}

/// A scan under way.
struct Scan<'a> {
    previous: Option<&'a Arc<Snapshot>>,
    cache: &'a mut Cache,
    pins: Pinned,
    candidates: Vec<Candidate>,
    /// With the place of the candidate.
    slots: Vec<(usize, Arc<Slot>)>,
}

impl Scan<'_> {
    fn look_at(&mut self, file: &File) {
        let mut candidate = Candidate {
            path: file.path.clone(),
            origin: file.origin,
            manifest: None,
            state: State::Ready,
            steps: Vec::new(),
            trusted: false,
        };
        match self.accept(file, &mut candidate) {
            Ok(None) => {}
            Ok(Some(slot)) => self.slots.push((self.candidates.len(), slot)),
            Err(refusal) => candidate.state = State::Refused(refusal),
        }
        self.candidates.push(candidate);
    }

    /// Gives the slot of a plugin that may be used, and nothing for one that stands back.
    fn accept(
        &mut self,
        file: &File,
        candidate: &mut Candidate,
    ) -> Result<Option<Arc<Slot>>, Refusal> {
        let File { path, origin, stamp, beside } = file;
        let known = stamp.and_then(|stamp| self.cache.known(path, stamp, *beside));
        let unchanged = known.is_some();
        let (manifest, sha256) = match known {
            Some(known) => {
                candidate.steps = known.steps();
                (known.manifest.clone(), known.sha256.clone())
            }
            None => {
                let inspected = match stamp {
                    Some(stamp) => self.cache.inspect(path, *stamp, *beside),
                    // It cannot be read, and this says why.
                    None => check::inspect(path, false),
                };
                candidate.steps = inspected.steps;
                candidate.manifest = inspected.manifest.clone();
                match (inspected.refusal, inspected.manifest) {
                    (Some(refusal), _) => return Err(refusal),
                    (None, manifest) => {
                        (manifest.expect("what was not refused has one"), inspected.sha256)
                    }
                }
            }
        };
        candidate.manifest = Some(manifest.clone());
        check::admit(path, *origin, &manifest.id, &mut candidate.steps)?;
        if let Some((place, _)) = self.slots.iter().find(|(_, slot)| slot.id() == manifest.id) {
            candidate.state = State::Shadowed { by: self.candidates[*place].path.clone() };
            return Ok(None);
        }
        let terms = self.pins.judge(candidate, &manifest.id, sha256.as_deref())?;
        if let Err(refusal) = self.probed(candidate) {
            self.pins.new.retain(|(new, _)| *new != manifest.id);
            return Err(refusal);
        }
        let before = self.previous.filter(|_| unchanged).and_then(|previous| {
            let same =
                |slot: &&Arc<Slot>| slot.path() == path && slot.is_like(candidate.trusted, &terms);
            previous.slots.iter().find(same)
        });
        Ok(Some(match before {
            Some(slot) => Arc::clone(slot),
            None => Arc::new(Slot::new(path, manifest, sha256, candidate.trusted, terms)),
        }))
    }

    /// What came of asking it for its backends, if that was done.
    fn probed(&self, candidate: &mut Candidate) -> Result<(), Refusal> {
        let Some(known) = self.cache.last(&candidate.path) else { return Ok(()) };
        let refusal = known.probe.as_ref().and_then(|probe| probe.refusal(&candidate.path));
        let outcome = match (&known.probe, &refusal) {
            (None, _) => return Ok(()),
            (Some(Probe::Backends { backends, .. }), _) => match backends.len() {
                1 => "1 backend".to_owned(),
                number => format!("{number} backends"),
            },
            (Some(Probe::Refused { found, .. }), _) => format!("refused: found {found}"),
        };
        candidate.steps.push(Step { name: PROBE, outcome, took: known.probe_took });
        refusal.map_or(Ok(()), Err)
    }
}

/// The lock file during a scan.
struct Pinned {
    /// Or why it cannot be read, and what to do about it.
    pins: Result<Pins, (String, String)>,
    /// There is a place for one.
    kept: bool,
    /// The candidates that are to be pinned, by id.
    new: Vec<(String, Pin)>,
}

impl Pinned {
    fn read(lock_file: Option<&LockFile>) -> Self {
        let pins = match lock_file.map(LockFile::read) {
            None => Ok(Pins::new()),
            Some(read) => read.map_err(|error| (error.to_string(), error.fix())),
        };
        Self { pins, kept: lock_file.is_some(), new: Vec::new() }
    }

    /// Whether the user has accepted this file, and how it is to be run. A file that is new is
    /// noted to be pinned.
    fn judge(
        &mut self,
        candidate: &mut Candidate,
        id: &str,
        sha256: Option<&str>,
    ) -> Result<Terms, Refusal> {
        let third_party = check::is_third_party(id);
        let mut refuse = |found: String, expected: String, fix: String| {
            let outcome = format!("refused: found {found}");
            candidate.steps.push(Step { name: LOCK, outcome, took: None });
            let path = candidate.path.clone();
            Err(Refusal { path, step: LOCK, found, expected, fix, details: None })
        };
        let pins = match &self.pins {
            Ok(pins) => pins,
            // The installation works without.
            Err(_) if !third_party => {
                candidate.trusted = true;
                return Ok(Terms::default());
            }
            Err((reason, fix)) => {
                let expected = "a lock file that says which plugins are yours".to_owned();
                return refuse(reason.clone(), expected, fix.clone());
            }
        };
        let pin = pins.get(id);
        if !third_party {
            candidate.trusted = true;
            return Ok(pin.map(|pin| pin.terms.clone()).unwrap_or_default());
        }
        let sha256 = sha256.expect("a third party's file was hashed");
        let pinned = pin.and_then(|pin| pin.sha256.as_deref());
        let from_flag = candidate.origin == Origin::Flag;
        let outcome = match pinned {
            Some(pinned) if pinned == sha256 => {
                candidate.trusted = true;
                "the file that was accepted".to_owned()
            }
            _ if from_flag => "not pinned, since --plugin-dir names it".to_owned(),
            Some(pinned) => {
                let found = format!("another file than the one accepted ({})", short(sha256));
                let fix = format!("`ketch provider trust {id}` accepts it, if you know it");
                return refuse(found, format!("the accepted one ({})", short(pinned)), fix);
            }
            // Whoever can change it there can change the program.
            None if candidate.origin == Origin::Executable => {
                candidate.trusted = true;
                "not pinned, since it lies beside the program".to_owned()
            }
            None if self.kept => {
                // Its steps are completed once that is done.
                candidate.trusted = true;
                self.new.push((id.to_owned(), Pin::now(sha256, &candidate.path)));
                return Ok(pin.map(|pin| pin.terms.clone()).unwrap_or_default());
            }
            None => "not pinned: there is no home to keep that in".to_owned(),
        };
        let terms = pin.filter(|_| candidate.trusted).map(|pin| pin.terms.clone());
        candidate.steps.push(Step { name: LOCK, outcome, took: None });
        Ok(terms.unwrap_or_default())
    }

    /// Pins what is new, and says which ids that are. A file that cannot be pinned is used all the
    /// same, without trust.
    fn write(
        self,
        lock_file: Option<&LockFile>,
        candidates: &mut [Candidate],
        slots: &mut [(usize, Arc<Slot>)],
    ) -> Vec<String> {
        let Some(lock_file) = lock_file.filter(|_| !self.new.is_empty()) else {
            return Vec::new();
        };
        let written = lock_file.change(|pins| {
            for (id, pin) in &self.new {
                let entry = pins.entry(id.clone()).or_default();
                if entry.sha256.is_none() {
                    *entry = Pin { terms: entry.terms.clone(), ..pin.clone() };
                }
            }
        });
        for (place, slot) in slots {
            let Some((id, pin)) = self.new.iter().find(|(id, _)| id == slot.id()) else {
                continue;
            };
            let outcome = match &written {
                // Another process may have pinned another file in between.
                Ok(pins) if pins[id].sha256 == pin.sha256 => "new; accepted from now on".to_owned(),
                Ok(_) => "not pinned: another file was, at the same time".to_owned(),
                Err(error) => format!("not pinned: {error}"),
            };
            let candidate = &mut candidates[*place];
            if !outcome.starts_with("new") {
                candidate.trusted = false;
                *slot = Arc::new(slot.without_trust());
            }
            candidate.steps.push(Step { name: LOCK, outcome, took: None });
        }
        self.new.into_iter().map(|(id, _)| id).collect()
    }
}

/// Enough of a digest to tell two files apart.
fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

fn stamp_of(lock_file: Option<&LockFile>) -> Option<Stamp> {
    Stamp::at(lock_file?.path()).ok()
}

/// The files of a directory that may be plugins, by name; a file that is named in place of a
/// directory stands for itself. Beside the executable lies much else, so
/// only what is named like a plugin counts there.
fn files(directory: &SearchDirectory) -> Vec<PathBuf> {
    if directory.origin == Origin::Flag && directory.path.is_file() {
        return vec![directory.path.clone()];
    }
    let Ok(entries) = fs::read_dir(&directory.path) else { return Vec::new() };
    let prefix = match directory.origin {
        Origin::Executable => "libketch_provider_",
        _ => "",
    };
    let is_plugin = |path: &Path| {
        // A name need not be text to be one.
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        name.ends_with(b".so") && name.starts_with(prefix.as_bytes()) && !name.starts_with(b".")
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = paths.filter(|path| is_plugin(path)).collect();
    files.sort();
    files
}
