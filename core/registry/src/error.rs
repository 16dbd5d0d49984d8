//! What can go wrong between a name and a backend.

use std::{fmt, path::PathBuf, sync::Arc};

use crate::SearchDirectory;

/// What can go wrong between a name and a backend.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("no provider plugin was found")]
    NoPlugin { searched: Vec<SearchDirectory>, refused: Vec<Refusal> },
    #[error("no provider `{id}`")]
    UnknownProvider { id: String, known: Vec<String> },
    #[error("no backend `{name}`")]
    UnknownBackend { name: String, known: Vec<String> },
    #[error("the backend name `{name}` is ambiguous: {}", candidates.join(", "))]
    Ambiguous { name: String, candidates: Vec<String> },
    #[error("{refusal}")]
    Plugin { refusal: Refusal },
    #[error("cannot {what} the lock file `{}`: {reason}", path.display())]
    LockFile { path: PathBuf, what: &'static str, reason: String, fix: String },
    #[error("provider `{id}` needs no trust: {reason}")]
    NothingToTrust { id: String, reason: String },
    #[error("provider `{provider}`")]
    Provider {
        provider: String,
        #[source]
        source: ketch_core::Error,
    },
}

/// The result of asking the registry.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file is not used as a plugin: one line that names the file, the step, what was found,
/// what was expected and the fix.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The file.
    pub path: PathBuf,
    /// What was being done.
    pub step: &'static str,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
    /// What to do about it.
    pub fix: String,
    /// More than fits a line, for a log.
    pub details: Option<Arc<str>>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, step, found, expected, fix, .. } = self;
        let line = format!("{}: {step}: found {found}, expected {expected}; {fix}", path.display());
        // A file name or a plugin's own words could hold line breaks.
        f.write_str(&line.replace(|c: char| c.is_control(), " "))
    }
}

impl Error {
    /// The stable word for machines.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::NoPlugin { .. } => "plugin.none_found",
            Self::UnknownProvider { .. } => "provider.not_found",
            Self::UnknownBackend { .. } => "backend.not_found",
            Self::Ambiguous { .. } => "backend.ambiguous",
            Self::Plugin { .. } => "plugin.refused",
            Self::LockFile { .. } => "plugin.lock_file",
            Self::NothingToTrust { .. } => "usage",
            Self::Provider { source, .. } => source.code(),
        }
    }

    /// What the user can do about it; several lines where directories are listed.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoPlugin { searched, refused } => Some(no_plugin_hint(searched, refused)),
            Self::UnknownProvider { id: name, known } | Self::UnknownBackend { name, known } => {
                match ketch_core::nearest(name, known.iter().map(String::as_str)) {
                    Some(nearest) => Some(format!("did you mean `{nearest}`?")),
                    None if known.is_empty() => None,
                    None => Some(format!("there are: {}", known.join(", "))),
                }
            }
            Self::Ambiguous { .. } => Some("write provider/backend".to_owned()),
            Self::Plugin { .. } => {
                Some("`ketch providers --why` shows every step of the check".to_owned())
            }
            Self::LockFile { fix, .. } => Some(fix.clone()),
            Self::NothingToTrust { .. } => None,
            Self::Provider { source, .. } => source.hint(),
        }
    }

    /// The hint in one piece, for a refusal.
    pub(crate) fn fix(&self) -> String {
        self.hint().unwrap_or_else(|| "see `ketch providers --why`".to_owned())
    }
}

fn no_plugin_hint(searched: &[SearchDirectory], refused: &[Refusal]) -> String {
    let mut lines = vec!["looked in:".to_owned()];
    lines.extend(searched.iter().map(|directory| {
        let missing = if directory.path.is_dir() { "" } else { ", does not exist" };
        format!("  {} ({}{missing})", directory.path.display(), directory.origin)
    }));
    if !refused.is_empty() {
        lines.push("refused:".to_owned());
        lines.extend(refused.iter().map(|refusal| format!("  {refusal}")));
    }
    lines.push(
        "in a checkout of Ketch, `cargo build --release` builds `ketch` and its plugins side by \
         side and `cargo xtask install` puts them into place; `--plugin-dir DIR` names another \
         directory"
            .to_owned(),
    );
    lines.join("\n")
}
