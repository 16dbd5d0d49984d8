//! Several jobs at once, and each result as soon as it is there.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the answer goes to the terminal")]

use std::{thread, time::Duration};

use ketch::prelude::*;

fn main() -> ketch::Result<()> {
    let registry = Registry::discover(&SearchPath::standard());
    let backend = registry.get_backend("local/qasm_simulator")?;

    // The larger the chain, the longer it takes, so the first jobs are not the first to end.
    let mut jobs = Vec::new();
    for n_qubits in (2..=20).rev().step_by(3) {
        let chain =
            (1..n_qubits).fold(Circuit::new(n_qubits, n_qubits).h(0), |c, q| c.cx(q - 1, q));
        jobs.push((n_qubits, backend.run_circuit(chain.measure_all(), 1000)?));
    }

    while !jobs.is_empty() {
        let mut waiting = Vec::new();
        for (n_qubits, job) in jobs {
            if job.status()?.is_final() {
                println!("{n_qubits:2} qubits: {}", job.result(None)?.counts(0)?);
            } else {
                waiting.push((n_qubits, job));
            }
        }
        jobs = waiting;
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
