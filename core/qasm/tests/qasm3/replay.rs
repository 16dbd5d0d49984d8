//! The inputs that fuzzing keeps, for both languages: each is read or refused, and never more.

use std::path::Path;

use ketch_qasm::{Error, Inputs, NoIncludes, Source, v2, v3};

fn replay(folder: &str, read: impl Fn(&Source) -> Result<ketch_interface::Circuit, Error>) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(folder);
    let mut n_inputs = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        match read(&Source::new(String::from_utf8_lossy(&bytes), "fuzz")) {
            Ok(circuit) => circuit.validate().unwrap(),
            Err(error) => assert!(!error.diagnostics().is_empty()),
        }
        n_inputs += 1;
    }
    assert!(n_inputs > 3, "{n_inputs} inputs of {folder}");
}

#[test]
fn saved_inputs_of_both_languages() {
    replay("qasm2", |source| v2::parse(source, &NoIncludes));
    replay("qasm3", |source| {
        v3::parse(source, &NoIncludes, &Inputs::new()).map(|program| program.circuit)
    });
}
