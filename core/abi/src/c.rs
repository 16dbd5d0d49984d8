//! The plain C entry: the second door, for plugins that are not written in Rust.
//!
//! One exported struct, text and JSON in and out. It has a version of its own, [`VERSION`], beside
//! ABI 1: `size` and `version` come first, and what is new comes behind what there is, or as a
//! method of `call` that older plugins answer with [`UNKNOWN_METHOD`]. The documents are those of
//! [`message`](crate::message).
//!
//! The types stand here once. [`header_text`] is the C header made of them, which
//! `include/ketch_plugin.h` is; a test compares the two.

#![expect(unsafe_code, reason = "bytes of the other side")]

use std::ffi::{c_char, c_void};

/// The version of this entry.
pub const VERSION: u32 = 1;

/// The symbol of the exported struct, with a final NUL.
pub const SYMBOL: &str = "ketch_plugin_c_v1\0";

/// What `create` and `call` return: the reply is the answer.
pub const OK: i32 = 0;
/// The reply says what went wrong.
pub const FAILED: i32 = 1;
/// The plugin does not know the method; there is no reply.
pub const UNKNOWN_METHOD: i32 = 2;

/// A struct and its text in C.
macro_rules! c_struct {
    (
        $(#[doc = $doc:literal])*
        $name:ident, $c_name:literal, $text:ident {
            $($(#[doc = $field_doc:literal])* $field:ident: $type:ty = $c:literal,)*
        }
    ) => {
        $(#[doc = $doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            $($(#[doc = $field_doc])* pub $field: $type,)*
        }

        const $text: &str = concat!(
            $("/*", $doc, " */\n",)*
            "typedef struct ", $c_name, " {\n",
            $($("    /*", $field_doc, " */\n",)* "    ", $c, ";\n",)*
            "} ", $c_name, ";\n",
        );
    };
}

c_struct! {
    /// Bytes that are lent for the time of a call. Text is UTF-8 and has no final NUL.
    Slice, "ketch_slice", SLICE {
        /// The first byte; may be null if there is none.
        data: *const u8 = "const uint8_t *data",
        /// How many there are.
        length: u64 = "uint64_t length",
    }
}

c_struct! {
    /// Bytes that the plugin made, and that it gets back by `free_bytes`.
    Bytes, "ketch_bytes", BYTES {
        /// The first byte; null if there is none.
        data: *mut u8 = "uint8_t *data",
        /// How many there are.
        length: u64 = "uint64_t length",
    }
}

c_struct! {
    /// What a plugin can ask and tell its host while it is called. Gone when the call returns.
    Call, "ketch_call", CALL {
        /// The size of this struct in bytes: what lies behind it is not there.
        size: u32 = "uint32_t size",
        /// The version of the host's side, 1.
        version: u32 = "uint32_t version",
        /// The host's own.
        context: *const c_void = "const void *context",
        /// Not 0 as soon as the work should stop. Ask every 50 ms or more often, with `context` and
        /// from any thread, until the call returns.
        is_cancelled: unsafe extern "C" fn(context: *const c_void) -> i32 =
            "int32_t (*is_cancelled)(const void *context)",
    }
}

c_struct! {
    /// The plugin: exported as a constant under the name `ketch_plugin_c_v1`.
    Plugin, "ketch_plugin", PLUGIN {
        /// The size of this struct in bytes.
        size: u32 = "uint32_t size",
        /// KETCH_C_VERSION.
        version: u32 = "uint32_t version",
        /// Makes the provider, once; `provider` is handed to all other functions. It may be null, and
        /// there is none if the code is not KETCH_OK.
        create: Option<unsafe extern "C" fn(provider: *mut *mut c_void, reply: *mut Bytes) -> i32> =
            "int32_t (*create)(void **provider, ketch_bytes *reply)",
        /// Calls a method, of a backend by its name or of the provider if that is empty. Is called
        /// from any thread, and from several at once.
        call: Option<
            unsafe extern "C" fn(
                provider: *mut c_void,
                call: *const Call,
                method: *const c_char,
                backend: *const c_char,
                request: Slice,
                reply: *mut Bytes,
            ) -> i32,
        > = "int32_t (*call)(void *provider, const ketch_call *call, const char *method,\n                    const char *backend, ketch_slice request, ketch_bytes *reply)",
        /// Gives bytes of a reply back to the plugin: once for each reply whose `data` is not null,
        /// whatever the code, as soon as they are read. From any thread.
        free_bytes: Option<unsafe extern "C" fn(provider: *mut c_void, bytes: Bytes)> =
            "void (*free_bytes)(void *provider, ketch_bytes bytes)",
        /// Gives the provider back that `create` made, when nobody calls it any more; a process that
        /// ends need not come to that. May be null.
        destroy: Option<unsafe extern "C" fn(provider: *mut c_void)> =
            "void (*destroy)(void *provider)",
    }
}

// SAFETY: the struct is constant data and pointers to functions that may be called from any thread,
// as its documentation asks.
unsafe impl Send for Plugin {}
// SAFETY: as above.
unsafe impl Sync for Plugin {}

/// The C header: `include/ketch_plugin.h`.
#[must_use]
pub fn header_text() -> String {
    [OPENING, SLICE, BYTES, CALL, PLUGIN, CLOSING].join("\n")
}

const OPENING: &str = "\
/* ketch_plugin.h: the plain C entry of Ketch plugins, version 1.
 *
 * A plugin is a shared library that exports `ketch_plugin_c_v1` and has a manifest, which
 * KETCH_MANIFEST puts where it is read without running the library. `call` knows these methods;
 * requests and replies are JSON in UTF-8:
 *
 *   method         of         request         reply
 *   backends       provider   empty           a list of the backends' names
 *   configuration  a backend  empty           Qiskit's backend_configuration document
 *   status         a backend  empty           Qiskit's backend_status document; optional
 *   properties     a backend  empty           Qiskit's backend_properties document; optional
 *   run            a backend  a Qobj of one   one of the `results` of Qiskit's result document,
 *                             experiment      of which is read what stands below
 *
 * The request of `run` is {\"schema\": \"ketch.c_run/1\", \"qobj\": ...}. Of its reply are read:
 *
 *   success        true, or the experiment failed
 *   status         why it failed, a text
 *   data.counts    {\"0x3\": 512, ...}; they add up to the shots. May be missing only where the circuit
 *                  measures nothing
 *   data.memory    [\"0x3\", ...], one for each shot, where the Qobj's config says `memory`; may be
 *                  missing
 *
 * Outcomes are numbers in hexadecimal, clbit 0 the lowest bit. What does not add up fails the
 * experiment.
 *
 * What is optional, and what comes later, is answered by KETCH_UNKNOWN_METHOD where it is not known.
 * `run` blocks until the work is done; the host calls it on a thread of its own, and does jobs,
 * waiting, time-outs and several experiments itself. It has checked the Qobj against the
 * configuration before. An error is KETCH_FAILED with a reply that is either a text or a document
 * {\"code\": ..., \"message\": ..., \"hint\": ...}.
 *
 * No exception of C++, no panic and no longjmp may leave a function: that is undefined, and nothing
 * sees to it. Catch them in the plugin and return KETCH_FAILED.
 *
 * Generated from core/abi/src/c.rs.
 */
#ifndef KETCH_PLUGIN_H
#define KETCH_PLUGIN_H

#include <stdint.h>

#define KETCH_C_VERSION 1u

#define KETCH_OK 0
#define KETCH_FAILED 1
#define KETCH_UNKNOWN_METHOD 2

/* The manifest, once in a library: a JSON object in quotes, such as
 * \"{\\\"schema\\\":\\\"ketch.plugin/1\\\",\\\"id\\\":\\\"mylab\\\",\\\"version\\\":\\\"0.1.0\\\",\\\"abi\\\":1,\"
 * \"\\\"target\\\":\\\"x86_64-linux\\\"}\" */
#define KETCH_MANIFEST(text)                                                                      \\
    __attribute__((section(\".ketch.manifest\"), used)) static const struct {                       \\
        char json[sizeof(text) - 1];                                                              \\
    } ketch_manifest = {text}

#ifdef __cplusplus
extern \"C\" {
#endif
";

const CLOSING: &str = "\
/* Export the struct with this in front of it, whatever the compiler hides. */
#define KETCH_EXPORT __attribute__((visibility(\"default\")))

extern KETCH_EXPORT const ketch_plugin ketch_plugin_c_v1;

#ifdef __cplusplus
}
#endif

#endif
";

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use super::*;

    /// `UPDATE_EXPECT=1` writes it anew.
    #[test]
    fn the_header_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/ketch_plugin.h");
        let text = header_text();
        if env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == text, "{}: UPDATE_EXPECT=1 writes it anew", path.display());
    }

    /// Plugins were compiled with these numbers.
    #[test]
    fn the_layout_is_frozen() {
        assert_eq!((size_of::<Slice>(), size_of::<Bytes>()), (16, 16));
        assert_eq!(size_of::<Call>(), 24);
        assert_eq!(std::mem::offset_of!(Call, is_cancelled), 16);
        assert_eq!(size_of::<Plugin>(), 40);
        assert_eq!(std::mem::offset_of!(Plugin, create), 8);
        assert_eq!(std::mem::offset_of!(Plugin, call), 16);
        assert_eq!(std::mem::offset_of!(Plugin, free_bytes), 24);
        assert_eq!(std::mem::offset_of!(Plugin, destroy), 32);
    }
}
