//! Which backend runs the circuits.

use std::sync::Arc;

use ketch::{Backend, Filter, QualifiedBackend, Registry, least_busy};

use crate::{commands::backends::filter, context::no_plugin, failure::Failure};

/// The backend where nobody says otherwise.
pub(super) const DEFAULT_BACKEND: &str = "local/qasm_simulator";

/// The environment's word on it.
const VARIABLE: &str = "KETCH_BACKEND";

/// Stands for the backend with the shortest queue.
const LEAST_BUSY: &str = "least-busy";

/// The backend of the flag, else of `KETCH_BACKEND`, else the default. Loads the plugins that the
/// name asks for.
///
/// # Errors
/// If there is no such backend, or none at all.
pub(super) fn backend(
    registry: &Registry,
    flag: Option<&str>,
) -> Result<QualifiedBackend, Failure> {
    if let Some(failure) = no_plugin(registry) {
        return Err(failure);
    }
    let environment = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty());
    match (flag, environment) {
        (Some(name), _) => named(registry, name),
        (None, Some(name)) => named(registry, &name).map_err(|mut failure| {
            failure.causes.push(format!("{VARIABLE} is set to `{name}`"));
            failure
        }),
        (None, None) => named(registry, DEFAULT_BACKEND),
    }
}

fn named(registry: &Registry, name: &str) -> Result<QualifiedBackend, Failure> {
    match name.strip_prefix(LEAST_BUSY) {
        Some("") => the_least_busy(registry, &Filter::new()),
        Some(rest) if rest.starts_with(':') => the_least_busy(registry, &conditions(&rest[1..])?),
        _ => Ok(registry.get_backend(name)?),
    }
}

/// Reads `key=value,key>=value`.
fn conditions(text: &str) -> Result<Filter, Failure> {
    text.split(',').try_fold(Filter::new(), |all, condition| {
        let condition = filter(condition).map_err(|reason| {
            let message = format!("invalid condition `{condition}` of {LEAST_BUSY}: {reason}");
            Failure::new("filter.invalid", message)
        })?;
        Ok(all.and_all_of(condition))
    })
}

fn the_least_busy(registry: &Registry, filter: &Filter) -> Result<QualifiedBackend, Failure> {
    let listing = registry.backends(filter);
    let backends: Vec<Arc<dyn Backend>> =
        listing.backends.iter().map(|backend| Arc::clone(&backend.backend)).collect();
    if backends.is_empty() {
        let failure = Failure::new("backend.none_matches", "no backend meets these conditions");
        return Err(failure.with_hint("`ketch backends` lists all of them"));
    }
    let chosen = least_busy(&backends)?;
    let chosen = listing.backends.into_iter().find(|one| Arc::ptr_eq(&one.backend, &chosen));
    let mut chosen = chosen.expect("the least busy backend is one of the list");
    chosen.note = Some(format!("the least busy backend is {}", chosen.name));
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_checked() {
        assert!(conditions("simulator=true,n_qubits>=5").is_ok());
        let failure = conditions("simulator=true,n_qubits").unwrap_err();
        assert_eq!(failure.exit, crate::exit::Exit::Usage);
        assert!(failure.message.contains("`n_qubits`"), "{}", failure.message);
    }

    #[test]
    fn without_plugins_the_failure_says_where_they_were_looked_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = ketch::SearchPath::only([directory.path().to_owned()]);
        let failure = backend(&Registry::discover(&path), Some("a/b")).unwrap_err();
        assert_eq!(failure.exit, crate::exit::Exit::Plugin);
        assert!(failure.hint.unwrap().contains(&*directory.path().to_string_lossy()));
    }
}
