//! `ketch draw`: circuits as pictures.

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use ketch::{
    Circuit,
    draw::{Drawing, TextOptions, draw},
};

use super::{
    convert::put,
    run::input::{self, Input},
};
use crate::{exit::Exit, failure::Failure, output::terminal::Terminal};

/// The width of pictures that go to no terminal.
const USUAL_WIDTH: usize = 100;

/// The arguments of `ketch draw`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ketch draw bell.qasm\n  ketch draw bell.qasm -O bell.svg")]
pub(crate) struct DrawArgs {
    /// Circuit files: OpenQASM, QPY or Qobj JSON; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Write this file, a picture (.svg) or text (.txt), instead of standard output
    #[arg(short = 'O', long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Fold the text at this many characters; 0: never [default: the terminal's width]
    #[arg(long, value_name = "NUMBER")]
    width: Option<usize>,
    /// Draw with ASCII only, as on terminals without UTF-8
    #[arg(long)]
    ascii: bool,
}

pub(crate) fn execute(args: &DrawArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let ending = args.output.as_deref().map(ending_of).transpose()?;
    let inputs: Vec<Input> =
        args.files.iter().map(|file| input::load(file)).collect::<Result<_, _>>()?;
    let mut pictures = Vec::new();
    for input in &inputs {
        let of_file = pictures_of(input).map_err(|failure| failure.about(&input.name))?;
        pictures.extend(of_file);
    }
    if ending == Some(Ending::Svg) {
        let [(_, picture)] = &pictures[..] else {
            let message = format!("{} circuits; an SVG file holds one", pictures.len());
            let failure = Failure::new("circuit.several", message);
            return Err(failure.with_hint("-O FILE.txt holds any number"));
        };
        return put(&picture.to_svg(), args.output.as_deref(), out);
    }
    let terminal = if args.output.is_some() { None } else { Some(Terminal::stdout()) };
    let width = match (args.width, terminal.and_then(|terminal| terminal.width)) {
        (Some(0), _) => None,
        (Some(width), _) => Some(width),
        (None, width) => Some(width.unwrap_or(USUAL_WIDTH)),
    };
    let is_terminal = terminal.is_some_and(|terminal| terminal.is_terminal());
    let ascii = args.ascii || is_terminal && !locale_is_utf8(|name| env::var(name).ok());
    let texts = pictures.iter().map(|(title, picture)| {
        let text = picture.to_text(TextOptions { width, ascii });
        if pictures.len() > 1 { format!("{title}\n{text}") } else { text }
    });
    put(&texts.collect::<Vec<_>>().join("\n"), args.output.as_deref(), out)
}

/// What a file is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Svg,
    Text,
}

fn ending_of(path: &Path) -> Result<Ending, Failure> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => Ok(Ending::Svg),
        Some("txt") => Ok(Ending::Text),
        _ => {
            let message = format!("`{}` ends neither in .svg nor in .txt", path.display());
            Err(Failure::usage(message))
        }
    }
}

/// A picture of each circuit of a file, and what it is called among others.
fn pictures_of(input: &Input) -> Result<Vec<(String, Drawing)>, Failure> {
    input::refuse_pulses(&input.qobj)?;
    let circuits = input.qobj.circuits();
    let title = |circuit: &Circuit| match circuits.len() {
        1 => format!("{}:", input.name),
        _ => format!("{}, {}:", input.name, circuit.name),
    };
    let picture = |circuit: &Circuit| {
        let drawn = draw(circuit).map_err(|error| {
            Failure::new("circuit.too_large", error.to_string())
                .with_hint("`ketch convert FILE --to qasm3` writes circuits of any size")
        });
        Ok((title(circuit).replace(char::is_control, " "), drawn?))
    };
    circuits.iter().map(picture).collect()
}

/// What the environment says of the characters that the terminal knows: the first of these that is
/// set decides (POSIX, section 8.2).
fn locale_is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set);
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_names_the_locale() {
        let check = |set: &[(&str, &str)], expected| {
            let of = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(locale_is_utf8(of), expected, "{set:?}");
        };
        check(&[], false);
        check(&[("LANG", "de_DE.UTF-8")], true);
        check(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], false);
        check(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")], true);
    }
}
