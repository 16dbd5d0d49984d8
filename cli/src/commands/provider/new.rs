//! `ketch provider new`: a provider's crate that compiles at once.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use ketch::package::{RESERVED, is_plain_id};

use crate::{exit::Exit, failure::Failure, output::terminal::say};

/// The arguments of `ketch provider new`.
#[derive(Debug, Args)]
#[command(after_help = "\
The crate `ketch-provider-NAME` is written into a new directory of that name. It is a whole plugin
with tests, a README and a CI file, to be changed into your own.")]
pub(crate) struct NewArgs {
    /// The provider's id: a letter, then lower-case letters, digits, - and _
    #[arg(value_name = "NAME")]
    name: String,
    /// The directory to put the crate's own directory into
    #[arg(long = "in", value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Where Ketch's crates come from: a checkout of Ketch, or the address of a git repository; a
    /// package registry if it is not given
    #[arg(long, value_name = "PATH|GIT")]
    core: Option<String>,
}

/// A file of the template: its path in the crate, and its text, in which the template's own name
/// and dependencies stand.
type TemplateFile = (&'static str, &'static str);

macro_rules! template {
    ($($path:literal),* $(,)?) => {
        &[$((
            $path,
            include_str!(concat!("../../../../examples/provider-template/", $path)),
        )),*]
    };
}

const TEMPLATE: &[TemplateFile] = template![
    "Cargo.toml",
    "README.md",
    ".gitignore",
    ".github/workflows/ci.yml",
    "src/lib.rs",
    "tests/contract.rs",
];

/// The crates of Ketch that the template depends on, and where they are from there.
const DEPENDENCIES: [(&str, &str); 2] =
    [("ketch-core", "core"), ("ketch-conformance", "tests/conformance")];

pub(crate) fn execute(args: &NewArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let name = args.name.as_str();
    if !is_plain_id(name) {
        let message = format!("`{}` is no id of a provider", name.escape_debug());
        let hint = "a letter, then lower-case letters, digits, - and _; at most 64";
        return Err(Failure::usage(message).with_hint(hint));
    }
    if RESERVED.contains(&name) {
        let message = format!("`{name}` is part of Ketch");
        return Err(Failure::usage(message).with_hint("choose another name"));
    }
    let core = Source::of(args.core.as_deref())?;
    let directory = args.directory.join(format!("ketch-provider-{name}"));
    // Made, not found: nothing that is there is written over.
    fs::create_dir(&directory).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let message = format!("`{}` is there already", directory.display());
            Failure::usage(message).with_hint("choose another name, or --in another directory")
        }
        _ => Failure::unwritable(&directory, &error),
    })?;
    for (path, text) in TEMPLATE {
        write(&directory.join(path), &renamed(&core.in_place_of_paths(text), name))?;
    }
    let library = format!("target/debug/libketch_provider_{}.so", name.replace('-', "_"));
    say(format_args!(
        "next: cd {} && cargo test && cargo build && ketch provider check {library}",
        directory.display()
    ));
    writeln!(out, "{}", directory.display())?;
    Ok(Exit::Ok)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(directory).and_then(|()| fs::write(path, text));
    written.map_err(|error| Failure::unwritable(path, &error))
}

/// The template's text under another name. Only where the name is the provider's: a template is
/// one elsewhere, too.
fn renamed(text: &str, name: &str) -> String {
    let rust = name.replace('-', "_");
    text.replace("ketch-provider-template", &format!("ketch-provider-{name}"))
        .replace("ketch_provider_template", &format!("ketch_provider_{rust}"))
        .replace("template/basis_simulator", &format!("{name}/basis_simulator"))
        .replace("\"template\"", &format!("{name:?}"))
}

/// Where the crates of Ketch come from.
#[derive(Debug)]
enum Source {
    Registry,
    Git(String),
    Checkout(PathBuf),
}

impl Source {
    fn of(text: Option<&str>) -> Result<Self, Failure> {
        let Some(text) = text else { return Ok(Self::Registry) };
        let path = Path::new(text);
        if !path.exists() && (text.contains("://") || text.starts_with("git@")) {
            return Ok(Self::Git(text.to_owned()));
        }
        let checkout = path.canonicalize().ok();
        // The crate itself is taken for the checkout that it is in.
        let root = checkout.as_deref().map(|path| match path.ends_with("core") {
            true => path.parent().unwrap_or(path),
            false => path,
        });
        match root.filter(|root| root.join("core/Cargo.toml").is_file()) {
            Some(root) => Ok(Self::Checkout(root.to_owned())),
            None => {
                let message = format!("`{text}` is neither a checkout of Ketch nor an address");
                Err(Failure::usage(message).with_hint("a checkout has `core/Cargo.toml`"))
            }
        }
    }

    /// The template's manifest with these sources.
    fn in_place_of_paths(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (package, folder) in DEPENDENCIES {
            let now = match self {
                Self::Registry => {
                    let version = env!("CARGO_PKG_VERSION");
                    let minor = version.rsplit_once('.').map_or(version, |(minor, _)| minor);
                    format!("{package} = {minor:?}")
                }
                Self::Git(address) => format!("{package} = {{ git = {address:?} }}"),
                Self::Checkout(root) => {
                    format!("{package} = {{ path = {:?} }}", root.join(folder))
                }
            };
            text = text.replace(&format!("{package} = {{ path = \"../../{folder}\" }}"), &now);
        }
        // What the template says of a checkout is done.
        let said = "# The only dependency. Outside of a checkout";
        let (Some(start), Some(end)) = (text.find(said), text.find("[dependencies]")) else {
            return text;
        };
        text.replace_range(start..end, "# The only dependency.\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(core: Option<&str>) -> String {
        let (_, text) = TEMPLATE[0];
        renamed(&Source::of(core).unwrap().in_place_of_paths(text), "my-lab")
    }

    #[test]
    fn the_dependencies_come_from_where_it_was_said() {
        let registry = manifest(None);
        assert!(registry.contains("\nketch-core = \"0.1\"\n"), "{registry}");
        assert!(registry.contains("\nketch-conformance = \"0.1\"\n"), "{registry}");
        let git = manifest(Some("https://example.org/ketch"));
        assert!(git.contains("ketch-core = { git = \"https://example.org/ketch\" }"), "{git}");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for given in [root.to_owned(), root.join("core")] {
            let path = manifest(given.to_str());
            let expected = format!("ketch-core = {{ path = {:?} }}", root.join("core"));
            assert!(path.contains(&expected), "{path}");
        }
        for text in [registry, git] {
            assert!(!text.contains("../.."), "{text}");
            assert!(text.contains("name = \"ketch-provider-my-lab\""), "{text}");
        }
        assert!(Source::of(Some("/nowhere")).is_err());
    }

    #[test]
    fn the_name_stands_where_the_templates_stood() {
        for (path, text) in TEMPLATE {
            let text = renamed(text, "my-lab");
            assert!(
                !text.contains("provider-template") && !text.contains("\"template\""),
                "{path}"
            );
            assert!(!text.contains("provider_template") && !text.contains("template/"), "{path}");
        }
        let (_, rust) = TEMPLATE.iter().find(|(path, _)| *path == "src/lib.rs").unwrap();
        assert!(renamed(rust, "my-lab").contains("id: \"my-lab\""));
    }
}
