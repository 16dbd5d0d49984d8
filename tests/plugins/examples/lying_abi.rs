//! A plugin whose manifest says ABI 1 and whose entry says ABI 7.

#![expect(unsafe_code, reason = "a hand-written entry")]

#[used]
#[unsafe(link_section = ".ketch.manifest")]
static MANIFEST: [u8; 90] =
    *br#"{"schema":"ketch.plugin/1","id":"lying","version":"1.0.0","abi":1,"target":"x86_64-linux"}"#;

/// The number.
#[unsafe(no_mangle)]
pub extern "C" fn ketch_plugin_abi() -> u32 {
    7
}

/// Where abi_stable's header would be.
#[unsafe(no_mangle)]
pub static _1as_0lib_1header_0root_bmodule_bloader: [u64; 16] = [0; 16];
