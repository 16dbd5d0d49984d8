//! Accounts, as a user keeps them.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::sandbox::Sandbox;

const SECRET: &str = "s3cr3t-t0k3n";

#[test]
fn an_account_is_kept_used_and_forgotten_without_showing_its_token() {
    let sandbox = Sandbox::new();
    let saved = sandbox.ketch_reading(&["account", "save", "lab", "--hub", "h"], SECRET);
    assert!(saved.stderr.contains("saved account `lab`"), "{saved:?}");
    let file = sandbox.path("config/ketch/accounts.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&file).unwrap().contains(SECRET));

    let mut shown = format!("{}{}", saved.stdout, saved.stderr);
    let list = sandbox.ketch(&["account", "list", "--json"]).json();
    assert_eq!(list["accounts"][0]["name"], "lab");
    assert_eq!(list["accounts"][0]["settings"]["hub"], "h");
    shown.push_str(&list.to_string());
    let twice = sandbox.ketch_reading(&["account", "save", "lab"], "another").fails(2);
    assert!(twice.contains("exists already") && twice.contains("--overwrite"), "{twice}");
    for (action, state) in [("disable", "disabled"), ("enable", "enabled")] {
        shown.push_str(&sandbox.ketch(&["account", action, "lab"]).stderr);
        let list = sandbox.ketch(&["account", "list"]).ok();
        assert!(list.contains(&format!("lab   ibmq      {state}")), "{list}");
        shown.push_str(&list);
    }
    sandbox.ketch(&["account", "delete", "lab"]).ok();
    let gone = sandbox.ketch(&["account", "delete", "lab"]).fails(3);
    assert!(!shown.contains(SECRET) && !gone.contains(SECRET), "{shown}");
}

#[test]
fn bad_saves_harm_nothing() {
    let sandbox = Sandbox::new();
    sandbox.ketch_reading(&["account", "save", "good"], SECRET).ok();
    let before = fs::read(sandbox.path("config/ketch/accounts.json")).unwrap();
    assert!(sandbox.ketch_reading(&["account", "save", "x"], " \n").fails(2).contains("is empty"));
    assert!(sandbox.ketch_reading(&["account", "save", "a b"], "t").fails(2).contains("no name"));
    let keyring = sandbox.ketch_reading(&["account", "save", "k", "--keyring"], "t").fails(1);
    assert!(keyring.contains("--features keyring"), "{keyring}");
    sandbox.write("qiskitrc", "[ibmq]\nnonsense\n");
    let import = sandbox.ketch(&["account", "import", "--qiskitrc", "qiskitrc"]).fails(9);
    assert!(import.contains("line 2"), "{import}");
    assert_eq!(fs::read(sandbox.path("config/ketch/accounts.json")).unwrap(), before);
}

#[test]
fn an_exposed_file_is_not_used_and_other_commands_go_on() {
    let sandbox = Sandbox::new();
    sandbox.ketch_reading(&["account", "save", "good"], SECRET).ok();
    let file = sandbox.path("config/ketch/accounts.json");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let listed = sandbox.ketch(&["account", "list"]).fails(1);
    assert!(listed.contains("can be read by others") && listed.contains("chmod 600"), "{listed}");
    let backends = sandbox.ketch(&["backends"]);
    assert!(backends.stderr.contains("warning: not every account is used"), "{backends:?}");
    assert!(backends.ok().contains("local/qasm_simulator"));
}
