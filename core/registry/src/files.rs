//! Small documents that are replaced whole, so that nobody ever reads half of one.

use std::{
    env, fs,
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::platform;

/// The user's directory for a kind of files, below which Ketch keeps its own: what the variable
/// says, or this directory below the home (XDG Base Directory Specification 0.8). `None` without a
/// home, and under raised privileges, where the environment is not to be trusted.
pub(crate) fn user_directory(variable: &str, below_home: &str) -> Option<PathBuf> {
    if platform::has_raised_privileges() {
        return None;
    }
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let base = absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))?;
    Some(base.join("ketch"))
}

/// The bytes of a file of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = platform::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > limit {
        let reason = format!("not a file of at most {limit} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Replaces a file: a new one beside it, only for its owner from the start, then a rename. The
/// directory is made if it is missing. `durable` waits until the disk has it.
pub(crate) fn replace(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let directory = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_extension(format!("json.{}.{number}", std::process::id()));
    let written = (|| {
        // One that a process of the same number left behind may have other rights.
        let _ = fs::remove_file(&beside);
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&beside, path)?;
        if durable { fs::File::open(directory)?.sync_all() } else { Ok(()) }
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
