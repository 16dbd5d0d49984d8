//! A plugin that leaves a mark whenever it is loaded: it appends a byte to the file that
//! `KETCH_TEST_MARKS` names before anything of it is asked. Its id has a fixed length and occurs
//! nowhere else in the file, so that tests make a hundred plugins of it by patching copies.

#[path = "shared/twin.rs"]
mod twin;

use std::io::Write;

const ID: &str = "marks-0000";

/// Run by the system's loader.
extern "C" fn mark() {
    let Some(path) = std::env::var_os("KETCH_TEST_MARKS") else { return };
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    let _ = file.and_then(|mut file| file.write_all(b"."));
}

#[expect(unsafe_code, reason = "the section of functions that run when a library is loaded")]
#[used]
#[unsafe(link_section = ".init_array")]
static MARK: extern "C" fn() = mark;

ketch_core::export_provider! { id: "marks-0000", provider: |_host| Ok(twin::Twin(ID)) }
