//! The frame of a document: magic, version, features, and sections with their lengths.

use super::{
    DecodeError,
    bytes::{Reader, Writer},
};

/// What kind of document it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) magic: [u8; 4],
    pub(super) name: &'static str,
}

pub(super) const QOBJ: Kind = Kind { magic: *b"KQBJ", name: "Qobj" };
pub(super) const RESULT: Kind = Kind { magic: *b"KRES", name: "result" };
pub(super) const STORED: Kind = Kind { magic: *b"KRBL", name: "stored result" };

/// Documents of another major version are refused.
const MAJOR: u16 = 1;
/// The lowest minor version that can express what is written; all minor versions are read. So far
/// there is one.
const MINOR: u16 = 0;
/// The features that a reader must know. So far there are none.
const FEATURES: u32 = 0;

/// A reader that does not know a critical section refuses the document; it passes over others.
const CRITICAL: u32 = 1;

/// Begins a document.
pub(super) fn begin(kind: Kind) -> Writer {
    let mut writer = Writer::default();
    writer.bytes.extend_from_slice(&kind.magic);
    writer.bytes.extend_from_slice(&MAJOR.to_le_bytes());
    writer.bytes.extend_from_slice(&MINOR.to_le_bytes());
    writer.bytes.extend_from_slice(&FEATURES.to_le_bytes());
    writer
}

/// Appends a critical section.
pub(super) fn section(document: &mut Writer, number: u32, fill: impl FnOnce(&mut Writer)) {
    document.bytes.extend_from_slice(&number.to_le_bytes());
    document.bytes.extend_from_slice(&CRITICAL.to_le_bytes());
    let place = document.bytes.len();
    document.bytes.extend_from_slice(&[0; 8]);
    fill(document);
    let length = (document.bytes.len() - place - 8) as u64;
    document.bytes[place..place + 8].copy_from_slice(&length.to_le_bytes());
}

/// Checks magic, version and features, and returns the rest.
pub(super) fn open(bytes: &[u8], kind: Kind) -> Result<Reader<'_>, DecodeError> {
    let what = kind.name;
    if !bytes.starts_with(&kind.magic) {
        let found = bytes.iter().copied().take(4).collect();
        return Err(DecodeError::Magic { expected: what, found });
    }
    let mut reader = Reader::new(&bytes[4..], what);
    let (major, _minor, features) = (reader.u16()?, reader.u16()?, reader.u32()?);
    if major != MAJOR {
        return Err(DecodeError::Version { what, found: major, known: MAJOR });
    }
    match features & !FEATURES {
        0 => Ok(reader),
        bits => Err(DecodeError::Features { what, bits }),
    }
}

/// The sections that are left, by number; the skippable ones that `known` lacks are passed over.
pub(super) fn sections<'b>(
    mut reader: Reader<'b>,
    known: &[(u32, &'static str)],
) -> Result<Vec<(u32, Reader<'b>)>, DecodeError> {
    let mut sections = Vec::new();
    while reader.left() > 0 {
        let (number, flags, length) = (reader.u32()?, reader.u32()?, reader.u64()?);
        let content = reader.take(length)?;
        match known.iter().find(|(known, _)| *known == number) {
            Some((_, what)) => sections.push((number, Reader::new(content, what))),
            None if flags & CRITICAL == 0 => {}
            None => return Err(DecodeError::Section { what: reader.what, number }),
        }
    }
    Ok(sections)
}

/// All sections of a number, in order.
pub(super) fn of_number<'b>(sections: &[(u32, Reader<'b>)], number: u32) -> Vec<Reader<'b>> {
    sections.iter().filter(|section| section.0 == number).map(|section| section.1).collect()
}

/// The one section of a number.
pub(super) fn only<'b>(
    sections: &[(u32, Reader<'b>)],
    number: u32,
    what: &'static str,
) -> Result<Reader<'b>, DecodeError> {
    let mut found = sections.iter().filter(|section| section.0 == number);
    match (found.next(), found.next()) {
        (Some(section), None) => Ok(section.1),
        (first, _) => {
            let found = if first.is_some() { "several" } else { "none" };
            Err(DecodeError::Invalid { what, found: found.to_owned(), expected: "one section" })
        }
    }
}
