//! Ketch's plugin ABI, version 1: frozen.
//!
//! **The promise.** The layout of every type here never changes. A plugin built today loads in
//! every later host, and a plugin built later loads in today's host, whatever compiler built
//! either. What is new comes as a named extension through [`Extensions`], never as a method or a
//! field. A golden text of the layout is compared in the tests, so that no change slips in. Should
//! all this ever have to break, it becomes ABI 2, under another entry symbol, beside this one.
//!
//! **Why so strict.** With abi_stable 0.11.3 a host whose root module or trait gained one method
//! refuses every older plugin; its convenient loading functions return the first plugin for every
//! later path; a panic that reaches the boundary ends the process. So: nothing grows, nothing here
//! loads by type, and every function that crosses catches its panics.
//!
//! **The parts.** [`raw`] holds the types that cross. Both sides turn them into the safe traits of
//! `ketch-interface` and back: `ketch_core::export_provider!` on the plugin's side, [`ForeignProvider`] on
//! the host's. This crate alone knows abi_stable. Its version is the ABI version; it has its own
//! clock.
//!
//! [`Extensions`]: ketch_interface::Extensions

// `#[sabi_trait]` expands to `unsafe impl` and to impls that a later lint dislikes.
#![allow(
    non_local_definitions,
    non_camel_case_types,
    reason = "the expansion of abi_stable's macros"
)]

pub mod c;
mod error;
mod export;
mod foreign;
mod guard;
mod layout;
mod manifest;
pub mod message;
mod payload;
pub mod raw;
mod root;
mod threads;

pub use error::{error_from_document, error_to_document};
pub use foreign::{ForeignObject, ForeignProvider};
pub use layout::layout_text;
pub use manifest::{ABI, MANIFEST_SCHEMA, MANIFEST_SECTION, Manifest, ManifestError, is_plain_id};
pub use root::{LoadError, MAKER_SYMBOL, plugin_abi_symbol, provider_from_library};

/// What the expansion of `export_provider!` names. Not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        manifest::{is_plain_id, is_plain_text},
        root::{
            Header, MakeProvider, Maker, RootModuleResult, RootRef, call_root, header,
            make_provider, root,
        },
    };
}
