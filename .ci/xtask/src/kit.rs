//! `cargo xtask kit`: docs/plugins.md, followed by somebody who has `ketch` and Ketch's packages.
//!
//! The crates that an author needs are packaged as for a registry, and unpacked elsewhere; then every
//! command of the guide runs in an empty directory, and the proofs in its table are looked up.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::build;
use crate::process::{cargo, output, quietly, root, target_dir};

const GUIDE: &str = "docs/plugins.md";

/// What an author's crate depends on, from the ground up.
const PACKAGES: [&str; 4] = ["ketch-interface", "ketch-abi", "ketch-core", "ketch-conformance"];

/// Where the tests are that the guide names.
const TESTS: [&str; 3] = ["tests/e2e/tests", "core/abi/src", "core/registry/src"];

/// Packages the crates, follows the guide, and looks up its proofs.
pub(crate) fn kit() -> Result<()> {
    let guide = fs::read_to_string(root().join(GUIDE)).context("reading the guide")?;
    let program = build::one_program("ketch-cli", &[], "ketch")?;
    let scratch = tempfile::tempdir().context("making a scratch directory")?;
    let packages = packaged(scratch.path())?;

    let bin = scratch.path().join("bin");
    fs::create_dir(&bin).context("making a directory for `ketch`")?;
    let ketch = bin.join("ketch");
    fs::copy(&program, &ketch).context("copying `ketch`")?;

    let work = scratch.path().join("work");
    fs::create_dir_all(work.join(".cargo")).context("making a directory to work in")?;
    let patches = packages.iter().map(|(name, path)| format!("{name} = {{ path = {path:?} }}\n"));
    let config = format!("[patch.crates-io]\n{}", patches.collect::<String>());
    fs::write(work.join(".cargo/config.toml"), config).context("saying where the packages are")?;

    let commands = commands(&guide);
    ensure!(commands.len() >= 15, "{GUIDE} shows {} commands", commands.len());
    let script = format!("set -eux\n{}\n", commands.join("\n"));
    let path = std::env::var("PATH").context("there is a PATH")?;
    quietly(
        Command::new("bash")
            .args(["-c", &script])
            .current_dir(&work)
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("KETCH", root())
            .env("CARGO_TARGET_DIR", "target")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("XDG_DATA_HOME", scratch.path().join("data"))
            .env("XDG_CONFIG_HOME", scratch.path().join("config"))
            .env("XDG_CACHE_HOME", scratch.path().join("cache")),
    )?;
    let proofs =
        look_up(&guide, &output(Command::new(&ketch).args(["provider", "check", "--names"]))?)?;
    println!("kit: {} commands ran, {proofs} proofs are there", commands.len());
    Ok(())
}

/// The lines of the guide that somebody types.
fn commands(guide: &str) -> Vec<&str> {
    guide.lines().filter_map(|line| line.strip_prefix("$ ")).collect()
}

/// Packages the crates and unpacks them: their names, and where they are then.
fn packaged(scratch: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
    let target = target_dir()?.join("kit");
    let mut command = cargo();
    command.args(["package", "--no-verify", "--allow-dirty", "--quiet"]);
    command.arg("--target-dir").arg(&target);
    command.args(PACKAGES.iter().flat_map(|name| ["-p", name]));
    quietly(&mut command)?;
    let metadata = crate::process::metadata(&["--no-deps"])?;
    let mut unpacked = Vec::new();
    for name in PACKAGES {
        let package = metadata.packages.iter().find(|package| package.name.as_str() == name);
        let version = &package.with_context(|| format!("there is no `{name}`"))?.version;
        let archive = target.join(format!("package/{name}-{version}.crate"));
        quietly(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(scratch))?;
        unpacked.push((name, scratch.join(format!("{name}-{version}"))));
    }
    Ok(unpacked)
}

/// Checks that every check and every test that the guide names is there; how many that are.
fn look_up(guide: &str, checks: &str) -> Result<usize> {
    let mut sources = String::new();
    for folder in TESTS {
        read_all(&root().join(folder), &mut sources)?;
    }
    let mut found = 0;
    for name in named(guide, "check `") {
        let there = checks.lines().any(|line| line.ends_with(&format!(": {name}")));
        ensure!(there, "{GUIDE} names the check `{name}`, which there is not");
        found += 1;
    }
    for name in named(guide, "test `") {
        // A file of end-to-end tests, or a function that is one.
        let path = root().join(TESTS[0]).join(name.replace("::", "/"));
        let is_file = path.with_extension("rs").is_file() || path.join("mod.rs").is_file();
        let there = is_file || sources.contains(&format!("#[test]\nfn {name}("));
        ensure!(there, "{GUIDE} names the test `{name}`, which there is not");
        found += 1;
    }
    Ok(found)
}

/// What stands between this and the next backtick, in the rows of the table.
fn named<'a>(guide: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    let rows = guide.lines().filter(|line| line.starts_with("| "));
    rows.flat_map(move |row| row.split(before).skip(1))
        .filter_map(|rest| rest.split_once('`').map(|(name, _)| name))
}

/// The lines of all files, without their indents.
fn read_all(folder: &Path, text: &mut String) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        match path.is_dir() {
            true => read_all(&path, text)?,
            false => {
                for line in fs::read_to_string(&path)?.lines() {
                    *text += line.trim_start();
                    *text += "\n";
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_proofs_are_found_in_the_text() {
        let guide =
            "a\n```console\n$ ketch x\n```\n| 1 | a | test `b::c`, check `d e` |\nnot test `f`\n";
        assert_eq!(commands(guide), ["ketch x"]);
        assert_eq!(named(guide, "test `").collect::<Vec<_>>(), ["b::c"]);
        assert_eq!(named(guide, "check `").collect::<Vec<_>>(), ["d e"]);
    }

    #[test]
    fn what_is_named_and_not_there_is_told() {
        let checks = "jobs: run returns at once\n";
        assert!(look_up("| check `run returns at once` |", checks).is_ok_and(|found| found == 1));
        assert!(look_up("| check `returns at once` |", checks).is_err());
        let is_there = |name: &str| look_up(&format!("| test `{name}` |"), checks).is_ok();
        for name in ["trust", "museum", "museum::calls", "digests_are_those_of_the_standard"] {
            assert!(is_there(name), "{name}");
        }
        // No test, a function that is none, a module that is none of tests.
        for name in ["no_such_test_anywhere", "digest_of", "lock_file", "library::trust"] {
            assert!(!is_there(name), "{name}");
        }
    }
}
