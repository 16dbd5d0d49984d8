//! From a package to files, which nobody has looked into yet.
//!
//! Nothing of the archive decides where a file goes: names are compared with the two that a package
//! may hold, entries that are no plain files are refused, and no more is read than the list of
//! contents announced, however much the compressed bytes would become.

use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    path::Path,
};

use flate2::read::GzDecoder;
use ketch_abi::MANIFEST_SCHEMA;
use sha2::{Digest, Sha256};

use super::{CONTENTS, Contents, MAX_CONTENTS, PackageError, SCHEMA, io_error, names};
use crate::{
    check::{MAX_BESIDE, MAX_FILE},
    platform,
    stamp::hex,
};

/// A library shrinks to a third or a tenth; what shrinks further than this was made to fill disks.
const MAX_RATIO: u64 = 100;

/// What is wrong with a package: found, expected.
type Wrong = (String, String);

fn wrong(found: impl Into<String>, expected: impl Into<String>) -> Wrong {
    (found.into(), expected.into())
}

/// An archive that cannot be read to its end is damaged, whatever the reason.
fn damaged(error: io::Error) -> Wrong {
    wrong(format!("a damaged archive ({error})"), "a whole one")
}

/// Unpacks into an empty directory. Blocks.
///
/// # Errors
/// If it is no package, or holds anything but what it lists.
pub(super) fn unpack(package: &Path, directory: &Path) -> Result<Contents, PackageError> {
    let file = platform::open(package).map_err(io_error("read", package))?;
    read(file, directory).map_err(|(found, expected)| PackageError::Refused {
        path: package.to_owned(),
        found,
        expected,
    })
}

fn read(file: File, directory: &Path) -> Result<Contents, Wrong> {
    let packed = file.metadata().map_err(damaged)?.len();
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    // Raw: long names, links and sparse files come as entries of their own kinds, and are refused
    // as such instead of being put together in memory.
    let mut entries = archive.entries().map_err(damaged)?.raw(true);
    let mut list = Vec::new();
    let first = entry(entries.next(), CONTENTS)?;
    if first.size() > MAX_CONTENTS {
        return Err(wrong(
            format!("a list of contents of {} bytes", first.size()),
            format!("at most {MAX_CONTENTS}"),
        ));
    }
    first.take(MAX_CONTENTS).read_to_end(&mut list).map_err(damaged)?;
    let contents = contents(&list)?;
    let unpacked: u64 = contents.files.iter().map(|file| file.size).sum();
    let most = packed.saturating_mul(MAX_RATIO).saturating_add(MAX_BESIDE);
    if unpacked > most {
        let found = format!("{unpacked} bytes in a package of {packed}");
        return Err(wrong(found, format!("at most {most}")));
    }
    for file in &contents.files {
        let mut entry = entry(entries.next(), &file.name)?;
        if entry.size() != file.size {
            return Err(wrong(
                format!("`{}` with {} bytes", file.name, entry.size()),
                format!("{} bytes as listed", file.size),
            ));
        }
        let to = directory.join(&file.name);
        let sha256 = copy(&mut entry, &to)?;
        if sha256 != file.sha256 {
            return Err(wrong(
                format!("`{}` with the SHA-256 {sha256}", file.name),
                format!("{} as listed", file.sha256),
            ));
        }
    }
    match entries.next().transpose().map_err(damaged)? {
        None => Ok(contents),
        Some(_) => Err(wrong("more files than it lists", "no others")),
    }
}

/// The next entry, which must be a plain file of this name.
fn entry<'a, R: Read>(
    next: Option<io::Result<tar::Entry<'a, R>>>,
    name: &str,
) -> Result<tar::Entry<'a, R>, Wrong> {
    let Some(entry) = next.transpose().map_err(damaged)? else {
        return Err(wrong("the end", format!("the file `{name}`")));
    };
    let found = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let kind = entry.header().entry_type();
    if found != name || kind != tar::EntryType::Regular {
        let found: String = found.chars().take(100).collect();
        let found = format!("an entry `{}` of kind {:?}", found.escape_debug(), kind);
        return Err(wrong(found, format!("the plain file `{name}`")));
    }
    Ok(entry)
}

fn contents(list: &[u8]) -> Result<Contents, Wrong> {
    let unread = |error| wrong(format!("no list of contents ({error})"), SCHEMA);
    let document: serde_json::Value = serde_json::from_slice(list).map_err(unread)?;
    let schema = document["schema"].as_str().unwrap_or_default();
    if schema != SCHEMA {
        let expected = match schema == MANIFEST_SCHEMA {
            true => format!("{SCHEMA}; that is a manifest"),
            false => SCHEMA.to_owned(),
        };
        return Err(wrong(format!("the schema `{schema}`"), expected));
    }
    let contents: Contents = serde_json::from_value(document).map_err(unread)?;
    if !ketch_abi::is_plain_id(&contents.id) {
        let found = format!("the id `{}`", contents.id.escape_debug());
        return Err(wrong(found, "a letter, then lower-case letters, digits, - and _"));
    }
    let names = names(&contents.id);
    let found: Vec<&str> = contents.files.iter().map(|file| file.name.as_str()).collect();
    if found != [&names[0]] && found != [&names[0], &names[1]] {
        let found = format!("a list of the files {found:?}");
        return Err(wrong(found, format!("`{}`, and perhaps `{}`", names[0], names[1])));
    }
    for (file, limit) in contents.files.iter().zip([MAX_FILE, MAX_BESIDE]) {
        if file.size > limit {
            let found = format!("`{}` with {} bytes", file.name, file.size);
            return Err(wrong(found, format!("at most {limit}")));
        }
    }
    Ok(contents)
}

/// Writes an entry into a new file, and gives its digest. The entry ends where its header says.
fn copy(entry: &mut impl Read, to: &Path) -> Result<String, Wrong> {
    let unwritten = |error: io::Error| {
        wrong(format!("no room for it ({error})"), "a directory that can be written")
    };
    let mut file = File::create_new(to).map_err(unwritten)?;
    let mut digest = Sha256::new();
    let mut part = vec![0; 1 << 16];
    loop {
        match entry.read(&mut part).map_err(damaged)? {
            0 => break,
            length => {
                digest.update(&part[..length]);
                file.write_all(&part[..length]).map_err(unwritten)?;
            }
        }
    }
    file.sync_all().map_err(unwritten)?;
    Ok(hex(&digest.finalize()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use flate2::{Compression, write::GzEncoder};
    use serde_json::json;
    use tar::{EntryType, Header};

    use super::*;
    use crate::stamp::digest;

    const LIBRARY: &str = "libketch_provider_lab.so";
    const BYTES: &[u8] = b"not really a library, and nobody looks at that here";

    fn list() -> serde_json::Value {
        json!({
            "schema": "ketch.package/1", "id": "lab", "version": "0.1.0", "target": "x86_64-linux",
            "files": [{"name": LIBRARY, "size": BYTES.len(), "sha256": digest(BYTES)}],
        })
    }

    /// An entry as it stands in the archive, whatever it is.
    struct Raw<'a> {
        name: &'a str,
        kind: EntryType,
        bytes: &'a [u8],
    }

    fn plain<'a>(name: &'a str, bytes: &'a [u8]) -> Raw<'a> {
        Raw { name, kind: EntryType::Regular, bytes }
    }

    /// What unpacking says, and the names that lie in the directory and beside it afterwards.
    fn outcome(package: &[u8]) -> (String, Vec<String>) {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("in");
        fs::create_dir(&directory).unwrap();
        let file = scratch.path().join("it.ketch");
        fs::write(&file, package).unwrap();
        let said = match unpack(&file, &directory) {
            Ok(contents) => format!("{} {}", contents.id, contents.version),
            Err(PackageError::Refused { found, expected, .. }) => format!("{found}; {expected}"),
            Err(other) => panic!("{other}"),
        };
        let names = |path: &Path| {
            let entries = fs::read_dir(path).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        };
        let mut beside: Vec<String> = names(scratch.path());
        beside.sort();
        assert_eq!(beside, ["in", "it.ketch"], "{said}");
        (said, names(&directory))
    }

    fn archive(entries: &[Raw<'_>]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        for Raw { name, kind, bytes } in entries {
            let mut header = Header::new_ustar();
            // As a forger writes it: the crate's own function refuses such names.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            if kind.is_symlink() || kind.is_hard_link() {
                header.set_link_name("/etc/passwd").unwrap();
            }
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn with_list(list: &serde_json::Value, entries: Vec<Raw<'_>>) -> Vec<u8> {
        let list = list.to_string();
        let mut all = vec![plain(CONTENTS, list.as_bytes())];
        all.extend(entries);
        archive(&all)
    }

    #[test]
    fn what_is_listed_is_unpacked() {
        let good = with_list(&list(), vec![plain(LIBRARY, BYTES)]);
        assert_eq!(outcome(&good), ("lab 0.1.0".to_owned(), vec![LIBRARY.to_owned()]));
    }

    #[test]
    fn entries_that_lead_elsewhere_are_refused() {
        let escaping = ["../evil.so", "/evil.so", "a/../../evil.so", "./x", LIBRARY, "x.so"];
        for name in escaping {
            // The library's own name comes as a link; the others as plain files.
            let kinds = match name {
                LIBRARY => [EntryType::Symlink, EntryType::Link, EntryType::Directory],
                _ => [EntryType::Regular; 3],
            };
            for kind in kinds {
                let bytes = if kind.is_file() { BYTES } else { &[] };
                let (said, left) = outcome(&with_list(&list(), vec![Raw { name, kind, bytes }]));
                assert!(said.starts_with(&format!("an entry `{name}` of kind")), "{said}");
                assert!(left.is_empty(), "{left:?}");
            }
        }
        let odd = [
            EntryType::GNULongName,
            EntryType::XHeader,
            EntryType::GNUSparse,
            EntryType::Fifo,
            EntryType::Char,
        ];
        for kind in odd {
            let entries = vec![Raw { name: LIBRARY, kind, bytes: b"" }];
            let (said, _) = outcome(&with_list(&list(), entries));
            assert!(said.contains("of kind"), "{kind:?}: {said}");
        }
    }

    #[test]
    fn lists_that_lie_are_refused() {
        let check = |change: fn(&mut serde_json::Value), expected: &str| {
            let mut list = list();
            change(&mut list);
            let (said, _) = outcome(&with_list(&list, vec![plain(LIBRARY, BYTES)]));
            assert!(said.contains(expected), "{said}, expected {expected}");
        };
        check(|l| l["files"][0]["sha256"] = "00".into(), "as listed");
        check(|l| l["files"][0]["size"] = 7.into(), "with 51 bytes; 7 bytes as listed");
        check(|l| l["files"][0]["size"] = (1_u64 << 40).into(), "at most 2147483648");
        check(|l| l["files"][0]["size"] = (1_u64 << 30).into(), "1073741824 bytes in a package of");
        check(|l| l["files"][0]["name"] = "../x.so".into(), "a list of the files [\"../x.so\"]");
        check(|l| l["files"] = json!([]), "a list of the files []");
        check(|l| l["id"] = "../lab".into(), "the id `../lab`");
        check(|l| l["schema"] = "ketch.package/9".into(), "the schema `ketch.package/9`");
        check(|l| l["files"] = json!(7), "no list of contents");
    }

    #[test]
    fn too_little_too_much_and_nonsense_are_refused() {
        assert!(outcome(&with_list(&list(), Vec::new())).0.starts_with("the end; "));
        let twice = with_list(&list(), vec![plain(LIBRARY, BYTES), plain(LIBRARY, BYTES)]);
        assert!(outcome(&twice).0.starts_with("more files than it lists"));
        assert!(outcome(&archive(&[plain(LIBRARY, BYTES)])).0.contains("`ketch-package.json`"));
        let long = vec![b' '; 70_000];
        assert!(outcome(&archive(&[plain(CONTENTS, &long)])).0.contains("at most 65536"));
        for nonsense in [&b""[..], b"\x1f\x8b", b"hello", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]] {
            assert!(outcome(nonsense).0.contains("damaged archive"), "{nonsense:?}");
        }
        let good = with_list(&list(), vec![plain(LIBRARY, BYTES)]);
        for length in 0..good.len() - 8 {
            let (said, _) = outcome(&good[..length]);
            // What is cut off behind the last byte of the last file is not missed.
            assert!(said.contains("damaged") || said == "lab 0.1.0", "{length}: {said}");
        }
    }
}
