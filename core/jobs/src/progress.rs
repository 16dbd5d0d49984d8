//! How far jobs are, for other processes to see: one small file a job, which no sync waits for.
//!
//! Nothing depends on these files. What is finished is in the database.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use ketch_core::{Events, Job, JobEvent, JobEvents, Progress};

use crate::{JobRecord, Store};

/// A file is written at most so often: ten times a second.
const BETWEEN: Duration = Duration::from_millis(100);

impl Store {
    /// How far a job is that runs on this machine, the part of an experiment included; `None` if
    /// nobody says. Of a job that runs no more, what was said last.
    #[must_use]
    pub fn progress(&self, id: &str) -> Option<Progress> {
        let text = fs::read_to_string(path(self.directory(), id)).ok()?;
        Progress::read(&serde_json::from_str(&text).ok()?)
    }

    /// Notes how far a job is. That it cannot be written is no harm.
    pub(crate) fn note_progress(&self, id: &str, progress: &Progress) {
        let directory = self.directory().join(DIRECTORY);
        let (file, new) = (path(self.directory(), id), directory.join(format!("{id}.new")));
        let write = || {
            fs::write(&new, progress.document().to_string()).or_else(|error| {
                match error.kind() {
                    io::ErrorKind::NotFound => {
                        fs::create_dir(&directory)?;
                        fs::write(&new, progress.document().to_string())
                    }
                    _ => Err(error),
                }
            })?;
            fs::rename(&new, &file)
        };
        let _ = write();
    }

    /// Nobody needs to know any more how far the job was.
    pub(crate) fn forget_progress(&self, id: &str) {
        // Most jobs are too short to have one.
        let _ = fs::remove_file(path(self.directory(), id));
    }

    /// Removes the files of jobs that nobody has noted anything of for so long: of processes that
    /// died.
    pub(crate) fn forget_old_progress(&self, age: Duration) {
        let Ok(entries) = fs::read_dir(self.directory().join(DIRECTORY)) else { return };
        for entry in entries.flatten() {
            let modified = entry.metadata().and_then(|file| file.modified());
            if modified.is_ok_and(|time| time.elapsed().is_ok_and(|since| since > age)) {
                // What cannot be removed now can be another time.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

const DIRECTORY: &str = "progress";

fn path(store: &Path, id: &str) -> PathBuf {
    store.join(DIRECTORY).join(id)
}

/// Writes down how far a job is that runs in this process.
pub(crate) struct Noting {
    /// None if nobody can be listened to.
    events: Option<Events>,
    /// The experiments that were finished before this part of the job, and all that there are.
    before: u64,
    of: u64,
    written: Option<Instant>,
    newest: Option<Progress>,
}

impl Noting {
    /// Listens to `part` of the job, which begins with this experiment.
    pub(crate) fn of(part: &Arc<dyn Job>, record: &JobRecord, first: u64) -> Self {
        let events = part.events().ok();
        Self { events, before: first, of: record.experiments, written: None, newest: None }
    }

    /// Writes down what is new. Does not block but for the file.
    pub(crate) fn note(&mut self, store: &Store, id: &str) {
        let Some(events) = &mut self.events else { return };
        while let Some(event) = events.try_next() {
            if let JobEvent::Progress(progress) = event {
                let done = self.before.saturating_add(progress.done);
                self.newest = Some(Progress { done, of: self.of, ..progress });
            }
        }
        if self.written.is_none_or(|written| written.elapsed() >= BETWEEN)
            && let Some(newest) = self.newest.take()
        {
            store.note_progress(id, &newest);
            self.written = Some(Instant::now());
        }
    }
}
