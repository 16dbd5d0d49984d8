//! Libraries that are damaged, of another kind, or not what their manifest says.

use std::{fs, path::Path};

use serde_json::json;

use super::{
    Elf, Exhibit,
    elf::{MANIFEST, header, section, segment},
    show,
};
use crate::sandbox::built;

/// Far outside of every library.
const FAR: [u8; 8] = (1_u64 << 40).to_le_bytes();

/// The kinds of entries of the segment table.
const LOAD: usize = 1;
const DYNAMIC: usize = 2;
const THREAD_LOCAL: usize = 7;
const STACK: usize = 0x6474_e551;

fn test_plugin(name: &str) -> Elf {
    Elf::read(&built(&format!("examples/lib{name}.so")))
}

/// With another byte or more in an entry of the segment table.
fn in_segment(good: &Elf, kind: usize, nth: usize, field: usize, value: &[u8]) -> Elf {
    good.clone().with(good.segment(kind, nth) + field, value)
}

/// With another value in the dynamic table.
fn in_dynamic(good: &Elf, tag: usize, value: &[u8]) -> Elf {
    good.clone().with(good.dynamic(tag), value)
}

/// A manifest that says only what it must, and whatever else.
fn manifest(id: &str, rest: &str) -> Vec<u8> {
    let must = r#""schema":"ketch.plugin/1","version":"1.0.0","target":"x86_64-linux""#;
    format!(r#"{{{must},"id":"{id}","abi":1{rest}}}"#).into_bytes()
}

macro_rules! exhibits {
    ($($name:literal, $says:literal, |$good:ident| $make:expr;)*) => {
        &[$(Exhibit {
            name: $name,
            says: $says,
            make: |path: &Path, $good: &Elf| $make.write(path),
        }),*]
    };
}

#[rustfmt::skip]
pub(super) const EXHIBITS: &[Exhibit] = exhibits! {
    // Of another machine.
    "aarch64", "architecture: found a library for aarch64", |good| machine(good, 183);
    "arm", "architecture: found a library for 32-bit ARM", |good| machine(good, 40);
    "x86", "architecture: found a library for 32-bit x86", |good| machine(good, 3);
    "riscv", "architecture: found a library for RISC-V", |good| machine(good, 243);
    "s390x", "architecture: found a library for s390x", |good| machine(good, 22);
    "unknown-machine", "architecture: found a library for machine 65535", |good| machine(good, 65535);
    "narrow", "architecture: found a 32-bit library", |good| good.clone().with(header::CLASS, &[1]);
    "wide", "file kind: found a broken header", |good| good.clone().with(header::CLASS, &[9]);
    "big-endian", "architecture: found a big-endian library", |good| good.clone().with(header::ORDER, &[2]);
    "freebsd", "architecture: found a library for system 9", |good| good.clone().with(header::SYSTEM, &[9]);
    "no-order", "file kind: found a broken header", |good| good.clone().with(header::ORDER, &[0]);

    // Of another kind.
    "object-file", "file kind: found an ELF file that is no library", |good| good.clone().with(header::KIND, &[1]);
    "fixed-program", "file kind: found an ELF file that is no library", |good| good.clone().with(header::KIND, &[2]);
    "core-dump", "file kind: found an ELF file that is no library", |good| good.clone().with(header::KIND, &[4]);
    "library-of-the-system", "manifest: found no section", |_good| Elf::read(&system_library());

    // Cut, or with tables that are not where the header says.
    "header-only", "completeness: found the segment table", |good| Elf { bytes: good.bytes[..64].to_vec() };
    "half", "completeness: found ", |good| Elf { bytes: good.bytes[..good.bytes.len() / 2].to_vec() };
    "last-byte-missing", "completeness: found ", |good| Elf { bytes: good.bytes[..good.bytes.len() - 1].to_vec() };
    "zeros-behind-the-header", "", |good| good.clone().with(64, &vec![0; good.bytes.len() - 64]);
    "segments-far", "completeness: found the segment table", |good| good.clone().with(header::SEGMENTS, &FAR);
    "segments-of-another-size", "completeness: found the segment table", |good| good.clone().with(header::SEGMENT_SIZE, &[32]);
    "no-segments", "structure: found no segment to load", |good| good.clone().with(header::SEGMENT_COUNT, &[0, 0]);
    "many-segments", "structure: found no segment to load", |good| good.clone().with(header::SEGMENT_COUNT, &[0xff, 0xff]);
    "sections-far", "completeness: found the section table", |good| good.clone().with(header::SECTIONS, &FAR);
    "sections-of-another-size", "completeness: found the section table", |good| good.clone().with(header::SECTION_SIZE, &[32]);
    "no-sections", "manifest: found no section", |good| good.clone().with(header::SECTIONS, &[0; 8]).with(header::SECTION_COUNT, &[0, 0]).with(header::SECTION_NAMES, &[0, 0]);
    "many-sections", "completeness: found the section table", |good| good.clone().with(header::SECTION_COUNT, &[0, 0xf0]);
    "section-without-names", "", |good| good.clone().with(header::SECTION_NAMES, &[3, 0]);

    // With segments that cannot be.
    "segment-beyond-the-file", "completeness: found a segment", |good| in_segment(good, LOAD, 3, segment::OFFSET, &FAR);
    "segment-over-another", "structure: found segments that overlap", |good| in_segment(good, LOAD, 0, segment::IN_MEMORY, &FAR);
    "segment-larger-in-the-file", "structure: found a segment larger", |good| in_segment(good, LOAD, 1, segment::IN_MEMORY, &[1, 0, 0, 0, 0, 0, 0, 0]);
    "segment-too-high", "structure: found a segment beyond the address space", |good| in_segment(good, LOAD, 3, segment::ADDRESS, &(1_u64 << 62).to_le_bytes());
    "segment-of-many-terabytes", "structure: found segments that span", |good| in_segment(good, LOAD, 3, segment::IN_MEMORY, &(1_u64 << 46).to_le_bytes());
    "segment-askew", "structure: found a segment that is not aligned", |good| in_segment(good, LOAD, 1, segment::ALIGNMENT, &[3]);
    "segments-swapped", "structure: found segments that overlap or are out of order", |good| swapped(good);
    "stack-to-execute", "structure: found a demand for an executable stack", |good| in_segment(good, STACK, 0, segment::FLAGS, &[7]);
    "thread-locals-of-an-exabyte", "structure: found thread-local variables", |good| in_segment(good, THREAD_LOCAL, 0, segment::IN_MEMORY, &(1_u64 << 60).to_le_bytes());
    "no-dynamic-table", "structure: found no dynamic table", |good| in_segment(good, DYNAMIC, 0, 0, &[0]);
    "dynamic-table-without-end", "structure: found a dynamic table without an end", |good| in_segment(good, DYNAMIC, 0, segment::IN_FILE, &[32, 0, 0, 0, 0, 0, 0, 0]);
    "dynamic-table-far", "structure: found a dynamic table that lies in no", |good| in_segment(good, DYNAMIC, 0, segment::ADDRESS, &FAR);

    // With tables that would lead the system's loader astray.
    "names-far", "structure: found a table of names", |good| in_dynamic(good, 5, &FAR);
    "symbols-far", "structure: found a symbol outside", |good| in_dynamic(good, 6, &FAR);
    "hash-far", "structure: found a hash table outside", |good| in_dynamic(good, 0x6fff_fef5, &FAR);
    "hash-without-filter", "structure: found a hash table with a filter", |good| in_hash(good, 8, &[0, 0, 0, 0]);
    "hash-of-many-buckets", "structure: found a hash table outside", |good| in_hash(good, 0, &[0xff; 4]);
    "versions-far", "structure: found versions outside", |good| in_dynamic(good, 0x6fff_fffe, &FAR);
    "relocations-far", "structure: found a table of relocations", |good| in_dynamic(good, 7, &FAR);
    "relocation-into-code", "structure: found a relocation outside of the writable", |good| first_relocation(good, &[0; 8]);
    "relocation-far", "structure: found a relocation outside of the writable", |good| first_relocation(good, &FAR);
    "initialiser-far", "structure: found an initialiser outside", |good| in_dynamic(good, 12, &FAR);
    "initialisers-far", "structure: found initialisers outside", |good| in_dynamic(good, 25, &FAR);
    "needs-no-name", "structure: found a name outside", |good| in_dynamic(good, 1, &FAR);

    // What only the loader of the system finds.
    "needs-what-is-nowhere", "probe: found libgcc_s.so.9: cannot open shared object file", |good| good.clone().saying("id", json!("needs-what-is-nowhere")).replaced("libgcc_s.so.1\0", "libgcc_s.so.9\0");
    "needs-a-later-system", "probe: found ", |good| good.clone().saying("id", json!("needs-a-later-system")).replaced("GLIBC_2.34\0", "GLIBC_9.99\0");
    "needs-an-unknown-function", "probe: found undefined symbol: getxnv", |good| good.clone().saying("id", json!("needs-an-unknown-function")).replaced("\0getenv\0", "\0getxnv\0");

    // Without the entry of a plugin, or with another.
    "no-number", "entry: found no symbol `ketch_plugin_abi`", |good| good.clone().replaced("\0ketch_plugin_abi\0", "\0ketch_plugin_xxx\0");
    "no-maker", "entry: found no symbol", |good| good.clone().replaced("_1as_0lib_1header_0root_bmodule_bloader\0", "_1as_0lib_1header_0root_bmodule_bloadex\0");
    "junk-header", "probe: found ", |_good| test_plugin("junk_header");
    "other-abi-than-it-says", "probe: found ", |_good| test_plugin("lying_abi");
    "later-abi", "abi: found ABI 2", |_good| test_plugin("later_abi");
    "abi-0", "abi: found ABI 0", |good| good.clone().saying("abi", json!(0));
    "abi-of-a-later-year", "abi: found ABI 4294967295", |good| good.clone().saying("abi", json!(u32::MAX));
    "other-types", "probe: found the library's types differ", |good| good.clone().saying("id", json!("other-types")).replaced("make_provider;", "make_providex;");
    "other-abi-stable", "probe: found ", |good| other_abi_stable(good);
    "panics-when-made", "probe: found ", |_good| test_plugin("panics_early");

    // With a manifest that lies or is none.
    "manifest-missing", "manifest: found no section", |good| good.clone().replaced(".ketch.manifest\0", ".ketch.manifesu\0");
    "manifest-empty", "manifest: found the manifest is not readable", |good| good.clone().with_manifest(b"");
    "manifest-cut", "manifest: found the manifest is not readable", |good| good.clone().with_manifest(br#"{"schema":"ketch.plu"#);
    "manifest-zeros", "manifest: found the manifest is not readable", |good| good.clone().with_manifest(&[0; 300]);
    "manifest-no-utf-8", "manifest: found the manifest is not readable", |good| good.clone().with_manifest(b"{\"schema\":\"\xff\xfe\"}");
    "manifest-no-object", "manifest: found the manifest has schema ``", |good| good.clone().with_manifest(b"[1,2,3]");
    "manifest-twice-in-a-row", "manifest: found the manifest is not readable: trailing", |good| good.clone().with_manifest(&[manifest("a", ""), manifest("b", "")].concat());
    "manifest-deep", "manifest: found the manifest is not readable: recursion limit", |good| good.clone().with_manifest(&[b'['; 60_000]);
    "manifest-of-a-megabyte", "manifest: found the manifest has 1048", |good| good.clone().with_manifest(&manifest("megabyte", &format!(r#","description":"{}""#, "x".repeat(1 << 20))));
    "manifest-far", "completeness: found the manifest", |good| good.clone().with(good.section(MANIFEST) + section::OFFSET, &FAR);
    "manifest-of-all-bytes", "completeness: found the manifest", |good| good.clone().with(good.section(MANIFEST) + section::LENGTH, &[0xff; 8]);
    "manifest-of-the-whole-file", "manifest: found the manifest has ", |good| whole_file(good);
    "manifest-two-sections", "structure: found two sections with a manifest", |good| two_sections(good);
    "manifest-without-bytes", "manifest: found the manifest is not readable", |good| good.clone().with(good.section(MANIFEST) + section::KIND, &[8]);
    "manifest-of-another-schema", "manifest: found the manifest has schema `ketch.plugin/9`", |good| good.clone().saying("schema", json!("ketch.plugin/9"));
    "id-a-number", "manifest: found the manifest is not readable: invalid type", |good| good.clone().saying("id", json!(7));
    "id-empty", "manifest: found the id `` is not one", |good| good.clone().saying("id", json!(""));
    "id-a-path", "manifest: found the id `../../etc` is not one", |good| good.clone().saying("id", json!("../../etc"));
    "id-with-escapes", "manifest: found the id ` [2J` is not one", |good| good.clone().saying("id", json!("\u{1b}[2J"));
    "id-of-a-page", "manifest: found the id `xxxx", |good| good.clone().saying("id", json!("x".repeat(30_000)));
    "id-reserved", "id: found the reserved id `local`", |good| good.clone().saying("id", json!("local"));
    "id-of-another", "probe: found a provider named `template`", |good| good.clone().saying("id", json!("another"));
    "id-that-the-provider-has-not", "probe: found a provider named `local`", |_good| test_plugin("misnamed");
    "abi-a-word", "manifest: found the manifest is not readable: invalid type", |good| good.clone().saying("abi", json!("one"));
    "abi-negative", "manifest: found the manifest is not readable: invalid value", |good| good.clone().saying("abi", json!(-1));
    "abi-huge", "manifest: found the manifest is not readable: invalid", |good| good.clone().saying("abi", json!(1e300));
    "capabilities-no-list", "manifest: found the manifest is not readable: invalid type", |good| good.clone().saying("capabilities", json!({"a": 1}));
};

fn machine(good: &Elf, machine: u16) -> Elf {
    good.clone().with(header::MACHINE, &machine.to_le_bytes())
}

fn system_library() -> std::path::PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut paths = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    paths.find(|path| path.contains("/libc") && path.contains(".so")).unwrap().into()
}

/// The first two segments, the other way round.
fn swapped(good: &Elf) -> Elf {
    let [first, second] = [0, 1].map(|nth| good.segment(LOAD, nth));
    let [one, other] = [first, second].map(|at| good.bytes[at..at + segment::SIZE].to_vec());
    good.clone().with(first, &other).with(second, &one)
}

/// A change in the hash table, which lies at the same place in file and memory.
fn in_hash(good: &Elf, at: usize, value: &[u8]) -> Elf {
    let table = good.data(good.section(".gnu.hash"));
    good.clone().with(table.start + at, value)
}

fn first_relocation(good: &Elf, place: &[u8]) -> Elf {
    let table = good.data(good.section(".rela.dyn"));
    good.clone().with(table.start, place)
}

/// A header of an abi_stable that there is not.
fn other_abi_stable(good: &Elf) -> Elf {
    let good = good.clone().saying("id", json!("other-abi-stable"));
    let magic = good.places(b"abi stable library for Rust").next();
    good.clone().with(magic.unwrap(), b"abi STABLE")
}

fn whole_file(good: &Elf) -> Elf {
    let section = good.section(MANIFEST);
    let length = good.bytes.len() as u64;
    good.clone()
        .with(section + section::OFFSET, &[0; 8])
        .with(section + section::LENGTH, &length.to_le_bytes())
}

/// Another section takes the name of the manifest's.
fn two_sections(good: &Elf) -> Elf {
    let name = good.section(MANIFEST) + section::NAME;
    good.clone().with(good.section(".eh_frame"), &good.bytes[name..name + 4])
}

#[test]
fn libraries_that_are_not_what_they_should_be() {
    show(EXHIBITS);
}

#[test]
fn a_library_cut_at_every_section_is_refused() {
    let sandbox = crate::sandbox::Sandbox::new();
    let directory = sandbox.user_plugins();
    let good = super::good();
    let mut ends: Vec<usize> =
        good.sections().flat_map(|at| [good.data(at).start, good.data(at).end]).collect();
    ends.retain(|&end| end < good.bytes.len());
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() > 20, "{ends:?}");
    for end in &ends {
        fs::write(directory.join(format!("cut-at-{end}.so")), &good.bytes[..*end]).unwrap();
    }
    good.write(&directory.join("good.so"));
    let text = super::ends(sandbox.command(&["providers"])).ok();
    for end in &ends {
        let name = format!("cut-at-{end}.so: ");
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(&name)).collect();
        let &[line] = lines.as_slice() else { panic!("{name}: {lines:?}") };
        assert!(line.contains("completeness") || line.contains("file kind"), "{line}");
    }
    super::neighbours_work(&sandbox);
}
