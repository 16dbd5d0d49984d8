//! A plugin whose provider has another name than the manifest says.

#![forbid(unsafe_code)]

#[path = "shared/twin.rs"]
mod twin;

ketch_core::export_provider! { id: "misnamed", provider: |_host| Ok(twin::Twin("local")) }
