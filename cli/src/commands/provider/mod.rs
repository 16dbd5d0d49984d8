//! `ketch provider`: writing, checking, shipping and accepting plugins.

mod check;
mod new;
mod one_check;
mod package;
mod trust;

use std::io::Write;

use clap::{Args, Subcommand};

use crate::{commands::providers, context::Context, exit::Exit, failure::Failure};

/// The arguments of `ketch provider`.
#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write a provider's crate that compiles at once
    New(new::NewArgs),
    /// Check whether a plugin keeps the contract that every provider keeps
    Check(check::CheckArgs),
    /// Pack a plugin into one file that can be passed on
    Pack(package::PackArgs),
    /// Verify a package, and put its plugin into your plugin directory
    Install(package::InstallArgs),
    /// Remove a provider from your plugin directory, and forget it
    Remove(package::RemoveArgs),
    /// Accept the file that a provider's plugin is now, and set how it is run
    Trust(trust::Trust),
    /// List the plugins that were found, as `ketch providers` does
    List(providers::ProvidersArgs),
}

impl ProviderArgs {
    /// Programs read the output, so that a failure is a document, too.
    pub(crate) fn is_for_programs(&self) -> bool {
        match &self.action {
            Action::Check(args) => args.json,
            Action::List(args) => args.json,
            _ => false,
        }
    }
}

pub(crate) fn execute(
    args: &ProviderArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    match &args.action {
        Action::New(args) => new::execute(args, out),
        Action::Check(args) => check::execute(args, context, out),
        Action::Pack(args) => package::pack(args, out),
        Action::Install(args) => package::install(args, out),
        Action::Remove(args) => package::remove(args),
        Action::Trust(args) => trust::execute(args, context),
        Action::List(args) => providers::execute(args, context, out),
    }
}
