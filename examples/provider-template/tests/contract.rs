//! What users rely on.

use ketch_core::{BackendExt, Circuit, Error, Provider};
use ketch_provider_template::provider;

#[test]
fn it_keeps_the_contract() {
    ketch_conformance::assert_conformant(&provider());
}

#[test]
fn it_counts_what_the_gates_make() {
    let backend = provider().get_backend("basis_simulator").unwrap();
    let circuit = Circuit::new(3, 3).x(0).cx(0, 1).ccx(0, 1, 2).swap(0, 1).measure_all();
    let result = backend.run_circuit(circuit, 100).unwrap().result(None).unwrap();
    assert_eq!(result.counts(0).unwrap().get("111"), 100);
}

#[test]
fn it_refuses_what_it_cannot_do() {
    let backend = provider().get_backend("basis_simulator").unwrap();
    let refused = backend.run_circuit(Circuit::new(1, 1).h(0).measure(0, 0), 1);
    assert!(matches!(refused.err(), Some(Error::UnsupportedInstruction { .. })));
}
