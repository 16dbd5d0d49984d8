//! From a library to a package.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder, write::GzEncoder};

use super::{CONTENTS, Contents, PackageError, PackedFile, SCHEMA, accepted, io_error, names};
use crate::{check::MAX_BESIDE, files, platform, stamp::digest};

/// Packs a plugin, with the JSON file beside it if there is one, into `directory` under a name that
/// says provider, version and machine. Returns the package and what is in it. The same files make
/// the same bytes. Blocks while all is read and compressed.
///
/// # Errors
/// If the library cannot be read, would be refused as a plugin or by `install`, or the package cannot be written.
pub fn pack(library: &Path, directory: &Path) -> Result<(PathBuf, Contents), PackageError> {
    // That there is no such file is no fault of the plugin.
    platform::open(library).map_err(io_error("read", library))?;
    let manifest = accepted(library)?;
    let mut packed = vec![read(library, crate::check::MAX_FILE)?];
    let beside = library.with_extension("json");
    if beside.is_file() {
        packed.push(read(&beside, MAX_BESIDE)?);
    }
    let listed = names(&manifest.id).into_iter().zip(&packed).map(|(name, bytes)| PackedFile {
        name,
        size: bytes.len() as u64,
        sha256: digest(bytes),
    });
    let contents = Contents {
        schema: SCHEMA.to_owned(),
        id: manifest.id,
        version: manifest.version,
        target: manifest.target,
        files: listed.collect(),
    };
    let plain =
        |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && !"._+-".contains(c), "_");
    let Contents { id, version, target, .. } = &contents;
    let path = directory.join(format!("{id}-{}-{}.ketch", plain(version), plain(target)));
    let failed = |source| PackageError::Io { what: "write", path: path.clone(), source };
    let mut staged = path.clone().into_os_string();
    staged.push(format!(".{}", std::process::id()));
    let staged = PathBuf::from(staged);
    let written = write(&staged, &contents, &packed).and_then(|()| fs::rename(&staged, &path));
    if written.is_err() {
        // What is half written is of no use; that it cannot be removed either is no news.
        let _ = fs::remove_file(&staged);
    }
    written.map_err(failed)?;
    Ok((path, contents))
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, PackageError> {
    files::read(path, limit).map_err(io_error("read", path))
}

fn write(path: &Path, contents: &Contents, packed: &[Vec<u8>]) -> io::Result<()> {
    let file = File::create_new(path)?;
    // Without a time, so that the same files make the same package.
    let gzip: GzEncoder<File> = GzBuilder::new().mtime(0).write(file, Compression::default());
    let mut archive = tar::Builder::new(gzip);
    let mut list = serde_json::to_vec_pretty(contents)?;
    list.push(b'\n');
    append(&mut archive, CONTENTS, &list)?;
    for (file, bytes) in contents.files.iter().zip(packed) {
        append(&mut archive, &file.name, bytes)?;
    }
    archive.into_inner()?.finish()?.sync_all()
}

fn append(archive: &mut tar::Builder<impl Write>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append(&header, bytes)
}
