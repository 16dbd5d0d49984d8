//! The store of jobs on disks that fail, and after losses of power: `tests/plugins/examples/disk`
//! stands between the processes and the kernel.

mod faults;
mod power;
mod record;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::sandbox::built;

/// Puts the disk below a program: what lies in `directory` is on it, and `record` gets an entry for
/// all that is done to it.
fn put_below(command: &mut Command, directory: &Path, record: &Path) {
    command
        .env("LD_PRELOAD", built("examples/libdisk.so"))
        .env("KETCH_DISK", directory)
        .env("KETCH_DISK_RECORD", record);
}

/// `store DIRECTORY ACTION NUMBER`.
fn store(directory: &Path, action: &str, number: u32) -> Command {
    let mut command = Command::new(built("examples/store"));
    command.env_clear().arg(directory).args([action, &number.to_string()]);
    command
}

/// Copies a directory with all that it holds.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place: PathBuf = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), &place).unwrap();
        }
    }
}
