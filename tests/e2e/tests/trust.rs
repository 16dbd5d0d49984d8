//! Third parties' plugins are pinned when they are first seen, and a changed one is asked about.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    plugins::{drop_plugin, state_of, states},
    sandbox::{Sandbox, finish},
    terminal::on_terminal,
};

/// The same plugin, but another file: what stands behind the last section is not looked at.
fn change(file: &Path) {
    File::options().append(true).open(file).unwrap().write_all(b"changed").unwrap();
}

fn lock_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("config/ketch/providers.lock.json")
}

fn pins(sandbox: &Sandbox) -> Value {
    let text = fs::read_to_string(lock_file(sandbox)).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["schema"], "ketch.providers_lock/1");
    document["providers"].clone()
}

#[test]
fn a_changed_file_is_refused_until_it_is_accepted() {
    let sandbox = Sandbox::new();
    let file = drop_plugin(&sandbox, "twin_a", "a.so");
    assert_eq!(state_of(&sandbox, "a.so").0, "ready");
    let pinned = pins(&sandbox);
    assert_eq!(pinned.as_object().unwrap().len(), 1, "the installation's need none: {pinned}");
    assert_eq!(pinned["twin_a"]["sha256"].as_str().unwrap().len(), 64);

    change(&file);
    let (state, reason) = state_of(&sandbox, "a.so");
    assert_eq!(state, "changed");
    assert!(reason.contains(": lock: found another file than"), "{reason}");
    let said = sandbox.ketch(&["backend", "twin_a/common"]).fails(8);
    assert!(said.contains("`ketch provider trust twin_a`"), "{said}");
    let listed = sandbox.ketch(&["backends"]).ok();
    assert!(listed.contains("local/") && !listed.contains("twin_a/"), "{listed}");
    assert_eq!(pins(&sandbox), pinned, "asking changes nothing");

    sandbox.ketch(&["provider", "trust", "twin_a"]).ok();
    assert_eq!(state_of(&sandbox, "a.so").0, "ready");
    assert_ne!(pins(&sandbox)["twin_a"]["sha256"], pinned["twin_a"]["sha256"]);
    assert!(sandbox.ketch(&["backends"]).ok().contains("twin_a/common"));
}

#[test]
fn what_the_command_line_names_is_not_pinned() {
    let sandbox = Sandbox::new();
    let file = drop_plugin(&sandbox, "twin_a", "a.so");
    let directory = sandbox.path("elsewhere");
    fs::create_dir(&directory).unwrap();
    fs::rename(&file, directory.join("a.so")).unwrap();
    let flag = ["--plugin-dir", directory.to_str().unwrap()];
    for _ in 0..2 {
        let found = states(&sandbox, &flag);
        let of = found.iter().find(|(name, ..)| name == "a.so").unwrap();
        assert_eq!(of.1, "ready", "{}", of.2);
        change(&directory.join("a.so"));
    }
    assert!(!lock_file(&sandbox).exists());
}

#[test]
fn how_a_provider_is_run_is_kept_beside_its_digest() {
    let sandbox = Sandbox::new();
    drop_plugin(&sandbox, "twin_a", "a.so");
    let words = ["provider", "trust", "twin_a", "--isolation", "always"];
    let limits = ["--memory", "2GiB", "--cpu-time", "10m", "--open-files", "256"];
    sandbox.ketch(&[&words[..], &limits].concat()).ok();
    let pin = pins(&sandbox)["twin_a"].clone();
    assert_eq!((&pin["isolation"], &pin["memory"]), (&"always".into(), &(2_u64 << 30).into()));
    assert_eq!((&pin["cpu_seconds"], &pin["open_files"]), (&600.into(), &256.into()));
    // What is not said again stays.
    sandbox.ketch(&["provider", "trust", "twin_a", "--memory", "1GiB"]).ok();
    let pin = pins(&sandbox)["twin_a"].clone();
    assert_eq!((&pin["open_files"], &pin["memory"]), (&256.into(), &(1_u64 << 30).into()));
    // A provider of the installation is run as the user likes, too, but needs no trust.
    sandbox.ketch(&["provider", "trust", "local"]).fails(2);
    sandbox.ketch(&["provider", "trust", "local", "--isolation", "never"]).ok();
    assert_eq!(pins(&sandbox)["local"], serde_json::json!({"isolation": "never"}));
    sandbox.ketch(&["provider", "trust", "nobody"]).fails(3);
}

#[test]
fn a_damaged_lock_file_stops_third_parties_only_and_is_kept() {
    let sandbox = Sandbox::new();
    drop_plugin(&sandbox, "twin_a", "a.so");
    assert_eq!(state_of(&sandbox, "a.so").0, "ready");
    fs::write(lock_file(&sandbox), "{ not json").unwrap();
    let (state, reason) = state_of(&sandbox, "a.so");
    assert_eq!(state, "changed");
    assert!(reason.contains("providers.lock.json") && reason.contains("mend"), "{reason}");
    assert_eq!(state_of(&sandbox, "libketch_provider_local.so").0, "ready");
    sandbox.ketch(&["provider", "trust", "twin_a"]).fails(8);
    assert_eq!(fs::read_to_string(lock_file(&sandbox)).unwrap(), "{ not json");
}

#[test]
fn on_a_terminal_a_changed_file_is_asked_about_once() {
    let sandbox = Sandbox::new();
    let file = drop_plugin(&sandbox, "twin_a", "a.so");
    assert_eq!(state_of(&sandbox, "a.so").0, "ready");
    let asked = |answer| {
        let text = on_terminal(&mut sandbox.command(&["backends"]), Some(answer));
        (text.contains("use it? [y/N]"), text.contains("twin_a/common"))
    };
    assert_eq!(asked("y\n"), (false, true), "nothing changed yet");
    change(&file);
    // Off a terminal, and for programs, nobody is asked.
    assert!(!finish(&mut sandbox.command(&["backends"])).stderr.contains("use it?"));
    let json = on_terminal(&mut sandbox.command(&["backends", "--json"]), Some("y\n"));
    assert!(!json.contains("use it?"), "{json}");
    assert_eq!(asked("n\n"), (true, false));
    assert_eq!(asked("y\n"), (false, false), "asked once");
    change(&file);
    assert_eq!(asked("y\n"), (true, true), "another file, another question");
    assert_eq!(asked("n\n"), (false, true));
    assert_eq!(state_of(&sandbox, "a.so").0, "ready");
}
