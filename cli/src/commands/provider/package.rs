//! `ketch provider pack`, `install` and `remove`: plugins on their way from their authors to their
//! users, and away again.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use ketch::{
    AccountStore,
    package::{self, PackageError},
};

use crate::{exit::Exit, failure::Failure, output::table::one_line, output::terminal::say};

/// The arguments of `ketch provider pack`.
#[derive(Debug, Args)]
#[command(after_help = "\
A package holds the library, the JSON file beside it if there is one, and their SHA-256. Its name
says provider, version and machine; the same files make the same package.")]
pub(crate) struct PackArgs {
    /// The plugin's file
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// The directory to put the package into
    #[arg(short = 'o', long = "output", value_name = "DIR", default_value = ".")]
    output: PathBuf,
}

/// The arguments of `ketch provider install`.
#[derive(Debug, Args)]
#[command(after_help = "\
The contents are compared with the package's own list, the plugin is checked and started once in a
process of its own, and then put into your plugin directory, the library in one step, and
accepted.")]
pub(crate) struct InstallArgs {
    /// A package, or a plugin's file
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Take the place of another file, of the library or of the JSON beside it
    #[arg(long)]
    replace: bool,
}

/// The arguments of `ketch provider remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The provider, as `ketch providers` lists it
    #[arg(value_name = "ID")]
    id: String,
}

pub(crate) fn pack(args: &PackArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (path, contents) = package::pack(&absolute(&args.file), &args.output)?;
    for file in &contents.files {
        say(format_args!("{}  {}  {} bytes", file.sha256, file.name, file.size));
    }
    writeln!(out, "{}", path.display())?;
    Ok(Exit::Ok)
}

pub(crate) fn install(args: &InstallArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let installed = package::install(&absolute(&args.file), args.replace)?;
    let manifest = &installed.manifest;
    let what = if installed.replaced { "replaced" } else { "installed" };
    let (id, version) = (&manifest.id, one_line(&manifest.version));
    say(format_args!("{what} provider `{id}` {version}: {}", installed.path.display()));
    if installed.backends.is_empty() {
        say("it lists no backend; it may need an account: `ketch account save`");
    }
    for backend in &installed.backends {
        writeln!(out, "{id}/{}", one_line(backend))?;
    }
    Ok(Exit::Ok)
}

pub(crate) fn remove(args: &RemoveArgs) -> Result<Exit, Failure> {
    for file in package::remove(&args.id)?.files {
        say(format_args!("removed {}", file.display()));
    }
    // What comes next under this id is accepted when it is first seen, and gets them. Accounts that
    // cannot be read no provider gets.
    let accounts = AccountStore::standard().and_then(|store| store.accounts()).unwrap_or_default();
    if accounts.iter().any(|account| account.provider == args.id) {
        let id = &args.id;
        say(format_args!(
            "accounts of `{id}` are still saved: `ketch account delete --all --provider {id}`"
        ));
    }
    Ok(Exit::Ok)
}

/// What is said of a file names it wherever it is read.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl From<PackageError> for Failure {
    fn from(error: PackageError) -> Self {
        let mut failure = Self::new(error.code(), error.to_string());
        failure.hint = error.hint();
        match std::error::Error::source(&error) {
            Some(source) => failure.caused_by(source),
            None => failure,
        }
    }
}
