//! `cargo xtask bench listing`: `ketch backends` with a hundred plugins, as a whole process.
//!
//! Cold, nothing is known of any plugin, and each is asked; warm, the list is made from what they
//! said. The directory of plugins is the same; only what is remembered is removed in between.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    build,
    process::{quietly, target_dir},
};

/// The plugins in the user's directory.
const PLUGINS: usize = 100;
/// Lists made while nothing is known.
const COLD: usize = 7;
/// Lists made of what is known.
const WARM: usize = 50;

/// The id in the plugin that the hundred are copied from; it occurs there as it is, and copies get
/// others of the same length.
const ID: &str = "marks-0000";

/// Makes the plugins, and times the lists.
pub(crate) fn listing() -> Result<()> {
    let built = build::default_members("release")?;
    let plugin = build::one_example_library("ketch-test-plugins", "marks")?;
    let home = target_dir()?.join("bench/listing");
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("removing {}", home.display()))?;
    }
    make_plugins(&plugin, &home.join("data/ketch/providers"))?;
    let mut empty = list(&built.ketch, &home.join("empty"));
    let mut hundred = list(&built.ketch, &home);
    let cache = home.join("cache");
    // Once untimed: the files come from the disk, and the plugins are pinned.
    quietly(&mut hundred)?;
    quietly(&mut empty)?;

    let (mut cold, mut warm, mut none) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..COLD {
        fs::remove_dir_all(&cache).with_context(|| format!("removing {}", cache.display()))?;
        cold.push(timed(&mut hundred)?);
    }
    for _ in 0..WARM {
        warm.push(timed(&mut hundred)?);
        none.push(timed(&mut empty)?);
    }
    println!("`ketch backends` as a whole process, median and least:");
    for (name, times) in [
        (format!("{PLUGINS} plugins and the installation's, cold"), &mut cold),
        (format!("{PLUGINS} plugins and the installation's, warm"), &mut warm),
        ("the installation's alone, warm".to_owned(), &mut none),
    ] {
        times.sort();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!("    {:8.1} ms {:8.1} ms  {name}", ms(times[times.len() / 2]), ms(times[0]));
    }
    Ok(())
}

/// Copies of the plugin with an id each.
fn make_plugins(plugin: &Path, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("making {}", directory.display()))?;
    let bytes = fs::read(plugin).with_context(|| format!("reading {}", plugin.display()))?;
    let places: Vec<usize> = bytes
        .windows(ID.len())
        .enumerate()
        .filter_map(|(place, window)| (window == ID.as_bytes()).then_some(place))
        .collect();
    if places.is_empty() {
        bail!("{} does not hold its id `{ID}`", plugin.display());
    }
    for number in 0..PLUGINS {
        let id = format!("marks-{number:04}");
        let mut copy = bytes.clone();
        for &place in &places {
            copy[place..place + id.len()].copy_from_slice(id.as_bytes());
        }
        let file: PathBuf = directory.join(format!("{id}.so"));
        fs::write(&file, copy).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

fn list(ketch: &Path, home: &Path) -> Command {
    let mut command = Command::new(ketch);
    command
        .arg("backends")
        .env_clear()
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn timed(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    quietly(command)?;
    Ok(start.elapsed())
}
