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
pub mod documents;
pub mod honesty;
pub mod input;
pub mod jobs;
pub mod listing;
pub mod names;
pub mod outcomes;
pub mod refusals;
mod report;
pub mod results;
pub mod together;

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
            ("the provider has a plain name", names::the_provider_has_a_plain_name),
            ("listing again gives the same backends", names::listing_again_gives_the_same),
            ("many threads are told the same backends", names::many_threads_are_told_the_same),
            ("the empty name is refused", names::the_empty_name_is_refused),
            ("a very long name is refused", names::a_very_long_name_is_refused),
            ("a name of strange characters is refused", names::a_strange_name_is_refused),
            ("names are matched whole", names::names_are_matched_whole),
            (
                "backends that are found are those that are listed",
                names::found_backends_are_the_listed_ones,
            ),
            ("filters by bounds", names::filters_by_bounds),
            (
                "a job outlives the backend that it was submitted to",
                names::a_job_outlives_its_backend,
            ),
            (
                "an unknown extension of the provider is refused",
                names::unknown_extension_of_the_provider,
            ),
        ],
        of_backend: &[
            ("an unknown extension of a backend is refused", names::unknown_extension_of_a_backend),
            ("an unknown extension of a job is refused", names::unknown_extension_of_a_job),
        ],
    },
    Group {
        name: "configuration",
        of_provider: &[],
        of_backend: &[
            ("the configuration is valid", listing::configuration_is_valid),
            ("the status is valid", listing::status_is_valid),
            ("the version is three numbers", documents::the_version_is_three_numbers),
            (
                "the configuration has what the schema requires",
                documents::the_configuration_has_what_the_schema_requires,
            ),
            ("the configuration survives JSON", documents::the_configuration_survives_json),
            ("the configuration stays the same", documents::the_configuration_stays),
            ("the configuration is there soon", documents::the_configuration_is_there_soon),
            ("gates are described once", documents::gates_are_described_once),
            (
                "gates that are described are basis gates",
                documents::described_gates_are_basis_gates,
            ),
            ("couplings join different qubits", documents::couplings_join_different_qubits),
            ("couplings stand once", documents::couplings_stand_once),
            ("gates act on couplings", documents::gates_act_on_couplings),
            (
                "the supported instructions hold the basis gates",
                documents::supported_instructions_hold_the_basis,
            ),
            ("tags stand once", documents::tags_stand_once),
            ("a device has a number of qubits", documents::a_device_has_a_number_of_qubits),
            ("the status survives JSON", documents::the_status_survives_json),
            ("the status is there soon", documents::the_status_is_there_soon),
        ],
    },
    Group {
        name: "properties",
        of_provider: &[],
        of_backend: &[
            ("the properties name the backend", documents::the_properties_name_the_backend),
            ("the properties survive JSON", documents::the_properties_survive_json),
            ("the properties have every qubit", documents::the_properties_have_every_qubit),
            ("calibrated gates are of the device", documents::calibrated_gates_are_of_the_device),
            ("each calibrated number stands once", documents::each_number_stands_once),
            ("calibrated numbers are numbers", documents::numbers_are_numbers),
            ("error rates are probabilities", documents::errors_are_probabilities),
            ("times and frequencies have units", documents::times_and_frequencies_have_units),
            ("calibrated numbers have dates", documents::numbers_have_dates),
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
            ("counts add up to the shots", outcomes::counts_add_up_to_the_shots),
            ("one shot gives one outcome", outcomes::one_shot_gives_one_outcome),
            ("shots have a default", outcomes::shots_have_a_default),
            ("other seeds give other counts", outcomes::other_seeds_give_other_counts),
            ("experiments have seeds of their own", outcomes::experiments_have_seeds_of_their_own),
            ("measuring again reads the same", outcomes::measuring_again_reads_the_same),
            ("clbits without a measurement read 0", outcomes::clbits_without_measurement_read_0),
            ("outcomes are as wide as the clbits", outcomes::outcomes_are_as_wide_as_the_clbits),
            ("registers come apart", outcomes::registers_come_apart),
            ("a barrier does nothing", outcomes::a_barrier_does_nothing),
            ("two flips are none", outcomes::two_flips_are_none),
            (
                "a measurement reads what is before it",
                outcomes::a_measurement_reads_what_is_before_it,
            ),
            ("a circuit without a name runs", outcomes::a_circuit_without_a_name_runs),
            ("names come back in any script", outcomes::names_come_back_in_any_script),
            ("headers come back whole", outcomes::headers_come_back_whole),
            (
                "parameters are bound for each experiment",
                outcomes::parameters_are_bound_for_each_experiment,
            ),
            ("a hundred experiments come back", outcomes::a_hundred_experiments_come_back),
            ("an experiment says how it went", outcomes::an_experiment_says_how_it_went),
            ("results survive JSON", outcomes::results_survive_json),
            ("memory is kept for those who ask", outcomes::memory_is_kept_for_those_who_ask),
        ],
    },
    Group {
        name: "jobs",
        of_provider: &[(
            "a job is found by another handle",
            names::a_job_is_found_by_another_handle,
        )],
        of_backend: &[
            ("run returns at once", jobs::run_returns_at_once),
            ("the status ends at DONE and stays", jobs::status_ends_at_done_and_stays),
            ("states lead to an end", jobs::states_lead_to_an_end),
            ("the result can be had again", jobs::result_can_be_had_again),
            (
                "a time-out is typed, in time, and cancels nothing",
                jobs::time_out_is_typed_and_in_time,
            ),
            ("a look loses nothing", jobs::a_look_loses_nothing),
            (
                "cancelling a queued job ends it at once",
                jobs::cancelling_a_queued_job_ends_it_at_once,
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
            ("a job is found again", jobs::a_job_is_found_again),
            ("jobs are listed", jobs::jobs_are_listed),
            ("many jobs come to their ends", jobs::many_jobs_come_to_their_ends),
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
    Group {
        name: "honesty",
        of_provider: &[],
        of_backend: &[
            ("every basis gate runs", honesty::every_basis_gate_runs),
            (
                "basis gates are undone by their inverses",
                honesty::basis_gates_are_undone_by_their_inverses,
            ),
            ("gates that are not declared are refused", honesty::other_gates_are_refused),
            ("conditional gates are as declared", honesty::conditional_gates_are_as_declared),
            ("memory is as declared", honesty::memory_is_as_declared),
            ("more shots than declared are refused", honesty::more_shots_than_declared_are_refused),
            (
                "as many shots as declared are accepted",
                honesty::as_many_shots_as_declared_are_accepted,
            ),
            (
                "more experiments than declared are refused",
                honesty::more_experiments_than_declared_are_refused,
            ),
            ("the last qubit can be used", honesty::the_last_qubit_can_be_used),
            ("every coupling can be used", honesty::every_coupling_can_be_used),
            (
                "qubits that are not coupled are refused",
                honesty::qubits_that_are_not_coupled_are_refused,
            ),
            ("reset is as declared", honesty::reset_is_as_declared),
        ],
    },
    Group {
        name: "bad input",
        of_provider: &[],
        of_backend: &[
            ("no experiments are answered", input::no_experiments),
            ("an experiment of no circuit is answered", input::a_circuit_that_there_is_not),
            ("a circuit without instructions is answered", input::a_circuit_without_instructions),
            ("a circuit without qubits is answered", input::a_circuit_without_qubits),
            ("a circuit without clbits is answered", input::a_circuit_without_clbits),
            ("too many bindings are answered", input::too_many_bindings),
            ("too few bindings are answered", input::too_few_bindings),
            ("an angle that is no number is answered", input::an_angle_that_is_no_number),
            ("an infinite angle is answered", input::an_infinite_angle),
            ("a huge angle is answered", input::a_huge_angle),
            ("no shots are answered", input::no_shots),
            ("endless shots are answered", input::endless_shots),
            ("the largest seed is answered", input::the_largest_seed),
            ("a large header is answered", input::a_large_header),
            ("a deep header is answered", input::a_deep_header),
            ("a large name is answered", input::a_large_name),
            ("an option without a value is answered", input::an_option_without_a_value),
            ("an option of another kind is answered", input::an_option_of_another_kind),
            ("a large option is answered", input::a_large_option),
            ("a long circuit is answered", input::a_long_circuit),
            ("no threads are answered", input::no_threads),
            ("endless threads are answered", input::endless_threads),
            ("no memory is answered", input::no_memory),
            ("a deadline in the past is answered", input::a_deadline_in_the_past),
            ("a strange job key is answered", input::a_strange_job_key),
            ("a thousand tags are answered", input::a_thousand_tags),
            ("strange job ids are refused", input::strange_job_ids_are_refused),
        ],
    },
    Group {
        name: "concurrency",
        of_provider: &[],
        of_backend: &[
            ("jobs side by side keep apart", together::jobs_side_by_side_keep_apart),
            ("results come in any order", together::results_come_in_any_order),
            ("many threads submit", together::many_threads_submit),
            ("many threads wait for one job", together::many_threads_wait_for_one),
            ("many threads ask the backend", together::many_threads_ask_the_backend),
            ("many threads ask after a job", together::many_threads_ask_after_a_job),
            ("many threads cancel one job", together::many_threads_cancel_one_job),
            ("cancelling one job leaves the others", together::cancelling_one_leaves_the_others),
            ("forgotten jobs disturb nobody", together::forgotten_jobs_disturb_nobody),
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
