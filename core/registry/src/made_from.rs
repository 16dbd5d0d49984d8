//! The state of the files from which a plugin makes its list of backends.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::stamp::Stamp;

/// Paths with their stamps; `None` where nothing is.
pub(crate) type MadeFrom = Vec<(PathBuf, Option<Stamp>)>;

/// A directory with more files is not looked at.
const MOST_FILES: usize = 2_000;

/// The stamps of the files and directories that a manifest names, and of the files in these
/// directories; `None` if what they say now could change without a trace.
pub(crate) fn now(names: &[String]) -> Option<MadeFrom> {
    let now = SystemTime::now();
    let mut stamps = Vec::new();
    for path in names.iter().flat_map(|name| expanded(name)) {
        let stamp = Stamp::at(&path).ok();
        if path.is_dir() {
            let entries = fs::read_dir(&path).ok()?;
            let mut files: Vec<PathBuf> =
                entries.map(|entry| Some(entry.ok()?.path())).collect::<Option<_>>()?;
            if files.len() > MOST_FILES {
                return None;
            }
            files.sort();
            stamps.extend(files.into_iter().map(|file| {
                let stamp = Stamp::at(&file).ok();
                (file, stamp)
            }));
        }
        stamps.push((path, stamp));
    }
    let settled = stamps.iter().all(|(_, stamp)| stamp.is_none_or(|stamp| stamp.is_settled(now)));
    settled.then_some(stamps)
}

/// The paths with the variable replaced, seen from the root; none if the variable has no value. One
/// that stands alone may hold several, with colons between.
fn expanded(name: &str) -> Vec<PathBuf> {
    let paths: Vec<PathBuf> = match name.strip_prefix('$') {
        None => vec![name.into()],
        Some(rest) => {
            let (variable, below) = rest.split_once('/').unwrap_or((rest, ""));
            match env::var_os(variable).filter(|value| !value.is_empty()) {
                None => Vec::new(),
                Some(value) if below.is_empty() => env::split_paths(&value).collect(),
                Some(value) => vec![Path::new(&value).join(below)],
            }
        }
    };
    paths.into_iter().filter_map(|path| std::path::absolute(path).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_may_hold_several_paths() {
        // Wherever tests run, some program was found by this one.
        let path = env::var_os("PATH").unwrap();
        let paths: Vec<PathBuf> = env::split_paths(&path).filter(|p| p.is_absolute()).collect();
        let found = expanded("$PATH");
        assert!(paths.iter().all(|path| found.contains(path)), "{found:?}");
        assert_eq!(expanded("/a:b"), [PathBuf::from("/a:b")]);
    }

    #[test]
    fn a_changed_file_in_a_named_directory_shows() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.json");
        fs::write(&file, "1").unwrap();
        let names = [directory.path().to_str().unwrap().to_owned(), "$KETCH_NO_SUCH/x".to_owned()];
        // What was written just now could be written again within the same tick.
        assert_eq!(now(&names), None);
        let settled = || loop {
            if let Some(stamps) = now(&names) {
                break stamps;
            }
            std::thread::yield_now();
        };
        let first = settled();
        assert_eq!(first.len(), 2);
        fs::write(&file, "2").unwrap();
        let second = settled();
        assert_ne!(first, second);
        fs::write(directory.path().join("b.json"), "1").unwrap();
        assert_eq!(settled().len(), 3);
    }

    #[test]
    fn variables_are_replaced() {
        assert_eq!(expanded("/a/b"), [PathBuf::from("/a/b")]);
        assert!(expanded("$KETCH_NO_SUCH_VARIABLE/devices").is_empty());
        let home = env::var_os("CARGO_MANIFEST_DIR").unwrap();
        let expected = Path::new(&home).join("src/lib.rs");
        assert_eq!(expanded("$CARGO_MANIFEST_DIR/src/lib.rs"), [expected]);
    }
}
