//! How an experiment was run, in the result's form.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ketch_simulator::Facts;
use serde_json::{Map, Value, json};

/// The metadata of a run's experiments: those of which the same is to be said share it, for to
/// write, copy, read and drop a map each takes longer than to run a small circuit.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    /// By the numbers of gates and passes, in which small circuits differ most: the last one said.
    said: Mutex<HashMap<(usize, usize), Said>>,
}

/// What was said of the facts and of the options that were ignored.
#[derive(Debug)]
struct Said {
    facts: Facts,
    ignored: Vec<String>,
    metadata: Arc<Map<String, Value>>,
}

impl Metadata {
    /// What to say of an experiment.
    pub(crate) fn of(&self, facts: Facts, ignored: &[String]) -> Arc<Map<String, Value>> {
        let key = (facts.n_gates, facts.n_passes);
        // Every change is one insertion, so the map is whole even if a thread panicked.
        let said = || self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = said().get(&key).filter(|s| s.facts == facts && s.ignored == ignored) {
            return Arc::clone(&same.metadata);
        }
        let metadata = Arc::new(written(&facts, ignored));
        let ignored = ignored.to_vec();
        said().insert(key, Said { facts, ignored, metadata: Arc::clone(&metadata) });
        metadata
    }
}

fn written(facts: &Facts, ignored: &[String]) -> Map<String, Value> {
    let mut notes = facts.notes.clone();
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
    fields.into_iter().chain(of_chains).map(|(name, value)| (name.to_owned(), value)).collect()
}
