//! Taking libraries apart, to put them together wrongly.

use std::{fs, ops::Range, path::Path};

/// The bytes of a library for x86-64 and where its parts stand. Fields and offsets: System V ABI,
/// chapter 4.
#[derive(Clone)]
pub(super) struct Elf {
    pub(super) bytes: Vec<u8>,
}

/// Where the fields of the header stand.
pub(super) mod header {
    pub(crate) const CLASS: usize = 4;
    pub(crate) const ORDER: usize = 5;
    pub(crate) const SYSTEM: usize = 7;
    pub(crate) const KIND: usize = 16;
    pub(crate) const MACHINE: usize = 18;
    pub(crate) const SEGMENTS: usize = 32;
    pub(crate) const SECTIONS: usize = 40;
    pub(crate) const SEGMENT_SIZE: usize = 54;
    pub(crate) const SEGMENT_COUNT: usize = 56;
    pub(crate) const SECTION_SIZE: usize = 58;
    pub(crate) const SECTION_COUNT: usize = 60;
    pub(crate) const SECTION_NAMES: usize = 62;
}

/// Where the fields of an entry of the segment table stand.
pub(super) mod segment {
    pub(crate) const FLAGS: usize = 4;
    pub(crate) const OFFSET: usize = 8;
    pub(crate) const ADDRESS: usize = 16;
    pub(crate) const IN_FILE: usize = 32;
    pub(crate) const IN_MEMORY: usize = 40;
    pub(crate) const ALIGNMENT: usize = 48;
    pub(crate) const SIZE: usize = 56;
}

/// Where the fields of an entry of the section table stand.
pub(super) mod section {
    pub(crate) const NAME: usize = 0;
    pub(crate) const KIND: usize = 4;
    pub(crate) const FLAGS: usize = 8;
    pub(crate) const OFFSET: usize = 24;
    pub(crate) const LENGTH: usize = 32;
    pub(crate) const SIZE: usize = 64;
}

/// The section that holds the manifest.
pub(super) const MANIFEST: &str = ".ketch.manifest";

impl Elf {
    pub(super) fn read(path: &Path) -> Self {
        Self { bytes: fs::read(path).unwrap() }
    }

    pub(super) fn write(&self, path: &Path) {
        fs::write(path, &self.bytes).unwrap();
    }

    pub(super) fn number(&self, at: usize, width: usize) -> usize {
        let bytes = self.bytes[at..at + width].iter().rev();
        bytes.fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    /// Other bytes at a place.
    pub(super) fn with(mut self, at: usize, value: &[u8]) -> Self {
        self.bytes[at..at + value.len()].copy_from_slice(value);
        self
    }

    /// Other bytes wherever these stand.
    pub(super) fn replaced(mut self, from: &str, to: &str) -> Self {
        assert_eq!(from.len(), to.len());
        let places: Vec<usize> = self.places(from.as_bytes()).collect();
        assert!(!places.is_empty(), "{from:?} is not in the library");
        for at in places {
            self.bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        self
    }

    /// Where these bytes stand.
    pub(super) fn places<'a>(&'a self, of: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let starts = self.bytes.iter().enumerate().filter(|(_, byte)| **byte == of[0]);
        starts.map(|(at, _)| at).filter(|&at| self.bytes[at..].starts_with(of))
    }

    /// Where the entry of a section stands in the section table.
    pub(super) fn section(&self, name: &str) -> usize {
        self.sections().find(|&at| self.name_of(at) == name).unwrap()
    }

    /// The bytes of a section.
    pub(super) fn data(&self, section: usize) -> Range<usize> {
        let start = self.number(section + section::OFFSET, 8);
        start..start + self.number(section + section::LENGTH, 8)
    }

    pub(super) fn sections(&self) -> impl Iterator<Item = usize> + use<> {
        let (start, count) =
            (self.number(header::SECTIONS, 8), self.number(header::SECTION_COUNT, 2));
        (0..count).map(move |index| start + index * section::SIZE)
    }

    fn name_of(&self, section: usize) -> String {
        let names = self.sections().nth(self.number(header::SECTION_NAMES, 2)).unwrap();
        let start = self.number(names + section::OFFSET, 8) + self.number(section, 4);
        let name = self.bytes[start..].iter().take_while(|byte| **byte != 0);
        String::from_utf8(name.copied().collect()).unwrap()
    }

    /// Where the n-th entry of a kind stands in the segment table.
    pub(super) fn segment(&self, kind: usize, nth: usize) -> usize {
        let start = self.number(header::SEGMENTS, 8);
        let count = self.number(header::SEGMENT_COUNT, 2);
        let mut entries = (0..count).map(|index| start + index * segment::SIZE);
        entries.by_ref().filter(|&at| self.number(at, 4) == kind).nth(nth).unwrap()
    }

    /// Where the value of an entry of the dynamic table stands.
    pub(super) fn dynamic(&self, tag: usize) -> usize {
        let table = self.data(self.section(".dynamic"));
        table.step_by(16).find(|&at| self.number(at, 8) == tag).unwrap() + 8
    }

    /// Without what no loader looks at: most of a debug build.
    pub(super) fn stripped(self) -> Self {
        const ALLOCATED: usize = 2;
        let kept: Vec<usize> = self
            .sections()
            .take_while(|&at| {
                self.number(at + section::KIND, 4) == 0
                    || self.number(at + section::FLAGS, 8) & ALLOCATED != 0
            })
            .collect();
        let names = self.sections().nth(self.number(header::SECTION_NAMES, 2)).unwrap();
        let end = kept.iter().filter(|&&at| self.number(at + section::KIND, 4) != 8);
        let end = end.map(|&at| self.data(at).end).max().unwrap();
        let mut bytes = self.bytes[..end].to_vec();
        let place_of_names = bytes.len() as u64;
        bytes.extend(&self.bytes[self.data(names)]);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let table = bytes.len() as u64;
        for at in &kept {
            bytes.extend(&self.bytes[*at..at + section::SIZE]);
        }
        let names = Self { bytes: self.bytes[names..names + section::SIZE].to_vec() };
        bytes.extend(names.with(section::OFFSET, &place_of_names.to_le_bytes()).bytes);
        let count = u16::try_from(kept.len()).unwrap();
        Self { bytes }
            .with(header::SECTIONS, &table.to_le_bytes())
            .with(header::SECTION_COUNT, &(count + 1).to_le_bytes())
            .with(header::SECTION_NAMES, &count.to_le_bytes())
    }

    /// With another manifest, behind all else in the file.
    pub(super) fn with_manifest(mut self, manifest: &[u8]) -> Self {
        let section = self.section(MANIFEST);
        let (start, length) = (self.bytes.len() as u64, manifest.len() as u64);
        self.bytes.extend(manifest);
        self.with(section + section::OFFSET, &start.to_le_bytes())
            .with(section + section::LENGTH, &length.to_le_bytes())
    }

    /// With a changed manifest.
    pub(super) fn saying(self, field: &str, value: serde_json::Value) -> Self {
        let manifest = &self.bytes[self.data(self.section(MANIFEST))];
        let mut manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap();
        manifest[field] = value;
        self.with_manifest(manifest.to_string().as_bytes())
    }
}
