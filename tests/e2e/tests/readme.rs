//! What the README shows works as it stands there.

use std::{fs, path::Path, process::Command};

use crate::sandbox::{Sandbox, finish, repository};

fn readme() -> String {
    fs::read_to_string(repository("README.md")).unwrap()
}

/// The commands in the README's blocks of text: lines that begin with `ketch `, without what
/// follows two spaces.
fn commands(readme: &str) -> Vec<&str> {
    let lines = readme.lines().filter(|line| line.starts_with("ketch "));
    lines.map(|line| line.split("  ").next().unwrap_or(line)).collect()
}

#[test]
fn every_command_of_the_readme_runs() {
    let sandbox = Sandbox::new();
    let files = [
        ("bell.qasm", "bell.qasm"),
        ("circuit.qasm", "qft.qasm"),
        ("a.qasm", "ghz.qasm"),
        ("b.qasm", "teleport.qasm"),
        ("qobj.json", "bell.json"),
    ];
    for (name, example) in files {
        sandbox.write(name, fs::read(repository("examples").join(example)).unwrap());
    }
    let readme = readme();
    let commands = commands(&readme);
    assert!(commands.len() >= 10, "{commands:?}");
    for command in commands {
        let ketch = sandbox.command::<&str>(&[]);
        let directory = Path::new(ketch.get_program()).parent().unwrap();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-euc", command]).env_clear().env("PATH", directory);
        for (name, value) in ketch.get_envs() {
            shell.env(name, value.unwrap());
        }
        shell.current_dir(ketch.get_current_dir().unwrap());
        let run = finish(&mut shell);
        assert_eq!(run.exit, Some(0), "{command}: {run:?}");
        assert!(!run.stdout.is_empty(), "{command} prints nothing");
    }
}

#[test]
fn the_program_in_the_readme_is_an_example() {
    let example = fs::read_to_string(repository("examples/bell.rs")).unwrap();
    let body = example.split_once("use ketch").map_or("", |(_, body)| body);
    assert!(!body.is_empty() && readme().contains(body.trim_end()), "{body}");
}
