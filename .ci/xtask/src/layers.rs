//! `cargo xtask layers`: dependencies between our crates point down only.
//!
//! The tables below are the layout of `docs/architecture.md` in a form that a machine checks
//! against `cargo metadata`.

use anyhow::Result;
use cargo_metadata::DependencyKind;

use crate::process::{metadata, root, verdict};

/// A crate, how high it stands, and the crates of ours that its own code may name.
struct Layer {
    package: &'static str,
    height: u8,
    uses: &'static [&'static str],
}

/// From the ground up. Every arrow in `uses` points to a lower height.
const LAYERS: &[Layer] = &[
    Layer { package: "ketch-interface", height: 0, uses: &[] },
    Layer { package: "ketch-kernels", height: 0, uses: &[] },
    Layer { package: "ketch-abi", height: 1, uses: &["ketch-interface"] },
    Layer { package: "ketch-qasm", height: 1, uses: &["ketch-interface"] },
    Layer { package: "ketch-qpy", height: 1, uses: &["ketch-interface"] },
    Layer { package: "ketch-draw", height: 1, uses: &["ketch-interface"] },
    Layer { package: "ketch-compiler", height: 1, uses: &["ketch-interface"] },
    Layer { package: "ketch-primitives", height: 1, uses: &["ketch-interface"] },
    Layer { package: "ketch-simulator", height: 1, uses: &["ketch-interface", "ketch-kernels"] },
    Layer { package: "ketch-core", height: 2, uses: &["ketch-abi", "ketch-interface"] },
    Layer { package: "ketch-conformance", height: 3, uses: &["ketch-core"] },
    Layer { package: "ketch-provider-local", height: 3, uses: &["ketch-core", "ketch-simulator"] },
    Layer { package: "ketch-provider-noisy", height: 3, uses: &["ketch-core", "ketch-simulator"] },
    Layer { package: "ketch-provider-ibmq", height: 3, uses: &["ketch-core", "ketch-qasm"] },
    Layer { package: "ketch-provider-qdmi", height: 3, uses: &["ketch-core", "ketch-qasm"] },
    Layer { package: "ketch-registry", height: 3, uses: &["ketch-core", "ketch-abi"] },
    Layer { package: "ketch-jobs", height: 3, uses: &["ketch-core"] },
    Layer {
        package: "ketch",
        height: 4,
        uses: &[
            "ketch-registry",
            "ketch-jobs",
            "ketch-qasm",
            "ketch-qpy",
            "ketch-compiler",
            "ketch-primitives",
            "ketch-draw",
            "ketch-core",
        ],
    },
    Layer { package: "ketch-server", height: 5, uses: &["ketch", "ketch-primitives"] },
    Layer {
        package: "ketch-cli",
        height: 6,
        uses: &["ketch", "ketch-conformance", "ketch-server"],
    },
];

/// Stand beside the layers and use what they need; nothing uses them.
const BESIDE: &[&str] =
    &["ketch-test-plugins", "ketch-e2e", "ketch-peers", "ketch-examples", "xtask"];

/// Their only road into a program is a file in a directory: nothing depends on them.
const PROVIDERS: &str = "ketch-provider-";

/// Libraries that belong to one place. Tests may use them anywhere.
const HOMES: &[(&str, &[&str])] = &[
    // The test plugins forge what the ABI's own code refuses to make.
    ("abi_stable", &["ketch-abi", "ketch-test-plugins"]),
    // It stands before the C library's functions.
    ("libc", &["ketch-test-plugins"]),
    ("libloading", &["ketch-registry", "ketch-provider-qdmi"]),
    ("hyper", &["ketch-server"]),
    ("tokio-rustls", &["ketch-server"]),
    ("reqwest", &["ketch-provider-ibmq"]),
    ("rusqlite", &["ketch-jobs"]),
    ("sha2", &["ketch-registry", "ketch-jobs", "ketch-server"]),
    ("clap", &["ketch-cli", "xtask"]),
    ("anyhow", &["ketch-cli", "ketch-peers", "xtask"]),
];

/// One line of `[dependencies]`, `[build-dependencies]` or `[dev-dependencies]`.
struct Arrow<'a> {
    from: &'a str,
    to: &'a str,
    /// In `[dev-dependencies]`.
    for_tests: bool,
    /// Of the package `from`, relative to the root.
    manifest: &'a str,
}

/// Checks every dependency of every package of the workspace.
pub(crate) fn layers() -> Result<()> {
    let metadata = metadata(&["--no-deps"])?;
    let packages = metadata.workspace_packages();
    let mut problems = Vec::new();
    let mut arrows = 0;
    for package in &packages {
        let path = package.manifest_path.as_std_path();
        let manifest = path.strip_prefix(root()).unwrap_or(path).display().to_string();
        if !is_ours(&package.name) {
            problems.push(format!(
                "{manifest}: {} stands in no layer; add it to LAYERS in .ci/xtask/src/layers.rs",
                package.name
            ));
        }
        for dependency in &package.dependencies {
            arrows += 1;
            problems.extend(problem(&Arrow {
                from: &package.name,
                to: &dependency.name,
                for_tests: dependency.kind == DependencyKind::Development,
                manifest: &manifest,
            }));
        }
    }
    let passed = format!("{arrows} dependencies of {} packages point down", packages.len());
    verdict("layers", &problems, &passed)
}

/// What is wrong with an arrow, in one line; `None` if it is allowed.
fn problem(arrow: &Arrow<'_>) -> Option<String> {
    let Arrow { from, to, for_tests, manifest } = *arrow;
    if to.starts_with(PROVIDERS) {
        return Some(format!(
            "{manifest}: {from} depends on {to}; nothing names a provider crate, the only road \
             to a provider is a file in a directory"
        ));
    }
    if let Some((_, homes)) = HOMES.iter().find(|(library, _)| *library == to) {
        return (!for_tests && !homes.contains(&from)).then(|| {
            format!("{manifest}: {from} depends on {to}, whose home is {}", homes.join(", "))
        });
    }
    if !is_ours(to) || BESIDE.contains(&from) {
        return None;
    }
    if BESIDE.contains(&to) {
        return Some(format!("{manifest}: {from} depends on {to}, which nothing may use"));
    }
    let (lower, upper) = (layer(to)?, layer(from)?);
    if lower.height > upper.height || (lower.height == upper.height && !for_tests) {
        return Some(format!(
            "{manifest}: the arrow {from} (layer {}) -> {to} (layer {}) does not point down",
            upper.height, lower.height
        ));
    }
    if !for_tests && !upper.uses.contains(&to) {
        let allowed = if upper.uses.is_empty() { "none".to_owned() } else { upper.uses.join(", ") };
        return Some(format!(
            "{manifest}: {from} depends on {to}; of our crates it may use {allowed} \
             (LAYERS in .ci/xtask/src/layers.rs)"
        ));
    }
    None
}

fn layer(package: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.package == package)
}

fn is_ours(package: &str) -> bool {
    layer(package).is_some() || BESIDE.contains(&package)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, to: &str, for_tests: bool, expected: Option<&str>) {
        let arrow = Arrow { from, to, for_tests, manifest: "M" };
        assert_eq!(problem(&arrow).as_deref(), expected, "{from} -> {to}");
    }

    #[test]
    fn the_table_itself_points_down() {
        for upper in LAYERS {
            for &name in upper.uses {
                let lower = layer(name).expect("the table uses only its own packages");
                assert!(lower.height < upper.height, "{} -> {name}", upper.package);
            }
        }
    }

    #[test]
    fn arrows_of_the_table_pass() {
        check("ketch-cli", "ketch", false, None);
        check("ketch-registry", "ketch-abi", false, None);
        check("ketch-registry", "serde", false, None);
    }

    #[test]
    fn an_arrow_that_points_up_names_both_crates_and_the_manifest() {
        check(
            "ketch-interface",
            "ketch-registry",
            false,
            Some(
                "M: the arrow ketch-interface (layer 0) -> ketch-registry (layer 3) does not point down",
            ),
        );
        check(
            "ketch-registry",
            "ketch-conformance",
            false,
            Some(
                "M: the arrow ketch-registry (layer 3) -> ketch-conformance (layer 3) does not point down",
            ),
        );
    }

    #[test]
    fn a_step_past_a_layer_is_refused() {
        check(
            "ketch-cli",
            "ketch-registry",
            false,
            Some(
                "M: ketch-cli depends on ketch-registry; of our crates it may use ketch, ketch-conformance, ketch-server (LAYERS in .ci/xtask/src/layers.rs)",
            ),
        );
    }

    #[test]
    fn tests_may_look_sideways_and_down_but_not_up() {
        check("ketch-provider-local", "ketch-conformance", true, None);
        check("ketch-qasm", "ketch-abi", true, None);
        check(
            "ketch-core",
            "ketch",
            true,
            Some("M: the arrow ketch-core (layer 2) -> ketch (layer 4) does not point down"),
        );
        check(
            "ketch-core",
            "xtask",
            true,
            Some("M: ketch-core depends on xtask, which nothing may use"),
        );
    }

    #[test]
    fn nothing_names_a_provider() {
        let expected = |from: &str| {
            format!(
                "M: {from} depends on ketch-provider-local; nothing names a provider crate, the only road to a provider is a file in a directory"
            )
        };
        check("ketch", "ketch-provider-local", false, Some(&expected("ketch")));
        check("ketch-e2e", "ketch-provider-local", true, Some(&expected("ketch-e2e")));
    }

    #[test]
    fn libraries_stay_at_home() {
        check("ketch-abi", "abi_stable", false, None);
        check("ketch-simulator", "rusqlite", true, None);
        check(
            "ketch-simulator",
            "rusqlite",
            false,
            Some("M: ketch-simulator depends on rusqlite, whose home is ketch-jobs"),
        );
    }
}
