//! Checks of how a provider is asked for its backends, by whatever name and from many threads.

use std::{collections::BTreeSet, thread};

use ketch_core::{Backend, Error, Extensions, Filter, Message, Provider, Qobj};

use crate::{
    Gates, Outcome,
    report::{Check, require},
    results::{LONG, shots, submit},
};

/// Nobody asks for a name that is longer.
const LONG_NAME: usize = 1 << 20;

fn names(provider: &dyn Provider) -> Result<Vec<String>, Outcome> {
    let backends = provider.backends(&Filter::new())?;
    Ok(backends.iter().map(|backend| backend.name().to_owned()).collect())
}

/// `name` is a letter, then lower-case letters, digits, `-` and `_`.
pub fn the_provider_has_a_plain_name(provider: &dyn Provider) -> Check {
    let name = provider.name();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    require!(begins && name.chars().all(plain), "`{name}` is no name of a provider");
    Ok(())
}

/// `backends` gives the same names in the same order again.
pub fn listing_again_gives_the_same(provider: &dyn Provider) -> Check {
    let (first, again) = (names(provider)?, names(provider)?);
    require!(first == again, "it lists {first:?}, then {again:?}");
    Ok(())
}

/// `backends` answers several threads at once, and all of them the same.
pub fn many_threads_are_told_the_same(provider: &dyn Provider) -> Check {
    let lists: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| names(provider))).collect();
        asking.into_iter().map(|thread| thread.join()).collect()
    });
    let mut different = BTreeSet::new();
    for list in lists {
        different.insert(list.map_err(|_| Outcome::failed("`backends` panicked"))??);
    }
    require!(different.len() == 1, "eight threads were told {} different lists", different.len());
    Ok(())
}

/// No backend has this name, and the error says so.
fn not_found(provider: &dyn Provider, name: &str) -> Check {
    let shown: String = name.chars().take(40).collect();
    match provider.get_backend(name) {
        Err(Error::BackendNotFound { .. }) => Ok(()),
        Err(error) => Err(Outcome::failed(format!(
            "`{}`: expected backend.not_found, found {}: {error}",
            shown.escape_debug(),
            error.code()
        ))),
        Ok(found) => {
            Err(Outcome::failed(format!("`{}` gave `{}`", shown.escape_debug(), found.name())))
        }
    }
}

/// The empty name is no backend's.
pub fn the_empty_name_is_refused(provider: &dyn Provider) -> Check {
    not_found(provider, "")
}

/// A name of a megabyte is refused as any other.
pub fn a_very_long_name_is_refused(provider: &dyn Provider) -> Check {
    not_found(provider, &"n".repeat(LONG_NAME))
}

/// So is one of characters that mean something to shells, databases, paths and terminals.
pub fn a_strange_name_is_refused(provider: &dyn Provider) -> Check {
    ["../x", "a b", "x\0y", "'; --", "\u{1b}[2J", "\u{202e}\u{fffd}", "%s%n"]
        .iter()
        .try_for_each(|name| not_found(provider, name))
}

/// A backend's name with more behind it is another name, and one with blanks around it too.
pub fn names_are_matched_whole(provider: &dyn Provider) -> Check {
    for name in names(provider)? {
        not_found(provider, &format!("{name}_no_such"))?;
        not_found(provider, &format!(" {name}"))?;
    }
    Ok(())
}

/// What `get_backend` gives has the configuration of the one in the list.
pub fn found_backends_are_the_listed_ones(provider: &dyn Provider) -> Check {
    for listed in provider.backends(&Filter::new())? {
        let found = provider.get_backend(listed.name())?;
        let same = found.configuration()? == listed.configuration()?;
        require!(same, "`{}` has another configuration than in the list", listed.name());
    }
    Ok(())
}

/// Bounds of a filter are kept on both sides.
pub fn filters_by_bounds(provider: &dyn Provider) -> Check {
    for backend in provider.backends(&Filter::new())? {
        // That a backend has qubits at all is another check's business.
        let n_qubits = backend.configuration()?.n_qubits().filter(|n_qubits| *n_qubits > 0);
        let Some(n_qubits) = n_qubits else { continue };
        let name = backend.name();
        let named = || Filter::new().with("backend_name", name);
        for (filter, expected) in [
            (named().at_least("n_qubits", n_qubits), 1),
            (named().at_most("n_qubits", n_qubits), 1),
            (named().at_least("n_qubits", u64::from(n_qubits) + 1), 0),
            (named().at_most("n_qubits", u64::from(n_qubits) - 1), 0),
        ] {
            let text = format!("{filter:?}");
            let found = provider.backends(&filter)?.len();
            require!(found == expected, "{text} gave {found} backends, expected {expected}");
        }
    }
    Ok(())
}

/// A few shots of something.
fn small(backend: &dyn Backend, name: &str) -> Result<Qobj, Outcome> {
    Ok(Qobj::from_circuit(Gates::of(backend)?.any(name)?).with_shots(shots(backend, 10)?))
}

/// The work goes on when the backend that started it is dropped.
pub fn a_job_outlives_its_backend(provider: &dyn Provider) -> Check {
    let Some(backend) = provider.backends(&Filter::new())?.into_iter().next() else {
        return Err(Outcome::not_applicable("it lists no backend"));
    };
    let job = submit(&*backend, small(&*backend, "outlives")?)?;
    drop(backend);
    let result = job.result(Some(LONG))?;
    require!(result.success, "without its backend the job says {}", result.status);
    Ok(())
}

/// A job belongs to its backend, not to the handle that it was submitted to: whoever asks the
/// provider for the backend finds it.
///
/// Not applicable on a backend that does not retrieve jobs.
pub fn a_job_is_found_by_another_handle(provider: &dyn Provider) -> Check {
    let Some(backend) = provider.backends(&Filter::new())?.into_iter().next() else {
        return Err(Outcome::not_applicable("it lists no backend"));
    };
    let job = submit(&*backend, small(&*backend, "found")?)?;
    let id = job.job_id();
    let found = match provider.get_backend(backend.name())?.retrieve_job(&id) {
        Err(Error::NotSupported { .. }) => {
            return Err(Outcome::not_applicable("it does not retrieve jobs"));
        }
        found => found?,
    };
    require!(found.job_id() == id, "asked for job `{id}`, got `{}`", found.job_id());
    let (result, again) = (job.result(Some(LONG))?, found.result(Some(LONG))?);
    require!(result == again, "found by another handle, job `{id}` has another result");
    Ok(())
}

const UNKNOWN: &str = "org.example.no_such_extension/1";

/// An extension that there is not has revision 0, and calling or opening it is refused.
fn unknown_extension(extensions: Option<&dyn Extensions>) -> Check {
    let Some(extensions) = extensions else { return Ok(()) };
    let revision = extensions.supports(UNKNOWN);
    require!(revision == 0, "it says that it knows revision {revision} of `{UNKNOWN}`");
    let called = extensions.call(UNKNOWN, Message::default()).err();
    let opened = extensions.open(UNKNOWN, Message::default()).err();
    for (what, error) in [("calling", called), ("opening", opened)] {
        match error {
            Some(Error::NotSupported { .. }) => {}
            Some(error) => {
                require!(false, "{what} it: expected not_supported, found {}", error.code());
            }
            None => require!(false, "{what} it succeeded"),
        }
    }
    Ok(())
}

/// As [`Extensions`] asks, of the provider.
pub fn unknown_extension_of_the_provider(provider: &dyn Provider) -> Check {
    unknown_extension(provider.extensions())
}

/// As [`Extensions`] asks, of a backend.
pub fn unknown_extension_of_a_backend(backend: &dyn Backend) -> Check {
    unknown_extension(backend.extensions())
}

/// As [`Extensions`] asks, of a job.
pub fn unknown_extension_of_a_job(backend: &dyn Backend) -> Check {
    let job = submit(backend, small(backend, "extended")?)?;
    let checked = unknown_extension(job.extensions());
    job.result(Some(LONG))?;
    checked
}
