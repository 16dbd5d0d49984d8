//! A Qobj as a job of the program `sampler`.

use std::sync::Arc;

use ketch_core::{Error, Result, qobj::Experiment};
use serde_json::{Map, Value, json};

use crate::service::Work;

/// Options of a Qobj that are the sampler's: name here, and the way to it in the sampler's.
const SAMPLER: &[(&str, &[&str])] = &[
    ("dynamical_decoupling", &["dynamical_decoupling"]),
    ("twirling", &["twirling"]),
    ("init_qubits", &["execution", "init_qubits"]),
    ("rep_delay", &["execution", "rep_delay"]),
];

/// The options that a Qobj may have: the sampler's; the longest time that the job may run, in
/// seconds; what the API of 2018 asked for and this one does not.
pub(super) const OPTIONS: &[&str] = &[
    "dynamical_decoupling",
    "twirling",
    "init_qubits",
    "rep_delay",
    "max_execution_time",
    "max_credits",
];

/// No parameter values, as the service's schema wants them: a NumPy file of the shape `(0,)` in
/// zlib in Base64.
const NO_VALUES: &str = "eJyb7BfqGxDJyFDGUK2eklqcXKRupaBuk2ahrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RoGOpo6CrUKFA\
     AuAFOzG1s=";

/// The body of `POST /jobs`.
///
/// One experiment is one pub: a program with all its numbers, no parameter values, the shots.
///
/// # Errors
/// If a circuit cannot be bound, or said in OpenQASM 3.
pub(super) fn body(work: &Work<'_>) -> Result<Value> {
    let qobj = work.qobj;
    let pubs = qobj.experiments().iter().map(|experiment| {
        let program = program(work, experiment)?;
        let values = json!({"__type__": "ndarray", "__value__": NO_VALUES});
        Ok(json!([program, values, qobj.shots(experiment)]))
    });
    let pubs = pubs.collect::<Result<Vec<Value>>>()?;
    let mut params = json!({"pubs": pubs, "version": 2});
    let options = options(work)?;
    if !options.is_empty() {
        params["options"] = options.into();
    }
    let tags: Vec<&String> = std::iter::once(&work.key).chain(work.tags).collect();
    let mut body = json!({
        "program_id": "sampler",
        "backend": work.device,
        "params": params,
        "tags": tags,
    });
    if let Some(seconds) = qobj.config.options.get("max_execution_time") {
        body["cost"] = seconds.clone();
    }
    Ok(body)
}

fn program(work: &Work<'_>, experiment: &Experiment) -> Result<String> {
    let circuit = &work.qobj.circuits()[experiment.circuit];
    let name = work.qobj.experiment_name(experiment);
    if circuit.n_clbits() == 0 {
        let reason = format!("experiment `{name}` measures nothing: it has no clbits");
        return Err(Error::InvalidQobj { reason, source: None });
    }
    let mut bound = circuit.bind(&experiment.bindings)?;
    // A device does not know it, and no outcome depends on it.
    bound.global_phase = 0.0;
    ketch_qasm::emit_v3(&bound).map_err(|source| Error::InvalidQobj {
        reason: format!("experiment `{name}` cannot be sent"),
        source: Some(Arc::new(source)),
    })
}

/// The sampler's options; those of experiments must not differ, as a job has one set.
fn options(work: &Work<'_>) -> Result<Map<String, Value>> {
    let qobj = work.qobj;
    for experiment in qobj.experiments() {
        for (name, value) in &experiment.config.options {
            if qobj.config.options.get(name) != Some(value) {
                let reason =
                    "a job has one value for all experiments: set it in the Qobj".to_owned();
                return Err(Error::InvalidOption { name: name.clone(), reason, nearest: None });
            }
        }
    }
    let mut options = Map::new();
    for (name, path) in SAMPLER {
        if let Some(value) = qobj.config.options.get(*name) {
            let (last, groups) = path.split_last().expect("a way has a last step");
            let mut place = &mut options;
            for group in groups {
                let group = place.entry(*group).or_insert_with(|| json!({}));
                place = group.as_object_mut().expect("groups are not options themselves");
            }
            place.insert((*last).to_owned(), value.clone());
        }
    }
    Ok(options)
}
