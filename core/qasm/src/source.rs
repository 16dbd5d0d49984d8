//! Where the text of programs comes from: the only place of this crate that touches files.
//!
//! An included file lies in the directory of the program or below it, whatever the name says and
//! wherever links lead: a program from a stranger cannot read other files.

use std::{
    fs::File,
    io::{self, Read},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use crate::diagnostic::{Diagnostic, Error};

/// The longest program that is read, in bytes.
pub const MAX_PROGRAM: u64 = 1 << 30;

/// How much a program may include, in bytes of all included files together.
pub const MAX_INCLUDED: u64 = 1 << 26;

/// The text of a program or of a file that it includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name in messages; included files' names are asked for relative to it.
    pub name: String,
    /// Equal for two names of the same file: how cycles are found.
    pub identity: String,
    /// The text.
    pub text: String,
}

impl Source {
    /// A text that is no file.
    #[must_use]
    pub fn new(text: impl Into<String>, name: impl Into<String>) -> Self {
        let name = name.into();
        Self { identity: name.clone(), name, text: text.into() }
    }

    /// Reads a program. Blocks.
    ///
    /// # Errors
    /// If it cannot be read, is longer than [`MAX_PROGRAM`], or is not UTF-8.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source: Arc::new(source) };
        let bytes =
            File::open(path).and_then(|file| read_at_most(file, MAX_PROGRAM)).map_err(failed)?;
        let name = path.display().to_string();
        // Pipes have no path of their own.
        let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let identity = resolved.display().to_string();
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, identity, text }),
            Err(error) => Err(Error::Invalid { diagnostics: vec![not_utf8(&name, &error)] }),
        }
    }
}

/// Finds included files, `qelib1.inc` aside, which is built in.
pub trait Includes {
    /// The file that `include "name";` means in the source called `from`.
    ///
    /// # Errors
    /// Why it is not included, as the end of a sentence: lower case, no final dot.
    fn open(&self, from: &str, name: &str) -> Result<Source, String>;
}

/// Includes nothing: for programs that are not files.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoIncludes;

impl Includes for NoIncludes {
    fn open(&self, _from: &str, _name: &str) -> Result<Source, String> {
        Err("only programs that are files can include files".to_owned())
    }
}

/// Includes files of one directory and those below it.
#[derive(Clone, Debug)]
pub struct Directory {
    /// With all links resolved.
    root: PathBuf,
}

impl Directory {
    /// The directory of a program.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn of(program: &Path) -> io::Result<Self> {
        let parent = program.parent().filter(|parent| !parent.as_os_str().is_empty());
        Ok(Self { root: parent.unwrap_or(Path::new(".")).canonicalize()? })
    }
}

impl Includes for Directory {
    fn open(&self, from: &str, name: &str) -> Result<Source, String> {
        let relative = Path::new(name);
        let steps_down = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if name.is_empty() || !relative.components().all(steps_down) || name.contains('\\') {
            return Err("only files beside the program or below it are included".to_owned());
        }
        let path = Path::new(from).parent().unwrap_or(Path::new("")).join(relative);
        let resolved = path.canonicalize().map_err(|error| error.to_string())?;
        if !resolved.starts_with(&self.root) {
            return Err("it leads out of the program's directory".to_owned());
        }
        // Asked before it is opened: opening a pipe would wait for someone to write.
        if !resolved.is_file() {
            return Err("it is not a file".to_owned());
        }
        let bytes = File::open(&resolved)
            .and_then(|file| read_at_most(file, MAX_INCLUDED))
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
        let name = path.display().to_string();
        Ok(Source { name, identity: resolved.display().to_string(), text })
    }
}

fn read_at_most(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Ok(metadata) = file.metadata() {
        bytes.reserve(usize::try_from(metadata.len().min(limit)).unwrap_or(0) + 1);
    }
    let length = file.take(limit + 1).read_to_end(&mut bytes)? as u64;
    if length > limit {
        return Err(io::Error::other(format!("longer than {limit} bytes")));
    }
    Ok(bytes)
}

fn not_utf8(name: &str, error: &std::string::FromUtf8Error) -> Diagnostic {
    let at = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes());
    Diagnostic::new(name, &text, at..at + 1, "the program is not UTF-8 text".to_owned())
}
