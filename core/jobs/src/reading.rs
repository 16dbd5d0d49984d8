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

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use ketch_core::{Circuit, Qobj, RunOptions, RunResult};

    use crate::{Budget, NewJob, Runner, Store};

    #[test]
    fn readers_wait_for_no_writer() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Store::open(directory.path()).unwrap();
        let store = Arc::new(open().with_readers(2).unwrap());
        let new = NewJob::new("lab/bench", Runner::Worker, RunOptions::default());
        let qobj = Qobj::from_circuit(Circuit::new(1, 1).h(0).measure(0, 0));
        let id = store.submit(&new, &qobj).unwrap();
        let claim = store.claim(Budget::whole_machine()).unwrap().unwrap();
        let done = RunResult { success: true, ..RunResult::default() };
        claim.finish_with(&done, None).unwrap();

        // One writes, and another one waits for it with the connection for writing.
        let writer = super::store::connect(directory.path()).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE; UPDATE jobs SET label = 'new'").unwrap();
        let waiting = Arc::clone(&store);
        let waits = thread::spawn(move || waiting.submit(&new, &qobj).unwrap());
        while store.connection.try_lock().is_ok() {
            thread::yield_now();
        }
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        assert_eq!(store.job(&id).unwrap().label, None);
                        assert!(store.result(&id).unwrap().unwrap().success);
                    }
                });
            }
        });
        assert!(store.connection.try_lock().is_err() && !waits.is_finished());
        writer.execute_batch("COMMIT").unwrap();
        waits.join().unwrap();
        assert_eq!(store.job(&id).unwrap().label.as_deref(), Some("new"));
        store.is_readable().unwrap();
    }
}
