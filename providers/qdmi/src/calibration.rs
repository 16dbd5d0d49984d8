//! The calibration of a device: times of its sites, errors and lengths of its operations.

use std::time::SystemTime;

use ketch_core::{
    BackendProperties,
    device::{GateProperties, Nduv},
};
use serde_json::Map;

use crate::{
    abi::{Handle, device, operation, site},
    answer::Failure,
    device::Operation,
    session::Session,
};

/// The units of times that documents know.
const UNITS: [&str; 5] = ["s", "ms", "us", "ns", "ps"];

/// Devices that list more groups of qubits than this for one operation are asked for none.
const MOST_GROUPS: usize = 1 << 16;

/// What a device tells of its quality; `None` if that is nothing.
///
/// The numbers carry the date on which they were asked for: QDMI tells no other.
///
/// # Errors
/// If the device does not answer.
pub(crate) fn of(
    session: &Session,
    name: &str,
    version: &str,
    sites: &[(u32, Handle)],
    operations: &[Operation],
    n_qubits: u32,
) -> Result<Option<BackendProperties>, Failure> {
    let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let unit = session.text(device::DURATION_UNIT)?.filter(|unit| UNITS.contains(&&**unit));
    let scale = session.device(device::DURATION_SCALE)?.and_then(|answer| answer.real());
    let number = |name: &str, unit: &str, value: f64| Nduv {
        date: date.clone(),
        name: name.to_owned(),
        unit: unit.to_owned(),
        value,
        extra: Map::new(),
    };
    let time = |name: &str, raw: u64| {
        let value = raw as f64 * scale.unwrap_or(1.0);
        let unit = unit.as_ref().filter(|_| raw > 0 && value.is_finite())?;
        Some(number(name, unit, value))
    };
    let error = |name: &str, fidelity: f64| {
        (0.0..=1.0).contains(&fidelity).then(|| number(name, "", 1.0 - fidelity))
    };

    let mut qubits = vec![Vec::new(); n_qubits.min(sites.len() as u32) as usize];
    for ((_, handle), numbers) in sites.iter().zip(&mut qubits) {
        for (name, property) in [("T1", site::T1), ("T2", site::T2)] {
            let raw = session.site(*handle, property)?.and_then(|answer| answer.number());
            numbers.extend(raw.and_then(|raw| time(name, raw)));
        }
    }
    let mut gates = Vec::new();
    for known in operations {
        let groups = known.groups.iter().flatten().take(MOST_GROUPS + 1);
        if groups.clone().count() > MOST_GROUPS {
            continue;
        }
        for (group, handles) in groups {
            let ask = |property| session.operation(known.handle, handles, property);
            let fidelity = ask(operation::FIDELITY)?.and_then(|answer| answer.real());
            let length = ask(operation::DURATION)?.and_then(|answer| answer.number());
            if known.name == "measure" {
                let numbers = qubits.get_mut(group[0] as usize).into_iter();
                let told = [
                    fidelity.and_then(|fidelity| error("readout_error", fidelity)),
                    length.and_then(|length| time("readout_length", length)),
                ];
                numbers.for_each(|numbers| numbers.extend(told.clone().into_iter().flatten()));
                continue;
            }
            let told = [
                fidelity.and_then(|fidelity| error("gate_error", fidelity)),
                length.and_then(|length| time("gate_length", length)),
            ];
            let parameters: Vec<Nduv> = told.into_iter().flatten().collect();
            if !parameters.is_empty() {
                let (qubits, gate) = (group.clone(), known.name.clone());
                let (name, extra) = (None, Map::new());
                gates.push(GateProperties { qubits, gate, parameters, name, extra });
            }
        }
    }
    if gates.is_empty() && qubits.iter().all(Vec::is_empty) {
        return Ok(None);
    }
    qubits.resize(n_qubits as usize, Vec::new());
    Ok(Some(BackendProperties {
        backend_name: name.to_owned(),
        backend_version: version.to_owned(),
        last_update_date: date.clone(),
        qubits,
        gates,
        general: Vec::new(),
        extra: Map::new(),
    }))
}
