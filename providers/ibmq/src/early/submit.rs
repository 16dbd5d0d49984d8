//! A Qobj as a job: as programs, or as it is.

use std::sync::Arc;

use ketch_core::{
    Circuit, Error, Result,
    circuit::Op,
    qobj::{Experiment, QobjDialect},
};
use serde_json::{Map, Value, json};

use crate::service::Work;

/// The options that a Qobj may have.
pub(super) const OPTIONS: &[&str] = &["max_credits"];

/// What a job may cost unless the Qobj says otherwise: what the clients of the time sent.
const MAX_CREDITS: u64 = 10;

/// Seeds had at most ten digits.
const SEEDS: u64 = 10_000_000_000;

/// Where the key stands in programs and in a Qobj.
const MARK: &str = "ketch_job_key";

/// The body of `POST /Jobs`.
///
/// # Errors
/// If a circuit cannot be bound or said in OpenQASM 2, or experiments differ in what a job has
/// only one of.
pub(super) fn body(work: &Work<'_>, as_qobj: bool) -> Result<Value> {
    let mut body = if as_qobj { json!({"qObject": qobj(work)?}) } else { programs(work)? };
    body["backend"] = json!({"name": work.device});
    Ok(body)
}

/// Conditions for jobs with this key, as programs and as a Qobj.
pub(super) fn marked(key: &str) -> [Value; 2] {
    let condition = |path: &str| {
        let mut condition = json!({});
        condition[format!("{path}.{MARK}")] = key.into();
        condition
    };
    ["qasms.metadata", "qObject.header"].map(condition)
}

/// Whether a job has this key.
pub(super) fn is_marked(job: &Map<String, Value>, key: &str) -> bool {
    let programs = job.get("qasms").and_then(|programs| programs.get(0)?.get("metadata"));
    let header = job.get("qObject").and_then(|qobj| qobj.get("header"));
    [programs, header].into_iter().flatten().any(|place| place[MARK] == key)
}

fn qobj(work: &Work<'_>) -> Result<Value> {
    let mut qobj = work.qobj.clone();
    qobj.header.insert("backend_name".to_owned(), work.device.into());
    qobj.header.insert(MARK.to_owned(), work.key.as_str().into());
    if qobj.qobj_id.is_empty() {
        qobj.qobj_id.clone_from(&work.key);
    }
    qobj.to_json_as(QobjDialect::Terra06).map_err(|source| Error::InvalidQobj {
        reason: "it cannot be sent".to_owned(),
        source: Some(Arc::new(source)),
    })
}

fn programs(work: &Work<'_>) -> Result<Value> {
    let qobj = work.qobj;
    let experiments = qobj.experiments();
    let first = &experiments[0];
    let shots = qobj.shots(first);
    if let Some(other) = experiments.iter().find(|other| qobj.shots(other) != shots) {
        let found = qobj.shots(other);
        let reason = format!(
            "a job has one number of shots: `{}` has {shots}, `{}` has {found}",
            qobj.experiment_name(first),
            qobj.experiment_name(other)
        );
        return Err(Error::InvalidQobj { reason, source: None });
    }
    let programs = experiments.iter().map(|experiment| program(work, experiment));
    let credits = qobj.option(first, "max_credits").cloned().unwrap_or(MAX_CREDITS.into());
    let mut body = json!({
        "qasms": programs.collect::<Result<Vec<Value>>>()?,
        "shots": shots,
        "maxCredits": credits,
    });
    if let Some(seed) = qobj.seed(first) {
        body["seed"] = (seed % SEEDS).into();
    }
    Ok(body)
}

fn program(work: &Work<'_>, experiment: &Experiment) -> Result<Value> {
    let name = work.qobj.experiment_name(experiment);
    let circuit = work.qobj.circuits()[experiment.circuit].bind(&experiment.bindings)?;
    let text = ketch_qasm::emit_v2(&circuit).map_err(|source| Error::InvalidQobj {
        reason: format!("experiment `{name}` cannot be sent"),
        source: Some(Arc::new(source)),
    })?;
    // The service wanted programs without their first line.
    let text = text.strip_prefix("OPENQASM 2.0;").unwrap_or(&text);
    let mut metadata = json!({"compiled_circuit": described(name, &circuit)});
    metadata[MARK] = work.key.as_str().into();
    Ok(json!({"qasm": text, "name": name, "metadata": metadata}))
}

/// What is needed to read the result again in another process: the registers, and which qubit is
/// measured into which bit. In the form of the clients of the time.
fn described(name: &str, circuit: &Circuit) -> Value {
    let labels = |registers: &[ketch_core::circuit::Register]| {
        registers.iter().map(|r| json!([r.name, r.size])).collect::<Value>()
    };
    let measured = circuit.instructions().filter(|i| matches!(i.op, Op::Measure));
    let pairs = measured.flat_map(|i| i.qubits.iter().zip(i.clbits));
    let operations = pairs.map(|(qubit, clbit)| {
        json!({"name": "measure", "qubits": [qubit.0], "clbits": [clbit.0], "memory": [clbit.0]})
    });
    json!({
        "header": {
            "name": name,
            "number_of_qubits": circuit.n_qubits(),
            "number_of_clbits": circuit.n_clbits(),
            "clbit_labels": labels(circuit.cregs()),
        },
        "operations": operations.collect::<Value>(),
    })
}
