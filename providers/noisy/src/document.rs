//! [`Device`]: what two documents say about a device, checked.

use std::sync::Arc;

use ketch_core::{
    BackendConfiguration, BackendProperties,
    circuit::{Controls, Gate, Spelling},
    device::{CouplingMap, TooManyCouplings},
    noise::{NoiseError, NoiseModel},
};
use serde::Deserialize;

/// The most qubits of a device: a circuit on so many that uses few still runs.
const MAX_QUBITS: u32 = 1_000;

/// What a device that does not say takes.
const MAX_SHOTS: u64 = 100_000;

/// What every device runs beside its gates.
const ALWAYS: &[&str] = &["measure", "barrier", "delay"];

/// What those run besides that take operations which depend on measured values.
const CONDITIONAL: &[&str] = &[
    "reset",
    "if_else",
    "for_loop",
    "while_loop",
    "switch_case",
    "break_loop",
    "continue_loop",
    "store",
];

/// A device: configuration, calibration, and the noise that follows from it.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) configuration: Arc<BackendConfiguration>,
    pub(crate) properties: Arc<BackendProperties>,
    pub(crate) coupling: Option<CouplingMap>,
    pub(crate) noise: NoiseModel,
    source: String,
}

/// Why a device cannot be used. Each message names the file, and the key where there is one.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum DeviceError {
    #[error("cannot read {file}")]
    Read { file: String, source: Arc<std::io::Error> },
    #[error("{file} is larger than {limit} bytes")]
    TooLarge { file: String, limit: u64 },
    #[error("{file} is not a {document} document")]
    Form { file: String, document: &'static str, source: Arc<serde_json::Error> },
    #[error("{file} has no partner {partner}: a device is its configuration and its properties")]
    NoPartner { file: String, partner: String },
    #[error("{file}: {key} is missing")]
    Missing { file: String, key: String },
    #[error("{file}: {key} is {found}, expected {expected}")]
    BadValue { file: String, key: String, found: String, expected: String },
    #[error("{file}: the calibration makes no sense")]
    Noise { file: String, source: NoiseError },
    #[error("{file}: coupling_map")]
    Coupling { file: String, source: TooManyCouplings },
    #[error("{file}: there is another device `{name}`; rename one")]
    NameTaken { file: String, name: String },
}

/// Both documents in one.
#[derive(Debug, Deserialize)]
pub(crate) struct Both {
    pub(crate) configuration: BackendConfiguration,
    pub(crate) properties: BackendProperties,
}

/// A document from its text.
pub(crate) fn parse<'t, D: Deserialize<'t>>(
    text: &'t str,
    file: &str,
    document: &'static str,
) -> Result<D, DeviceError> {
    serde_json::from_str(text).map_err(|source| DeviceError::Form {
        file: file.to_owned(),
        document,
        source: Arc::new(source),
    })
}

impl Device {
    /// A device of two documents, from the files with these names.
    ///
    /// # Errors
    /// What is missing or cannot be right, by its key.
    pub(crate) fn new(
        mut configuration: BackendConfiguration,
        properties: BackendProperties,
        [conf, props]: [&str; 2],
    ) -> Result<Self, DeviceError> {
        check_configuration(&configuration, conf)?;
        check_properties(&configuration, &properties, props)?;
        let noise = NoiseModel::from_device(&configuration, &properties)
            .map_err(|source| DeviceError::Noise { file: props.to_owned(), source })?;
        let coupling = configuration
            .coupling()
            .map_err(|source| DeviceError::Coupling { file: conf.to_owned(), source })?;
        simulate(&mut configuration);
        Ok(Self {
            configuration: Arc::new(configuration),
            properties: Arc::new(properties),
            coupling,
            noise,
            source: conf.to_owned(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.configuration.backend_name
    }

    /// The file that it came from.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }
}

/// What is true of the simulation and not of the device.
fn simulate(configuration: &mut BackendConfiguration) {
    configuration.simulator = true;
    configuration.local = true;
    configuration.open_pulse = false;
    configuration.memory = true;
    configuration.max_shots.get_or_insert(MAX_SHOTS);
    let about = configuration.description.take();
    configuration.description = Some(match about {
        Some(about) => format!("{about}, simulated with the noise of its calibration"),
        None => "A device simulated with the noise of its calibration".to_owned(),
    });
    let names = configuration.supported_instructions.get_or_insert_default();
    let more = if configuration.conditional { CONDITIONAL } else { &[] };
    let all = ALWAYS.iter().chain(more).map(|&name| name.to_owned());
    for name in configuration.basis_gates.iter().cloned().chain(all) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
}

fn check_configuration(
    configuration: &BackendConfiguration,
    file: &str,
) -> Result<(), DeviceError> {
    let bad = |key: String, found: String, expected: String| {
        Err(DeviceError::BadValue { file: file.to_owned(), key, found, expected })
    };
    let name = &configuration.backend_name;
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
        let expected = "1 to 100 letters, digits, `_`, `-` and `.`".to_owned();
        return bad("backend_name".to_owned(), format!("{name:?}"), expected);
    }
    let n_qubits = match configuration.n_qubits() {
        Some(n) if n <= MAX_QUBITS => n,
        found => {
            let found = found.map_or_else(|| "-1".to_owned(), |n| n.to_string());
            return bad("n_qubits".to_owned(), found, format!("1 to {MAX_QUBITS}"));
        }
    };
    let own = configuration.gates.iter().map(|gate| (&*gate.name, gate.coupling_map.as_ref()));
    for (owner, groups) in own.chain([("", configuration.coupling_map.as_ref())]) {
        let groups = groups.map(Vec::as_slice).unwrap_or_default();
        for (place, group) in groups.iter().enumerate() {
            if group.iter().any(|qubit| *qubit >= n_qubits) {
                let of = if owner.is_empty() { String::new() } else { format!("gate {owner}: ") };
                let key = format!("{of}coupling_map[{place}]");
                return bad(key, format!("{group:?}"), format!("qubits below {n_qubits}"));
            }
        }
    }
    Ok(())
}

/// Every number that the noise needs is there: one that is missing would silently mean none.
fn check_properties(
    configuration: &BackendConfiguration,
    properties: &BackendProperties,
    file: &str,
) -> Result<(), DeviceError> {
    let missing = |key: String| Err(DeviceError::Missing { file: file.to_owned(), key });
    let bad = |key: &str, found: String, expected: String| {
        let key = key.to_owned();
        Err(DeviceError::BadValue { file: file.to_owned(), key, found, expected })
    };
    if properties.backend_name != configuration.backend_name {
        let expected = format!("`{}`, as in the configuration", configuration.backend_name);
        return bad("backend_name", format!("`{}`", properties.backend_name), expected);
    }
    let n_qubits = configuration.n_qubits().unwrap_or(0);
    if properties.qubits.len() != n_qubits as usize {
        let found = format!("a list of {}", properties.qubits.len());
        return bad("qubits", found, format!("one entry for each of {n_qubits} qubits"));
    }
    for qubit in 0..n_qubits {
        let given = |name| properties.qubit(qubit, name).is_some();
        for name in ["T1", "T2"] {
            if !given(name) {
                return missing(format!("qubits[{qubit}].{name}"));
            }
        }
        let both_ways = given("prob_meas0_prep1") && given("prob_meas1_prep0");
        if !both_ways && !given("readout_error") {
            return missing(format!("qubits[{qubit}].readout_error"));
        }
    }
    for name in &configuration.basis_gates {
        for qubits in calibrated(configuration, name, n_qubits) {
            if properties.gate(name, &qubits).is_none_or(|gate| {
                gate.parameter("gate_error").or(gate.parameter("gateerr")).is_none()
            }) {
                return missing(format!("the gate_error of {name} on {qubits:?}"));
            }
        }
    }
    Ok(())
}

/// The groups of qubits on which a gate must be calibrated: those that it is coupled on. Gates that
/// are changes of frame take no time and err not.
fn calibrated(configuration: &BackendConfiguration, name: &str, n_qubits: u32) -> Vec<Vec<u32>> {
    let Some(spelling) = Spelling::by_name(name) else { return Vec::new() };
    let Controls::Exactly(controls) = spelling.controls else { return Vec::new() };
    let size = usize::from(controls) + spelling.gate.info().n_qubits as usize;
    let frame =
        matches!(spelling.gate, Gate::U1 | Gate::P | Gate::Rz | Gate::Id | Gate::GlobalPhase);
    if frame && controls == 0 || size > 2 {
        return Vec::new();
    }
    let own = configuration.gates.iter().find(|gate| gate.name == name);
    let groups = own.and_then(|gate| gate.coupling_map.as_ref());
    let groups = match (groups, size) {
        (Some(groups), _) => groups.clone(),
        (None, 1) => (0..n_qubits).map(|qubit| vec![qubit]).collect(),
        (None, _) => configuration.coupling_map.clone().unwrap_or_default(),
    };
    groups.into_iter().filter(|group| group.len() == size).collect()
}
