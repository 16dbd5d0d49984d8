//! What plugins see of the host, and what the host hears from them.

use std::sync::{Arc, Mutex, PoisonError};

use ketch_core::{ACCOUNTS, Error, Extensions, JOB_EVENT, LOG, Message, Result, events};
use serde_json::{Value, json};

use crate::accounts::ActiveAccounts;

/// Something a provider told the host, on whatever thread it was on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A line for the log.
    Log {
        /// The provider's id.
        provider: String,
        /// `error`, `warn`, `info` or `debug`.
        level: String,
        /// The line.
        message: String,
    },
    /// News of a job, as a document of the schema `ketch.job_event/1`.
    Job {
        /// The provider's id.
        provider: String,
        /// The document.
        document: Value,
    },
}

type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// Hands events to whoever listens; until then they are dropped.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Arc<Mutex<Vec<Listener>>>);

impl Listeners {
    pub(crate) fn add(&self, listener: impl Fn(Event) + Send + Sync + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(listener));
    }

    fn tell(&self, event: &Event) {
        // Outside the lock: a listener may add another.
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        listeners.iter().for_each(|listener| listener(event.clone()));
    }
}

/// The host, as one provider sees it.
pub(crate) struct HostObject {
    pub(crate) provider: String,
    /// It may be told the accounts.
    pub(crate) trusted: bool,
    pub(crate) listeners: Listeners,
    pub(crate) accounts: ActiveAccounts,
}

impl HostObject {
    /// The accounts of this provider. Secrets go only to reserved providers, which are trusted by
    /// the place they lie in, and to the very files that the user has accepted; another file with
    /// the same id could be anybody's.
    fn accounts(&self) -> Message {
        let accounts = self.accounts.accounts().into_iter();
        let own = accounts.filter(|account| self.trusted && account.provider == self.provider);
        let own: Vec<Value> = own.map(|account| account.document()).collect();
        Message::json(&json!({"schema": ACCOUNTS, "accounts": own}))
    }
}

impl Extensions for HostObject {
    fn supports(&self, name: &str) -> u32 {
        u32::from([LOG, JOB_EVENT, ACCOUNTS].contains(&name))
    }

    fn call(&self, name: &str, message: Message) -> Result<Message> {
        let provider = self.provider.clone();
        let document = || message.to_json().unwrap_or_default();
        let text = |document: &Value, field: &str| {
            document.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let event = match name {
            LOG => {
                let document = document();
                events::publish(&document);
                let (level, message) = (text(&document, "level"), text(&document, "message"));
                Event::Log { provider, level, message }
            }
            JOB_EVENT => {
                let document = document();
                events::publish(&document);
                Event::Job { provider, document }
            }
            ACCOUNTS => return Ok(self.accounts()),
            _ => return Err(Error::not_supported("this host", format!("the extension `{name}`"))),
        };
        self.listeners.tell(&event);
        Ok(Message::default())
    }
}

impl std::fmt::Debug for Listeners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listeners").finish_non_exhaustive()
    }
}
