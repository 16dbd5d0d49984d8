//! The checks of a candidate that run none of its code, in order.

use std::{io::Read, path::Path, time::Instant};

use ketch_abi::{ABI, MAKER_SYMBOL, MANIFEST_SECTION, Manifest, c, plugin_abi_symbol};
use serde_json::Value;

use crate::{
    Origin, Refusal, Step, elf,
    permissions::{self, Verdict},
    platform,
    stamp::digest,
};

/// No plugin is larger.
pub(crate) const MAX_FILE: u64 = 2 << 30;

/// No manifest beside a library is larger.
pub(crate) const MAX_BESIDE: u64 = 1 << 20;

/// What was found is told in so many characters.
const MAX_FOUND: usize = 300;

/// Ids that only the installation itself may use, so that a dropped file can neither take over
/// `local` nor receive a service's secrets.
pub const RESERVED: [&str; 3] = ["local", "noisy", "ibmq"];

/// Neither part of Ketch nor trusted as such.
pub(crate) fn is_third_party(id: &str) -> bool {
    !RESERVED.contains(&id)
}

/// What a file is, whoever it belongs to and wherever it lies.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) manifest: Option<Manifest>,
    pub(crate) steps: Vec<Step>,
    /// Of a third party's plugin, and wherever it was asked for.
    pub(crate) sha256: Option<String>,
    pub(crate) refusal: Option<Refusal>,
}

/// Reads a file and says what it is; `hash` is whether the digest is needed in any case.
pub(crate) fn inspect(path: &Path, hash: bool) -> Inspected {
    let mut check = Check::of(path);
    let outcome = check.contents(hash);
    let refusal = outcome.as_ref().err().cloned();
    if let Some(refusal) = &refusal {
        check.note_refusal(refusal);
    }
    let Check { manifest, steps, .. } = check;
    Inspected { manifest, steps, sha256: outcome.ok().flatten(), refusal }
}

/// Whether a plugin may be used from where it lies, by whom it belongs to and by its id. The steps
/// are added to those so far.
pub(crate) fn admit(
    path: &Path,
    origin: Origin,
    id: &str,
    steps: &mut Vec<Step>,
) -> Result<(), Refusal> {
    let mut check = Check { steps: std::mem::take(steps), ..Check::of(path) };
    let outcome = check.permissions(origin).and_then(|()| check.id(id, origin));
    if let Err(refusal) = &outcome {
        check.note_refusal(refusal);
    }
    *steps = check.steps;
    outcome
}

struct Check<'a> {
    path: &'a Path,
    steps: Vec<Step>,
    manifest: Option<Manifest>,
    /// When the step began that is not noted yet.
    since: Instant,
}

impl<'a> Check<'a> {
    fn of(path: &'a Path) -> Self {
        Self { path, steps: Vec::new(), manifest: None, since: Instant::now() }
    }

    /// The checks that depend on nothing but the bytes; gives their digest.
    fn contents(&mut self, hash: bool) -> Result<Option<String>, Refusal> {
        let bytes = self.read()?;
        let library = elf::read(&bytes, MANIFEST_SECTION).map_err(|why| {
            let fix = match why.step {
                "completeness" => "copy the file again",
                "structure" => "copy the file again or rebuild it",
                _ => "build it for this machine",
            };
            self.refusal(why.step, why.found, why.expected, fix)
        })?;
        self.note("file kind", "an ELF library for x86-64, whole");
        let manifest = self.manifest(library.manifest)?;
        self.note("manifest", format!("provider `{}` {}", manifest.id, manifest.version));
        let (abi, hash) = (manifest.abi, hash || is_third_party(&manifest.id));
        self.manifest = Some(manifest);
        if abi != ABI {
            let fix = if abi > ABI { "update ketch" } else { "ask its author for a newer build" };
            return Err(self.refusal("abi", format!("ABI {abi}"), &format!("ABI {ABI}"), fix));
        }
        // Either door will do.
        let rust = [plugin_abi_symbol(), MAKER_SYMBOL];
        let doors = if library.exports(c::SYMBOL) { &[][..] } else { &rust[..] };
        for symbol in doors {
            if !library.exports(symbol) {
                let found = format!("no symbol `{}`", symbol.trim_end_matches('\0'));
                let fix = "export the provider with `ketch_core::export_provider!`";
                return Err(self.refusal("entry", found, "the entry of a plugin", fix));
            }
        }
        self.note("abi", format!("ABI {abi}, entry present"));
        Ok(hash.then(|| digest(&bytes)))
    }

    fn read(&self) -> Result<Vec<u8>, Refusal> {
        let io = |error: std::io::Error| {
            self.refusal("reading", error.to_string(), "a readable file", "check its permissions")
        };
        let file = platform::open(self.path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            let fix = "remove it from the plugin directory";
            return Err(self.refusal("file kind", "no regular file".to_owned(), "a file", fix));
        }
        if metadata.len() > MAX_FILE {
            let found = format!("{} bytes", metadata.len());
            return Err(self.refusal("file kind", found, "at most 2 GiB", "strip the library"));
        }
        let mut file = file.take(MAX_FILE);
        let mut bytes = Vec::new();
        // The start of what is no library is enough to say so; the rest may be large.
        (&mut file).take(elf::START).read_to_end(&mut bytes).map_err(io)?;
        if bytes.starts_with(elf::MAGIC) {
            file.read_to_end(&mut bytes).map_err(io)?;
        }
        Ok(bytes)
    }

    fn manifest(&self, section: Option<&[u8]>) -> Result<Manifest, Refusal> {
        let expected = "a plugin's manifest";
        let fix = "export the provider with `ketch_core::export_provider!`";
        let Some(section) = section else {
            let found = format!("no section `{MANIFEST_SECTION}`");
            return Err(self.refusal("manifest", found, expected, fix));
        };
        let refuse = |error: &dyn std::error::Error| {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            self.refusal("manifest", format!("{error}{cause}"), expected, fix)
        };
        let manifest = Manifest::from_bytes(section).map_err(|error| refuse(&error))?;
        let Some(beside) = read_beside(&self.path.with_extension("json")) else {
            return Ok(manifest);
        };
        overridden(manifest, &beside).map_err(|error| {
            let found = format!("{error} in the JSON file beside it");
            self.refusal("manifest", found, "fields of a manifest", "mend or remove that file")
        })
    }

    fn permissions(&mut self, origin: Origin) -> Result<(), Refusal> {
        match permissions::check(self.path, origin) {
            Ok(Verdict::Fine) => self.note("permissions", "writable by its owner only"),
            Ok(Verdict::Warning(text)) => self.note("permissions", format!("warning: {text}")),
            Ok(Verdict::Refused { found, expected, fix }) => {
                return Err(self.refusal("permissions", found, expected, &fix));
            }
            Err(error) => {
                let fix = "check its permissions";
                return Err(self.refusal("permissions", error.to_string(), "a readable file", fix));
            }
        }
        Ok(())
    }

    fn id(&mut self, id: &str, origin: Origin) -> Result<(), Refusal> {
        let reserved = RESERVED.contains(&id);
        if reserved && !origin.is_installation() && origin != Origin::Flag {
            let found = format!("the reserved id `{id}`");
            let expected = "an id of its own outside the installation";
            return Err(self.refusal("id", found, expected, "choose another id"));
        }
        let note = match (reserved, origin) {
            (true, Origin::Flag) => format!("`{id}`, reserved, used because --plugin-dir names it"),
            (true, _) => format!("`{id}`, reserved, part of the installation"),
            (false, _) => format!("`{id}`"),
        };
        self.note("id", note);
        Ok(())
    }

    fn note(&mut self, name: &'static str, outcome: impl Into<String>) {
        let took = Some(self.since.elapsed());
        self.steps.push(Step { name, outcome: outcome.into(), took });
        self.since = Instant::now();
    }

    fn note_refusal(&mut self, refusal: &Refusal) {
        self.note(refusal.step, format!("refused: found {}", refusal.found));
    }

    fn refusal(&self, step: &'static str, found: String, expected: &str, fix: &str) -> Refusal {
        Refusal {
            path: self.path.to_owned(),
            step,
            found: shortened(found),
            expected: expected.to_owned(),
            fix: fix.to_owned(),
            details: None,
        }
    }
}

/// A manifest may hold a megabyte where a word is expected; a refusal is one line.
fn shortened(mut found: String) -> String {
    if let Some((end, _)) = found.char_indices().nth(MAX_FOUND) {
        found.truncate(end);
        found.push('…');
    }
    found
}

/// The JSON file beside a library, if there is one.
fn read_beside(path: &Path) -> Option<Vec<u8>> {
    let file = platform::open(path).ok()?;
    file.metadata().ok()?.is_file().then_some(())?;
    let mut bytes = Vec::new();
    file.take(MAX_BESIDE).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The manifest with the fields of a JSON file beside the library. What the library is cannot be
/// overridden: schema, id, ABI and target.
fn overridden(manifest: Manifest, beside: &[u8]) -> Result<Manifest, serde_json::Error> {
    let fields: serde_json::Map<String, Value> = serde_json::from_slice(beside)?;
    let mut document = serde_json::to_value(manifest)?;
    for (name, value) in fields {
        if !["schema", "id", "abi", "target"].contains(&name.as_str()) {
            document[name] = value;
        }
    }
    serde_json::from_value(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_fits_a_line() {
        assert_eq!(shortened("é".repeat(300)), "é".repeat(300));
        assert_eq!(shortened("é".repeat(1 << 20)), "é".repeat(300) + "…");
    }

    #[test]
    fn of_a_large_file_that_is_no_library_only_the_start_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.so");
        std::fs::File::create(&path).unwrap().set_len(MAX_FILE).unwrap();
        let check = Check::of(&path);
        assert_eq!(check.read().unwrap().len() as u64, elf::START);
    }
}
