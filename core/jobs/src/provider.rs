//! [`StoredProvider`]: any provider, with jobs that are kept.

use std::sync::Arc;

use ketch_core::{Backend, Extensions, Filter, Provider, Result};

use crate::{Store, StoredBackend};

/// Any provider; each of its backends is a [`StoredBackend`].
pub struct StoredProvider {
    store: Arc<Store>,
    inner: Arc<dyn Provider>,
}

impl StoredProvider {
    /// Wraps a provider. Jobs are kept under the provider's name, a slash, and the backend's.
    #[must_use]
    pub fn new(store: Arc<Store>, inner: Arc<dyn Provider>) -> Self {
        Self { store, inner }
    }

    fn stored(&self, backend: Arc<dyn Backend>) -> Arc<dyn Backend> {
        let name = format!("{}/{}", self.inner.name(), backend.name());
        Arc::new(StoredBackend::new(Arc::clone(&self.store), name, backend))
    }
}

impl Provider for StoredProvider {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        let backends = self.inner.backends(filter)?.into_iter();
        Ok(backends.map(|backend| self.stored(backend)).collect())
    }

    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        self.inner.get_backend(name).map(|backend| self.stored(backend))
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        self.inner.extensions()
    }
}

impl std::fmt::Debug for StoredProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredProvider").field("name", &self.inner.name()).finish_non_exhaustive()
    }
}
