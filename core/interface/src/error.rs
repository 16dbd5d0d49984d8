//! The errors that callers tell apart.

use std::{error::Error as StdError, sync::Arc, time::Duration};

/// What a provider, backend or job can answer instead of a value.
///
/// A short, stable vocabulary: callers branch on it, people read the message, the chain of
/// [`source`](StdError::source)s and the [`hint`](Error::hint). It crosses the plugin boundary
/// whole, by its [`code`](Error::code).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("no backend `{name}`")]
    BackendNotFound { name: String, known: Vec<String> },
    #[error("backend `{name}` is ambiguous")]
    BackendAmbiguous { name: String, candidates: Vec<String> },
    #[error("invalid Qobj: {reason}")]
    InvalidQobj { reason: String, source: Option<Cause> },
    #[error("invalid option `{name}`: {reason}")]
    InvalidOption { name: String, reason: String, nearest: Option<String> },
    #[error("backend `{backend}` does not know the instruction `{instruction}`")]
    UnsupportedInstruction { backend: String, instruction: String },
    #[error("backend `{backend}` has {limit} qubits, the circuit `{circuit}` needs {needed}")]
    TooManyQubits { backend: String, circuit: String, needed: u32, limit: u32 },
    #[error("needs {needed} bytes of memory, {available} are free")]
    OutOfMemory { needed: u64, available: u64 },
    #[error("no result of job `{job}` within {after:?}")]
    Timeout { job: String, after: Duration },
    #[error("job `{job}` was cancelled")]
    Cancelled { job: String },
    #[error("job `{job}` failed: {reason}")]
    JobFailed { job: String, reason: String },
    #[error("no job `{job}`")]
    JobNotFound { job: String },
    #[error("{what} does not support {operation}")]
    NotSupported { what: String, operation: String },
    #[error("not authenticated: {reason}")]
    Unauthenticated { reason: String },
    #[error("too many requests")]
    RateLimited { retry_after: Option<Duration> },
    #[error("cannot reach {service}")]
    Transport { service: String, source: Option<Cause> },
    #[error("provider `{provider}` panicked: {message}")]
    ProviderPanicked { provider: String, message: String },
    #[error("{message}")]
    Other {
        /// A machine-readable word of the provider's, such as `calibration.missing`.
        code: String,
        message: String,
        hint: Option<String>,
        retryable: bool,
        source: Option<Cause>,
    },
}

/// A result of this crate's interface.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of an error, shared so that errors can be cloned.
pub type Cause = Arc<dyn StdError + Send + Sync>;

impl Error {
    /// An error of the provider's own, by a machine-readable word and a message.
    #[must_use]
    pub fn other(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Other {
            code: code.into(),
            message: message.into(),
            hint: None,
            retryable: false,
            source: None,
        }
    }

    /// An error of the provider's own around another error.
    #[must_use]
    pub fn caused(
        code: impl Into<String>,
        message: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self::Other {
            code: code.into(),
            message: message.into(),
            hint: None,
            retryable: false,
            source: Some(Arc::new(source)),
        }
    }

    /// `what` cannot do `operation`.
    #[must_use]
    pub fn not_supported(what: impl Into<String>, operation: impl Into<String>) -> Self {
        Self::NotSupported { what: what.into(), operation: operation.into() }
    }

    /// The stable word for machines.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::BackendNotFound { .. } => "backend.not_found",
            Self::BackendAmbiguous { .. } => "backend.ambiguous",
            Self::InvalidQobj { .. } => "qobj.invalid",
            Self::InvalidOption { .. } => "option.invalid",
            Self::UnsupportedInstruction { .. } => "instruction.unsupported",
            Self::TooManyQubits { .. } => "circuit.too_large",
            Self::OutOfMemory { .. } => "memory.insufficient",
            Self::Timeout { .. } => "job.timeout",
            Self::Cancelled { .. } => "job.cancelled",
            Self::JobFailed { .. } => "job.failed",
            Self::JobNotFound { .. } => "job.not_found",
            Self::NotSupported { .. } => "not_supported",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::RateLimited { .. } => "rate_limited",
            Self::Transport { .. } => "transport",
            Self::ProviderPanicked { .. } => "provider.panicked",
            Self::Other { code, .. } => code,
        }
    }

    /// What the user can do about it, where we know.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BackendNotFound { name, known } => did_you_mean(name, known).or_else(|| {
                (!known.is_empty()).then(|| format!("there are: {}", known.join(", ")))
            }),
            Self::BackendAmbiguous { candidates, .. } => {
                Some(format!("use one of: {}", candidates.join(", ")))
            }
            Self::InvalidOption { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            Self::RateLimited { retry_after: Some(after) } => {
                Some(format!("try again in {} s", after.as_secs()))
            }
            Self::Other { hint, .. } => hint.clone(),
            _ => None,
        }
    }

    /// The same call may succeed later without any change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::Transport { .. } | Self::Timeout { .. } => true,
            Self::Other { retryable, .. } => *retryable,
            _ => false,
        }
    }

    /// The messages of the causes, the nearest first.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut cause = self.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        causes
    }
}

/// The known name that a misspelt one most resembles, if any resembles it.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = (length / 3).max(1);
    // A name may be a megabyte; what differs in length alone by more is not compared.
    let known = known.into_iter().filter(|k| k.chars().count().abs_diff(length) <= limit);
    let distances = known.map(|k| (strsim::damerau_levenshtein(name, k), k));
    let (distance, nearest) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= limit).then_some(nearest)
}

fn did_you_mean(name: &str, known: &[String]) -> Option<String> {
    let nearest = nearest(name, known.iter().map(String::as_str))?;
    Some(format!("did you mean `{nearest}`?"))
}

impl From<crate::circuit::CircuitError> for Error {
    fn from(error: crate::circuit::CircuitError) -> Self {
        Self::InvalidQobj { reason: error.to_string(), source: None }
    }
}

impl From<crate::circuit::BindError> for Error {
    fn from(error: crate::circuit::BindError) -> Self {
        Self::InvalidQobj {
            reason: "cannot bind parameters".to_owned(),
            source: Some(Arc::new(error)),
        }
    }
}

/// A cause that is known only by its text, such as one that crossed the plugin boundary.
#[derive(Clone, Debug)]
pub struct TextCause {
    message: String,
    source: Option<Box<TextCause>>,
}

impl TextCause {
    /// The chain of causes with these messages, the nearest first; `None` if there are none.
    #[must_use]
    pub fn chain(messages: &[String]) -> Option<Cause> {
        let innermost = None;
        let chain = messages.iter().rev().fold(innermost, |source, message| {
            Some(Box::new(Self { message: message.clone(), source }))
        });
        chain.map(|cause| Arc::new(*cause) as Cause)
    }
}

impl std::fmt::Display for TextCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for TextCause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
