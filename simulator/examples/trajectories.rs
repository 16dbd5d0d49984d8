//! Times noise that is drawn for each shot, on random circuits of a grid of qubits:
//! `cargo run --release -p ketch-simulator --example trajectories -- QUBITS SHOTS THREADS`.
//! Prints one JSON object a line.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::{env, f64::consts::FRAC_PI_2, f64::consts::FRAC_PI_4, time::Instant};

use ketch_interface::{
    Circuit,
    circuit::Gate,
    noise::{Channel, NoiseModel, ReadoutError},
};
use ketch_simulator::{Cancel, Method, Options, Precision, noise::insert, simulate};

/// Repetitions; the fastest counts.
const ROUNDS: usize = 3;

const LAYERS: u32 = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<u64> =
        env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [n_qubits, shots, threads] = numbers[..] else {
        return Err("expected three numbers: qubits, shots, threads".into());
    };
    let ideal = random_circuit(n_qubits as u32).measure_all();
    let mut model = NoiseModel::new();
    // An error other than the identity has the probabilities 0.001 and 0.01.
    for gate in ["h", "rx", "ry", "u3"] {
        model.add(gate, Channel::depolarizing(0.001 * 4.0 / 3.0, 1)?);
    }
    model.add("cz", Channel::depolarizing(0.01 * 16.0 / 15.0, 2)?);
    model.add_readout(ReadoutError::of_bit(0.02, 0.02)?);
    let circuit = insert(&ideal, &model)?;
    for precision in Precision::ALL {
        let options = Options {
            method: Method::Statevector,
            precision,
            shots,
            threads: threads as usize,
            ..Options::default()
        };
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let started = Instant::now();
            simulate(&circuit, &options, &Cancel::new())?;
            best = best.min(started.elapsed().as_secs_f64());
        }
        let mut once = f64::INFINITY;
        for _ in 0..ROUNDS {
            let started = Instant::now();
            simulate(&ideal, &Options { shots: 1, ..options.clone() }, &Cancel::new())?;
            once = once.min(started.elapsed().as_secs_f64());
        }
        println!(
            "{{\"bench\":\"trajectories\",\"qubits\":{n_qubits},\"shots\":{shots},\
             \"threads\":{threads},\"precision\":\"{}\",\"seconds\":{best:.4},\
             \"one_ideal_shot\":{once:.5}}}",
            precision.name()
        );
    }
    Ok(())
}

/// Layers of square roots of X, Y and W on all qubits and `cz` on the bonds of a grid, in turn in
/// its four directions.
fn random_circuit(n: u32) -> Circuit {
    let columns = (1..=n.isqrt()).rev().find(|c| n.is_multiple_of(*c)).unwrap_or(1);
    let columns = n / columns;
    let rows = n.div_ceil(columns);
    let mut circuit = Circuit::new(n, n);
    for qubit in 0..n {
        circuit = circuit.h(qubit);
    }
    for layer in 0..LAYERS {
        for qubit in 0..n {
            let (gate, angles): (Gate, &[f64]) = match (qubit + 2 * layer + qubit * layer) % 3 {
                0 => (Gate::Rx, &[FRAC_PI_2]),
                1 => (Gate::Ry, &[FRAC_PI_2]),
                _ => (Gate::U3, &[FRAC_PI_2, -FRAC_PI_4, FRAC_PI_4]),
            };
            circuit = circuit.gate(gate, 0, angles, &[qubit]);
        }
        let pattern = layer % 4;
        for (x, y) in (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))) {
            let at = y * columns + x;
            let next = if pattern % 2 == 0 { at + 1 } else { at + columns };
            let inside = if pattern % 2 == 0 { x + 1 < columns } else { y + 1 < rows };
            if (x + y + pattern / 2) % 2 == 0 && inside && next < n {
                circuit = circuit.cz(at, next);
            }
        }
    }
    circuit
}
