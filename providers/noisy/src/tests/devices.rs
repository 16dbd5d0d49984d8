//! The devices that are there, and what they say of themselves.

use ketch_core::{Filter, Provider};
use serde_json::json;

use super::{backend, provider};

const NAMES: [&str; 9] = [
    "ibmqx2",
    "ibmqx4",
    "ibmqx5",
    "ibmq_16_melbourne",
    "synthetic_5",
    "synthetic_16",
    "synthetic_20",
    "synthetic_27",
    "synthetic_127",
];

#[test]
fn all_devices_describe_themselves() {
    let backends = provider().backends(&Filter::new()).unwrap();
    let names: Vec<&str> = backends.iter().map(|backend| backend.name()).collect();
    assert_eq!(names, NAMES);
    assert_eq!(provider().refused().count(), 0);
    for backend in &backends {
        let configuration = backend.configuration().unwrap();
        let properties = backend.properties().unwrap().unwrap();
        let n_qubits = configuration.n_qubits().unwrap();
        assert_eq!(properties.qubits.len(), n_qubits as usize);
        let coupling = configuration.coupling().unwrap().unwrap();
        assert!(coupling.is_connected(), "{}", backend.name());
        for qubit in 0..n_qubits {
            assert!(!coupling.neighbours(qubit).is_empty());
            let (t1, t2) = (properties.t1(qubit).unwrap(), properties.t2(qubit).unwrap());
            assert!((1e-6..1e-3).contains(&t1) && (1e-6..1e-3).contains(&t2));
            assert!((4e9..6e9).contains(&properties.frequency(qubit).unwrap()));
            assert!((0.001..0.2).contains(&properties.readout_error(qubit).unwrap()));
        }
        for (control, target) in coupling.edges() {
            let error = properties.gate_error("cx", &[control, target]).unwrap();
            assert!((0.001..0.4).contains(&error), "cx {control} {target}: {error}");
        }
        let status = backend.status().unwrap();
        assert!(status.operational && status.pending_jobs == 0);
    }
}

#[test]
fn the_devices_of_2018_have_the_recorded_numbers() {
    let properties = backend("ibmqx4").properties().unwrap().unwrap();
    assert!((properties.t1(0).unwrap() - 47.8e-6).abs() < 1e-12);
    assert!((properties.t2(4).unwrap() - 12.5e-6).abs() < 1e-12);
    assert_eq!(properties.readout_error(1), Some(0.072));
    assert_eq!(properties.gate_error("u3", &[0]), Some(2.0 * 0.000_944_353_233_504_613_4));
    assert_eq!(properties.gate_error("cx", &[1, 0]), Some(0.033_646_908_351_250_2));
    assert!((properties.gate_length("u2", &[0]).unwrap() - 70e-9).abs() < 1e-18);
    assert_eq!(properties.gate_length("cx", &[1, 0]), None);
    let configuration = backend("ibmq_16_melbourne").configuration().unwrap();
    assert_eq!((configuration.n_qubits(), configuration.max_shots), (Some(14), Some(8192)));
    assert!(!configuration.conditional);
}

#[test]
fn synthetic_devices_are_the_same_everywhere() {
    let properties = backend("synthetic_27").properties().unwrap().unwrap();
    let again = backend("synthetic_27").properties().unwrap().unwrap();
    assert_eq!(properties, again);
    // Written down once: a change of the numbers changes everybody's counts.
    let written = [properties.t1(0), properties.gate_error("cx", &[0, 1])];
    assert_eq!(written, [Some(127.3e-6), Some(0.01045)]);
    for qubit in 0..27 {
        assert!(properties.t2(qubit).unwrap() <= 2.0 * properties.t1(qubit).unwrap());
    }
    let heavy_hex = backend("synthetic_27").configuration().unwrap().coupling().unwrap().unwrap();
    assert_eq!(heavy_hex.edges().len(), 2 * 28);
    assert!((0..27).all(|qubit| heavy_hex.neighbours(qubit).len() <= 3));
}

#[test]
fn the_lattice_of_127_qubits_is_heavy_hexagonal() {
    let device = backend("synthetic_127");
    let lattice = device.configuration().unwrap().coupling().unwrap().unwrap();
    assert_eq!(lattice.edges().len(), 2 * 144);
    for (a, b) in [(0, 14), (14, 18), (20, 33), (33, 39), (52, 56), (96, 109), (112, 126)] {
        assert!(lattice.contains(a, b) && lattice.contains(b, a), "{a} {b}");
    }
    // Only where three hexagons meet is a qubit joined with three others.
    let neighbours = |qubit| lattice.neighbours(qubit).len();
    assert_eq!((0..127).map(neighbours).filter(|n| *n == 3).count(), 36);
    assert_eq!((0..127).map(neighbours).max(), Some(3));
    let properties = device.properties().unwrap().unwrap();
    assert!((0..127).all(|q| properties.t2(q).unwrap() <= properties.t1(q).unwrap()));
}

#[test]
fn filters_and_unknown_names() {
    let large = Filter::new().at_least("n_qubits", json!(16));
    assert_eq!(provider().backends(&large).unwrap().len(), 5);
    let error = provider().get_backend("ibmqx3").err().unwrap();
    assert_eq!(error.code(), "backend.not_found");
    assert_eq!(error.hint().unwrap(), "did you mean `ibmqx2`?");
}
