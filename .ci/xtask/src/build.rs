//! The command line and the plugins, built, and where cargo put them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use cargo_metadata::{CrateType, Message};

use crate::process::{cargo, metadata, output};

/// What a build of the default members leaves behind, side by side in one directory.
#[derive(Debug)]
pub(crate) struct Built {
    /// The program `ketch`.
    pub(crate) ketch: PathBuf,
    /// The plugins `libketch_provider_*.so`, in the order of their names; never empty.
    pub(crate) plugins: Vec<PathBuf>,
}

/// Builds the default members in the given profile.
///
/// Only what cargo reports for them counts: the misbehaving plugins of the tests, or a library
/// left over from an older build, can never be picked.
pub(crate) fn default_members(profile: &str) -> Result<Built> {
    println!("$ cargo build --profile {profile}");
    let messages = output(cargo().args([
        "build",
        "--profile",
        profile,
        "--message-format",
        "json-render-diagnostics",
    ]))?;
    let members = metadata(&["--no-deps"])?.workspace_default_members;

    let mut ketch = None;
    let mut plugins = Vec::new();
    for message in Message::parse_stream(messages.as_bytes()) {
        let Message::CompilerArtifact(artifact) =
            message.context("reading the messages of `cargo build`")?
        else {
            continue;
        };
        if !members.contains(&artifact.package_id) {
            continue;
        }
        if artifact.target.is_bin() && artifact.target.name == "ketch" {
            ketch = artifact.executable.map(PathBuf::from);
        } else if artifact.target.crate_types.contains(&CrateType::CDyLib) {
            plugins.extend(
                artifact
                    .filenames
                    .into_iter()
                    .filter(|path| path.file_name().is_some_and(is_plugin_name))
                    .map(PathBuf::from),
            );
        }
    }
    let ketch = ketch.context("the build made no program named `ketch`")?;
    if plugins.is_empty() {
        bail!("the build made no plugin named `libketch_provider_*.so`");
    }
    plugins.sort();
    Ok(Built { ketch, plugins })
}

fn is_plugin_name(name: &str) -> bool {
    name.starts_with("libketch_provider_") && name.ends_with(".so")
}
