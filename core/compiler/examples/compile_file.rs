//! `cargo run --release -p ketch-compiler --example compile_file -- DEVICE FILE...` compiles
//! OpenQASM 2 files for a device and prints a line for each: the number of two-qubit gates and the
//! median seconds of several compilations, the reading of the device and the file not counted.
//!
//! DEVICE is a JSON file with the fields `n_qubits`, `basis_gates` and `coupling_map`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it measured")]

use std::{error::Error, hint::black_box, process::ExitCode, time::Instant};

use ketch_compiler::{Options, Target, check, compile};
use ketch_interface::BackendConfiguration;

const RUNS: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [device, files @ ..] = &arguments[..] else {
        eprintln!("usage: compile_file DEVICE FILE...");
        return ExitCode::from(2);
    };
    match run(device, files) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(device: &str, files: &[String]) -> Result<(), Box<dyn Error>> {
    let device: serde_json::Value = serde_json::from_slice(&std::fs::read(device)?)?;
    let mut configuration = BackendConfiguration::simulator("device", "1.0.0", None);
    configuration.simulator = false;
    configuration.n_qubits = serde_json::from_value(device["n_qubits"].clone())?;
    configuration.basis_gates = serde_json::from_value(device["basis_gates"].clone())?;
    configuration.coupling_map = serde_json::from_value(device["coupling_map"].clone())?;
    for file in files {
        let circuit = ketch_qasm::load(file)?;
        let mut seconds = Vec::new();
        let mut n_gates = 0;
        for _ in 0..RUNS {
            let start = Instant::now();
            let target = Target::new(&configuration)?;
            let compiled = compile(&circuit, &target, &Options::default())?;
            seconds.push(start.elapsed().as_secs_f64());
            check(&compiled.circuit, &target)?;
            n_gates = black_box(&compiled).after.two_qubit;
        }
        seconds.sort_by(f64::total_cmp);
        println!("{n_gates} {}", seconds[RUNS / 2]);
    }
    Ok(())
}
