//! The command line and the plugins, built, and where cargo put them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Artifact, CrateType, Message};

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
    let mut artifacts = built(&["--profile", profile])?;
    let members = metadata(&["--no-deps"])?.workspace_default_members;
    artifacts.retain(|artifact| members.contains(&artifact.package_id));
    let plugins = plugins(&artifacts);
    if plugins.is_empty() {
        bail!("the build made no plugin named `libketch_provider_*.so`");
    }
    Ok(Built { ketch: program(&artifacts, "ketch")?, plugins })
}

/// Builds one package with optimisation, and nothing else; returns the program or example of this
/// name.
pub(crate) fn one_program(package: &str, choice: &[&str], name: &str) -> Result<PathBuf> {
    let artifacts = built(&[&["--release", "-p", package], choice].concat())?;
    program(&artifacts, name)
}

/// Builds one provider's package with optimisation, and nothing else; returns its plugin.
pub(crate) fn one_plugin(package: &str) -> Result<PathBuf> {
    let mut plugins = plugins(&built(&["--release", "-p", package])?);
    match (plugins.pop(), plugins.is_empty()) {
        (Some(plugin), true) => Ok(plugin),
        _ => bail!("`{package}` is to make one plugin named `libketch_provider_*.so`"),
    }
}

/// Builds what the tests run, as `cargo xtask test` does; returns the example of this name, and the
/// plugins.
pub(crate) fn for_tests(example: &str) -> Result<(PathBuf, Vec<PathBuf>)> {
    let artifacts = built(FOR_TESTS)?;
    Ok((program(&artifacts, example)?, plugins(&artifacts)))
}

/// What the tests run: libraries, programs, and the plugins that misbehave.
pub(crate) const FOR_TESTS: &[&str] = &["--workspace", "--lib", "--bins", "--examples"];

/// Builds one example of a package with optimisation, and nothing else; returns the library that
/// it is.
pub(crate) fn one_example_library(package: &str, name: &str) -> Result<PathBuf> {
    let artifacts = built(&["--release", "-p", package, "--example", name])?;
    let libraries = artifacts.iter().filter(|made| {
        made.target.name == name && made.target.crate_types.contains(&CrateType::CDyLib)
    });
    let files = libraries.flat_map(|artifact| &artifact.filenames);
    let found = files.into_iter().find(|path| path.extension() == Some("so"));
    let found = found.with_context(|| format!("the build made no library `{name}`"))?;
    Ok(found.into())
}

/// Runs `cargo build` and returns what it reports to have made, dependencies included.
fn built(arguments: &[&str]) -> Result<Vec<Artifact>> {
    println!("$ cargo build {}", arguments.join(" "));
    let format = ["--message-format", "json-render-diagnostics"];
    let messages = output(cargo().arg("build").args(arguments).args(format))?;
    let mut artifacts = Vec::new();
    for message in Message::parse_stream(messages.as_bytes()) {
        if let Message::CompilerArtifact(artifact) =
            message.context("reading the messages of `cargo build`")?
        {
            artifacts.push(artifact);
        }
    }
    Ok(artifacts)
}

fn program(artifacts: &[Artifact], name: &str) -> Result<PathBuf> {
    let named = artifacts.iter().filter(|artifact| artifact.target.name == name);
    let mut programs = named.filter_map(|artifact| artifact.executable.clone());
    let found = programs.next().with_context(|| format!("the build made no program `{name}`"))?;
    Ok(found.into())
}

/// The plugins among the files, in the order of their names.
fn plugins(artifacts: &[Artifact]) -> Vec<PathBuf> {
    let libraries =
        artifacts.iter().filter(|made| made.target.crate_types.contains(&CrateType::CDyLib));
    let files = libraries.flat_map(|artifact| &artifact.filenames);
    let named = files.filter(|path| path.file_name().is_some_and(is_plugin_name));
    let mut plugins: Vec<PathBuf> = named.map(PathBuf::from).collect();
    plugins.sort();
    plugins
}

fn is_plugin_name(name: &str) -> bool {
    name.starts_with("libketch_provider_") && name.ends_with(".so")
}
