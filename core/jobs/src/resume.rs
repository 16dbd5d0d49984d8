//! Going on where an earlier job stopped: jobs are told alike by a digest of what they are to do,
//! and a new job takes over what an older one has finished.

use ketch_core::{Qobj, codec};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use crate::{Error, JobRecord, Result, Store, claim, record::COLUMNS};

/// A digest of what a job is to do: the backend, the Qobj, and words for whatever else matters.
///
/// Equal for equal questions as long as the binary form of a Qobj is the same, which is for one
/// version of Ketch.
#[must_use]
pub fn digest_of(backend: &str, qobj: &Qobj, words: &[&str]) -> String {
    let mut digest = Sha256::new();
    let mut part = |bytes: &[u8]| {
        // With its length, so that no two lists of parts look the same.
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    part(backend.as_bytes());
    part(&codec::encode_qobj(qobj));
    words.iter().for_each(|word| part(word.as_bytes()));
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Store {
    /// The newest job of this [digest](digest_of).
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn newest_of(&self, digest: &str) -> Result<Option<JobRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE digest = ?1 ORDER BY id DESC LIMIT 1");
        let on = self.reader();
        on.prepare_cached(&sql)
            .and_then(|mut select| select.query_row([digest], JobRecord::read).optional())
            .map_err(Error::database("look for an earlier job"))
    }

    /// Gives a job the results that another one has finished; both have them then.
    pub(crate) fn take_over(&self, on: &Connection, from: &str, id: &str) -> Result<()> {
        let earlier = Self::record(on, from)?;
        on.execute(
            "INSERT INTO documents (job, name, length, bytes) \
             SELECT ?2, name, length, bytes FROM documents \
             WHERE job = ?1 AND substr(name, 1, 7) = 'result.'",
            [from, id],
        )
        .map_err(Error::database("take over a result"))?;
        self.documents.share_results(on, from, id)?;
        claim::completed(on, id, earlier.completed)
    }
}
