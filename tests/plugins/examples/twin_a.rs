//! One of two plugins of the same kind.

#![forbid(unsafe_code)]

#[path = "shared/twin.rs"]
mod twin;

ketch_core::export_provider! { id: "twin_a", provider: |_host| Ok(twin::Twin("twin_a")) }
