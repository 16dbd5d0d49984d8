//! `cargo xtask install`: the program and its plugins, put where they find each other.
//!
//! `ketch` looks for plugins in `../lib/ketch/providers` as seen from its own directory, so
//! `PREFIX/bin` and `PREFIX/lib/ketch/providers` belong together and PREFIX may be moved.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::build;

/// What `cargo xtask install` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory that receives `bin/ketch` and `lib/ketch/providers/*.so` [default: ~/.local].
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
    /// How to build: `dist` takes longer and makes smaller, slightly faster files.
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
}

/// The optimised build profiles of the workspace.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Profile {
    Release,
    Dist,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Profile::Release => "release",
            Profile::Dist => "dist",
        }
    }
}

/// Builds, copies, and says where things are now.
pub(crate) fn install(args: &Args) -> Result<()> {
    let prefix = match &args.prefix {
        Some(prefix) => std::path::absolute(prefix)
            .with_context(|| format!("finding the directory {}", prefix.display()))?,
        None => std::env::home_dir()
            .context("no home directory to install into; name one with --prefix DIR")?
            .join(".local"),
    };
    let built = build::default_members(args.profile.name())?;

    let programs = prefix.join("bin");
    let providers = prefix.join("lib/ketch/providers");
    // Plugins first: a new `ketch` never stands beside missing plugins.
    for plugin in &built.plugins {
        println!("installed {}", place(plugin, &providers)?.display());
    }
    println!("installed {}", place(&built.ketch, &programs)?.display());

    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|entry| same_directory(&entry, &programs)) {
        println!("try: ketch backends");
    } else {
        println!("{} is not on PATH; add it with:", programs.display());
        println!("    export PATH=\"{}:$PATH\"", programs.display());
    }
    Ok(())
}

/// Copies a file into a directory and returns its new path.
///
/// The copy is written beside its final name and renamed, so that a running program keeps its
/// old file and nobody ever sees half of the new one.
fn place(file: &Path, directory: &Path) -> Result<PathBuf> {
    let name = file.file_name().context("the built file has a name")?;
    let target = directory.join(name);
    let doing = || format!("copying {} to {}", file.display(), target.display());

    fs::create_dir_all(directory).with_context(|| format!("making {}", directory.display()))?;
    let mut source = fs::File::open(file).with_context(doing)?;
    let mut copy = tempfile::NamedTempFile::new_in(directory).with_context(doing)?;
    std::io::copy(&mut source, &mut copy).with_context(doing)?;
    // Not group-writable, whatever the umask: the registry refuses plugins that others may change.
    copy.as_file().set_permissions(Permissions::from_mode(0o755)).with_context(doing)?;
    copy.as_file().sync_all().with_context(doing)?;
    copy.persist(&target).with_context(doing)?;
    Ok(target)
}

fn same_directory(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placed_file_replaces_the_old_one_without_touching_it() {
        let scratch = tempfile::tempdir().unwrap();
        let built = scratch.path().join("ketch");
        let prefix = scratch.path().join("deep/bin");
        fs::write(&built, "old").unwrap();
        let installed = place(&built, &prefix).unwrap();
        // An open handle stands for a program that is still running.
        let running = fs::File::open(&installed).unwrap();

        fs::write(&built, "new").unwrap();
        place(&built, &prefix).unwrap();

        assert_eq!(fs::read_to_string(&installed).unwrap(), "new");
        assert_eq!(std::io::read_to_string(running).unwrap(), "old");
        assert_eq!(fs::metadata(&installed).unwrap().permissions().mode() & 0o7777, 0o755);
        assert_eq!(fs::read_dir(&prefix).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn the_same_directory_is_seen_through_a_link() {
        let scratch = tempfile::tempdir().unwrap();
        let real = scratch.path().join("real");
        let link = scratch.path().join("link");
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(same_directory(&real, &link));
        assert!(!same_directory(&real, scratch.path()));
        assert!(!same_directory(&real, &scratch.path().join("absent")));
    }
}
