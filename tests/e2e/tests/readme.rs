//! What the README shows works as it stands there.

use std::{fs, path::Path, process::Command};

use crate::{
    sandbox::{Run, Sandbox, finish, repository},
    service::{DEVICE, KEY, ReplayServer, save, without_secrets},
};

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
        let run = in_a_shell(&sandbox, command);
        assert_eq!(run.exit, Some(0), "{command}: {run:?}");
        assert!(!run.stdout.is_empty(), "{command} prints nothing");
    }
}

/// A line as it stands in the README, typed by the sandbox's user.
fn in_a_shell(sandbox: &Sandbox, line: &str) -> Run {
    let ketch = sandbox.command::<&str>(&[]);
    let directory = Path::new(ketch.get_program()).parent().unwrap();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-euc", line]).env_clear().env("PATH", directory);
    for (name, value) in ketch.get_envs() {
        shell.env(name, value.unwrap());
    }
    finish(shell.current_dir(ketch.get_current_dir().unwrap()))
}

#[test]
fn the_commands_for_a_remote_device_run_against_the_replay_server() {
    let server = ReplayServer::start();
    let sandbox = Sandbox::new();
    save(&sandbox, "lab", &server.url(), KEY);
    sandbox.write("bell.qasm", fs::read(repository("examples/bell.qasm")).unwrap());
    let readme = readme();
    let commands = readme.lines().filter_map(|line| line.strip_prefix("$ "));
    let commands = commands.filter(|line| line.starts_with("ketch ") && line.contains(DEVICE));
    let commands: Vec<&str> = commands.collect();
    assert!(commands.len() >= 3, "{commands:?}");
    for command in commands {
        let run = without_secrets(in_a_shell(&sandbox, command));
        assert_eq!(run.exit, Some(0), "{command}: {run:?}");
        // A shell does not say how those in the background ended: each must have printed.
        for part in command.split('&').filter(|part| part.contains("ketch")) {
            let backend = part.split_whitespace().find(|word| word.contains('/'));
            let backend = backend.unwrap_or("local/qasm_simulator");
            assert!(run.stdout.contains(backend), "{part}: {run:?}");
        }
    }
}

#[test]
fn the_program_in_the_readme_is_an_example() {
    let example = fs::read_to_string(repository("examples/bell.rs")).unwrap();
    let body = example.split_once("use ketch").map_or("", |(_, body)| body);
    assert!(!body.is_empty() && readme().contains(body.trim_end()), "{body}");
}
