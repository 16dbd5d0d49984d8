//! `cargo xtask kit`: docs/plugins.md, followed by somebody who has `ketch` and Ketch's packages.
//!
//! The crates that an author needs are packaged as for a registry, and unpacked elsewhere; then every
//! command of the guide runs in an empty directory, as somebody types it into a shell, every command of
//! the templates' CI files in the crates that came of it, and the proofs in its table are looked up.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::build;
use crate::process::{cargo, output, quietly, root, target_dir};

const GUIDE: &str = "docs/plugins.md";

/// What an author's crate does in its own CI.
const CI: &str = ".github/workflows/ci.yml";

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
    ensure!(commands.len() >= 25, "{GUIDE} shows {} commands", commands.len());
    let path = std::env::var("PATH").context("there is a PATH")?;
    let target = target_dir()?;
    let shell = |directory: &Path| {
        let mut shell = Command::new("bash");
        shell
            .current_dir(directory)
            .env("PATH", format!("{}:{path}", bin.display()))
            .env(LOCK, root().join("Cargo.lock"))
            .env("CARGO_TARGET_DIR", "target")
            // What both flavours need, and the tests of this repository, is built once.
            .env("CARGO_BUILD_BUILD_DIR", &target)
            .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
            .env("XDG_DATA_HOME", scratch.path().join("data"))
            .env("XDG_CONFIG_HOME", scratch.path().join("config"))
            .env("XDG_CACHE_HOME", scratch.path().join("cache"));
        shell
    };
    type_into(&mut shell(&work), &typed(&commands))?;
    ensure!(work.join(END).is_file(), "not every command of {GUIDE} ran: something read the rest");
    let mut of_ci = 0;
    for entry in fs::read_dir(&work).context("listing what was made")? {
        let directory = entry?.path();
        let Ok(text) = fs::read_to_string(directory.join(CI)) else { continue };
        for command in steps(&text).filter(|step| !commands.contains(step)) {
            quietly(shell(&directory).args(["-euxc", command]))?;
            of_ci += 1;
        }
    }
    ensure!(of_ci >= 4, "the CI files of the templates have {of_ci} commands of their own");
    let proofs =
        look_up(&guide, &output(Command::new(&ketch).args(["provider", "check", "--names"]))?)?;
    let ran = commands.len() + of_ci;
    println!("kit: {ran} commands ran, {proofs} proofs are there");
    Ok(())
}

/// The file that the last of all commands makes.
const END: &str = "the-end";

/// The variable with the versions that this repository is built with.
const LOCK: &str = "KETCH_LOCK";

/// What a shell, and every shell within it, is given to read. Stops at the first failure. The crates
/// get this repository's versions of what others publish, which are built here already.
fn typed(commands: &[&str]) -> String {
    let with_lock = |command: &&str| match command.starts_with("cd ketch-provider-") {
        true => format!("{command}\n! test -e Cargo.toml || cp \"${LOCK}\" Cargo.lock"),
        false => (*command).to_owned(),
    };
    let commands = commands.iter().map(with_lock).collect::<Vec<_>>().join("\n");
    format!("set -eux\nexport SHELLOPTS\n{commands}\ntouch {END}\n")
}

/// Runs a shell that reads its commands as from a keyboard: one that it starts reads on where it is.
fn type_into(shell: &mut Command, text: &str) -> Result<()> {
    let mut shell = shell.stdin(Stdio::piped()).spawn().context("starting `bash`")?;
    let mut keyboard = shell.stdin.take().expect("standard input is piped");
    let typed = keyboard.write_all(text.as_bytes());
    drop(keyboard);
    let status = shell.wait().context("waiting for `bash`")?;
    ensure!(status.success(), "the commands of {GUIDE} ended with {status}");
    typed.context("typing the commands")
}

/// The commands of a CI file, without those that install Rust.
fn steps(text: &str) -> impl Iterator<Item = &str> {
    let commands = text.lines().filter_map(|line| line.trim().strip_prefix("- run: "));
    commands.filter(|command| !command.starts_with("rustup "))
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
        let ci = "  steps:\n    - uses: x\n    - run: rustup y\n    - run: cargo z\n";
        assert_eq!(steps(ci).collect::<Vec<_>>(), ["cargo z"]);
        assert_eq!(named(guide, "test `").collect::<Vec<_>>(), ["b::c"]);
        assert_eq!(named(guide, "check `").collect::<Vec<_>>(), ["d e"]);
    }

    #[test]
    fn a_shell_within_a_shell_reads_on_and_stops_at_the_first_failure() {
        let ends = |commands: &[&str]| {
            let scratch = tempfile::tempdir().unwrap();
            for directory in ["ketch-provider-far", "ketch-provider-bits"] {
                fs::create_dir(scratch.path().join(directory)).unwrap();
            }
            fs::write(scratch.path().join("ketch-provider-far/Cargo.toml"), "").unwrap();
            let mut bash = Command::new("bash");
            bash.current_dir(&scratch).env(LOCK, root().join("Cargo.lock"));
            let ended = type_into(&mut bash, &typed(commands));
            (ended.is_ok(), scratch.path().join(END).exists())
        };
        assert_eq!(ends(&["inside=1 bash", "test $inside = 1", "exit", "true"]), (true, true));
        assert_eq!(ends(&["bash", "false", "exit", "true"]), (false, false));
        let locked = ["cd ketch-provider-far", "test -s Cargo.lock", "cd .."];
        assert_eq!(ends(&locked), (true, true), "the crate has the versions of this repository");
        let in_c = ["cd ketch-provider-bits", "test ! -e Cargo.lock", "cd .."];
        assert_eq!(ends(&in_c), (true, true), "what is no crate has none");
        assert_eq!(ends(&["cat >/dev/null"]), (true, false), "the rest was read by another");
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
