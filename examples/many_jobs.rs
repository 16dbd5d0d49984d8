//! Several jobs at once, on several backends, and each result as soon as it is there.
//!
//! ```text
//! cargo run -p ketch-examples --example many_jobs                  local and noisy
//! cargo run -p ketch-examples --example many_jobs -- NAME...       any backends
//! ```
//!
//! Stored accounts (`ketch account save`) are used, and a device gets circuits that fit it.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the answer goes to the terminal")]

use ketch::{AccountFilter, AccountStore, prelude::*};

fn main() -> ketch::Result<()> {
    let registry = Registry::discover(&SearchPath::standard());
    registry.accounts().load(&AccountStore::standard()?, &AccountFilter::default())?;
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        names = ["local/qasm_simulator", "noisy/ibmqx4"].map(str::to_owned).to_vec();
    }

    // All are submitted before any is waited for. The larger the chain, the longer it takes, so
    // the first jobs are not the first to end.
    let mut jobs = Vec::new();
    for name in &names {
        let backend = registry.get_backend(name)?;
        let largest = backend.configuration()?.n_qubits.unwrap_or(20).min(20);
        for n_qubits in (2..=largest).rev().step_by(3) {
            let chain =
                (1..n_qubits).fold(Circuit::new(n_qubits, n_qubits).h(0), |c, q| c.cx(q - 1, q));
            let qobj = Qobj::from_circuit(chain.measure_all()).with_shots(1000);
            let qobj = ketch::fit(qobj, &*backend.backend, 0)?.qobj;
            jobs.push((name, n_qubits, backend.run(qobj, RunOptions::default())?));
        }
    }

    // One thread hears of all of them, however many there are.
    for (place, event) in events_of(jobs.iter().map(|(.., job)| job.clone()))? {
        let (name, n_qubits, job) = &jobs[place];
        if let JobEvent::State(state) = event
            && state.is_final()
        {
            println!("{name}, {n_qubits} qubits: {}", job.result(None)?.counts(0)?);
        }
    }
    Ok(())
}
