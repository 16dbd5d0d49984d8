//! A job is watched while it runs: its state, its place in the queue, at last its counts.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the answer goes to the terminal")]

use std::time::Duration;

use ketch::prelude::*;

fn main() -> ketch::Result<()> {
    let registry = Registry::discover(&SearchPath::standard());
    let simulators =
        registry.backends(&Filter::new().with("simulator", true).at_least("n_qubits", 20));
    let backends: Vec<_> = simulators.backends.into_iter().map(|found| found.backend).collect();
    let backend = least_busy(&backends)?;

    // A chain of 20 qubits that all read the same, and coins tossed in between to make it last.
    let mut circuit = (1..20).fold(Circuit::new(20, 20).h(0), |ghz, q| ghz.cx(q - 1, q));
    for round in 0..100 {
        circuit = (0..20).fold(circuit, |c, q| c.rz(f64::from(round + q), q));
    }
    let job = backend.run_circuit(circuit.measure_all(), 4096)?;
    println!("submitted to {}: job {}", backend.name(), job.job_id());

    let mut last = None;
    loop {
        let status = job.status()?;
        if last.as_ref() != Some(&status) {
            match job.queue_position()? {
                Some(place) => println!("{status}, place {place} in the queue"),
                None => println!("{status}"),
            }
        }
        if status.is_final() {
            break;
        }
        last = Some(status);
        std::thread::sleep(Duration::from_millis(1));
    }
    if let Some(message) = job.error_message()? {
        println!("{message}");
    }
    println!("{}", job.result(Some(Duration::from_secs(1)))?.counts(0)?);
    Ok(())
}
