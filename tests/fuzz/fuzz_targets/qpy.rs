//! Any bytes as a QPY file: valid circuits, or an error.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for program in ketch_qpy::read(bytes).into_iter().flatten() {
        program.circuit.validate().expect("what is read is valid");
    }
});
