//! Where plugins are looked for.

use std::{
    env,
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
};

use crate::platform;

/// Why a directory is searched; also how far its files are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Named on the command line, or by the embedder.
    Flag,
    /// Named by `KETCH_PLUGIN_PATH`.
    Environment,
    /// The user's data directory.
    User,
    /// The system's directories.
    System,
    /// Where the running program lies.
    Executable,
}

impl Origin {
    /// Part of the installation itself, so that reserved ids are valid there.
    #[must_use]
    pub fn is_installation(self) -> bool {
        matches!(self, Self::System | Self::Executable)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Flag => "--plugin-dir",
            Self::Environment => "KETCH_PLUGIN_PATH",
            Self::User => "user",
            Self::System => "system",
            Self::Executable => "installation",
        })
    }
}

/// One directory to search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchDirectory {
    /// The directory; it need not exist.
    pub path: PathBuf,
    /// Why it is searched.
    pub origin: Origin,
}

/// The directories to search, in order: the first plugin with an id wins. Subdirectories are not
/// searched, and never the current directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPath {
    /// The directories.
    pub directories: Vec<SearchDirectory>,
    /// What was named and is not searched, with the reason: one line each, for people.
    pub ignored: Vec<String>,
}

impl SearchPath {
    /// `KETCH_PLUGIN_PATH` (directories with colons between), the user's data directory, the
    /// system's, the directory of the executable, and `../lib/ketch/providers` seen from there.
    /// Cargo puts example programs into a directory `examples` below the one with the plugins, so
    /// from a directory of that name the one above is searched too.
    ///
    /// Under raised privileges (a set-user-id program) the first two are left out. So is what is
    /// not an absolute path: what the current directory holds is never searched.
    #[must_use]
    pub fn standard() -> Self {
        let mut directories = Vec::new();
        let mut ignored = Vec::new();
        let mut add = |origin, path| directories.push(SearchDirectory { path, origin });
        let named = env::var_os("KETCH_PLUGIN_PATH");
        if platform::has_raised_privileges() {
            let reason = "this program runs with more rights than its user";
            ignored.extend(named.map(|_| format!("KETCH_PLUGIN_PATH: ignored, since {reason}")));
        } else {
            let (absolute, relative) = named.as_deref().map(split).unwrap_or_default();
            absolute.into_iter().for_each(|path| add(Origin::Environment, path));
            ignored.extend(relative.iter().map(|path| {
                let path = path.display();
                format!("KETCH_PLUGIN_PATH: `{path}` is ignored, since it is no absolute path")
            }));
            Self::user_directory().into_iter().for_each(|path| add(Origin::User, path));
        }
        add(Origin::System, "/usr/local/lib/ketch/providers".into());
        add(Origin::System, "/usr/lib/ketch/providers".into());
        let executable = env::current_exe().ok().and_then(|path| path.canonicalize().ok());
        if let Some(directory) = executable.as_deref().and_then(|path| path.parent()) {
            beside_executable(directory).into_iter().for_each(|path| add(Origin::Executable, path));
        }
        Self { directories, ignored }
    }

    /// These directories, then the standard ones.
    #[must_use]
    pub fn with_flags(directories: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut path = Self::only(directories);
        let standard = Self::standard();
        path.directories.extend(standard.directories);
        path.ignored.extend(standard.ignored);
        path
    }

    /// These directories and no others. A file in place of a directory is looked at alone, whatever
    /// it is called.
    #[must_use]
    pub fn only(directories: impl IntoIterator<Item = PathBuf>) -> Self {
        let flag = |path| SearchDirectory { path, origin: Origin::Flag };
        Self { directories: directories.into_iter().map(flag).collect(), ignored: Vec::new() }
    }

    /// There are directories besides those that were named one by one.
    pub(crate) fn is_standard(&self) -> bool {
        self.directories.iter().any(|directory| directory.origin != Origin::Flag)
    }

    /// Where a user drops plugins: `$XDG_DATA_HOME/ketch/providers`, or
    /// `~/.local/share/ketch/providers`. `None` without a home.
    #[must_use]
    pub fn user_directory() -> Option<PathBuf> {
        let absolute =
            |name: &str| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let data =
            absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
        Some(data?.join("ketch/providers"))
    }
}

/// The absolute and the relative directories of a path list. An empty part, which elsewhere means
/// the current directory, means nothing.
fn split(list: &OsStr) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let named = env::split_paths(list).filter(|path| !path.as_os_str().is_empty());
    named.partition(|path| path.is_absolute())
}

/// The directories that belong to a program in `directory`.
fn beside_executable(directory: &Path) -> Vec<PathBuf> {
    let mut directories = vec![directory.to_owned()];
    if let Some(above) = directory.parent() {
        if directory.ends_with("examples") {
            directories.push(above.to_owned());
        }
        directories.push(above.join("lib/ketch/providers"));
    }
    directories
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_lists_are_split_into_what_is_searched_and_what_is_told() {
        let (absolute, relative) = split(OsStr::new("/a::lib:/b/../c:.:~/d:"));
        assert_eq!(absolute, ["/a", "/b/../c"].map(PathBuf::from));
        assert_eq!(relative, ["lib", ".", "~/d"].map(PathBuf::from));
    }

    #[test]
    fn programs_look_beside_themselves_and_examples_also_above() {
        let check = |directory: &str, expected: &[&str]| {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(beside_executable(Path::new(directory)), expected, "{directory}");
        };
        check("/usr/bin", &["/usr/bin", "/usr/lib/ketch/providers"]);
        check("/t/debug", &["/t/debug", "/t/lib/ketch/providers"]);
        check(
            "/t/debug/examples",
            &["/t/debug/examples", "/t/debug", "/t/debug/lib/ketch/providers"],
        );
        check("/", &["/"]);
    }
}
