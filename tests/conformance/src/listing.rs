//! Checks of what a provider and its backends say of themselves.

use std::collections::BTreeSet;

use ketch_core::{Backend, Error, Filter, Provider};

use crate::report::{Check, require};

/// No two backends of a provider have the same name, and none has a slash or a space in it.
pub fn names_are_unique(provider: &dyn Provider) -> Check {
    let mut seen = BTreeSet::new();
    for backend in provider.backends(&Filter::new())? {
        let name = backend.name().to_owned();
        let sound = !name.is_empty() && !name.contains(|c: char| c == '/' || c.is_whitespace());
        require!(sound, "`{name}` cannot stand behind the slash of a qualified name");
        require!(seen.insert(name.clone()), "two backends are called `{name}`");
    }
    Ok(())
}

/// `get_backend` finds every backend that `backends` lists, by its name.
pub fn each_name_is_found(provider: &dyn Provider) -> Check {
    for backend in provider.backends(&Filter::new())? {
        let found = provider.get_backend(backend.name())?;
        let (asked, found) = (backend.name(), found.name());
        require!(asked == found, "asked for `{asked}`, got `{found}`");
    }
    Ok(())
}

/// `get_backend` refuses a name that there is not, and says which there are.
pub fn unknown_name_is_refused(provider: &dyn Provider) -> Check {
    const UNKNOWN: &str = "no-such-backend";
    match provider.get_backend(UNKNOWN) {
        Ok(found) => require!(false, "`{UNKNOWN}` gave `{}`", found.name()),
        Err(Error::BackendNotFound { name, known }) => {
            require!(name == UNKNOWN, "the error names `{name}` instead of `{UNKNOWN}`");
            for backend in provider.backends(&Filter::new())? {
                let name = backend.name();
                require!(known.iter().any(|k| k == name), "the error does not name `{name}`");
            }
        }
        Err(error) => require!(false, "expected backend.not_found, found {}", error.code()),
    }
    Ok(())
}

/// `backends` keeps those whose configuration or status has the value, and no others.
pub fn filters_by_key(provider: &dyn Provider) -> Check {
    for backend in provider.backends(&Filter::new())? {
        let name = backend.name();
        let simulator = backend.configuration()?.simulator;
        let operational = backend.status()?.operational;
        for (filter, expected) in [
            (Filter::new().with("backend_name", name), true),
            (Filter::new().with("backend_name", name).with("simulator", simulator), true),
            (Filter::new().with("backend_name", name).with("simulator", !simulator), false),
            (Filter::new().with("backend_name", name).with("operational", !operational), false),
            (Filter::new().with("backend_name", name).at_least("n_qubits", 1), true),
            (Filter::new().with("backend_name", name).with("no_such_field", 1), false),
        ] {
            let text = format!("{filter:?}");
            let found = provider.backends(&filter)?;
            let names: Vec<&str> = found.iter().map(|backend| backend.name()).collect();
            let right = if expected { names == [name] } else { names.is_empty() };
            require!(right, "{text} gave {names:?}");
        }
    }
    Ok(())
}

/// `backends` asks the closure of a filter.
pub fn filters_by_closure(provider: &dyn Provider) -> Check {
    for backend in provider.backends(&Filter::new())? {
        let name = backend.name().to_owned();
        let wanted = name.clone();
        let filter = Filter::new().satisfying(move |backend| backend.name() == wanted);
        let found = provider.backends(&filter)?;
        let names: Vec<&str> = found.iter().map(|backend| backend.name()).collect();
        require!(names == [name.as_str()], "a closure that wants `{name}` gave {names:?}");
    }
    let none = provider.backends(&Filter::new().satisfying(|_| false))?;
    require!(none.is_empty(), "a closure that wants nothing gave {}", none[0].name());
    Ok(())
}

/// The configuration names the backend, and its fields agree with each other.
pub fn configuration_is_valid(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    let named = &configuration.backend_name;
    require!(named == backend.name(), "the configuration is of `{named}`");
    require!(configuration.n_qubits() != Some(0), "it has no qubits");
    require!(!configuration.backend_version.is_empty(), "it has no version");
    require!(!configuration.basis_gates.is_empty(), "it has no basis gates");
    require!(configuration.max_shots != Some(0), "it takes no shots");
    require!(configuration.max_experiments != Some(0), "it takes no experiments");
    let distinct: BTreeSet<_> = configuration.basis_gates.iter().collect();
    require!(distinct.len() == configuration.basis_gates.len(), "a basis gate is listed twice");
    let couplings = configuration.coupling_map.iter().flatten().flatten();
    if let (Some(n_qubits), Some(largest)) = (configuration.n_qubits(), couplings.max()) {
        require!(*largest < n_qubits, "qubit {largest} of {n_qubits} is coupled");
    }
    Ok(())
}

/// The status names the backend as the configuration does, and says something to people.
pub fn status_is_valid(backend: &dyn Backend) -> Check {
    let (status, configuration) = (backend.status()?, backend.configuration()?);
    let named = &status.backend_name;
    require!(named == backend.name(), "the status is of `{named}`");
    let (said, expected) = (&status.backend_version, &configuration.backend_version);
    require!(said == expected, "the status is of version {said}, the configuration of {expected}");
    require!(!status.status_msg.is_empty(), "the status has no message");
    Ok(())
}
