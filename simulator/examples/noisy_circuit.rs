//! Times the density matrix method on random circuits on a grid, depolarizing noise behind every
//! gate and misread measurements:
//! `cargo run --release -p ketch-simulator --example noisy_circuit -- QUBITS CYCLES THREADS`.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::{env, f64::consts::PI, time::Instant};

use ketch_interface::{
    Circuit,
    circuit::{Clbit, Gate, Qubit},
    noise::{Channel, ReadoutError},
};
use ketch_simulator::{Cancel, Method, Options, Precision, simulate};

const SHOTS: u64 = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<u32> =
        env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [n_qubits, n_cycles, threads] = numbers[..] else {
        return Err("expected three numbers: qubits, cycles, threads".into());
    };
    let circuit = random_circuit(n_qubits, n_cycles)?;
    for precision in Precision::ALL {
        let options = Options {
            method: Method::DensityMatrix,
            threads: threads as usize,
            precision,
            shots: SHOTS,
            ..Options::default()
        };
        let run = || {
            let started = Instant::now();
            let outcome = simulate(&circuit, &options, &Cancel::new())?;
            Ok::<_, ketch_simulator::Error>((started.elapsed().as_secs_f64(), outcome.facts))
        };
        let mut runs = (0..7).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let facts = &runs[0].1;
        println!(
            "{n_qubits} qubits, {n_cycles} cycles, {threads} threads, {} precision, {}: {} gates in \
             {} passes, {SHOTS} shots: least {:.5} s, median {:.5} s",
            precision.name(),
            facts.instruction_set,
            facts.n_gates,
            facts.n_passes,
            runs[0].0,
            runs[runs.len() / 2].0,
        );
    }
    Ok(())
}

/// The circuits of random sampling experiments (Boixo et al., arXiv:1608.00263): one gate of three
/// on every qubit, then `cz` on a part of the bonds of a grid.
fn random_circuit(n_qubits: u32, n_cycles: u32) -> Result<Circuit, Box<dyn std::error::Error>> {
    let columns = (1..=n_qubits).rfind(|c| c * c <= n_qubits && n_qubits.is_multiple_of(*c));
    let columns = n_qubits / columns.unwrap_or(1);
    // The multiplier and increment of Knuth's MMIX generator.
    let mut seed = 1_u64;
    let mut third = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % 3
    };
    let (one, two) =
        (Channel::depolarizing(0.004 / 3.0, 1)?, Channel::depolarizing(0.16 / 15.0, 2)?);
    let noise = |circuit: &mut Circuit, channel: &Channel, qubits: &[u32]| {
        let qubits: Vec<Qubit> = qubits.iter().map(|&qubit| Qubit(qubit)).collect();
        circuit.push(channel.to_op(), &qubits, &[], &[])
    };
    let mut circuit = Circuit::new(n_qubits, n_qubits);
    for qubit in 0..n_qubits {
        circuit = circuit.h(qubit);
        noise(&mut circuit, &one, &[qubit])?;
    }
    for cycle in 0..n_cycles {
        for qubit in 0..n_qubits {
            circuit = match third() {
                0 => circuit.rx(PI / 2.0, qubit),
                1 => circuit.ry(PI / 2.0, qubit),
                _ => circuit.gate(Gate::U3, 0, &[PI / 2.0, -PI / 4.0, PI / 4.0], &[qubit]),
            };
            noise(&mut circuit, &one, &[qubit])?;
        }
        for qubit in 0..n_qubits {
            let (x, y) = (qubit % columns, qubit / columns);
            let other = if cycle % 2 == 0 { qubit + 1 } else { qubit + columns };
            let bond = (x + y + cycle % 4 / 2).is_multiple_of(2)
                && other < n_qubits
                && (cycle % 2 == 1 || x + 1 < columns);
            if bond {
                circuit = circuit.cz(qubit, other);
                noise(&mut circuit, &two, &[qubit, other])?;
            }
        }
    }
    let misread = ReadoutError::of_bit(0.02, 0.02)?;
    let mut circuit = circuit.measure_all();
    for clbit in 0..n_qubits {
        circuit.push(misread.to_op(), &[], &[Clbit(clbit)], &[])?;
    }
    Ok(circuit)
}
