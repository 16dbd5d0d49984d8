//! `cargo xtask golden`: old plugins in today's host, today's plugins in the oldest host.
//!
//! `tests/golden/abi/v1` holds a plugin and a host of the first release of the ABI, with the crates
//! that they were built from. They are built as they are, once more by another compiler where one
//! is installed, and with `ketch-abi` raised to 1.1 and 1.2; then every host loads every plugin.
//! This is the proof of `docs/compatibility.md`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::build;
use crate::process::{cargo, output, quietly, root, target_dir};

const SOURCE: &str = "tests/golden/abi/v1";
const LAYOUT: &str = "tests/golden/abi/v1.txt";
const HOST: &str = "golden-host";
const PLUGIN: &str = "libketch_provider_golden.so";
const ABI_CRATE: &str = "crates/ketch-abi-1.0.0";

/// The oldest compiler that the frozen crates take: minor version.
const OLDEST_RUST: u32 = 95;

/// What a later minor version of `ketch-abi` may do: answer an extension by itself. As edits of
/// the frozen source: file, text, what stands there instead.
const EXTENSION: [(&str, &str, &str); 2] = [
    (
        "src/export.rs",
        "    extensions.map_or(0, |extensions| extensions.supports(name.as_str()))",
        "    if name.as_str() == \"golden.minor\" {\n        return 1;\n    }\n    \
         extensions.map_or(0, |extensions| extensions.supports(name.as_str()))",
    ),
    (
        "src/export.rs",
        "    let extensions = extensions.ok_or_else(|| unknown_extension(name))?;\n    \
         Ok(extensions.call(",
        "    if name.as_str() == \"golden.minor\" {\n        \
         return Payload::json(&serde_json::json!({\"minor\": 2}));\n    }\n    \
         let extensions = extensions.ok_or_else(|| unknown_extension(name))?;\n    \
         Ok(extensions.call(",
    ),
];

/// A plugin to load.
struct Plugin {
    /// What the report calls it.
    name: String,
    file: PathBuf,
    provider: &'static str,
    backend: &'static str,
    /// `ketch-abi` 1.2 answers the extension above.
    extended: bool,
}

impl Plugin {
    fn golden(name: &str, file: PathBuf) -> Self {
        let extended = name.ends_with("1.2");
        Self {
            name: format!("golden {name}"),
            file,
            provider: "golden",
            backend: "golden/basis_simulator",
            extended,
        }
    }

    /// A directory that holds nothing else.
    fn alone(&self) -> Result<tempfile::TempDir> {
        let directory = tempfile::tempdir().context("making a scratch directory")?;
        let name = self.file.file_name().context("the plugin has a name")?;
        fs::copy(&self.file, directory.path().join(name))
            .with_context(|| format!("copying {}", self.file.display()))?;
        Ok(directory)
    }

    fn of_today(provider: &'static str, backend: &'static str, file: PathBuf) -> Self {
        Self { name: format!("{provider} of today"), file, provider, backend, extended: false }
    }
}

/// Builds the hosts and the plugins, and lets each host load each plugin.
pub(crate) fn golden() -> Result<()> {
    let workshop = Workshop::new()?;
    let mut hosts = Vec::new();
    let mut plugins = Vec::new();
    for minor in 0..=2 {
        workshop.raise_abi(minor)?;
        let name = format!("1.{minor}");
        let built = workshop.build(&format!("ketch-abi {name}"), &mut cargo(), &[HOST, PLUGIN])?;
        hosts.push((name.clone(), built.join(HOST)));
        plugins.push(Plugin::golden(&name, built.join(PLUGIN)));
        if minor == 0 {
            layout_is_the_golden_one(&built.join(HOST))?;
            plugins.extend(workshop.by_another_compiler()?);
        }
    }
    let template = workshop.template()?;
    let (today, others) = build::for_tests("golden")?;
    let local = others.into_iter().find(|file| file.ends_with("libketch_provider_local.so"));
    let local = local.context("the build made no plugin of the local simulators")?;
    plugins.push(Plugin::of_today("template", "template/basis_simulator", template));
    plugins.push(Plugin::of_today("local", "local/qasm_simulator", local));

    for plugin in &plugins {
        let directory = plugin.alone()?;
        let said = use_plugin(Command::new(&today).arg(directory.path()).arg(plugin.provider))
            .with_context(|| format!("today's host uses {}", plugin.name))?;
        println!("host of today, {}: {said}", plugin.name);
        for (name, host) in &hosts {
            let said = use_plugin(Command::new(host).arg(directory.path()).arg(plugin.backend))
                .with_context(|| format!("the host of {name} uses {}", plugin.name))?;
            println!("host of {name}, {}: {said}", plugin.name);
            let expected = if plugin.extended { "the extension of 1.2" } else { "no later" };
            ensure!(said.contains(expected), "expected {expected}");
        }
    }
    println!("golden: {} hosts use {} plugins", hosts.len() + 1, plugins.len());
    Ok(())
}

/// Where the frozen sources are unpacked and built.
struct Workshop {
    /// A copy of the sources.
    source: PathBuf,
    /// Where cargo builds them: nothing that it makes may lie beside `ketch`.
    target: PathBuf,
    /// What was built, kept from being overwritten by the next build.
    built: PathBuf,
}

impl Workshop {
    fn new() -> Result<Self> {
        let directory = target_dir()?.join("golden");
        let source = directory.join("v1");
        if source.exists() {
            fs::remove_dir_all(&source).context("removing the copy of an earlier run")?;
        }
        copy_folder(&root().join(SOURCE), &source)?;
        let crates = source.join("crates");
        for archive in entries(&crates)? {
            let mut unpack = Command::new("tar");
            quietly(unpack.arg("-xzf").arg(&archive).arg("-C").arg(&crates))?;
        }
        Ok(Self { source, target: directory.join("target"), built: directory.join("built") })
    }

    /// Gives the ABI crate this minor version: 1 differs in nothing else, 2 answers an extension.
    fn raise_abi(&self, minor: u32) -> Result<()> {
        if minor == 0 {
            return Ok(());
        }
        let abi = self.source.join(ABI_CRATE);
        let (before, now) =
            (format!("version = \"1.{}.0\"\n", minor - 1), format!("version = \"1.{minor}.0\"\n"));
        replace(&abi.join("Cargo.toml"), &format!("\n{before}"), &format!("\n{now}"))?;
        let named = |version: &str| format!("name = \"ketch-abi\"\n{version}");
        replace(&self.source.join("Cargo.lock"), &named(&before), &named(&now))?;
        if minor == 2 {
            for (file, text, instead) in EXTENSION {
                replace(&abi.join(file), text, instead)?;
            }
        }
        Ok(())
    }

    /// Builds packages of the frozen workspace, and returns the directory with copies of the files.
    fn build(&self, name: &str, cargo: &mut Command, files: &[&str]) -> Result<PathBuf> {
        println!("building {} with {name}", files.join(", "));
        let command = self.prepared(cargo, &self.source).args(["build", "--locked", "--quiet"]);
        if !files.contains(&HOST) {
            command.args(["-p", "ketch-provider-golden"]);
        }
        quietly(command)?;
        let built = self.built.join(name);
        fs::create_dir_all(&built).with_context(|| format!("making {}", built.display()))?;
        for file in files {
            let made = self.target.join("debug").join(file);
            fs::copy(&made, built.join(file))
                .with_context(|| format!("copying {}", made.display()))?;
        }
        Ok(built)
    }

    /// Today's template, built as its author would, outside of the tree.
    fn template(&self) -> Result<PathBuf> {
        let copy = self.source.with_file_name("template");
        copy_folder(&root().join("examples/provider-template"), &copy)?;
        let core = format!("path = {:?}", root().join("core"));
        replace(&copy.join("Cargo.toml"), "path = \"../../core\"", &core)?;
        let suite = format!("path = {:?}", root().join("tests/conformance"));
        replace(&copy.join("Cargo.toml"), "path = \"../../tests/conformance\"", &suite)?;
        fs::copy(root().join("Cargo.lock"), copy.join("Cargo.lock")).context("copying the lock")?;
        println!("building today's template");
        quietly(self.prepared(&mut cargo(), &copy).args(["build", "--quiet"]))?;
        Ok(self.target.join("debug/libketch_provider_template.so"))
    }

    /// The plugin as another compiler builds it; says so where there is none.
    fn by_another_compiler(&self) -> Result<Option<Plugin>> {
        let Some(other) = other_compiler() else {
            println!(
                "not built by another compiler: rustup has no other, 1.{OLDEST_RUST} or later, \
                 installed"
            );
            return Ok(None);
        };
        let mut cargo = Command::new("rustup");
        cargo.args(["run", &other.toolchain, "cargo"]);
        for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
            cargo.env_remove(variable);
        }
        let built = self.build(&other.version, &mut cargo, &[PLUGIN])?;
        Ok(Some(Plugin::golden(&format!("by {}", other.version), built.join(PLUGIN))))
    }

    /// What is built here is built once and run once.
    fn prepared<'a>(&self, cargo: &'a mut Command, folder: &Path) -> &'a mut Command {
        cargo
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0")
            // Later compilers may warn of what is frozen.
            .env("RUSTFLAGS", "--cap-lints=allow")
    }
}

/// A compiler that is not the one that builds Ketch here.
#[derive(Debug, PartialEq)]
struct Compiler {
    toolchain: String,
    /// As in `rustc 1.97.0-nightly`.
    version: String,
}

/// The first other one that rustup has installed and that can build the frozen crates.
fn other_compiler() -> Option<Compiler> {
    // Without rustup there is one compiler.
    let said = |command: &mut Command| {
        let output = command.output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let ours = said(Command::new("rustc").arg("-V").current_dir(root()))?;
    let installed = said(Command::new("rustup").args(["toolchain", "list"]))?;
    installed.lines().find_map(|line| {
        let toolchain = line.split_whitespace().next()?;
        let version = said(Command::new("rustup").args(["run", toolchain, "rustc", "-V"]))?;
        let word = usable(&version, &ours)?.to_owned();
        Some(Compiler { toolchain: toolchain.to_owned(), version: word })
    })
}

/// The version in what `rustc -V` says, unless it is ours or too old.
fn usable<'a>(said: &'a str, ours: &str) -> Option<&'a str> {
    let version = said.strip_prefix("rustc ")?.split_whitespace().next()?;
    let minor: u32 = version.strip_prefix("1.")?.split('.').next()?.parse().ok()?;
    (said != ours && minor >= OLDEST_RUST).then_some(version)
}

/// The frozen crates have the layout that was written down, with which today's is compared too.
fn layout_is_the_golden_one(host: &Path) -> Result<()> {
    let found = output(Command::new(host).arg("--layout"))?;
    let golden = fs::read_to_string(root().join(LAYOUT)).context("reading the golden layout")?;
    ensure!(found == golden, "the frozen crates differ from {LAYOUT}");
    Ok(())
}

/// Runs a host, and returns what it says worked. What it prints on the way, such as the panic that
/// the golden plugin is asked for, is shown only if it fails.
fn use_plugin(host: &mut Command) -> Result<String> {
    let run = host.env("RUST_BACKTRACE", "0").output().context("starting the host")?;
    let said = String::from_utf8_lossy(&run.stdout).trim_end().to_owned();
    let complaint = String::from_utf8_lossy(&run.stderr);
    ensure!(run.status.success(), "it ended with {}:\n{said}\n{complaint}", run.status);
    Ok(said)
}

/// Replaces a text that stands in a file once.
fn replace(file: &Path, text: &str, instead: &str) -> Result<()> {
    let before = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let times = before.matches(text).count();
    ensure!(times == 1, "{} holds `{text}` {times} times, expected once", file.display());
    fs::write(file, before.replace(text, instead))
        .with_context(|| format!("writing {}", file.display()))
}

/// Copies the files of a folder and of those in it, without what cargo left there.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for path in entries(from)? {
        let name = path.file_name().expect("an entry of a folder has a name");
        if path.is_dir() {
            if name != "target" {
                copy_folder(&path, &to.join(name))?;
            }
        } else {
            fs::copy(&path, to.join(name))
                .with_context(|| format!("copying {}", path.display()))?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listing = || format!("listing {}", folder.display());
    let read = fs::read_dir(folder).with_context(listing)?;
    read.map(|entry| Ok(entry.with_context(listing)?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::usable;

    #[test]
    fn another_compiler_is_new_enough_and_not_ours() {
        let ours = "rustc 1.95.0 (59807616e 2026-04-14)\n";
        let check = |said: &str, expected: Option<&str>| assert_eq!(usable(said, ours), expected);
        check(ours, None);
        check("rustc 1.97.0-nightly (e50aa6fba 2026-05-19)\n", Some("1.97.0-nightly"));
        check("rustc 1.95.0 (of a distribution)\n", Some("1.95.0"));
        check("rustc 1.90.0 (x)\n", None);
        check("", None);
    }
}
