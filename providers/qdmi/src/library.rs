//! [`Library`]: a device's library in this process, opened and initialized once.

use std::{
    collections::BTreeMap,
    ffi::c_int,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
};

use ketch_core::{Error, Result};
use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};

use crate::{
    abi::{Functions, ResultOfJob, ResultOfProgram, Retrieve, SetPrograms, full_name, symbol},
    answer::Failure,
    lock,
};

/// A device's library. It is never closed nor finalized: jobs that were given up may still run in
/// it, and its threads may outlive all that is known here.
pub(crate) struct Library {
    pub(crate) functions: Functions,
    pub(crate) programs: Programs,
    pub(crate) retrieve: Option<Retrieve>,
}

impl Library {
    /// Jobs hold lists of programs, as from 1.4 on.
    pub(crate) fn lists_programs(&self) -> bool {
        matches!(self.programs, Programs::AsList(..))
    }
}

/// How a job gets its program and is asked for results: what 1.4 changed under the same name.
pub(crate) enum Programs {
    /// Before 1.4: by parameters of the job, and of the job as a whole.
    AsParameters(ResultOfJob),
    /// From 1.4 on: by a function of its own, and of each program.
    AsList(SetPrograms, ResultOfProgram),
}

/// What came of opening a library, once it was tried.
type Opened = Arc<OnceLock<Result<&'static Library>>>;

/// The libraries that were opened, by file and prefix: each is to be initialized exactly once,
/// however many sessions there are.
static LIBRARIES: Mutex<BTreeMap<(PathBuf, String), Opened>> = Mutex::new(BTreeMap::new());

/// The library of a file, opened now or earlier. Blocks as long as the device initializes.
///
/// # Errors
/// If it cannot be loaded, is no device, or cannot be initialized.
pub(crate) fn open(path: &Path, prefix: Option<&str>) -> Result<&'static Library> {
    let real = path.canonicalize().map_err(|error| unusable(path, &error.to_string()))?;
    let prefix = match prefix {
        Some(prefix) => prefix.to_owned(),
        None => prefix_of(&real).map_err(|reason| unusable(path, &reason))?,
    };
    let opened = Arc::clone(lock(&LIBRARIES).entry((real.clone(), prefix.clone())).or_default());
    opened.get_or_init(|| load(&real, &prefix).map_err(|reason| unusable(path, &reason))).clone()
}

fn unusable(path: &Path, reason: &str) -> Error {
    Error::other(
        "qdmi.library",
        format!("cannot use {} as a QDMI device: {reason}", path.display()),
    )
}

fn load(path: &Path, prefix: &str) -> Result<&'static Library, String> {
    // SAFETY: running the library's initialisers is what loading means; the user named the file.
    // RTLD_LOCAL keeps devices from seeing each other's symbols, of which some export thousands.
    let library = unsafe { libloading::os::unix::Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|error| error.to_string())?;
    let lacks = |name: String| format!("it does not export `{name}`");
    // SAFETY: a library with these names is a QDMI device, and it is never closed; what differs
    // between versions is told apart below.
    let functions = unsafe { Functions::of(&library, prefix) }.map_err(lacks)?;
    // SAFETY: as above; the name came with 1.4.
    let set_programs = unsafe { symbol::<SetPrograms>(&library, prefix, "job_set_programs") };
    let results = "job_get_results";
    let programs = match set_programs {
        Some(set) => {
            // SAFETY: a device with that function is of 1.4, where this one is of this type.
            let results = unsafe { symbol::<ResultOfProgram>(&library, prefix, results) };
            results.map(|results| Programs::AsList(set, results))
        }
        None => {
            // SAFETY: a device without it is of an earlier version, where this one is of this type.
            let results = unsafe { symbol::<ResultOfJob>(&library, prefix, results) };
            results.map(Programs::AsParameters)
        }
    };
    let programs = programs.ok_or_else(|| lacks(full_name(prefix, results)))?;
    // SAFETY: the name came with 1.3.3 and has had this type since.
    let retrieve = unsafe { symbol(&library, prefix, "session_retrieve_device_job_by_id") };
    std::mem::forget(library);
    // SAFETY: the first call of all, and the only one: the caller keeps what came of it.
    let status: c_int = unsafe { (functions.initialize)() };
    Failure::check(status).map_err(|failure| format!("it cannot be initialized: {failure}"))?;
    Ok(Box::leak(Box::new(Library { functions, programs, retrieve })))
}

/// A library is read as far as this in search of its prefix.
const MOST_BYTES: u64 = 1 << 28;

/// The prefix of the functions that a library exports.
///
/// # Errors
/// If it exports no device, or several.
pub(crate) fn prefix_of(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let mut found = prefixes(&bytes);
    match (found.pop(), found.is_empty()) {
        (Some(prefix), true) => Ok(prefix),
        (None, _) => Err("it exports no `…_QDMI_device_initialize`".to_owned()),
        (Some(last), false) => Err(format!(
            "it holds several devices, {} and {last}; a manifest says which by its `prefix`",
            found.join(", ")
        )),
    }
}

/// What stands before `_QDMI_device_initialize` in a table of names.
fn prefixes(bytes: &[u8]) -> Vec<String> {
    let name = b"_QDMI_device_initialize\0";
    let places = bytes.windows(name.len()).enumerate().filter(|(_, window)| window == name);
    let mut found: Vec<String> = places
        .filter_map(|(end, _)| {
            let start = bytes[..end].iter().rposition(|byte| *byte == 0)? + 1;
            let prefix = std::str::from_utf8(&bytes[start..end]).ok()?;
            let plain = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            (plain && !prefix.is_empty()).then(|| prefix.to_owned())
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_what_stands_before_the_name() {
        let table = b"\0free\0MQT_DDSIM_QDMI_device_initialize\0x\0";
        assert_eq!(prefixes(table), ["MQT_DDSIM"]);
        assert!(prefixes(b"\0MQT_DDSIM_QDMI_device_initialize_all\0").is_empty());
        assert!(
            prefixes(b"\0no good_QDMI_device_initialize\0_QDMI_device_initialize\0").is_empty()
        );
        let two =
            b"\0B_QDMI_device_initialize\0A_QDMI_device_initialize\0B_QDMI_device_initialize\0";
        assert_eq!(prefixes(two), ["A", "B"]);
    }
}
