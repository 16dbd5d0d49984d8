//! From names to backends.

use std::{ops::Deref, sync::Arc};

use ketch_core::{Backend, Filter, Provider};

use crate::{Catalogue, Error, ListedBackend, Registry, Result, registry::ALIASES};

/// A backend with the name by which the registry knows it.
#[derive(Clone)]
pub struct QualifiedBackend {
    /// `provider/backend`.
    pub name: String,
    /// The provider's id.
    pub provider: String,
    /// Something to tell the user, such as that an old name was used.
    pub note: Option<String>,
    /// The backend.
    pub backend: Arc<dyn Backend>,
}

impl Deref for QualifiedBackend {
    type Target = dyn Backend;

    fn deref(&self) -> &Self::Target {
        &*self.backend
    }
}

impl std::fmt::Debug for QualifiedBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QualifiedBackend").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The backends of all providers, and what went wrong with some.
#[derive(Debug, Default)]
pub struct Listing {
    /// The backends, by provider in search order.
    pub backends: Vec<QualifiedBackend>,
    /// Providers that could not be loaded or asked.
    pub problems: Vec<Error>,
}

impl Registry {
    /// The backends of all providers that pass the filter. Loads every plugin; blocks while they
    /// are asked. A provider with a problem does not hide the others.
    #[must_use]
    pub fn backends(&self, filter: &Filter) -> Listing {
        let mut listing = Listing::default();
        for id in self.provider_ids() {
            let id = id.as_str();
            let asked = self.provider(id).and_then(|provider| {
                provider.backends(filter).map_err(|source| provider_error(id, source))
            });
            match asked {
                Ok(backends) => {
                    let backends = backends.into_iter().map(|backend| qualified(id, backend));
                    listing.backends.extend(backends);
                }
                Err(problem) => listing.problems.push(problem),
            }
        }
        listing
    }

    /// The backend called `provider/backend`, or `backend` alone where only one provider has it.
    /// `provider@account/backend` is the backend that the provider knows as `account:backend`.
    /// Loads that provider's plugin; a bare name may need all of them, if no backend is listed by
    /// that name.
    ///
    /// # Errors
    /// If there is none, the name is ambiguous, or the plugin cannot be loaded.
    pub fn get_backend(&self, name: &str) -> Result<QualifiedBackend> {
        match name.split_once('/') {
            Some((id, backend)) => {
                let (id, account) = id.split_once('@').map_or((id, None), |(id, a)| (id, Some(a)));
                let backend = match account {
                    Some(account) => &format!("{account}:{backend}"),
                    None => backend,
                };
                let id = ALIASES.iter().find(|(alias, _)| *alias == id).map_or(id, |(_, id)| id);
                let provider = self.provider(id)?;
                self.backend_of(&*provider, id, backend)
            }
            None => self.bare(name),
        }
    }

    fn backend_of(
        &self,
        provider: &dyn Provider,
        id: &str,
        name: &str,
    ) -> Result<QualifiedBackend> {
        match provider.get_backend(name) {
            Ok(backend) => {
                let mut found = qualified(id, backend);
                // What stands before the colon says whose backend it is.
                if name.rsplit(':').next() != Some(found.backend.name()) {
                    found.note = Some(format!("`{name}` is another name of `{}`", found.name));
                }
                Ok(found)
            }
            Err(ketch_core::Error::BackendNotFound { known, .. }) => {
                let known = known.iter().map(|backend| format!("{id}/{backend}")).collect();
                Err(Error::UnknownBackend { name: format!("{id}/{name}"), known })
            }
            Err(source) => Err(provider_error(id, source)),
        }
    }

    fn bare(&self, name: &str) -> Result<QualifiedBackend> {
        if self.provider_ids().is_empty() {
            return Err(self.no_plugin());
        }
        // What is listed is known without loading all plugins; only those that have it are loaded.
        let Catalogue { backends, mut problems } = self.catalogue(&Filter::default());
        let known: Vec<String> = backends.iter().map(|backend| backend.name.clone()).collect();
        let listed = |backend: &&ListedBackend| {
            backend.name.split_once('/').is_some_and(|(_, own)| own == name)
        };
        let mut exact = Vec::new();
        for backend in backends.iter().filter(listed) {
            let provider = self.provider(&backend.provider)?;
            exact.push(self.backend_of(&*provider, &backend.provider, name)?);
        }
        if exact.is_empty() {
            // No backend is listed by that name, but a provider may know it as an alias.
            let aliases = self.provider_ids().into_iter().filter_map(|id| {
                let provider = self.provider(&id).ok()?;
                self.backend_of(&*provider, &id, name).ok()
            });
            exact = aliases.collect();
        }
        match (exact.len(), exact.pop()) {
            (1, Some(only)) => Ok(only),
            (0, _) if known.is_empty() && !problems.is_empty() => Err(problems.remove(0)),
            (0, _) => Err(Error::UnknownBackend { name: name.to_owned(), known: with_bare(known) }),
            (_, last) => {
                let names = exact.into_iter().chain(last).map(|backend| backend.name);
                Err(Error::Ambiguous { name: name.to_owned(), candidates: names.collect() })
            }
        }
    }
}

/// The qualified names and the bare ones, so that a misspelt bare name finds its neighbour.
fn with_bare(qualified: Vec<String>) -> Vec<String> {
    let bare: Vec<String> =
        qualified.iter().filter_map(|name| Some(name.split_once('/')?.1.to_owned())).collect();
    qualified.into_iter().chain(bare).collect()
}

fn qualified(id: &str, backend: Arc<dyn Backend>) -> QualifiedBackend {
    let name = format!("{id}/{}", backend.name());
    QualifiedBackend { name, provider: id.to_owned(), note: None, backend }
}

pub(crate) fn provider_error(id: &str, source: ketch_core::Error) -> Error {
    Error::Provider { provider: id.to_owned(), source }
}
