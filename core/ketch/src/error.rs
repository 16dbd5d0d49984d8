//! One error for programs that only pass errors on.

use crate::{
    AccountError, BackendError, FitError, LoadError, NoiseLoadError, RegistryError, primitives,
};

/// Any error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A provider, backend or job.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// Finding or loading a plugin.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Reading a circuit file.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Reading a noise model.
    #[error(transparent)]
    Noise(#[from] NoiseLoadError),
    /// Compiling a circuit for its backend.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// Sampling or estimating.
    #[error(transparent)]
    Primitive(#[from] primitives::Error),
    /// Reading stored accounts.
    #[error(transparent)]
    Account(#[from] AccountError),
}

/// The result of anything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The stable word for machines.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Backend(error) => error.code(),
            Self::Registry(error) => error.code(),
            Self::Load(error) => error.code(),
            Self::Noise(error) => error.code(),
            Self::Fit(error) => error.code(),
            Self::Primitive(error) => error.code(),
            Self::Account(error) => error.code(),
        }
    }

    /// What the user can do about it, where we know.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Backend(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::Load(error) => error.hint(),
            Self::Noise(error) => error.hint().map(str::to_owned),
            Self::Fit(_) => None,
            Self::Primitive(error) => error.hint(),
            Self::Account(error) => error.hint(),
        }
    }
}
