//! Whose files plugins are, with real owners: these tests act for other users, which only root
//! can. For anybody else the rules are tested on facts, in the registry's own tests.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::sandbox::{Run, Sandbox, built, finish, local_plugin};

/// Two users that are no one.
const ME: u32 = 54_001;
const OTHER: u32 = 54_002;

/// A user without a name, with a `ketch` and files of its own; `None` if this test may not act for
/// others.
struct Me {
    sandbox: Sandbox,
}

impl Me {
    fn new() -> Option<Self> {
        rustix::process::geteuid().is_root().then(|| {
            let sandbox = Sandbox::without_plugins();
            fs::copy(local_plugin(), sandbox.path("bin/libketch_provider_local.so")).unwrap();
            let me = Self { sandbox };
            me.give(&me.sandbox.path(""), ME);
            me
        })
    }

    /// Makes a file, or a directory with all in it, somebody's.
    fn give(&self, path: &Path, user: u32) {
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                self.give(&entry.unwrap().path(), user);
            }
        }
        chown(path, Some(user), Some(user)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(arguments);
        command.uid(ME).gid(ME);
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        finish(&mut self.command(arguments))
    }

    /// Copies a plugin as this user with umask 002, as many systems have it.
    fn drop_plugin(&self) -> PathBuf {
        let to = self.sandbox.user_plugins().join("twin_a.so");
        // What is built may lie where others cannot look.
        let from = self.sandbox.path("work/built.so");
        fs::copy(built("examples/libtwin_a.so"), &from).unwrap();
        self.give(&from, ME);
        let status = Command::new("sh")
            .args([
                "-c",
                "umask 002 && cat \"$1\" > \"$2\" && chmod g+w \"$(dirname \"$2\")\"",
                "-",
            ])
            .args([&from, &to])
            .current_dir("/")
            .uid(ME)
            .gid(ME)
            .status()
            .unwrap();
        assert!(status.success());
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o664);
        to
    }

    fn state_of(&self, file: &Path) -> (String, String) {
        let document = self.run(&["providers", "--json"]).json();
        let mut providers = document["providers"].as_array().unwrap().iter();
        let one = providers.find(|one| one["path"] == file.to_str().unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&one["state"]), text(&one["reason"]))
    }
}

#[test]
fn with_umask_002_the_own_group_may_write_and_a_shared_one_may_not() {
    let Some(me) = Me::new() else { return };
    let file = me.drop_plugin();
    assert_eq!(me.state_of(&file), ("ready".to_owned(), String::new()));
    chown(&file, None, Some(OTHER)).unwrap();
    let (state, reason) = me.state_of(&file);
    assert_eq!(state, "refused");
    assert!(reason.contains("writable by a shared group") && reason.contains("chmod g-w"));
    chown(&file, None, Some(ME)).unwrap();
    // The directory as well: whoever may write there may put another file in its place.
    chown(me.sandbox.user_plugins(), None, Some(OTHER)).unwrap();
    let (state, reason) = me.state_of(&file);
    assert_eq!((state.as_str(), reason.contains("shared group")), ("refused", true), "{reason}");
}

#[test]
fn files_of_others_are_refused_and_those_of_root_are_not() {
    let Some(me) = Me::new() else { return };
    let file = me.drop_plugin();
    chown(&file, Some(OTHER), Some(OTHER)).unwrap();
    let (state, reason) = me.state_of(&file);
    assert_eq!(state, "refused");
    assert!(reason.contains(&format!("owned by user {OTHER}")), "{reason}");
    chown(&file, Some(0), Some(0)).unwrap();
    assert_eq!(me.state_of(&file).0, "ready");
    // So is the manifest beside it, which may change what the plugin says of itself.
    let beside = file.with_extension("json");
    fs::write(&beside, r#"{"description":"changed"}"#).unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o666)).unwrap();
    let (state, reason) = me.state_of(&file);
    assert_eq!((state.as_str(), reason.contains("twin_a.json")), ("refused", true), "{reason}");
}

#[test]
fn beside_the_executable_a_foreign_owner_is_a_warning() {
    let Some(me) = Me::new() else { return };
    let file = me.sandbox.path("bin/libketch_provider_local.so");
    me.give(&file, OTHER);
    assert_eq!(me.state_of(&file).0, "ready");
    let why = me.run(&["providers", "--why"]).ok();
    assert!(why.contains(&format!("warning: {} owned by user {OTHER}", file.display())), "{why}");
}

#[test]
fn under_raised_privileges_the_environment_names_nothing() {
    let Some(me) = Me::new() else { return };
    me.drop_plugin();
    let program = me.sandbox.path("bin/ketch");
    let flags = rustix::fs::statvfs(&program).unwrap().f_flag;
    if flags.contains(rustix::fs::StatVfsMountFlags::NOSUID) {
        return;
    }
    let searched = |command: &mut Command| {
        let directory = me.sandbox.user_plugins();
        let document = finish(command.env("KETCH_PLUGIN_PATH", directory)).json();
        let origins = document["searched"].as_array().unwrap().iter();
        let origins: Vec<String> =
            origins.map(|one| one["origin"].as_str().unwrap().to_owned()).collect();
        (origins, document["ignored"].clone())
    };
    let (origins, ignored) = searched(&mut me.command(&["providers", "--json"]));
    assert!(origins.iter().any(|origin| origin == "KETCH_PLUGIN_PATH"), "{origins:?}");
    assert!(origins.iter().any(|origin| origin == "user"), "{origins:?}");
    assert_eq!(ignored, serde_json::json!([]));

    // Now it runs as `ME` whoever starts it, and the one who does is another.
    fs::remove_dir_all(me.sandbox.path("cache")).unwrap();
    fs::remove_dir_all(me.sandbox.path("config")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    for user in [0, OTHER] {
        let mut command = me.sandbox.command(&["providers", "--json"]);
        let (origins, ignored) = searched(command.uid(user).gid(user).current_dir("/"));
        assert!(
            !origins.iter().any(|origin| origin == "KETCH_PLUGIN_PATH" || origin == "user"),
            "{origins:?}"
        );
        assert!(ignored[0].as_str().unwrap().contains("KETCH_PLUGIN_PATH"), "{ignored}");
        for records in ["cache", "config"] {
            assert!(!me.sandbox.path(records).exists(), "{records} as user {user}");
        }
    }
}
