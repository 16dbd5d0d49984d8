//! Looks into a library without running it.
//!
//! The loader of the system is no place to find out that a file is broken: opening a truncated
//! library kills the process with SIGBUS. So segments, sections and symbols are looked up here
//! first. Format: Tool Interface Standard, Executable and Linking Format 1.2; System V ABI, AMD64
//! supplement.

mod dynamic;
mod image;

use object::{
    Endianness, elf,
    read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader},
};

use self::image::{Entry, Image};

/// What a library is made of, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Library<'a> {
    /// The bytes of the manifest section, if there is one.
    pub(crate) manifest: Option<&'a [u8]>,
    /// It looks for other libraries beside itself.
    pub(crate) needs_neighbours: bool,
    symbols: Vec<&'a [u8]>,
}

/// Why a file is not a library for this machine: what was found, and what was expected.
#[derive(Debug, PartialEq)]
pub(crate) struct NotALibrary {
    pub(crate) step: &'static str,
    pub(crate) found: String,
    pub(crate) expected: &'static str,
}

type Header = elf::FileHeader64<Endianness>;

/// How every ELF file begins.
pub(crate) const MAGIC: &[u8] = b"\x7fELF";

/// As many bytes say what a file is that does not begin so.
pub(crate) const START: u64 = 512;

const EXPECTED: &str = "an ELF library for x86-64 Linux";

/// Reads the parts of a library.
pub(crate) fn read<'a>(bytes: &'a [u8], manifest: &str) -> Result<Library<'a>, NotALibrary> {
    let kind = |found: String| NotALibrary { step: "file kind", found, expected: EXPECTED };
    if bytes.is_empty() {
        return Err(kind("an empty file".to_owned()));
    }
    if !bytes.starts_with(MAGIC) {
        return Err(kind(describe(bytes)));
    }
    if bytes.get(4) == Some(&elf::ELFCLASS32.0) {
        return Err(architecture("a 32-bit library".to_owned()));
    }
    if bytes.get(5) == Some(&elf::ELFDATA2MSB.0) {
        return Err(architecture("a big-endian library".to_owned()));
    }
    let header =
        Header::parse(bytes).map_err(|error| kind(format!("a broken header ({error})")))?;
    let endian = header.endian().map_err(|error| kind(format!("a broken header ({error})")))?;
    let machine = header.e_machine(endian);
    if machine != elf::EM_X86_64 {
        return Err(architecture(format!("a library for {}", machine_name(machine.0))));
    }
    let system = header.e_ident.os_abi;
    if ![elf::ELFOSABI_SYSV, elf::ELFOSABI_GNU].contains(&system) {
        return Err(architecture(format!("a library for system {} of the ELF list", system.0)));
    }
    if header.e_type(endian) != elf::ET_DYN {
        return Err(kind("an ELF file that is no library".to_owned()));
    }
    let truncated = |what: &str| NotALibrary {
        step: "completeness",
        found: format!("{what} beyond the end of the file, {} bytes", bytes.len()),
        expected: "a whole library",
    };
    let segments =
        header.program_headers(endian, bytes).map_err(|_| truncated("the segment table"))?;
    for segment in segments {
        let end = segment.p_offset(endian).checked_add(segment.p_filesz(endian));
        if end.is_none_or(|end| end > bytes.len() as u64) {
            return Err(truncated("a segment"));
        }
    }
    let entries = segments.iter().map(|segment| Entry {
        kind: segment.p_type(endian).0,
        flags: segment.p_flags(endian).0,
        offset: segment.p_offset(endian),
        address: segment.p_vaddr(endian),
        in_file: segment.p_filesz(endian),
        in_memory: segment.p_memsz(endian),
        alignment: segment.p_align(endian),
    });
    let entries: Vec<Entry> = entries.collect();
    let broken = |found: &str| NotALibrary {
        step: "structure",
        found: found.to_owned(),
        expected: "a library that the system can open",
    };
    Image::new(bytes, &entries)
        .and_then(|(image, table)| dynamic::check(&image, &table))
        .map_err(broken)?;
    let sections = header.sections(endian, bytes).map_err(|_| truncated("the section table"))?;
    let mut named = sections
        .iter()
        .filter(|section| sections.section_name(endian, section) == Ok(manifest.as_bytes()));
    let section = named.next();
    if named.next().is_some() {
        return Err(broken("two sections with a manifest"));
    }
    let data = section.map(|section| section.data(endian, bytes)).transpose();
    let manifest = data.map_err(|_| truncated("the manifest"))?;
    let table = sections
        .symbols(endian, bytes, elf::SHT_DYNSYM)
        .map_err(|_| truncated("the symbol table"))?;
    let symbols = table.iter().filter_map(|symbol| {
        use object::read::elf::Sym as _;
        (!symbol.is_undefined(endian)).then(|| table.symbol_name(endian, symbol).ok()).flatten()
    });
    let symbols = symbols.collect();
    let needs_neighbours = segments.iter().any(|segment| {
        let dynamic = segment.dynamic(endian, bytes).ok().flatten().unwrap_or_default();
        dynamic.iter().any(|entry| {
            let runpath = [elf::DT_RUNPATH, elf::DT_RPATH].contains(&entry.tag(endian));
            let name = || table.strings().get(u32::try_from(entry.val(endian)).ok()?).ok();
            runpath
                && name()
                    .is_some_and(|path| contains(path, b"$ORIGIN") || contains(path, b"${ORIGIN}"))
        })
    });
    Ok(Library { manifest, needs_neighbours, symbols })
}

impl Library<'_> {
    /// The library defines and exports this symbol; a final NUL is ignored.
    pub(crate) fn exports(&self, symbol: &str) -> bool {
        let name = symbol.trim_end_matches('\0').as_bytes();
        self.symbols.contains(&name)
    }
}

fn architecture(found: String) -> NotALibrary {
    NotALibrary { step: "architecture", found, expected: EXPECTED }
}

/// What a file that is no ELF file seems to be.
fn describe(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(START as usize)];
    let magic: [(&[u8], &str); 6] = [
        (b"MZ", "a Windows library"),
        (b"\xcf\xfa\xed\xfe", "a macOS library"),
        (b"\xca\xfe\xba\xbe", "a macOS universal library"),
        (b"!<arch>", "a static library"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"PK\x03\x04", "a zip archive"),
    ];
    if let Some((_, name)) = magic.iter().find(|(magic, _)| start.starts_with(magic)) {
        return (*name).to_owned();
    }
    let text = start.iter().all(|&byte| byte >= b' ' || byte.is_ascii_whitespace());
    if text { "a text file".to_owned() } else { "a file of no known kind".to_owned() }
}

fn machine_name(machine: u16) -> String {
    match machine {
        183 => "aarch64".to_owned(),
        40 => "32-bit ARM".to_owned(),
        3 => "32-bit x86".to_owned(),
        243 => "RISC-V".to_owned(),
        21 => "PowerPC".to_owned(),
        22 => "s390x".to_owned(),
        other => format!("machine {other}"),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This test program is an ELF file that is no library in name only: position-independent.
    fn own_bytes() -> Vec<u8> {
        std::fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    fn step(bytes: &[u8]) -> (&'static str, String) {
        let why = read(bytes, ".ketch.manifest").unwrap_err();
        (why.step, why.found)
    }

    #[test]
    fn what_is_no_library_is_named() {
        assert_eq!(step(b""), ("file kind", "an empty file".to_owned()));
        assert_eq!(step(b"hello\n"), ("file kind", "a text file".to_owned()));
        assert_eq!(step(b"MZ\x90\0"), ("file kind", "a Windows library".to_owned()));
        assert_eq!(step(b"\x7fELF").0, "file kind");
        assert_eq!(step(&[0; 100]), ("file kind", "a file of no known kind".to_owned()));
    }

    #[test]
    fn other_machines_are_named() {
        let mut bytes = own_bytes();
        bytes[18..20].copy_from_slice(&183_u16.to_le_bytes());
        assert_eq!(step(&bytes), ("architecture", "a library for aarch64".to_owned()));
        bytes[4] = 1;
        assert_eq!(step(&bytes), ("architecture", "a 32-bit library".to_owned()));
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_and_never_panics() {
        let bytes = own_bytes();
        let library = read(&bytes, ".ketch.manifest").unwrap();
        assert!(library.manifest.is_none() && !library.exports("ketch_plugin_abi"));
        let cuts = (1..64).chain((6..30).map(|power| 1 << power)).chain([bytes.len() - 1]);
        for cut in cuts.filter(|&cut| cut < bytes.len()) {
            assert!(read(&bytes[..cut], ".ketch.manifest").is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn damaged_tables_never_panic() {
        let mut bytes = own_bytes();
        // The header and the section table are where the counts and offsets stand.
        let table = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
        for place in (0..64).chain(table..bytes.len().min(table + 192)) {
            for value in [0, 0x7f, 0xff] {
                let whole = std::mem::replace(&mut bytes[place], value);
                // Whatever the answer is, there is one.
                let _ = read(&bytes, ".ketch.manifest").is_ok();
                bytes[place] = whole;
            }
        }
    }

    /// The value of an entry of the dynamic table, and where in the file it stands. In this
    /// program, as in most, the tables for the loader lie at the same place in file and memory.
    fn entry(bytes: &[u8], tag: u64) -> (usize, usize) {
        let at = segment(bytes, 2) + 8;
        let start = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        let places = (start..).step_by(16);
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let place = places.take_while(|&at| word(at) != 0).find(|&at| word(at) == tag).unwrap();
        (word(place + 8) as usize, place + 8)
    }

    /// Where the first entry of a kind stands in the segment table.
    fn segment(bytes: &[u8], kind: u32) -> usize {
        let entries = (64..).step_by(56).take(usize::from(bytes[56]));
        let is = |at: &usize| bytes[*at..at + 4] == kind.to_le_bytes();
        entries.into_iter().find(is).unwrap()
    }

    #[test]
    fn libraries_of_the_system_are_sound() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let mut libraries: Vec<&str> =
            maps.lines().filter_map(|line| line.split_whitespace().nth(5)).collect();
        libraries.retain(|path| path.contains(".so"));
        libraries.dedup();
        assert!(libraries.len() >= 2, "{maps}");
        for path in libraries {
            let bytes = std::fs::read(path).unwrap();
            assert!(read(&bytes, ".ketch.manifest").is_ok(), "{path}");
        }
    }

    #[test]
    fn what_would_mislead_the_loader_is_found() {
        let good = own_bytes();
        let found = |at: usize, value: &[u8]| {
            let mut bytes = good.clone();
            bytes[at..at + value.len()].copy_from_slice(value);
            let (step, found) = step(&bytes);
            format!("{step}: {found}")
        };
        let far = (1_u64 << 40).to_le_bytes();
        let (load, dynamic) = (segment(&good, 1), segment(&good, 2));
        let stack = segment(&good, 0x6474_e551);
        let (relocations, names) = (entry(&good, 7), entry(&good, 5));
        let hash = entry(&good, 0x6fff_fef5);
        let cases = [
            (load + 40, &far[..], "segments that overlap or are out of order"),
            (load + 40, &[0; 8], "a segment larger in the file than in memory"),
            (load + 16, &far, "segments that overlap or are out of order"),
            (load + 48, &[3], "a segment that is not aligned"),
            (dynamic, &[0], "no dynamic table"),
            (dynamic + 16, &far, "a dynamic table that lies in no loaded segment"),
            (dynamic + 32, &16_u64.to_le_bytes(), "a dynamic table without an end"),
            (stack + 4, &[7], "a demand for an executable stack"),
            (names.1, &far, "a table of names outside of the segments"),
            (entry(&good, 1).1, &far, "a name outside of the table of names"),
            (entry(&good, 6).1, &far, "a symbol outside of the table of symbols"),
            (entry(&good, 9).1, &[7], "symbols or relocations of an unknown kind"),
            (entry(&good, 8).1, &[7], "a table of relocations outside of the segments"),
            (entry(&good, 25).1, &far, "initialisers outside of the segments"),
            (entry(&good, 12).1, &[0; 8], "an initialiser outside of the executable segments"),
            (entry(&good, 0x6fff_fffe).1, &far, "versions outside of the segments"),
            (relocations.0, &far, "a relocation outside of the writable segments"),
            (hash.0, &[0xff; 4], "a hash table outside of the segments"),
            (hash.0 + 8, &[3, 0, 0, 0], "a hash table with a filter of an impossible size"),
        ];
        for (at, value, expected) in cases {
            assert_eq!(found(at, value), format!("structure: {expected}"));
        }
    }

    #[test]
    fn bits_that_flip_in_the_loader_s_tables_never_panic() {
        let mut bytes = own_bytes();
        let tables =
            [entry(&bytes, 5), entry(&bytes, 6), entry(&bytes, 7), entry(&bytes, 0x6fff_fef5)];
        let dynamic = entry(&bytes, 5).1 / 16 * 16;
        let starts = tables.map(|(table, _)| table).into_iter().chain([64, dynamic]);
        let places: Vec<usize> = starts.flat_map(|start| start..start + 96).collect();
        for (turn, place) in places.into_iter().enumerate() {
            let bit = 1 << (turn % 8);
            bytes[place] ^= bit;
            // Whatever the answer is, there is one.
            let _ = read(&bytes, ".ketch.manifest").is_ok();
            bytes[place] ^= bit;
        }
    }
}
