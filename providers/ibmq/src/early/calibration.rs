//! The two documents about a device's quality, as one of today's form.

use ketch_core::{
    BackendProperties,
    device::{GateProperties, Nduv},
};
use serde_json::{Map, Value};

use super::device::Device;

/// Numbers of a qubit: name in our documents, name in the document `parameters`, unit.
const OF_QUBITS: [(&str, &str, &str); 3] =
    [("T1", "T1", "us"), ("T2", "T2", "us"), ("frequency", "frequency", "GHz")];

/// How many pulses each gate of one qubit takes: each has the error and the length that the
/// service tells.
const PULSES: [(&str, f64); 4] = [("id", 1.0), ("u1", 0.0), ("u2", 1.0), ("u3", 2.0)];

/// The properties; `None` if the service tells nothing of the device.
pub(super) fn properties(
    device: &Device,
    calibration: Option<&Map<String, Value>>,
    parameters: Option<&Map<String, Value>>,
) -> Option<BackendProperties> {
    if calibration.is_none() && parameters.is_none() {
        return None;
    }
    let text =
        |from: Option<&Map<String, Value>>| Some(from?.get("lastUpdateDate")?.as_str()?.to_owned());
    let last_update_date = text(calibration).max(text(parameters)).unwrap_or_default();
    let (calibrated, measured) = (qubits(calibration), qubits(parameters));
    let n_qubits = calibrated.len().max(measured.len());
    let mut properties = BackendProperties {
        backend_name: device.name.clone(),
        backend_version: device.version(),
        last_update_date,
        qubits: Vec::new(),
        gates: Vec::new(),
        general: Vec::new(),
        extra: Map::new(),
    };
    for qubit in 0..n_qubits {
        let (calibrated, measured) = (calibrated.get(qubit), measured.get(qubit));
        let numbers = OF_QUBITS
            .iter()
            .filter_map(|(name, field, unit)| number(measured?.get(*field)?, name, unit, 1.0));
        let readout = calibrated.and_then(|qubit| qubit.get("readoutError"));
        let readout = readout.and_then(|told| number(told, "readout_error", "", 1.0));
        properties.qubits.push(numbers.chain(readout).collect());
        let place = u32::try_from(qubit).unwrap_or(u32::MAX);
        properties.gates.extend(gates_of_one(place, calibrated, measured));
    }
    let pairs = calibration.and_then(|document| document.get("multiQubitGates")?.as_array());
    properties.gates.extend(pairs.into_iter().flatten().filter_map(gate_of_two));
    let fridge = parameters.and_then(|document| document.get("fridgeParameters"));
    let temperature = fridge.and_then(|fridge| fridge.get("Temperature"));
    let temperature = temperature.and_then(|told| number(told, "temperature", "K", 1.0));
    properties.general.extend(temperature);
    Some(properties)
}

fn qubits(document: Option<&Map<String, Value>>) -> Vec<&Value> {
    let list = document.and_then(|document| document.get("qubits")?.as_array());
    list.into_iter().flatten().collect()
}

fn gates_of_one<'a>(
    qubit: u32,
    calibrated: Option<&'a &Value>,
    measured: Option<&'a &Value>,
) -> impl Iterator<Item = GateProperties> + 'a {
    let error = calibrated.and_then(|told| told.get("gateError"));
    let length = measured.and_then(|told| told.get("gateTime"));
    PULSES.into_iter().filter_map(move |(gate, pulses)| {
        let error = error.and_then(|told| number(told, "gate_error", "", pulses));
        let length = length.and_then(|told| number(told, "gate_length", "ns", pulses));
        let parameters: Vec<Nduv> = error.into_iter().chain(length).collect();
        (!parameters.is_empty()).then(|| gate_properties(gate, vec![qubit], parameters))
    })
}

fn gate_of_two(told: &Value) -> Option<GateProperties> {
    let qubits = told.get("qubits")?.as_array()?.iter();
    let qubits: Vec<u32> =
        qubits.map(|qubit| u32::try_from(qubit.as_u64()?).ok()).collect::<Option<_>>()?;
    let gate = told.get("type")?.as_str()?.to_ascii_lowercase();
    let error = number(told.get("gateError")?, "gate_error", "", 1.0)?;
    Some(gate_properties(&gate, qubits, vec![error]))
}

fn gate_properties(gate: &str, qubits: Vec<u32>, parameters: Vec<Nduv>) -> GateProperties {
    let numbers: Vec<String> = qubits.iter().map(ToString::to_string).collect();
    let name = Some(format!("{gate}{}", numbers.join("_")));
    GateProperties { qubits, gate: gate.to_owned(), parameters, name, extra: Map::new() }
}

/// `{date, value, unit}`, where the recorded service also writes `units`, or a list for a value
/// that it does not have.
fn number(told: &Value, name: &str, unit: &str, factor: f64) -> Option<Nduv> {
    let text = |field: &str| told.get(field).and_then(Value::as_str);
    let value = told.get("value")?.as_f64()?;
    let unit = text("unit").or_else(|| text("units")).unwrap_or(unit);
    Some(Nduv::new(name, value * factor, unit, text("date").unwrap_or_default()))
}
