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
    // Whether a job can be caught while it runs depends on the machine, and a simulator has no
    // calibration; `documents.rs` has a device with everything.
    const SAYS_NOTHING: [&str; 6] = [
        "finished the longest job",
        "it has no properties",
        "all its qubits are coupled",
        "it describes no gate",
        "it does not list its instructions",
        "it has no tags",
    ];
    let others = others.filter(|line| {
        let line = line.to_string();
        !SAYS_NOTHING.iter().any(|why| line.contains(why)) && !line.contains("it keeps memory")
    });
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
    (Fault::GoesBack, "states lead to an end", "which go back"),
    (Fault::UntypedTimeOut, "a look loses nothing", "found late"),
    (
        Fault::ResultAfterCancel,
        "cancelling a queued job ends it at once",
        "a cancelled job has a result",
    ),
    (Fault::FoundWithoutResult, "a job is found again", "has another result"),
    (Fault::ListsEverything, "jobs are listed", "at most one gave"),
    (Fault::SharedId, "many jobs come to their ends", "have 1 ids"),
    (Fault::NoReason, "a bad experiment stops no other", "does not say why"),
    (Fault::AcceptsPulses, "pulse programs are refused by name", "a pulse program was accepted"),
    (Fault::AcceptsOptions, "unknown options are refused by name", "was accepted"),
    (Fault::NearestForgotten, "misspelt options get the nearest name", "is None"),
    (Fault::AcceptsInstructions, "unknown instructions are refused by name", "was accepted"),
    (Fault::AcceptsQubits, "too many qubits are refused", "was accepted"),
    (Fault::ListGrows, "listing again gives the same backends", "then [\"tiny\", \"tiny\"]"),
    (Fault::ListGrows, "many threads are told the same backends", "different lists"),
    (Fault::FoundByAnyName, "the empty name is refused", "`` gave `tiny`"),
    (Fault::FoundByAnyName, "a very long name is refused", "nnn` gave `tiny`"),
    (Fault::FoundByAnyName, "a name of strange characters is refused", "`../x` gave `tiny`"),
    (Fault::FoundByAnyName, "names are matched whole", "`tiny_no_such` gave `tiny`"),
    (Fault::UnfilteredList, "filters by bounds", "gave 1 backends, expected 0"),
    (
        Fault::KnowsEveryExtension,
        "an unknown extension of the provider is refused",
        "knows revision 1",
    ),
    (
        Fault::KnowsEveryExtension,
        "an unknown extension of a backend is refused",
        "knows revision 1",
    ),
    (Fault::KnowsEveryExtension, "an unknown extension of a job is refused", "knows revision 1"),
    (Fault::CountsTwice, "counts add up to the shots", "1001 outcomes of 1000 shots"),
    (Fault::CountsTwice, "one shot gives one outcome", "one shot gave"),
    (Fault::CountsTwice, "shots have a default", "1025 outcomes, expected 1024"),
    (Fault::OneSeedForAll, "other seeds give other counts", "six seeds all gave"),
    (Fault::SeedIgnored, "experiments have seeds of their own", "with seed 7 gave"),
    (Fault::ReversedBits, "clbits without a measurement read 0", "expected mostly 01000"),
    (Fault::ReversedBits, "outcomes are as wide as the clbits", "expected mostly 1000"),
    (Fault::NoRegisters, "registers come apart", "the registers are []"),
    (Fault::ReversedBits, "a barrier does nothing", "expected mostly 01"),
    (Fault::MeasuresAtTheEnd, "a measurement reads what is before it", "expected mostly 10"),
    (Fault::ReversedBits, "a circuit without a name runs", "expected mostly 01"),
    (Fault::NoNames, "names come back in any script", "came back as \"experiment\""),
    (Fault::NoHeader, "headers come back whole", "header came back as {}"),
    (Fault::ParametersIgnored, "parameters are bound for each experiment", "expected mostly 01"),
    (Fault::HalfOfTheExperiments, "a hundred experiments come back", "50 experiments of 100"),
    (Fault::MemoryForAll, "memory is kept for those who ask", "kept [true, true]"),
    (Fault::GateMissing, "every basis gate runs", "the basis gate `z` is refused"),
    (
        Fault::ParametersIgnored,
        "parameters are bound for each experiment",
        "`turned` gave {00: 100}",
    ),
    (Fault::AcceptsInstructions, "gates that are not declared are refused", "declared nowhere"),
    (Fault::AcceptsConditions, "conditional gates are as declared", "is accepted and declared"),
    (Fault::AcceptsShots, "more shots than declared are refused", "1000001 shots were accepted"),
    (
        Fault::AcceptsShots,
        "more experiments than declared are refused",
        "5001 experiments were accepted",
    ),
    (Fault::AcceptsInstructions, "reset is as declared", "declared nowhere"),
    (Fault::JobsOfEachHandle, "a job is found by another handle", "job.not_found"),
    (Fault::ReversedBits, "the last qubit can be used", "expected mostly 10"),
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
fn a_panic_is_no_answer_to_bad_input() {
    let tiny = Tiny::new(Some(Fault::PanicsAtTheUnusual));
    let mut let_through = Vec::new();
    for (_, (name, _)) in backend_checks().filter(|(group, _)| *group == "bad input") {
        let outcome = run_one(&tiny, name, Some("tiny")).unwrap().outcome;
        if !matches!(&outcome, Outcome::Failed(how) if how.contains("that is unusual")) {
            let_through.push(name);
        }
    }
    // These start no job.
    let_through.retain(|name| *name != "a deadline in the past is answered");
    assert_eq!(let_through, ["strange job ids are refused"]);
}

#[test]
fn jobs_that_get_the_results_of_others_are_found() {
    let tiny = Tiny::new(Some(Fault::ResultOfAnother));
    for name in ["jobs side by side keep apart", "results come in any order", "many threads submit"]
    {
        let line = run_one(&tiny, name, Some("tiny")).unwrap();
        assert!(line.to_string().contains("came back with the result of"), "{line}");
    }
}

#[test]
fn few_shots_break_no_contract() {
    for most in [1, 500] {
        let mut configuration = Tiny::new(None).configuration();
        configuration.max_shots = Some(most);
        let report = run_all(&Tiny::describing_itself(configuration, None));
        let failures: Vec<_> = report.failures().map(ToString::to_string).collect();
        assert_eq!(failures, Vec::<String>::new(), "of a backend that runs {most} shots");
    }
}

#[test]
fn simulators_that_take_no_seeds_say_so() {
    let mut configuration = Tiny::new(None).configuration();
    configuration.extra.insert("seeds".to_owned(), false.into());
    let tiny = Tiny::describing_itself(configuration, None);
    assert_conformant(&tiny);
    let seeds = ["the same seed gives the same counts", "experiments have seeds of their own"];
    for name in seeds {
        let line = run_one(&tiny, name, Some("tiny")).unwrap();
        assert!(matches!(line.outcome, Outcome::NotApplicable(_)), "{line}");
    }
}

#[test]
fn devices_that_measure_at_the_end_break_no_contract() {
    let tiny = Tiny::new(Some(Fault::RefusesMidCircuit));
    assert_conformant(&tiny);
    for name in ["measuring again reads the same", "a measurement reads what is before it"] {
        let line = run_one(&tiny, name, Some("tiny")).unwrap();
        assert!(matches!(line.outcome, Outcome::NotApplicable(_)), "{line}");
    }
}

#[test]
fn a_plugin_that_dies_has_not_refused() {
    let mut configuration = Tiny::new(None).configuration();
    configuration.memory = false;
    configuration.coupling_map = Some(vec![vec![0, 1], vec![1, 2]]);
    let tiny = Tiny::describing_itself(configuration, None).with(Fault::DiesOfTheUnusual);
    for name in ["qubits that are not coupled are refused", "memory is as declared"] {
        let line = run_one(&tiny, name, Some("tiny")).unwrap();
        assert!(line.to_string().starts_with("FAILED"), "{line}");
        assert!(line.to_string().contains("plugin.died"), "{line}");
    }
}

#[test]
fn basis_gates_that_nobody_knows_are_not_said_to_run() {
    let mut configuration = Tiny::new(None).configuration();
    configuration.basis_gates = vec!["no_such_gate".to_owned()];
    let tiny = Tiny::describing_itself(configuration, None);
    let line = run_one(&tiny, "every basis gate runs", Some("tiny")).unwrap();
    assert!(matches!(line.outcome, Outcome::NotApplicable(_)), "{line}");
}

#[test]
fn without_qubits_there_is_a_failure_and_no_panic() {
    let mut configuration = Tiny::new(None).configuration();
    configuration.n_qubits = Some(0);
    let report = run_all(&Tiny::describing_itself(configuration, None));
    let failed = report.failures().find(|line| line.check == "the configuration is valid");
    let why = failed.map(ToString::to_string).unwrap_or_default();
    assert!(why.contains("it has no qubits"), "{report}");
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
