//! The contract that every Ketch provider keeps, as checks that its author runs.
//!
//! ```no_run
//! # fn my_provider() -> std::sync::Arc<dyn ketch_core::Provider> { unimplemented!() }
//! #[test]
//! fn it_keeps_the_contract() {
//!     ketch_conformance::assert_conformant(&*my_provider());
//! }
//! ```
//!
//! [`run_all`] runs every check of [`GROUPS`], those of backends on each backend, and says of each:
//! passed, failed and why, or not applicable and why; [`run_one`] runs one alone, and `ketch provider
//! check FILE` each in a process of its own. The circuits are made of the gates that a backend's configuration lists. The checks submit some
//! dozens of small jobs and a few long ones that they cancel, and take some seconds a backend: on
//! a device that costs money, choose single checks instead.
//!
//! How exact a simulator is, is not checked here: outcomes need only be right more often than not,
//! so that devices and noisy simulators can pass.

#![forbid(unsafe_code)]

mod circuits;
pub mod jobs;
pub mod listing;
pub mod refusals;
mod report;
pub mod results;

use ketch_core::{Backend, Filter, Provider};

pub use circuits::Gates;
pub use report::{Check, Line, Outcome, Report};

/// A named check of a provider.
pub type ProviderCheck = (&'static str, fn(&dyn Provider) -> Check);

/// A named check of one backend.
pub type BackendCheck = (&'static str, fn(&dyn Backend) -> Check);

/// Checks that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// What they are about, in a word: `jobs`.
    pub name: &'static str,
    /// The checks of the provider as a whole.
    pub of_provider: &'static [ProviderCheck],
    /// The checks of each backend.
    pub of_backend: &'static [BackendCheck],
}

/// All checks, in the order in which they are run. No two have the same name.
pub const GROUPS: &[Group] = &[
    Group {
        name: "discovery",
        of_provider: &[
            ("backend names are unique", listing::names_are_unique),
            ("get_backend finds each backend", listing::each_name_is_found),
            (
                "an unknown backend is refused with the known names",
                listing::unknown_name_is_refused,
            ),
            ("filters by key", listing::filters_by_key),
            ("filters by closure", listing::filters_by_closure),
        ],
        of_backend: &[],
    },
    Group {
        name: "configuration",
        of_provider: &[],
        of_backend: &[
            ("the configuration is valid", listing::configuration_is_valid),
            ("the status is valid", listing::status_is_valid),
        ],
    },
    Group {
        name: "results",
        of_provider: &[],
        of_backend: &[
            ("outcomes have the right bit order", results::outcomes_have_the_right_bit_order),
            ("a Bell pair is correlated", results::bell_pair_is_correlated),
            ("results name what was run", results::results_name_what_was_run),
            ("experiments come back in order", results::experiments_come_back_in_order),
            ("the same seed gives the same counts", results::same_seed_gives_same_counts),
            ("memory matches the counts", results::memory_matches_the_counts),
            ("a bad experiment stops no other", results::a_bad_experiment_stops_no_other),
        ],
    },
    Group {
        name: "jobs",
        of_provider: &[],
        of_backend: &[
            ("run returns at once", jobs::run_returns_at_once),
            ("the status ends at DONE and stays", jobs::status_ends_at_done_and_stays),
            ("the result can be had again", jobs::result_can_be_had_again),
            (
                "a time-out is typed, in time, and cancels nothing",
                jobs::time_out_is_typed_and_in_time,
            ),
            (
                "cancelling a finished job changes nothing",
                jobs::cancelling_a_finished_job_changes_nothing,
            ),
            ("cancelling a running job ends it", jobs::cancelling_a_running_job_ends_it),
            (
                "status and cancel answer while result waits",
                jobs::status_and_cancel_answer_meanwhile,
            ),
            ("dropping a handle cancels nothing", jobs::dropping_a_handle_cancels_nothing),
            ("jobs have ids of their own", jobs::jobs_have_ids_of_their_own),
            ("a job knows its backend", jobs::a_job_knows_its_backend),
            ("a job knows when it was submitted", jobs::a_job_knows_when_it_was_submitted),
            ("an unknown job is refused", jobs::unknown_job_is_refused),
        ],
    },
    Group {
        name: "refusals",
        of_provider: &[],
        of_backend: &[
            ("pulse programs are refused by name", refusals::pulse_programs_are_refused),
            ("unknown options are refused by name", refusals::unknown_options_are_refused),
            ("misspelt options get the nearest name", refusals::misspelt_options_get_the_nearest),
            (
                "unknown instructions are refused by name",
                refusals::unknown_instructions_are_refused,
            ),
            ("too many qubits are refused", refusals::too_many_qubits_are_refused),
        ],
    },
];

/// The checks of a provider as a whole, each with the name of its group.
pub fn provider_checks() -> impl Iterator<Item = (&'static str, ProviderCheck)> {
    GROUPS.iter().flat_map(|group| group.of_provider.iter().map(|check| (group.name, *check)))
}

/// The checks of each backend, each with the name of its group.
pub fn backend_checks() -> impl Iterator<Item = (&'static str, BackendCheck)> {
    GROUPS.iter().flat_map(|group| group.of_backend.iter().map(|check| (group.name, *check)))
}

/// Runs the check of this name alone, on the backend of this name if it is one of a backend's.
/// `None` if there is no such check. Blocks until its jobs are done.
///
/// So each check can have a process of its own: one that ends the process, or never comes back,
/// costs no other its answer.
pub fn run_one(provider: &dyn Provider, check: &str, backend: Option<&str>) -> Option<Line> {
    let Some(backend) = backend else {
        let (group, (name, run)) = provider_checks().find(|(_, (name, _))| *name == check)?;
        return Some(Line::new(provider.name(), group, name, run(provider)));
    };
    let (group, (name, run)) = backend_checks().find(|(_, (name, _))| *name == check)?;
    let subject = format!("{}/{backend}", provider.name());
    let outcome = provider.get_backend(backend).map_err(Outcome::from);
    Some(Line::new(&subject, group, name, outcome.and_then(|backend| run(&*backend))))
}

/// Runs every check. Blocks until all jobs are done; takes some seconds a backend.
pub fn run_all(provider: &dyn Provider) -> Report {
    let mut lines: Vec<Line> = provider_checks()
        .map(|(group, (name, check))| Line::new(provider.name(), group, name, check(provider)))
        .collect();
    match provider.backends(&Filter::new()) {
        Ok(backends) => {
            for backend in backends {
                let subject = format!("{}/{}", provider.name(), backend.name());
                lines.extend(backend_checks().map(|(group, (name, check))| {
                    Line::new(&subject, group, name, check(&*backend))
                }));
            }
        }
        Err(error) => {
            let outcome = Err(error.into());
            lines.push(Line::new(provider.name(), "discovery", "lists backends", outcome));
        }
    }
    Report { lines }
}

/// Runs every check and panics with the whole report if one failed. For tests.
///
/// # Panics
/// If a check failed, or the provider has no backend.
pub fn assert_conformant(provider: &dyn Provider) {
    let report = run_all(provider);
    assert!(
        report.is_conformant(),
        "provider `{}` breaks the contract:\n{report}",
        provider.name()
    );
    let backends = report.lines.iter().any(|line| line.subject != provider.name());
    assert!(backends, "provider `{}` has no backend to check", provider.name());
}
