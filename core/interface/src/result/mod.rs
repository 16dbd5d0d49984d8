//! [`RunResult`]: what a job comes back with.

mod counts;
mod json;
mod memory;

use std::{collections::BTreeMap, sync::Arc};

use num_complex::Complex64;
use serde_json::{Map, Value};

pub use counts::Counts;
pub use json::ResultDialect;
pub use memory::Memory;

pub use crate::json::Mistyped;
use crate::{Array, Error, Result, circuit::Register};

/// What a job comes back with: one result for each experiment, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunResult {
    /// The backend that ran it.
    pub backend_name: String,
    /// Its version.
    pub backend_version: String,
    /// The Qobj that was run.
    pub qobj_id: String,
    /// The job.
    pub job_id: String,
    /// When it was finished, as RFC 3339 text.
    pub date: Option<String>,
    /// Every experiment succeeded.
    pub success: bool,
    /// The state of the whole, such as `COMPLETED`, or what failed.
    pub status: String,
    /// The Qobj's header.
    pub header: Map<String, Value>,
    /// One for each experiment, in the order of the Qobj.
    pub experiments: Vec<ExperimentResult>,
    /// What else there is to say of the run.
    pub metadata: Map<String, Value>,
}

/// What one experiment came back with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExperimentResult {
    /// Its name.
    pub name: String,
    /// The number of shots that were run.
    pub shots: u64,
    /// The seed of its random choices.
    pub seed: Option<u64>,
    /// Whether it succeeded.
    pub success: bool,
    /// `DONE`, or why it failed.
    pub status: String,
    /// The classical registers, in circuit order.
    pub registers: Vec<Register>,
    /// How often each outcome was seen; `None` if nothing was counted.
    pub counts: Option<Counts>,
    /// The outcome of every shot, if it was asked for.
    pub memory: Option<Memory>,
    /// What was saved, by key: `statevector`, `unitary`, `density_matrix`, ….
    pub data: BTreeMap<String, Data>,
    /// What snapshots were taken, in order.
    pub snapshots: Vec<SnapshotResult>,
    /// The experiment's header.
    pub header: Map<String, Value>,
    /// How it was run: method and why, threads, memory. Shared, because thousands of experiments
    /// of a run mostly say the same.
    pub metadata: Arc<Map<String, Value>>,
    /// How long it took, in seconds.
    pub time_taken: f64,
}

/// Something saved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// A number.
    Number(f64),
    /// Numbers, such as probabilities: index bit `i` is the `i`-th qubit asked for.
    Reals(Array<f64>),
    /// Amplitudes: index bit `i` is qubit `i`.
    Vector(Array<Complex64>),
    /// A square matrix, row-major, with indices as in [`Data::Vector`].
    Matrix {
        /// The number of rows.
        dim: usize,
        /// All entries, row by row.
        entries: Array<Complex64>,
    },
    /// One for each shot.
    List(Vec<Data>),
    /// Anything else, as JSON.
    Json(Value),
}

/// A snapshot's values.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotResult {
    /// Its type.
    pub kind: String,
    /// Its label.
    pub label: String,
    /// Its values, one for each shot, or one for all if they do not differ.
    pub values: Vec<Data>,
}

/// Which experiment: by place or by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ExperimentKey<'a> {
    /// By place.
    Index(usize),
    /// By name.
    Name(&'a str),
}

impl From<usize> for ExperimentKey<'_> {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl<'a> From<&'a str> for ExperimentKey<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name)
    }
}

impl RunResult {
    /// The result of one experiment, by place or by name.
    ///
    /// # Errors
    /// If there is none, or several have that name.
    pub fn experiment<'a>(&self, key: impl Into<ExperimentKey<'a>>) -> Result<&ExperimentResult> {
        let missing = |what: String| Error::other("experiment.not_found", what);
        match key.into() {
            ExperimentKey::Index(index) => self.experiments.get(index).ok_or_else(|| {
                missing(format!("no experiment {index}: the result has {}", self.experiments.len()))
            }),
            ExperimentKey::Name(name) => {
                let mut named = self.experiments.iter().filter(|e| e.name == name);
                match (named.next(), named.next()) {
                    (Some(only), None) => Ok(only),
                    (None, _) => Err(missing(format!("no experiment named `{name}`"))),
                    _ => Err(missing(format!(
                        "several experiments are named `{name}`: use the index"
                    ))),
                }
            }
        }
    }

    /// How often each outcome of an experiment was seen.
    ///
    /// # Errors
    /// If there is no such experiment, it failed, or it has no counts.
    pub fn counts<'a>(&self, experiment: impl Into<ExperimentKey<'a>>) -> Result<&Counts> {
        let experiment = self.experiment(experiment)?.succeeded()?;
        experiment.counts.as_ref().ok_or_else(|| experiment.lacks("counts"))
    }

    /// The outcome of every shot of an experiment.
    ///
    /// # Errors
    /// As [`counts`](Self::counts), if it was not asked for.
    pub fn memory<'a>(&self, experiment: impl Into<ExperimentKey<'a>>) -> Result<&Memory> {
        let experiment = self.experiment(experiment)?.succeeded()?;
        experiment.memory.as_ref().ok_or_else(|| experiment.lacks("memory"))
    }

    /// The final amplitudes of an experiment; index bit `i` is qubit `i`.
    ///
    /// # Errors
    /// As [`counts`](Self::counts).
    pub fn statevector<'a>(
        &self,
        experiment: impl Into<ExperimentKey<'a>>,
    ) -> Result<&Array<Complex64>> {
        let experiment = self.experiment(experiment)?.succeeded()?;
        match experiment.data.get("statevector") {
            Some(Data::Vector(amplitudes)) => Ok(amplitudes),
            _ => Err(experiment.lacks("statevector")),
        }
    }

    /// The unitary of an experiment's circuit, row-major, and its dimension.
    ///
    /// # Errors
    /// As [`counts`](Self::counts).
    pub fn unitary<'a>(
        &self,
        experiment: impl Into<ExperimentKey<'a>>,
    ) -> Result<(usize, &Array<Complex64>)> {
        let experiment = self.experiment(experiment)?.succeeded()?;
        match experiment.data.get("unitary") {
            Some(Data::Matrix { dim, entries }) => Ok((*dim, entries)),
            _ => Err(experiment.lacks("unitary")),
        }
    }
}

impl ExperimentResult {
    /// The result itself if the experiment succeeded.
    ///
    /// # Errors
    /// Why it failed.
    pub fn succeeded(&self) -> Result<&Self> {
        if self.success {
            return Ok(self);
        }
        let message = format!("experiment `{}` failed: {}", self.name, self.status);
        Err(Error::other("experiment.failed", message))
    }

    fn lacks(&self, what: &str) -> Error {
        let has: Vec<&str> = [("counts", self.counts.is_some()), ("memory", self.memory.is_some())]
            .into_iter()
            .filter_map(|(name, has)| has.then_some(name))
            .chain(self.data.keys().map(String::as_str))
            .collect();
        let message =
            format!("experiment `{}` has no {what}; it has: {}", self.name, has.join(", "));
        Error::other("result.missing", message)
    }
}
