//! [`Host`]: what a provider can tell the program that loaded it.

use std::sync::{Arc, Mutex, Weak};

use ketch_interface::{Backend, Error, Extensions, Filter, Message, Provider, Result};
use serde_json::{Value, json};

use crate::events::{JOB_EVENT, News, level_name, lock};

/// The program that loaded the plugin.
///
/// May be used from any thread; nothing blocks: the host only takes note.
#[derive(Clone)]
pub struct Host {
    object: Arc<dyn Extensions>,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

/// The extension by which log lines reach the host.
pub const LOG: &str = "ketch.log/1";

/// The extension by which a provider learns its accounts.
///
/// Called with `{"schema": "ketch.accounts/1"}`, the host answers `{"accounts": [...]}`.
pub const ACCOUNTS: &str = "ketch.accounts/1";

impl Host {
    /// Around the object that the host hands to a plugin.
    #[must_use]
    pub fn new(object: Arc<dyn Extensions>) -> Self {
        Self { object }
    }

    /// A host that listens to nothing, for providers that are not in a plugin.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Arc::new(NoHost))
    }

    /// Says something to whoever runs the host.
    pub fn log(&self, level: Level, message: &str) {
        let level = level_name(level);
        self.push(LOG, &json!({"schema": LOG, "level": level, "message": message}));
    }

    /// Tells how far a job is: `done` of it, from 0 to 1. For jobs that no
    /// [`JobQueue`](crate::JobQueue) runs; those have [`Running::progress`](crate::Running::progress).
    pub fn progress(&self, job_id: &str, done: f64) {
        self.push(JOB_EVENT, &json!({"schema": JOB_EVENT, "job_id": job_id, "progress": done}));
    }

    /// The accounts that the user keeps for this provider (`ketch account save --provider ID`), as
    /// they are now: objects with `name` and `token`, `url` and more where that was given. None if
    /// the host keeps none, or the user has not accepted the plugin's file.
    ///
    /// # Errors
    /// If the host cannot tell.
    pub fn accounts(&self) -> Result<Vec<Value>> {
        match self.object.call(ACCOUNTS, Message::json(&json!({"schema": ACCOUNTS}))) {
            Ok(answer) => {
                let mut document = answer.to_json().unwrap_or_default();
                match document.get_mut("accounts").map(Value::take) {
                    Some(Value::Array(accounts)) => Ok(accounts),
                    _ => Ok(Vec::new()),
                }
            }
            // A program that keeps no accounts has none.
            Err(Error::NotSupported { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// What the host can do beyond this, by name.
    #[must_use]
    pub fn extensions(&self) -> &dyn Extensions {
        &*self.object
    }

    fn push(&self, name: &str, document: &Value) {
        // A host that does not know the extension, or is gone, misses the news: nothing to mend.
        let _ = self.object.call(name, Message::json(document));
    }
}

/// The hosts that this library's provider was made for: of a plugin those that loaded it, of a
/// program none. More than one if a program has several registries.
static HOSTS: Mutex<Vec<Weak<dyn Extensions>>> = Mutex::new(Vec::new());

/// A provider, and the host that hears of its jobs as long as there is the provider.
pub(crate) struct Hosted<P> {
    provider: P,
    _host: Host,
}

impl<P: Provider> Hosted<P> {
    /// Makes the provider. The host is known before: the provider may run a job at once.
    pub(crate) fn make(host: Host, make: impl FnOnce(Host) -> Result<P>) -> Result<Self> {
        let mut hosts = lock(&HOSTS);
        hosts.retain(|known| known.strong_count() > 0);
        hosts.push(Arc::downgrade(&host.object));
        drop(hosts);
        Ok(Self { provider: make(host.clone())?, _host: host })
    }
}

impl<P: Provider> Provider for Hosted<P> {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        self.provider.backends(filter)
    }

    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        self.provider.get_backend(name)
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        self.provider.extensions()
    }
}

/// Whether somebody hears what is told of jobs: not if this is a plugin whose provider is gone,
/// although its jobs run on.
pub(crate) fn is_there() -> bool {
    let hosts = lock(&HOSTS);
    hosts.is_empty() || hosts.iter().any(|host| host.strong_count() > 0)
}

/// Tells every host something of a job; one that does not know the job drops it.
pub(crate) fn tell(job_id: &str, news: &News) {
    // Outside the lock: a host may do anything.
    let hosts: Vec<_> = lock(&HOSTS).iter().filter_map(Weak::upgrade).collect();
    if !hosts.is_empty() {
        let (name, document) = news.document(job_id);
        hosts.into_iter().for_each(|object| Host { object }.push(name, &document));
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

struct NoHost;

impl Extensions for NoHost {
    fn supports(&self, _name: &str) -> u32 {
        0
    }

    fn call(&self, name: &str, _message: Message) -> Result<Message> {
        Err(Error::not_supported("no host", format!("`{name}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every call with the same, or a refusal.
    struct Answers(Option<Value>);

    impl Extensions for Answers {
        fn supports(&self, _name: &str) -> u32 {
            u32::from(self.0.is_some())
        }

        fn call(&self, name: &str, message: Message) -> Result<Message> {
            assert_eq!((name, message.to_json().unwrap()), (ACCOUNTS, json!({"schema": ACCOUNTS})));
            let answer = self.0.as_ref().ok_or_else(|| Error::other("host.busy", "later"))?;
            Ok(Message::json(answer))
        }
    }

    #[test]
    fn accounts_are_what_the_host_tells() {
        let told = |answer| Host::new(Arc::new(Answers(answer))).accounts();
        let account = json!({"name": "lab", "token": "t", "url": "http://lab.example"});
        let answer = json!({"schema": ACCOUNTS, "accounts": [account]});
        assert_eq!(told(Some(answer)).unwrap(), [account]);
        for odd in [json!({}), json!([1]), json!({"accounts": 7})] {
            assert_eq!(told(Some(odd)).unwrap(), [] as [Value; 0]);
        }
        assert_eq!(Host::none().accounts().unwrap(), [] as [Value; 0], "it keeps none");
        assert_eq!(told(None).unwrap_err().code(), "host.busy");
    }
}
