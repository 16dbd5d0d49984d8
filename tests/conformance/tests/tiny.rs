//! The checks, on a small simulator that keeps the contract and on the same with one fault each.

mod simulator;

use std::collections::BTreeSet;

use ketch_conformance::{
    Outcome, assert_conformant, backend_checks, provider_checks, run_all, run_one,
};
use simulator::{Fault, Tiny};

#[test]
fn a_provider_that_keeps_the_contract_passes_every_check() {
    let tiny = Tiny::new(None);
    assert_conformant(&tiny);
    let report = run_all(&tiny);
    assert_eq!(report.lines.len(), provider_checks().count() + backend_checks().count());
    let passed = |outcome: &Outcome| *outcome == Outcome::Passed;
    let others = report.lines.iter().filter(|line| !passed(&line.outcome));
    // Whether a job can be caught while it runs depends on the machine.
    let others = others.filter(|line| !line.to_string().contains("finished the longest job"));
    assert_eq!(others.map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
}

/// The check that a fault breaks, and a part of what it says then.
const FAULTS: &[(Fault, &str, &str)] = &[
    (Fault::ListedTwice, "backend names are unique", "two backends are called `tiny`"),
    (Fault::FoundByAnyName, "an unknown backend is refused with the known names", "gave `tiny`"),
    (Fault::UnfilteredList, "filters by key", "gave [\"tiny\"]"),
    (Fault::UnfilteredList, "filters by closure", "wants nothing gave tiny"),
    (Fault::ConfigurationOfAnother, "the configuration is valid", "is of `another`"),
    (Fault::StatusOfAnother, "the status is valid", "is of `another`"),
    (Fault::ReversedBits, "outcomes have the right bit order", "expected mostly 01"),
    (Fault::NoEntanglement, "a Bell pair is correlated", "a Bell pair gave"),
    (Fault::NoHeader, "results name what was run", "the header came back as {}"),
    (
        Fault::ReversedExperiments,
        "experiments come back in order",
        "[\"again\", \"one\", \"none\"]",
    ),
    (Fault::SeedIgnored, "the same seed gives the same counts", "seed 42 gave"),
    (Fault::MemoryForgotten, "memory matches the counts", "gave none"),
    (Fault::MemoryOfOthers, "memory matches the counts", "memory holds"),
    (Fault::OneBadStopsAll, "a bad experiment stops no other", "job.failed"),
    (Fault::RunWaits, "run returns at once", "`run` took"),
    (Fault::EndsInError, "the status ends at DONE and stays", "ended at ERROR"),
    (Fault::ResultOnlyOnce, "the result can be had again", "the second result differs"),
    (Fault::UntypedTimeOut, "a time-out is typed, in time, and cancels nothing", "found late"),
    (
        Fault::TimeOutCancels,
        "a time-out is typed, in time, and cancels nothing",
        "cancelled the job",
    ),
    (Fault::CancelSaysTrue, "cancelling a finished job changes nothing", "says true"),
    (Fault::SharedId, "jobs have ids of their own", "two jobs have the id"),
    (Fault::NoSuchJobFound, "an unknown job is refused", "expected job.not_found"),
    (Fault::AcceptsPulses, "pulse programs are refused by name", "a pulse program was accepted"),
    (Fault::AcceptsOptions, "unknown options are refused by name", "was accepted"),
    (Fault::NearestForgotten, "misspelt options get the nearest name", "is None"),
    (Fault::AcceptsInstructions, "unknown instructions are refused by name", "was accepted"),
    (Fault::AcceptsQubits, "too many qubits are refused", "was accepted"),
];

#[test]
fn each_fault_fails_its_check() {
    for (fault, name, expected) in FAULTS {
        let tiny = Tiny::new(Some(*fault));
        let is_of_backend = backend_checks().any(|(_, (known, _))| known == *name);
        let line = run_one(&tiny, name, is_of_backend.then_some("tiny")).unwrap();
        match line.outcome {
            Outcome::Failed(how) => {
                assert!(how.contains(expected), "{fault:?}, {name}: {how}");
            }
            other => panic!("{fault:?} gets through `{name}`: {other:?}"),
        }
    }
}

#[test]
fn no_two_checks_have_the_same_name() {
    let names = provider_checks().map(|(_, (name, _))| name);
    let names: Vec<_> = names.chain(backend_checks().map(|(_, (name, _))| name)).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn a_check_that_there_is_not_is_none() {
    let tiny = Tiny::new(None);
    assert_eq!(run_one(&tiny, "no such check", None), None);
    assert_eq!(run_one(&tiny, "run returns at once", None), None, "it needs a backend");
    let line = run_one(&tiny, "run returns at once", Some("no-such-backend")).unwrap();
    assert!(matches!(line.outcome, Outcome::Failed(_)), "{line}");
}
