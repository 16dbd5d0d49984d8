//! A plugin of an ABI that this host does not know: its manifest says so, and its entry has
//! another name.

#![expect(unsafe_code, reason = "a hand-written entry")]

/// What the manifest section holds.
#[used]
#[unsafe(link_section = ".ketch.manifest")]
static MANIFEST: [u8; 95] =
    *br#"{"schema":"ketch.plugin/1","id":"later","version":"9.0.0","abi":2,"target":"x86_64-linux"     }"#;

/// The entry of ABI 2, whatever that will be.
#[unsafe(no_mangle)]
pub extern "C" fn ketch_plugin_abi_2() -> u32 {
    2
}
