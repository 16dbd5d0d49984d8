//! What is known of plugins from earlier times, so that a list of a hundred needs none of them.
//!
//! An entry is of use while the file's [`Stamp`] is the same and this version of Ketch is; what is
//! in doubt is read again. Nothing is decided here about trust: permissions and the lock file are
//! looked at each time, and a library is checked again when it is loaded.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use ketch_abi::Manifest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Refusal, Step, check, files,
    made_from::MadeFrom,
    stamp::{Stamp, digest_of},
};

const SCHEMA: &str = "ketch.plugin_cache/1";

/// A host of another version may check more, or expect something else.
const HOST: &str = env!("CARGO_PKG_VERSION");

/// More than a thousand plugins with large devices.
const MAX_BYTES: u64 = 64 << 20;

/// The step in which a plugin is asked for its backends.
pub(crate) const PROBE: &str = "probe";

/// What is known of files, in memory and on disk.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// `None`: this process alone remembers.
    path: Option<PathBuf>,
    files: HashMap<PathBuf, Known>,
    changed: bool,
}

/// What is known of a file that holds a plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    path: PathBuf,
    stamp: Stamp,
    /// Of the manifest beside it.
    beside: Option<Stamp>,
    /// The stamps are certain to change with the bytes.
    settled: bool,
    pub(crate) sha256: Option<String>,
    pub(crate) manifest: Manifest,
    steps: Vec<Noted>,
    /// What it said of its backends when it was asked.
    pub(crate) probe: Option<Probe>,
    /// How long it took to ask, in this process.
    #[serde(skip)]
    pub(crate) probe_took: Option<Duration>,
}

/// A step as it was taken then.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Noted {
    name: String,
    outcome: String,
    #[serde(skip)]
    took: Option<Duration>,
}

/// What a plugin said of its backends, or why it did not.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Probe {
    /// They are these.
    Backends {
        /// The state of what the list was made from, besides the plugin: see
        /// [`Manifest::listing_reads`].
        made_from: MadeFrom,
        /// Names, and documents of Qiskit's schema `backend_configuration`.
        backends: Vec<(String, Value)>,
    },
    /// It died, hung, or could not be loaded.
    Refused {
        /// See [`Refusal`].
        found: String,
        /// See [`Refusal`].
        expected: String,
        /// See [`Refusal`].
        fix: String,
        /// It will be so as long as the file is the same. What the plugin itself complained about,
        /// or the system about its libraries, is asked again by the next process.
        #[serde(skip, default = "yes")]
        lasting: bool,
    },
}

/// Only what lasts is written.
fn yes() -> bool {
    true
}

#[derive(Serialize, Deserialize)]
struct Document<T> {
    schema: String,
    host: String,
    files: T,
}

impl Known {
    /// The steps that were taken then.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let names = ["file kind", "manifest", "abi"];
        let steps = self.steps.iter().filter_map(|noted| {
            let name = names.into_iter().find(|known| *known == noted.name)?;
            Some(Step { name, outcome: noted.outcome.clone(), took: noted.took })
        });
        steps.collect()
    }
}

impl Noted {
    fn of(step: &Step) -> Self {
        Self { name: step.name.to_owned(), outcome: step.outcome.clone(), took: step.took }
    }
}

impl Cache {
    /// The user's: `$XDG_CACHE_HOME/ketch/plugins.json`, or below `~/.cache`; in memory alone where
    /// there is no home.
    pub(crate) fn standard() -> Self {
        let directory = files::user_directory("XDG_CACHE_HOME", ".cache");
        directory.map_or_else(Self::default, |directory| Self::at(directory.join("plugins.json")))
    }

    /// What the file holds; nothing if it is missing, damaged, or of another version.
    pub(crate) fn at(path: PathBuf) -> Self {
        let known = Self::read(&path).unwrap_or_default().into_iter();
        let files = known.map(|known| (known.path.clone(), known)).collect();
        Self { path: Some(path), files, changed: false }
    }

    fn read(path: &Path) -> Option<Vec<Known>> {
        let bytes = files::read(path, MAX_BYTES).ok()?;
        let document: Document<Vec<Known>> = serde_json::from_slice(&bytes).ok()?;
        (document.schema == SCHEMA && document.host == HOST).then_some(document.files)
    }

    /// Forgets what came from earlier times.
    pub(crate) fn forget(&mut self) {
        self.files.clear();
    }

    /// What is known of a file that has these stamps now. Where they leave doubt, the file is
    /// hashed.
    pub(crate) fn known(
        &mut self,
        path: &Path,
        stamp: Stamp,
        beside: Option<Stamp>,
    ) -> Option<&Known> {
        let known = self.files.get_mut(path)?;
        if (known.stamp, known.beside) != (stamp, beside) {
            return None;
        }
        if !known.settled {
            let now = SystemTime::now();
            let sha256 = known.sha256.as_deref()?;
            if beside.is_some_and(|beside| !beside.is_settled(now))
                || digest_of(path).ok().as_deref() != Some(sha256)
            {
                return None;
            }
            known.settled = stamp.is_settled(now);
            self.changed |= known.settled;
        }
        Some(known)
    }

    /// Reads a file, and remembers what it is if it holds a plugin of this ABI.
    pub(crate) fn inspect(
        &mut self,
        path: &Path,
        stamp: Stamp,
        beside: Option<Stamp>,
    ) -> check::Inspected {
        let now = SystemTime::now();
        let settled = stamp.is_settled(now) && beside.is_none_or(|beside| beside.is_settled(now));
        let inspected = check::inspect(path, !settled);
        self.files.remove(path);
        let (Some(manifest), None) = (&inspected.manifest, &inspected.refusal) else {
            return inspected;
        };
        // What changed while it was read is looked at again next time.
        if Stamp::at(path).ok() == Some(stamp) {
            let steps = inspected.steps.iter();
            let known = Known {
                path: path.to_owned(),
                stamp,
                beside,
                settled,
                sha256: inspected.sha256.clone(),
                manifest: manifest.clone(),
                steps: steps.map(Noted::of).collect(),
                probe: None,
                probe_took: None,
            };
            self.files.insert(path.to_owned(), known);
            self.changed = true;
        }
        inspected
    }

    /// What is known of a file, without looking whether that is still so.
    pub(crate) fn last(&self, path: &Path) -> Option<&Known> {
        self.files.get(path)
    }

    /// Remembers what the plugin in this file said of its backends, and how long it took; whether
    /// the file is known at all.
    pub(crate) fn remember(&mut self, path: &Path, probe: Probe, took: Duration) -> bool {
        let Some(known) = self.files.get_mut(path) else { return false };
        (known.probe, known.probe_took) = (Some(probe), Some(took));
        self.changed = true;
        true
    }

    /// The plugin in this file is asked again.
    pub(crate) fn forget_probe(&mut self, path: &Path) {
        if let Some(known) = self.files.get_mut(path) {
            self.changed |= known.probe.take().is_some();
        }
    }

    /// Writes what is new to the disk. That it cannot be written costs time at the next start and
    /// nothing else.
    pub(crate) fn save(&mut self) {
        let Some(path) = self.path.as_ref().filter(|_| std::mem::take(&mut self.changed)) else {
            return;
        };
        // JSON holds text, and a path need not be that.
        let kept = |known: &&Known| known.path.to_str().is_some() && known.path.exists();
        let mut files: Vec<Known> = self.files.values().filter(kept).cloned().collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        for known in &mut files {
            known.probe.take_if(|probe| !probe.is_for_later());
        }
        let document = Document { schema: SCHEMA.to_owned(), host: HOST.to_owned(), files };
        if let Ok(text) = serde_json::to_vec(&document) {
            let _ = files::replace(path, &text, false);
        }
    }
}

impl Probe {
    /// A refusal, to be remembered for this process, and for later ones if it is a lasting one.
    pub(crate) fn refused(refusal: &Refusal, lasting: bool) -> Self {
        let Refusal { found, expected, fix, .. } = refusal.clone();
        Self::Refused { found, expected, fix, lasting }
    }

    fn is_for_later(&self) -> bool {
        !matches!(self, Self::Refused { lasting: false, .. })
    }

    /// The refusal that was remembered.
    pub(crate) fn refusal(&self, path: &Path) -> Option<Refusal> {
        let Self::Refused { found, expected, fix, .. } = self.clone() else { return None };
        Some(Refusal { path: path.to_owned(), step: PROBE, found, expected, fix, details: None })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn known(path: &Path) -> Known {
        let manifest =
            br#"{"schema":"ketch.plugin/1","id":"acme","version":"1","abi":1,"target":"t"}"#;
        Known {
            path: path.to_owned(),
            stamp: Stamp::at(path).unwrap(),
            beside: None,
            settled: true,
            sha256: Some(digest_of(path).unwrap()),
            manifest: Manifest::from_bytes(manifest).unwrap(),
            steps: vec![Noted { name: "abi".to_owned(), outcome: "1".to_owned(), took: None }],
            probe: None,
            probe_took: None,
        }
    }

    struct Place {
        _directory: tempfile::TempDir,
        cache: PathBuf,
        plugin: PathBuf,
    }

    /// A cache on disk that knows one file.
    fn place() -> Place {
        let directory = tempfile::tempdir().unwrap();
        let cache = directory.path().join("cache/plugins.json");
        let plugin = directory.path().join("acme.so");
        fs::write(&plugin, "bytes").unwrap();
        let mut first = Cache::at(cache.clone());
        first.files.insert(plugin.clone(), known(&plugin));
        first.changed = true;
        first.save();
        Place { _directory: directory, cache, plugin }
    }

    #[test]
    fn what_was_written_is_known_again() {
        let Place { cache, plugin, _directory } = place();
        let mut again = Cache::at(cache.clone());
        let stamp = Stamp::at(&plugin).unwrap();
        let known = again.known(&plugin, stamp, None).unwrap();
        assert_eq!((known.manifest.id.as_str(), known.steps().len()), ("acme", 1));
        assert!(again.known(&plugin, stamp, Some(stamp)).is_none(), "a manifest beside it is new");
        let probe =
            Probe::Backends { made_from: vec![], backends: vec![("b".to_owned(), 1.into())] };
        again.remember(&plugin, probe, Duration::ZERO);
        again.save();
        assert!(matches!(
            Cache::at(cache).last(&plugin).unwrap().probe,
            Some(Probe::Backends { .. })
        ));
    }

    #[test]
    fn a_changed_file_is_unknown_and_a_missing_one_is_forgotten() {
        let Place { cache, plugin, _directory } = place();
        let mut again = Cache::at(cache.clone());
        fs::write(&plugin, "other bytes").unwrap();
        assert!(again.known(&plugin, Stamp::at(&plugin).unwrap(), None).is_none());
        fs::remove_file(&plugin).unwrap();
        again.changed = true;
        again.save();
        assert!(Cache::at(cache).files.is_empty());
    }

    #[test]
    fn doubt_is_settled_by_the_digest() {
        let Place { cache, plugin, _directory } = place();
        let mut again = Cache::at(cache);
        let stamp = Stamp::at(&plugin).unwrap();
        again.files.get_mut(&plugin).unwrap().settled = false;
        assert!(again.known(&plugin, stamp, None).is_some());
        // Other bytes with the very same stamp, as a coarse clock allows.
        let entry = again.files.get_mut(&plugin).unwrap();
        (entry.settled, entry.sha256) = (false, Some("0".repeat(64)));
        assert!(again.known(&plugin, stamp, None).is_none());
        let entry = again.files.get_mut(&plugin).unwrap();
        (entry.settled, entry.sha256) = (false, None);
        assert!(again.known(&plugin, stamp, None).is_none(), "nothing to compare with");
    }

    #[test]
    fn what_is_damaged_or_of_another_version_is_built_anew() {
        let Place { cache, plugin, _directory } = place();
        let good = fs::read_to_string(&cache).unwrap();
        let stamp = Stamp::at(&plugin).unwrap();
        let other_host = good.replace(&format!("\"{HOST}\""), "\"0.0.0\"");
        let other_schema = good.replace(SCHEMA, "ketch.plugin_cache/9");
        for text in ["", "{", "[]", &good[..good.len() / 2], &other_host, &other_schema] {
            fs::write(&cache, text).unwrap();
            let mut again = Cache::at(cache.clone());
            assert!(again.known(&plugin, stamp, None).is_none(), "{text}");
            again.files.insert(plugin.clone(), known(&plugin));
            again.changed = true;
            again.save();
            assert!(Cache::at(cache.clone()).known(&plugin, stamp, None).is_some(), "{text}");
        }
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_no_failure() {
        let directory = tempfile::tempdir().unwrap();
        let plugin = directory.path().join("acme.so");
        fs::write(&plugin, "bytes").unwrap();
        // A directory stands where the file should be.
        let path = directory.path().join("plugins.json");
        fs::create_dir(&path).unwrap();
        let mut cache = Cache::at(path.clone());
        cache.files.insert(plugin.clone(), known(&plugin));
        cache.changed = true;
        cache.save();
        assert!(cache.known(&plugin, Stamp::at(&plugin).unwrap(), None).is_some());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left behind");
    }
}
