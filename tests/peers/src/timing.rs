//! One circuit: the time of its evolution, and of its evolution with shots.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ketch_interface::{BitString, Circuit, Counts, circuit::SaveKind};
use ketch_simulator::{Cancel, Facts, Options, Outcome, Saved, Threads, simulate_on};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    noise::{self, Noise},
    timer::{self, Repetitions},
};

/// What is timed, and how.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    /// A file in OpenQASM 2 without measurements.
    circuit: PathBuf,
    method: String,
    precision: String,
    threads: usize,
    /// After the evolution, this many samples of all qubits.
    shots: u64,
    #[serde(flatten)]
    repetitions: Repetitions,
    /// Whether the evolution is timed alone too. It ends with [`amplitudes`](Self::amplitudes),
    /// for any simulator has to show that it holds the state.
    evolve: bool,
    /// The basis states whose amplitudes are shown.
    #[serde(default)]
    amplitudes: Vec<u64>,
    noise: Option<Noise>,
}

/// Times of evolution and sampling, amplitudes, and the share of ones of each qubit.
pub(crate) fn answer(request: &Request) -> Result<Value> {
    let path = &request.circuit;
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let begun = std::time::Instant::now();
    let mut circuit = crate::parse(&text)?;
    let construct_s = begun.elapsed().as_secs_f64();
    if let Some(noise) = request.noise {
        // The model looks at names of instructions; measurements have to be there for readout.
        circuit = noise::insert(&circuit.measure_all(), noise)?;
    }
    let options = Options {
        method: crate::method(&request.method)?,
        precision: crate::precision(&request.precision)?,
        shots: request.shots,
        seed: 1,
        threads: request.threads,
        ..Options::default()
    };
    // As a service that keeps its threads from one job to the next.
    let threads = Threads::new(request.threads)?;
    let run = |circuit: &Circuit, options: &Options| -> Result<Outcome> {
        Ok(simulate_on(&threads, circuit, options, &Cancel::new())?)
    };

    let mut answer = Map::new();
    answer.insert("construct_s".into(), json!(construct_s));
    if request.evolve {
        let n_qubits = circuit.n_qubits();
        let states = request.amplitudes.iter().map(|s| BitString::from_u64(n_qubits, *s));
        let saving = crate::saving(circuit.clone(), SaveKind::Amplitudes(states.collect()))?;
        let once = Options { shots: 1, ..options.clone() };
        let (times, outcome) = timer::time(request.repetitions, || run(&saving, &once))?;
        answer.insert("evolve".into(), json!(times));
        answer.insert("amplitudes".into(), amplitudes(&outcome));
        answer.insert("evolve_facts".into(), facts(&outcome.facts));
    }
    let measured = if request.noise.is_some() { circuit } else { circuit.measure_all() };
    let (times, outcome) = timer::time(request.repetitions, || run(&measured, &options))?;
    let counts = outcome.counts.context("a circuit that measures gave no counts")?;
    answer.insert("sample".into(), json!(times));
    answer.insert("marginals".into(), json!(marginals(&counts, measured.n_qubits())));
    answer.insert("facts".into(), facts(&outcome.facts));
    answer.insert("rss_mb".into(), json!(timer::peak_mib()));
    Ok(Value::Object(answer))
}

fn amplitudes(outcome: &Outcome) -> Value {
    match outcome.data.get("amplitudes") {
        Some(Saved::Vector(values)) => values.iter().map(|a| json!([a.re, a.im])).collect(),
        _ => Value::Null,
    }
}

/// The share of shots in which each qubit was 1.
fn marginals(counts: &Counts, n_qubits: u32) -> Vec<f64> {
    let mut ones = vec![0_u64; n_qubits as usize];
    for (outcome, count) in counts.iter() {
        for (qubit, ones) in (0..).zip(&mut ones) {
            *ones += if outcome.get(qubit) { count } else { 0 };
        }
    }
    ones.into_iter().map(|ones| ones as f64 / counts.total() as f64).collect()
}

/// How it was run, for the notes of the table.
fn facts(facts: &Facts) -> Value {
    json!({
        "method": facts.method.name(),
        "reason": facts.reason,
        "instruction_set": facts.instruction_set,
        "threads": facts.threads,
        "sampled": facts.sampled,
        "n_qubits": facts.n_qubits,
        "n_gates": facts.n_gates,
        "n_passes": facts.n_passes,
        "state_bytes": facts.bytes,
        "notes": facts.notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_circuit_shows_its_amplitudes_and_its_halves() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bell.qasm");
        let text = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; h q[0]; cx q[0],q[1];";
        std::fs::write(&file, text).unwrap();
        let mut request = json!({
            "circuit": file, "method": "statevector", "precision": "double", "threads": 1,
            "shots": 1000, "reps": 1, "budget_s": 0.0, "evolve": true, "amplitudes": [0, 1],
        });
        let found = answer(&serde_json::from_value(request.clone()).unwrap()).unwrap();
        let number = |pointer: &str| found.pointer(pointer).unwrap().as_f64().unwrap();
        assert!((number("/amplitudes/0/0") - 0.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(number("/amplitudes/1/0"), 0.0);
        assert_eq!(number("/marginals/0"), number("/marginals/1"));
        // Five standard deviations of 1000 fair coins: a false alarm in 1.7 million seeds.
        assert!((number("/marginals/0") - 0.5).abs() < 5.0 * 0.5 / 1000_f64.sqrt());
        assert!(number("/sample/median_s") > 0.0);

        // A readout that is wrong half of the time leaves fair coins.
        request["noise"] = json!({ "p1": 0.0, "p2": 0.0, "readout": 0.5 });
        request["evolve"] = json!(false);
        let found = answer(&serde_json::from_value(request).unwrap()).unwrap();
        let half = found.pointer("/marginals/1").unwrap().as_f64().unwrap();
        assert!((half - 0.5).abs() < 5.0 * 0.5 / 1000_f64.sqrt());
        assert!(found.get("evolve").is_none());
    }
}
