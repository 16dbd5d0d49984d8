//! The gates that are built in, against the definitions that the language's own library gives, with
//! a control around them that makes their phases visible.

use ketch_interface::Circuit;
use ketch_qasm::parse_str;

use crate::unitary::{distance, unitary};

/// Without `CX`: its definition there, `ctrl @ U(π, 0, π)`, has a phase of π/2 since `U` got one of
/// its own in version 3.1; it is the controlled X that programs mean. Name, parameters and qubits of each gate of the library.
const GATES: &[(&str, usize, usize)] = &[
    ("p", 1, 1),
    ("x", 0, 1),
    ("y", 0, 1),
    ("z", 0, 1),
    ("h", 0, 1),
    ("s", 0, 1),
    ("sdg", 0, 1),
    ("t", 0, 1),
    ("tdg", 0, 1),
    ("sx", 0, 1),
    ("rx", 1, 1),
    ("ry", 1, 1),
    ("rz", 1, 1),
    ("cx", 0, 2),
    ("cy", 0, 2),
    ("cz", 0, 2),
    ("cp", 1, 2),
    ("crx", 1, 2),
    ("cry", 1, 2),
    ("crz", 1, 2),
    ("ch", 0, 2),
    ("swap", 0, 2),
    ("ccx", 0, 3),
    ("cswap", 0, 3),
    ("cu", 4, 2),
    ("phase", 1, 1),
    ("cphase", 1, 2),
    ("id", 0, 1),
    ("u1", 1, 1),
    ("u2", 2, 1),
    ("u3", 3, 1),
];

fn circuit(head: &str, body: &str) -> Circuit {
    parse_str(&format!("{head}\nqubit[4] q; {body}"), "t").unwrap_or_else(|error| panic!("{error}"))
}

fn calls(modifiers: &[&str]) -> Vec<String> {
    let angles = ["0.3", "-1.1", "2.9", "0.7"];
    let mut calls = Vec::new();
    for (name, n_params, n_qubits) in GATES {
        let params = match n_params {
            0 => String::new(),
            n => format!("({})", angles[..*n].join(", ")),
        };
        for modifier in modifiers {
            let controls = modifier.matches("ctrl").count();
            let qubits: Vec<String> = (0..n_qubits + controls).map(|q| format!("q[{q}]")).collect();
            if qubits.len() <= 4 {
                calls.push(format!("{modifier}{name}{params} {};", qubits.join(", ")));
            }
        }
    }
    calls
}

#[test]
fn the_built_in_library_is_the_languages_own() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/openqasm3");
    let library = std::fs::read_to_string(format!("{folder}/stdgates.inc")).unwrap();
    for call in calls(&["ctrl @ ", "negctrl @ inv @ ", "ctrl @ pow(3) @ ", "ctrl @ pow(-1/3) @ "]) {
        let own = unitary(&circuit("include \"stdgates.inc\";", &call));
        let defined = unitary(&circuit(&library, &call));
        let apart = distance(&own, &defined);
        assert!(apart < 1e-9, "{call}: {apart}");
    }
}

#[test]
fn powers_are_powers() {
    for call in calls(&["ctrl @ pow(1/3) @ "]) {
        let whole = call.replace("pow(1/3) @ ", "");
        let root = unitary(&circuit("include \"stdgates.inc\";", &format!("{call}{call}{call}")));
        let apart = distance(&root, &unitary(&circuit("include \"stdgates.inc\";", &whole)));
        assert!(apart < 1e-9, "{call}: {apart}");
    }
}
