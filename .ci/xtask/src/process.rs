//! Programs that the commands run, and the directories they run in.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this package lies two folders below the root")
}

/// The cargo that runs us, started at the root of the repository.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Where cargo builds: `target`, unless the environment or a configuration file says otherwise.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let metadata = metadata(&["--no-deps"])?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// What `cargo metadata` knows about the workspace.
pub(crate) fn metadata(options: &[&str]) -> Result<cargo_metadata::Metadata> {
    cargo_metadata::MetadataCommand::new()
        .current_dir(root())
        .other_options(options.iter().map(|&option| option.to_owned()).collect::<Vec<_>>())
        .exec()
        .context("reading the workspace with `cargo metadata`")
}

/// Shows the command, runs it to its end, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    quietly(command)
}

/// Runs the command to its end without showing it, and fails if it fails.
pub(crate) fn quietly(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs the command and returns what it wrote to stdout; its stderr goes to ours.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting `{}`", shown(command)))?;
    if !output.status.success() {
        bail!("`{}` ended with {}", shown(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("reading the output of `{}` as UTF-8", shown(command)))
}

/// Reports what a check found: one line if nothing, otherwise every line and an error.
pub(crate) fn verdict(check: &str, problems: &[String], passed: &str) -> Result<()> {
    if problems.is_empty() {
        println!("{check}: {passed}");
        return Ok(());
    }
    for problem in problems {
        println!("{problem}");
    }
    let noun = if problems.len() == 1 { "problem" } else { "problems" };
    bail!("{check}: {} {noun}", problems.len())
}

/// The command as a person would type it, without the directories of the program.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
