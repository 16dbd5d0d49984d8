//! The options of a run, by name, type and meaning.

use ketch_core::{Error, Qobj, Result, qobj::Experiment};
use ketch_simulator::{Method, Options, Precision, noise::Scheduling};
use serde_json::Value;

/// One option that a Qobj's configuration may set.
struct Row {
    name: &'static str,
    /// What a value looks like, for messages.
    expected: &'static str,
    /// Sets it; `None` for a value of the wrong form.
    set: fn(&mut Settings, &Value) -> Option<()>,
}

/// What the options of an experiment come to.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) engine: Options,
    /// Whether the device's noise is simulated.
    pub(crate) noise: bool,
    /// How instructions are scheduled, so that qubits relax while they wait; they do not if it is
    /// not said.
    pub(crate) scheduling: Option<Scheduling>,
    pub(crate) seed: Option<u64>,
    pub(crate) shots: Option<u64>,
    pub(crate) memory: Option<bool>,
}

#[rustfmt::skip]
static OPTIONS: &[Row] = &[
    Row { name: "method", expected: "\"automatic\", \"density_matrix\", \"statevector\", \"stabilizer\", \"matrix_product_state\" or \"sparse\"", set: set_method },
    Row { name: "precision", expected: "\"double\" or \"single\"", set: set_precision },
    Row { name: "noise", expected: "true or false", set: |s, v| { s.noise = v.as_bool()?; Some(()) } },
    Row { name: "scheduling_method", expected: "\"alap\", \"asap\" or null", set: set_scheduling },
    Row { name: "seed_simulator", expected: "a number, 0 or more", set: set_seed },
    Row { name: "seed", expected: "a number, 0 or more", set: set_seed },
    Row { name: "shots", expected: "a number, 1 or more", set: |s, v| { s.shots = Some(v.as_u64()?); Some(()) } },
    Row { name: "memory", expected: "true or false", set: |s, v| { s.memory = Some(v.as_bool()?); Some(()) } },
    Row { name: "max_parallel_threads", expected: "a number, 0 for all", set: set_threads },
];

/// What Qobj documents carry in their configuration and what means nothing here.
const DOCUMENT_FIELDS: &[&str] = &[
    "init_qubits",
    "max_credits",
    "meas_level",
    "meas_return",
    "memory_slots",
    "n_qubits",
    "parameter_binds",
    "parametric_pulses",
    "rep_delay",
];

/// The names that may stand in a Qobj's configuration.
pub(crate) fn names() -> Vec<&'static str> {
    OPTIONS.iter().map(|row| row.name).chain(DOCUMENT_FIELDS.iter().copied()).collect()
}

impl Settings {
    /// Reads the options of the Qobj and of one of its experiments, whose word counts more. Unknown
    /// names have been refused before.
    pub(crate) fn read(qobj: &Qobj, experiment: &Experiment) -> Result<Self> {
        let engine = Options::default();
        let mut settings =
            Self { engine, noise: true, scheduling: None, seed: None, shots: None, memory: None };
        for (name, value) in qobj.config.options.iter().chain(&experiment.config.options) {
            let Some(option) = OPTIONS.iter().find(|option| option.name == name) else { continue };
            (option.set)(&mut settings, value).ok_or_else(|| {
                let found: String = value.to_string().chars().take(60).collect();
                Error::InvalidOption {
                    name: name.clone(),
                    reason: format!("found {found}, expected {}", option.expected),
                    nearest: None,
                }
            })?;
        }
        Ok(settings)
    }
}

fn set_method(settings: &mut Settings, value: &Value) -> Option<()> {
    let known = [
        Method::Automatic,
        Method::DensityMatrix,
        Method::Statevector,
        Method::Stabilizer,
        Method::MatrixProductState,
        Method::Sparse,
    ];
    let name = value.as_str()?;
    settings.engine.method = known.into_iter().find(|method| method.name() == name)?;
    Some(())
}

fn set_scheduling(settings: &mut Settings, value: &Value) -> Option<()> {
    settings.scheduling = match value.as_str() {
        Some("alap") => Some(Scheduling::AsLateAsPossible),
        Some("asap") => Some(Scheduling::AsSoonAsPossible),
        _ if value.is_null() => None,
        _ => return None,
    };
    Some(())
}

fn set_precision(settings: &mut Settings, value: &Value) -> Option<()> {
    let name = value.as_str()?;
    settings.engine.precision = Precision::ALL.into_iter().find(|p| p.name() == name)?;
    Some(())
}

fn set_threads(settings: &mut Settings, value: &Value) -> Option<()> {
    settings.engine.threads = usize::try_from(value.as_u64()?).ok()?;
    Some(())
}

fn set_seed(settings: &mut Settings, value: &Value) -> Option<()> {
    settings.seed = Some(value.as_u64()?);
    Some(())
}
