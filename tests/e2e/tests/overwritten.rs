//! A plugin's file that is overwritten in place while a program uses it harms nobody.

use std::{fs, path::Path, process::Stdio, thread, time::Duration};

use ketch::{BackendExt, Circuit, Qobj, Registry, SearchPath};

use crate::sandbox::{Run, Sandbox, local_plugin};

/// Writes other bytes into the same file, as a careless build or copy does.
fn overwrite(file: &Path) {
    let length = fs::metadata(file).unwrap().len() as usize;
    // Opens, truncates and writes: no new file.
    fs::write(file, vec![0xcc; length / 2]).unwrap();
}

#[test]
fn a_loaded_plugin_does_not_notice() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("local.so");
    fs::copy(local_plugin(), &file).unwrap();
    let registry = Registry::discover(&SearchPath::only([directory.path().to_owned()]));
    // Loaded, but little of its code was run yet.
    let provider = registry.provider("local").unwrap();
    overwrite(&file);
    let backend = provider.get_backend("qasm_simulator").unwrap();
    let circuit = Circuit::new(12, 12).h(0).cx(0, 11).measure_all();
    let result = backend.run_and_wait(Qobj::from_circuit(circuit).with_shots(100), None).unwrap();
    assert_eq!(result.counts(0).unwrap().total(), 100);
}

#[test]
fn a_plugin_replaced_after_discovery_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("local.so");
    fs::copy(local_plugin(), &file).unwrap();
    let registry = Registry::discover(&SearchPath::only([directory.path().to_owned()]));
    overwrite(&file);
    let error = registry.provider("local").err().unwrap();
    // What it is now is no plugin, and which it was is not known any more.
    assert_eq!(error.code(), "plugin.none_found");
    assert!(error.hint().unwrap().contains("local.so: file kind: found"), "{error}");
}

#[test]
fn a_running_command_goes_on() {
    let sandbox = Sandbox::without_plugins();
    let file = sandbox.path("bin/libketch_provider_local.so");
    fs::copy(local_plugin(), &file).unwrap();
    let layer = "h q;\nbarrier q;\n".repeat(60);
    let head = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[18];\ncreg c[18];\n";
    sandbox.write("long.qasm", format!("{head}{layer}measure q -> c;\n"));
    let mut command = sandbox.command(&["run", "long.qasm", "--json", "--shots", "10"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let maps = format!("/proc/{}/maps", child.id());
    // Its private copy is mapped from the moment that it is loaded.
    while child.try_wait().unwrap().is_none() {
        if fs::read_to_string(&maps).is_ok_and(|maps| maps.contains("memfd:")) {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    overwrite(&file);
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!(run.json()["status"], "DONE");
}
