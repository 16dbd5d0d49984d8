//! What is refused, and how a run stops.

use ketch_interface::{
    Circuit,
    circuit::{Op, Save, SaveKind, SaveSubtype},
};

use super::{at_most, brickwork, ghz, mps};
use crate::{
    Cancel, Error, Method, Options, simulate,
    tests::{options, run},
};

#[test]
fn more_entanglement_than_memory_is_refused() {
    let options = Options { max_memory: Some(1 << 20), ..mps() };
    let circuit = brickwork(40, 30, 3.0);
    match simulate(&circuit.measure_all(), &options, &Cancel::new()) {
        Err(error @ Error::InsufficientMemory { .. }) => {
            assert!(error.to_string().contains("max_bond_dimension"), "{error}");
        }
        other => panic!("expected a refusal, found {other:?}"),
    }
    let outcome = run(&brickwork(40, 30, 3.0).measure_all(), &Options { shots: 10, ..at_most(8) });
    assert!(outcome.facts.discarded_weight.unwrap() > 0.0);
}

#[test]
fn a_cancelled_run_stops() {
    let cancel = Cancel::new();
    cancel.cancel();
    let found = simulate(&ghz(80).measure_all(), &mps(), &cancel);
    assert!(matches!(found, Err(Error::Cancelled)));
}

#[test]
fn what_a_chain_cannot_do_is_refused_by_name() {
    let refused = |kind: SaveKind, method: Method| {
        let mut circuit = Circuit::new(2, 0).h(0);
        let save = Save { kind, key: "k".to_owned(), subtype: SaveSubtype::Single };
        circuit.push(Op::Save(Box::new(save)), &[], &[], &[]).unwrap();
        let options = Options { method, ..options() };
        simulate(&circuit, &options, &Cancel::new()).unwrap_err().to_string()
    };
    let unitary = refused(SaveKind::Unitary, Method::MatrixProductState);
    assert!(unitary.contains("`save_unitary`"), "{unitary}");
    let chain = refused(SaveKind::MatrixProductState, Method::Statevector);
    assert!(chain.contains("matrix_product_state"), "{chain}");
}
