//! Loading a library: the only place where foreign code starts to run.

#![expect(unsafe_code, reason = "opening a library and using its symbols")]

use std::{path::Path, sync::Arc};

use ketch_abi::{
    LoadError, MAKER_SYMBOL, MANIFEST_SECTION, Manifest, c, plugin_abi_symbol,
    provider_from_library,
};
use ketch_core::{Extensions, Provider};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::{Refusal, c_plugin, check::MAX_FILE, elf, platform, stamp::digest};

/// Loads a library that passed the checks and makes its provider. With a digest, nothing but the
/// bytes that have it is loaded.
///
/// Opening the file *is* running its code: its initialisers run before anything can be asked. The
/// library stays loaded for the rest of the process, since its threads and thread-locals may
/// outlive every object of it.
///
/// A private copy in memory is loaded, so that overwriting or truncating the file afterwards
/// cannot change or kill this process; a library that looks for neighbours beside itself
/// (`$ORIGIN`) is loaded in place.
pub(crate) fn load(
    path: &Path,
    manifest: &Manifest,
    sha256: Option<&str>,
    host: Arc<dyn Extensions>,
) -> Result<Arc<dyn Provider>, Refusal> {
    let refuse = |step, found: String, expected: &str, fix: &str| Refusal {
        path: path.to_owned(),
        step,
        found,
        expected: expected.to_owned(),
        fix: fix.to_owned(),
        details: None,
    };
    let fix = "check the file with `ketch providers --why`";
    let (copy, name) = platform::private_copy(path, MAX_FILE)
        .map_err(|error| refuse("loading", error.to_string(), "a readable file", fix))?;
    // What was checked at discovery may have been replaced since, so the copy, which nobody can
    // change any more, is looked at again.
    let bytes = std::fs::read(&name)
        .map_err(|error| refuse("loading", error.to_string(), "a readable copy", fix))?;
    let library = elf::read(&bytes, MANIFEST_SECTION)
        .map_err(|why| refuse(why.step, why.found, why.expected, fix))?;
    let embedded = library.manifest.and_then(|section| Manifest::from_bytes(section).ok());
    if embedded.is_none_or(|embedded| embedded.id != manifest.id || embedded.abi != manifest.abi) {
        let found = "another plugin than at discovery".to_owned();
        return Err(refuse("loading", found, &format!("provider `{}`", manifest.id), "run again"));
    }
    if let Some(sha256) = sha256
        && digest(&bytes) != sha256
    {
        let found = "other bytes than at discovery".to_owned();
        return Err(refuse("loading", found, "the file that was checked", "run again"));
    }
    let in_place = library.needs_neighbours.then_some(path.as_os_str());
    let name = in_place.unwrap_or(name.as_ref());
    drop(bytes);
    // SAFETY: running the file's initialisers is what loading means; that the file may be run was
    // decided by its place and its permissions. RTLD_NOW finds missing functions here and not in
    // the middle of a call; RTLD_LOCAL keeps plugins from seeing each other's symbols.
    let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|error| refuse("loading", reason(&error), "a loadable library", fix))?;
    // The system's loader remembers libraries by their path, and this path is made of the number of
    // the descriptor: closing it would let a later plugin have the same path, and be taken for this
    // one.
    std::mem::forget(copy);
    let provider = provider_of(&library, &manifest.id, host);
    std::mem::forget(library);
    let provider = provider.map_err(|error| {
        let mut refusal = refuse("entry", chain(&error), "a provider of this ABI", "rebuild it");
        if let LoadError::Layout { details, .. } = error {
            refusal.details = Some(details.into());
        }
        refusal
    })?;
    if provider.name() != manifest.id {
        let found = format!("a provider named `{}`", provider.name());
        return Err(refuse(
            "id",
            found,
            &format!("`{}` as in the manifest", manifest.id),
            "rebuild it",
        ));
    }
    Ok(provider)
}

fn provider_of(
    library: &Library,
    id: &str,
    host: Arc<dyn Extensions>,
) -> Result<Arc<dyn Provider>, LoadError> {
    // SAFETY: the symbol is the struct of that type, whose address is what is asked for.
    if let Ok(plugin) = unsafe { library.get::<*const c::Plugin>(c::SYMBOL) } {
        // SAFETY: the address is of that symbol, and the caller never closes the library.
        return unsafe { c_plugin::provider(*plugin, id) };
    }
    let missing = |error: libloading::Error| LoadError::Layout {
        summary: "the entry is missing".to_owned(),
        details: error.to_string(),
    };
    // SAFETY: `export_provider!` gives the symbol this type, and the number it returns says whether
    // the rest of the library is of this ABI.
    let abi = unsafe { library.get::<extern "C" fn() -> u32>(plugin_abi_symbol()) };
    let found = abi.map_err(missing)?();
    if found != ketch_abi::ABI {
        return Err(LoadError::Number { found });
    }
    // SAFETY: the static of this name is abi_stable's header, and a reference to it is what the
    // symbol's address is.
    let header = unsafe { library.get(MAKER_SYMBOL) }.map_err(missing)?;
    // SAFETY: the header is the value of the symbol `MAKER_SYMBOL`, and the caller never closes the
    // library.
    let provider = unsafe { provider_from_library(*header, host) }?;
    Ok(Arc::new(provider))
}

/// What the system's loader says, without the path of the private copy, which means nothing to
/// anybody.
fn reason(error: &libloading::Error) -> String {
    let text = chain(error);
    let text = text.strip_prefix("dlopen failed: ").unwrap_or(&text);
    let Some((before, rest)) = text.split_once("/proc/self/fd/") else { return text.to_owned() };
    match rest.split_once(": ") {
        Some((_, reason)) => reason.to_owned(),
        // It comes last where another library is found too old: `… (required by PATH)`.
        None => format!("{before}it{}", rest.trim_start_matches(|c: char| c.is_ascii_digit())),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
