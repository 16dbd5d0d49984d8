//! A plugin that misbehaves before it is first used: in the initialiser that the system runs when
//! the file is opened, in the number it is asked for, when its provider is made, when its backends
//! are listed. What it does is written in [`CHOICE`], which tests change in copies of the file.

#![expect(unsafe_code, reason = "a marker that the compiler must not look through")]

#[path = "shared/fault.rs"]
mod fault;

use ketch_core::{device::BackendConfiguration, prelude::*};

/// `early fault: `, then the fault, ` in `, the place, and spaces.
#[used]
static CHOICE: [u8; 64] = *b"early fault: none in nothing                                    ";

/// Does what was chosen for this place.
fn reached(place: &str) {
    // SAFETY: a reference to a static; read so that what the file holds counts, and not what the
    // compiler knows of it.
    let choice = unsafe { std::ptr::read_volatile(&raw const CHOICE) };
    let choice = String::from_utf8_lossy(&choice).into_owned();
    let chosen = choice.trim().strip_prefix("early fault: ").and_then(|it| it.split_once(" in "));
    if let Some((fault, here)) = chosen
        && here == place
    {
        fault::commit(fault);
    }
}

extern "C" fn initialise() {
    reached("initialiser");
}

extern "C" fn finish() {
    reached("finaliser");
}

/// What the system calls when it opens the library.
#[used]
#[unsafe(link_section = ".init_array")]
static INITIALISER: extern "C" fn() = initialise;

/// What the system calls when the process ends.
#[used]
#[unsafe(link_section = ".fini_array")]
static FINALISER: extern "C" fn() = finish;

struct Early;

impl Provider for Early {
    fn name(&self) -> &str {
        reached("name");
        "early"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        reached("backends");
        filter.apply([Arc::new(Quiet) as Arc<dyn Backend>])
    }
}

struct Quiet;

impl Backend for Quiet {
    fn name(&self) -> &str {
        reached("backend_name");
        "quiet"
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        reached("configuration");
        Ok(Arc::new(BackendConfiguration::simulator("quiet", "1.0.0", 1)))
    }

    fn status(&self) -> Result<BackendStatus> {
        Ok(BackendStatus::active("quiet", "1.0.0"))
    }

    fn run(&self, _qobj: Qobj, _options: RunOptions) -> Result<Arc<dyn Job>> {
        Err(Error::not_supported("quiet", "running"))
    }
}

fn make(_host: Host) -> Result<Early> {
    reached("maker");
    Ok(Early)
}

ketch_core::export_provider! { id: "early", provider: make }
