//! Programs that embed Ketch: `cargo run -p ketch-examples --example bell`.
//!
//! * `bell`: a Bell pair.
//! * `async_polling`: a job is watched while it runs.
//! * `many_jobs`: several jobs, results as they come.
//! * `parameters`: one circuit, many bindings, one job.
//!
//! They find the plugin where `cargo build` puts it. The circuit files of this folder are for
//! `ketch run`, and `provider-template` is a plugin of its own, outside of this workspace.

#![forbid(unsafe_code)]
