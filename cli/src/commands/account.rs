//! `ketch account`: credentials for remote providers.

use std::{
    env,
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use ketch::{Account, AccountError, AccountFilter, AccountStore, accounts};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::json;

use crate::{
    context::Context,
    exit::Exit,
    failure::Failure,
    output::{table::Table, terminal::say},
};

/// The arguments of `ketch account`.
#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Store an account; the token is asked for, or read from standard input or the environment
    Save(Save),
    /// List the stored accounts, without their tokens
    List {
        /// Print a document for programs (schema ketch.accounts/1)
        #[arg(long)]
        json: bool,
    },
    /// Use stored accounts again
    Enable(Which),
    /// Keep stored accounts, but do not use them
    Disable(Which),
    /// Remove stored accounts
    Delete(Which),
    /// Take accounts over from a qiskitrc file, or from QE_TOKEN and QE_URL
    Import {
        /// The qiskitrc file; the environment variables if it is not given
        #[arg(long, value_name = "FILE")]
        qiskitrc: Option<PathBuf>,
        /// Replace accounts of the same name
        #[arg(long)]
        overwrite: bool,
    },
}

#[derive(Debug, Args)]
struct Save {
    /// What to call it
    #[arg(default_value = "default")]
    name: String,
    /// The provider that it is for
    #[arg(long, default_value = "ibmq")]
    provider: String,
    /// Where the service is, if not at the provider's usual address
    #[arg(long)]
    url: Option<String>,
    /// Where tokens are exchanged, if not at the provider's usual address
    #[arg(long, value_name = "URL")]
    iam_url: Option<String>,
    /// The service instance, as a CRN
    #[arg(long, value_name = "CRN")]
    instance: Option<String>,
    /// The hub, group and project of 2018
    #[arg(long)]
    hub: Option<String>,
    /// See --hub
    #[arg(long)]
    group: Option<String>,
    /// See --hub
    #[arg(long)]
    project: Option<String>,
    /// Which interface the service speaks, if its address does not tell
    #[arg(long, value_parser = ["ibm-quantum", "qx-2018"])]
    api: Option<String>,
    /// Read the token from this environment variable
    #[arg(long, value_name = "VARIABLE")]
    token_env: Option<String>,
    /// Keep the token in the desktop's keyring instead of the file
    #[arg(long)]
    keyring: bool,
    /// Replace an account of the same name
    #[arg(long)]
    overwrite: bool,
}

#[derive(Debug, Args)]
struct Which {
    /// The account's name
    name: Option<String>,
    /// Only accounts of this provider
    #[arg(long)]
    provider: Option<String>,
    /// All accounts that match, without naming one
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

impl AccountArgs {
    /// Programs read the output.
    pub(crate) fn is_for_programs(&self) -> bool {
        matches!(self.action, Action::List { json: true })
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        let failure = Self::new(error.code(), error.to_string());
        let failure = match std::error::Error::source(&error) {
            Some(cause) => failure.caused_by(cause),
            None => failure,
        };
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

pub(crate) fn execute(
    args: &AccountArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let store = AccountStore::standard()?;
    match &args.action {
        Action::Save(save) => {
            let account = save.account()?;
            let name = account.name.clone();
            store.save(account, save.overwrite)?;
            say(format_args!("saved account `{name}` in {}", store.path().display()));
        }
        Action::List { json } => list(&store, *json, context, out)?,
        Action::Enable(which) => told("enabled", &store.set_enabled(&which.filter()?, true)?),
        Action::Disable(which) => told("disabled", &store.set_enabled(&which.filter()?, false)?),
        Action::Delete(which) => told("deleted", &store.delete(&which.filter()?)?),
        Action::Import { qiskitrc, overwrite } => {
            let found = match qiskitrc {
                Some(path) => accounts::from_qiskitrc(path)?,
                None => accounts::from_environment()?.into_iter().collect(),
            };
            if found.is_empty() {
                let failure = Failure::new("account.not_found", "there is no account to import");
                return Err(failure.with_hint("set QE_TOKEN and QE_URL, or give --qiskitrc FILE"));
            }
            for account in &found {
                store.save(account.clone(), *overwrite)?;
            }
            told("imported", &found);
        }
    }
    Ok(Exit::Ok)
}

fn told(what: &str, accounts: &[Account]) {
    for account in accounts {
        say(format_args!("{what} account `{}` of provider {}", account.name, account.provider));
    }
}

fn list(
    store: &AccountStore,
    for_programs: bool,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let accounts = store.accounts()?;
    if for_programs {
        let accounts = accounts.iter().map(|account| {
            json!({
                "name": account.name,
                "provider": account.provider,
                "url": account.url,
                "enabled": account.enabled,
                "settings": account.settings,
            })
        });
        let accounts: Vec<_> = accounts.collect();
        writeln!(out, "{}", json!({"schema": "ketch.accounts/1", "accounts": accounts}))?;
        return Ok(());
    }
    if accounts.is_empty() {
        say("no account is stored; `ketch account save` adds one");
        return Ok(());
    }
    let mut table = Table::new(&["NAME", "PROVIDER", "STATE", "URL"]);
    for account in accounts {
        let state = if account.enabled { "enabled" } else { "disabled" };
        let url = account.url.unwrap_or_else(|| "-".to_owned());
        table.push([account.name, account.provider, state.to_owned(), url]);
    }
    Ok(table.write(out, context.terminal)?)
}

impl Which {
    fn filter(&self) -> Result<AccountFilter, Failure> {
        if self.name.is_none() && !self.all {
            return Err(Failure::usage("name an account, or say --all"));
        }
        let Self { name, provider, .. } = self;
        Ok(AccountFilter { name: name.clone(), provider: provider.clone(), url: None })
    }
}

impl Save {
    fn account(&self) -> Result<Account, Failure> {
        let mut account = Account::new(&self.provider, &self.name, self.token()?)?;
        account.url.clone_from(&self.url);
        account.keyring = self.keyring;
        let settings = [
            ("iam_url", &self.iam_url),
            ("instance", &self.instance),
            ("hub", &self.hub),
            ("group", &self.group),
            ("project", &self.project),
            ("api", &self.api),
        ];
        for (name, value) in settings {
            if let Some(value) = value {
                account.settings.insert(name.to_owned(), value.as_str().into());
            }
        }
        Ok(account)
    }

    /// The token: from the variable, from a prompt, or from standard input. Never an argument,
    /// which other users could see.
    fn token(&self) -> Result<String, Failure> {
        if let Some(variable) = &self.token_env {
            return env::var(variable)
                .map_err(|_| Failure::usage(format!("the variable {variable} is not set")));
        }
        let unreadable = |error: io::Error| {
            Failure::new("account.io", "cannot read the token").caused_by(&error)
        };
        let mut token = String::new();
        if io::stdin().is_terminal() {
            let hidden = Hidden::start();
            let _ = write!(io::stderr(), "token of account `{}`: ", self.name);
            let read = io::stdin().lock().read_line(&mut token);
            drop(hidden);
            say("");
            read.map_err(unreadable)?;
        } else {
            io::stdin().lock().read_line(&mut token).map_err(unreadable)?;
        }
        Ok(token)
    }
}

/// While it lives, the terminal does not show what is typed.
struct Hidden(Option<rustix::termios::Termios>);

impl Hidden {
    fn start() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut silent) = before.clone() {
            silent.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &silent);
        }
        Self(before)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
