//! [`Provider`]: access to a group of backends.

use std::sync::Arc;

use crate::{Backend, Error, Extensions, Filter, Result};

/// Access to a group of backends.
///
/// **Required:** [`name`](Self::name), [`backends`](Self::backends).
/// **Optional:** [`get_backend`](Self::get_backend), for aliases; [`extensions`](Self::extensions).
///
/// Every method may be called from any thread, and from several at once.
pub trait Provider: Send + Sync {
    /// Its name, the part before the slash in `local/qasm_simulator`. Does not block.
    fn name(&self) -> &str;

    /// The backends that pass the filter; [`Filter::apply`] does the filtering. May block while a
    /// service is asked.
    ///
    /// # Errors
    /// If the list cannot be had.
    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>>;

    /// The backend with this name. May block as [`backends`](Self::backends) does.
    ///
    /// # Errors
    /// [`Error::BackendNotFound`], with the names that there are.
    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        let backends = self.backends(&Filter::default())?;
        match backends.iter().find(|backend| backend.name() == name) {
            Some(backend) => Ok(Arc::clone(backend)),
            None => {
                let known = backends.iter().map(|backend| backend.name().to_owned()).collect();
                Err(Error::BackendNotFound { name: name.to_owned(), known })
            }
        }
    }

    /// What it can do beyond this trait, by name. Does not block.
    fn extensions(&self) -> Option<&dyn Extensions> {
        None
    }
}
