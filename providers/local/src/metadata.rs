//! How an experiment was run, in the result's form.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ketch_core::noise::Coverage;
use ketch_simulator::Facts;
use serde_json::{Map, Value, json};

/// The metadata of a run's experiments: those of which the same is to be said share it, for to
/// write, copy, read and drop a map each takes longer than to run a small circuit.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    /// By the numbers of gates and passes, in which small circuits differ most: the last one said.
    said: Mutex<HashMap<(usize, usize), Said>>,
}

/// What was said of the facts, of the options that were ignored, and of noise.
#[derive(Debug)]
struct Said {
    facts: Facts,
    ignored: Vec<String>,
    coverage: Option<Arc<Coverage>>,
    metadata: Arc<Map<String, Value>>,
}

impl Metadata {
    /// What to say of an experiment.
    pub(crate) fn of(
        &self,
        facts: Facts,
        ignored: &[String],
        coverage: Option<&Arc<Coverage>>,
    ) -> Arc<Map<String, Value>> {
        let key = (facts.n_gates, facts.n_passes);
        // Every change is one insertion, so the map is whole even if a thread panicked.
        let said = || self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |said: &&Said| {
            said.facts == facts && said.ignored == ignored && said.coverage.as_ref() == coverage
        };
        if let Some(same) = said().get(&key).filter(is_same) {
            return Arc::clone(&same.metadata);
        }
        let metadata = Arc::new(written(&facts, ignored, coverage));
        let (ignored, coverage) = (ignored.to_vec(), coverage.cloned());
        said().insert(key, Said { facts, ignored, coverage, metadata: Arc::clone(&metadata) });
        metadata
    }
}

fn written(
    facts: &Facts,
    ignored: &[String],
    coverage: Option<&Arc<Coverage>>,
) -> Map<String, Value> {
    let mut notes = facts.notes.clone();
    notes.extend(coverage.and_then(|coverage| coverage.note()));
    if !ignored.is_empty() {
        notes.push(format!("not served, ignored: {}", ignored.join(", ")));
    }
    let fields: [(&str, Value); 11] = [
        ("method", json!(facts.method.name())),
        ("method_reason", json!(facts.reason)),
        ("precision", json!(facts.precision.name())),
        ("threads", json!(facts.threads)),
        ("instruction_set", json!(facts.instruction_set)),
        ("measure_sampling", json!(facts.sampled)),
        ("active_qubits", json!(facts.n_qubits)),
        ("state_bytes", json!(facts.bytes)),
        ("gates", json!(facts.n_gates)),
        ("passes", json!(facts.n_passes)),
        ("notes", json!(notes)),
    ];
    let of_chains = [
        ("bond_dimension", facts.bond_dimension.map(|bond| json!(bond))),
        ("discarded_weight", facts.discarded_weight.map(|weight| json!(weight))),
    ];
    let of_chains = of_chains.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let of_noise = [
        ("noise", coverage.map(|_| json!(true))),
        ("noise_coverage", coverage.map(|coverage| coverage.to_json())),
    ];
    let of_noise = of_noise.into_iter().filter_map(|(name, value)| Some((name, value?)));
    fields
        .into_iter()
        .chain(of_chains)
        .chain(of_noise)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
