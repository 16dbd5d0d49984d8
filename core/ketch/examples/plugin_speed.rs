//! `plugin_speed DIRECTORY` measures what it costs to run a plugin in a process of its own, with
//! the test plugins `libable.so` and `libunruly.so` of the directory. `cargo xtask bench plugins`
//! builds and starts it.
//!
//! The two roads take turns, so that a slow moment of the machine hits both.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use ketch::{
    Array, Buffer, Extensions, Isolation, Message, Provider, Registry, RegistryError, SearchPath,
};

const CALLS: usize = 2000;
const STARTS: usize = 41;
const DEATHS: usize = 21;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    ketch::run_if_plugin_host();
    let from: PathBuf = std::env::args_os().nth(1).ok_or("usage: plugin_speed DIRECTORY")?.into();
    let scratch = std::env::temp_dir().join(format!("ketch-plugin-speed-{}", std::process::id()));
    fs::create_dir(&scratch)?;
    for name in ["libable.so", "libunruly.so"] {
        fs::copy(from.join(name), scratch.join(name))?;
    }
    let measured = measure(&scratch);
    fs::remove_dir_all(&scratch)?;
    measured
}

fn measure(plugins: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let here = registry(plugins, Isolation::Never).provider("able")?;
    let there = registry(plugins, Isolation::Always).provider("able")?;
    println!("{:38}{:>22}{:>22}", "median (least)", "in process", "isolated");

    let row = |what: &str, here: &[Duration], there: &[Duration]| {
        println!("{what:38}{:>22}{:>22}", shown(here), shown(there));
    };
    let (near, far) = (here.get_backend("able")?, there.get_backend("able")?);
    let status = turns(CALLS, || near.status().is_ok(), || far.status().is_ok());
    row("status of a backend", &status.0, &status.1);
    let both = turns(CALLS, || near.configuration().is_ok(), || far.configuration().is_ok());
    row("configuration of a backend", &both.0, &both.1);

    for (mebibytes, repetitions) in [(1, 201), (256, 7)] {
        let from = |provider: &Arc<dyn Provider>| {
            let asked = format!(r#"{{"bytes":{}}}"#, mebibytes << 20);
            let message = Message { format: 0, head: asked.into_bytes(), buffers: Vec::new() };
            call(&**provider, "test.numbers", message)
        };
        let got = turns(repetitions, || from(&here), || from(&there));
        row(&format!("{mebibytes} MiB made and answered"), &got.0, &got.1);
        let numbers: Array<f64> = (0..mebibytes << 17).map(f64::from).collect();
        let to = |provider: &Arc<dyn Provider>| {
            let buffers = vec![Buffer::Reals(numbers.clone())];
            call(&**provider, "test.address", Message { buffers, ..Message::default() })
        };
        let sent = turns(repetitions, || to(&here), || to(&there));
        row(&format!("{mebibytes} MiB sent"), &sent.0, &sent.1);
    }

    let start = |isolation| {
        let registry = registry(plugins, isolation);
        let start = Instant::now();
        let provider = registry.provider("able");
        Ok::<_, RegistryError>((start.elapsed(), provider?))
    };
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(start(Isolation::Always)?.0);
    }
    row("a worker started, its plugin loaded", &[], &starts);

    let mut deaths = Vec::new();
    for _ in 0..DEATHS {
        let unruly = registry(plugins, Isolation::Always).provider("unruly")?;
        let start = Instant::now();
        let died = call(&*unruly, "exit", Message::default());
        deaths.push(start.elapsed());
        assert!(!died, "it was told to end");
    }
    row("from a call that ends it to the error", &[], &deaths);
    Ok(())
}

fn registry(plugins: &Path, isolation: Isolation) -> Registry {
    Registry::discover(&SearchPath::only([plugins.to_owned()])).with_isolation(isolation)
}

/// Calls an ability of the provider; whether it answered.
fn call(provider: &dyn Provider, name: &str, message: Message) -> bool {
    let called = |extensions: &dyn Extensions| extensions.call(name, message).is_ok();
    black_box(provider.extensions().is_some_and(called))
}

/// The times of two things that take turns.
///
/// # Panics
/// If one of them does not succeed.
fn turns(
    repetitions: usize,
    mut first: impl FnMut() -> bool,
    mut second: impl FnMut() -> bool,
) -> (Vec<Duration>, Vec<Duration>) {
    let time = |work: &mut dyn FnMut() -> bool| {
        let start = Instant::now();
        assert!(work(), "every call succeeds");
        start.elapsed()
    };
    let turn = |_| (time(&mut first), time(&mut second));
    (0..repetitions).map(turn).unzip()
}

/// The median and the least of the times; nothing of none.
fn shown(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort();
    let text = |time: &Duration| match time.as_secs_f64() {
        s if s < 1e-3 => format!("{:.1} us", s * 1e6),
        s => format!("{:.2} ms", s * 1e3),
    };
    match (times.get(times.len() / 2), times.first()) {
        (Some(median), Some(least)) => format!("{} ({})", text(median), text(least)),
        _ => String::new(),
    }
}
