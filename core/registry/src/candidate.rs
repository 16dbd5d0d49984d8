//! A file that may be a plugin, and what became of it.

use std::{path::PathBuf, time::Duration};

use ketch_abi::Manifest;

use crate::{Origin, Refusal};

/// A file that may be a plugin, and what became of it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The file.
    pub path: PathBuf,
    /// Why its directory was searched.
    pub origin: Origin,
    /// What it says of itself, if that could be read.
    pub manifest: Option<Manifest>,
    /// What became of it.
    pub state: State,
    /// The checks, in order, up to the one that failed.
    pub steps: Vec<Step>,
    /// It is the file that the user's lock file knows by its digest, or part of the installation:
    /// only then it is told the accounts that are its provider's.
    pub trusted: bool,
}

/// What became of a candidate.
#[derive(Clone, Debug)]
pub enum State {
    /// It passed every check that needs no loading.
    Ready,
    /// A plugin of the same id was found earlier.
    Shadowed {
        /// That one.
        by: PathBuf,
    },
    /// It cannot be used.
    Refused(Refusal),
}

/// One check of a candidate.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was checked.
    pub name: &'static str,
    /// What was found.
    pub outcome: String,
    /// How long it took; `None` if the outcome was known from an earlier time.
    pub took: Option<Duration>,
}
