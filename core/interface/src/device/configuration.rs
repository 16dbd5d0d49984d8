//! What a backend is and what it can run: the `backend_configuration` document.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{CouplingMap, TooManyCouplings};

/// What a backend is and what it can run.
///
/// Reads the documents of Qiskit 0.6.1 to 0.18.3, and two spellings that early simulators used:
/// `basis_gates` as one string with commas, and `coupling_map` as `"all-to-all"`. Fields that
/// describe pulses are kept in `extra` untouched.
///
/// A backend fills the public fields that it wants to change:
///
/// ```
/// use ketch_interface::device::{BackendConfiguration, GateConfig};
///
/// let mut configuration = BackendConfiguration::simulator("qasm_simulator", "0.1.0", 29);
/// configuration.description = Some("state vector".to_owned());
/// configuration.gates.push(GateConfig::new("h", &[], "gate h q { U(pi/2, 0, pi) q; }"));
/// configuration.basis_gates.push("h".to_owned());
/// assert_eq!(configuration.n_qubits(), Some(29));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendConfiguration {
    /// The name under which the provider knows the backend.
    pub backend_name: String,
    /// The backend's version, three numbers with dots: `"1.2.0"`.
    pub backend_version: String,
    /// How many qubits a circuit may have. `None` is no fixed limit, `-1` in JSON: release 0.6
    /// can say so, the schemas since 0.7.0 ask for a number of at least 1.
    #[serde(with = "minus_one")]
    pub n_qubits: Option<u32>,
    /// The names of the gates that circuits are translated to, each once.
    #[serde(deserialize_with = "list_or_commas")]
    pub basis_gates: Vec<String>,
    /// What is known of each basis gate. The schemas before 0.18.3 ask for at least one.
    pub gates: Vec<GateConfig>,
    /// Whether the backend runs on this machine.
    pub local: bool,
    /// Whether the backend is a simulator.
    pub simulator: bool,
    /// Whether the backend runs operations that depend on measured values.
    pub conditional: bool,
    /// Whether the backend takes pulse programs. Then the schemas ask for pulse fields in `extra`.
    #[serde(default)]
    pub open_pulse: bool,
    /// Whether the backend can return the value of each shot, not only their counts.
    #[serde(default)]
    pub memory: bool,
    /// The most shots of one experiment. `None` if the document does not say; the schemas since
    /// 0.7.0 ask for a number of at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_shots: Option<u64>,
    /// The most experiments of one job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_experiments: Option<u64>,
    /// Groups of coupled qubits, most often pairs; `None` if all are coupled to each other.
    /// [`coupling`](Self::coupling) gives them as a graph.
    #[serde(
        default,
        deserialize_with = "groups_or_all_to_all",
        skip_serializing_if = "Option::is_none"
    )]
    pub coupling_map: Option<Vec<Vec<u32>>>,
    /// What the backend is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where to read about the backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The name of the chip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_name: Option<String>,
    /// Another name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// When the backend went into service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online_date: Option<String>,
    /// Whether a job costs credits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits_required: Option<bool>,
    /// Free labels, each once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// The names of all instructions that the backend runs, gates and others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supported_instructions: Option<Vec<String>>,
    /// How many register slots conditional operations can look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_registers: Option<u32>,
    /// For each qubit and each register slot: 1 if a measurement can be stored there, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register_map: Option<Vec<Vec<u8>>>,
    /// Whether the backend, a simulator, can be configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configurable: Option<bool>,
    /// Whether a job may choose the delay between shots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_reprate_enabled: Option<bool>,
    /// All other fields, kept as they came. Must not repeat a field above.
    ///
    /// `"one_shot": true` says that one shot is run whatever number is asked for, as simulators of
    /// states and unitaries do.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One gate of a backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateConfig {
    /// The gate's name in OpenQASM.
    pub name: String,
    /// The names of the gate's parameters, in order. Devices give `null` for instructions that are
    /// no gates, such as `reset`: read as none.
    #[serde(deserialize_with = "null_as_empty")]
    pub parameters: Vec<String>,
    /// The gate's definition in OpenQASM, from `U` and `CX`; empty where the document has `null`.
    #[serde(deserialize_with = "null_as_empty")]
    pub qasm_def: String,
    /// The groups of qubits that the gate acts on; `None` if it acts on all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupling_map: Option<Vec<Vec<u32>>>,
    /// For each group of `coupling_map` and each register slot: 1 if the gate can depend on the
    /// slot with low latency, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_map: Option<Vec<Vec<u8>>>,
    /// Whether the gate can be conditional; `None` if as the backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditional: Option<bool>,
    /// What the gate does, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Fields beyond the schema, kept as they came. Must not repeat a field above.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a new simulator takes until it says otherwise.
const SIMULATOR_MAX_SHOTS: u64 = 1_000_000;

impl BackendConfiguration {
    /// A simulator on this machine: conditional operations, memory, a million shots, all qubits
    /// coupled, and no gates yet. `n_qubits` is a number, or `None` for no fixed limit.
    pub fn simulator(
        backend_name: impl Into<String>,
        backend_version: impl Into<String>,
        n_qubits: impl Into<Option<u32>>,
    ) -> Self {
        Self {
            backend_name: backend_name.into(),
            backend_version: backend_version.into(),
            n_qubits: n_qubits.into(),
            basis_gates: Vec::new(),
            gates: Vec::new(),
            local: true,
            simulator: true,
            conditional: true,
            open_pulse: false,
            memory: true,
            max_shots: Some(SIMULATOR_MAX_SHOTS),
            max_experiments: None,
            coupling_map: None,
            description: None,
            url: None,
            sample_name: None,
            display_name: None,
            online_date: None,
            credits_required: None,
            tags: None,
            supported_instructions: None,
            n_registers: None,
            register_map: None,
            configurable: None,
            dynamic_reprate_enabled: None,
            extra: Map::new(),
        }
    }

    /// Reads what the simulators and devices of Qiskit 0.6 really sent, which their own schema
    /// refuses: `name` and `version` for `backend_name` and `backend_version`, and no word on
    /// what every backend did alike. Where they are silent this reads version `0.0.0`, no fixed
    /// number of qubits, no gate definitions, not local, not conditional.
    ///
    /// # Errors
    /// If a field has the wrong type, or if the name, `basis_gates` or `simulator` is missing.
    pub fn from_terra_0_6(mut document: Map<String, Value>) -> Result<Self, serde_json::Error> {
        for (early, field) in [("name", "backend_name"), ("version", "backend_version")] {
            if !document.contains_key(field)
                && let Some(value) = document.remove(early)
            {
                document.insert(field.to_owned(), value);
            }
        }
        let silence = [
            ("backend_version", json!("0.0.0")),
            ("n_qubits", json!(UNLIMITED)),
            ("gates", json!([])),
            ("local", json!(false)),
            ("conditional", json!(false)),
        ];
        for (field, value) in silence {
            document.entry(field).or_insert(value);
        }
        serde_json::from_value(Value::Object(document))
    }

    /// How many qubits a circuit may have; `None` if there is no fixed limit.
    pub fn n_qubits(&self) -> Option<u32> {
        self.n_qubits
    }

    /// The coupling map as a graph; `None` if all qubits are coupled to each other.
    ///
    /// # Errors
    /// As [`CouplingMap::from_groups`].
    pub fn coupling(&self) -> Result<Option<CouplingMap>, TooManyCouplings> {
        self.coupling_map.as_deref().map(CouplingMap::from_groups).transpose()
    }
}

impl GateConfig {
    /// A gate that acts on all qubits, conditional as the backend is.
    pub fn new(name: impl Into<String>, parameters: &[&str], qasm_def: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            parameters: parameters.iter().map(|&name| name.to_owned()).collect(),
            qasm_def: qasm_def.into(),
            coupling_map: None,
            latency_map: None,
            conditional: None,
            description: None,
            extra: Map::new(),
        }
    }
}

/// How a document says that there is no fixed number of qubits.
const UNLIMITED: i64 = -1;

/// `None` as -1.
mod minus_one {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        n_qubits: &Option<u32>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(n_qubits.map_or(UNLIMITED, i64::from))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u32>, D::Error> {
        let number = i64::deserialize(deserializer)?;
        match u32::try_from(number) {
            Ok(n_qubits) if n_qubits > 0 => Ok(Some(n_qubits)),
            _ if number == UNLIMITED => Ok(None),
            _ => Err(D::Error::custom(format_args!(
                "n_qubits is {number}, expected 1 to {}, or {UNLIMITED} for no fixed limit",
                u32::MAX
            ))),
        }
    }
}

fn null_as_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn list_or_commas<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "basis_gates is neither a list of names nor names with commas")]
    enum Names {
        List(Vec<String>),
        Commas(String),
    }
    Ok(match Names::deserialize(deserializer)? {
        Names::List(names) => names,
        Names::Commas(text) => {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        }
    })
}

fn groups_or_all_to_all<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Vec<u32>>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "coupling_map is neither a list of groups of qubits nor \"all-to-all\""
    )]
    enum Groups {
        List(Vec<Vec<u32>>),
        Word(AllToAll),
    }
    #[derive(Deserialize)]
    enum AllToAll {
        #[serde(rename = "all-to-all")]
        AllToAll,
    }
    Ok(match Option::<Groups>::deserialize(deserializer)? {
        Some(Groups::List(groups)) => Some(groups),
        Some(Groups::Word(AllToAll::AllToAll)) | None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    /// What the C++ simulator of release 0.6 said of itself.
    fn simulator_of_0_6() -> Map<String, Value> {
        object(json!({
            "name": "qasm_simulator",
            "url": "https://example.org/simulator",
            "simulator": true,
            "local": true,
            "description": "A simulator",
            "coupling_map": "all-to-all",
            "basis_gates": "u1,u2, u3,cx,snapshot",
            "exe": "qasm_simulator_cpp",
        }))
    }

    #[test]
    fn a_simulator_of_0_6_is_read() {
        let configuration = BackendConfiguration::from_terra_0_6(simulator_of_0_6()).unwrap();
        assert_eq!(configuration.backend_name, "qasm_simulator");
        assert_eq!(configuration.backend_version, "0.0.0");
        assert_eq!(configuration.n_qubits(), None);
        assert_eq!(configuration.basis_gates, ["u1", "u2", "u3", "cx", "snapshot"]);
        assert_eq!(configuration.coupling_map, None);
        assert!(configuration.local && configuration.simulator && !configuration.conditional);
        assert_eq!(configuration.extra, object(json!({"exe": "qasm_simulator_cpp"})));
    }

    #[test]
    fn what_0_6_left_out_is_not_excused_elsewhere() {
        let document = Value::Object(simulator_of_0_6());
        let refusal = serde_json::from_value::<BackendConfiguration>(document).unwrap_err();
        assert_eq!(refusal.to_string(), "missing field `backend_name`");
        let refusal = BackendConfiguration::from_terra_0_6(Map::new()).unwrap_err();
        assert_eq!(refusal.to_string(), "missing field `backend_name`");
    }

    #[test]
    fn a_field_called_name_is_kept_beside_backend_name() {
        let written = BackendConfiguration::simulator("a", "1.0.0", 3);
        let mut document = object(serde_json::to_value(written).unwrap());
        document.insert("name".to_owned(), json!("b"));
        let read = BackendConfiguration::from_terra_0_6(document).unwrap();
        assert_eq!((read.backend_name.as_str(), &read.extra["name"]), ("a", &json!("b")));
    }

    #[test]
    fn no_limit_is_minus_one() {
        let configuration = BackendConfiguration::simulator("a", "1.0.0", None);
        let document = serde_json::to_value(&configuration).unwrap();
        assert_eq!(document["n_qubits"], json!(-1));
        assert_eq!(
            serde_json::from_value::<BackendConfiguration>(document).unwrap(),
            configuration
        );
    }

    #[test]
    fn instructions_without_parameters_and_definition_are_read() {
        let gate = json!({"name": "reset", "parameters": null, "qasm_def": null});
        let gate: GateConfig = serde_json::from_value(gate).unwrap();
        assert_eq!((gate.parameters.len(), gate.qasm_def.as_str()), (0, ""));
        assert_eq!(
            serde_json::to_value(gate).unwrap(),
            json!({"name": "reset", "parameters": [], "qasm_def": ""})
        );
        let without = serde_json::from_value::<GateConfig>(json!({"name": "x"})).unwrap_err();
        assert!(without.to_string().contains("parameters"), "{without}");
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        let cases = [
            ("n_qubits", json!(0), "n_qubits is 0, expected 1 to 4294967295, or -1"),
            ("n_qubits", json!(-2), "n_qubits is -2, expected"),
            ("n_qubits", json!(1u64 << 40), "n_qubits is 1099511627776, expected"),
            ("n_qubits", json!("five"), "invalid type: string \"five\""),
            ("basis_gates", json!(7), "basis_gates is neither"),
            ("coupling_map", json!("ring"), "coupling_map is neither"),
            ("coupling_map", json!([[0, -1]]), "coupling_map is neither"),
            ("gates", json!([{"name": "h"}]), "missing field `parameters`"),
        ];
        let good = serde_json::to_value(BackendConfiguration::simulator("a", "1.0.0", 3)).unwrap();
        for (field, value, expected) in cases {
            let mut document = good.clone();
            document[field] = value;
            let refusal = serde_json::from_value::<BackendConfiguration>(document).unwrap_err();
            assert!(refusal.to_string().contains(expected), "{field}: {refusal}");
        }
    }

    #[test]
    fn the_coupling_of_a_device_is_a_graph() {
        let mut configuration = BackendConfiguration::simulator("a", "1.0.0", 3);
        assert_eq!(configuration.coupling(), Ok(None));
        configuration.coupling_map = Some(vec![vec![0, 1], vec![2, 1]]);
        let map = configuration.coupling().unwrap().expect("a coupling map");
        assert_eq!(map, CouplingMap::new([(0, 1), (2, 1)]));
    }
}
