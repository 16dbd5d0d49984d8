//! [`Lab`]: devices that the system's compiler makes of `tests/device.c`, and what runs on them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use ketch_core::{
    Backend, BackendExt, Circuit, Error, Host, Provider, Qobj, RunOptions, RunResult,
};
use ketch_provider_qdmi::QdmiProvider;

pub(crate) const NEW: &[&str] = &["-DVERSION=\"1.4.0\""];
pub(crate) const OLD: &[&str] = &["-DVERSION=\"1.3.2\"", "-DOLD"];
pub(crate) const ALIKE: &[&str] = &["-DVERSION=\"1.4.0\"", "-DALIKE"];
pub(crate) const OLD_ALIKE: &[&str] = &["-DVERSION=\"1.3.2\"", "-DOLD", "-DALIKE"];

/// Longer than any job here takes.
pub(crate) const LONG: Option<Duration> = Some(Duration::from_secs(60));

/// A device's library and a manifest of it in a directory.
pub(crate) struct Lab {
    pub(crate) directory: tempfile::TempDir,
}

impl Lab {
    /// Builds the device, with a backend for each of these modes; the mode is its name.
    pub(crate) fn new(defines: &[&str], modes: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/device.c");
        let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        compiler.args(["-std=c11", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]);
        compiler.arg("-DPREFIX=FAKE").args(defines).arg("-o").arg(directory.path().join("fake.so"));
        let built = compiler.arg(source).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let device = |mode: &&str| {
            format!(
                r#"{{"id": "{mode}", "library": "fake.so", "prefix": "FAKE",
                     "session": {{"custom1": "{mode}"}}}}"#
            )
        };
        let devices: Vec<String> = modes.iter().map(device).collect();
        let devices = devices.join(",");
        let manifest = format!(r#"{{"schema-version": 1, "qdmi": {{"devices": [{devices}]}}}}"#);
        fs::write(directory.path().join("fake.qdmi.json"), manifest).unwrap();
        Self { directory }
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.directory.path().join("fake.so")
    }

    pub(crate) fn provider(&self) -> QdmiProvider {
        QdmiProvider::with_places(Host::none(), vec![self.directory.path().to_owned()])
    }

    pub(crate) fn backend(&self, mode: &str) -> Arc<dyn Backend> {
        self.provider().get_backend(mode).unwrap()
    }
}

/// Flips qubit 1 and, by it, qubit 2, and measures both.
pub(crate) fn circuit() -> Circuit {
    Circuit::new(3, 3).named("flips").x(1).cx(1, 2).measure(1, 0).measure(2, 2)
}

pub(crate) fn run(backend: &dyn Backend, qobj: Qobj) -> RunResult {
    backend.run_and_wait(qobj, LONG).unwrap()
}

pub(crate) fn refusal(backend: &dyn Backend, circuit: Circuit) -> Error {
    backend.run(Qobj::from_circuit(circuit), RunOptions::default()).err().unwrap()
}
