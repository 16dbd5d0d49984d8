//! `ketch doctor`: is the installation in order?

use std::{fs, io::Write, thread, time::Instant};

use clap::Args;
use ketch::{BackendExt, Circuit, Registry, State, qobj::seed_experiments};
use serde_json::json;

use crate::{
    context::Context,
    exit::Exit,
    failure::Failure,
    output::{number, table::one_line},
};

/// The arguments of `ketch doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print a document for programs (schema ketch.doctor/1)
    #[arg(long)]
    pub(crate) json: bool,
}

/// One thing that was looked at.
struct Check {
    name: &'static str,
    /// `None`: there is no right and wrong.
    ok: Option<bool>,
    found: String,
}

impl Check {
    fn fact(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, ok: None, found: one_line(&found.into()) }
    }

    fn verdict(name: &'static str, ok: bool, found: impl Into<String>) -> Self {
        Self { name, ok: Some(ok), found: one_line(&found.into()) }
    }
}

pub(crate) fn execute(
    args: &DoctorArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let registry = context.registry_as_it_is(Registry::discover);
    let mut checks = machine();
    checks.extend(search_path(&registry));
    checks.extend(plugins(&registry));
    checks.push(bell_pair(&registry));
    let healthy = checks.iter().all(|check| check.ok != Some(false));
    if args.json {
        let checks: Vec<_> = checks
            .iter()
            .map(|check| json!({ "name": check.name, "ok": check.ok, "found": check.found }))
            .collect();
        let document = json!({ "schema": "ketch.doctor/1", "healthy": healthy, "checks": checks });
        writeln!(out, "{document}")?;
    } else {
        let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
        for check in &checks {
            let mark = match check.ok {
                None => "    ",
                Some(true) => "ok  ",
                Some(false) => "BAD ",
            };
            writeln!(out, "{mark} {:<width$}  {}", check.name, check.found)?;
        }
        let verdict = if healthy { "all is well" } else { "something is wrong" };
        writeln!(out, "\n{}", context.terminal.bold(verdict))?;
    }
    Ok(if healthy { Exit::Ok } else { Exit::Failed })
}

fn machine() -> Vec<Check> {
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
    let platform = format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
    vec![
        Check::fact("version", env!("CARGO_PKG_VERSION")),
        Check::fact("platform", platform),
        Check::fact("processor", processor_features().join(" ")),
        Check::fact("threads", threads.to_string()),
        Check::fact("memory", memory().unwrap_or_else(|| "unknown".to_owned())),
    ]
}

/// The instruction sets that make simulators faster, as far as this processor has them.
fn processor_features() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let features = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let features: [(&str, bool); 0] = [];
    features.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
}

/// Total and free memory, as the system counts them.
fn memory() -> Option<String> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |key: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    let bytes = |key| Some(number::bytes(kib(key)?.saturating_mul(1024)));
    Some(format!("{}, {} free", bytes("MemTotal")?, bytes("MemAvailable")?))
}

fn search_path(registry: &Registry) -> Vec<Check> {
    let directories = registry.search_path().directories.iter();
    directories
        .map(|directory| {
            let missing = if directory.path.is_dir() { "" } else { ", does not exist" };
            let found = format!("{} ({}{missing})", directory.path.display(), directory.origin);
            Check::fact("searched", found)
        })
        .collect()
}

fn plugins(registry: &Registry) -> Vec<Check> {
    let problems = registry.examine();
    let mut checks: Vec<Check> = registry
        .candidates()
        .iter()
        .map(|candidate| {
            let path = candidate.path.display();
            match (&candidate.state, &candidate.manifest) {
                (State::Refused(refusal), _) => {
                    Check::verdict("plugin", false, refusal.to_string())
                }
                (State::Shadowed { by }, _) => {
                    Check::fact("plugin", format!("{path}: shadowed by {}", by.display()))
                }
                (State::Ready, manifest) => {
                    let id = manifest.as_ref().map_or("?", |manifest| manifest.id.as_str());
                    match problems.iter().find(|(problem, _)| problem == id) {
                        None => Check::verdict("plugin", true, format!("{id}: {path}")),
                        Some((_, error)) => {
                            Check::verdict("plugin", false, format!("{id}: {error}"))
                        }
                    }
                }
            }
        })
        .collect();
    if checks.is_empty() {
        checks.push(Check::verdict("plugin", false, "none was found"));
    }
    checks
}

/// Entangles two qubits on the local simulator and looks whether they agree.
fn bell_pair(registry: &Registry) -> Check {
    const SHOTS: u64 = 1000;
    let started = Instant::now();
    let run = || -> Result<bool, Failure> {
        let backend = registry.get_backend("local/qasm_simulator")?;
        let bell = Circuit::new(2, 2).h(0).cx(0, 1).measure_all().named("bell");
        let mut qobj = ketch::Qobj::from_circuit(bell).with_shots(SHOTS);
        seed_experiments(&mut qobj, 1);
        let result = backend.run_and_wait(qobj, Some(std::time::Duration::from_secs(10)))?;
        let counts = result.counts(0)?;
        // Fair coins leave 400 to 600 of 1000 once in 10^9 times; the seed is fixed besides.
        let fair = (400..=600).contains(&counts.get("00"));
        Ok(fair && counts.get("00") + counts.get("11") == SHOTS)
    };
    let time = |started: Instant| number::duration(started.elapsed());
    match run() {
        Ok(true) => Check::verdict("bell pair", true, format!("agrees, {}", time(started))),
        Ok(false) => Check::verdict("bell pair", false, "the two qubits do not agree"),
        Err(failure) => {
            let causes: String = failure.causes.iter().map(|cause| format!(": {cause}")).collect();
            Check::verdict("bell pair", false, format!("{}{causes}", failure.message))
        }
    }
}
