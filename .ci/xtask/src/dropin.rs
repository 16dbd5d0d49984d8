//! `cargo xtask dropin`: each plugin built alone, dropped into an empty directory, and used there.
//!
//! What a plugin needs is in its one file: nothing else of the build lies beside it, and the `ketch`
//! that loads it is a copy that has no plugins of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::build;
use crate::process::{output, root};

/// A provider whose plugin is dropped in, and the backend that runs a Bell pair there.
struct Row {
    provider: &'static str,
    backend: &'static str,
    /// The service that it needs: an example of the provider's crate.
    server: Option<&'static str>,
}

const PROVIDERS: &[Row] = &[
    Row { provider: "local", backend: "local/qasm_simulator", server: None },
    Row { provider: "noisy", backend: "noisy/ibmqx4", server: None },
    Row { provider: "ibmq", backend: "ibmq/fake_lima", server: Some("replay_server") },
];

/// The key that the server takes.
const KEY: &str = "key-that-must-stay-secret";

/// Builds `ketch`, then each plugin alone, and runs a Bell pair on each.
pub(crate) fn dropin() -> Result<()> {
    let program = build::one_program("ketch-cli", &[], "ketch")?;
    for row in PROVIDERS {
        drop_in(row, &program).with_context(|| format!("dropping in `{}`", row.provider))?;
    }
    Ok(())
}

fn drop_in(row: &Row, program: &Path) -> Result<()> {
    let package = format!("ketch-provider-{}", row.provider);
    let plugin = build::one_plugin(&package)?;

    let scratch = tempfile::tempdir().context("making a scratch directory")?;
    let user = User::new(scratch.path(), program)?;
    let name = plugin.file_name().context("the plugin has a name")?;
    fs::copy(&plugin, user.plugins.join(name)).context("copying the plugin")?;

    let server = row.server.map(|example| Server::start(&package, example)).transpose()?;
    if let Some(server) = &server {
        user.save_account(&server.url)?;
    }
    let listed = output(user.ketch().arg("backends"))?;
    print!("{listed}");
    let others = listed.lines().skip(1).filter(|line| !line.starts_with(row.provider));
    ensure!(others.count() == 0, "backends of other providers are listed");

    let bell = root().join("examples/bell.qasm");
    let counts = output(user.ketch().arg("run").arg(bell).args(["-b", row.backend]))?;
    print!("{counts}");
    ensure!(counts.contains(row.backend), "the Bell pair was not run on {}", row.backend);
    Ok(())
}

/// Somebody who has `ketch` and an empty plugin directory.
struct User<'a> {
    home: &'a Path,
    plugins: PathBuf,
    ketch: PathBuf,
}

impl<'a> User<'a> {
    fn new(home: &'a Path, program: &Path) -> Result<Self> {
        let (plugins, bin) = (home.join("plugins"), home.join("bin"));
        for directory in [&plugins, &bin] {
            fs::create_dir(directory).with_context(|| format!("making {}", directory.display()))?;
        }
        let ketch = bin.join("ketch");
        fs::copy(program, &ketch).context("copying `ketch`")?;
        Ok(Self { home, plugins, ketch })
    }

    /// `ketch` with that plugin directory and nothing of our own environment.
    fn ketch(&self) -> Command {
        let mut command = Command::new(&self.ketch);
        command
            .arg("--plugin-dir")
            .arg(&self.plugins)
            .env_clear()
            .env("HOME", self.home)
            .env("XDG_CONFIG_HOME", self.home.join("config"))
            .env("XDG_CACHE_HOME", self.home.join("cache"))
            .current_dir(self.home);
        command
    }

    fn save_account(&self, url: &str) -> Result<()> {
        let mut saving = self.ketch();
        saving.args(["account", "save", "lab", "--url", url]).stdin(Stdio::piped());
        let mut process = saving.spawn().context("starting `ketch account save`")?;
        let mut input = process.stdin.take().context("standard input is piped")?;
        input.write_all(KEY.as_bytes()).context("passing the key")?;
        drop(input);
        let status = process.wait().context("waiting for `ketch account save`")?;
        ensure!(status.success(), "`ketch account save` ended with {status}");
        Ok(())
    }
}

/// A service on this machine; ends when it is dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    /// Builds and starts it, and waits until it listens: it prints its port then.
    fn start(package: &str, example: &str) -> Result<Self> {
        let program = build::one_program(package, &["--example", example], example)?;
        let mut process = Command::new(program)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {example}"))?;
        let mut port = String::new();
        let output = process.stdout.take().context("standard output is piped")?;
        let mut server = Self { process, url: String::new() };
        BufReader::new(output).read_line(&mut port).context("reading the server's port")?;
        server.url = format!("http://127.0.0.1:{}", port.trim());
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
