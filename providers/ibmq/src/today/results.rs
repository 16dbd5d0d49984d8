//! What the sampler comes back with, as a [`RunResult`].

use std::{ops::Range, sync::Arc};

use ketch_core::{
    BitString, Counts, RunResult,
    circuit::Register,
    result::{ExperimentResult, Memory},
};
use serde_json::{Map, Value};

use super::samples::{BadResult, Samples, unwrapped};
use crate::service::{Plan, Planned};

/// Reads `{results: […]}` and `PrimitiveResult {pub_results: […]}`.
pub(super) fn read(document: &Value, plan: Option<&Plan>) -> Result<RunResult, BadResult> {
    let root = unwrapped(document);
    let (path, pubs) = ["pub_results", "results"]
        .into_iter()
        .find_map(|name| Some((name, root.get(name)?.as_array()?)))
        .ok_or_else(|| BadResult::new("the document", "expected a list `results`"))?;
    if let Some(plan) = plan
        && plan.programs.len() != pubs.len()
    {
        let what = format!("expected {} results, found {}", plan.programs.len(), pubs.len());
        return Err(BadResult::new(path, what));
    }
    let mut experiments = Vec::new();
    for (place, value) in pubs.iter().enumerate() {
        let planned = plan.map_or(&[][..], |plan| {
            let first = experiments.len();
            &plan.experiments[first..first + plan.programs[place]]
        });
        experiments.extend(of_program(unwrapped(value), planned, &format!("{path}[{place}]"))?);
    }
    Ok(RunResult {
        qobj_id: plan.map(|plan| plan.qobj_id.clone()).unwrap_or_default(),
        header: plan.map(|plan| plan.header.clone()).unwrap_or_default(),
        success: true,
        status: "COMPLETED".to_owned(),
        experiments,
        metadata: object(root.get("metadata")),
        ..RunResult::default()
    })
}

/// The experiments that a program stands for; one where nothing is planned.
fn of_program(
    value: &Value,
    planned: &[Planned],
    path: &str,
) -> Result<Vec<ExperimentResult>, BadResult> {
    let data = value.get("data").map(unwrapped).and_then(Value::as_object);
    let data = data.ok_or_else(|| BadResult::new(format!("{path}.data"), "expected an object"))?;
    let named = fields(data, &format!("{path}.data"))?;
    let n_shots = named.iter().map(|(_, samples)| samples.shots.len()).max().unwrap_or(0);
    if let Some((name, samples)) = named.iter().find(|(_, s)| s.shots.len() != n_shots) {
        let what = format!("expected {n_shots} shots, found {}", samples.shots.len());
        return Err(BadResult::new(format!("{path}.data.{name}"), what));
    }
    let places = planned.len().max(1);
    if !n_shots.is_multiple_of(places) {
        let what = format!("{n_shots} shots of {places} experiments");
        return Err(BadResult::new(format!("{path}.data"), what));
    }
    let (registers, columns) = match planned.first() {
        Some(planned) => arranged(planned, named, path)?,
        None => in_their_order(named, path)?,
    };
    // What the service leaves out takes memory that nothing was received for.
    let width: usize = registers.iter().map(|register| register.size as usize).sum();
    if columns.iter().any(Option::is_none) && width.saturating_mul(n_shots) > MAX_FILLED {
        let what = format!(
            "{n_shots} shots of {width} bits, of which some were left out: at most {MAX_FILLED} bits are filled in"
        );
        return Err(BadResult::new(format!("{path}.data"), what));
    }
    let metadata = Arc::new(object(value.get("metadata")));
    let shots = |place| place * (n_shots / places)..(place + 1) * (n_shots / places);
    let experiments = (0..places).map(|place| ExperimentResult {
        metadata: Arc::clone(&metadata),
        ..experiment(&registers, &columns, shots(place), planned.get(place))
    });
    Ok(experiments.collect())
}

fn experiment(
    registers: &[Register],
    columns: &[Option<Samples>],
    shots: Range<usize>,
    planned: Option<&Planned>,
) -> ExperimentResult {
    let width = registers.iter().map(|register| register.start + register.size).max().unwrap_or(0);
    let mut outcomes = Vec::with_capacity(shots.len());
    // Whoever did not submit the job here may have asked for it.
    let keep = planned.is_none_or(|planned| planned.memory) && width > 0;
    let mut memory = Vec::new();
    let n_shots = shots.len() as u64;
    for shot in shots {
        let outcome = outcome(width, registers, columns, shot);
        if keep {
            let bytes = outcome.words().flat_map(u64::to_le_bytes);
            memory.extend(bytes.take(Memory::stride_of(width)));
        }
        outcomes.push((outcome, 1));
    }
    let counts = Counts::from_outcomes(registers.to_vec(), outcomes);
    ExperimentResult {
        name: planned.map(|planned| planned.name.clone()).unwrap_or_default(),
        shots: n_shots,
        seed: planned.and_then(|planned| planned.seed),
        success: true,
        status: "DONE".to_owned(),
        registers: registers.to_vec(),
        counts: Some(counts),
        memory: keep.then(|| Memory::from_bytes(width, memory.into())).flatten(),
        header: planned.map(|planned| planned.header.clone()).unwrap_or_default(),
        ..ExperimentResult::default()
    }
}

/// The registers' outcomes by name, in the service's order.
fn fields(data: &Map<String, Value>, path: &str) -> Result<Vec<(String, Samples)>, BadResult> {
    let inner = data.get("fields").and_then(Value::as_object);
    let names = data.get("field_names").and_then(Value::as_array);
    let all = inner.unwrap_or(data);
    let names: Vec<&str> = match names.filter(|_| inner.is_some()) {
        Some(names) => names.iter().filter_map(Value::as_str).collect(),
        None => all.keys().map(String::as_str).collect(),
    };
    let read = |name: &str| {
        let path = format!("{path}.{name}");
        let value = all.get(name).ok_or_else(|| BadResult::new(path.as_str(), "it is missing"))?;
        Ok((name.to_owned(), Samples::read(value, &path)?))
    };
    names.into_iter().map(read).collect()
}

type Columns = (Vec<Register>, Vec<Option<Samples>>);

/// The registers of the circuit that was sent. One that the service leaves out holds zeros.
fn arranged(
    planned: &Planned,
    mut named: Vec<(String, Samples)>,
    path: &str,
) -> Result<Columns, BadResult> {
    let mut columns = Vec::new();
    for (register, sent_as) in planned.registers.iter().zip(&planned.sent_as) {
        let place = named.iter().position(|(name, _)| name == sent_as);
        let samples = place.map(|place| named.swap_remove(place).1);
        if let Some(samples) = samples.as_ref().filter(|s| s.n_bits != register.size) {
            let what = format!("expected {} bits, found {}", register.size, samples.n_bits);
            return Err(BadResult::new(format!("{path}.data.{sent_as}"), what));
        }
        columns.push(samples);
    }
    // What a program had to measure whose circuit measures nothing.
    let unread = planned.sent_as.get(planned.registers.len());
    named.retain(|(name, _)| Some(name) != unread);
    match named.first() {
        Some((name, _)) => {
            let what = "the circuit has no such register";
            Err(BadResult::new(format!("{path}.data.{name}"), what))
        }
        None => Ok((planned.registers.clone(), columns)),
    }
}

/// Where registers are left out, all shots of a program together have at most this many bits.
const MAX_FILLED: usize = 1 << 33;

/// All registers together have at most this many bits.
const MAX_WIDTH: u32 = 1 << 20;

fn in_their_order(named: Vec<(String, Samples)>, path: &str) -> Result<Columns, BadResult> {
    let (mut registers, mut columns) = (Vec::new(), Vec::new());
    let mut start = 0;
    for (name, samples) in named {
        registers.push(Register::new(name, start, samples.n_bits));
        start += samples.n_bits;
        columns.push(Some(samples));
        if start > MAX_WIDTH {
            let what = format!("more than {MAX_WIDTH} bits in all registers");
            return Err(BadResult::new(format!("{path}.data"), what));
        }
    }
    Ok((registers, columns))
}

fn outcome(
    width: u32,
    registers: &[Register],
    columns: &[Option<Samples>],
    shot: usize,
) -> BitString {
    if let ([_], [Some(only)]) = (registers, columns) {
        return only.shots[shot].clone();
    }
    let mut outcome = BitString::zeros(width);
    for (register, samples) in registers.iter().zip(columns) {
        let Some(samples) = samples else { continue };
        let bits = &samples.shots[shot];
        for bit in (0..register.size).filter(|&bit| bits.get(bit)) {
            outcome.set(register.start + bit, true);
        }
    }
    outcome
}

fn object(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}
