//! `ketch provider new`: a provider's crate, or files of C, that compile at once.

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
with tests, a README and a CI file, to be changed into your own: a simulator, or with --remote the
backends of a service, asked over HTTP with the user's account. With --c it is a simulator in C, with
the header that it needs.")]
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
    /// Ask a service over HTTP instead of computing
    #[arg(long)]
    remote: bool,
    /// Write C instead of Rust
    #[arg(long, conflicts_with_all = ["remote", "core"])]
    c: bool,
}

/// A file of the template: its path in the crate, and its text, in which the template's own name
/// and dependencies stand.
type TemplateFile = (&'static str, &'static str);

macro_rules! template {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$((
            $path,
            include_str!(concat!("../../../../", $folder, "/", $path)),
        )),*]
    };
}

const LOCAL: &[TemplateFile] = template![
    "examples/provider-template":
    "Cargo.toml",
    "README.md",
    ".gitignore",
    "rustfmt.toml",
    ".github/workflows/ci.yml",
    "src/lib.rs",
    "tests/contract.rs",
];

const REMOTE: &[TemplateFile] = template![
    "examples/provider-template-remote":
    "Cargo.toml",
    "README.md",
    ".gitignore",
    "rustfmt.toml",
    ".github/workflows/ci.yml",
    "src/lib.rs",
    "examples/service.rs",
    "tests/contract.rs",
    "tests/service/mod.rs",
    "tests/service/machine.rs",
];

const IN_C: [&[TemplateFile]; 2] =
    [template!["examples/provider-c": "bits.c"], template!["core/abi/include": "ketch_plugin.h"]];

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
    let flavour = match (args.c, args.remote) {
        (true, _) => &IN_C[..],
        (false, true) => &[REMOTE],
        (false, false) => &[LOCAL],
    };
    for (path, text) in flavour.iter().copied().flatten() {
        write(&directory.join(path), &renamed(&core.in_place_of_paths(text), name))?;
    }
    let library = match args.c {
        true => format!("libketch_provider_{name}.so"),
        false => format!("target/debug/libketch_provider_{}.so", name.replace('-', "_")),
    };
    let next = match (args.c, args.remote) {
        (true, _) => format!("{COMPILE} -o {library} bits.c && ketch provider check {library}"),
        // Before it is checked, it needs an account.
        (_, true) => "cargo test, and then as README.md says".to_owned(),
        _ => format!("cargo test && cargo build && ketch provider check {library}"),
    };
    say(format_args!("next: cd {} && {next}", directory.display()));
    writeln!(out, "{}", directory.display())?;
    Ok(Exit::Ok)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(directory).and_then(|()| fs::write(path, text));
    written.map_err(|error| Failure::unwritable(path, &error))
}

/// How a file of C becomes a library.
const COMPILE: &str = "cc -std=c11 -O2 -shared -fPIC";

/// The template's text under another name. Only where the name is the provider's: a template is
/// one elsewhere, too.
fn renamed(text: &str, name: &str) -> String {
    let rust = name.replace('-', "_");
    text.replace("ketch-provider-template", &format!("ketch-provider-{name}"))
        .replace("ketch_provider_template", &format!("ketch_provider_{rust}"))
        .replace("template/basis_simulator", &format!("{name}/basis_simulator"))
        .replace("template/bit_machine", &format!("{name}/bit_machine"))
        .replace("--provider template", &format!("--provider {name}"))
        .replace(" -I ../../core/abi/include", "")
        .replace("c-bits/bits", &format!("{name}/bits"))
        .replace("provider_c-bits", &format!("provider_{name}"))
        .replace("\\\"c-bits\\\"", &format!("\\\"{name}\\\""))
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
        let said = text.find("# Outside of a checkout");
        if let (Some(start), Some(end)) = (said, text.find("[dependencies]")) {
            text.replace_range(start..end, "");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifests(core: Option<&str>) -> String {
        let source = Source::of(core).unwrap();
        let manifests = [LOCAL[0], REMOTE[0]];
        manifests.map(|(_, text)| renamed(&source.in_place_of_paths(text), "my-lab")).concat()
    }

    #[test]
    fn the_dependencies_come_from_where_it_was_said() {
        let twice = |text: &str, line: &str| {
            assert_eq!(text.matches(line).count(), 2, "{line}: {text}");
        };
        let registry = manifests(None);
        twice(&registry, "\nketch-core = \"0.1\"\n");
        twice(&registry, "\nketch-conformance = \"0.1\"\n");
        let git = manifests(Some("https://example.org/ketch"));
        twice(&git, "ketch-core = { git = \"https://example.org/ketch\" }");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for given in [root.to_owned(), root.join("core")] {
            let path = manifests(given.to_str());
            twice(&path, &format!("ketch-core = {{ path = {:?} }}", root.join("core")));
        }
        for text in [registry, git] {
            assert!(!text.contains("../..") && !text.contains("checkout write"), "{text}");
            twice(&text, "name = \"ketch-provider-my-lab\"");
        }
        assert!(Source::of(Some("/nowhere")).is_err());
    }

    #[test]
    fn the_name_stands_where_the_templates_stood() {
        for (path, text) in LOCAL.iter().chain(REMOTE) {
            let text = renamed(text, "my-lab");
            assert!(
                !text.contains("provider-template") && !text.contains("\"template\""),
                "{path}"
            );
            assert!(!text.contains("provider_template") && !text.contains("template/"), "{path}");
            assert!(!text.contains("provider template"), "{path}");
        }
        for template in [LOCAL, REMOTE] {
            let (_, rust) = template.iter().find(|(path, _)| *path == "src/lib.rs").unwrap();
            assert!(renamed(rust, "my-lab").contains("id: \"my-lab\""));
        }
    }

    #[test]
    fn a_plugin_in_c_has_its_name_and_says_how_it_is_compiled() {
        let text = renamed(IN_C[0][0].1, "my-lab");
        assert!(text.contains("\\\"id\\\":\\\"my-lab\\\""), "{text}");
        assert!(text.starts_with("/* my-lab/bits runs"), "{text}");
        assert!(
            text.contains(&format!("{COMPILE} -o libketch_provider_my-lab.so bits.c")),
            "{text}"
        );
        assert!(!text.contains("c-bits") && !text.contains(".."), "{text}");
    }

    #[test]
    fn no_file_of_the_templates_is_left_out() {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    // What was built there is no part of it.
                    true if path.ends_with("target") => {}
                    true => walk(&path, found),
                    false if path.ends_with("Cargo.lock") => {}
                    false => found.push(path),
                }
            }
        }
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        for (folder, template) in
            [("provider-template", LOCAL), ("provider-template-remote", REMOTE)]
        {
            let folder = examples.join(folder);
            let mut found = Vec::new();
            walk(&folder, &mut found);
            found.sort();
            let mut known: Vec<_> = template.iter().map(|(path, _)| folder.join(path)).collect();
            known.sort();
            assert_eq!(found, known);
        }
    }
}
