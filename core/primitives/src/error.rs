//! Why a primitive cannot run, or has no result.

use ketch_interface::circuit::BindError;

use crate::{ObservableError, ShapeError};

/// Why a primitive cannot run, or has no result.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing to run.
    #[error("no pubs, expected at least one")]
    NoPubs,
    /// One of the pubs cannot be run, or came to nothing.
    #[error("pub {index}: {problem}")]
    Pub {
        /// Its place in the list, from 0.
        index: usize,
        /// What is wrong with it.
        problem: PubError,
    },
    /// All pubs together are too much for one job.
    #[error("{found} {what} for one job, at most {limit}; run fewer pubs at a time")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// The result is not that of these pubs.
    #[error("the result has {found} experiments, these pubs need {}{expected}",
        if found < expected { "at least " } else { "" })]
    OtherResult {
        /// How many the result has.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The backend or its job failed.
    #[error(transparent)]
    Backend(#[from] ketch_interface::Error),
}

/// What is wrong with a pub.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum PubError {
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error(transparent)]
    Observable(#[from] ObservableError),
    #[error("the circuit `{circuit}` is not valid: {reason}")]
    Circuit { circuit: String, reason: String },
    #[error("shape {shape} has no places, so there is nothing to run")]
    Empty { shape: String },
    #[error(
        "the last axis of the parameter values has {found} numbers, expected {}",
        expected_numbers(names)
    )]
    LastAxis { found: usize, names: Vec<String> },
    #[error("parameter values without axes, expected the last axis to be {}", names.join(", "))]
    NoLastAxis { names: Vec<String> },
    #[error("parameter `{name}` has values twice")]
    Twice { name: String },
    #[error("parameter `{name}` has no values")]
    Missing { name: String },
    #[error("no parameter `{name}`; the circuit has {}", list(known))]
    Unknown { name: String, known: Vec<String> },
    #[error("parameter `{name}` is {found} at place {place}, expected a finite number")]
    NotFinite { name: String, found: f64, place: usize },
    #[error("parameter values do not fit the circuit: {0}")]
    Bind(#[from] BindError),
    #[error("0 shots, expected at least 1")]
    NoShots,
    #[error("{found} shots, backend `{backend}` runs at most {limit}")]
    TooManyShots { found: u64, backend: String, limit: u64 },
    #[error("the samples take {found} bytes, at most {limit}; ask for fewer shots or places")]
    TooManySamples { found: u128, limit: u128 },
    #[error("the circuit `{circuit}` measures nothing, so there is nothing to sample")]
    NothingMeasured { circuit: String },
    #[error("precision {found}, expected a number of at least 0")]
    Precision { found: f64 },
    #[error(
        "precision {found} takes {shots} shots, backend `{backend}` runs at most {limit}, which \
         give {reached}"
    )]
    TooPrecise { found: f64, shots: f64, backend: String, limit: u64, reached: f64 },
    #[error(
        "the observable at place {place} has {found} letters, the circuit has {expected} qubits"
    )]
    Width { place: usize, found: u32, expected: u32 },
    #[error("{found} sets of parameter values, at most {limit} are run")]
    TooManySets { found: u64, limit: u64 },
    #[error("{found} different Pauli strings are too many to be measured, at most {limit}")]
    TooManyTerms { found: usize, limit: usize },
    #[error("{found} Pauli strings fall into too many groups to be measured")]
    TooManyGroups { found: usize },
    #[error("{wanted}, but {reason}")]
    NotExact { wanted: &'static str, reason: String },
    #[error("the circuit ends shots early (`end`), so nothing can be measured after it")]
    EndsEarly,
    #[error("experiment {experiment} failed: {status}")]
    Failed { experiment: usize, status: String },
    #[error("the result has no experiment {experiment}")]
    NoExperiment { experiment: usize },
    #[error("the result of experiment {experiment} has no {what}")]
    Lacks { experiment: usize, what: String },
    #[error("experiment {experiment} has {found} {what}, expected {expected}")]
    Differs { experiment: usize, what: &'static str, found: u64, expected: u64 },
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The stable word for machines.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::NoPubs => "primitive.no_pubs",
            Self::Pub { problem: PubError::Failed { .. }, .. } => "experiment.failed",
            Self::OtherResult { .. } => "primitive.result",
            Self::Pub { problem: PubError::Lacks { .. }, .. } => "primitive.result",
            Self::Pub { problem: PubError::Differs { .. }, .. } => "primitive.result",
            Self::Pub { problem: PubError::NoExperiment { .. }, .. } => "primitive.result",
            Self::Pub { .. } => "primitive.pub",
            Self::TooMuch { .. } => "primitive.too_large",
            Self::Backend(error) => error.code(),
        }
    }

    /// What the user can do about it, where we know.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Pub { problem: PubError::NotExact { .. }, .. } => {
                Some("with a precision above 0 the observables are measured".to_owned())
            }
            Self::Pub { problem: PubError::Unknown { name, known }, .. } => {
                let nearest = ketch_interface::nearest(name, known.iter().map(String::as_str))?;
                Some(format!("did you mean `{nearest}`?"))
            }
            Self::Backend(error) => error.hint(),
            _ => None,
        }
    }

    pub(crate) fn of_pub(index: usize) -> impl Fn(PubError) -> Self {
        move |problem| Self::Pub { index, problem }
    }
}

fn expected_numbers(names: &[String]) -> String {
    match names.len() {
        0 => "none: the circuit has no parameters".to_owned(),
        n => format!("{n}, for {}", list(names)),
    }
}

/// More names than this are not listed.
const LISTED: usize = 12;

fn list(names: &[String]) -> String {
    match names.len() {
        0 => "no parameters".to_owned(),
        n if n <= LISTED => names.join(", "),
        n => format!("{}, … ({n} names)", names[..LISTED].join(", ")),
    }
}
