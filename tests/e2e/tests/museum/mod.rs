//! A museum of bad plugins: files that are none, libraries that are damaged, plugins that
//! misbehave. Each is refused or contained with one clear line, and a good neighbour still runs a
//! circuit.

mod answers;
mod calls;
mod elf;
mod files;
mod flips;
mod libraries;
mod starts;

use std::{fs, path::Path, process::Command, sync::mpsc, thread, time::Duration};

use ketch::{Isolation, Limits, Registry, SearchPath};
use serde_json::Value;

use self::elf::Elf;
use crate::sandbox::{Run, Sandbox, built, example, finish};

/// No command may take longer, whatever lies in the plugin directories.
const PATIENCE: Duration = Duration::from_secs(120);

/// A thing nobody should load.
struct Exhibit {
    /// What it is, and the name of its file, without `.so`.
    name: &'static str,
    /// How the line about it begins, behind the file's name.
    says: &'static str,
    /// Puts it into place.
    make: fn(&Path, &Elf),
}

/// The good plugin that the damaged ones are made of: `template/basis_simulator`.
fn good() -> Elf {
    Elf::read(&built("examples/libsteady.so")).stripped()
}

/// The plugins of a directory, each in a process of its own, by somebody who does not wait long.
fn impatient(directory: &Path) -> Registry {
    let mut limits = Limits::default();
    limits.answer = Duration::from_millis(1500);
    limits.start = Duration::from_secs(4);
    limits.memory = Some(1 << 30);
    let search_path = SearchPath::only([directory.to_owned()]);
    Registry::discover(&search_path).with_isolation(Isolation::Always).with_limits(limits)
}

/// Runs a command to its end, which must come.
#[track_caller]
fn ends(mut command: Command) -> Run {
    let (told, ended) = mpsc::channel();
    let text = format!("{command:?}");
    thread::spawn(move || told.send(finish(&mut command)));
    ended.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no end of {text}"))
}

/// Shows the exhibits in one directory, the good plugin among them, and looks at what is said.
fn show(exhibits: &[Exhibit]) {
    let sandbox = Sandbox::new();
    let directory = sandbox.user_plugins();
    let good = good();
    for Exhibit { name, make, .. } in exhibits {
        make(&directory.join(format!("{name}.so")), &good);
    }
    good.write(&directory.join("good.so"));

    let run = ends(sandbox.command(&["providers", "--json"])).json();
    let said = run["providers"].as_array().unwrap();
    let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let mut wrong = Vec::new();
    for Exhibit { name, says, .. } in exhibits {
        let path = directory.join(format!("{name}.so")).to_string_lossy().into_owned();
        let found: Vec<&Value> = said.iter().filter(|one| one["path"] == path.as_str()).collect();
        let &[one] = found.as_slice() else { panic!("{name}: {} lines", found.len()) };
        let (state, reason) = (text(one, "state"), text(one, "reason"));
        let expected = format!("{path}: {says}").replace(|c: char| c.is_control(), " ");
        let one_line = reason.len() < 2000 && !reason.contains(char::is_control);
        if state == "ready" || !reason.starts_with(&expected) || !one_line {
            wrong.push(format!("{name}: {state}: {reason}\n  expected {says}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    neighbours_work(&sandbox);
}

/// The simulator of the installation and the plugin beside the bad ones run circuits.
#[track_caller]
fn neighbours_work(sandbox: &Sandbox) {
    let run = ends(sandbox.command(&["run", &example("bell.qasm"), "--json"])).json();
    assert_eq!(run["status"], "DONE");
    let flip = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[2];\ncreg c[2];\n";
    let flip = format!("{flip}x q[1];\nmeasure q -> c;\n");
    fs::write(sandbox.path("work/flip.qasm"), flip).unwrap();
    let run = ["run", "flip.qasm", "--backend", "template/basis_simulator", "--shots", "7"];
    let text = ends(sandbox.command(&run)).ok();
    assert!(text.contains("10") && text.contains('7'), "{text}");
}

#[test]
fn it_has_many_kinds() {
    let exhibits = files::EXHIBITS.iter().chain(libraries::EXHIBITS);
    let mut names: Vec<&str> = exhibits.map(|exhibit| exhibit.name).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "each kind has a name of its own");
    assert!(all >= 60, "{all}");
}
