//! Into the user's directory of plugins, and out of it.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use ketch_core::Filter;

use super::{PackageError, accepted, io_error, names, unpack::unpack};
use crate::{
    Isolation, Manifest, Registry, SearchPath,
    check::{MAX_BESIDE, inspect},
    elf,
    lock_file::{LockFile, Pin, Pins},
    stamp::digest_of,
};

/// How a package starts (RFC 1952, section 2.3.1).
const GZIP: &[u8] = &[0x1f, 0x8b];

/// What was installed.
#[derive(Clone, Debug)]
pub struct Installed {
    /// What the plugin says of itself.
    pub manifest: Manifest,
    /// Its file.
    pub path: PathBuf,
    /// The names of its backends.
    pub backends: Vec<String>,
    /// It took the place of another file: of another version, or of another JSON file beside it.
    pub replaced: bool,
}

/// What was removed.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The files.
    pub files: Vec<PathBuf>,
}

/// Installs a package, or a bare library, for this user: its contents are verified, the plugin is
/// checked as every plugin is, started once in a process of its own and asked for its backends, and
/// only then put into place, the library in one step, and accepted. Blocks for all of that.
///
/// # Errors
/// If any of it fails; then nothing has changed, unless a file could not be put into place or the
/// error says that the plugin is in place.
/// [`PackageError::Exists`] if the provider is installed with another file, be it the library or
/// the JSON beside it, or another file has the place of one of them, unless `replace`.
pub fn install(package: &Path, replace: bool) -> Result<Installed, PackageError> {
    let directory = SearchPath::user_directory().ok_or(PackageError::NoHome)?;
    let lock_file = LockFile::standard().ok_or(PackageError::NoHome)?;
    let staging = Staging::below(&directory)?;
    let manifest = stage(package, &staging)?;
    let [library, beside] = names(&manifest.id);
    let staged = staging.0.join(&library);
    let backends = probe(&staging.0, &manifest.id)?;

    let path = directory.join(&library);
    let mut before = of_provider(&directory, &manifest.id);
    // Whatever lies there under the name that this one gets, it may be another provider's.
    if !before.contains(&path) && path.symlink_metadata().is_ok() {
        before.push(path.clone());
    }
    let sha256 = digest_of(&staged).map_err(io_error("read", &staged))?;
    let other = before.iter().find_map(|path| {
        let is_same = digest_of(path).ok().as_deref() == Some(&sha256);
        let json = path.with_extension("json");
        let is_same_json = same_or_both_missing(&json, &staging.0.join(&beside));
        if is_same { (!is_same_json).then_some(json) } else { Some(path.clone()) }
    });
    if let (Some(path), false) = (&other, replace) {
        let (id, path) = (manifest.id, path.clone());
        return Err(PackageError::Exists { id, path });
    }
    let place = |name: &str| {
        let (from, to) = (staging.0.join(name), directory.join(name));
        match from.exists() {
            true => fs::rename(&from, &to).map_err(io_error("write", &to)),
            false => remove_file(&to),
        }
    };
    // First what the library reads: whoever finds the library finds its manifest complete.
    place(&beside)?;
    place(&library)?;
    for path in before.iter().filter(|before| **before != path) {
        remove_file(path)?;
        remove_file(&path.with_extension("json"))?;
    }
    let synced = fs::File::open(&directory).and_then(|directory| directory.sync_all());
    synced.map_err(io_error("write", &directory))?;
    // The bytes that were checked, whatever else of this id lies on the search path.
    let accepted = Pin::now(&sha256, &path);
    let accept = |known: &mut Pin| {
        *known = Pin { terms: known.terms.clone(), extra: known.extra.clone(), ..accepted };
    };
    let pinned = lock_file.change(|pins| accept(pins.entry(manifest.id.clone()).or_default()));
    pinned.map_err(PackageError::Trust)?;
    Ok(Installed { manifest, path, backends, replaced: other.is_some() })
}

/// Removes a provider that was installed for this user, and forgets that its file was accepted. What
/// was accepted of another file, which lies elsewhere on the search path, stays. Blocks while the
/// files are read.
///
/// # Errors
/// If it is not installed for this user, or cannot be removed. [`PackageError::Forget`] if the lock
/// file cannot be read or written; then nothing has changed.
pub fn remove(id: &str) -> Result<Removed, PackageError> {
    let directory = SearchPath::user_directory().ok_or(PackageError::NoHome)?;
    let libraries = of_provider(&directory, id);
    if libraries.is_empty() {
        return Err(PackageError::NotInstalled { id: id.to_owned(), directory });
    }
    let digest = |library: &PathBuf| digest_of(library).map_err(io_error("read", library));
    let digests = libraries.iter().map(digest).collect::<Result<Vec<_>, _>>()?;
    // While the files are there: whoever cannot forget them now can try again.
    if let Some(lock_file) = LockFile::standard() {
        let is_of_it = |pin: &Pin| pin.sha256.as_ref().is_none_or(|known| digests.contains(known));
        let forget = |pins: &mut Pins| pins.retain(|known, pin| known != id || !is_of_it(pin));
        let id = id.to_owned();
        lock_file.change(forget).map_err(|source| PackageError::Forget { id, source })?;
    }
    let mut files = Vec::new();
    for library in libraries {
        let beside = library.with_extension("json");
        remove_file(&library)?;
        files.push(library);
        if beside.exists() {
            remove_file(&beside)?;
            files.push(beside);
        }
    }
    Ok(Removed { files })
}

/// Puts the files of a package, or a bare library under its name, into the staging directory.
fn stage(package: &Path, staging: &Staging) -> Result<Manifest, PackageError> {
    let start = start_of(package).map_err(io_error("read", package))?;
    let (manifest, expected) = if start.starts_with(elf::MAGIC) {
        let manifest = accepted(package)?;
        let [library, beside] = names(&manifest.id);
        let copy = |from: &Path, name: &str| {
            fs::copy(from, staging.0.join(name)).map_err(io_error("read", from))
        };
        copy(package, &library)?;
        let own = package.with_extension("json");
        if own.is_file() {
            copy(&own, &beside)?;
        }
        (manifest, None)
    } else if !start.starts_with(GZIP) {
        return Err(PackageError::Refused {
            path: package.to_owned(),
            found: "a file that is neither a package nor a library".to_owned(),
            expected: "what `ketch provider pack` wrote, or a plugin's file".to_owned(),
        });
    } else {
        let contents = unpack(package, &staging.0)?;
        let [library, _] = names(&contents.id);
        (accepted(&staging.0.join(library))?, Some(contents))
    };
    if let Some(contents) = expected {
        let said = format!("{} {} for {}", contents.id, contents.version, contents.target);
        let is = format!("{} {} for {}", manifest.id, manifest.version, manifest.target);
        if said != is {
            let (path, found) = (package.to_owned(), format!("a list that says {said}"));
            return Err(PackageError::Refused { path, found, expected: format!("{is}, as it is") });
        }
    }
    for name in names(&manifest.id) {
        let path = staging.0.join(name);
        if path.exists() {
            let rights = fs::Permissions::from_mode(0o644);
            fs::set_permissions(&path, rights).map_err(io_error("write", &path))?;
        }
    }
    Ok(manifest)
}

/// Starts the plugin in a process of its own, and asks for its backends.
fn probe(staging: &Path, id: &str) -> Result<Vec<String>, PackageError> {
    let registry = Registry::discover(&SearchPath::only([staging.to_owned()]));
    let registry = registry.with_isolation(Isolation::Always);
    let provider = registry.provider(id).map_err(PackageError::Probe)?;
    let backends = provider.backends(&Filter::new()).map_err(|source| {
        PackageError::Probe(crate::Error::Provider { provider: id.to_owned(), source })
    })?;
    Ok(backends.iter().map(|backend| backend.name().to_owned()).collect())
}

/// The libraries of a directory that are this provider's.
fn of_provider(directory: &Path, id: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let libraries = paths.filter(|path| path.extension().is_some_and(|end| end == "so"));
    let mut found: Vec<PathBuf> = libraries
        .filter(|path| inspect(path, false).manifest.is_some_and(|manifest| manifest.id == id))
        .collect();
    found.sort();
    found
}

/// Whether two small files hold the same, or neither is there.
fn same_or_both_missing(one: &Path, other: &Path) -> bool {
    let read = |path: &Path| crate::files::read(path, MAX_BESIDE);
    match (read(one), read(other)) {
        (Ok(one), Ok(other)) => one == other,
        (Err(one), Err(other)) => [one, other].iter().all(|e| e.kind() == io::ErrorKind::NotFound),
        _ => false,
    }
}

fn start_of(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read;
    let mut start = Vec::new();
    crate::platform::open(path)?.take(elf::MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok(start)
}

fn remove_file(path: &Path) -> Result<(), PackageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// A directory beside the installed plugins, for files that are not installed yet: on the same file
/// system, never searched, gone in the end.
struct Staging(PathBuf);

impl Staging {
    fn below(directory: &Path) -> Result<Self, PackageError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!(".staging-{}-{number}", std::process::id()));
        let mut builder = fs::DirBuilder::new();
        let made = builder.mode(0o700).recursive(true).create(directory);
        made.map_err(io_error("make", directory))?;
        // One that a process of the same number left behind is in nobody's way.
        let _ = fs::remove_dir_all(&path);
        builder.recursive(false).create(&path).map_err(io_error("make", &path))?;
        Ok(Self(path))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays is never searched, and replaced by the next.
        let _ = fs::remove_dir_all(&self.0);
    }
}
