//! What the disk wrote down.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// One thing that was done, in the order of all processes.
#[derive(Debug)]
pub(crate) struct Entry {
    /// By which process.
    pub(crate) process: u32,
    pub(crate) what: What,
}

/// What was done.
#[derive(Debug)]
pub(crate) enum What {
    Write {
        path: PathBuf,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        path: PathBuf,
        length: usize,
    },
    Sync {
        path: PathBuf,
    },
    Create {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Unlink {
        path: PathBuf,
    },
    Directory {
        path: PathBuf,
    },
    /// The call failed because it was told to.
    Fault,
    /// This went to standard output.
    Said(String),
}

/// Reads the whole record; none if nothing was ever done.
pub(crate) fn read(path: &Path) -> Vec<Entry> {
    let bytes = fs::read(path).unwrap_or_default();
    let mut rest = bytes.as_slice();
    let mut entries = Vec::new();
    while !rest.is_empty() {
        entries.push(entry(&mut rest));
    }
    entries
}

fn entry(rest: &mut &[u8]) -> Entry {
    let kind = take(rest, 1)[0];
    let process = number(rest, 4) as u32;
    let offset = number(rest, 8);
    let (path, bytes) = (number(rest, 4), number(rest, 4));
    let path = PathBuf::from(OsStr::from_bytes(take(rest, path)));
    let bytes = take(rest, bytes).to_vec();
    let what = match kind {
        b'w' => What::Write { path, offset, bytes },
        b't' => What::Truncate { path, length: offset },
        b's' => What::Sync { path },
        b'c' => What::Create { path },
        b'r' => What::Rename { from: path, to: PathBuf::from(OsStr::from_bytes(&bytes)) },
        b'u' => What::Unlink { path },
        b'd' => What::Directory { path },
        b'!' => What::Fault,
        b'>' => What::Said(String::from_utf8(bytes).unwrap()),
        other => panic!("an entry of kind {other}"),
    };
    Entry { process, what }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}

fn number(rest: &mut &[u8], bytes: usize) -> usize {
    take(rest, bytes).iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
