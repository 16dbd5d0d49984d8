//! A plugin on its way: checked, packed, installed, used, replaced, removed.

use std::fs;

use crate::sandbox::{Run, Sandbox, built, finish};

/// What lies where `ketch provider install` puts things.
fn installed(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.user_plugins()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn plugin(name: &str) -> String {
    built(&format!("examples/lib{name}.so")).into_os_string().into_string().unwrap()
}

/// A file that says it is the same provider as the example `steady`, with other bytes.
fn another_steady(sandbox: &Sandbox, name: &str) -> String {
    let mut bytes = fs::read(plugin("steady")).unwrap();
    // Behind everything that is read of a library.
    bytes.extend([0; 16]);
    sandbox.write(name, bytes);
    sandbox.path("work").join(name).into_os_string().into_string().unwrap()
}

/// Runs `ketch` with the directory `other` on the search path, before all others.
fn with_other(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    finish(sandbox.command(arguments).env("KETCH_PLUGIN_PATH", sandbox.path("work/other")))
}

#[test]
fn a_plugin_is_packed_installed_used_and_removed() {
    let sandbox = Sandbox::without_plugins();
    let steady = plugin("steady");
    let package = sandbox.ketch(&["provider", "pack", &steady]).ok().trim().to_owned();
    let bytes = fs::read(sandbox.path("work").join(&package)).unwrap();
    let again = sandbox.ketch(&["provider", "pack", &steady, "-o", "."]).ok();
    assert_eq!(again.trim(), package);
    assert_eq!(fs::read(sandbox.path("work").join(&package)).unwrap(), bytes, "the same bytes");

    let listed = sandbox.ketch(&["provider", "install", &package]).ok();
    assert!(listed.starts_with("template/"), "{listed}");
    assert_eq!(installed(&sandbox), ["libketch_provider_template.so"]);
    let backends = sandbox.ketch(&["backends"]).ok();
    assert!(backends.contains(listed.lines().next().unwrap()), "{backends}");
    let providers = sandbox.ketch(&["provider", "list", "--json"]).json();
    assert_eq!(providers["providers"][0]["state"], "ready", "{providers}");

    // The same once more changes nothing.
    assert_eq!(sandbox.ketch(&["provider", "install", &package]).ok(), listed);
    let removed = sandbox.ketch(&["provider", "remove", "template"]);
    assert!(removed.stderr.contains("libketch_provider_template.so"), "{removed:?}");
    assert!(!removed.stderr.contains("accounts"), "{removed:?}");
    assert_eq!(installed(&sandbox), [""; 0]);
    let said = sandbox.ketch(&["provider", "remove", "template"]).fails(3);
    assert!(said.contains("`template` is not installed"), "{said}");
}

#[test]
fn another_file_of_the_same_provider_needs_a_word() {
    let sandbox = Sandbox::without_plugins();
    let first = plugin("steady");
    another_steady(&sandbox, "steady.so");
    sandbox.ketch(&["provider", "install", &first]).ok();
    let said = sandbox.ketch(&["provider", "install", "steady.so"]).fails(2);
    assert!(
        said.contains("is installed with another file") && said.contains("--replace"),
        "{said}"
    );
    assert_eq!(
        fs::read(sandbox.user_plugins().join("libketch_provider_template.so")).unwrap(),
        fs::read(&first).unwrap(),
    );
    let replaced = sandbox.ketch(&["provider", "install", "steady.so", "--replace"]);
    assert!(replaced.stderr.starts_with("replaced provider `template`"), "{replaced:?}");
    let providers = sandbox.ketch(&["providers", "--json"]).json();
    assert_eq!(providers["providers"][0]["state"], "ready", "it is accepted: {providers}");
}

/// The file beside a library says how it is taken: another one is another plugin.
#[test]
fn another_file_beside_the_library_needs_a_word() {
    let sandbox = Sandbox::without_plugins();
    let library = fs::read(plugin("steady")).unwrap();
    let manifest = |version: &str| {
        serde_json::json!({
            "schema": "ketch.plugin/1", "id": "template", "version": version, "abi": 1,
            "target": "x86_64-linux",
        })
        .to_string()
    };
    for version in ["7.0.0", "8.0.0", "plain"] {
        fs::create_dir(sandbox.path("work").join(version)).unwrap();
        sandbox.write(&format!("{version}/steady.so"), &library);
    }
    for version in ["7.0.0", "8.0.0"] {
        sandbox.write(&format!("{version}/steady.json"), manifest(version));
    }
    let beside = sandbox.user_plugins().join("libketch_provider_template.json");
    let lies_there = || fs::read_to_string(&beside).ok();
    sandbox.ketch(&["provider", "install", "7.0.0/steady.so"]).ok();
    sandbox.ketch(&["provider", "install", "7.0.0/steady.so"]).ok();
    assert_eq!(lies_there(), Some(manifest("7.0.0")));
    for other in ["8.0.0/steady.so", "plain/steady.so"] {
        let said = sandbox.ketch(&["provider", "install", other]).fails(2);
        assert!(said.contains(beside.to_str().unwrap()) && said.contains("--replace"), "{said}");
        assert_eq!(lies_there(), Some(manifest("7.0.0")));
    }
    let replaced = sandbox.ketch(&["provider", "install", "8.0.0/steady.so", "--replace"]);
    assert!(replaced.stderr.starts_with("replaced provider `template` 8.0.0"), "{replaced:?}");
    assert_eq!(lies_there(), Some(manifest("8.0.0")));
    sandbox.ketch(&["provider", "install", "plain/steady.so", "--replace"]).ok();
    assert_eq!(lies_there(), None, "a plugin without such a file has none afterwards");
}

#[test]
fn what_cannot_be_forgotten_is_not_removed() {
    let sandbox = Sandbox::without_plugins();
    sandbox.ketch(&["provider", "install", &plugin("steady")]).ok();
    let lock = sandbox.path("config/ketch/providers.lock.json");
    let accepted = fs::read(&lock).unwrap();
    fs::write(&lock, "{").unwrap();
    let said = sandbox.ketch(&["provider", "remove", "template"]).fails(8);
    assert!(said.contains("`template` is not removed") && said.contains("lock file"), "{said}");
    assert!(!said.contains("in place"), "{said}");
    assert_eq!(installed(&sandbox), ["libketch_provider_template.so"]);
    fs::write(&lock, accepted).unwrap();
    sandbox.ketch(&["provider", "remove", "template"]).ok();
    assert_eq!(installed(&sandbox), [""; 0]);
}

#[test]
fn the_file_of_another_provider_is_not_written_over_without_a_word() {
    let sandbox = Sandbox::without_plugins();
    let place = sandbox.user_plugins().join("libketch_provider_template.so");
    fs::copy(plugin("panics"), &place).unwrap();
    let said = sandbox.ketch(&["provider", "install", &plugin("steady")]).fails(2);
    assert!(said.contains(place.to_str().unwrap()) && said.contains("--replace"), "{said}");
    assert_eq!(fs::read(&place).unwrap(), fs::read(plugin("panics")).unwrap());
    let replaced = sandbox.ketch(&["provider", "install", &plugin("steady"), "--replace"]);
    assert!(replaced.stderr.starts_with("replaced provider `template`"), "{replaced:?}");
    assert_eq!(fs::read(&place).unwrap(), fs::read(plugin("steady")).unwrap());
}

/// What is accepted is what was checked, not what is found first under the same id.
#[test]
fn the_file_that_was_installed_is_the_one_that_is_accepted() {
    let sandbox = Sandbox::without_plugins();
    fs::create_dir(sandbox.path("work/other")).unwrap();
    another_steady(&sandbox, "other/libketch_provider_template.so");
    with_other(&sandbox, &["provider", "install", &plugin("steady")]).ok();

    let lock = fs::read_to_string(sandbox.path("config/ketch/providers.lock.json")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    let placed = sandbox.user_plugins().join("libketch_provider_template.so");
    assert_eq!(lock["providers"]["template"]["file"], placed.to_str().unwrap());
    let of = |run: Run| run.json()["providers"].as_array().unwrap().clone();
    for providers in [
        of(with_other(&sandbox, &["providers", "--json"])),
        of(sandbox.ketch(&["providers", "--json"])),
    ] {
        let ready: Vec<_> = providers.iter().filter(|one| one["state"] == "ready").collect();
        assert_eq!(ready.len(), 1, "{providers:?}");
        assert_eq!(ready[0]["path"], placed.to_str().unwrap(), "{providers:?}");
    }
}

#[test]
fn accounts_that_outlive_their_provider_are_told() {
    let sandbox = Sandbox::without_plugins();
    for provider in ["template", "another"] {
        sandbox.ketch_reading(&["account", "save", "--provider", provider], "s3cr3t").ok();
    }
    sandbox.ketch(&["provider", "install", &plugin("steady")]).ok();
    let removed = sandbox.ketch(&["provider", "remove", "template"]);
    let (_, advice) = removed.stderr.split_once("still saved: `ketch ").unwrap();
    let arguments: Vec<&str> = advice.trim_end().trim_end_matches('`').split(' ').collect();
    sandbox.ketch(&arguments).ok();
    let left = sandbox.ketch(&["account", "list", "--json"]).json();
    assert_eq!(left["accounts"].as_array().unwrap().len(), 1, "{left}");
    assert_eq!(left["accounts"][0]["provider"], "another");
}

/// Removing one file does not open the way for a third one under the same id.
#[test]
fn what_was_accepted_of_another_file_stays_accepted() {
    let sandbox = Sandbox::without_plugins();
    fs::create_dir(sandbox.path("work/other")).unwrap();
    sandbox.ketch(&["provider", "install", &plugin("steady")]).ok();
    another_steady(&sandbox, "other/libketch_provider_template.so");
    let accepted = |name: &str| {
        let lock = fs::read_to_string(sandbox.path("config/ketch/providers.lock.json")).unwrap();
        let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
        lock["providers"].get("template").map(|pin| pin[name].clone())
    };
    with_other(&sandbox, &["provider", "trust", "template"]).ok();
    let file = accepted("file").unwrap();
    assert!(file.as_str().unwrap().contains("/other/"), "{file}");
    sandbox.ketch(&["provider", "remove", "template"]).ok();
    assert_eq!(accepted("file"), Some(file));

    sandbox.ketch(&["provider", "install", &plugin("steady")]).ok();
    sandbox.ketch(&["provider", "remove", "template"]).ok();
    assert_eq!(accepted("file"), None, "of the file that was removed");
}

#[test]
fn what_does_not_start_or_is_damaged_is_not_installed() {
    let sandbox = Sandbox::without_plugins();
    for (name, exit, expected) in [
        ("later_abi", 8, "abi: found ABI"),
        ("lying_abi", 8, "does not start"),
        ("misnamed", 8, "found a provider named `local`"),
    ] {
        let said = sandbox.ketch(&["provider", "install", &plugin(name)]).fails(exit);
        assert!(said.contains(expected), "{name}: {said}");
    }
    let package = sandbox.ketch(&["provider", "pack", &plugin("steady")]).ok();
    let mut bytes = fs::read(sandbox.path("work").join(package.trim())).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    sandbox.write("damaged.ketch", &bytes);
    let said = sandbox.ketch(&["provider", "install", "damaged.ketch"]).fails(9);
    assert!(said.contains("is no package to install"), "{said}");
    for arguments in [["install", "missing.ketch"], ["pack", "missing.so"]] {
        let said = sandbox.ketch(&[&["provider"], &arguments[..]].concat()).fails(3);
        assert!(said.contains("cannot read `") && said.contains(arguments[1]), "{said}");
    }
    sandbox.write("notes.txt", "read me");
    let said = sandbox.ketch(&["provider", "install", "notes.txt"]).fails(9);
    assert!(said.contains("neither a package nor a library"), "{said}");
    assert_eq!(installed(&sandbox), [""; 0], "nothing stays behind");
}

/// Nobody could install it.
#[test]
fn a_part_of_the_installation_is_not_packed() {
    let sandbox = Sandbox::without_plugins();
    let local = built("libketch_provider_local.so").into_os_string().into_string().unwrap();
    let said = sandbox.ketch(&["provider", "pack", &local]).fails(8);
    assert!(said.contains("the reserved id `local`"), "{said}");
    assert_eq!(fs::read_dir(sandbox.path("work")).unwrap().count(), 0);
}

#[test]
fn a_check_tells_what_is_broken_and_goes_on() {
    let sandbox = Sandbox::without_plugins();
    let arguments = ["provider", "check", &plugin("panics"), "--only", "discovery"];
    let run = sandbox.ketch(&arguments);
    assert_eq!(run.exit, Some(8), "{run:?}");
    let failed = "    FAILED  get_backend finds each backend: provider `panics` panicked";
    assert!(run.stdout.contains(failed), "{}", run.stdout);
    assert!(run.stdout.contains("\nNOT conformant: "), "{}", run.stdout);
    assert!(run.stdout.lines().all(|line| line.len() < 1000), "a line for each");

    let run = sandbox.ketch(&["provider", "check", &plugin("panics_early"), "--json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.exit, &report["failed"]), (Some(8), &1.into()), "{report}");
    let last = report["checks"].as_array().unwrap().last().unwrap();
    assert!(last["why"].as_str().unwrap().contains("no licence server"), "{report}");

    let said = sandbox.ketch(&["provider", "check", "missing.so"]).fails(3);
    assert!(said.contains("missing.so"), "{said}");
    let names = sandbox.ketch(&["provider", "check", "--names"]).ok();
    assert!(names.lines().count() >= 130, "{names}");
}

#[test]
fn a_check_that_would_ask_nothing_is_refused() {
    let sandbox = Sandbox::without_plugins();
    let steady = plugin("steady");
    for (arguments, expected) in [
        (&[steady.as_str(), "--only", "discovery", "--only", "discovry"][..], "`discovry`"),
        (&["--names", "--json"], "--json"),
        (&[steady.as_str(), "--time-limit", "0s"], "more than no time"),
    ] {
        let run = sandbox.ketch(&[&["provider", "check"], arguments].concat());
        assert!(!run.stdout.contains("conformant"), "{run:?}");
        let said = run.fails(2);
        assert!(said.contains(expected), "{said}");
        assert_eq!(said.contains("--names` lists them"), expected == "`discovry`", "{said}");
    }
}

#[test]
fn a_check_that_does_not_end_costs_no_other_its_answer() {
    let sandbox = Sandbox::without_plugins();
    let steady = plugin("steady");
    let arguments = ["provider", "check", &steady, "--json", "--time-limit", "1ms"];
    let report = sandbox.ketch(&arguments);
    let report: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
    let last = report["checks"].as_array().unwrap().last().unwrap();
    assert_eq!(last["why"], "it did not end within 1ms", "{report}");
}
