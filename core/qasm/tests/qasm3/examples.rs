//! The official examples: read, or refused for what they say.

use std::path::PathBuf;

use ketch_qasm::{Error, load};

fn example(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/openqasm3");
    PathBuf::from(folder).join(name)
}

/// The first thing that is wrong with it.
fn refusal(name: &str) -> String {
    let error = load(example(name)).unwrap_err();
    let Error::Invalid { diagnostics } = &error else { panic!("{error}") };
    format!("{}: {}", diagnostics[0].line, diagnostics[0].message)
}

#[test]
fn examples_that_run_are_circuits() {
    for (name, n_qubits, n_clbits) in [
        ("adder.qasm", 10, 5),
        ("alignment.qasm", 3, 0),
        ("inverseqft1.qasm", 4, 4),
        ("inverseqft2.qasm", 4, 4),
        ("ipe.qasm", 2, 0),
        ("qec.qasm", 5, 5),
        ("qft.qasm", 4, 4),
        ("qpt.qasm", 1, 1),
        ("rb.qasm", 2, 2),
        ("rus.qasm", 3, 3),
        ("teleport.qasm", 3, 3),
        ("varteleport.qasm", 21, 1),
        ("defcal.qasm", 0, 0),
    ] {
        let circuit = load(example(name)).unwrap_or_else(|error| panic!("{error}"));
        circuit.validate().unwrap();
        assert_eq!((circuit.n_qubits(), circuit.n_clbits()), (n_qubits, n_clbits), "{name}");
    }
}

#[test]
fn the_others_are_refused_for_their_own_reasons() {
    let external = |line: u32, name: &str| {
        format!("{line}: `{name}` is `extern`: nothing here provides the function")
    };
    let refusals = [
        // The element behind the last one is written; further on, a name is declared twice.
        ("arrays.qasm", "51: index 4 of 4 things: expected -4 to 3".to_owned()),
        ("cphase.qasm", "9: unknown name `q`".to_owned()),
        // The language's `U` takes three angles; there is no `u` without any.
        ("dd.qasm", "25: `u` takes 3 parameters, found 0".to_owned()),
        ("gateteleport.qasm", external(12, "vote")),
        ("msd.qasm", "48: index 3 of 3 things: expected -3 to 2".to_owned()),
        ("scqec.qasm", external(86, "zfirst")),
        ("t1.qasm", external(45, "tabulate")),
        ("vqe.qasm", external(75, "get_npaulis")),
    ];
    let found: Vec<(&str, String)> =
        refusals.iter().map(|(name, _)| (*name, refusal(name))).collect();
    assert_eq!(found, refusals);
}
