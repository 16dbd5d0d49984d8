//! `cargo xtask tidy`: habits that neither the compiler nor clippy can check.
//!
//! The rules are those of `docs/style.md`. The recorded files under `tests/golden` and
//! `tests/fuzz/corpus` are other people's or a program's; of the rules only the one about paths holds
//! there.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::{root, target_dir, verdict};
use crate::source::{code, has_word, lines_without_tests};

/// Above this, a file holds more than one idea.
const MAX_LINES: usize = 1000;

/// Longer files, each with its reason; tables only.
const LONG_FILES: &[(&str, &str)] = &[];

/// The folders that may say `unsafe`.
const UNSAFE: &[&str] =
    &["core/abi/", "core/registry/", "providers/qdmi/", "simulator/kernels/", "tests/plugins/"];

/// The folder that may name instruction sets.
const SIMD: &str = "simulator/kernels/";

/// Recorded inputs and outputs.
const RECORDED: [&str; 2] = ["tests/golden/", "tests/fuzz/corpus/"];

/// Checks every text file of the repository.
pub(crate) fn tidy() -> Result<()> {
    let target = target_dir()?;
    let mut files = Vec::new();
    collect(root(), &target, &mut files)?;
    files.sort();

    let mut problems = stale_entries();
    let mut checked = 0;
    for file in &files {
        let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let name = file.strip_prefix(root()).expect("found under the root").to_string_lossy();
        checked += 1;
        problems.extend(check(&name, &text).into_iter().map(|problem| format!("{name}{problem}")));
    }
    verdict("tidy", &problems, &format!("{checked} files are in order"))
}

/// Gathers the files below a directory, leaving out what git and cargo keep there.
fn collect(directory: &Path, target: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let reading = || format!("listing {}", directory.display());
    for entry in std::fs::read_dir(directory).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let path = entry.path();
        let kind = entry.file_type().with_context(reading)?;
        let skipped = matches!(entry.file_name().to_str(), Some(".git" | "target" | "__pycache__"));
        if kind.is_dir() && !skipped && path != target {
            collect(&path, target, files)?;
        } else if kind.is_file() && !skipped {
            files.push(path);
        }
    }
    Ok(())
}

/// What is wrong with one file: lines that follow its name, as `:3: …` or `: …`.
fn check(name: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let foreign = foreign_directories();
    let recorded = RECORDED.iter().any(|directory| name.starts_with(directory));
    for (index, line) in text.split('\n').enumerate() {
        let number = index + 1;
        if let Some(directory) = foreign.iter().find(|needle| has_path(line, needle)) {
            problems.push(format!(":{number}: names {directory}, a path of one machine"));
        }
        if !recorded && line.ends_with([' ', '\t', '\r']) {
            problems.push(format!(":{number}: ends in white space"));
        }
    }
    if !recorded && !text.is_empty() && !text.ends_with('\n') {
        problems.push(": its last line does not end".to_owned());
    }
    let member = name.ends_with("Cargo.toml") && text.contains("\nedition.workspace = true\n");
    if member && !text.contains("\n[lints]\nworkspace = true\n") {
        problems.push(": lacks `[lints]` with `workspace = true`".to_owned());
    }
    if !recorded && name.ends_with(".rs") {
        problems.extend(check_rust(name, text));
    }
    problems
}

fn check_rust(name: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let code = code(text);
    if !text.starts_with("//!") {
        problems.push(":1: does not open with `//!` and what the file is about".to_owned());
    }

    let unsafe_allowed = UNSAFE.iter().any(|folder| name.starts_with(folder));
    for (index, line) in code.lines().enumerate() {
        let number = index + 1;
        if !unsafe_allowed && has_word(line, "unsafe") {
            problems.push(format!(":{number}: `unsafe` belongs in {}", UNSAFE.join(", ")));
        }
        if !name.starts_with(SIMD)
            && ["std::arch", "core::arch", "#[target_feature"].iter().any(|it| line.contains(it))
        {
            problems.push(format!(":{number}: instruction sets belong in {SIMD}"));
        }
        if line.contains("#[ignore") {
            problems.push(format!(":{number}: an ignored test tests nothing; run it or delete it"));
        }
        if line.contains("should_panic") {
            problems.push(format!(
                ":{number}: `should_panic` passes for any panic; assert on the error instead"
            ));
        }
    }
    let crate_root = name.ends_with("src/lib.rs") || name.ends_with("src/main.rs");
    if crate_root && !unsafe_allowed && !code.contains("#![forbid(unsafe_code)]") {
        problems.push(": lacks `#![forbid(unsafe_code)]`".to_owned());
    }

    let lines = lines_without_tests(text);
    let excused = LONG_FILES.iter().any(|(file, _)| *file == name);
    if lines > MAX_LINES && !is_test_file(name) && !excused {
        problems.push(format!(": {lines} lines besides tests, above {MAX_LINES}; split it"));
    }
    problems
}

/// `tests.rs`, or in the `tests` folder of a package (the one at the root holds packages).
fn is_test_file(name: &str) -> bool {
    name.ends_with("/tests.rs") || name[1..].contains("/tests/")
}

/// Whether a line holds an absolute path that starts with the given directory.
fn has_path(line: &str, directory: &str) -> bool {
    line.match_indices(directory).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-./}$~".contains(c))
    })
}

/// Directories that exist on one machine only; put together so that this file passes.
fn foreign_directories() -> Vec<String> {
    ["home", "root", "work", "tmp", "Users"].iter().map(|name| format!("/{name}/")).collect()
}

/// Exceptions that no file needs.
fn stale_entries() -> Vec<String> {
    LONG_FILES
        .iter()
        .filter(|(file, _)| {
            let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
            lines_without_tests(&text) <= MAX_LINES
        })
        .map(|(file, _)| format!("{file}: is not long; drop it from LONG_FILES"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str, expected: &[&str]) {
        assert_eq!(check(name, text), expected, "{name}: {text}");
    }

    #[test]
    fn a_file_in_order_passes() {
        found("core/src/lib.rs", "//! Header.\n#![forbid(unsafe_code)]\n", &[]);
        found("core/abi/src/lib.rs", "//! Header.\nunsafe fn f() {}\n", &[]);
        found("README.md", "See [docs](docs/tmp/page).\n", &[]);
    }

    #[test]
    fn each_rule_speaks_up() {
        found("a.rs", "fn f() {}\n", &[":1: does not open with `//!` and what the file is about"]);
        found("a.md", "x \ny\t\n", &[":1: ends in white space", ":2: ends in white space"]);
        found("a.md", "x\r\n", &[":1: ends in white space"]);
        found(
            "a/Cargo.toml",
            "[package]\nedition.workspace = true\n",
            &[": lacks `[lints]` with `workspace = true`"],
        );
        found("a.md", "x", &[": its last line does not end"]);
        found("a/src/lib.rs", "//! x\n", &[": lacks `#![forbid(unsafe_code)]`"]);
        found(
            "a.rs",
            "//! x\nunsafe fn f() {}\n",
            &[
                ":2: `unsafe` belongs in core/abi/, core/registry/, providers/qdmi/, simulator/kernels/, \
                 tests/plugins/",
            ],
        );
        found(
            "a.rs",
            "//! x\nuse std::arch::x86_64::*;\n",
            &[":2: instruction sets belong in simulator/kernels/"],
        );
        found(
            "a.rs",
            "//! x\n#[ignore]\n#[should_panic]\n",
            &[
                ":2: an ignored test tests nothing; run it or delete it",
                ":3: `should_panic` passes for any panic; assert on the error instead",
            ],
        );
    }

    #[test]
    fn words_in_comments_and_strings_break_no_rule() {
        found("a.rs", "//! unsafe #[ignore]\nconst A: &str = \"unsafe\";\n", &[]);
    }

    #[test]
    fn long_files_are_refused_unless_they_are_tests() {
        let long = "//! x\n".repeat(MAX_LINES + 1);
        found("a.rs", &long, &[": 1001 lines besides tests, above 1000; split it"]);
        found("core/tests/a.rs", &long, &[]);
        found("core/src/tests.rs", &long, &[]);
        found("tests/e2e/src/a.rs", &long, &[": 1001 lines besides tests, above 1000; split it"]);
        found("tests/e2e/tests/a.rs", &long, &[]);
    }

    #[test]
    fn recorded_files_may_look_as_they_like_but_name_no_machine() {
        let path = format!("open {}x", foreign_directories()[0]);
        found("tests/golden/a.rs", "x \n#[ignore]", &[]);
        found("tests/fuzz/corpus/a", "{{{", &[]);
        assert_eq!(check("tests/golden/a.txt", &path).len(), 1);
        assert!(has_path(&path, &foreign_directories()[0]));
        assert!(!has_path("https://a.example/home/x", &foreign_directories()[0]));
    }
}
