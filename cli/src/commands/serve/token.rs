//! `ketch serve token`: who may ask the server.

use std::{
    io::Write,
    time::{Duration, SystemTime},
};

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use ketch::jobs::{Store, served::Token};
use ketch_server::SCOPES;
use serde_json::{Value, json};

use crate::{
    commands::run::values::timeout,
    context::Context,
    exit::Exit,
    failure::Failure,
    output::{table::Table, terminal::say},
};

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token for a user, and print it: once, since it is kept nowhere
    New(NewArgs),
    /// List the tokens, the oldest first
    List(ListArgs),
    /// Make a token good for nothing, from now on
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Whose it is: jobs belong to a user, whatever the token
    #[arg(value_name = "NAME", value_parser = user)]
    user: String,
    /// What it is good for: `read` (look at backends and own jobs), `run` (submit, cancel, delete)
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', default_value = "read,run",
          hide_possible_values = true, value_parser = PossibleValuesParser::new(SCOPES))]
    scope: Vec<String>,
    /// For how long it is good, such as `30d`; for ever if not given
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    expires: Option<Duration>,
    /// Print a document for programs (schema ketch.token/1)
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Print a document for programs (schema ketch.tokens/1)
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// The ids of the tokens, as `list` shows them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

impl TokenCommand {
    pub(super) fn is_for_programs(&self) -> bool {
        match self {
            Self::New(args) => args.json,
            Self::List(args) => args.json,
            Self::Revoke(_) => false,
        }
    }
}

pub(super) fn execute(
    command: &TokenCommand,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let store = Store::standard()?;
    match command {
        TokenCommand::New(args) => new(args, &store, out)?,
        TokenCommand::List(args) => list(args, &store, context, out)?,
        TokenCommand::Revoke(args) => {
            for id in &args.ids {
                store.revoke_token(id)?;
                writeln!(out, "{id}")?;
            }
        }
    }
    Ok(Exit::Ok)
}

/// A name that is a word, so that every line that shows it is read as it is meant.
fn user(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_.@".contains(letter);
    match !text.is_empty() && text.len() <= 64 && text.chars().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("a name is up to 64 letters, digits and -_.@".to_owned()),
    }
}

fn new(args: &NewArgs, store: &Store, out: &mut dyn Write) -> Result<(), Failure> {
    let expires = match args.expires {
        Some(time) => Some(SystemTime::now().checked_add(time).ok_or_else(|| {
            Failure::usage("--expires: that is further away than a clock can say")
        })?),
        None => None,
    };
    let made = store.new_token(&args.user, &args.scope, expires)?;
    if args.json {
        let mut document = json!({ "schema": "ketch.token/1", "secret": made.secret });
        if let (Value::Object(to), Value::Object(from)) = (&mut document, described(&made.token)) {
            to.extend(from);
        }
        writeln!(out, "{document}")?;
    } else {
        writeln!(out, "{}", made.secret)?;
        out.flush()?;
        say(format_args!("this is the only time that it is shown; its id is {}", made.token.id));
    }
    Ok(())
}

fn described(token: &Token) -> Value {
    let time = |time: SystemTime| humantime::format_rfc3339_seconds(time).to_string();
    json!({
        "id": token.id,
        "user": token.user,
        "scopes": token.scopes,
        "created": time(token.created),
        "expires": token.expires.map(time),
        "revoked": token.revoked.map(time),
        "good": token.is_good(),
    })
}

fn list(
    args: &ListArgs,
    store: &Store,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let tokens = store.tokens()?;
    if args.json {
        let tokens: Vec<Value> = tokens.iter().map(described).collect();
        writeln!(out, "{}", json!({ "schema": "ketch.tokens/1", "tokens": tokens }))?;
        return Ok(());
    }
    let time = |time: SystemTime| humantime::format_rfc3339_seconds(time).to_string();
    let mut table = Table::new(&["ID", "USER", "SCOPES", "CREATED", "EXPIRES", "STATE"]);
    for token in &tokens {
        let state = match (token.revoked, token.is_good()) {
            (Some(_), _) => "revoked",
            (None, true) => "good",
            (None, false) => "expired",
        };
        table.push([
            token.id.clone(),
            token.user.clone(),
            token.scopes.join(","),
            time(token.created),
            token.expires.map_or_else(|| "never".to_owned(), time),
            state.to_owned(),
        ]);
    }
    table.write(out, context.terminal)?;
    Ok(())
}
