//! The record: one entry after the other, in the order in which things happened in all processes.
//!
//! An entry is the kind (a byte), the process (4 bytes), the offset (8), the length of the path and
//! of the bytes (4 each), the path and the bytes; numbers are little-endian.

use std::{ffi::c_int, os::unix::ffi::OsStrExt, path::Path};

/// What happened.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Bytes were written at the offset.
    Write = b'w',
    /// The file is now as long as the offset says.
    Truncate = b't',
    /// What was done to the file or directory before is durable.
    Sync = b's',
    /// A file that was not there was made.
    Create = b'c',
    /// The file has another path now: the bytes.
    Rename = b'r',
    Unlink = b'u',
    /// A directory was made.
    Directory = b'd',
    /// The call failed, or did half of its work, because it was told to.
    Fault = b'!',
    /// The bytes went to standard output.
    Said = b'>',
}

/// A file that is written to the end of, by several processes.
pub(crate) struct Record {
    fd: c_int,
}

/// The only one that may do something and record it.
pub(crate) struct Alone<'a>(&'a Record);

impl Record {
    pub(crate) fn open(path: &Path) -> Option<Self> {
        let path = std::ffi::CString::new(path.as_os_str().as_bytes()).ok()?;
        let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC;
        let here = libc::AT_FDCWD;
        // SAFETY: the path ends with a zero; the other arguments are numbers.
        let fd = unsafe { libc::syscall(libc::SYS_openat, here, path.as_ptr(), flags, 0o600) };
        Some(Self { fd: c_int::try_from(fd).ok().filter(|&fd| fd >= 0)? })
    }

    /// Waits for other processes. Other threads of this one wait for each other elsewhere.
    pub(crate) fn lock(&self) -> Alone<'_> {
        // SAFETY: numbers only.
        unsafe { libc::syscall(libc::SYS_flock, self.fd, libc::LOCK_EX) };
        Alone(self)
    }

    pub(crate) fn add(&self, kind: Kind, path: &Path, offset: u64, bytes: &[u8]) {
        let path = path.as_os_str().as_bytes();
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        let mut entry = vec![kind as u8];
        entry.extend(std::process::id().to_le_bytes());
        entry.extend(offset.to_le_bytes());
        entry.extend(length(path));
        entry.extend(length(bytes));
        entry.extend(path);
        entry.extend(bytes);
        // SAFETY: a buffer and its length.
        unsafe { libc::syscall(libc::SYS_write, self.fd, entry.as_ptr(), entry.len()) };
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        // SAFETY: numbers only.
        unsafe { libc::syscall(libc::SYS_flock, self.0.fd, libc::LOCK_UN) };
    }
}
