//! The memory that the system's loader would make of a library: its segments, and what lies in
//! them.
//!
//! The loader believes all of this. What it maps, relocates and calls is what the numbers in the
//! file say, so a number that points beside the segments ends the process in the middle of opening
//! the file.

/// What is wrong, as the end of a sentence that begins with "found".
pub(super) type Sound<T = ()> = Result<T, &'static str>;

/// No library asks for more address space.
const MAX_SPAN: u64 = 64 << 30;

/// The size of a page on every x86-64 system.
const PAGE: u64 = 4096;

/// An entry of the segment table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry {
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) offset: u64,
    pub(super) address: u64,
    pub(super) in_file: u64,
    pub(super) in_memory: u64,
    pub(super) alignment: u64,
}

/// The kinds of [`Entry`] that the loader acts on.
mod kind {
    pub(super) const LOAD: u32 = 1;
    pub(super) const DYNAMIC: u32 = 2;
    pub(super) const NOTE: u32 = 4;
    pub(super) const TLS: u32 = 7;
    pub(super) const GNU_EH_FRAME: u32 = 0x6474_e550;
    pub(super) const GNU_STACK: u32 = 0x6474_e551;
    pub(super) const GNU_RELRO: u32 = 0x6474_e552;
    pub(super) const GNU_PROPERTY: u32 = 0x6474_e553;
}

const EXECUTABLE: u32 = 1;
const WRITABLE: u32 = 2;

/// What a piece of memory is needed for.
#[derive(Clone, Copy)]
pub(super) enum Use {
    Read,
    Write,
    Execute,
}

/// The mapped segments, by address.
pub(super) struct Image<'a> {
    segments: Vec<(Entry, &'a [u8])>,
    thread_local: Option<Entry>,
}

impl<'a> Image<'a> {
    /// Lays the segments out, and returns where the dynamic table stands.
    pub(super) fn new(file: &'a [u8], table: &[Entry]) -> Sound<(Self, Entry)> {
        let of = |kind: u32| table.iter().filter(move |entry| entry.kind == kind);
        let segments: Vec<(Entry, &[u8])> =
            of(kind::LOAD).map(|entry| Ok((*entry, mapped(file, entry)?))).collect::<Sound<_>>()?;
        let ends = segments.iter().map(|(entry, _)| entry.address + entry.in_memory);
        if ends.zip(&segments[1.min(segments.len())..]).any(|(end, (next, _))| end > next.address) {
            return Err("segments that overlap or are out of order");
        }
        let (Some((first, _)), Some((last, _))) = (segments.first(), segments.last()) else {
            return Err("no segment to load");
        };
        if last.address + last.in_memory - first.address > MAX_SPAN {
            return Err("segments that span more than 64 GiB");
        }
        let image = Self { thread_local: of(kind::TLS).next().copied(), segments };
        for entry in [kind::NOTE, kind::TLS, kind::GNU_EH_FRAME, kind::GNU_PROPERTY]
            .into_iter()
            .flat_map(of)
            .filter(|entry| entry.in_file > 0)
        {
            if image.bytes(entry.address, entry.in_file).is_none() {
                return Err("a segment that lies in no loaded one");
            }
        }
        if of(kind::TLS).any(|entry| {
            let alignment = entry.alignment.max(1);
            entry.in_file > entry.in_memory
                || entry.in_memory > MAX_SPAN
                || !alignment.is_power_of_two()
                || alignment > PAGE
        }) {
            return Err("thread-local variables of an impossible size");
        }
        // Some linkers round the end up to the next page.
        if !of(kind::GNU_RELRO).all(|entry| image.is(entry.address, 1, Use::Write)) {
            return Err("memory to protect that lies in no writable segment");
        }
        if of(kind::GNU_STACK).any(|entry| entry.flags & EXECUTABLE != 0) {
            return Err("a demand for an executable stack");
        }
        let dynamic = *of(kind::DYNAMIC).next().ok_or("no dynamic table")?;
        let access = if dynamic.flags & WRITABLE == 0 { Use::Read } else { Use::Write };
        if !image.is(dynamic.address, dynamic.in_file, access) {
            return Err("a dynamic table that lies in no loaded segment");
        }
        Ok((image, dynamic))
    }

    /// The bytes at an address, if all of them come from the file.
    pub(super) fn bytes(&self, address: u64, length: u64) -> Option<&'a [u8]> {
        let (entry, bytes) = self.segment(address)?;
        let start = address - entry.address;
        let end = start.checked_add(length)?;
        bytes.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// The bytes from an address to the end of what comes from the file there.
    pub(super) fn bytes_from(&self, address: u64) -> Option<&'a [u8]> {
        let (entry, bytes) = self.segment(address)?;
        bytes.get(usize::try_from(address - entry.address).ok()?..)
    }

    /// The memory is there and may be used so; memory that begins as zeros counts too.
    pub(super) fn is(&self, address: u64, length: u64, access: Use) -> bool {
        let Some((entry, _)) = self.segment(address) else { return false };
        let left = entry.in_memory.checked_sub(address - entry.address);
        let fits = left.is_some_and(|left| length <= left);
        fits && match access {
            Use::Read => true,
            Use::Write => entry.flags & WRITABLE != 0,
            Use::Execute => entry.flags & EXECUTABLE != 0,
        }
    }

    /// The address lies between the first segment and the end of the last, which itself is what
    /// symbols such as `_end` name.
    pub(super) fn spans(&self, address: u64) -> bool {
        let ends = self.segments.first().zip(self.segments.last());
        ends.is_some_and(|((first, _), (last, _))| {
            (first.address..=last.address + last.in_memory).contains(&address)
        })
    }

    /// How much memory each thread has of the library's own.
    pub(super) fn thread_local(&self) -> u64 {
        self.thread_local.map_or(0, |entry| entry.in_memory)
    }

    fn segment(&self, address: u64) -> Option<&(Entry, &'a [u8])> {
        let after = self.segments.partition_point(|(entry, _)| entry.address <= address);
        self.segments.get(after.checked_sub(1)?)
    }
}

/// The part of the file that becomes a segment, after checking the entry's own numbers.
fn mapped<'a>(file: &'a [u8], entry: &Entry) -> Sound<&'a [u8]> {
    if entry.in_file > entry.in_memory {
        return Err("a segment larger in the file than in memory");
    }
    if entry.address.checked_add(entry.in_memory).is_none_or(|end| end > 1 << 47) {
        return Err("a segment beyond the address space");
    }
    let aligned = entry.alignment.is_power_of_two()
        && (PAGE..=1 << 30).contains(&entry.alignment)
        && (entry.address.wrapping_sub(entry.offset)).is_multiple_of(entry.alignment);
    if !aligned {
        return Err("a segment that is not aligned");
    }
    let end = entry.offset.checked_add(entry.in_file).and_then(|end| usize::try_from(end).ok());
    let range = usize::try_from(entry.offset).ok().zip(end);
    range.and_then(|(start, end)| file.get(start..end)).ok_or("a segment beyond the file")
}
