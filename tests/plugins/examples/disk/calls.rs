//! The functions of the C library that are replaced (ld.so(8)).
//!
//! Each does its work by the system call behind it, so that none ever calls itself, and passes on
//! what it was given as it is: what a caller owes the C library's function, it owes this one.

use std::{
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
};

use libc::{mode_t, off_t, size_t, ssize_t};

use crate::{Disk, Done, record::Kind};

/// A system call as an expression of type `isize`.
macro_rules! system {
    ($call:ident $(, $argument:expr)*) => {
        // SAFETY: the arguments are those of the caller, who promises what the call needs; the
        // call reads and writes no other memory.
        unsafe { libc::syscall(libc::$call $(, $argument)*) as isize }
    };
}

/// The disk, if the file of this number lies on it, and the file's path as the kernel knows it
/// (proc(5)).
fn opened(fd: c_int) -> Option<(&'static Disk, PathBuf)> {
    let disk = Disk::here()?;
    let link = format!("/proc/self/fd/{fd}\0");
    let mut buffer = vec![0_u8; libc::PATH_MAX as usize];
    let length = system!(SYS_readlink, link.as_ptr(), buffer.as_mut_ptr(), buffer.len());
    buffer.truncate(usize::try_from(length).ok()?);
    let path = PathBuf::from(OsStr::from_bytes(&buffer));
    disk.holds(&path).then_some((disk, path))
}

/// The disk, if the path lies on it, and the path.
fn named(path: *const c_char) -> Option<(&'static Disk, PathBuf)> {
    let disk = Disk::here()?;
    let path = text(path);
    disk.holds(&path).then_some((disk, path))
}

fn text(path: *const c_char) -> PathBuf {
    // SAFETY: the functions here that take paths are given strings that end with a zero.
    let text = unsafe { CStr::from_ptr(path) };
    OsStr::from_bytes(text.to_bytes()).into()
}

/// What a call that moves no bytes did.
fn did(answer: isize) -> Done {
    (answer, 0, Vec::new())
}

/// Writes at an offset, or where the file stands if there is none.
fn write_at(fd: c_int, bytes: *const c_void, count: size_t, offset: Option<off_t>) -> ssize_t {
    let write = |count: size_t| match offset {
        Some(offset) => system!(SYS_pwrite64, fd, bytes, count, offset),
        None => system!(SYS_write, fd, bytes, count),
    };
    let written = |answer: isize| {
        let count = usize::try_from(answer).unwrap_or(0);
        // SAFETY: the kernel has just read so many bytes from there.
        unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), count) }.to_vec()
    };
    if let (libc::STDOUT_FILENO, Some(disk)) = (fd, Disk::here()) {
        return disk.said(|| {
            let answer = write(count);
            (answer, 0, written(answer))
        });
    }
    let Some((disk, path)) = opened(fd) else { return write(count) };
    disk.call(Kind::Write, &path, |half| {
        let answer = write(if half { count.div_ceil(2) } else { count });
        let start = match offset {
            Some(offset) => offset as isize,
            None => system!(SYS_lseek, fd, 0, libc::SEEK_CUR) - answer.max(0),
        };
        (answer, u64::try_from(start).unwrap_or(0), written(answer))
    })
}

fn sync(fd: c_int) -> c_int {
    let sync = || system!(SYS_fsync, fd);
    let Some((disk, path)) = opened(fd) else { return sync() as c_int };
    disk.call(Kind::Sync, &path, |_| did(sync())) as c_int
}

fn truncate(fd: c_int, length: off_t) -> c_int {
    let truncate = || system!(SYS_ftruncate, fd, length);
    let Some((disk, path)) = opened(fd) else { return truncate() as c_int };
    let length = u64::try_from(length).unwrap_or(0);
    disk.call(Kind::Truncate, &path, |_| (truncate(), length, Vec::new())) as c_int
}

fn open_file(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    let open = || system!(SYS_openat, libc::AT_FDCWD, path, flags, mode);
    let Some((disk, name)) = named(path) else { return open() as c_int };
    let is_there = system!(SYS_access, path, libc::F_OK) == 0;
    let kind = match is_there {
        false if flags & libc::O_CREAT != 0 => Kind::Create,
        true if flags & libc::O_TRUNC != 0 => Kind::Truncate,
        _ => return open() as c_int,
    };
    disk.call(kind, &name, |_| did(open())) as c_int
}

/// write(2).
#[unsafe(no_mangle)]
extern "C" fn write(fd: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
    write_at(fd, bytes, count, None)
}

/// pwrite(2).
#[unsafe(no_mangle)]
extern "C" fn pwrite(fd: c_int, bytes: *const c_void, count: size_t, at: off_t) -> ssize_t {
    write_at(fd, bytes, count, Some(at))
}

/// pwrite(2) with long offsets, as all are here.
#[unsafe(no_mangle)]
extern "C" fn pwrite64(fd: c_int, bytes: *const c_void, count: size_t, at: off_t) -> ssize_t {
    write_at(fd, bytes, count, Some(at))
}

/// fsync(2).
#[unsafe(no_mangle)]
extern "C" fn fsync(fd: c_int) -> c_int {
    sync(fd)
}

/// fdatasync(2), which makes all durable here that the record speaks of.
#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: c_int) -> c_int {
    sync(fd)
}

/// ftruncate(2).
#[unsafe(no_mangle)]
extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    truncate(fd, length)
}

/// ftruncate(2) with long offsets.
#[unsafe(no_mangle)]
extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    truncate(fd, length)
}

/// open(2). The third argument is there or not; where it is not, nobody looks at it.
#[unsafe(no_mangle)]
extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    open_file(path, flags, mode)
}

/// open(2) of long files, as all are here.
#[unsafe(no_mangle)]
extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    open_file(path, flags, mode)
}

/// rename(2).
#[unsafe(no_mangle)]
extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let rename = || system!(SYS_rename, from, to);
    let Some((disk, path)) = named(from) else { return rename() as c_int };
    let name = text(to).as_os_str().as_bytes().to_vec();
    disk.call(Kind::Rename, &path, |_| (rename(), 0, name)) as c_int
}

/// unlink(2).
#[unsafe(no_mangle)]
extern "C" fn unlink(path: *const c_char) -> c_int {
    let unlink = || system!(SYS_unlink, path);
    let Some((disk, name)) = named(path) else { return unlink() as c_int };
    disk.call(Kind::Unlink, &name, |_| did(unlink())) as c_int
}

/// mkdir(2).
#[unsafe(no_mangle)]
extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    let mkdir = || system!(SYS_mkdir, path, mode);
    let Some((disk, name)) = named(path) else { return mkdir() as c_int };
    disk.call(Kind::Directory, &name, |_| did(mkdir())) as c_int
}
