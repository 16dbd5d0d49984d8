//! What people see on a terminal, with a real one (a pseudo terminal) in between.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Command, Stdio},
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::sandbox::{Sandbox, example};

/// What a command shows on a terminal of 80 columns.
fn shown(command: &mut Command) -> String {
    on_terminal(command, None)
}

/// What a command shows on a terminal, where somebody types these lines if it asks.
pub(crate) fn on_terminal(command: &mut Command, typed: Option<&str>) -> String {
    // A plugin of another test that writes to whatever it finds open must not find this.
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let side = File::options().read(true).write(true).open(name).unwrap();
    let mut terminal = File::from(terminal);
    if let Some(typed) = typed {
        command.stdin(Stdio::from(side.try_clone().unwrap()));
        // The terminal keeps it until it is read.
        terminal.write_all(typed.as_bytes()).unwrap();
    }
    let mut child = command
        .stdout(Stdio::from(side.try_clone().unwrap()))
        .stderr(Stdio::from(side))
        .spawn()
        .unwrap();
    // The command keeps a copy of each descriptor; only once all are closed the reading ends.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut text = Vec::new();
    let mut part = [0; 4096];
    // Linux reports an error, and no end of file, when the other side is closed.
    while let Ok(length @ 1..) = terminal.read(&mut part) {
        text.extend_from_slice(&part[..length]);
    }
    let (status, text) = (child.wait().unwrap(), String::from_utf8(text).unwrap());
    assert!(status.success(), "{status}: {text}");
    text
}

#[test]
fn counts_have_bars_and_colours_are_optional() {
    let sandbox = Sandbox::new();
    let arguments = ["run", &example("bell.qasm"), "--seed", "1"];
    let colourful = shown(&mut sandbox.command(&arguments));
    assert!(colourful.contains('█'), "{colourful}");
    let plain = shown(sandbox.command(&arguments).env("NO_COLOR", "1"));
    assert!(plain.contains('█') && !plain.contains("\u{1b}["), "{plain}");
    let dumb = shown(sandbox.command(&arguments).env("TERM", "dumb"));
    assert!(!dumb.contains("\u{1b}["), "{dumb}");

    let listed = shown(&mut sandbox.command(&["backends"]));
    assert!(listed.contains("\u{1b}[1m"), "a bold head: {listed}");
    let listed = shown(sandbox.command(&["backends"]).env("NO_COLOR", "1"));
    assert!(!listed.contains('\u{1b}'), "{listed}");
}

#[test]
fn a_single_experiment_has_a_bar_that_moves() {
    let sandbox = Sandbox::new();
    // A second of work and more: the line comes after half of one.
    let layer = "rx(0.3) q;\n".to_owned()
        + &(1..18).map(|q| format!("cx q[{}],q[{q}];\n", q - 1)).collect::<String>();
    let circuit =
        format!("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[18];\n{}", layer.repeat(400));
    sandbox.write("deep.qasm", circuit);
    let run = ["run", "deep.qasm", "-b", "local/statevector_simulator", "--threads", "1"];
    let shown = shown(&mut sandbox.command(&run));
    let percents =
        shown.split(" %").filter_map(|text| text.rsplit(' ').next()?.parse::<u32>().ok());
    let percents: Vec<u32> = percents.filter(|percent| (1..100).contains(percent)).collect();
    assert!(percents.len() >= 2 && percents.is_sorted(), "{percents:?}");
    assert!(shown.contains("running… "), "{shown}");
}
