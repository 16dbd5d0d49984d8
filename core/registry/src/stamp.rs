//! Which bytes a file holds, as far as that can be told without reading them.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::platform;

/// What the file system says of a file. Two equal stamps are of the same bytes, unless the file
/// was changed within the same tick of the file system's clock: see [`is_settled`](Self::is_settled).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    size: u64,
    /// Nanoseconds since 1970.
    modified: i64,
    /// Nanoseconds since 1970. No program can set this one.
    changed: i64,
    inode: u64,
    device: u64,
}

/// Longer than a tick of the kernel's coarse clock, which is 1 to 10 ms.
const TICK: Duration = Duration::from_millis(50);

/// Some file systems keep whole seconds, or two of them.
const COARSE_TICK: Duration = Duration::from_secs(3);

impl Stamp {
    /// The stamp of what the path leads to.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|metadata| Self::of(&metadata))
    }

    /// The stamp of an open file.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let nanoseconds =
            |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }

    /// The last change was long enough before `now` for any later one to change the stamp.
    pub(crate) fn is_settled(&self, now: SystemTime) -> bool {
        let last = self.modified.max(self.changed);
        let tick = if self.changed % 1_000_000_000 == 0 { COARSE_TICK } else { TICK };
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let nanoseconds = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        last.saturating_add(nanoseconds(tick)) < nanoseconds(now)
    }
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a file, in hexadecimal. Blocks while it is read.
pub(crate) fn digest_of(path: &Path) -> io::Result<String> {
    let mut file = platform::open(path)?;
    let mut digest = Sha256::new();
    let mut part = vec![0; 1 << 20];
    loop {
        match io::Read::read(&mut file, &mut part)? {
            0 => break,
            length => digest.update(&part[..length]),
        }
    }
    Ok(hex(&digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_shows_in_the_stamp() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "one").unwrap();
        let first = Stamp::at(&path).unwrap();
        assert_eq!(Stamp::at(&path).unwrap(), first);
        fs::write(&path, "three").unwrap();
        assert_ne!(Stamp::at(&path).unwrap(), first);
        // The same bytes under the same name, but another file.
        let second = Stamp::at(&path).unwrap();
        fs::write(directory.path().join("b"), "three").unwrap();
        fs::rename(directory.path().join("b"), &path).unwrap();
        assert_ne!(Stamp::at(&path).unwrap(), second);
    }

    #[test]
    fn fresh_files_and_clocks_that_are_behind_leave_doubt() {
        let at = |nanoseconds: i64| Stamp {
            size: 1,
            modified: 0,
            changed: nanoseconds,
            inode: 1,
            device: 1,
        };
        let second = 1_000_000_000;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        assert!(at(99 * second + 1).is_settled(now));
        assert!(!at(100 * second - 1).is_settled(now));
        assert!(!at(200 * second + 1).is_settled(now));
        assert!(!at(99 * second).is_settled(now), "a file system that keeps whole seconds");
        assert!(at(90 * second).is_settled(now));
    }

    #[test]
    fn digests_are_those_of_the_standard() {
        // FIPS 180-4, the example of one block.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(b"abc"), expected);
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a"), "abc").unwrap();
        assert_eq!(digest_of(&directory.path().join("a")).unwrap(), expected);
    }
}
