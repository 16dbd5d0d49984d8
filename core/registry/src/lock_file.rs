//! The lock file: which bytes the user has accepted as the plugin of a provider, and how it is to
//! be run.
//!
//! A third party's file is pinned when it is first seen. From then on another file under the same
//! id is refused until the user accepts it, so that nobody receives a provider's credentials by
//! replacing its file.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, Isolation, Limits, Origin, Result, files, permissions};

const SCHEMA: &str = "ketch.providers_lock/1";

/// Thousands of providers fit.
const MAX_BYTES: u64 = 16 << 20;

/// What the user has accepted, by provider id.
pub(crate) type Pins = BTreeMap<String, Pin>;

/// What the user has accepted for one provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Pin {
    /// The digest of the file; `None` for a provider of the installation, which needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    /// Where the file lay, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// When it was accepted, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pinned_at: Option<u64>,
    /// The digest of another file that the user was asked about and did not accept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) declined: Option<String>,
    /// How it is to be run.
    #[serde(flatten)]
    pub(crate) terms: Terms,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub(crate) extra: Map<String, Value>,
}

impl Pin {
    /// A file that is accepted now.
    pub(crate) fn now(sha256: &str, file: &Path) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            sha256: Some(sha256.to_owned()),
            file: Some(file.to_string_lossy().into_owned()),
            pinned_at: since.ok().map(|since| since.as_secs()),
            ..Self::default()
        }
    }
}

/// How a provider is to be run; what is `None` is as usual.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// In the host's process, or in one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// The most memory that its process may take, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// The most processor time that its process may use, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<u64>,
    /// The most files that its process may have open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
}

impl Terms {
    /// The limits that they set, and the usual ones besides.
    pub(crate) fn limits(&self, usual: &Limits) -> Limits {
        Limits {
            memory: self.memory.or(usual.memory),
            cpu_time: self.cpu_seconds.map(Duration::from_secs).or(usual.cpu_time),
            open_files: self.open_files.unwrap_or(usual.open_files),
            ..usual.clone()
        }
    }
}

/// Where a lock file is.
#[derive(Clone, Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    providers: Pins,
}

impl LockFile {
    /// The user's: `$XDG_CONFIG_HOME/ketch/providers.lock.json`, or below `~/.config`.
    pub(crate) fn standard() -> Option<Self> {
        let directory = files::user_directory("XDG_CONFIG_HOME", ".config")?;
        Some(Self::at(directory.join("providers.lock.json")))
    }

    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; nothing if there is no such file.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, or others could have written it.
    pub(crate) fn read(&self) -> Result<Pins> {
        if let Err(error) = fs::symlink_metadata(&self.path)
            && error.kind() == io::ErrorKind::NotFound
        {
            return Ok(Pins::new());
        }
        match permissions::check(&self.path, Origin::User) {
            Ok(permissions::Verdict::Refused { found, fix, .. }) => {
                return Err(self.error("trust", found, fix));
            }
            Ok(_) => {}
            Err(error) => return Err(self.error("read", error.to_string(), self.mend())),
        }
        let bytes = files::read(&self.path, MAX_BYTES)
            .map_err(|error| self.error("read", error.to_string(), self.mend()))?;
        let document: Document = serde_json::from_slice(&bytes)
            .map_err(|error| self.error("read", error.to_string(), self.mend()))?;
        if document.schema != SCHEMA {
            let found = format!("found schema `{}`, expected `{SCHEMA}`", document.schema);
            return Err(self.error("read", found, self.mend()));
        }
        Ok(document.providers)
    }

    /// Changes what it holds, while no other process does.
    ///
    /// # Errors
    /// As [`read`](Self::read), and if it cannot be written; nothing is changed then.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Pins)) -> Result<Pins> {
        let unwritable = |error: io::Error| {
            self.error("write", error.to_string(), "make its directory writable".to_owned())
        };
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unwritable)?;
        let guard = fs::File::open(directory).map_err(unwritable)?;
        rustix::fs::flock(&guard, rustix::fs::FlockOperation::LockExclusive)
            .map_err(|error| unwritable(error.into()))?;
        let mut pins = self.read()?;
        change(&mut pins);
        let document = Document { schema: SCHEMA.to_owned(), providers: pins };
        let mut text =
            serde_json::to_string_pretty(&document).map_err(|error| unwritable(error.into()))?;
        text.push('\n');
        files::replace(&self.path, text.as_bytes(), true).map_err(unwritable)?;
        Ok(document.providers)
    }

    fn mend(&self) -> String {
        format!("mend or remove {}; nothing was changed", self.path.display())
    }

    fn error(&self, what: &'static str, reason: String, fix: String) -> Error {
        Error::LockFile { path: self.path.clone(), what, reason, fix }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn lock_file() -> (tempfile::TempDir, LockFile) {
        let directory = tempfile::tempdir().unwrap();
        let file = LockFile::at(directory.path().join("config/ketch/providers.lock.json"));
        (directory, file)
    }

    #[test]
    fn pins_are_kept_for_their_owner_alone() {
        let (_directory, file) = lock_file();
        assert!(file.read().unwrap().is_empty());
        let terms = Terms { memory: Some(2 << 30), ..Terms::default() };
        let pin = Pin { terms, ..Pin::now("abcd", Path::new("/p/acme.so")) };
        let written = file.change(|pins| _ = pins.insert("acme".to_owned(), pin.clone())).unwrap();
        assert_eq!(written["acme"], pin);
        assert_eq!(file.read().unwrap(), written);
        let mode = fs::metadata(file.path()).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let files = fs::read_dir(file.path().parent().unwrap()).unwrap().count();
        assert_eq!(files, 1, "nothing is left beside the file");
    }

    #[test]
    fn what_a_later_version_wrote_is_kept() {
        let (_directory, file) = lock_file();
        file.change(|_| {}).unwrap();
        let text =
            r#"{"schema":"ketch.providers_lock/1","providers":{"acme":{"sha256":"ab","later":1}}}"#;
        fs::write(file.path(), text).unwrap();
        file.change(|pins| pins.get_mut("acme").unwrap().terms.open_files = Some(9)).unwrap();
        let pin = file.read().unwrap().remove("acme").unwrap();
        assert_eq!((pin.extra["later"].as_u64(), pin.terms.open_files), (Some(1), Some(9)));
    }

    #[test]
    fn a_damaged_or_foreign_file_is_neither_believed_nor_overwritten() {
        let (_directory, file) = lock_file();
        file.change(|pins| _ = pins.insert("a".to_owned(), Pin::default())).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o666)).unwrap();
        let error = file.change(Pins::clear).unwrap_err();
        assert_eq!(error.code(), "plugin.lock_file");
        assert!(error.to_string().contains("writable by everybody"), "{error}");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(file.read().unwrap().len(), 1);
        for text in ["", "{", "[]", r#"{"schema":"ketch.providers_lock/9","providers":{}}"#] {
            fs::write(file.path(), text).unwrap();
            assert!(file.read().is_err() && file.change(Pins::clear).is_err(), "{text}");
            assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
        }
    }

    #[test]
    fn changes_at_the_same_time_are_all_kept() {
        let (_directory, file) = lock_file();
        std::thread::scope(|scope| {
            for number in 0..16 {
                let file = &file;
                scope.spawn(move || {
                    file.change(|pins| _ = pins.insert(format!("p{number}"), Pin::default()))
                        .unwrap();
                });
            }
        });
        assert_eq!(file.read().unwrap().len(), 16);
    }
}
