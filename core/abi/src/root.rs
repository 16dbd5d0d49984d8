//! The root module, how a library exports it, and how it is taken from a loaded library.

#![expect(unsafe_code, reason = "exported statics and symbols, and what a loaded library holds")]

use std::sync::Arc;

pub use abi_stable::library::{__call_root_module_loader as call_root, RootModuleResult};
use abi_stable::{
    StableAbi, declare_root_module_statics,
    library::{
        AbiHeaderRef, CheckTypeLayout, LibHeader, LibraryError, ROOT_MODULE_LOADER_NAME_WITH_NUL,
        RootModule,
    },
    package_version_strings,
    prefix_type::PrefixTypeTrait,
    sabi_types::VersionStrings,
};
use ketch_interface::{Extensions, Provider, Result};

use crate::{
    ABI, export,
    foreign::{ForeignObject, ForeignProvider},
    guard::guard,
    raw::{ObjectRef, Payload, ProviderRef, Reply},
};

/// The frozen root module.
#[repr(C)]
#[derive(StableAbi, Debug)]
#[sabi(kind(Prefix(prefix_ref = RootRef)))]
#[sabi(missing_field(panic))]
pub struct Root {
    /// The ABI number.
    pub abi: u32,
    /// Makes the provider. The payload is its configuration: a JSON object.
    #[sabi(last_prefix_field)]
    pub make_provider: extern "C" fn(host: ObjectRef, configuration: Payload) -> Reply<ProviderRef>,
}

/// Makes a provider for a host.
pub type MakeProvider = extern "C" fn(ObjectRef, Payload) -> Reply<ProviderRef>;

/// The header that abi_stable looks for in a library.
pub type Header = LibHeader;

/// What the expansion of `export_provider!` is made of.
pub type Maker = fn(Arc<dyn Extensions>) -> Result<Arc<dyn Provider>>;

impl RootModule for RootRef {
    declare_root_module_statics! { RootRef }
    const BASE_NAME: &'static str = "ketch_provider";
    const NAME: &'static str = "ketch_provider";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// The body of the exported function that makes the provider.
#[doc(hidden)]
pub fn make_provider(id: &str, host: ObjectRef, make: Maker) -> Reply<ProviderRef> {
    guard(id, || {
        let provider = make(Arc::new(ForeignObject::new(host)))?;
        Ok(export::provider(provider, &Arc::from(id)))
    })
}

/// The root module around an exported function.
#[doc(hidden)]
#[must_use]
pub fn root(make_provider: MakeProvider) -> RootRef {
    Root { abi: ABI, make_provider }.leak_into_prefix()
}

/// The header static of a library.
#[doc(hidden)]
#[must_use]
pub const fn header(constructor: extern "C" fn() -> RootModuleResult) -> Header {
    // SAFETY: `constructor` is made by `export_provider!`, which lets it return `root`'s answer:
    // a root module of the type `RootRef`.
    unsafe { LibHeader::from_constructor::<RootRef>(constructor, CheckTypeLayout::Yes) }
}

/// The symbol of the header static.
pub const MAKER_SYMBOL: &str = ROOT_MODULE_LOADER_NAME_WITH_NUL;

/// The C function of a library that says its ABI number: `extern "C" fn() -> u32`, with a final
/// NUL. It is asked before anything else of the library is used.
#[must_use]
pub fn plugin_abi_symbol() -> &'static str {
    "ketch_plugin_abi\0"
}

/// A library that is no plugin of this ABI.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum LoadError {
    #[error("the library's types differ from ABI {ABI}: {summary}")]
    Layout {
        summary: String,
        /// Everything abi_stable says, long.
        details: String,
    },
    #[error("the library was built for ABI {found}, this host knows ABI {ABI}")]
    Number { found: u32 },
    #[error("the provider refused to start")]
    Provider(#[source] ketch_interface::Error),
}

/// Checks a library's root module and makes its provider.
///
/// Never uses abi_stable's loading functions: they keep one root module for the whole process and
/// return it for every later library.
///
/// # Errors
/// If the layout or the number differ, or the provider refuses.
///
/// # Safety
/// `header` must be the value of the symbol [`MAKER_SYMBOL`] of a library that stays loaded for the
/// rest of the process.
pub unsafe fn provider_from_library(
    header: AbiHeaderRef,
    host: Arc<dyn Extensions>,
) -> std::result::Result<ForeignProvider, LoadError> {
    let header = header.upgrade().map_err(layout)?;
    let root = header.init_root_module::<RootRef>().map_err(layout)?;
    if root.abi() != ABI {
        return Err(LoadError::Number { found: root.abi() });
    }
    let host = export::object(host, &Arc::from("ketch"));
    let provider = (root.make_provider())(host, Payload::empty()).into_result();
    let provider = provider.map_err(|error| LoadError::Provider(error.into()))?;
    Ok(ForeignProvider::new(provider))
}

/// abi_stable's reports take up to 135 kB; the reasons are the lines behind each `Error:`.
fn layout(error: LibraryError) -> LoadError {
    let details = error.to_string();
    let mut lines = details.lines().map(str::trim).peekable();
    let mut reasons: Vec<String> = Vec::new();
    while let Some(line) = lines.next() {
        let Some(reason) = line.strip_prefix("Error:") else { continue };
        let facts: Vec<&str> = std::iter::from_fn(|| lines.next_if(|l| !l.is_empty())).collect();
        let reason = std::iter::once(reason).chain(facts).collect::<Vec<_>>().join(" ");
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons.truncate(3);
    if reasons.is_empty() {
        reasons.extend(
            details.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned),
        );
    }
    LoadError::Layout { summary: reasons.join("; "), details }
}

/// The body of `ketch_core::export_provider!`, which documents it: an id, a [`Maker`], and more
/// fields of the manifest.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_provider {
    ($id:literal, $make:expr, [$($extra:literal)*]) => {
        const _: () = {
            assert!(
                $crate::__private::is_plain_id($id),
                "the id of a provider: a letter, then lower-case letters, digits, - and _"
            );

            assert!(
                $crate::__private::is_plain_text(env!("CARGO_PKG_DESCRIPTION"))
                    && $crate::__private::is_plain_text(env!("CARGO_PKG_LICENSE")),
                "description and license in Cargo.toml: one line, without quotes and backslashes"
            );

            // Names of items are not hygienic: these must not hide the author's.
            const __KETCH_MANIFEST: &str = concat!(
                "{\"schema\":\"ketch.plugin/1\",\"id\":\"",
                $id,
                "\",\"version\":\"",
                env!("CARGO_PKG_VERSION"),
                "\",\"abi\":1,\"target\":\"x86_64-linux\",\"description\":\"",
                env!("CARGO_PKG_DESCRIPTION"),
                "\",\"license\":\"",
                env!("CARGO_PKG_LICENSE"),
                "\"",
                $($extra,)*
                "}",
            );

            #[used]
            #[unsafe(link_section = ".ketch.manifest")]
            static __KETCH_SECTION: [u8; __KETCH_MANIFEST.len()] = {
                let mut bytes = [0; __KETCH_MANIFEST.len()];
                let mut place = 0;
                while place < bytes.len() {
                    bytes[place] = __KETCH_MANIFEST.as_bytes()[place];
                    place += 1;
                }
                bytes
            };

            #[unsafe(no_mangle)]
            extern "C" fn ketch_plugin_abi() -> u32 {
                1
            }

            extern "C" fn __ketch_make(
                host: $crate::raw::ObjectRef,
                _configuration: $crate::raw::Payload,
            ) -> $crate::raw::Reply<$crate::raw::ProviderRef> {
                $crate::__private::make_provider($id, host, $make)
            }

            fn __ketch_root() -> $crate::__private::RootRef {
                $crate::__private::root(__ketch_make)
            }

            extern "C" fn __ketch_constructor() -> $crate::__private::RootModuleResult {
                $crate::__private::call_root(__ketch_root)
            }

            #[unsafe(no_mangle)]
            #[allow(non_upper_case_globals, reason = "abi_stable looks for this name")]
            static _1as_0lib_1header_0root_bmodule_bloader: $crate::__private::Header =
                $crate::__private::header(__ketch_constructor);
        };
    };
}
