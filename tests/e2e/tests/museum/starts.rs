//! A plugin that misbehaves before it is first used: while its file is opened, while its provider
//! is made, while its backends are listed.

use std::{
    fs,
    time::{Duration, Instant},
};

use ketch::Filter;

use super::{Elf, impatient, neighbours_work};
use crate::sandbox::{Sandbox, built, whole_machine};

/// What it does, where, and what is said of it.
const STARTS: &[(&str, &str, &str)] = &[
    ("abort", "initialiser", "died of signal 6 (SIGABRT)"),
    ("segfault", "initialiser", "died of signal 11 (SIGSEGV)"),
    ("overflow", "initialiser", "died of signal "),
    ("exit", "initialiser", "exited with code 3"),
    ("exit-well", "initialiser", "exited with code 0"),
    ("hang", "initialiser", "no answer"),
    ("spin", "initialiser", "no answer"),
    ("stop", "initialiser", "no answer"),
    ("kill", "initialiser", "signal 9 (SIGKILL)"),
    ("last-words", "initialiser", "the fridge is warm"),
    ("leave-child", "initialiser", "exited with code 0"),
    ("close-all", "initialiser", ""),
    ("write-to-all", "initialiser", ""),
    ("flood-stdout", "initialiser", ""),
    ("flood-stderr", "initialiser", ""),
    ("print-bytes", "initialiser", "works"),
    ("leave-directory", "initialiser", "works"),
    ("many-threads", "initialiser", ""),
    ("panic", "initialiser", "died of signal 6 (SIGABRT)"),
    ("kill-group", "initialiser", "died of signal 15 (SIGTERM)"),
    ("panic", "maker", "panicked"),
    ("unspeakable-panic", "maker", "panicked"),
    ("abort", "maker", "died of signal 6 (SIGABRT)"),
    ("hang", "maker", "no answer"),
    ("exit", "maker", "exited with code 3"),
    ("die-later", "maker", ""),
    ("panic", "name", "panicked"),
    ("abort", "name", "died of signal 6 (SIGABRT)"),
    ("hang", "name", "no answer"),
    ("panic", "backends", "panicked"),
    ("abort", "backends", "died of signal 6 (SIGABRT) in `backends`"),
    ("hang", "backends", "no answer to `backends`"),
    ("eat-descriptors", "backends", ""),
    ("panic", "backend_name", "panicked"),
    ("abort", "backend_name", "died of signal 6 (SIGABRT)"),
    ("abort", "finaliser", "works"),
    ("hang", "finaliser", "works"),
];

/// A copy of the plugin that does this.
fn early(library: &Elf, fault: &str, place: &str) -> Elf {
    let marker = b"early fault: none in nothing";
    let at = library.places(marker).next().unwrap();
    library
        .clone()
        .with(at, format!("{:<63}", format!("early fault: {fault} in {place}")).as_bytes())
}

#[test]
fn plugins_that_misbehave_from_the_start_are_contained() {
    let _alone = whole_machine();
    let library = Elf::read(&built("examples/libearly.so")).stripped();
    let mut wrong = Vec::new();
    for (fault, place, says) in STARTS {
        let directory = tempfile::tempdir().unwrap();
        early(&library, fault, place).write(&directory.path().join("early.so"));
        let registry = impatient(directory.path());
        let start = Instant::now();
        let provider = registry.provider("early").map_err(|error| error.to_string());
        let listed = provider.and_then(|provider| {
            provider.backends(&Filter::new()).map_err(|error| error.to_string())
        });
        let said = listed.map_or_else(|error| error, |_| "works".to_owned());
        drop(registry);
        let time = start.elapsed();
        if !said.contains(says) || said.lines().count() > 1 || time > Duration::from_secs(10) {
            wrong.push(format!("{fault} in {place}, {time:?}: {said}\n  expected {says}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_plugin_that_hangs_from_the_start_holds_up_no_command() {
    let sandbox = Sandbox::new();
    let library = Elf::read(&built("examples/libearly.so")).stripped();
    let path = sandbox.user_plugins().join("early.so");
    for (fault, place) in [("abort", "initialiser"), ("hang", "maker")] {
        early(&library, fault, place).write(&path);
        let text = super::ends(sandbox.command(&["providers"])).ok();
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("early.so: ")).collect();
        assert_eq!(lines.len(), 1, "{text}");
        assert!(lines[0].starts_with("refused: "), "{text}");
    }
    super::good().write(&sandbox.user_plugins().join("good.so"));
    neighbours_work(&sandbox);
    fs::remove_file(&path).unwrap();
}
