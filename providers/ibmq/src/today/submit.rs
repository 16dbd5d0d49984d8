//! A Qobj as a job of the program `sampler`.

use std::{io::Write, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use flate2::{Compression, write::ZlibEncoder};
use ketch_core::{Error, Qobj, Result, qobj::Experiment};
use serde_json::{Map, Value, json};

use super::note;
use crate::service::{Work, measuring};

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

/// The body of `POST /jobs`.
///
/// A program is a pub: with all its numbers, so without parameter values, and the shots. It has as
/// many places as the plan says.
///
/// # Errors
/// If a circuit cannot be bound, or said in OpenQASM 3.
pub(super) fn body(work: &Work<'_>) -> Result<Value> {
    let qobj = work.qobj;
    let mut end = 0;
    let pubs = work.plan.programs.iter().map(|&places| {
        let experiments = end..end + places;
        end = experiments.end;
        let first = &qobj.experiments()[experiments.start];
        let program = program(work, first)? + &note::written(work.plan, experiments);
        let values = json!({"__type__": "ndarray", "__value__": no_values(places)});
        Ok(json!([program, values, qobj.shots(first)]))
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

/// No parameter values, as the service's schema wants them: a NumPy file of the shape `(0,)` in
/// zlib in Base64.
const NO_VALUES: &str = "eJyb7BfqGxDJyFDGUK2eklqcXKRupaBuk2ahrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RoGOpo6CrUKFA\
     AuAFOzG1s=";

/// The same for several places: of the shape `(n, 0)`.
fn no_values(places: usize) -> String {
    if places == 1 {
        return NO_VALUES.to_owned();
    }
    let head = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({places}, 0), }}");
    // The data begins at a multiple of 64 bytes (NumPy's format, version 1.0).
    let file = format!("{head:117}\n");
    let file = [b"\x93NUMPY\x01\x00\x76\x00", file.as_bytes()].concat();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    let deflated = zlib.write_all(&file).and_then(|()| zlib.finish());
    BASE64.encode(deflated.expect("memory takes what is written"))
}

fn program(work: &Work<'_>, experiment: &Experiment) -> Result<String> {
    let circuit = &work.qobj.circuits()[experiment.circuit];
    let name = work.qobj.experiment_name(experiment);
    if circuit.n_clbits() == 0 || circuit.n_qubits() == 0 {
        let reason = format!("experiment `{name}` measures nothing: it has no qubits or no clbits");
        return Err(Error::InvalidQobj { reason, source: None });
    }
    let mut bound = measuring(circuit.bind(&experiment.bindings)?);
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
    seeds(qobj, &mut options);
    Ok(options)
}

/// The seed of the job, as the sampler's options have it; and where there are several experiments,
/// those of each, in the place for what is not of IBM's service.
fn seeds(qobj: &Qobj, options: &mut Map<String, Value>) {
    let each: Vec<Option<u64>> = qobj.experiments().iter().map(|e| qobj.seed(e)).collect();
    let whole = match each[..] {
        [only] => only,
        _ => qobj.config.seed,
    };
    if let Some(seed) = whole {
        options.insert("simulator".to_owned(), json!({ "seed_simulator": seed }));
    }
    if each.len() > 1 && each.iter().any(Option::is_some) {
        options.insert("experimental".to_owned(), json!({ "seeds": each }));
    }
}
