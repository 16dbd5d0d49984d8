//! Options of programs: those that mean something here, those that change nothing, and those whose
//! effect would be missed.

use ketch_primitives::{EstimatorOptions, SamplerOptions};
use serde_json::{Map, Value};

use super::Form;
use crate::answer::Refusal;

/// Switches whose work is not done here: whoever turns one on would get other numbers than asked for.
const REFUSED: &[&str] = &[
    "resilience.zne_mitigation",
    "resilience.pec_mitigation",
    "resilience.measure_noise_learning",
    "resilience.layer_noise_model",
];

/// What changes how a device's noise acts, and nothing else: results say that it had no effect.
const WITHOUT_EFFECT: &[&str] = &[
    "dynamical_decoupling.enable",
    "twirling.enable_gates",
    "twirling.enable_measure",
    "resilience.measure_mitigation",
    "execution.init_qubits",
    "execution.rep_delay",
];

/// The level of `resilience_level` from which on numbers are extrapolated to no noise, unless
/// `resilience.zne_mitigation` is off.
const EXTRAPOLATED: u64 = 2;

/// A value within objects, its path with dots; null is none.
fn at<'v>(params: &'v Value, path: &str) -> Option<&'v Value> {
    let mut value = params.get("options")?;
    for name in path.split('.') {
        value = value.get(name)?;
    }
    (!value.is_null()).then_some(value)
}

fn is_on(value: &Value) -> bool {
    !matches!(value, Value::Bool(false) | Value::Null)
}

/// How the result is to be written.
///
/// # Errors
/// If an option is on whose effect would be missed.
pub(super) fn form(params: &Value) -> Result<Form, Refusal> {
    if let Some(path) = REFUSED.iter().find(|path| at(params, path).is_some_and(is_on)) {
        return Err(Refusal::new(
            400,
            "option.unsupported",
            format!("options.{path} is not done here"),
        )
        .with_solution("turn it off"));
    }
    let level = resilience_level(params)?;
    if level >= EXTRAPOLATED && at(params, "resilience.zne_mitigation").is_none() {
        let message = format!("resilience_level {level} extrapolates, which is not done here");
        return Err(Refusal::new(400, "option.unsupported", message)
            .with_solution("choose level 0 or 1, or turn resilience.zne_mitigation off"));
    }
    match at(params, "execution.meas_type").map(|kind| kind.as_str()) {
        None | Some(Some("classified")) => {}
        _ => {
            let message = "options.execution.meas_type: only `classified` outcomes are given";
            return Err(Refusal::new(400, "option.unsupported", message));
        }
    }
    if at(params, "simulator.noise_model").is_some_and(is_on) {
        let message = "options.simulator.noise_model is not taken here";
        return Err(Refusal::new(400, "option.unsupported", message)
            .with_solution("use a backend that is noisy"));
    }
    let without_effect = WITHOUT_EFFECT.iter().filter(|path| at(params, path).is_some_and(is_on));
    let level = (level > 0).then_some("resilience_level");
    Ok(Form {
        for_qiskit: params.get("support_qiskit").is_some_and(is_on),
        without_effect: without_effect.copied().chain(level).map(str::to_owned).collect(),
    })
}

/// How much is done against noise: it stands beside the other options, or among them.
fn resilience_level(params: &Value) -> Result<u64, Refusal> {
    const NAME: &str = "resilience_level";
    let beside = params.get(NAME).filter(|value| !value.is_null());
    let Some(value) = beside.or_else(|| at(params, NAME)) else { return Ok(0) };
    value
        .as_u64()
        .ok_or_else(|| Refusal::bad(format!("{NAME}: expected a whole number, found {value}")))
}

/// # Errors
/// If an option has no value of its kind.
pub(super) fn sampler(params: &Value) -> Result<SamplerOptions, Refusal> {
    let mut options = SamplerOptions { seed: seed(params)?, ..SamplerOptions::default() };
    if let Some(shots) = whole(params, "default_shots")? {
        options.default_shots = shots;
    }
    Ok(options)
}

/// # Errors
/// As [`sampler`].
pub(super) fn estimator(params: &Value) -> Result<EstimatorOptions, Refusal> {
    let own = whole(params, "seed_estimator")?;
    let seed = seed(params)?.or(own);
    let mut options = EstimatorOptions { seed, ..EstimatorOptions::default() };
    if let Some(precision) = at(params, "default_precision") {
        options.default_precision = precision
            .as_f64()
            .ok_or_else(|| Refusal::bad(format!("options.default_precision: {precision}")))?;
    } else if let Some(shots) = whole(params, "default_shots")? {
        // A term of weight 1 that is measured so often has at most this error.
        options.default_precision = 1.0 / (shots.max(1) as f64).sqrt();
    }
    Ok(options)
}

/// The seeds of all places of all pubs, where they have their own: numbers or nulls.
///
/// # Errors
/// If one is no seed.
pub(super) fn seeds(params: &Value) -> Result<Vec<Option<u64>>, Refusal> {
    let Some(value) = at(params, "experimental.seeds") else { return Ok(Vec::new()) };
    let seed = |value: &Value| (value.is_null() || value.is_u64()).then_some(value.as_u64());
    let seeds: Option<Vec<_>> = value.as_array().and_then(|list| list.iter().map(seed).collect());
    seeds.ok_or_else(|| {
        let expected = "expected a list of whole numbers and nulls";
        Refusal::bad(format!("options.experimental.seeds: {expected}"))
    })
}

fn seed(params: &Value) -> Result<Option<u64>, Refusal> {
    whole(params, "simulator.seed_simulator")
}

fn whole(params: &Value, path: &str) -> Result<Option<u64>, Refusal> {
    let Some(value) = at(params, path) else { return Ok(None) };
    value.as_u64().map(Some).ok_or_else(|| {
        Refusal::bad(format!("options.{path}: expected a whole number, found {value}"))
    })
}

/// What a result says of options that had no effect.
pub(super) fn noted(form: &Form, metadata: &Map<String, Value>) -> Value {
    let mut metadata = metadata.clone();
    if !form.without_effect.is_empty() {
        metadata.insert("options_without_effect".to_owned(), form.without_effect.clone().into());
    }
    metadata.into()
}
