//! [`Host`]: what a provider can tell the program that loaded it.

use std::sync::{Arc, Mutex, PoisonError};

use ketch_interface::{Extensions, Message};
use serde_json::json;

use crate::events::{JOB_EVENT, News, level_name};

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

    /// What the host can do beyond this, by name.
    #[must_use]
    pub fn extensions(&self) -> &dyn Extensions {
        &*self.object
    }

    fn push(&self, name: &str, document: &serde_json::Value) {
        // A host that does not know the extension, or is gone, misses the news: nothing to mend.
        let _ = self.object.call(name, Message::json(document));
    }
}

/// The hosts that this library's provider was made for: of a plugin those that loaded it, of a
/// program none. More than one if a program has several registries.
static HOSTS: Mutex<Vec<Host>> = Mutex::new(Vec::new());

/// From now on the host hears of the jobs of this library.
pub(crate) fn remember(host: Host) {
    HOSTS.lock().unwrap_or_else(PoisonError::into_inner).push(host);
}

/// Tells every host something of a job; one that does not know the job drops it.
pub(crate) fn tell(job_id: &str, news: &News) {
    // Outside the lock: a host in this process may do anything.
    let hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if !hosts.is_empty() {
        let (name, document) = news.document(job_id);
        hosts.iter().for_each(|host| host.push(name, &document));
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

    fn call(&self, name: &str, _message: Message) -> ketch_interface::Result<Message> {
        Err(ketch_interface::Error::not_supported("no host", format!("`{name}`")))
    }
}
