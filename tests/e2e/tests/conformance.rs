//! The contract of providers, proved on the plugins through the boundary.

use std::{sync::Arc, time::Duration};

use ketch::{
    BackendError, Isolation, JobStatus, Provider, Registry, SearchPath,
    jobs::{JobFilter, Store, StoredProvider},
};
use ketch_conformance::{Outcome, backend_checks, run_all};

use crate::sandbox::{local_plugin, whole_machine};

#[test]
fn the_local_simulators_keep_the_contract() {
    drop(local_simulators(Isolation::Never, &[], |provider| provider));
}

#[test]
fn the_local_simulators_keep_the_contract_in_a_process_of_their_own() {
    drop(local_simulators(Isolation::Always, &[], |provider| provider));
}

#[test]
fn the_local_simulators_keep_the_contract_with_jobs_that_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(directory.path()).unwrap());
    for isolation in [Isolation::Never, Isolation::Always] {
        let kept = Arc::clone(&store);
        // Kept jobs of many experiments take turns by their parts.
        let missed = ["it lets no job wait"];
        let stored = |provider| Arc::new(StoredProvider::new(kept, provider)) as Arc<dyn Provider>;
        let provider = local_simulators(isolation, &missed, stored);
        // Jobs that nobody waits for any more take a moment to end.
        for job in store.jobs(&JobFilter::default()).unwrap() {
            let backend = job.backend.strip_prefix("local/").unwrap();
            let left = provider.get_backend(backend).unwrap().retrieve_job(&job.id).unwrap();
            let ended = left.result(Some(Duration::from_secs(60)));
            assert!(!matches!(ended, Err(BackendError::Timeout { .. })), "{ended:?}: {job:?}");
        }
    }
    // What was said of the jobs is what is on disk.
    assert_eq!(store.check().unwrap(), []);
    for job in store.jobs(&JobFilter::default()).unwrap() {
        assert!(job.state.is_final(), "{job:?}");
        assert!(
            job.state != JobStatus::Done || store.result(&job.id).unwrap().is_some(),
            "{job:?}"
        );
    }
}

fn local_simulators(
    isolation: Isolation,
    also_missed: &[&str],
    wrapped: impl FnOnce(Arc<dyn Provider>) -> Arc<dyn Provider>,
) -> Arc<dyn Provider> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(local_plugin(), directory.path().join("local.so")).unwrap();
    let registry = Registry::discover(&SearchPath::only([directory.path().to_owned()]));
    let registry = registry.with_isolation(isolation);
    let provider = wrapped(registry.provider("local").unwrap());
    let machine = whole_machine();
    let report = run_all(&*provider);
    drop(machine);
    assert!(report.is_conformant(), "{report}");
    // Nothing says "not applicable" where it should not: shots are the trade of this simulator.
    let shots = report.lines.iter().filter(|line| line.subject == "local/qasm_simulator");
    let shots: Vec<_> = shots.collect();
    assert_eq!(shots.len(), backend_checks().count());
    let missed = shots.iter().filter(|line| line.outcome != Outcome::Passed);
    let missed: Vec<String> = missed.map(ToString::to_string).collect();
    // It is no device, and so it has neither couplings nor a calibration.
    const NO_DEVICE: [&str; 7] = [
        "it declares every gate that there is",
        "it has no properties",
        "it has no tags",
        "all its qubits are coupled",
        "it keeps memory",
        "it declares no limit",
        "qubits would fill this machine",
    ];
    let excused = || NO_DEVICE.iter().chain(also_missed);
    let other = missed.iter().filter(|line| !excused().any(|why| line.ends_with(why)));
    assert_eq!(other.collect::<Vec<_>>(), [""; 0]);
    provider
}
