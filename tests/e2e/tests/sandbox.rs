//! A place of its own for each test: `ketch` as it was built, and directories that nobody else uses.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tempfile::TempDir;

/// Held by tests that look at times, and by those that keep every processor busy for long.
static WHOLE_MACHINE: Mutex<()> = Mutex::new(());

/// Waits until no other test needs the machine for itself.
pub(crate) fn whole_machine() -> MutexGuard<'static, ()> {
    // A test that failed while it held the lock leaves nothing behind that matters here.
    WHOLE_MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A home, a plugin directory and a directory to run in.
pub(crate) struct Sandbox {
    directory: TempDir,
    ketch: PathBuf,
}

/// What a run of `ketch` came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    /// With the `ketch` beside which the plugins were built.
    pub(crate) fn new() -> Self {
        Self::with(built("ketch"))
    }

    /// With a `ketch` that has nothing beside it.
    pub(crate) fn without_plugins() -> Self {
        let mut sandbox = Self::with(built("ketch"));
        let bin = sandbox.path("bin");
        fs::create_dir(&bin).unwrap();
        // By another process: what another thread starts while this one has the copy open for writing
        // has it open too for a moment, and a file that is open for writing is not run.
        let copied = Command::new("cp").arg(built("ketch")).arg(&bin).status().unwrap();
        assert!(copied.success());
        sandbox.ketch = bin.join("ketch");
        sandbox
    }

    fn with(ketch: PathBuf) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = Self { directory, ketch };
        for name in ["home", "work"] {
            fs::create_dir(sandbox.path(name)).unwrap();
        }
        fs::create_dir_all(sandbox.user_plugins()).unwrap();
        sandbox
    }

    /// A path below the sandbox.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where the user drops plugins.
    pub(crate) fn user_plugins(&self) -> PathBuf {
        self.path("data/ketch/providers")
    }

    /// Writes a file into the directory that `ketch` runs in.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path("work").join(name), text).unwrap();
    }

    /// The text of a file in the directory that `ketch` runs in.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path("work").join(name)).unwrap()
    }

    /// `ketch` with nothing of the tester's own environment.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(&self.ketch);
        command
            .args(arguments)
            .current_dir(self.path("work"))
            .env_clear()
            .env("HOME", self.path("home"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .stdin(Stdio::null());
        command
    }

    /// Runs `ketch` to its end.
    pub(crate) fn ketch<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Run {
        finish(&mut self.command(arguments))
    }

    /// Runs `ketch` with a text on its standard input.
    pub(crate) fn ketch_reading<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        text: impl AsRef<[u8]>,
    ) -> Run {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_ref()).unwrap();
        child.wait_with_output().unwrap().into()
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Run {
    let program = command.get_program().to_owned();
    command.output().unwrap_or_else(|error| panic!("{}: {error}", program.display())).into()
}

impl From<std::process::Output> for Run {
    fn from(output: std::process::Output) -> Self {
        Self {
            exit: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// What was printed, after asserting that all went well.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.exit, Some(0), "{self:?}");
        self.stdout
    }

    /// The one document that was printed, after asserting that all went well.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// What was said on standard error, after asserting how the process ended.
    #[track_caller]
    pub(crate) fn fails(self, exit: i32) -> String {
        assert_eq!(self.exit, Some(exit), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self.stderr
    }
}

/// The folder of the profile that this test was built with.
pub(crate) fn profile() -> PathBuf {
    let executable = std::env::current_exe().unwrap();
    executable.parent().and_then(Path::parent).unwrap().to_owned()
}

/// Something that the build left behind, for example `ketch` or `examples/bell`.
pub(crate) fn built(name: &str) -> PathBuf {
    let path = profile().join(name);
    assert!(path.exists(), "{} is missing: run `cargo xtask test`", path.display());
    path
}

/// The plugin of the local simulators.
pub(crate) fn local_plugin() -> PathBuf {
    built("libketch_provider_local.so")
}

/// A file of this repository.
pub(crate) fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap().join(name)
}

/// A circuit file of the examples, as text for a command line.
pub(crate) fn example(name: &str) -> String {
    repository("examples").join(name).into_os_string().into_string().unwrap()
}
