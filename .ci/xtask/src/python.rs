//! Private Pythons with pinned packages, for what is compared with other people's tools.
//!
//! Each lives in the target directory and is made again when its pins change. The pins are the
//! files of `tests/peers/requirements`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{root, run, target_dir};

/// Where the pins are, one file for each set of packages.
const PINS: &str = "tests/peers/requirements";

/// A Python interpreter that can import the pinned packages.
#[derive(Debug)]
pub(crate) struct Python {
    program: PathBuf,
    /// Where the packages are, if the interpreter is not one of a virtual environment.
    packages: Option<PathBuf>,
}

impl Python {
    /// Makes the environment for a set of packages, or finds the one made earlier.
    ///
    /// # Errors
    ///
    /// If there is neither `venv` nor `pip`, or a package cannot be fetched.
    pub(crate) fn prepare(set: &str) -> Result<Python> {
        let home = target_dir()?.join("python").join(set);
        let stamp = home.join("pins.txt");
        let requirements = root().join(PINS).join(format!("{set}.txt"));
        let pins = fs::read_to_string(&requirements)
            .with_context(|| format!("reading {}", requirements.display()))?;
        let venv = home.join("venv");
        let packages = home.join("packages");

        // The stamp is written last, so an environment that is half made counts as none.
        if fs::read_to_string(&stamp).is_ok_and(|made| made == pins) {
            return Ok(if packages.is_dir() {
                Python { program: "python3".into(), packages: Some(packages) }
            } else {
                Python { program: venv.join("bin/python"), packages: None }
            });
        }
        if home.exists() {
            fs::remove_dir_all(&home).with_context(|| format!("emptying {}", home.display()))?;
        }
        fs::create_dir_all(&home).with_context(|| format!("making {}", home.display()))?;

        let python = if can("import venv, ensurepip")? {
            run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
            let python = Python { program: venv.join("bin/python"), packages: None };
            let pip = ["-m", "pip", "install", "--quiet", "--requirement"];
            run(python.command().args(pip).arg(&requirements))?;
            python
        } else if can("import pip")? {
            run(Command::new("python3")
                .args(["-m", "pip", "install", "--quiet", "--target"])
                .arg(&packages)
                .arg("--requirement")
                .arg(&requirements))?;
            Python { program: "python3".into(), packages: Some(packages) }
        } else {
            bail!("python3 has neither venv nor pip; on Debian: apt-get install python3-venv")
        };
        fs::write(&stamp, pins).with_context(|| format!("writing {}", stamp.display()))?;
        Ok(python)
    }

    /// The interpreter of the virtual environment.
    ///
    /// # Errors
    ///
    /// If the packages lie beside the system's Python, for want of `venv`.
    pub(crate) fn program(&self) -> Result<&Path> {
        match self.packages {
            None => Ok(&self.program),
            Some(_) => bail!("python3 has no venv; on Debian: apt-get install python3-venv"),
        }
    }

    /// Where the packages are, if not in a virtual environment.
    pub(crate) fn packages(&self) -> Option<&Path> {
        self.packages.as_deref()
    }

    /// The interpreter, to be run at the root of the repository.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(root()).env("PYTHONDONTWRITEBYTECODE", "1");
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        command
    }

    /// One of the scripts of `tests/peers`.
    pub(crate) fn script(&self, path: impl AsRef<Path>) -> Command {
        let mut command = self.command();
        command.arg(path.as_ref());
        command
    }
}

/// Whether the system's Python can run the statement.
fn can(statement: &str) -> Result<bool> {
    let mut probe = Command::new("python3");
    probe.args(["-c", statement]).stderr(Stdio::null());
    let status = probe.status().context("starting `python3`; Python 3 is needed here")?;
    Ok(status.success())
}
