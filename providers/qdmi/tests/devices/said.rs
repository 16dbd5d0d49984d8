//! What devices say of themselves, and what is no device.

use std::{
    fs,
    time::{Duration, Instant},
};

use ketch_core::{BackendExt, BackendStatus, Filter, Host, Provider};
use ketch_provider_qdmi::QdmiProvider;

use crate::lab::{ALIKE, Lab, NEW, OLD};

#[test]
fn a_device_says_what_it_is() {
    let lab = Lab::new(NEW, &["plain"]);
    let backend = lab.backend("plain");
    let told = backend.configuration().unwrap();
    assert_eq!((told.backend_name.as_str(), told.backend_version.as_str()), ("plain", "2.1.0"));
    assert_eq!((told.n_qubits(), told.simulator, told.local), (Some(5), false, true));
    assert_eq!(told.basis_gates, ["x", "cx"]);
    assert_eq!(told.supported_instructions.as_ref().unwrap(), &["x", "cx", "measure", "barrier"]);
    let line: Vec<Vec<u32>> = (0..4).map(|qubit| vec![qubit, qubit + 1]).collect();
    assert_eq!(told.coupling_map.as_ref(), Some(&line));
    let cx = told.gates.iter().find(|gate| gate.name == "cx").unwrap();
    assert_eq!(cx.coupling_map.as_ref(), Some(&line));
    assert_eq!(told.extra["qdmi"]["version"], "1.4.0");
    assert_eq!(told.extra["qdmi"]["programs"], serde_json::json!(["OpenQASM 2", "OpenQASM 3"]));

    let told = backend.properties().unwrap().unwrap();
    // Raw numbers count in halves of a microsecond.
    assert_eq!((told.t1(3), told.t2(3)), (Some(51.5e-6), Some(30e-6)));
    assert!((told.readout_error(4).unwrap() - 0.03).abs() < 1e-12);
    assert!((told.gate_error("cx", &[2, 3]).unwrap() - 0.01).abs() < 1e-12);
    assert_eq!(told.gate_length("x", &[0]), Some(20e-6));

    let BackendStatus { operational, status_msg, .. } = backend.status().unwrap();
    assert_eq!((operational, status_msg.as_str()), (true, "idle"));
}

#[test]
fn sites_that_are_all_alike_are_no_coupling_map() {
    let lab = Lab::new(ALIKE, &["plain"]);
    let backend = lab.backend("plain");
    let began = Instant::now();
    let told = backend.configuration().unwrap();
    assert!(began.elapsed() < Duration::from_secs(60), "it took {:?}", began.elapsed());
    assert_eq!((told.n_qubits(), told.simulator), (Some(65_535), true));
    assert_eq!(told.coupling_map, None);
    assert!(told.gates.is_empty());
    assert_eq!(backend.properties().unwrap(), None);
    assert!(serde_json::to_string(&*told).unwrap().len() < 2_000);
}

#[test]
fn versions_before_1_2_and_devices_that_refuse_are_told() {
    let lab = Lab::new(&["-DVERSION=\"1.1.0\"", "-DOLD"], &["plain"]);
    let backend = lab.backend("plain");
    let told = backend.configuration().unwrap_err();
    let expected = "the device `plain` speaks QDMI `1.1.0`, expected 1.2 or a later 1.x";
    assert_eq!((told.code(), told.to_string().as_str()), ("qdmi.version", expected));

    let lab = Lab::new(NEW, &["deny", "plain"]);
    let told = lab.backend("deny").configuration().unwrap_err();
    let expected = "the device `deny` does not begin the session: permission denied (status -8)";
    assert_eq!(told.to_string(), expected);
    // The library is initialized once, whatever became of the first session.
    lab.backend("plain").configuration().unwrap();
}

#[test]
fn a_library_is_a_device_by_itself() {
    let lab = Lab::new(NEW, &[]);
    let provider = QdmiProvider::with_places(Host::none(), vec![lab.library()]);
    let listed = provider.backends(&Filter::default()).unwrap();
    assert_eq!(listed.iter().map(|backend| backend.name()).collect::<Vec<_>>(), ["fake"]);
    assert_eq!(listed[0].n_qubits().unwrap(), Some(5));

    let other = lab.directory.path().join("other.so");
    fs::write(&other, "no library").unwrap();
    let provider = QdmiProvider::with_places(Host::none(), vec![other, lab.library()]);
    assert_eq!(provider.backends(&Filter::default()).unwrap().len(), 1);
    let told = provider.get_backend("other").err().unwrap().to_string();
    assert!(told.ends_with("other.so: it exports no `…_QDMI_device_initialize`"), "{told}");
}

#[test]
fn the_contract_is_kept() {
    for defines in [NEW, OLD, ALIKE] {
        let lab = Lab::new(defines, &["plain"]);
        ketch_conformance::assert_conformant(&lab.provider());
    }
}
