//! Reading documents: the frame, configurations, experiments.

use serde_json::{Map, Value};

use super::{QobjJsonError, instructions::Reader, sizes};
use crate::{
    json::{Mistyped, Node},
    qobj::{Experiment, Program, Qobj, QobjConfig},
};

pub(super) fn qobj(document: &Value) -> Result<Qobj, QobjJsonError> {
    let root = Node::root(document);
    root.object()?;
    // Before Qobj had its schema, `qobj_id` was `id`.
    let qobj_id = match root.get_any(&["qobj_id", "id"]) {
        Some(id) => id.text_owned()?,
        None => String::new(),
    };
    let header = object(&root, "header")?;
    let config = config(&root)?;
    let experiments = root.require("experiments")?;
    if is_pulse(&root, &experiments)? {
        let program = Program::Pulse(root.object()?.clone());
        return Ok(Qobj { qobj_id, header, config, program });
    }
    let mut circuits = Vec::new();
    let mut runs = Vec::new();
    for node in experiments.items()? {
        let mut header = object(&node, "header")?;
        if let Some(name) = node.get("name")
            && !header.contains_key("name")
        {
            header.insert("name".to_owned(), name.text()?.into());
        }
        let mut circuit = sizes::circuit(&node, &root)?;
        circuit.name = header.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        circuit.global_phase = header.get("global_phase").and_then(Value::as_f64).unwrap_or(0.0);
        let circuit = Reader::new(circuit).read(&node.require("instructions")?)?;
        let config = self::config(&node)?;
        runs.push(Experiment { circuit: circuits.len(), bindings: Vec::new(), header, config });
        circuits.push(circuit);
    }
    let program = Program::Circuits { circuits, experiments: runs };
    Ok(Qobj { qobj_id, header, config, program })
}

/// The document says so, or it has instructions that name a channel.
fn is_pulse(root: &Node<'_, '_>, experiments: &Node<'_, '_>) -> Result<bool, Mistyped> {
    if let Some(kind) = root.get("type") {
        return match kind.text()? {
            "QASM" => Ok(false),
            "PULSE" => Ok(true),
            _ => Err(kind.expected("\"QASM\" or \"PULSE\"")),
        };
    }
    for experiment in experiments.items()? {
        for instruction in experiment.require("instructions")?.items()? {
            if instruction.get("ch").is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn object(node: &Node<'_, '_>, field: &str) -> Result<Map<String, Value>, Mistyped> {
    node.get(field).map_or_else(|| Ok(Map::new()), |object| object.object().cloned())
}

/// The sizes are the circuits' to say, so they are no options.
const SIZES: [&str; 2] = ["memory_slots", "n_qubits"];

fn config(node: &Node<'_, '_>) -> Result<QobjConfig, Mistyped> {
    let mut config = QobjConfig::default();
    let Some(node) = node.get("config") else { return Ok(config) };
    let fields = node.object()?;
    config.shots = node.get("shots").map(|shots| shots.whole()).transpose()?;
    config.seed = node.get_any(&["seed_simulator", "seed"]).map(|s| s.whole()).transpose()?;
    config.memory = node.get("memory").map(|memory| memory.truth()).transpose()?;
    for (name, value) in fields {
        let known = ["shots", "seed", "seed_simulator", "memory"].contains(&name.as_str());
        if !known && !SIZES.contains(&name.as_str()) {
            config.options.insert(name.clone(), value.clone());
        }
    }
    Ok(config)
}
