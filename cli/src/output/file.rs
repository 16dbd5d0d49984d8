//! Files that appear whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// A file that is being written beside its place, and moves there when it is complete. Dropped
/// before, it leaves nothing behind, and whatever stood in its place is untouched.
///
/// A device or a pipe is written to as it is, for it would be lost if a file took its place.
#[derive(Debug)]
pub(crate) struct PendingFile {
    target: PathBuf,
    /// `None` where there is nothing to move.
    temporary: Option<PathBuf>,
    writer: Option<BufWriter<File>>,
}

impl PendingFile {
    /// Opens the file, so that a directory that is not there or not ours is found out before any
    /// work is done.
    ///
    /// # Errors
    /// If nothing can be created beside `path`, or it is a directory.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        // A link keeps pointing where it points: the file behind it is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if target.is_dir() {
            let error = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(Failure::unwritable(path, &error));
        }
        let in_place = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
        let (temporary, file) = if in_place {
            (None, OpenOptions::new().write(true).open(path))
        } else {
            let name = target.file_name().unwrap_or_default().to_string_lossy();
            let temporary = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
            let file = OpenOptions::new().write(true).create_new(true).open(&temporary);
            (Some(temporary), file)
        };
        let file = file.map_err(|error| Failure::unwritable(path, &error))?;
        Ok(Self { target, temporary, writer: Some(BufWriter::new(file)) })
    }

    /// Writes the content with `write` and moves the file to its place.
    ///
    /// # Errors
    /// If it cannot be written or moved; then its place is as it was.
    pub(crate) fn finish<E: Into<Failure>>(
        mut self,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), Failure> {
        let mut writer = self.writer.take().expect("only `finish` takes it, and consumes the file");
        write(&mut writer).map_err(|error| self.rename(error.into()))?;
        let complete = writer.flush().and_then(|()| match &self.temporary {
            Some(temporary) => fs::rename(temporary, &self.target),
            None => Ok(()),
        });
        complete.map_err(|error| Failure::unwritable(&self.target, &error))
    }

    /// What failed here was not standard output.
    fn rename(&self, mut failure: Failure) -> Failure {
        if failure.is_broken_pipe() || failure.code == "output.unwritable" {
            failure.exit = crate::exit::Exit::Failed;
            failure.message = format!("cannot write `{}`", self.target.display());
        }
        failure
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // After a rename there is nothing to remove, and that is fine.
            let _ = fs::remove_file(temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_complete_file_replaces_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        fs::write(&path, "old").unwrap();
        let pending = PendingFile::create(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        pending.finish(|out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(directory.path()), ["a.csv"]);
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        drop(PendingFile::create(&path).unwrap());
        let failed = PendingFile::create(&path)
            .unwrap()
            .finish(|_| Err::<(), _>(io::Error::other("no space")));
        assert!(failed.unwrap_err().message.contains("a.csv"));
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    fn a_pipe_is_written_to_and_stays_a_pipe() {
        let (mut reader, writer) = io::pipe().unwrap();
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&writer);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        std::os::unix::fs::symlink(format!("/proc/self/fd/{descriptor}"), &path).unwrap();
        PendingFile::create(&path).unwrap().finish(|out| out.write_all(b"new")).unwrap();
        drop(writer);
        assert_eq!(io::read_to_string(&mut reader).unwrap(), "new");
        assert!(path.is_symlink());
        assert_eq!(names(directory.path()), ["a.csv"]);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_found_out_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing/a.csv");
        assert_eq!(PendingFile::create(&missing).unwrap_err().code, "output.unwritable");
        assert_eq!(PendingFile::create(directory.path()).unwrap_err().code, "output.unwritable");
    }
}
