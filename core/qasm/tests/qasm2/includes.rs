//! Included files, and programs that are files.

use std::fs;

use ketch_qasm::{load, parse_file, parse_str};

use crate::listing::listing;

/// A folder with `main.qasm`, which includes `name`, and other files.
fn folder(name: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = format!("OPENQASM 2.0;\ninclude \"{name}\";\nqreg q[2];\ng q[0];\n");
    fs::write(folder.path().join("main.qasm"), program).unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn message(folder: &tempfile::TempDir) -> String {
    let error = parse_file(folder.path().join("main.qasm")).unwrap_err();
    let diagnostic = &error.diagnostics()[0];
    let file = diagnostic.file.rsplit('/').next().unwrap();
    format!("{file}:{}:{}: {}", diagnostic.line, diagnostic.column, diagnostic.message)
}

#[test]
fn files_beside_and_below_are_included() {
    let files = [
        ("a.inc", "include \"sub/b.inc\"; gate g a { f a; }"),
        ("sub/b.inc", "include \"c.inc\";"),
        ("sub/c.inc", "\u{feff}gate f a { U(0,0,1) a; }"),
    ];
    let folder = folder("./a.inc", &files);
    let circuit = load(folder.path().join("main.qasm")).unwrap();
    assert_eq!(listing(&circuit), "u(0,0,1) q0");
    assert_eq!(circuit.name, "main");
}

#[test]
fn errors_in_included_files_name_them() {
    let folder = folder("a.inc", &[("a.inc", "// first\ngate g a { nothing a; }")]);
    assert_eq!(message(&folder), "a.inc:2:12: unknown gate `nothing`");
}

#[test]
fn nothing_outside_the_folder_is_included() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "gate g a {}").unwrap();
    let absolute = outside.path().to_str().unwrap();
    let refused = |name: &str, folder: &tempfile::TempDir| {
        let reason = "only files beside the program or below it are included";
        assert_eq!(message(folder), format!("main.qasm:2:9: cannot include `{name}`: {reason}"));
    };
    for name in [absolute, "../x.inc", "sub/../../x.inc", "", "sub/.."] {
        refused(name, &folder(name, &[]));
    }
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_outside() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.inc"), "gate g a {}").unwrap();
    let folder = folder("in/x.inc", &[]);
    std::os::unix::fs::symlink(outside.path(), folder.path().join("in")).unwrap();
    let expected =
        "main.qasm:2:9: cannot include `in/x.inc`: it leads out of the program's directory";
    assert_eq!(message(&folder), expected);
}

#[test]
fn cycles_depth_and_number_are_bounded() {
    let own = folder("main.qasm", &[]);
    assert_eq!(message(&own), "main.qasm:2:9: cannot include `main.qasm`: it includes itself");
    let files = [("a.inc", "include \"b.inc\";"), ("b.inc", "include \"./a.inc\";")];
    let circle = folder("a.inc", &files);
    assert_eq!(message(&circle), "b.inc:1:9: cannot include `./a.inc`: it includes itself");

    let names: Vec<String> = (0..20).map(|i| format!("f{i}.inc")).collect();
    let texts: Vec<String> = (1..=20).map(|i| format!("include \"f{i}.inc\";")).collect();
    let files: Vec<(&str, &str)> =
        names.iter().zip(&texts).map(|(name, text)| (&**name, &**text)).collect();
    let deep = folder("f0.inc", &files);
    assert!(message(&deep).contains("more than 16 deep"), "{}", message(&deep));

    let many =
        folder("many.inc", &[("many.inc", &"include \"e.inc\";".repeat(300)), ("e.inc", "")]);
    assert!(message(&many).contains("more than 256 files"), "{}", message(&many));
}

#[test]
fn what_is_no_text_file_is_not_included() {
    let missing = folder("missing.inc", &[]);
    assert!(message(&missing).starts_with("main.qasm:2:9: cannot include `missing.inc`: "));
    let directory = folder("sub", &[("sub/x.inc", "")]);
    assert!(message(&directory).ends_with("it is not a file"), "{}", message(&directory));
    let binary = folder("x.inc", &[]);
    fs::write(binary.path().join("x.inc"), [0xff, 0xfe, 0x00]).unwrap();
    assert!(message(&binary).ends_with("it is not UTF-8 text"), "{}", message(&binary));
}

#[test]
fn included_bytes_are_bounded() {
    let comment = format!("//{}", "-".repeat(1 << 22));
    let folder = folder(
        "many.inc",
        &[("many.inc", &"include \"big.inc\";".repeat(20)), ("big.inc", &comment)],
    );
    assert!(message(&folder).contains("includes more than 67108864 bytes"), "{}", message(&folder));
}

#[test]
fn texts_include_nothing() {
    let error = parse_str("OPENQASM 2.0; include \"x.inc\";", "stdin").unwrap_err();
    let expected = "cannot include `x.inc`: only programs that are files can include files";
    assert_eq!(error.diagnostics()[0].message, expected);
}

#[test]
fn programs_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = parse_file(folder.path().join("missing.qasm")).unwrap_err();
    assert!(matches!(missing, ketch_qasm::Error::Read { .. }), "{missing}");
    let path = folder.path().join("binary.qasm");
    fs::write(&path, b"OPENQASM 2.0;\nqreg \xff[1];").unwrap();
    let diagnostic = parse_file(path).unwrap_err().diagnostics()[0].clone();
    assert_eq!((diagnostic.line, diagnostic.column), (2, 6));
    assert_eq!(diagnostic.message, "the program is not UTF-8 text");
}
