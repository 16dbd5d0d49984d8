//! Any bytes as an OpenQASM 2 program: a valid circuit, or an error.

#![no_main]

use ketch_qasm::{NoIncludes, Source, v2};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let source = Source::new(text, "fuzz");
    if let Ok(circuit) = v2::parse(&source, &NoIncludes) {
        circuit.validate().expect("what is read is valid");
    }
});
