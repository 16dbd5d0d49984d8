//! Whose backends: accounts, as the host keeps them.

use std::{fmt, sync::Arc};

use ketch_core::{Error, Host, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Access to a service.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Account {
    /// The name by which the user knows it.
    pub name: String,
    /// The key that is exchanged for tokens.
    pub token: Token,
    /// Where the service is; `None`: where IBM has it.
    #[serde(default)]
    pub url: Option<String>,
    /// Where keys are exchanged for tokens; `None`: IBM's place for IBM's service, and the
    /// service's own host for any other.
    #[serde(default)]
    pub iam_url: Option<String>,
    /// The instance (a CRN) that jobs are run in.
    #[serde(default)]
    pub instance: Option<String>,
    /// The hub of the 2018 network.
    #[serde(default)]
    pub hub: Option<String>,
    /// The group in the hub.
    #[serde(default)]
    pub group: Option<String>,
    /// The project of the group.
    #[serde(default)]
    pub project: Option<String>,
    /// What the service speaks; `None`: what its URL suggests.
    #[serde(default)]
    pub api: Option<Api>,
    /// Proxies by scheme (`http`, `https`), at the top or below `urls`.
    #[serde(default)]
    pub proxies: Map<String, Value>,
    /// Whether the service's certificate is checked.
    #[serde(default = "yes")]
    pub verify: bool,
}

fn yes() -> bool {
    true
}

/// A language that services speak.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[non_exhaustive]
pub enum Api {
    /// IBM Quantum's REST API of today.
    #[serde(rename = "ibm-quantum")]
    IbmQuantum,
    /// The Quantum Experience API of 2018.
    #[serde(rename = "qx-2018")]
    Qx2018,
}

impl Account {
    /// What the service speaks.
    #[must_use]
    pub fn api(&self) -> Api {
        let url = self.url.as_deref().unwrap_or_default().trim_end_matches('/');
        let early = url.contains("quantumexperience")
            || url.ends_with("/api")
            || url.contains("/api/Hubs/");
        self.api.unwrap_or(if early { Api::Qx2018 } else { Api::IbmQuantum })
    }

    /// The accounts of a host; none if it does not keep any.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if one has an empty token; `account.invalid` if one is no account.
    pub fn of_host(host: &Host) -> Result<Vec<Arc<Self>>> {
        let mut accounts = Vec::new();
        for (place, account) in host.accounts()?.into_iter().enumerate() {
            // The cause may quote the document, and with it the token: only its place is told.
            let account: Self = serde_json::from_value(account).map_err(|_| {
                let message = format!("account {place} of the host is not an account");
                Error::other("account.invalid", message)
            })?;
            if account.token.0.trim().is_empty() {
                return Err(none(&format!("account `{}` has an empty token", account.name)));
            }
            accounts.push(Arc::new(account));
        }
        Ok(accounts)
    }
}

/// The error for an account that is missing, with the remedy.
pub(crate) fn none(reason: &str) -> Error {
    Error::Unauthenticated { reason: format!("{reason}; `ketch account save` stores one") }
}

/// A secret text: it is not shown by `Debug`, and errors leave it out.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// Keeps a text secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the request that needs it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_field_or_the_url_says_what_is_spoken() {
        let api = |fields: Value| {
            let mut document = json!({"name": "a", "token": "t"});
            document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            serde_json::from_value::<Account>(document).unwrap().api()
        };
        assert_eq!(api(json!({})), Api::IbmQuantum);
        assert_eq!(api(json!({"url": "https://quantum.cloud.ibm.com/api/v1"})), Api::IbmQuantum);
        assert_eq!(api(json!({"url": "http://127.0.0.1:1"})), Api::IbmQuantum);
        assert_eq!(api(json!({"url": "http://127.0.0.1:1", "api": "qx-2018"})), Api::Qx2018);
        assert_eq!(
            api(json!({"url": "https://quantumexperience.ng.bluemix.net/api"})),
            Api::Qx2018
        );
        assert_eq!(
            api(json!({"url": "https://q.example/api/Hubs/h/Groups/g/Projects/p"})),
            Api::Qx2018
        );
    }

    #[test]
    fn tokens_are_not_shown() {
        let account: Account =
            serde_json::from_value(json!({"name": "a", "token": "geheim"})).unwrap();
        assert!(!format!("{account:?}").contains("geheim"));
    }

    #[test]
    fn a_host_that_keeps_no_accounts_has_none() {
        assert!(Account::of_host(&Host::none()).unwrap().is_empty());
    }
}
