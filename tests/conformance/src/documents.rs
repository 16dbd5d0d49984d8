//! Checks of a backend's configuration, status and properties: the documents of Qiskit's
//! `backend_configuration`, `backend_status` and `backend_properties` schemas (0.18.3), whose rules
//! stand here one by one so that a report says which is broken.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use ketch_core::{
    Backend, BackendConfiguration, BackendProperties, BackendStatus,
    device::{GateProperties, Nduv},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Outcome,
    report::{Check, require},
};

/// What a program shows while somebody waits should be there by then; a service may take longer.
const SOON: Duration = Duration::from_secs(2);
const SOON_FROM_A_SERVICE: Duration = Duration::from_secs(30);

/// Written as JSON and read again, it is the same.
fn survives_json<T: Serialize + DeserializeOwned + PartialEq>(document: &T, what: &str) -> Check {
    let failed = |error: serde_json::Error| Outcome::failed(format!("the {what}: {error}"));
    let written = serde_json::to_value(document).map_err(failed)?;
    let read: T = serde_json::from_value(written).map_err(failed)?;
    require!(read == *document, "the {what} reads back as another one");
    Ok(())
}

/// Three numbers with dots between them; more may follow, as in `1.2.0-rc1`.
fn is_version(text: &str) -> bool {
    let mut parts = text.splitn(3, '.');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let first_two = parts.by_ref().take(2).filter(|part| digits(part)).count() == 2;
    first_two && parts.next().is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()))
}

fn repeated<T: Ord + Clone>(all: impl IntoIterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    all.into_iter().find(|one| !seen.insert(one.clone()))
}

/// The version is three numbers with dots.
pub fn the_version_is_three_numbers(backend: &dyn Backend) -> Check {
    let version = &backend.configuration()?.backend_version;
    require!(is_version(version), "`{version}` is no version such as 1.2.0");
    Ok(())
}

/// The configuration as JSON has every field that the schema requires, of the right kind.
pub fn the_configuration_has_what_the_schema_requires(backend: &dyn Backend) -> Check {
    type Kind = fn(&Value) -> bool;
    const REQUIRED: [(&str, &str, Kind); 9] = [
        ("backend_name", "a text", Value::is_string),
        ("backend_version", "a text", Value::is_string),
        ("n_qubits", "a whole number", Value::is_i64),
        ("basis_gates", "a list", Value::is_array),
        ("gates", "a list", Value::is_array),
        ("local", "true or false", Value::is_boolean),
        ("simulator", "true or false", Value::is_boolean),
        ("conditional", "true or false", Value::is_boolean),
        ("open_pulse", "true or false", Value::is_boolean),
    ];
    let document = serde_json::to_value(&*backend.configuration()?)
        .map_err(|error| Outcome::failed(error.to_string()))?;
    for (field, kind, is) in REQUIRED {
        let found = &document[field];
        require!(is(found), "`{field}` is {found}, expected {kind}");
    }
    Ok(())
}

/// The configuration reads back from JSON as it is.
pub fn the_configuration_survives_json(backend: &dyn Backend) -> Check {
    survives_json::<BackendConfiguration>(&*backend.configuration()?, "configuration")
}

/// A configuration does not change while a program runs.
pub fn the_configuration_stays(backend: &dyn Backend) -> Check {
    let (first, again) = (backend.configuration()?, backend.configuration()?);
    require!(first == again, "asked again, it has another configuration");
    Ok(())
}

/// A configuration that was asked for once is there at once.
pub fn the_configuration_is_there_soon(backend: &dyn Backend) -> Check {
    backend.configuration()?;
    let start = Instant::now();
    let local = backend.configuration()?.local;
    let took = start.elapsed();
    let most = if local { SOON } else { SOON_FROM_A_SERVICE };
    require!(took < most, "asking again for the configuration took {took:?}");
    Ok(())
}

/// Each gate that is described is described once, with distinct parameters.
pub fn gates_are_described_once(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    let gates = &configuration.gates;
    if gates.is_empty() {
        return Err(Outcome::not_applicable("it describes no gate"));
    }
    let twice = repeated(gates.iter().map(|gate| &gate.name));
    require!(twice.is_none(), "the gate {twice:?} is described twice");
    for gate in gates {
        require!(!gate.name.is_empty(), "a gate has no name");
        let twice = repeated(&gate.parameters);
        require!(twice.is_none(), "`{}` has the parameter {twice:?} twice", gate.name);
    }
    Ok(())
}

/// A gate that is described is one that the backend has.
pub fn described_gates_are_basis_gates(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    if configuration.gates.is_empty() {
        return Err(Outcome::not_applicable("it describes no gate"));
    }
    let mut names = configuration.basis_gates.clone();
    names.extend(configuration.supported_instructions.iter().flatten().cloned());
    let other = configuration.gates.iter().find(|gate| !names.contains(&gate.name));
    require!(other.is_none(), "`{}` is no basis gate", other.map_or("", |gate| &gate.name));
    Ok(())
}

fn couplings(backend: &dyn Backend) -> Result<Vec<Vec<u32>>, Outcome> {
    let map = backend.configuration()?.coupling_map.clone();
    map.ok_or_else(|| Outcome::not_applicable("all its qubits are coupled"))
}

/// A coupling joins different qubits of the device.
pub fn couplings_join_different_qubits(backend: &dyn Backend) -> Check {
    let n_qubits = backend.configuration()?.n_qubits().unwrap_or(u32::MAX);
    for group in couplings(backend)? {
        require!(group.len() >= 2, "the coupling {group:?} joins nothing");
        require!(repeated(&group).is_none(), "the coupling {group:?} joins a qubit with itself");
        let outside = group.iter().find(|&&qubit| qubit >= n_qubits);
        require!(outside.is_none(), "the coupling {group:?} is outside of {n_qubits} qubits");
    }
    Ok(())
}

/// Each coupling stands once in the map.
pub fn couplings_stand_once(backend: &dyn Backend) -> Check {
    let twice = repeated(couplings(backend)?);
    require!(twice.is_none(), "the coupling {twice:?} stands twice");
    Ok(())
}

/// A gate of two qubits acts where qubits are coupled.
pub fn gates_act_on_couplings(backend: &dyn Backend) -> Check {
    let coupled: BTreeSet<(u32, u32)> = couplings(backend)?
        .iter()
        .filter_map(|group| Some((*group.first()?, *group.get(1)?)))
        .flat_map(|(a, b)| [(a, b), (b, a)])
        .collect();
    for gate in &backend.configuration()?.gates {
        for group in gate.coupling_map.iter().flatten() {
            if let [a, b] = group[..] {
                let right = coupled.contains(&(a, b));
                require!(right, "`{}` acts on {group:?}, which are not coupled", gate.name);
            }
        }
    }
    Ok(())
}

/// The list of all instructions names each once, and every basis gate is in it.
pub fn supported_instructions_hold_the_basis(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    let Some(supported) = &configuration.supported_instructions else {
        return Err(Outcome::not_applicable("it does not list its instructions"));
    };
    let twice = repeated(supported);
    require!(twice.is_none(), "the instruction {twice:?} stands twice");
    let missing = configuration.basis_gates.iter().find(|gate| !supported.contains(gate));
    require!(missing.is_none(), "the basis gate {missing:?} is no supported instruction");
    Ok(())
}

/// Labels are listed once.
pub fn tags_stand_once(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    let Some(tags) = &configuration.tags else {
        return Err(Outcome::not_applicable("it has no tags"));
    };
    let twice = repeated(tags);
    require!(twice.is_none(), "the tag {twice:?} stands twice");
    Ok(())
}

/// Only what is simulated has no fixed number of qubits.
pub fn a_device_has_a_number_of_qubits(backend: &dyn Backend) -> Check {
    let configuration = backend.configuration()?;
    let right = configuration.simulator || configuration.n_qubits().is_some();
    require!(right, "it is a device without a number of qubits");
    Ok(())
}

/// The status reads back from JSON as it is.
pub fn the_status_survives_json(backend: &dyn Backend) -> Check {
    survives_json::<BackendStatus>(&backend.status()?, "status")
}

/// The status is told while somebody waits for it.
pub fn the_status_is_there_soon(backend: &dyn Backend) -> Check {
    let start = Instant::now();
    backend.status()?;
    let took = start.elapsed();
    let most = if backend.configuration()?.local { SOON } else { SOON_FROM_A_SERVICE };
    require!(took < most, "the status took {took:?}");
    Ok(())
}

fn properties(backend: &dyn Backend) -> Result<std::sync::Arc<BackendProperties>, Outcome> {
    backend.properties()?.ok_or_else(|| Outcome::not_applicable("it has no properties"))
}

/// Every number of the properties, with what it is of.
fn numbers(properties: &BackendProperties) -> impl Iterator<Item = (String, &Nduv)> {
    let qubits = properties.qubits.iter().enumerate();
    let of_qubits =
        qubits.flat_map(|(place, all)| all.iter().map(move |n| (format!("qubit {place}"), n)));
    let of = |gate: &GateProperties| format!("`{}` on {:?}", gate.gate, gate.qubits);
    let of_gates = properties
        .gates
        .iter()
        .flat_map(move |gate| gate.parameters.iter().map(move |n| (of(gate), n)));
    let general = properties.general.iter().map(|n| ("the device".to_owned(), n));
    of_qubits.chain(of_gates).chain(general)
}

/// The properties name the backend and its version.
pub fn the_properties_name_the_backend(backend: &dyn Backend) -> Check {
    let properties = properties(backend)?;
    let named = &properties.backend_name;
    require!(named == backend.name(), "the properties are of `{named}`");
    let version = &properties.backend_version;
    require!(is_version(version), "`{version}` is no version such as 1.2.0");
    Ok(())
}

/// The properties read back from JSON as they are.
pub fn the_properties_survive_json(backend: &dyn Backend) -> Check {
    survives_json::<BackendProperties>(&*properties(backend)?, "properties")
}

/// There is a row for each qubit.
pub fn the_properties_have_every_qubit(backend: &dyn Backend) -> Check {
    let rows = properties(backend)?.qubits.len();
    let n_qubits = backend.configuration()?.n_qubits().unwrap_or(0) as usize;
    require!(rows == n_qubits, "the properties are of {rows} qubits, it has {n_qubits}");
    Ok(())
}

/// Calibrated gates act on distinct qubits of the device.
pub fn calibrated_gates_are_of_the_device(backend: &dyn Backend) -> Check {
    let n_qubits = backend.configuration()?.n_qubits().unwrap_or(u32::MAX);
    for gate in &properties(backend)?.gates {
        let GateProperties { gate, qubits, .. } = gate;
        require!(!qubits.is_empty() && repeated(qubits).is_none(), "`{gate}` acts on {qubits:?}");
        let outside = qubits.iter().find(|&&qubit| qubit >= n_qubits);
        require!(outside.is_none(), "`{gate}` acts on {qubits:?} of {n_qubits} qubits");
    }
    Ok(())
}

/// No gate is calibrated twice on the same qubits, nor a number given twice.
pub fn each_number_stands_once(backend: &dyn Backend) -> Check {
    let properties = properties(backend)?;
    let twice = repeated(properties.gates.iter().map(|gate| (&gate.gate, &gate.qubits)));
    require!(twice.is_none(), "the gate {twice:?} is calibrated twice");
    let rows = properties.qubits.iter().chain(properties.gates.iter().map(|g| &g.parameters));
    for row in rows {
        let twice = repeated(row.iter().map(|number| &number.name));
        require!(twice.is_none(), "the number {twice:?} stands twice");
    }
    Ok(())
}

/// Every number has a name and a value that is one.
pub fn numbers_are_numbers(backend: &dyn Backend) -> Check {
    for (of, number) in numbers(&*properties(backend)?) {
        require!(!number.name.is_empty(), "a number of {of} has no name");
        require!(number.value.is_finite(), "{} of {of} is {}", number.name, number.value);
    }
    Ok(())
}

/// Error rates are probabilities.
pub fn errors_are_probabilities(backend: &dyn Backend) -> Check {
    const RATES: [&str; 5] =
        ["readout_error", "gate_error", "gateerr", "prob_meas0_prep1", "prob_meas1_prep0"];
    for (of, number) in numbers(&*properties(backend)?) {
        let Nduv { name, value, unit, .. } = number;
        if RATES.contains(&name.as_str()) {
            require!((0.0..=1.0).contains(value), "{name} of {of} is {value}");
            require!(number.dimensionless().is_some(), "{name} of {of} has the unit `{unit}`");
        }
    }
    Ok(())
}

/// Lifetimes and frequencies are positive, in units that are ones.
pub fn times_and_frequencies_have_units(backend: &dyn Backend) -> Check {
    for (of, number) in numbers(&*properties(backend)?) {
        let Nduv { name, value, unit, .. } = number;
        let (read, least) = match name.as_str() {
            "T1" | "T2" => (number.seconds(), 0.0),
            "gate_length" if unit != "dt" => (number.seconds(), 0.0),
            "frequency" => (number.hertz(), 0.0),
            _ => continue,
        };
        require!(read.is_some(), "{name} of {of} has the unit `{unit}`");
        require!(read.is_some_and(|read| read >= least), "{name} of {of} is {value} {unit}");
    }
    Ok(())
}

/// Every number, and the whole, says when it was measured.
pub fn numbers_have_dates(backend: &dyn Backend) -> Check {
    let properties = properties(backend)?;
    // A date begins with its year in every form that services use.
    let dated =
        |text: &str| text.len() >= 10 && text.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    let date = &properties.last_update_date;
    require!(dated(date), "the properties were last changed at `{date}`");
    for (of, Nduv { name, date, .. }) in numbers(&properties) {
        require!(dated(date), "{name} of {of} was measured at `{date}`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers() {
        for good in ["1.2.0", "0.0.0", "10.20.30", "1.2.0-rc1", "1.2.3.4"] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", "1", "1.2", "1..2", "a.b.c", "1.2.x", "v1.2.0"] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
