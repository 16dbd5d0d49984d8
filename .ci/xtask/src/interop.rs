//! `cargo xtask interop`: the same circuits through Ketch and through Qiskit and Aer.
//!
//! Every `tests/peers/check_*.py` is one comparison. It takes the path of `ketch` and a scratch
//! directory, prints what it compared, and exits non-zero on a difference. After them come the
//! sampler and the estimator, the devices of other people that the plugin `qdmi` uses, and a sample of
//! the differential tests: see [`peers`].

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::build;
use crate::peers;
use crate::process::{root, run};
use crate::python::Python;

/// Builds Ketch with optimisation, prepares Python, and runs every comparison.
pub(crate) fn interop() -> Result<()> {
    let built = build::default_members("release")?;
    let python = Python::prepare("interop")?;
    for script in scripts()? {
        let scratch = tempfile::tempdir().context("making a scratch directory")?;
        // What is compared is no job of the user's.
        let data = scratch.path().join("data");
        let mut comparison = python.script(&script);
        run(comparison.arg(&built.ketch).arg(scratch.path()).env("XDG_DATA_HOME", data))?;
    }
    peers::primitives(&python)?;
    devices(&built.ketch)?;
    peers::sample(&python)
}

/// The versions of QDMI, each with the packages that have devices of it.
const QDMI: [(&str, &str); 2] = [("1.4", "qdmi-1.4"), ("1.3", "qdmi-1.3")];

/// Runs circuits on real QDMI devices of each version.
fn devices(ketch: &Path) -> Result<()> {
    let plugin = build::one_plugin("ketch-provider-qdmi")?;
    for (version, packages) in QDMI {
        let scratch = tempfile::tempdir().context("making a scratch directory")?;
        let mut script = Python::prepare(packages)?.script("tests/peers/qdmi_devices.py");
        run(script.arg(ketch).arg(&plugin).arg(scratch.path()).arg(version))?;
    }
    Ok(())
}

/// The comparisons, relative to the root, in the order of their names.
fn scripts() -> Result<Vec<PathBuf>> {
    let folder = PathBuf::from("tests/peers");
    let reading = || format!("listing {}", folder.display());
    let mut scripts = Vec::new();
    for entry in std::fs::read_dir(root().join(&folder)).with_context(reading)? {
        let name = entry.with_context(reading)?.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("check_") && name.ends_with(".py")) {
            scripts.push(folder.join(name));
        }
    }
    if scripts.is_empty() {
        bail!("found no check_*.py in {}", folder.display());
    }
    scripts.sort();
    Ok(scripts)
}
