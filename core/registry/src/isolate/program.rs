//! Which executable is the worker.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::platform;

/// The argument that makes a program a worker.
pub(super) const ARGUMENT: &str = "plugin-host";

/// This program's `main` begins with `run_if_plugin_host`.
static IS_ITS_OWN: AtomicBool = AtomicBool::new(false);

/// From now on this very program is started for workers.
pub(super) fn remember_this_program() {
    IS_ITS_OWN.store(true, Ordering::Relaxed);
}

/// The executable, or where it was looked for.
pub(super) fn find() -> Result<PathBuf, Vec<PathBuf>> {
    if IS_ITS_OWN.load(Ordering::Relaxed) {
        // Not its path: the file there may have been replaced by a new version since.
        return Ok("/proc/self/exe".into());
    }
    let own = env::current_exe().ok().and_then(|path| path.canonicalize().ok());
    let path = env::var_os("PATH").filter(|_| !platform::has_raised_privileges());
    let places = places(own.as_deref(), path.as_deref());
    match places.iter().find(|place| platform::is_executable(place)) {
        Some(found) => Ok(found.clone()),
        None => Err(places),
    }
}

/// Beside the program, or above where Cargo puts examples and tests, then on the path. Never in
/// the current directory.
fn places(own: Option<&Path>, path: Option<&OsStr>) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    if let Some(directory) = own.and_then(Path::parent) {
        directories.push(directory.to_owned());
        if directory.ends_with("examples") || directory.ends_with("deps") {
            directories.extend(directory.parent().map(Path::to_owned));
        }
    }
    let on_path = path.into_iter().flat_map(env::split_paths);
    directories.extend(on_path.filter(|directory| directory.is_absolute()));
    directories.into_iter().map(|directory| directory.join("ketch")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_the_program_then_on_the_path() {
        let check = |own: &str, path: &str, expected: &[&str]| {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(places(Some(Path::new(own)), Some(path.as_ref())), expected, "{own}");
        };
        check("/opt/lab/app", "", &["/opt/lab/ketch"]);
        check("/t/debug/deps/test-1", "", &["/t/debug/deps/ketch", "/t/debug/ketch"]);
        check("/t/debug/examples/bell", "", &["/t/debug/examples/ketch", "/t/debug/ketch"]);
        check("/a/b", "/usr/bin::.:bin:/bin", &["/a/ketch", "/usr/bin/ketch", "/bin/ketch"]);
    }
}
