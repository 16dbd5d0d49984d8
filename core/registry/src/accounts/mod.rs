//! Credentials: what a user keeps for remote providers.
//!
//! Stored accounts lie in one file that only its owner can read, `accounts.json` in the user's
//! configuration directory; active ones are those that providers are told of. Nothing is ever read
//! from the current directory, and nothing found is ever executed.

mod active;
mod import;
mod keyring;
mod store;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use active::ActiveAccounts;
pub use import::{from_environment, from_qiskitrc};
pub use store::{AccountError, AccountStore};

/// An account with a remote provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// By what the user calls it; unique among the accounts of a provider.
    pub name: String,
    /// The id of the provider that it is for.
    pub provider: String,
    /// The secret.
    pub token: Token,
    /// Where the service is; the provider's own address if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether providers are told of it.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// The token lies in the desktop's keyring, not in the file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keyring: bool,
    /// What else the provider wants to know: `instance`, `hub`, `group`, `project`, `api`, ….
    #[serde(flatten)]
    pub settings: serde_json::Map<String, serde_json::Value>,
}

fn enabled() -> bool {
    true
}

impl Account {
    /// An account with a token and nothing else.
    ///
    /// # Errors
    /// [`AccountError::EmptyToken`]; [`AccountError::BadName`].
    pub fn new(
        provider: impl Into<String>,
        name: impl Into<String>,
        token: impl Into<String>,
    ) -> Result<Self, AccountError> {
        let account = Self {
            name: name.into(),
            provider: provider.into(),
            token: Token(token.into().trim().to_owned()),
            url: None,
            enabled: true,
            keyring: false,
            settings: serde_json::Map::new(),
        };
        account.check()?;
        Ok(account)
    }

    fn check(&self) -> Result<(), AccountError> {
        if self.token.0.is_empty() {
            return Err(AccountError::EmptyToken { name: self.name.clone() });
        }
        let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return Err(AccountError::BadName { name: self.name.clone() });
        }
        Ok(())
    }

    /// As a provider is told of it.
    pub(crate) fn document(&self) -> serde_json::Value {
        let mut document = serde_json::Value::Object(self.settings.clone());
        document["name"] = self.name.clone().into();
        document["token"] = self.token.0.clone().into();
        if let Some(url) = &self.url {
            document["url"] = url.clone().into();
        }
        document
    }
}

/// A secret that prints as stars, so that it gets into no log and no error by accident.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Which accounts are meant; every field that is given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// The name.
    pub name: Option<String>,
    /// The provider's id.
    pub provider: Option<String>,
    /// The address.
    pub url: Option<String>,
}

impl AccountFilter {
    /// Those of this name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// Whether an account is meant.
    #[must_use]
    pub fn matches(&self, account: &Account) -> bool {
        let fits = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        fits(&self.name, Some(&account.name))
            && fits(&self.provider, Some(&account.provider))
            && fits(&self.url, account.url.as_deref())
    }
}
