//! Files that are no plugins, or not to be trusted: one line each, and the good one beside works.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::sandbox::{Sandbox, built, example, local_plugin};

/// The state and reason of each file that `ketch providers` looked at, by file name.
pub(crate) fn states(sandbox: &Sandbox, arguments: &[&str]) -> Vec<(String, String, String)> {
    let document = sandbox.ketch(&[&["providers", "--json"], arguments].concat()).json();
    assert_eq!(document["schema"], "ketch.providers/1");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let providers = document["providers"].as_array().unwrap().iter();
    providers
        .map(|one| {
            let path = PathBuf::from(text(&one["path"]));
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, text(&one["state"]), text(&one["reason"]))
        })
        .collect()
}

#[track_caller]
pub(crate) fn state_of(sandbox: &Sandbox, name: &str) -> (String, String) {
    let found = states(sandbox, &[]).into_iter().find(|(file, ..)| file == name);
    let (_, state, reason) = found.unwrap_or_else(|| panic!("{name} was not looked at"));
    (state, reason)
}

/// A test plugin, dropped into the user's directory under a name.
pub(crate) fn drop_plugin(sandbox: &Sandbox, plugin: &str, name: &str) -> PathBuf {
    let to = sandbox.user_plugins().join(name);
    fs::copy(built(&format!("examples/lib{plugin}.so")), &to).unwrap();
    to
}

/// The plugin with some bytes changed.
fn patched(bytes: &[u8], at: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

/// A library of the system: the C library that this test itself uses.
fn system_library() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let paths = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let found = paths.into_iter().find(|path| path.contains("/libc") && path.contains(".so"));
    found.expect("this test is linked with the system's C library").into()
}

#[test]
fn every_bad_file_is_one_line_and_the_good_plugin_works() {
    let sandbox = Sandbox::new();
    let directory = sandbox.user_plugins();
    let good = fs::read(built("examples/libtwin_a.so")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(directory.join(name), bytes).unwrap();
    write("text.so", b"this is no library\n");
    write("empty.so", b"");
    write("arm.so", &patched(&good, 18, &183_u16.to_le_bytes()));
    write("narrow.so", &patched(&good, 4, &[1]));
    write("program.so", &patched(&good, 16, &2_u16.to_le_bytes()));
    fs::create_dir(directory.join("directory.so")).unwrap();
    symlink("nowhere", directory.join("dangling.so")).unwrap();
    symlink("loop.so", directory.join("loop.so")).unwrap();
    symlink("/dev/zero", directory.join("device.so")).unwrap();
    let made = Command::new("mkfifo").arg(directory.join("pipe.so")).status().unwrap();
    assert!(made.success());
    fs::copy(system_library(), directory.join("system.so")).unwrap();
    let mut expected = vec![
        ("text.so", "file kind: found a text file"),
        ("empty.so", "file kind: found an empty file"),
        ("arm.so", "architecture: found a library for aarch64"),
        ("narrow.so", "architecture: found a 32-bit library"),
        ("program.so", "file kind: found an ELF file that is no library"),
        ("directory.so", "file kind: found no regular file"),
        ("dangling.so", "reading: found No such file"),
        ("loop.so", "reading: found Too many levels"),
        ("device.so", "file kind: found no regular file"),
        ("pipe.so", "file kind: found no regular file"),
        ("system.so", "manifest: found no section"),
    ];
    let sizes = [1, 5, 63, 64, 1000, good.len() / 4, good.len() / 2, good.len() - 1];
    let names = sizes.map(|size| format!("cut_{size}.so"));
    for (size, name) in sizes.into_iter().zip(&names) {
        write(name, &good[..size]);
        expected.push((name, ""));
    }
    write("good.so", &good);

    let run = sandbox.ketch(&["providers"]);
    let text = run.ok();
    for (name, reason) in &expected {
        let path = directory.join(name);
        let line = format!("refused: {}: {reason}", path.display());
        let matching = text.lines().filter(|found| found.starts_with(&line)).count();
        assert_eq!(matching, 1, "`{line}` in:\n{text}");
    }
    assert_eq!(text.matches("refused: ").count(), expected.len(), "{text}");
    let why = sandbox.ketch(&["providers", "--why"]).ok();
    assert!(why.contains("refused: found a text file"), "{why}");

    let listed = sandbox.ketch(&["backends"]).ok();
    assert!(listed.contains("twin_a/common") && listed.contains("local/qasm_simulator"));
    sandbox.ketch(&["run", &example("bell.qasm")]).ok();
}

#[test]
fn a_good_plugin_works_in_the_very_directory_of_bad_ones() {
    let sandbox = Sandbox::without_plugins();
    let directory = sandbox.path("plugins");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("a.so"), "text").unwrap();
    let plugin = fs::read(local_plugin()).unwrap();
    fs::write(directory.join("b.so"), &plugin[..plugin.len() / 2]).unwrap();
    fs::write(directory.join("c.so"), &plugin).unwrap();
    let flag = ["--plugin-dir", directory.to_str().unwrap()];
    let found = states(&sandbox, &flag);
    let found: Vec<(&str, &str)> =
        found.iter().map(|(name, state, _)| (name.as_str(), state.as_str())).collect();
    assert_eq!(found, [("a.so", "refused"), ("b.so", "refused"), ("c.so", "ready")]);
    sandbox.ketch(&[&["run", &example("bell.qasm")], &flag[..]].concat()).ok();
    let mut command = sandbox.command(&["run", &example("bell.qasm")]);
    let run = crate::sandbox::finish(command.env("KETCH_PLUGIN_PATH", &directory));
    assert!(run.fails(8).contains("the reserved id `local`"));
}

#[test]
fn libraries_that_break_their_word_are_refused() {
    let sandbox = Sandbox::new();
    for plugin in ["later_abi", "lying_abi", "junk_header", "misnamed", "panics_early"] {
        drop_plugin(&sandbox, plugin, &format!("{plugin}.so"));
    }
    let found = states(&sandbox, &[]);
    for plugin in ["later_abi", "lying_abi", "junk_header", "misnamed", "panics_early"] {
        let name = format!("{plugin}.so");
        let (_, state, reason) = found.iter().find(|(file, ..)| *file == name).unwrap();
        assert_eq!(state, "refused", "{name}: {reason}");
        assert!(reason.contains(&name) && !reason.contains('\n'), "{reason}");
    }
    sandbox.ketch(&["run", &example("bell.qasm")]).ok();
}

#[test]
fn what_everybody_may_write_is_refused() {
    let sandbox = Sandbox::new();
    let file = drop_plugin(&sandbox, "twin_a", "twin_a.so");
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&file, 0o666);
    let (state, reason) = state_of(&sandbox, "twin_a.so");
    assert_eq!(state, "refused");
    assert!(reason.contains("writable by everybody") && reason.contains("chmod o-w"), "{reason}");
    let said = sandbox.ketch(&["backend", "twin_a/common"]).fails(8);
    assert!(said.contains("writable by everybody"), "{said}");

    mode(&file, 0o644);
    assert_eq!(state_of(&sandbox, "twin_a.so").0, "ready");
    mode(&sandbox.user_plugins(), 0o777);
    assert_eq!(state_of(&sandbox, "twin_a.so").0, "refused");
    mode(&sandbox.user_plugins(), 0o755);
    assert_eq!(state_of(&sandbox, "twin_a.so").0, "ready");
}

#[test]
fn unreadable_files_are_refused() {
    let sandbox = Sandbox::new();
    let file = drop_plugin(&sandbox, "twin_a", "twin_a.so");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything; everybody else must be told.
    let expected = if fs::File::open(&file).is_ok() { "ready" } else { "refused" };
    assert_eq!(state_of(&sandbox, "twin_a.so").0, expected);
}

#[test]
fn reserved_ids_are_valid_in_the_installation_only() {
    let sandbox = Sandbox::new();
    fs::copy(local_plugin(), sandbox.user_plugins().join("other.so")).unwrap();
    let (state, reason) = state_of(&sandbox, "other.so");
    assert_eq!(state, "refused");
    assert!(reason.contains("the reserved id `local`"), "{reason}");
    assert_eq!(state_of(&sandbox, "libketch_provider_local.so").0, "ready");
    sandbox.ketch(&["run", &example("bell.qasm")]).ok();

    // Named on the command line it is taken, and the one of the installation stands back.
    let directory = sandbox.user_plugins();
    let flag = ["--plugin-dir", directory.to_str().unwrap()];
    let found = states(&sandbox, &flag);
    let of = |name: &str| found.iter().find(|(file, ..)| file == name).unwrap();
    assert_eq!(of("other.so").1, "ready");
    let (_, state, reason) = of("libketch_provider_local.so");
    assert_eq!(state, "shadowed");
    assert!(reason.contains("other.so"), "{reason}");
}

#[test]
fn the_first_of_an_id_wins_and_the_other_is_reported() {
    let sandbox = Sandbox::new();
    drop_plugin(&sandbox, "twin_a", "first.so");
    drop_plugin(&sandbox, "twin_a", "second.so");
    assert_eq!(state_of(&sandbox, "first.so").0, "ready");
    let (state, reason) = state_of(&sandbox, "second.so");
    assert_eq!(state, "shadowed");
    assert!(reason.contains("first.so") && reason.contains("second.so"), "{reason}");
}

#[test]
fn ambiguous_names_list_the_candidates() {
    let sandbox = Sandbox::new();
    drop_plugin(&sandbox, "twin_a", "a.so");
    drop_plugin(&sandbox, "twin_b", "b.so");
    let said = sandbox.ketch(&["backend", "common"]).fails(3);
    assert!(said.contains("ambiguous: twin_a/common, twin_b/common"), "{said}");
    let text = sandbox.ketch(&["backend", "twin_b/common"]).ok();
    assert!(text.contains("twin_b"), "{text}");
    // A status that cannot be had does not hide a backend; one that was not asked for is none.
    let line = |arguments: &[&str]| {
        let listed = sandbox.ketch(arguments).ok();
        listed.lines().find(|line| line.starts_with("twin_a/common")).unwrap().to_owned()
    };
    assert!(line(&["backends", "--live"]).contains("unknown"));
    assert!(!line(&["backends"]).contains("unknown"));
}
