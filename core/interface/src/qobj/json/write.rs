//! Writing documents: the frame, headers, configurations.

use serde_json::{Map, Value, json};

use super::{
    QobjDialect, QobjJsonError,
    sizes::{CLBIT_FIELDS, QUBIT_FIELDS, registers},
    write_circuit,
};
use crate::{
    Circuit,
    circuit::Register,
    qobj::{DEFAULT_SHOTS, Experiment, Program, Qobj, QobjConfig},
};

/// Options that the schema knows since version 1.3.0.
const SINCE_1_3: [&str; 3] = ["calibrations", "pulse_library", "parametric_pulses"];

pub(super) fn qobj(qobj: &Qobj, dialect: QobjDialect) -> Result<Value, QobjJsonError> {
    let (circuits, experiments) = match &qobj.program {
        Program::Pulse(document) => return Ok(pulse(qobj, document)),
        Program::Circuits { circuits, experiments } => (circuits, experiments),
    };
    let bound = |(place, experiment): (usize, &Experiment)| {
        let circuit = circuits.get(experiment.circuit);
        let circuit = circuit.ok_or(QobjJsonError::NoSuchCircuit {
            experiment: place,
            circuit: experiment.circuit,
            n_circuits: circuits.len(),
        })?;
        let bound = circuit.bind(&experiment.bindings);
        bound.map_err(|source| QobjJsonError::Bind { experiment: place, source })
    };
    let bound: Vec<Circuit> =
        experiments.iter().enumerate().map(bound).collect::<Result<_, _>>()?;
    let mut written = Vec::new();
    for (place, (experiment, circuit)) in experiments.iter().zip(&bound).enumerate() {
        let inexpressible = |what| QobjJsonError::Inexpressible { experiment: place, what };
        written.push(json!({
            "header": header(&experiment.header, circuit, dialect),
            "config": config(&experiment.config, circuit.n_qubits(), circuit.n_clbits()),
            "instructions": write_circuit::instructions(circuit, dialect).map_err(inexpressible)?,
        }));
    }
    let largest = |size: fn(&Circuit) -> u32| bound.iter().map(size).max().unwrap_or(0);
    let mut all = config(&qobj.config, largest(Circuit::n_qubits), largest(Circuit::n_clbits));
    if qobj.config.shots.is_none() {
        // The oldest schema requires it.
        all.insert("shots".to_owned(), DEFAULT_SHOTS.into());
    }
    let configs = experiments.iter().map(|experiment| &experiment.config).chain([&qobj.config]);
    let mut options = configs.flat_map(|config| config.options.keys());
    let newer = options.any(|option| SINCE_1_3.contains(&option.as_str()));
    Ok(json!({
        "qobj_id": qobj.qobj_id,
        "schema_version": if newer { "1.3.0" } else { "1.0.0" },
        "type": "QASM",
        "header": qobj.header,
        "config": all,
        "experiments": written,
    }))
}

/// The document as it came, with what a caller may have changed since.
fn pulse(qobj: &Qobj, document: &Map<String, Value>) -> Value {
    let mut document = document.clone();
    let mut set = |name: &str, value: Value| document.insert(name.to_owned(), value);
    set("qobj_id", qobj.qobj_id.clone().into());
    set("header", qobj.header.clone().into());
    let mut kept = match document.get("config") {
        Some(Value::Object(config)) => config.clone(),
        _ => Map::new(),
    };
    for (name, value) in settings(&qobj.config) {
        kept.insert(name, value);
    }
    document.insert("config".to_owned(), kept.into());
    document.into()
}

/// What is set, by its name in documents.
fn settings(config: &QobjConfig) -> Map<String, Value> {
    let mut fields = config.options.clone();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    set("shots", config.shots.map(Value::from));
    set("memory", config.memory.map(Value::from));
    set("seed", config.seed.map(Value::from));
    fields
}

fn config(config: &QobjConfig, n_qubits: u32, n_clbits: u32) -> Map<String, Value> {
    let mut fields = settings(config);
    if let Some(seed) = config.seed {
        // Aer reads this one.
        fields.insert("seed_simulator".to_owned(), seed.into());
    }
    if n_qubits > 0 {
        fields.insert("n_qubits".to_owned(), n_qubits.into());
    }
    fields.insert("memory_slots".to_owned(), n_clbits.into());
    fields
}

/// The header with what the schema wants. Fields that say of the circuit what it is stay as they
/// are.
fn header(
    header: &Map<String, Value>,
    circuit: &Circuit,
    dialect: QobjDialect,
) -> Map<String, Value> {
    let mut header = header.clone();
    if !circuit.name.is_empty() && !header.contains_key("name") {
        header.insert("name".to_owned(), circuit.name.as_str().into());
    }
    let phase = header.get("global_phase").and_then(Value::as_f64).unwrap_or(0.0);
    if phase != circuit.global_phase {
        header.insert("global_phase".to_owned(), circuit.global_phase.into());
    }
    let mut size = |names: [&str; 2], size: u32| {
        for (name, always) in names.into_iter().zip([size > 0, dialect == QobjDialect::Terra06]) {
            if always || header.contains_key(name) {
                header.insert(name.to_owned(), size.into());
            }
        }
    };
    size(["n_qubits", "number_of_qubits"], circuit.n_qubits());
    size(["memory_slots", "number_of_clbits"], circuit.n_clbits());
    header.entry("memory_slots").or_insert_with(|| circuit.n_clbits().into());
    add_registers(&mut header, QUBIT_FIELDS, "q", circuit.qregs(), circuit.n_qubits());
    add_registers(&mut header, CLBIT_FIELDS, "c", circuit.cregs(), circuit.n_clbits());
    header
}

fn add_registers(
    header: &mut Map<String, Value>,
    [sizes, labels]: [&str; 2],
    default_name: &str,
    circuit: &[Register],
    n_bits: u32,
) {
    // The schema has no registers without a name or without bits.
    let named = circuit.iter().all(|register| !register.name.is_empty() && register.size > 0);
    if !named || circuit.is_empty() {
        return;
    }
    let agrees = registers(header, [sizes, labels], default_name, n_bits) == circuit;
    if !agrees || !header.contains_key(sizes) {
        let size = |register: &Register| json!([register.name, register.size]);
        header.insert(sizes.to_owned(), circuit.iter().map(size).collect());
    }
    if !agrees || !header.contains_key(labels) {
        let label = |register: &Register| {
            let name = register.name.clone();
            (0..register.size).map(move |index| json!([name, index])).collect::<Vec<_>>()
        };
        header.insert(labels.to_owned(), circuit.iter().flat_map(label).collect());
    }
}
