//! Why there is no answer, or no good one.

use std::{sync::Arc, time::Duration};

use ketch_core::Error;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Nothing was sent: no such host, nobody listens, no route.
    #[error("cannot connect")]
    NotSent { source: reqwest::Error },
    /// The connection broke before the whole answer was there.
    #[error("the connection broke before the whole answer was there")]
    Broken { source: reqwest::Error },
    #[error("no answer within {after:?}")]
    TimedOut { after: Duration },
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("{what} cannot be used")]
    Unaskable { what: &'static str },
    /// The service says that it cannot now.
    #[error("it answered {status}: {message}")]
    Unavailable { status: u16, message: String },
}

impl Failure {
    pub(crate) fn of(source: reqwest::Error) -> Self {
        match source.is_connect() || source.is_builder() {
            true => Self::NotSent { source },
            false => Self::Broken { source },
        }
    }

    /// The question surely did not arrive.
    pub(crate) fn never_arrived(&self) -> bool {
        matches!(self, Self::NotSent { .. } | Self::Unaskable { .. })
    }

    /// Asking again may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::NotSent { .. } | Self::Broken { .. } | Self::TimedOut { .. })
    }

    pub(crate) fn into_error(self, service: String) -> Error {
        Error::Transport { service, source: Some(Arc::new(self)) }
    }
}
