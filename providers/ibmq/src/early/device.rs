//! Devices as the service lists them.

use ketch_core::{BackendConfiguration, device::GateConfig};
use serde_json::{Map, Value, json};

/// Other names by which devices were known.
pub(super) const ALIASES: &[(&str, &str)] = &[
    ("ibmq_5_yorktown", "ibmqx2"),
    ("ibmq_5_tenerife", "ibmqx4"),
    ("ibmq_16_rueschlikon", "ibmqx5"),
    ("ibmq_20_austin", "QS1_1"),
    ("ibmqx_qasm_simulator", "ibmq_qasm_simulator"),
    ("ibmqx_hpc_qasm_simulator", "ibmq_qasm_simulator"),
    ("real", "ibmqx1"),
];

/// The gates of `basisGates`: name, parameters, definition.
const GATES: &[(&str, &[&str], &str)] = &[
    ("id", &[], "gate id a { U(0,0,0) a; }"),
    ("u1", &["lambda"], "gate u1(lambda) q { U(0,0,lambda) q; }"),
    ("u2", &["phi", "lambda"], "gate u2(phi,lambda) q { U(pi/2,phi,lambda) q; }"),
    ("u3", &["theta", "phi", "lambda"], "gate u3(theta,phi,lambda) q { U(theta,phi,lambda) q; }"),
    ("cx", &[], "gate cx c,t { CX c,t; }"),
];

/// What `SU2+CNOT` stands for.
const ALL_GATES: &str = "u1,u2,u3,cx,id";

/// Fields that became others, in the words of today's document.
const RENAMED: &[(&str, &str)] = &[
    ("name", "backend_name"),
    ("version", "backend_version"),
    ("nQubits", "n_qubits"),
    ("chipName", "sample_name"),
];

/// One device.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Device {
    pub(super) name: String,
    document: Map<String, Value>,
}

impl Device {
    /// The device of this document; `None` for one without a name, or that is switched off: the
    /// clients of the time showed those that are `on`.
    pub(super) fn new(document: Map<String, Value>) -> Option<Self> {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let name = text("backend_name").or_else(|| text("name"))?.to_owned();
        let on = text("status").is_none_or(|status| status == "on");
        on.then_some(Self { name, document })
    }

    pub(super) fn is_simulator(&self) -> bool {
        self.document.get("simulator").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether jobs are handed over as a Qobj rather than as programs.
    pub(super) fn takes_qobj(&self) -> bool {
        let field = self.document.get("allowQObject").or(self.document.get("allow_q_object"));
        field.and_then(Value::as_bool).unwrap_or(false)
    }

    /// Three numbers, as our documents want it: `1` is `1.0.0`.
    pub(super) fn version(&self) -> String {
        let field = self.document.get("backend_version").or(self.document.get("version"));
        let told = field.and_then(Value::as_str).unwrap_or("0");
        match told.matches('.').count() {
            0 => format!("{told}.0.0"),
            1 => format!("{told}.0"),
            _ => told.to_owned(),
        }
    }

    /// The configuration in today's words; what has none is kept, in snake case.
    pub(super) fn configuration(&self) -> Result<BackendConfiguration, serde_json::Error> {
        let mut fields = Map::new();
        for (name, value) in &self.document {
            let renamed = RENAMED.iter().find(|(old, _)| old == name).map(|(_, new)| *new);
            fields.insert(renamed.map_or_else(|| snake_case(name), str::to_owned), value.clone());
        }
        fields.insert("backend_version".to_owned(), self.version().into());
        if fields.get("basis_gates").is_none_or(|gates| gates == "SU2+CNOT") {
            fields.insert("basis_gates".to_owned(), ALL_GATES.into());
        }
        fields.insert("open_pulse".to_owned(), false.into());
        let simulator = self.is_simulator();
        for (field, value) in [("simulator", simulator), ("conditional", simulator)] {
            fields.entry(field).or_insert(value.into());
        }
        fields.entry("n_qubits").or_insert(json!(-1));
        let mut configuration = BackendConfiguration::from_terra_0_6(fields)?;
        if configuration.gates.is_empty() {
            let known = |name: &String| GATES.iter().find(|(gate, ..)| gate == name);
            let gates = configuration.basis_gates.iter().filter_map(known);
            configuration.gates =
                gates.map(|(name, p, def)| GateConfig::new(*name, p, *def)).collect();
        }
        if simulator && configuration.supported_instructions.is_none() {
            let beyond = ["measure", "barrier", "reset", "if_else"].map(str::to_owned);
            let all = configuration.basis_gates.iter().cloned().chain(beyond);
            configuration.supported_instructions = Some(all.collect());
        }
        Ok(configuration)
    }
}

/// `allowQObject` is `allow_q_object`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
