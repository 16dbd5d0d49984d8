//! Times layers of random `u3` on every qubit and `cx` between neighbours:
//! `cargo run --release -p ketch-simulator --example random_circuit -- QUBITS LAYERS THREADS`.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::{env, time::Instant};

use ketch_interface::{Circuit, circuit::Gate};
use ketch_simulator::{Cancel, Options, Precision, simulate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<u32> =
        env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [n_qubits, n_layers, threads] = numbers[..] else {
        return Err("expected three numbers: qubits, layers, threads".into());
    };
    let circuit = random_circuit(n_qubits, n_layers);
    for precision in Precision::ALL {
        let options =
            Options { threads: threads as usize, precision, shots: 1024, ..Options::default() };
        let started = Instant::now();
        let outcome = simulate(&circuit, &options, &Cancel::new())?;
        let seconds = started.elapsed().as_secs_f64();
        let facts = outcome.facts;
        println!(
            "{n_qubits} qubits, {n_layers} layers, {threads} threads, {} precision, {}: \
             {} gates in {} passes, {seconds:.3} s",
            precision.name(),
            facts.instruction_set,
            facts.n_gates,
            facts.n_passes,
        );
    }
    Ok(())
}

fn random_circuit(n_qubits: u32, n_layers: u32) -> Circuit {
    // The multiplier and increment of Knuth's MMIX generator.
    let mut seed = 1_u64;
    let mut angle = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64 * std::f64::consts::TAU
    };
    let mut circuit = Circuit::new(n_qubits, n_qubits);
    for layer in 0..n_layers {
        for qubit in 0..n_qubits {
            circuit = circuit.gate(Gate::U3, 0, &[angle(), angle(), angle()], &[qubit]);
        }
        for qubit in (layer % 2..n_qubits.saturating_sub(1)).step_by(2) {
            circuit = circuit.cx(qubit, qubit + 1);
        }
    }
    circuit.measure_all()
}
