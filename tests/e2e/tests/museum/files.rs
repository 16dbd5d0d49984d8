//! Files that are no library at all, and libraries that lie in the wrong place or belong to the
//! wrong people.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

use super::{Elf, Exhibit, ends, good, neighbours_work, show};
use crate::sandbox::{Sandbox, built, finish};

fn holding(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

fn sparse(path: &Path, start: &[u8], length: u64) {
    holding(path, start);
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub(super) const EXHIBITS: &[Exhibit] = &[
    Exhibit {
        name: "empty",
        says: "file kind: found an empty file",
        make: |path, _| holding(path, b""),
    },
    Exhibit {
        name: "one-byte",
        says: "file kind: found a file of no known kind",
        make: |path, _| holding(path, &[0]),
    },
    Exhibit {
        name: "text",
        says: "file kind: found a text file",
        make: |path, _| holding(path, "Kein Plugin.\n".as_bytes()),
    },
    Exhibit {
        name: "script",
        says: "file kind: found a text file",
        make: |path, _| {
            holding(path, b"#!/bin/sh\nkill -9 $PPID\n");
            mode(path, 0o755);
        },
    },
    Exhibit {
        name: "zeros",
        says: "file kind: found a file of no known kind",
        make: |path, _| holding(path, &[0; 5000]),
    },
    Exhibit {
        name: "windows",
        says: "file kind: found a Windows library",
        make: |path, _| holding(path, b"MZ\x90\0\x03\0\0\0"),
    },
    Exhibit {
        name: "macos",
        says: "file kind: found a macOS library",
        make: |path, _| holding(path, b"\xcf\xfa\xed\xfe\x07\0\0\x01"),
    },
    Exhibit {
        name: "static-library",
        says: "file kind: found a static library",
        make: |path, _| {
            holding(path, b"!<arch>\n/               0           0     0     0       8")
        },
    },
    Exhibit {
        name: "gzip",
        says: "file kind: found a gzip archive",
        make: |path, _| holding(path, b"\x1f\x8b\x08\0\0\0\0\0"),
    },
    Exhibit {
        name: "zip",
        says: "file kind: found a zip archive",
        make: |path, _| holding(path, b"PK\x03\x04\x14\0\0\0"),
    },
    Exhibit {
        name: "magic-only",
        says: "file kind: found a broken header",
        make: |path, _| holding(path, b"\x7fELF"),
    },
    Exhibit {
        name: "program",
        says: "manifest: found no section",
        make: |path, _| Elf::read(&built("ketch")).write(path),
    },
    Exhibit {
        name: "directory",
        says: "file kind: found no regular file",
        make: |path, _| fs::create_dir(path).unwrap(),
    },
    Exhibit {
        name: "pipe",
        says: "file kind: found no regular file",
        make: |path, _| {
            finish(std::process::Command::new("mkfifo").arg(path)).ok();
        },
    },
    Exhibit {
        name: "socket",
        says: "reading: found ",
        make: |path, _| drop(UnixListener::bind(path).unwrap()),
    },
    Exhibit {
        name: "endless-device",
        says: "file kind: found no regular file",
        make: |path, _| symlink("/dev/zero", path).unwrap(),
    },
    Exhibit { name: "terminal", says: "", make: |path, _| symlink("/dev/tty", path).unwrap() },
    Exhibit {
        name: "memory-of-the-process",
        says: "",
        make: |path, _| symlink("/proc/self/mem", path).unwrap(),
    },
    Exhibit {
        name: "link-to-nowhere",
        says: "reading: found No such file",
        make: |path, _| symlink("nowhere", path).unwrap(),
    },
    Exhibit {
        name: "link-to-itself",
        says: "reading: found Too many levels",
        make: |path, _| symlink(path.file_name().unwrap(), path).unwrap(),
    },
    Exhibit {
        name: "link-to-directory",
        says: "file kind: found no regular file",
        make: |path, _| symlink("/", path).unwrap(),
    },
    Exhibit {
        name: "sparse-4-gigabytes",
        says: "file kind: found 4294967296 bytes",
        make: |path, _| sparse(path, b"", 4 << 30),
    },
    Exhibit {
        name: "sparse-behind-a-library",
        says: "file kind: found 4294967296 bytes",
        make: |path, good| sparse(path, &good.bytes, 4 << 30),
    },
    Exhibit {
        name: "writable-by-everybody",
        says: "permissions: found ",
        make: |path, good| {
            good.clone().saying("id", "writable".into()).write(path);
            mode(path, 0o666);
        },
    },
    Exhibit {
        name: "beside-no-json",
        says: "manifest: found expected value at line 1 column 1 in the JSON file beside it",
        make: |path, good| {
            good.clone().saying("id", "beside-no-json".into()).write(path);
            holding(&path.with_extension("json"), b"version: 2");
        },
    },
    Exhibit {
        name: "beside-wrong-types",
        says: "manifest: found invalid type: sequence",
        make: |path, good| {
            good.clone().saying("id", "beside-wrong-types".into()).write(path);
            holding(&path.with_extension("json"), br#"{"version":[1,0]}"#);
        },
    },
    Exhibit { name: "twin", says: "", make: |path, good| good.write(path) },
    Exhibit {
        name: "line\nbreak",
        says: "file kind: found a text file",
        make: |path, _| holding(path, b"text"),
    },
    Exhibit {
        name: "\u{1b}[2J\u{1b}[31mclears the screen\u{7}",
        says: "file kind: found a text file",
        make: |path, _| holding(path, b"text"),
    },
    Exhibit {
        name: "refused: a name like a line of ketch, expected nothing; do rm",
        says: "file kind: found a text file",
        make: |path, _| holding(path, b"text"),
    },
];

#[test]
fn files_that_are_no_plugins() {
    show(EXHIBITS);
}

#[test]
fn a_name_that_is_no_text_is_a_line_too() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.so");
    fs::write(sandbox.user_plugins().join(name), "text").unwrap();
    let text = ends(sandbox.command(&["providers"])).ok();
    let lines = text.lines().filter(|line| line.starts_with("refused: "));
    assert_eq!(
        lines.filter(|line| line.contains("caf\u{fffd}.so: file kind")).count(),
        1,
        "{text}"
    );
    neighbours_work_with_good(&sandbox);
}

#[test]
fn in_a_directory_of_everybody_nothing_is_loaded() {
    let sandbox = Sandbox::new();
    let directory = sandbox.path("everybodys");
    fs::create_dir(&directory).unwrap();
    mode(&directory, 0o777);
    good().saying("id", "everybody".into()).write(&directory.join("plugin.so"));
    let mut command = sandbox.command(&["providers"]);
    command.env("KETCH_PLUGIN_PATH", &directory);
    let text = ends(command).ok();
    assert!(text.contains("everybodys writable by everybody"), "{text}");
    neighbours_work_with_good(&sandbox);
}

#[test]
fn a_file_that_belongs_to_somebody_else_is_refused() {
    let sandbox = Sandbox::new();
    let path = sandbox.user_plugins().join("foreign.so");
    good().saying("id", "foreign".into()).write(&path);
    // Only root can give files away; everybody else cannot make this exhibit.
    if std::os::unix::fs::chown(&path, Some(12345), None).is_ok() {
        let text = ends(sandbox.command(&["providers"])).ok();
        assert!(text.contains("foreign.so owned by user 12345"), "{text}");
    }
    neighbours_work_with_good(&sandbox);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_whole_or_refused() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let sandbox = Sandbox::new();
    let path: PathBuf = sandbox.user_plugins().join("changing.so");
    let whole = good().saying("id", "changing".into());
    let half = Elf { bytes: whole.bytes[..whole.bytes.len() / 2].to_vec() };
    let text = Elf { bytes: b"text".to_vec() };
    whole.write(&path);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                [&half, &text, &whole].iter().for_each(|bytes| bytes.write(&path));
            }
        });
        let said: Vec<_> = (0..20).map(|_| ends(sandbox.command(&["providers"]))).collect();
        stop.store(true, Ordering::Relaxed);
        for run in said {
            let text = run.ok();
            let lines = text.lines().filter(|line| line.contains("changing.so: "));
            assert_eq!(
                lines.count(),
                1,
                "its provider is named `template`, so it is refused: {text}"
            );
        }
    });
    neighbours_work_with_good(&sandbox);
}

/// Puts the good plugin beside, and runs.
#[track_caller]
fn neighbours_work_with_good(sandbox: &Sandbox) {
    good().write(&sandbox.user_plugins().join("good.so"));
    neighbours_work(sandbox);
}
