//! `cargo xtask deps`: may we ship what we depend on?
//!
//! Licences, bans, sources, duplicate versions and known advisories, from the resolved graph of
//! `cargo metadata`. The tables below give a reason for every exception, and an exception that
//! nothing needs any more is a problem too.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, Package, PackageId};

use crate::licence::permits;
use crate::process::{metadata, verdict};

/// The platform of this release; what other platforms would pull in is not looked at.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Licences that let anybody ship Ketch under its own.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    // Its copyleft ends at the borders of its own files.
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages that must not come in, by whatever road.
const BANNED: &[(&str, &str)] = &[
    ("native-tls", "needs the system's OpenSSL at build and run time; use rustls"),
    ("openssl", "needs the system's OpenSSL at build and run time; use rustls"),
    ("openssl-sys", "needs the system's OpenSSL at build and run time; use rustls"),
    ("async-std", "discontinued"),
    ("serde_yaml", "archived by its author"),
    ("atty", "unmaintained, RUSTSEC-2021-0145; use std::io::IsTerminal"),
    ("proc-macro-error", "unmaintained, RUSTSEC-2024-0370"),
];

/// Older versions that stand beside a newer one: name, start of the version, reason.
const DUPLICATES: &[(&str, &str, &str)] = &[
    ("getrandom", "0.2.", "ring asks for it, which rustls can use and does not use here"),
    (
        "glam",
        "0.",
        "nalgebra can use any of them and uses none here; only the lock file lists them",
    ),
    ("libloading", "0.7.", "abi_stable, which is pinned, uses it"),
    ("syn", "1.", "the macros of abi_stable, which is pinned, use it"),
];

/// Advisories that we know of and live with: id, package, reason.
const ADVISORIES: &[(&str, &str, &str)] = &[
    (
        "RUSTSEC-2024-0014",
        "generational-arena",
        "unmaintained; used only by the layout check of abi_stable, which is pinned",
    ),
    (
        "RUSTSEC-2024-0436",
        "paste",
        "unmaintained; a macro of abi_stable, which is pinned, that runs at build time only",
    ),
];

/// Checks the graph that the lock file resolves to.
pub(crate) fn deps() -> Result<()> {
    let metadata = metadata(&["--locked", "--filter-platform", PLATFORM])?;
    let resolved = resolved(&metadata)?;
    let foreign: Vec<&Package> =
        resolved.iter().copied().filter(|package| package.source.is_some()).collect();
    let names: BTreeSet<&str> = foreign.iter().map(|package| package.name.as_str()).collect();

    let mut problems = Vec::new();
    for package in &resolved {
        problems.extend(licence_problem(package));
    }
    problems.extend(foreign.iter().filter_map(|package| source_problem(package)));
    problems.extend(banned(&names));
    problems.extend(duplicates(&shipped(&metadata)?, DUPLICATES));
    problems.extend(stale_advisories(&names, ADVISORIES));

    for (id, package, reason) in ADVISORIES {
        println!("deps: {id} accepted: {package} is {reason}");
    }
    let passed = format!("{} packages, all permitted", foreign.len());
    verdict("deps", &problems, &passed)
}

/// The packages of the resolved graph, ours included.
fn resolved(metadata: &Metadata) -> Result<Vec<&Package>> {
    let graph = metadata.resolve.as_ref().context("cargo metadata gave no resolved graph")?;
    Ok(graph.nodes.iter().map(|node| &metadata[&node.id]).collect())
}

/// Name and version of each package from elsewhere that ordinary dependencies reach from ours,
/// so without what only tests and build scripts use.
fn shipped(metadata: &Metadata) -> Result<Vec<(String, String)>> {
    let graph = metadata.resolve.as_ref().context("cargo metadata gave no resolved graph")?;
    let nodes: BTreeMap<&PackageId, _> = graph.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut reached: BTreeSet<&PackageId> = BTreeSet::new();
    let mut ahead: Vec<&PackageId> = metadata.workspace_members.iter().collect();
    while let Some(id) = ahead.pop() {
        if reached.insert(id) {
            ahead.extend(
                nodes[id]
                    .deps
                    .iter()
                    .filter(|edge| {
                        edge.dep_kinds.iter().any(|how| how.kind == DependencyKind::Normal)
                    })
                    .map(|edge| &edge.pkg),
            );
        }
    }
    Ok(reached
        .into_iter()
        .map(|id| &metadata[id])
        .filter(|package| package.source.is_some())
        .map(|package| (package.name.to_string(), package.version.to_string()))
        .collect())
}

fn licence_problem(package: &Package) -> Option<String> {
    let (name, version) = (&package.name, &package.version);
    let Some(expression) = &package.license else {
        return Some(format!("{name} {version} states no licence"));
    };
    match permits(expression, LICENCES) {
        Ok(true) => None,
        Ok(false) => Some(format!("{name} {version} is licensed `{expression}`, not permitted")),
        Err(reason) => {
            Some(format!("{name} {version}: cannot read the licence `{expression}`: {reason}"))
        }
    }
}

/// Only released packages: what a git branch holds today it may not hold tomorrow.
fn source_problem(package: &Package) -> Option<String> {
    let source = &package.source.as_ref()?.repr;
    (!source.starts_with("registry+")).then(|| {
        format!("{} {} comes from {source}, not from a registry", package.name, package.version)
    })
}

fn banned(names: &BTreeSet<&str>) -> Vec<String> {
    BANNED
        .iter()
        .filter(|(name, _)| names.contains(name))
        .map(|(name, reason)| format!("{name} is banned: {reason} (cargo tree -i {name})"))
        .collect()
}

/// Two versions of one package cost build time and make types that look alike but differ.
fn duplicates(packages: &[(String, String)], tolerated: &[(&str, &str, &str)]) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, version) in packages {
        versions.entry(name).or_default().insert(version);
    }
    let mut problems = Vec::new();
    for (name, start, _) in tolerated {
        let old = |version: &&str| version.starts_with(start);
        let found = versions.get_mut(name).is_some_and(|all| {
            let several = all.len() > 1;
            let before = all.len();
            all.retain(|version| !old(version));
            several && all.len() < before
        });
        if !found {
            problems
                .push(format!("{name} {start}* is no longer a duplicate; drop it from DUPLICATES"));
        }
    }
    for (name, versions) in versions {
        if versions.len() > 1 {
            let list = versions.into_iter().collect::<Vec<_>>().join(" and ");
            problems.push(format!("{name} comes in as {list} (cargo tree -i {name}@VERSION)"));
        }
    }
    problems
}

fn stale_advisories(names: &BTreeSet<&str>, known: &[(&str, &str, &str)]) -> Vec<String> {
    known
        .iter()
        .filter(|(_, package, _)| !names.contains(package))
        .map(|(id, package, _)| format!("{id}: nothing uses {package}; drop it from ADVISORIES"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|&(name, version)| (name.to_owned(), version.to_owned())).collect()
    }

    const OLD: &[(&str, &str, &str)] = &[("syn", "1.", "a test")];

    #[test]
    fn a_duplicate_needs_a_reason() {
        let found =
            packages(&[("syn", "1.0.1"), ("syn", "2.0.0"), ("rand", "0.8.0"), ("rand", "0.9.0")]);
        assert_eq!(
            duplicates(&found, OLD),
            ["rand comes in as 0.8.0 and 0.9.0 (cargo tree -i rand@VERSION)"]
        );
    }

    #[test]
    fn a_reason_that_nothing_needs_is_a_problem() {
        let stale = ["syn 1.* is no longer a duplicate; drop it from DUPLICATES"];
        assert_eq!(duplicates(&packages(&[("syn", "2.0.0")]), OLD), stale);
        assert_eq!(duplicates(&packages(&[("syn", "1.0.1")]), OLD), stale);
        assert_eq!(duplicates(&[], OLD), stale);
        let known = [("RUSTSEC-0", "old", "a test")];
        assert_eq!(
            stale_advisories(&BTreeSet::new(), &known),
            ["RUSTSEC-0: nothing uses old; drop it from ADVISORIES"]
        );
        assert!(stale_advisories(&BTreeSet::from(["old"]), &known).is_empty());
    }

    #[test]
    fn a_third_version_is_seen_behind_a_tolerated_one() {
        let found = packages(&[("syn", "1.0.1"), ("syn", "2.0.0"), ("syn", "3.0.0")]);
        assert_eq!(
            duplicates(&found, OLD),
            ["syn comes in as 2.0.0 and 3.0.0 (cargo tree -i syn@VERSION)"]
        );
    }

    #[test]
    fn bans_give_their_reason() {
        let problems = banned(&BTreeSet::from(["serde", "openssl-sys"]));
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("openssl-sys is banned: "), "{}", problems[0]);
    }
}
