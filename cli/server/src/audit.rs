//! Who did what: a line of JSON for every request that changes something, is turned away or fails,
//! in `audit.log` beside the jobs. What a request carries is not in it, and no token ever.
//!
//! A file that has grown to [`LARGEST`] is put aside as `audit.log.1`, the one before it as
//! `audit.log.2` and so on; the last of [`KEPT`] is removed. Several servers may write to one store.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use hyper::{Method, Uri};
use ketch::jobs;
use serde_json::json;

use crate::{answer::Answer, time, users::User};

/// A file of so many bytes is put aside.
const LARGEST: u64 = 16 << 20;

/// How many files are kept beside the one that is written.
const KEPT: u32 = 4;

/// So much of a path is noted; names of ours are shorter.
const LONGEST_PATH: usize = 256;

/// What is noted of a request.
#[derive(Debug)]
pub(crate) struct Entry {
    asked: SystemTime,
    trace: String,
    peer: SocketAddr,
    method: Method,
    path: String,
    /// The user, and the token by which.
    user: Option<(String, String)>,
    status: u16,
    made: Option<String>,
}

impl Entry {
    /// A request that has come.
    pub(crate) fn new(trace: &str, peer: SocketAddr, method: &Method, target: &Uri) -> Self {
        // Paths are ASCII: what is none stands behind percent signs.
        let path = target.path();
        let path =
            path.get(..LONGEST_PATH).map_or_else(|| path.to_owned(), |cut| format!("{cut}…"));
        Self {
            asked: SystemTime::now(),
            trace: trace.to_owned(),
            peer,
            method: method.clone(),
            path,
            user: None,
            status: 0,
            made: None,
        }
    }

    /// How it was answered.
    pub(crate) fn end(&mut self, user: Option<&User>, answer: &Answer) {
        self.user = user.map(|user| (user.name.clone(), user.token.clone()));
        self.status = answer.status;
        self.made.clone_from(&answer.made);
    }

    /// Whether it is worth a line: all but those that looked at something, or for something that
    /// was not there.
    pub(crate) fn matters(&self) -> bool {
        let looked = self.method == Method::GET || self.method == Method::HEAD;
        !looked || !matches!(self.status, 200..=299 | 400 | 404)
    }

    fn line(&self) -> String {
        let (user, token) = self.user.as_ref().map(|(user, token)| (user, token)).unzip();
        let line = json!({
            "time": time::written(self.asked),
            "request": self.trace,
            "peer": self.peer.ip().to_string(),
            "user": user,
            "token": token,
            "method": self.method.as_str(),
            "path": self.path,
            "status": self.status,
            "made": self.made,
        });
        format!("{line}\n")
    }
}

/// The file.
pub(crate) struct Audit {
    path: PathBuf,
    largest: u64,
    file: Mutex<File>,
}

impl Audit {
    /// # Errors
    /// If it cannot be written to.
    pub(crate) fn open(directory: &Path) -> jobs::Result<Self> {
        Self::of(directory.join("audit.log"), LARGEST)
    }

    fn of(path: PathBuf, largest: u64) -> jobs::Result<Self> {
        match opened(&path) {
            Ok(file) => Ok(Self { path, largest, file: Mutex::new(file) }),
            Err(source) => Err(jobs::Error::File { doing: "open", path, source }),
        }
    }

    /// Notes a request. A disk that is full stops no job.
    pub(crate) fn note(&self, entry: &Entry) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write a line: lines of several servers do not mix.
        let _ = file.write_all(entry.line().as_bytes());
        if file.metadata().is_ok_and(|found| found.len() >= self.largest)
            && let Ok(fresh) = self.put_aside(&file)
        {
            *file = fresh;
        }
    }

    /// Puts the file aside, unless another server has done it, and opens the next.
    fn put_aside(&self, file: &File) -> io::Result<File> {
        // Until it is closed; who does not get it looks again at the next line.
        file.try_lock()?;
        let number = |of: fs::Metadata| (of.dev(), of.ino());
        if fs::metadata(&self.path).map(number).ok() == file.metadata().map(number).ok() {
            for older in (1..KEPT).rev() {
                // There are not that many in the beginning.
                let _ = fs::rename(self.aside(older), self.aside(older + 1));
            }
            fs::rename(&self.path, self.aside(1))?;
        }
        opened(&self.path)
    }

    fn aside(&self, number: u32) -> PathBuf {
        self.path.with_extension(format!("log.{number}"))
    }
}

fn opened(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: usize) -> Entry {
        let target = format!("/jobs/{number}/{}", "x".repeat(500)).parse().unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 80));
        Entry::new(&number.to_string(), peer, &Method::POST, &target)
    }

    #[test]
    fn the_file_is_put_aside_by_size_and_no_line_is_cut_or_written_twice() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let line = entry(100).line().len() as u64;
        // Two servers of one store, by turns; ten lines a file.
        let both = [0, 1].map(|_| Audit::of(path.clone(), 10 * line).unwrap());
        for number in 100..134 {
            both[number % 2].note(&entry(number));
        }
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        let lines: Vec<String> =
            [both[0].aside(3), both[0].aside(2), both[0].aside(1), path.clone()]
                .iter()
                .flat_map(|path| read(path).lines().map(str::to_owned).collect::<Vec<_>>())
                .collect();
        let numbers: Vec<usize> = lines
            .iter()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["path"].as_str().unwrap().chars().count(), LONGEST_PATH + 1);
                line["request"].as_str().unwrap().parse().unwrap()
            })
            .collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (100..134).collect::<Vec<_>>());
        // However much is noted, no more than so many files stay.
        for number in 200..400 {
            both[0].note(&entry(number));
        }
        let files = fs::read_dir(directory.path()).unwrap().flatten();
        let sizes: Vec<u64> = files.map(|file| file.metadata().unwrap().len()).collect();
        assert_eq!(sizes.len(), 1 + KEPT as usize);
        assert!(sizes.iter().all(|&size| size <= 11 * line), "{sizes:?}");
    }

    #[test]
    fn a_line_is_written_for_all_but_idle_looks() {
        let answered = |method: Method, status| {
            let peer = SocketAddr::from(([127, 0, 0, 1], 80));
            let mut entry = Entry::new("1", peer, &method, &Uri::from_static("/x"));
            entry.end(None, &Answer::document(status, &json!({})));
            entry.matters()
        };
        for (status, matters) in [
            (200, false),
            (404, false),
            (401, true),
            (403, true),
            (405, true),
            (413, true),
            (501, true),
        ] {
            assert_eq!(answered(Method::GET, status), matters, "{status}");
            assert!(answered(Method::DELETE, status));
        }
    }
}
