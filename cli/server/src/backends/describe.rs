//! A configuration as IBM's clients read it.

use ketch::BackendConfiguration;
use serde_json::{Value, json};

/// The size of a backend that has none: no circuit of more qubits is sent by these clients.
const UNLIMITED: u32 = 64;

/// Gates of ours that the clients know by another name, which is there too, or whose number of
/// qubits varies, for which their targets have no place.
const NOT_ON_THE_WIRE: &[&str] = &[
    "U",
    "CX",
    "cnot",
    "toffoli",
    "fredkin",
    "cphase",
    "u0",
    "gphase",
    "global_phase",
    "mcx_gray",
    "mcx",
    "mcy",
    "mcz",
    "mcsx",
    "mcp",
    "mcphase",
    "mcr",
    "mcrx",
    "mcry",
    "mcrz",
    "mcu",
    "mcu1",
    "mcu2",
    "mcu3",
    "mcswap",
    "pauli",
    "unitary",
    "initialize",
    "c3x",
    "c4x",
    "c3sx",
    "c3sqrtx",
    "rc3x",
    "rcccx",
    "r",
    "cu2",
];

/// What besides gates their targets have a place for.
const BESIDES_GATES: &[&str] =
    &["measure", "reset", "delay", "if_else", "for_loop", "while_loop", "switch_case"];

/// A list of more qubits is not written, since a size may be any number.
const MOST_MEASURED: u32 = 1 << 16;

/// How many qubits a circuit may have.
pub(super) fn n_qubits(configuration: &BackendConfiguration) -> u32 {
    configuration.n_qubits.unwrap_or(UNLIMITED)
}

/// Whether clients are told that it is a simulator: then they send circuits as they are, and ask for
/// neither properties nor sessions. A simulator of a device is to be treated as the device is.
pub(super) fn is_simulator(configuration: &BackendConfiguration) -> bool {
    configuration.simulator && configuration.coupling_map.is_none()
}

fn takes_seeds(configuration: &BackendConfiguration) -> bool {
    let declared = configuration.extra.get("seeds").and_then(Value::as_bool);
    declared.unwrap_or(configuration.simulator)
}

/// The document; `online` is when the backend went into service, if it does not say itself.
pub(super) fn configuration(
    configuration: &BackendConfiguration,
    wire: &str,
    online: &str,
) -> Value {
    let is_gate = |name: &str| !NOT_ON_THE_WIRE.contains(&name);
    let basis: Vec<&str> =
        configuration.basis_gates.iter().map(String::as_str).filter(|name| is_gate(name)).collect();
    let besides = configuration.supported_instructions.iter().flatten().map(String::as_str);
    let besides: Vec<&str> = match configuration.supported_instructions {
        Some(_) => besides.filter(|name| BESIDES_GATES.contains(name)).collect(),
        None => vec!["measure", "delay"],
    };
    let described = configuration.gates.iter().filter(|gate| basis.contains(&gate.name.as_str()));
    let mut gates: Vec<Value> =
        described.filter_map(|gate| serde_json::to_value(gate).ok()).collect();
    for name in &basis {
        if !configuration.gates.iter().any(|gate| gate.name == **name) {
            gates.push(json!({ "name": name, "parameters": [], "qasm_def": "" }));
        }
    }
    let mut document = serde_json::to_value(configuration).unwrap_or(Value::Null);
    for (key, value) in [
        ("backend_name", json!(wire)),
        ("n_qubits", json!(n_qubits(configuration))),
        ("basis_gates", json!(basis)),
        ("gates", json!(gates)),
        ("coupling_map", json!(configuration.coupling_map)),
        ("supported_instructions", json!([basis.as_slice(), &besides].concat())),
        // Jobs of a service are on the other side of a wire, whatever runs them there.
        ("local", json!(false)),
        ("simulator", json!(is_simulator(configuration))),
        ("memory", json!(true)),
        ("open_pulse", json!(false)),
        // Whether `options.simulator.seed_simulator` decides the outcomes, also of what is offered
        // as a device.
        ("seeds", json!(takes_seeds(configuration))),
        // A circuit without parameters runs at every place of an array of none.
        ("places_without_values", json!(true)),
        ("conditional", json!(configuration.conditional)),
    ] {
        document[key] = value;
    }
    // All qubits of a device may be measured at once, if it does not say otherwise.
    let size = n_qubits(configuration);
    let says = document.get("meas_map").is_some_and(|map| !map.is_null());
    if !says && !is_simulator(configuration) && size <= MOST_MEASURED {
        document["meas_map"] = json!([Vec::from_iter(0..size)]);
    }
    if document.get("online_date").is_none_or(Value::is_null) {
        document["online_date"] = online.into();
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_there_that_clients_insist_on() {
        let mut simulator = BackendConfiguration::simulator("qasm", "1.0.0", 30);
        simulator.basis_gates = ["u3", "cx", "CX", "mcx"].map(str::to_owned).to_vec();
        simulator.gates.clear();
        let document = configuration(&simulator, "local_qasm", "2026-01-01T00:00:00Z");
        for key in [
            "backend_name",
            "backend_version",
            "n_qubits",
            "basis_gates",
            "gates",
            "local",
            "simulator",
            "conditional",
            "open_pulse",
            "memory",
            "coupling_map",
            "online_date",
        ] {
            assert!(document.get(key).is_some(), "{key}");
        }
        assert_eq!(document["backend_name"], "local_qasm");
        assert_eq!(document["coupling_map"], Value::Null);

        assert_eq!(document["basis_gates"], json!(["u3", "cx"]));
        assert_eq!(document["gates"].as_array().map(Vec::len), Some(2));
        assert_eq!((&document["local"], &document["simulator"]), (&json!(false), &json!(true)));
        simulator.coupling_map = Some(vec![vec![0, 1]]);
        let device = configuration(&simulator, "x", "");
        assert_eq!((&device["simulator"], &device["seeds"]), (&json!(false), &json!(true)));
        assert_eq!(device["meas_map"][0].as_array().map(Vec::len), Some(30));
        simulator.extra.insert("seeds".to_owned(), json!(false));
        assert_eq!(configuration(&simulator, "x", "")["seeds"], false);
        simulator.n_qubits = None;
        assert_eq!(configuration(&simulator, "x", "")["n_qubits"], 64);
    }
}
