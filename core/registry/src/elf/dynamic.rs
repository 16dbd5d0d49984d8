//! The tables that the system's loader follows while it opens a library: names, symbols, their
//! hashes and versions, relocations, initialisers.
//!
//! Every address must lie in a segment fit for its use, every index in its table, every chain must
//! end. Hash tables and versions: Drepper, How To Write Shared Libraries, 2011, section 1.5; GNU
//! hash and `RELR`: the generic ABI's mailing list, as implemented by glibc.

use super::image::{Entry, Image, Sound, Use};

/// Entries of the dynamic table.
mod tag {
    pub(super) const NEEDED: u64 = 1;
    pub(super) const PLTRELSZ: u64 = 2;
    pub(super) const HASH: u64 = 4;
    pub(super) const STRTAB: u64 = 5;
    pub(super) const SYMTAB: u64 = 6;
    pub(super) const RELA: u64 = 7;
    pub(super) const RELASZ: u64 = 8;
    pub(super) const RELAENT: u64 = 9;
    pub(super) const STRSZ: u64 = 10;
    pub(super) const SYMENT: u64 = 11;
    pub(super) const INIT: u64 = 12;
    pub(super) const FINI: u64 = 13;
    pub(super) const SONAME: u64 = 14;
    pub(super) const RPATH: u64 = 15;
    pub(super) const PLTREL: u64 = 20;
    pub(super) const JMPREL: u64 = 23;
    pub(super) const INIT_ARRAY: u64 = 25;
    pub(super) const FINI_ARRAY: u64 = 26;
    pub(super) const INIT_ARRAYSZ: u64 = 27;
    pub(super) const FINI_ARRAYSZ: u64 = 28;
    pub(super) const RUNPATH: u64 = 29;
    pub(super) const RELRSZ: u64 = 35;
    pub(super) const RELR: u64 = 36;
    pub(super) const GNU_HASH: u64 = 0x6fff_fef5;
    pub(super) const VERSYM: u64 = 0x6fff_fff0;
    pub(super) const VERDEF: u64 = 0x6fff_fffc;
    pub(super) const VERNEED: u64 = 0x6fff_fffe;
}

/// Relocations that name no symbol, or that are wider than a word.
mod relocation {
    pub(super) const NONE: u32 = 0;
    pub(super) const RELATIVE: u32 = 8;
    pub(super) const TLSDESC: u32 = 36;
    pub(super) const IRELATIVE: u32 = 37;
}

/// No library knows more versions of symbols.
const MAX_VERSIONS: usize = 1 << 16;

/// What is refused of every table of hashes.
const OUTSIDE: &str = "a hash table outside of the segments";

const SYMBOL: u64 = 24;
const RELOCATION: u64 = 24;

/// Checks all that the loader follows from the dynamic table on.
pub(super) fn check(image: &Image<'_>, table: &Entry) -> Sound {
    let bytes =
        image.bytes(table.address, table.in_file).ok_or("a dynamic table not in the file")?;
    let mut entries =
        bytes.as_chunks::<16>().0.iter().map(|entry| (word(entry, 0), word(entry, 8)));
    let known: Vec<(u64, u64)> = entries.by_ref().take_while(|&(tag, _)| tag != 0).collect();
    if known.len() == bytes.len() / 16 {
        return Err("a dynamic table without an end");
    }
    let tables = Tables { image, entries: &known };
    tables.names()?;
    let symbols = Symbols {
        image,
        table: tables.get(tag::SYMTAB),
        names: tables.get(tag::STRSZ),
        table_of_versions: tables.find(tag::VERSYM),
        versions: tables.versions()?,
    };
    tables.gnu_hash(&symbols)?;
    tables.hash(&symbols)?;
    tables.relocations(tag::RELA, tag::RELASZ, &symbols)?;
    tables.relocations(tag::JMPREL, tag::PLTRELSZ, &symbols)?;
    tables.packed_relocations()?;
    tables.initialisers()
}

/// The dynamic table and the memory that it points into.
struct Tables<'a> {
    image: &'a Image<'a>,
    entries: &'a [(u64, u64)],
}

impl<'a> Tables<'a> {
    /// The loader keeps the last of several entries.
    fn find(&self, tag: u64) -> Option<u64> {
        self.entries.iter().rev().find(|entry| entry.0 == tag).map(|entry| entry.1)
    }

    fn get(&self, tag: u64) -> u64 {
        self.find(tag).unwrap_or(0)
    }

    fn names(&self) -> Sound {
        let length = self.get(tag::STRSZ);
        let names = self.find(tag::STRTAB).and_then(|at| self.image.bytes(at, length));
        if names.is_none_or(|names| names.last() != Some(&0)) {
            return Err("a table of names outside of the segments");
        }
        let sizes = [(tag::SYMENT, SYMBOL), (tag::RELAENT, RELOCATION), (tag::PLTREL, tag::RELA)];
        if sizes.iter().any(|&(tag, size)| self.find(tag).is_some_and(|found| found != size)) {
            return Err("symbols or relocations of an unknown kind");
        }
        let named = [tag::NEEDED, tag::SONAME, tag::RPATH, tag::RUNPATH];
        if self.entries.iter().any(|(tag, name)| named.contains(tag) && *name >= length) {
            return Err("a name outside of the table of names");
        }
        if self.find(tag::SYMTAB).is_none() {
            return Err("no table of symbols");
        }
        Ok(())
    }

    /// Which versions of symbols there are: their numbers are below the answer.
    fn versions(&self) -> Sound<u16> {
        // The first two numbers mean local and global.
        let mut count = 2;
        let mut left = MAX_VERSIONS;
        let mut record = |place, size| {
            left = usize::checked_sub(left, 1).ok_or("versions without an end")?;
            self.image.bytes(place, size).ok_or("versions outside of the segments")
        };
        // Where a record has its auxiliary records and its successor, and an auxiliary one its
        // name and its successor.
        let kinds = [(tag::VERNEED, 16, 8, 12, 16, 8, 12), (tag::VERDEF, 20, 12, 16, 8, 0, 4)];
        for (tag, size, inner, next, inner_size, name, inner_next) in kinds {
            let mut at = self.find(tag);
            while let Some(place) = at {
                let outer = record(place, size)?;
                if tag == tag::VERDEF {
                    count = count.max((half(outer, 4) & 0x7fff) + 1);
                } else {
                    self.name(quarter(outer, 4))?;
                }
                let mut deeper = Some(place + u64::from(quarter(outer, inner)));
                while let Some(place) = deeper {
                    let found = record(place, inner_size)?;
                    self.name(quarter(found, name))?;
                    if tag == tag::VERNEED {
                        count = count.max((half(found, 6) & 0x7fff) + 1);
                    }
                    deeper = step(place, quarter(found, inner_next));
                }
                at = step(place, quarter(outer, next));
            }
        }
        Ok(count)
    }

    fn name(&self, name: u32) -> Sound {
        let inside = u64::from(name) < self.get(tag::STRSZ);
        inside.then_some(()).ok_or("a name outside of the table of names")
    }

    fn gnu_hash(&self, symbols: &Symbols<'_>) -> Sound {
        let Some(at) = self.find(tag::GNU_HASH) else { return Ok(()) };
        let table = self.image.bytes_from(at).filter(|table| table.len() >= 16).ok_or(OUTSIDE)?;
        let [buckets, first, filter] = [0, 4, 8].map(|place| quarter(table, place));
        if !filter.is_power_of_two() {
            return Err("a hash table with a filter of an impossible size");
        }
        let start = 16 + 8 * filter as usize;
        let chains = start + 4 * buckets as usize;
        // Chains never join, so a walk through all of them is no longer than the table.
        let mut left = table.len() / 4;
        let heads = table.get(start..chains).ok_or(OUTSIDE)?.as_chunks::<4>().0;
        for head in heads.iter().map(|head| u32::from_le_bytes(*head)).filter(|&head| head != 0) {
            let mut symbol = head;
            loop {
                let place = symbol.checked_sub(first).ok_or("a hash chain before its table")?;
                let place = chains + 4 * place as usize;
                let hash = table.get(place..place + 4).ok_or(OUTSIDE)?;
                symbols.check(symbol)?;
                left = left.checked_sub(1).ok_or("a hash chain without an end")?;
                if hash[0] & 1 == 1 {
                    break;
                }
                symbol = symbol.checked_add(1).ok_or(OUTSIDE)?;
            }
        }
        Ok(())
    }

    fn hash(&self, symbols: &Symbols<'_>) -> Sound {
        let Some(at) = self.find(tag::HASH) else { return Ok(()) };
        let table = self.image.bytes_from(at).filter(|table| table.len() >= 8).ok_or(OUTSIDE)?;
        let [buckets, count] = [0, 4].map(|place| quarter(table, place) as usize);
        let table = table.get(8..8 + 4 * (buckets + count)).ok_or(OUTSIDE)?.as_chunks::<4>().0;
        let (heads, chains) = table.split_at(buckets);
        // Chains never join, so whoever comes to a symbol twice would walk for ever.
        let mut seen = vec![false; count];
        for head in heads {
            let mut symbol = u32::from_le_bytes(*head);
            while symbol != 0 {
                let place = symbol as usize;
                if std::mem::replace(seen.get_mut(place).ok_or(OUTSIDE)?, true) {
                    return Err("a hash chain without an end");
                }
                symbols.check(symbol)?;
                symbol = u32::from_le_bytes(chains[place]);
            }
        }
        Ok(())
    }

    fn relocations(&self, start: u64, size: u64, symbols: &Symbols<'_>) -> Sound {
        let length = self.get(size);
        if length == 0 {
            return Ok(());
        }
        let table = self.find(start).and_then(|at| self.image.bytes(at, length));
        let table = table.filter(|table| table.len().is_multiple_of(RELOCATION as usize));
        let table = table.ok_or("a table of relocations outside of the segments")?;
        let initialisers = self.tables_of_initialisers();
        let initialises = |place: u64| {
            initialisers.iter().any(|(start, length)| place.wrapping_sub(*start) < *length)
        };
        for entry in table.as_chunks::<{ RELOCATION as usize }>().0 {
            let (place, addend) = (word(entry, 0), word(entry, 16));
            let (kind, symbol) = (quarter(entry, 8), quarter(entry, 12));
            let width = match kind {
                relocation::NONE => continue,
                relocation::TLSDESC => 16,
                _ => 8,
            };
            if !self.image.is(place, width, Use::Write) {
                return Err("a relocation outside of the writable segments");
            }
            let sound = match kind {
                relocation::IRELATIVE => self.image.is(addend, 1, Use::Execute),
                relocation::RELATIVE if initialises(place) => {
                    self.image.is(addend, 1, Use::Execute)
                }
                _ => true,
            };
            if !sound {
                return Err("an initialiser outside of the executable segments");
            }
            symbols.check(symbol)?;
        }
        Ok(())
    }

    /// Addresses with bitmaps: an even word is a place, an odd one says which of the 63 words
    /// behind the last are places too.
    fn packed_relocations(&self) -> Sound {
        let length = self.get(tag::RELRSZ);
        if length == 0 {
            return Ok(());
        }
        let table = self.find(tag::RELR).and_then(|at| self.image.bytes(at, length));
        let table = table.ok_or("a table of relocations outside of the segments")?;
        let mut next = 0_u64;
        let mut check = |place: u64| match self.image.is(place, 8, Use::Write) {
            true => Ok(()),
            false => Err("a relocation outside of the writable segments"),
        };
        for entry in table.as_chunks::<8>().0.iter().map(|entry| u64::from_le_bytes(*entry)) {
            if entry & 1 == 0 {
                check(entry)?;
                next = entry.wrapping_add(8);
            } else {
                let places = (0..63).filter(|bit| entry >> (bit + 1) & 1 == 1);
                places.map(|bit| next.wrapping_add(8 * bit)).try_for_each(&mut check)?;
                next = next.wrapping_add(8 * 63);
            }
        }
        Ok(())
    }

    /// Where they start, and their lengths.
    fn tables_of_initialisers(&self) -> [(u64, u64); 2] {
        let tables = [(tag::INIT_ARRAY, tag::INIT_ARRAYSZ), (tag::FINI_ARRAY, tag::FINI_ARRAYSZ)];
        tables.map(|(start, length)| (self.get(start), self.get(length)))
    }

    fn initialisers(&self) -> Sound {
        for (start, length) in self.tables_of_initialisers() {
            let inside = length.is_multiple_of(8) && self.image.is(start, length, Use::Read);
            if length > 0 && !inside {
                return Err("initialisers outside of the segments");
            }
        }
        for at in [tag::INIT, tag::FINI].into_iter().filter_map(|tag| self.find(tag)) {
            if !self.image.is(at, 1, Use::Execute) {
                return Err("an initialiser outside of the executable segments");
            }
        }
        Ok(())
    }
}

/// The symbols that hash tables and relocations name.
struct Symbols<'a> {
    image: &'a Image<'a>,
    table: u64,
    /// The length of the table of names.
    names: u64,
    table_of_versions: Option<u64>,
    /// The numbers of versions are below this.
    versions: u16,
}

impl Symbols<'_> {
    fn check(&self, index: u32) -> Sound {
        const UNDEFINED: u16 = 0;
        const RESERVED: u16 = 0xff00;
        let (image, index) = (self.image, u64::from(index));
        let at = self.table.checked_add(SYMBOL * index);
        let symbol = at.and_then(|at| image.bytes(at, SYMBOL));
        let symbol = symbol.ok_or("a symbol outside of the table of symbols")?;
        if u64::from(quarter(symbol, 0)) >= self.names {
            return Err("a name outside of the table of names");
        }
        if let Some(at) = self.table_of_versions {
            let at = at.checked_add(2 * index);
            let version = at.and_then(|at| image.bytes(at, 2)).map(|bytes| half(bytes, 0));
            if version.is_none_or(|version| version & 0x7fff >= self.versions) {
                return Err("a symbol of an unknown version");
            }
        }
        let (kind, section, value) = (symbol[4] & 15, half(symbol, 6), word(symbol, 8));
        if section == UNDEFINED || section >= RESERVED {
            return Ok(());
        }
        let inside = match kind {
            // Functions, and functions that choose a function.
            2 | 10 => image.is(value, 1, Use::Execute),
            // A thread-local variable is counted from the start of the thread's memory.
            6 => value <= image.thread_local(),
            _ => image.spans(value),
        };
        inside.then_some(()).ok_or("a symbol outside of the segments")
    }
}

/// The next record of a chain, which only ever leads forward; 0 ends it.
fn step(place: u64, next: u32) -> Option<u64> {
    (next != 0).then(|| place + u64::from(next))
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(part(bytes, at))
}

fn quarter(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(part(bytes, at))
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(part(bytes, at))
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let (part, _) = bytes[at..].split_first_chunk().expect("the record was cut at its size");
    *part
}
