//! Plugins that come and go, and what is remembered of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ketch::{Registry, SearchPath, State};
use serde_json::Value;

use crate::{
    plugins::{drop_plugin, state_of},
    sandbox::{Run, Sandbox, built, finish, local_plugin},
};

/// A hundred plugins with an id each, that leave a mark whenever one is loaded.
struct Hundred {
    sandbox: Sandbox,
}

impl Hundred {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let plugin = fs::read(built("examples/libmarks.so")).unwrap();
        let places: Vec<usize> = find(&plugin, b"marks-0000").collect();
        assert!(places.len() >= 2, "in the manifest and in the code: {places:?}");
        for number in 0..100 {
            let mut copy = plugin.clone();
            let id = format!("marks-{number:04}");
            for &place in &places {
                copy[place..place + id.len()].copy_from_slice(id.as_bytes());
            }
            fs::write(sandbox.user_plugins().join(format!("{id}.so")), copy).unwrap();
        }
        Self { sandbox }
    }

    fn marks(&self) -> usize {
        fs::read(self.sandbox.path("marks")).map_or(0, |marks| marks.len())
    }

    /// A run that says which libraries the system's loader initialises.
    fn ketch(&self, arguments: &[&str]) -> Run {
        let mut command = self.sandbox.command(arguments);
        let marks = self.sandbox.path("marks");
        finish(command.env("KETCH_TEST_MARKS", marks).env("LD_DEBUG", "files"))
    }
}

fn find<'a>(bytes: &'a [u8], part: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let starts = bytes.windows(part.len()).enumerate();
    starts.filter(move |(_, window)| *window == part).map(|(place, _)| place)
}

/// How many plugins the loader has initialised in the process of `ketch` itself: they are loaded
/// from descriptors.
fn initialised(run: &Run) -> usize {
    run.stderr.matches("calling init: /proc/self/fd/").count()
}

fn names(run: Run) -> Vec<String> {
    let document = run.json();
    assert_eq!(document["problems"], serde_json::json!([]));
    let backends = document["backends"].as_array().unwrap().iter();
    backends.map(|backend| backend["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_of_a_hundred_plugins_loads_none_of_them_twice() {
    let hundred = Hundred::new();
    let cold = hundred.ketch(&["backends", "--json"]);
    let (marks, in_process) = (hundred.marks(), initialised(&cold));
    assert_eq!(marks, 100, "each was loaded once, to be asked");
    assert!(in_process >= 3, "so were those of the installation: {in_process}");
    let cold = names(cold);
    assert_eq!(cold.iter().filter(|name| name.starts_with("marks-")).count(), 100);
    assert_eq!(cold.iter().filter(|name| name.starts_with("local/")).count(), 3);

    for arguments in [&["backends", "--json"][..], &["backends", "--json", "simulator=true"]] {
        let warm = hundred.ketch(arguments);
        assert_eq!((hundred.marks(), initialised(&warm)), (marks, 0), "{arguments:?}");
        let warm = names(warm);
        assert_eq!(warm.iter().filter(|name| name.starts_with("marks-")).count(), 100);
        assert_eq!(warm, cold);
    }
    // To run on one of them, that one is loaded and no other.
    hundred.ketch(&["backend", "marks-0042/common"]).ok();
    assert_eq!(hundred.marks(), marks + 1);
}

#[test]
fn status_and_queue_are_shown_where_they_are_known() {
    let sandbox = Sandbox::new();
    drop_plugin(&sandbox, "twin_a", "a.so");
    let status = |arguments: &[&str], name: &str| -> (Value, Value) {
        let document = sandbox.ketch(&[&["backends", "--json"], arguments].concat()).json();
        let mut backends = document["backends"].as_array().unwrap().iter();
        let one = backends.find(|one| one["name"] == name).unwrap();
        (one["status_msg"].clone(), one["pending_jobs"].clone())
    };
    for _ in 0..2 {
        assert_eq!(status(&[], "local/qasm_simulator"), ("active".into(), 0.into()));
        assert_eq!(status(&[], "twin_a/common"), (Value::Null, Value::Null));
        assert_eq!(status(&["--live"], "twin_a/common"), (Value::Null, Value::Null));
    }
    let table = sandbox.ketch(&["backends"]).ok();
    let line = table.lines().find(|line| line.starts_with("twin_a/common")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[3..5], ["-", "-"], "{table}");
    // A filter on the status asks, and what cannot say is a problem and no backend.
    let document = sandbox.ketch(&["backends", "--json", "operational=true"]).json();
    let names = document["backends"].as_array().unwrap().iter().map(|one| &one["name"]);
    assert!(names.clone().any(|name| name == "local/qasm_simulator"));
    assert!(!names.into_iter().any(|name| name == "twin_a/common"));
    assert_eq!(document["problems"].as_array().unwrap().len(), 1, "{document}");
}

#[test]
fn what_a_list_is_made_from_is_looked_at_each_time() {
    let sandbox = Sandbox::new();
    let listed = || sandbox.ketch(&["backends"]).ok();
    assert!(!listed().contains("noisy/mine"));
    let devices = sandbox.path("data/ketch/devices");
    fs::create_dir_all(&devices).unwrap();
    let document = sandbox.ketch(&["backend", "noisy/ibmqx4", "--json"]).json();
    let mut device = serde_json::json!({
        "configuration": document["configuration"],
        "properties": document["properties"],
    });
    for part in ["configuration", "properties"] {
        device[part]["backend_name"] = "mine".into();
    }
    fs::write(devices.join("mine.json"), device.to_string()).unwrap();
    let with = listed();
    assert!(with.contains("noisy/mine"), "{with}");
    assert!(listed().contains("noisy/mine"));
    fs::remove_file(devices.join("mine.json")).unwrap();
    assert!(!listed().contains("noisy/mine"));
}

#[test]
fn a_cache_that_is_damaged_or_cannot_be_written_does_no_harm() {
    let sandbox = Sandbox::new();
    drop_plugin(&sandbox, "twin_a", "a.so");
    let cache = sandbox.path("cache/ketch/plugins.json");
    let listed = sandbox.ketch(&["backends"]).ok();
    let good = fs::read_to_string(&cache).unwrap();
    for text in ["", "{", "[]", &good[..good.len() / 2], &good.replace("common", "\\ud800")] {
        fs::write(&cache, text).unwrap();
        assert_eq!(sandbox.ketch(&["backends"]).ok(), listed, "after {text:.60}");
        let document: Value = serde_json::from_str(&fs::read_to_string(&cache).unwrap()).unwrap();
        assert_eq!(document["schema"], "ketch.plugin_cache/1");
    }
    fs::remove_file(&cache).unwrap();
    fs::create_dir(&cache).unwrap();
    assert_eq!(sandbox.ketch(&["backends"]).ok(), listed);
}

#[test]
fn the_steps_and_their_times_are_shown() {
    let sandbox = Sandbox::new();
    drop_plugin(&sandbox, "twin_a", "a.so");
    for _ in 0..2 {
        let why = sandbox.ketch(&["providers", "--why"]).ok();
        let head = format!("\n{}\n", sandbox.user_plugins().join("a.so").display());
        let steps = why.split(&head).nth(1).unwrap_or_else(|| panic!("`{head}` in {why}"));
        let steps = steps.split("\n\n").next().unwrap();
        let found: Vec<&str> =
            steps.lines().map(|line| line.trim().split("  ").next().unwrap()).collect();
        let mut expected = ["file kind", "manifest", "abi", "permissions", "id", "lock", "probe"];
        // What is new is pinned last.
        expected[5..].sort_by_key(|name| found.iter().position(|step| step == name));
        assert_eq!(found, expected, "{why}");
        for step in ["file kind", "probe"] {
            let line = steps.lines().find(|line| line.trim().starts_with(step)).unwrap();
            assert!(line.ends_with(" ms)") || line.ends_with(" s)"), "{line}");
        }
        assert!(steps.contains("1 backend"), "{steps}");
    }
    let document = sandbox.ketch(&["providers", "--json"]).json();
    let one = |name: &str| {
        let mut providers = document["providers"].as_array().unwrap().iter();
        providers.find(|one| one["id"] == name).unwrap().clone()
    };
    assert_eq!(one("local")["isolation"], "in process");
    assert_eq!(
        (&one("twin_a")["state"], &one("twin_a")["version"]),
        (&"ready".into(), &"0.1.0".into())
    );
}

#[test]
fn relative_directories_are_told_and_never_searched() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("work/lib")).unwrap();
    fs::copy(built("examples/libtwin_a.so"), sandbox.path("work/lib/a.so")).unwrap();
    fs::copy(built("examples/libtwin_b.so"), sandbox.user_plugins().join("b.so")).unwrap();
    let list = format!("lib::{}:./lib", sandbox.user_plugins().display());
    let mut command = sandbox.command(&["backends"]);
    let run = finish(command.env("KETCH_PLUGIN_PATH", &list));
    for name in ["`lib`", "`./lib`"] {
        let line = format!("KETCH_PLUGIN_PATH: {name} is ignored");
        assert_eq!(run.stderr.matches(&line).count(), 1, "{}", run.stderr);
    }
    let listed = run.ok();
    assert!(!listed.contains("twin_a/") && listed.contains("twin_b/"), "{listed}");
    let mut command = sandbox.command(&["providers", "--json"]);
    let document = finish(command.env("KETCH_PLUGIN_PATH", &list)).json();
    assert_eq!(document["ignored"].as_array().unwrap().len(), 2);
}

/// A registry of one directory, in this process.
struct Watched {
    directory: tempfile::TempDir,
    registry: Registry,
}

impl Watched {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::discover(&SearchPath::only([directory.path().to_owned()]));
        Self { directory, registry }
    }

    fn put(&self, plugin: &Path, name: &str) -> PathBuf {
        let to = self.directory.path().join(name);
        fs::copy(plugin, &to).unwrap();
        to
    }
}

#[test]
fn files_that_come_change_and_go_are_noticed() {
    let watched = Watched::new();
    let ids = || watched.registry.provider_ids();
    assert_eq!(ids(), [""; 0]);
    let twin_a = built("examples/libtwin_a.so");
    let first = watched.put(&twin_a, "one.so");
    assert_eq!(ids(), ["twin_a"]);
    // In place, under another id.
    watched.put(&built("examples/libtwin_b.so"), "one.so");
    assert_eq!(ids(), ["twin_b"]);
    // By a rename, as careful programs do it.
    let beside = watched.put(&twin_a, "new");
    fs::rename(beside, &first).unwrap();
    assert_eq!(ids(), ["twin_a"]);
    // A second one of the same id waits its turn.
    watched.put(&twin_a, "two.so");
    assert_eq!(ids(), ["twin_a"]);
    let states = || -> Vec<bool> {
        let candidates = watched.registry.candidates();
        candidates.iter().map(|one| matches!(one.state, State::Ready)).collect()
    };
    assert_eq!(states(), [true, false]);
    fs::remove_file(&first).unwrap();
    assert_eq!((ids(), states()), (vec!["twin_a".to_owned()], vec![true]));
    fs::write(watched.directory.path().join("two.so"), "text").unwrap();
    assert_eq!((ids(), states()), (vec![], vec![false]));
    let error = watched.registry.provider("twin_a").err().unwrap();
    assert_eq!(error.code(), "plugin.none_found");
}

#[test]
fn a_provider_that_was_handed_out_goes_on_when_its_file_is_replaced() {
    let watched = Watched::new();
    let file = watched.put(&local_plugin(), "local.so");
    let provider = watched.registry.provider("local").unwrap();
    let again = watched.registry.provider("local").unwrap();
    assert!(std::sync::Arc::ptr_eq(&provider, &again), "one file, one provider");
    fs::remove_file(&file).unwrap();
    assert!(watched.registry.provider("local").is_err());
    assert!(provider.get_backend("qasm_simulator").is_ok());
    watched.put(&local_plugin(), "local.so");
    assert!(watched.registry.provider("local").is_ok());
}

#[test]
fn a_changed_manifest_beside_a_library_is_noticed() {
    let sandbox = Sandbox::new();
    let file = drop_plugin(&sandbox, "twin_a", "a.so");
    assert_eq!(state_of(&sandbox, "a.so").0, "ready");
    let description = || {
        let document = sandbox.ketch(&["providers", "--json"]).json();
        let mut providers = document["providers"].as_array().unwrap().iter();
        providers.find(|one| one["id"] == "twin_a").unwrap()["description"].clone()
    };
    let before = description();
    fs::write(file.with_extension("json"), r#"{"description":"another"}"#).unwrap();
    assert_eq!((description(), before == "another"), ("another".into(), false));
    fs::remove_file(file.with_extension("json")).unwrap();
    assert_eq!(description(), before);
}
