//! The disk below a process, by `LD_PRELOAD`: it fails when it is told to, and keeps a record of
//! all that was done to it.
//!
//! | variable | |
//! | --- | --- |
//! | `KETCH_DISK` | the directory that counts, with all below it |
//! | `KETCH_DISK_RECORD` | a file that gets a record of each change and each sync: see `record` |
//! | `KETCH_DISK_FAULT` | `KIND:N`: what happens at the N-th call of this process, from 1 |
//!
//! Calls are those that change something or make it durable. With `error` the N-th fails with
//! `EIO`, once. With `full` it fails with `ENOSPC`, and so does every later one that takes room.
//! With `short` the N-th, if it is a write, does half of its work, and then the disk is full.
//! A fault is for one process: those that it starts get a sound disk. A record is of all of them.
//!
//! Memory that is mapped is not seen. SQLite maps its index of the log, which it makes anew after a
//! loss of power, and nothing else.

#![expect(unsafe_code, reason = "functions of the C library are replaced")]

mod calls;
mod record;

use std::{
    ffi::{OsString, c_int},
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use record::{Kind, Record};

/// Set before the program begins; `None` inside of it if the process has nothing to do with it.
static DISK: OnceLock<Option<Disk>> = OnceLock::new();

#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;

extern "C" fn start() {
    let disk = DISK.get_or_init(|| Disk::told(|name| std::env::var_os(name)));
    if disk.as_ref().is_some_and(|disk| disk.fault.is_some()) {
        for name in ["LD_PRELOAD", "KETCH_DISK_FAULT"] {
            // SAFETY: the initialisers of libraries run before the program has a second thread.
            unsafe { std::env::remove_var(name) };
        }
    }
}

struct Disk {
    directory: PathBuf,
    record: Option<Record>,
    fault: Option<(Fault, u64)>,
    calls: AtomicU64,
    /// One call at a time, so that the record has them in their order.
    turn: Mutex<()>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Error,
    Full,
    Short,
}

/// What is to become of a call.
enum Fate {
    Done,
    Half,
    Failed(c_int),
}

/// What a call did: the answer of the kernel, the offset, and the bytes or the second path.
type Done = (isize, u64, Vec<u8>);

impl Disk {
    /// What the variables say.
    fn told(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let directory = variable("KETCH_DISK")?.into();
        let record = variable("KETCH_DISK_RECORD").and_then(|path| Record::open(Path::new(&path)));
        let fault = variable("KETCH_DISK_FAULT").and_then(|text| {
            let (kind, number) = text.to_str()?.split_once(':')?;
            let kind = match kind {
                "error" => Fault::Error,
                "full" => Fault::Full,
                "short" => Fault::Short,
                _ => return None,
            };
            Some((kind, number.parse().ok()?))
        });
        Some(Self { directory, record, fault, calls: AtomicU64::new(0), turn: Mutex::default() })
    }

    fn here() -> Option<&'static Self> {
        DISK.get()?.as_ref()
    }

    fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.directory)
    }

    /// Does a call of a file on this disk, unless it is to fail, and records it if it went well.
    /// `act` is told whether it is to do half of its work only.
    fn call(&self, kind: Kind, path: &Path, act: impl FnOnce(bool) -> Done) -> isize {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let _alone = self.record.as_ref().map(Record::lock);
        let fate = self.fate(kind);
        if !matches!(fate, Fate::Done) {
            self.note(Kind::Fault, path, 0, &[]);
        }
        if let Fate::Failed(error) = fate {
            // SAFETY: the place of this thread's own error number.
            unsafe { *libc::__errno_location() = error };
            return -1;
        }
        let (answer, offset, bytes) = act(matches!(fate, Fate::Half));
        if answer >= 0 {
            self.note(kind, path, offset, &bytes);
        }
        answer
    }

    /// Notes what goes to standard output, in the order in which it goes there.
    fn said(&self, write: impl FnOnce() -> Done) -> isize {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let _alone = self.record.as_ref().map(Record::lock);
        let (answer, _, bytes) = write();
        self.note(Kind::Said, Path::new(""), 0, &bytes);
        answer
    }

    fn fate(&self, kind: Kind) -> Fate {
        let Some((fault, at)) = self.fault else { return Fate::Done };
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let takes_room = !matches!(kind, Kind::Sync | Kind::Unlink);
        match fault {
            Fault::Error if number == at => Fate::Failed(libc::EIO),
            Fault::Short if number == at => match kind {
                Kind::Write => Fate::Half,
                _ => Fate::Done,
            },
            Fault::Full if number == at => Fate::Failed(libc::ENOSPC),
            Fault::Full | Fault::Short if number > at && takes_room => Fate::Failed(libc::ENOSPC),
            _ => Fate::Done,
        }
    }

    fn note(&self, kind: Kind, path: &Path, offset: u64, bytes: &[u8]) {
        if let Some(record) = &self.record {
            record.add(kind, path, offset, bytes);
        }
    }
}
