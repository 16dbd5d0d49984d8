//! Noise models from files: Qiskit Aer's, and those that a device's calibration implies.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use ketch_core::noise::{NoiseError, NoiseJsonError, NoiseModel};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{BackendConfiguration, BackendProperties, Circuit};

/// A file may have this many bytes: a thousand qubits take a few megabytes.
const MAX_FILE: u64 = 256 << 20;

/// A noise model, and the device that it is of, where that is known.
#[derive(Clone, Debug)]
pub struct LoadedNoise {
    /// The model.
    pub model: NoiseModel,
    /// Configuration and properties of the device, for circuits to be compiled to.
    pub device: Option<(Arc<BackendConfiguration>, Arc<BackendProperties>)>,
}

/// A file or device that gives no noise model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum NoiseLoadError {
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is larger than {} bytes", path.display(), MAX_FILE)]
    TooLarge { path: PathBuf },
    #[error("`{}` is not JSON at line {}, column {}", path.display(), source.line(), source.column())]
    Syntax { path: PathBuf, source: serde_json::Error },
    #[error("`{}` is no noise model", path.display())]
    Model { path: PathBuf, source: NoiseJsonError },
    #[error("`{}` is no backend {document}", path.display())]
    Document { path: PathBuf, document: &'static str, source: serde_json::Error },
    #[error("the calibration in `{}` makes no sense", path.display())]
    Calibration { path: PathBuf, source: NoiseError },
    #[error("`{}` is half of a device, and there is no `{partner}` beside it", path.display())]
    NoPartner { path: PathBuf, partner: String },
    #[error("`{}` holds {found} pairs of conf_*.json and props_*.json, expected one", path.display())]
    Pairs { path: PathBuf, found: usize },
    #[error("`{}` holds no noise", path.display())]
    Unknown { path: PathBuf },
}

impl NoiseLoadError {
    /// The stable word for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "input.unreadable",
            Self::TooLarge { .. } => "input.too_large",
            Self::Unknown { .. } | Self::Pairs { .. } | Self::NoPartner { .. } => {
                "input.unknown_format"
            }
            Self::Syntax { .. }
            | Self::Model { .. }
            | Self::Document { .. }
            | Self::Calibration { .. } => "noise.invalid",
        }
    }

    /// What the user can do about it, where we know.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unknown { .. } | Self::Pairs { .. } => Some(
                "expected a noise model of Qiskit Aer, a document with `configuration` and \
                 `properties`, or one of a pair conf_NAME.json and props_NAME.json",
            ),
            _ => None,
        }
    }
}

/// Reads a noise model. What the file is, its content says: a dictionary of Qiskit Aer's
/// `NoiseModel`; an object with the `noise_params` of Qiskit 0.6; an object of a device's
/// `configuration` and `properties`; or one of a pair `conf_NAME.json` and `props_NAME.json`, as
/// `qiskit-ibm-runtime` carries them. A directory stands for the one pair in it. Blocks while files
/// are read.
///
/// # Errors
/// If something cannot be read or makes no sense, with its place in the file.
pub fn load_noise(path: impl AsRef<Path>) -> Result<LoadedNoise, NoiseLoadError> {
    let path = path.as_ref();
    if path.is_dir() {
        return load_noise(the_pair(path)?);
    }
    let document = json(path)?;
    let has = |name: &str| document.get(name).is_some();
    if has("errors") {
        let model = NoiseModel::from_json_value(&document)
            .map_err(|source| NoiseLoadError::Model { path: path.to_owned(), source })?;
        return Ok(LoadedNoise { model, device: None });
    }
    if has("noise_params") {
        let model = NoiseModel::from_noise_params(&document)
            .map_err(|source| NoiseLoadError::Model { path: path.to_owned(), source })?;
        return Ok(LoadedNoise { model, device: None });
    }
    if has("configuration") && has("properties") {
        let part = |name: &str| document[name].clone();
        return of_device(path, part("configuration"), path, part("properties"));
    }
    if has("basis_gates") && has("n_qubits") {
        let props = partner(path, "conf_", "props_")?;
        let properties = json(&props)?;
        return of_device(path, document, &props, properties);
    }
    if has("gates") && has("qubits") {
        let conf = partner(path, "props_", "conf_")?;
        let configuration = json(&conf)?;
        return of_device(&conf, configuration, path, document);
    }
    Err(NoiseLoadError::Unknown { path: path.to_owned() })
}

fn of_device(
    conf: &Path,
    configuration: Value,
    props: &Path,
    properties: Value,
) -> Result<LoadedNoise, NoiseLoadError> {
    let configuration: BackendConfiguration = document(conf, "configuration", configuration)?;
    let properties: BackendProperties = document(props, "properties", properties)?;
    let model = NoiseModel::from_device(&configuration, &properties)
        .map_err(|source| NoiseLoadError::Calibration { path: props.to_owned(), source })?;
    Ok(LoadedNoise { model, device: Some((Arc::new(configuration), Arc::new(properties))) })
}

fn document<D: DeserializeOwned>(
    path: &Path,
    document: &'static str,
    value: Value,
) -> Result<D, NoiseLoadError> {
    serde_json::from_value(value).map_err(|source| NoiseLoadError::Document {
        path: path.to_owned(),
        document,
        source,
    })
}

fn json(path: &Path) -> Result<Value, NoiseLoadError> {
    let read = |source| NoiseLoadError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(read)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(NoiseLoadError::TooLarge { path: path.to_owned() });
    }
    serde_json::from_slice(&bytes)
        .map_err(|source| NoiseLoadError::Syntax { path: path.to_owned(), source })
}

/// The other half of a device: `props_x.json` beside `conf_x.json`.
fn partner(path: &Path, own: &str, other: &str) -> Result<PathBuf, NoiseLoadError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partner = match name.strip_prefix(own) {
        Some(rest) => format!("{other}{rest}"),
        None => format!("{other}{name}"),
    };
    let found = path.with_file_name(&partner);
    match found.is_file() {
        true => Ok(found),
        false => Err(NoiseLoadError::NoPartner { path: path.to_owned(), partner }),
    }
}

/// The configuration of the only pair in a directory.
fn the_pair(directory: &Path) -> Result<PathBuf, NoiseLoadError> {
    let read = |source| NoiseLoadError::Read { path: directory.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_conf = name.starts_with("conf_") && name.ends_with(".json");
        if is_conf && partner(&path, "conf_", "props_").is_ok() {
            found.push(path);
        }
    }
    match <[PathBuf; 1]>::try_from(found) {
        Ok([only]) => Ok(only),
        Err(found) => Err(NoiseLoadError::Pairs { path: directory.to_owned(), found: found.len() }),
    }
}

impl LoadedNoise {
    /// What is not in the model though it happens on devices, and what the calibration does not
    /// say of the gates that circuits use: lines for the user.
    #[must_use]
    pub fn notes(&self, circuits: &[Circuit]) -> Vec<String> {
        let Some((_, properties)) = &self.device else { return Vec::new() };
        let mut without_error = Vec::new();
        let mut without_length = Vec::new();
        let used = |name: &str| {
            circuits.iter().flat_map(Circuit::instructions).any(|i| i.op.name() == name)
        };
        for gate in &properties.gates {
            let given = |name: &str| gate.parameters.iter().any(|number| number.name == name);
            let is_new = |list: &[&str]| !list.contains(&gate.gate.as_str()) && used(&gate.gate);
            if !given("gate_error") && !given("gateerr") && is_new(&without_error) {
                without_error.push(gate.gate.as_str());
            }
            if !given("gate_length") && is_new(&without_length) {
                without_length.push(gate.gate.as_str());
            }
        }
        let mut notes = vec![
            "modelled: gate errors as depolarizing noise and relaxation, readout errors, relaxation \
             in delays; not: crosstalk, leakage, drift, coherent errors"
                .to_owned(),
        ];
        if !without_error.is_empty() {
            notes.push(format!("no gate error is known for {}", without_error.join(", ")));
        }
        if !without_length.is_empty() {
            let names = without_length.join(", ");
            notes.push(format!("no gate length is known for {names}: no relaxation in them"));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn configuration() -> Value {
        json!({"backend_name": "two", "backend_version": "1.0.0", "n_qubits": 2,
            "basis_gates": ["x", "cx"], "gates": [], "local": false, "simulator": false,
            "conditional": false, "open_pulse": false, "memory": true, "max_shots": 100,
            "coupling_map": [[0, 1]]})
    }

    fn properties() -> Value {
        let number = |name: &str, value: f64, unit: &str| json!({"date": "2018-10-02T09:57:24Z", "name": name, "unit": unit, "value": value});
        let qubit = || {
            json!([
                number("T1", 50.0, "us"),
                number("T2", 60.0, "us"),
                number("readout_error", 0.1, "")
            ])
        };
        json!({"backend_name": "two", "backend_version": "1.0.0", "last_update_date": "2018-10-02T09:57:24Z",
            "qubits": [qubit(), qubit()], "general": [],
            "gates": [{"gate": "x", "qubits": [0], "parameters": [number("gate_error", 0.01, "")]},
                      {"gate": "cx", "qubits": [0, 1], "parameters": [number("gate_length", 300.0, "ns")]}]})
    }

    #[test]
    fn each_form_is_known_by_its_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let write = |name: &str, value: &Value| fs::write(path(name), value.to_string()).unwrap();
        write("conf_two.json", &configuration());
        let failure = load_noise(path("conf_two.json")).unwrap_err();
        assert!(failure.to_string().contains("no `props_two.json`"), "{failure}");
        write("props_two.json", &properties());
        write("both.json", &json!({"configuration": configuration(), "properties": properties()}));
        let expected = load_noise(path("both.json")).unwrap();
        for name in ["conf_two.json", "props_two.json", "."] {
            let loaded = load_noise(path(name)).unwrap();
            assert_eq!(loaded.model, expected.model, "{name}");
            assert_eq!(loaded.device.unwrap().0.backend_name, "two");
        }
        write("aer.json", &expected.model.to_json());
        let aer = load_noise(path("aer.json")).unwrap();
        assert_eq!(aer.model, expected.model);
        assert!(aer.device.is_none() && aer.notes(&[]).is_empty());
        let notes = expected.notes(&[Circuit::new(2, 0).x(0).cx(0, 1)]);
        assert_eq!(notes[1], "no gate error is known for cx");
        assert_eq!(notes[2], "no gate length is known for x: no relaxation in them");
    }

    #[test]
    fn what_holds_no_noise_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let refusal = |text: &str| {
            fs::write(path("f.json"), text).unwrap();
            let error = load_noise(path("f.json")).unwrap_err();
            (error.code(), error.to_string())
        };
        assert_eq!(refusal("{}").0, "input.unknown_format");
        assert!(refusal("{\n  x").1.ends_with("is not JSON at line 2, column 3"));
        assert_eq!(refusal(r#"{"errors": [{}]}"#).0, "noise.invalid");
        let both = |properties: Value| {
            json!({"configuration": configuration(), "properties": properties}).to_string()
        };
        let mut bad = properties();
        bad["qubits"][1][0]["value"] = json!(-1.0);
        assert_eq!(refusal(&both(bad)).0, "noise.invalid");
        assert_eq!(refusal(&both(json!({}))).0, "noise.invalid");
        assert_eq!(load_noise(directory.path()).unwrap_err().code(), "input.unknown_format");
        assert_eq!(load_noise(path("absent")).unwrap_err().code(), "input.unreadable");
    }
}
