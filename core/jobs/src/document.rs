//! Documents of jobs: small ones in the database, large ones in files beside it.
//!
//! A file is written, synced, renamed to its name, and its directory synced, all before the row
//! that names it is committed: a row never names a file that is not whole. A crash between the two
//! leaves a file without a row, which [`Store::maintain`](crate::Store::maintain) removes.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, params};

use crate::{Error, Result, schema::rows};

/// Documents of more bytes than this become files: SQLite holds at most 1 GB in a row, and moves
/// rows of this size well.
pub(crate) const INLINE: usize = 64 << 10;

/// The Qobj of a job.
pub(crate) const QOBJ: &str = "qobj";

/// The result of the experiments from this one on, to the next such document.
pub(crate) fn result_name(first: u64) -> String {
    format!("result.{first:010}")
}

/// The directory of the large documents.
#[derive(Debug)]
pub(crate) struct Documents {
    pub(crate) directory: PathBuf,
}

/// A document that is safe on disk, or small enough for its row.
pub(crate) struct Prepared<'a> {
    name: &'a str,
    length: usize,
    inline: Option<&'a [u8]>,
}

/// Where a document is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Inline(Vec<u8>),
    File(PathBuf),
}

impl Found {
    /// What it says; reads the file if it is one.
    pub(crate) fn bytes(&self) -> Result<Cow<'_, [u8]>> {
        match self {
            Self::Inline(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::File(path) => fs::read(path).map(Cow::Owned).map_err(|source| Error::File {
                doing: "read",
                path: path.clone(),
                source,
            }),
        }
    }
}

impl Documents {
    pub(crate) fn path(&self, job: &str, name: &str) -> PathBuf {
        self.directory.join(format!("{job}.{name}"))
    }

    /// Makes the bytes durable, if they are too many for a row.
    pub(crate) fn prepare<'a>(
        &self,
        job: &str,
        name: &'a str,
        bytes: &'a [u8],
    ) -> Result<Prepared<'a>> {
        let length = bytes.len();
        if length <= INLINE {
            return Ok(Prepared { name, length, inline: Some(bytes) });
        }
        let path = self.path(job, name);
        write_durably(&path, bytes).map_err(|source| Error::File {
            doing: "write",
            path,
            source,
        })?;
        Ok(Prepared { name, length, inline: None })
    }

    /// The documents of a job whose names begin with `prefix`, in order.
    pub(crate) fn find(&self, on: &Connection, job: &str, prefix: &str) -> Result<Vec<Found>> {
        let sql = "SELECT name, bytes FROM documents WHERE job = ?1 AND \
                   substr(name, 1, length(?2)) = ?2 ORDER BY name";
        rows(on, sql, params![job, prefix], |row| {
            let name: String = row.get(0)?;
            let inline: Option<Vec<u8>> = row.get(1)?;
            Ok(inline.map_or_else(|| Found::File(self.path(job, &name)), Found::Inline))
        })
        .map_err(Error::database("read a document"))
    }

    /// Lets a second job have the files of the results too; durable when this returns.
    pub(crate) fn share_results(&self, on: &Connection, from: &str, to: &str) -> Result<()> {
        let sql = "SELECT name FROM documents WHERE job = ?1 AND bytes IS NULL \
                   AND substr(name, 1, 7) = 'result.'";
        let names: Vec<String> =
            rows(on, sql, [from], |row| row.get(0)).map_err(Error::database("list documents"))?;
        for name in &names {
            let (path, second) = (self.path(from, name), self.path(to, name));
            // Not every file system has files of two names.
            let shared = fs::hard_link(&path, &second)
                .or_else(|_| write_durably(&second, &fs::read(&path)?));
            shared.map_err(|source| Error::File { doing: "copy", path, source })?;
        }
        if names.is_empty() {
            return Ok(());
        }
        // Once for all: others wait for the database meanwhile.
        let synced = File::open(&self.directory).and_then(|directory| directory.sync_all());
        let path = || self.directory.clone();
        synced.map_err(|source| Error::File { doing: "sync", path: path(), source })
    }

    /// Removes the files of a job, whose rows are gone.
    pub(crate) fn remove(&self, names: &[(String, String)]) {
        for (job, name) in names {
            // A file that stays is without a row, and is found by the next look at the store.
            let _ = fs::remove_file(self.path(job, name));
        }
    }
}

impl Prepared<'_> {
    /// Writes the row; the caller commits.
    pub(crate) fn insert(&self, on: &Connection, job: &str) -> Result<()> {
        let sql =
            "INSERT OR REPLACE INTO documents (job, name, length, bytes) VALUES (?1, ?2, ?3, ?4)";
        let length = i64::try_from(self.length).unwrap_or(i64::MAX);
        on.prepare_cached(sql)
            .and_then(|mut insert| insert.execute(params![job, self.name, length, self.inline]))
            .map_err(Error::database("write a document"))?;
        Ok(())
    }
}

/// The names of a job's documents that begin with `prefix`, in order.
pub(crate) fn names(on: &Connection, job: &str, prefix: &str) -> Result<Vec<String>> {
    let sql = "SELECT name FROM documents WHERE job = ?1 AND substr(name, 1, length(?2)) = ?2 \
               ORDER BY name";
    rows(on, sql, params![job, prefix], |row| row.get(0)).map_err(Error::database("list documents"))
}

/// The documents of a job whose names begin with `prefix`, as [`Documents::remove`] takes them.
pub(crate) fn files_of(on: &Connection, job: &str, prefix: &str) -> Result<Vec<(String, String)>> {
    let names = names(on, job, prefix)?;
    Ok(names.into_iter().map(|name| (job.to_owned(), name)).collect())
}

/// Writes a file so that it is whole under its name, or not there, whatever happens.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_added_extension("part");
    let written = (|| {
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
    })();
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}
