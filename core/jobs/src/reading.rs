//! Connections to read on: as many readers at a time as there are, and none of them waits for a
//! writer. Without any, readers share the writer's connection.

use std::{
    ops::Deref,
    path::Path,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use rusqlite::Connection;

use crate::{Result, store};

/// The connections that nobody reads on.
#[derive(Debug)]
pub(crate) struct Readers {
    free: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Readers {
    /// Opens so many connections, one at least.
    pub(crate) fn open(directory: &Path, count: usize) -> Result<Self> {
        let free = (0..count.max(1)).map(|_| store::connect(directory)).collect::<Result<_>>()?;
        Ok(Self { free: Mutex::new(free), returned: Condvar::new() })
    }

    /// Waits for a connection.
    pub(crate) fn lend(&self) -> Reader<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .returned
            .wait_while(free, |free| free.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        Reader::Lent { connection: free.pop(), from: self }
    }
}

/// A connection to read on, as long as this lives. Not to be kept while files are read or documents
/// are decoded: others wait for it.
pub(crate) enum Reader<'a> {
    /// The writer's own.
    Own(MutexGuard<'a, Connection>),
    Lent {
        /// There until it is given back.
        connection: Option<Connection>,
        from: &'a Readers,
    },
}

impl Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Self::Own(connection) => connection,
            Self::Lent { connection, .. } => {
                connection.as_ref().expect("it is given back when this is dropped, not before")
            }
        }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let Self::Lent { connection, from } = self else { return };
        from.free.lock().unwrap_or_else(PoisonError::into_inner).extend(connection.take());
        from.returned.notify_one();
    }
}
