//! Any bytes as an OpenQASM 3 program: a valid circuit, or an error.

#![no_main]

use ketch_qasm::{NoIncludes, Source, v3};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let source = Source::new(text, "fuzz");
    if let Ok(program) = v3::parse(&source, &NoIncludes, &v3::Inputs::new()) {
        program.circuit.validate().expect("what is read is valid");
    }
});
