//! The contract of providers, kept by a backend that `ketch serve` serves.

use ketch_conformance::{Line, Outcome, backend_checks, run_all, run_one};

use crate::{
    service::{BACKEND, Only, Service},
    support::fast,
};

/// Why a check says nothing of a simulator that is no device; what cannot be run is refused before
/// there is a job.
const EXCUSED: &[&str] = &[
    "it has no properties",
    "it has no tags",
    "all its qubits are coupled",
    "it keeps memory",
    "it declares no limit",
    "it has none of the usual options",
    "it refuses bad experiments before there is a job",
];

/// The same of a device, and a simulator of one: its seeds are nobody's, and its gates are few.
const OF_DEVICES: &[&str] = &[
    "it has no tags",
    "it is no simulator",
    "it keeps memory",
    "it declares no limit",
    "it has none of the usual options",
    "it refuses bad experiments before there is a job",
    "it has none of the gates rx, ry, u",
    "it has none of the gates rx, ry, rz or u",
];

/// Names of other devices to try, apart by spaces; each takes some seconds, or minutes if it is large.
const OTHERS: &str = "KETCH_SERVED";

#[test]
fn a_served_simulator_keeps_the_contract() {
    let service = Service::with(&[]);
    keeps_the_contract(&service, BACKEND, EXCUSED);
}

#[test]
fn served_devices_keep_the_contract() {
    let service = Service::with(&[]);
    let named = std::env::var(OTHERS).unwrap_or_else(|_| "noisy_synthetic_5".to_owned());
    for name in named.split_whitespace() {
        keeps_the_contract(&service, name, OF_DEVICES);
    }
}

fn keeps_the_contract(service: &Service, name: &str, excused: &[&str]) {
    let provider = service.provider(&service.url(), fast());
    let provider = Only { provider, names: &[name] };
    let mut report = run_all(&provider);
    // Three processes and a wire are between a question and its answer, and a machine that has
    // other work for a moment makes them late: what came late is asked again.
    for line in report.lines.iter_mut().filter(|line| came_late(line)) {
        let backend = line.subject.split_once('/').map(|(_, backend)| backend);
        *line = run_one(&provider, line.check, backend).unwrap();
    }
    assert!(report.is_conformant(), "{report}");
    let of_backend = report.lines.iter().filter(|line| line.subject.ends_with(name));
    assert_eq!(of_backend.count(), backend_checks().count());
    let missed = report.lines.iter().filter(|line| line.outcome != Outcome::Passed);
    let missed = missed.map(ToString::to_string);
    let other = missed.filter(|line| !excused.iter().any(|why| line.ends_with(why)));
    assert_eq!(other.collect::<Vec<_>>(), [""; 0]);
}

fn came_late(line: &Line) -> bool {
    matches!(&line.outcome, Outcome::Failed(how) if how.contains(" took ") || how.contains(" came after "))
}
