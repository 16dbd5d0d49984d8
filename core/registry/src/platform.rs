//! What is asked of the operating system: the one module to write for another one.

use std::{
    fs,
    io::{self, Read},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    path::Path,
    thread,
    time::Duration,
};

use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals},
    io::Errno,
};

/// What keeps memory as it is for good.
pub(crate) const SEALS: SealFlags =
    SealFlags::WRITE.union(SealFlags::SHRINK).union(SealFlags::GROW);

/// How often sealing is tried, and the pause after the first try; each further one is twice as
/// long, 5 seconds together.
const TRIES: u32 = 11;
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The program runs with more rights than its user has: set-user-id, file capabilities.
///
/// The kernel says so by the entry `AT_SECURE` of the auxiliary vector (getauxval(3)); being root
/// alone is not that. Where the vector cannot be read, the answer is yes.
pub(crate) fn has_raised_privileges() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    const AT_SECURE: u64 = 23;
    if getuid() != geteuid() || getgid() != getegid() {
        return true;
    }
    let Ok(vector) = fs::read("/proc/self/auxv") else { return true };
    let words: Vec<u64> =
        vector.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
    words.as_chunks().0.iter().any(|&[key, value]| key == AT_SECURE && value != 0)
}

/// The name of a user or group by its number, from `/etc/passwd` or `/etc/group`, which have the
/// same first three fields.
pub(crate) fn name_in(database: &str, number: u32) -> Option<String> {
    let text = fs::read_to_string(database).ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(number)).then(|| name.to_owned())
    })
}

/// The number of the user that this program acts for.
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether this user could start the file as a program.
pub(crate) fn is_executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Opens a file to be read. A named pipe is opened without waiting for somebody to write to it.
pub(crate) fn open(file: &Path) -> io::Result<fs::File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    fs::OpenOptions::new().read(true).custom_flags(flags).open(file)
}

/// A copy of the file in memory that nobody can change, and a path that opens it as long as the
/// descriptor is open.
///
/// At most `limit` bytes are copied; what is longer ends truncated, and is then refused as that.
pub(crate) fn private_copy(file: &Path, limit: u64) -> io::Result<(OwnedFd, String)> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let name = file.file_name().unwrap_or_default();
    let memory = fs::File::from(rustix::fs::memfd_create(name, flags)?);
    io::copy(&mut open(file)?.take(limit), &mut &memory)?;
    seal(&memory)?;
    let memory = OwnedFd::from(memory);
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&memory));
    Ok((memory, path))
}

/// From now on nobody can change the memory, nor the seals.
///
/// The kernel refuses (fcntl(2), `EBUSY`) while it holds one of the pages for reasons of its own,
/// as when it moves or reclaims pages on a busy machine, although no mapping can be written to.
/// That passes, so it is tried again for some seconds. Blocks that long at worst.
pub(crate) fn seal(memory: impl AsFd) -> io::Result<()> {
    while_busy(TRIES, FIRST_PAUSE, || fcntl_add_seals(&memory, SEALS | SealFlags::SEAL))?;
    Ok(())
}

/// What the attempt gives, tried again after a pause as long as it finds the thing in use.
fn while_busy<T>(
    tries: u32,
    mut pause: Duration,
    mut attempt: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    for _ in 1..tries {
        match attempt() {
            Err(Errno::BUSY) => thread::sleep(pause),
            other => return other,
        }
        pause *= 2;
    }
    attempt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_is_tried_again_and_not_for_ever() {
        let mut answers = [Err(Errno::BUSY), Err(Errno::BUSY), Ok(7), Ok(8)].into_iter();
        assert_eq!(while_busy(5, Duration::ZERO, || answers.next().unwrap()), Ok(7));

        let mut tries = 0;
        let busy = while_busy(5, Duration::ZERO, || -> Result<(), _> {
            tries += 1;
            Err(Errno::BUSY)
        });
        assert_eq!((busy, tries), (Err(Errno::BUSY), 5));

        let mut other = [Err(Errno::PERM), Ok(())].into_iter();
        assert_eq!(while_busy(5, Duration::ZERO, || other.next().unwrap()), Err(Errno::PERM));
    }
}
