//! The contract of providers, proved on the plugins through the boundary.

use ketch::{Registry, SearchPath};
use ketch_conformance::{BACKEND_CHECKS, Outcome, assert_conformant, run_all};

use crate::sandbox::local_plugin;

#[test]
fn the_local_simulators_keep_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(local_plugin(), directory.path().join("local.so")).unwrap();
    let registry = Registry::discover(&SearchPath::only([directory.path().to_owned()]));
    let provider = registry.provider("local").unwrap();
    let report = run_all(&*provider);
    assert!(report.is_conformant(), "{report}");
    // Nothing says "not applicable" where it should not: shots are the trade of this simulator.
    let shots = report.lines.iter().filter(|line| line.subject == "local/qasm_simulator");
    let shots: Vec<_> = shots.collect();
    assert_eq!(shots.len(), BACKEND_CHECKS.len());
    let missed = shots.iter().filter(|line| line.outcome != Outcome::Passed);
    let missed: Vec<&str> = missed.map(|line| line.check).collect();
    assert!(missed.iter().all(|check| MAY_BE_MISSED.contains(check)), "{report}");
}

/// What depends on the machine's speed.
const MAY_BE_MISSED: [&str; 0] = [];
