//! A job is watched while it runs: its state, its place in the queue, at last its counts.
//!
//! ```text
//! cargo run -p ketch-examples --example async_polling              on the local simulator
//! cargo run -p ketch-examples --example async_polling -- NAME      on another backend
//! ```
//!
//! Stored accounts (`ketch account save`) are used, and a device gets a circuit that fits it.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the answer goes to the terminal")]

use std::time::Duration;

use ketch::{AccountFilter, AccountStore, prelude::*};

fn main() -> ketch::Result<()> {
    let registry = Registry::discover(&SearchPath::standard());
    registry.accounts().load(&AccountStore::standard()?, &AccountFilter::default())?;
    let name = std::env::args().nth(1).unwrap_or_else(|| "local/qasm_simulator".to_owned());
    let backend = registry.get_backend(&name)?;
    let configuration = backend.configuration()?;

    // Qubits that all read the same, and rotations in between to make it last.
    let n_qubits = configuration.n_qubits.unwrap_or(20).min(20);
    let mut circuit =
        (1..n_qubits).fold(Circuit::new(n_qubits, n_qubits).h(0), |ghz, q| ghz.cx(q - 1, q));
    for round in 0..100 {
        circuit = (0..n_qubits).fold(circuit, |c, q| c.rz(f64::from(round + q), q));
    }
    let qobj = Qobj::from_circuit(circuit.measure_all().named("chain")).with_shots(4096);
    let fitted = ketch::fit(qobj, &*backend.backend, 0)?;
    for note in &fitted.notes {
        println!("compiled {note}");
    }
    let job = backend.run(fitted.qobj, RunOptions::default())?;
    println!("submitted to {}: job {}", backend.name, job.job_id());

    // A service is asked over the network, which it may not like to be every millisecond.
    let pause = Duration::from_millis(if configuration.local { 1 } else { 500 });
    let mut last = None;
    loop {
        let status = job.status()?;
        let place = if status.is_final() { None } else { job.queue_position()? };
        if last.as_ref() != Some(&(status.clone(), place)) {
            match place {
                Some(place) => println!("{status}, place {place} in the queue"),
                None => println!("{status}"),
            }
        }
        if status.is_final() {
            break;
        }
        last = Some((status, place));
        std::thread::sleep(pause);
    }
    if let Some(message) = job.error_message()? {
        println!("{message}");
    }
    println!("{}", job.result(Some(Duration::from_secs(30)))?.counts(0)?);
    Ok(())
}
