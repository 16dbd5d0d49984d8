//! What a job comes back with, as a [`RunResult`].

use std::sync::Arc;

use ketch_core::{BitString, Counts, RunResult, circuit::Register, result::ExperimentResult};
use serde_json::{Map, Value};

use super::job;
use crate::service::{Plan, Planned};

/// Registers of a circuit have at most this many bits together.
const MAX_WIDTH: u64 = 1 << 16;

/// Reads a whole job document. On a device, bit `i` of an outcome is qubit `i`, whatever bit the
/// circuit measured it into: so did the service then, and its clients put it right.
pub(super) fn read(
    job: &Map<String, Value>,
    plan: Option<&Plan>,
    on_device: bool,
) -> Result<RunResult, String> {
    if let Some(whole) = job.get("qObjectResult").filter(|result| !result.is_null()) {
        return RunResult::from_qiskit_json(whole)
            .map_err(|error| format!("qObjectResult: {error}"));
    }
    let programs = job.get("qasms").and_then(Value::as_array);
    let programs = programs.ok_or("expected `qasms` or `qObjectResult`")?;
    if let Some(plan) = plan
        && plan.experiments.len() != programs.len()
    {
        return Err(format!("expected {} qasms, found {}", plan.experiments.len(), programs.len()));
    }
    let shots = job.get("shots").and_then(Value::as_u64).unwrap_or_default();
    let read = |(place, program): (usize, &Value)| {
        let planned = plan.map(|plan| &plan.experiments[place]);
        experiment(program, planned, shots, on_device)
            .map_err(|what| format!("qasms[{place}]: {what}"))
    };
    let experiments: Vec<ExperimentResult> =
        programs.iter().enumerate().map(read).collect::<Result<_, _>>()?;
    let status = job.get("status").and_then(Value::as_str).unwrap_or_default();
    Ok(RunResult {
        backend_name: job::device(job).unwrap_or_default().to_owned(),
        qobj_id: plan.map(|plan| plan.qobj_id.clone()).unwrap_or_default(),
        header: plan.map(|plan| plan.header.clone()).unwrap_or_default(),
        success: experiments.iter().all(|experiment| experiment.success),
        status: status.to_owned(),
        experiments,
        ..RunResult::default()
    })
}

fn experiment(
    program: &Value,
    planned: Option<&Planned>,
    shots: u64,
    on_device: bool,
) -> Result<ExperimentResult, String> {
    let text = |field: &str| program.get(field).and_then(Value::as_str);
    let status = text("status").unwrap_or_default();
    let name = planned.map(|planned| planned.name.as_str()).or(text("name")).unwrap_or_default();
    let mut result = ExperimentResult {
        name: name.to_owned(),
        shots,
        seed: planned.and_then(|planned| planned.seed),
        header: planned.map(|planned| planned.header.clone()).unwrap_or_default(),
        status: status.to_owned(),
        ..ExperimentResult::default()
    };
    let data = program.get("result").and_then(|result| result.get("data"));
    let counts = data.and_then(|data| data.get("counts")).and_then(Value::as_object);
    let Some(told) = counts else { return Ok(result) };
    let compiled = program.get("metadata").and_then(|metadata| metadata.get("compiled_circuit"));
    let registers = match planned {
        Some(planned) => planned.registers.clone(),
        None => compiled.and_then(registers).unwrap_or_default(),
    };
    let width = registers.iter().map(|register| register.size).sum();
    let moved = compiled.filter(|_| on_device).map(measured).unwrap_or_default();
    let mut outcomes = Vec::with_capacity(told.len());
    for (outcome, count) in told {
        let count = count.as_u64().ok_or_else(|| format!("counts: `{outcome}` has no number"))?;
        let bits: BitString = outcome.parse().map_err(|error| format!("counts: {error}"))?;
        outcomes.push((arranged(&bits, width, on_device.then_some(&moved[..])), count));
    }
    let counts = Counts::from_outcomes(registers.clone(), outcomes);
    result.success = status == "DONE";
    result.registers = registers;
    result.shots = counts.total();
    result.counts = Some(counts);
    let used = data.and_then(|data| data.get("additionalData")?.get("seed")?.as_u64());
    result.seed = used.or(result.seed);
    if let Some(time) = data.and_then(|data| data.get("time")?.as_f64()) {
        result.time_taken = time;
    }
    for field in ["additionalData", "versionSimulationRun"] {
        if let Some(value) = data.and_then(|data| data.get(field)) {
            Arc::make_mut(&mut result.metadata).insert(field.to_owned(), value.clone());
        }
    }
    Ok(result)
}

/// `clbit_labels` of the program's header: `[["c", 2]]`.
fn registers(compiled: &Value) -> Option<Vec<Register>> {
    let mut start = 0;
    let labels = compiled.get("header")?.get("clbit_labels")?.as_array()?.iter();
    let registers = labels.map(|label| {
        let (name, size) = (label.get(0)?.as_str()?, label.get(1)?.as_u64()?);
        let size = u32::try_from(size).ok().filter(|_| u64::from(start) + size <= MAX_WIDTH)?;
        start += size;
        Some(Register::new(name, start - size, size))
    });
    registers.collect()
}

/// Which qubit was measured into which bit.
fn measured(compiled: &Value) -> Vec<(u32, u32)> {
    let operations = compiled.get("operations").and_then(Value::as_array).into_iter().flatten();
    let measurements = operations.filter(|operation| operation["name"] == "measure");
    let first = |operation: &Value, field: &str| {
        u32::try_from(operation.get(field)?.get(0)?.as_u64()?).ok()
    };
    measurements
        .filter_map(|operation| {
            let clbit = first(operation, "clbits").or_else(|| first(operation, "memory"))?;
            Some((first(operation, "qubits")?, clbit))
        })
        .collect()
}

/// The outcome in the circuit's bits; `moved` has, for a device, the qubit of each bit.
fn arranged(told: &BitString, width: u32, moved: Option<&[(u32, u32)]>) -> BitString {
    match moved {
        Some(moved) if !moved.is_empty() => {
            let mut outcome = BitString::zeros(width);
            for &(qubit, clbit) in moved.iter().filter(|(_, clbit)| *clbit < width) {
                outcome.set(clbit, told.get(qubit));
            }
            outcome
        }
        // Nothing is known of the registers: the outcome is all there is.
        _ if width == 0 => told.clone(),
        _ => told.slice(0, width),
    }
}
