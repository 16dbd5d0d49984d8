//! `cargo xtask check`: everything that a change must pass besides its tests.

use anyhow::Result;

use crate::process::{cargo, run};
use crate::{deps, layers, tidy};

/// Runs every check, the quick ones first; stops at the first that fails.
pub(crate) fn all() -> Result<()> {
    fmt()?;
    layers::layers()?;
    deps::deps()?;
    tidy::tidy()?;
    clippy()?;
    docs()
}

/// Every file is formatted as `rustfmt.toml` says.
pub(crate) fn fmt() -> Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))
}

/// No lint of the workspace speaks up.
pub(crate) fn clippy() -> Result<()> {
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// The documentation builds, and every link in it leads somewhere.
pub(crate) fn docs() -> Result<()> {
    run(cargo().args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}
