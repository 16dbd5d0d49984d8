//! `ketch provider trust`: what the user decides about a plugin.

use std::time::Duration;

use clap::Args;
use ketch::{Registry, Terms};

use crate::{context::Context, exit::Exit, failure::Failure, output::terminal::say};

/// The arguments of `ketch provider trust`.
#[derive(Debug, Args)]
#[command(after_help = "\
A plugin that is no part of Ketch is pinned when it is first seen: from then on another file under
the same id is refused until it is accepted here. Only accepted files are told your accounts.
What is set here, --isolation too, holds for this provider from now on; what is not given stays as
it was.")]
pub(crate) struct Trust {
    /// The provider, as `ketch providers` lists it
    #[arg(value_name = "ID")]
    id: String,
    /// The most memory that its process may take, such as 2GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
    /// The most processor time that its process may use, such as 10m
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    cpu_time: Option<u64>,
    /// The most files that its process may have open
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(16..))]
    open_files: Option<u64>,
}

pub(crate) fn execute(trust: &Trust, context: &Context) -> Result<Exit, Failure> {
    let terms = Terms {
        isolation: context.isolation_given(),
        memory: trust.memory,
        cpu_seconds: trust.cpu_time,
        open_files: trust.open_files,
    };
    let registry = context.registry_as_it_is(Registry::discover);
    let path = registry.trust(&trust.id, &terms)?;
    say(format_args!("provider `{}`: {} is accepted", trust.id, path.display()));
    Ok(Exit::Ok)
}

/// Reads a number of bytes: `512MiB`, `2 GiB`, `1000000`.
fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text[digits.len()..].trim();
    let shift = match unit.to_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        "t" | "tib" => 40,
        _ => return Err(format!("`{unit}` is no unit of memory: expected KiB, MiB, GiB or TiB")),
    };
    let number: u64 =
        digits.trim().parse().map_err(|_| "expected a number of bytes, such as 2GiB")?;
    match number.checked_mul(1 << shift) {
        Some(bytes) if bytes >= LEAST_MEMORY => Ok(bytes),
        Some(_) => Err("a plugin's process needs at least 64 MiB".to_owned()),
        None => Err("that is more than a machine has".to_owned()),
    }
}

/// Less does not even hold the library.
const LEAST_MEMORY: u64 = 64 << 20;

/// Reads a time of at least a second.
fn seconds(text: &str) -> Result<u64, String> {
    let time: Duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match time.as_secs() {
        0 => Err("expected at least a second, such as 10m".to_owned()),
        seconds => Ok(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert_eq!(size(" 512 mib "), Ok(512 << 20));
        assert_eq!(size("1000000000"), Ok(1_000_000_000));
        for bad in ["", "GiB", "2 parsecs", "-1GiB", "1.5GiB", "1KiB", "99999999999TiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_whole_seconds() {
        assert_eq!(seconds("10m"), Ok(600));
        assert!(seconds("10ms").is_err() && seconds("soon").is_err());
    }
}
