//! Abilities beyond the traits, by name.
//!
//! The traits and the plugin ABI never grow. What comes later — progress, events, estimates — is a
//! named extension: a side that does not know it says so, and the other does without.

use std::sync::Arc;

use num_complex::Complex64;

use crate::{Array, Error, Result};

/// Named, versioned abilities of a provider, backend, job, host or other object.
///
/// Names are `ketch.<name>/<revision>`; third parties use their reversed domain instead of `ketch`.
/// Every method may be called from any thread.
pub trait Extensions: Send + Sync {
    /// The newest revision of `name` that it understands; 0 if it does not know it. Does not block.
    fn supports(&self, name: &str) -> u32;

    /// Calls the ability. Says in its own documentation whether it blocks.
    ///
    /// # Errors
    /// [`Error::NotSupported`] for a name that it does not know, and the ability's own.
    fn call(&self, name: &str, message: Message) -> Result<Message>;

    /// Opens an object of a kind that the traits do not know.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    fn open(&self, name: &str, message: Message) -> Result<Arc<dyn Extensions>> {
        let _ = message;
        Err(Error::not_supported("this object", format!("opening `{name}`")))
    }
}

/// The extension of a backend that finds a job by the key that was given at its submission
/// ([`RunOptions::job_key`](crate::RunOptions::job_key)): head `{"job_key": …}`, answer
/// `{"job_id": …}`, null for a job that never arrived. Blocks while a service is asked.
///
/// An error means that nobody can know; a backend that is not sure must not answer null, for then
/// the job may be sent again.
pub const FIND_JOB: &str = "ketch.find_job/1";

/// What extensions are called with and answer: a small document and large numeric buffers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// What `head` is; the extension defines it. 0 is JSON in UTF-8 with a `schema` field.
    pub format: u32,
    /// The document.
    pub head: Vec<u8>,
    /// Large data, moved without a copy.
    pub buffers: Vec<Buffer>,
}

/// A large array of numbers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the types say it")]
pub enum Buffer {
    Bytes(Array<u8>),
    Reals(Array<f64>),
    Complexes(Array<Complex64>),
}

impl Message {
    /// A message that is a JSON document.
    #[must_use]
    pub fn json(document: &serde_json::Value) -> Self {
        Self { format: 0, head: document.to_string().into_bytes(), buffers: Vec::new() }
    }

    /// The JSON document in `head`; `None` if it is something else.
    #[must_use]
    pub fn to_json(&self) -> Option<serde_json::Value> {
        (self.format == 0).then(|| serde_json::from_slice(&self.head).ok()).flatten()
    }
}
