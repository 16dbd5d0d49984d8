//! Times one Qobj of many small circuits on its way to the simulator and back, each stretch of the
//! way on its own: `cargo run --release -p ketch-provider-local --example many_circuits -- CIRCUITS
//! THREADS`. Prints one JSON object a line.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::{env, time::Instant};

use ketch_core::{Circuit, Host, Provider, Qobj, RunOptions, circuit::Gate, codec};
use ketch_provider_local::LocalProvider;

/// Repetitions; the fastest counts.
const ROUNDS: usize = 5;

const SHOTS: u64 = 1024;

const QUBITS: u32 = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> =
        env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [n, threads] = numbers[..] else {
        return Err("expected two numbers: circuits, threads".into());
    };
    let backend = LocalProvider::new(Host::none()).get_backend("qasm_simulator")?;
    let circuits: Vec<Circuit> = (0..n as u64).map(small_circuit).collect();
    let qobj = Qobj::from_circuits(circuits).with_shots(SHOTS).with_seed(1);
    let options = RunOptions { threads: Some(threads as u32), ..RunOptions::default() };
    let mut best = [f64::INFINITY; 6];
    for _ in 0..ROUNDS {
        let mut last = Instant::now();
        let mut lap = |at: usize| {
            best[at] = best[at].min(last.elapsed().as_secs_f64());
            last = Instant::now();
        };
        let bytes = codec::encode_qobj(&qobj);
        lap(0);
        let decoded = codec::decode_qobj(&bytes)?;
        lap(1);
        let job = backend.run(decoded, options.clone())?;
        lap(2);
        let result = job.shared_result(None)?;
        lap(3);
        let (head, buffers) = codec::encode_result(&result);
        lap(4);
        let result = codec::decode_result(&head, &buffers)?;
        lap(5);
        assert!(result.success, "{}", result.status);
    }
    let stretches =
        ["encode_qobj", "decode_qobj", "submit", "run", "encode_result", "decode_result"];
    for (stretch, seconds) in stretches.into_iter().zip(best).chain([("all", best.iter().sum())]) {
        let rate = n as f64 / seconds;
        println!(
            "{{\"bench\":\"many_circuits\",\"what\":\"{stretch}\",\"circuits\":{n},\
             \"threads\":{threads},\"seconds\":{seconds:.6},\"per_second\":{rate:.0}}}"
        );
    }
    Ok(())
}

/// Layers of one-qubit gates and `cx` on qubits in turn.
fn small_circuit(seed: u64) -> Circuit {
    // The multiplier and increment of Knuth's MMIX generator.
    let mut state = seed;
    let mut random = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut circuit = Circuit::new(QUBITS, QUBITS).named(format!("circuit {seed}"));
    for layer in 0..20 {
        let mut qubit = 0;
        while qubit < QUBITS {
            let at = |step: u32| (qubit + step + layer) % QUBITS;
            if qubit + 1 < QUBITS && random() % 10 < 4 {
                circuit = circuit.cx(at(0), at(1));
                qubit += 2;
                continue;
            }
            let gates =
                [Gate::H, Gate::X, Gate::T, Gate::S, Gate::Rx, Gate::Ry, Gate::Rz, Gate::U3];
            let gate = gates[(random() % 8) as usize];
            let angle = random() as f64 * 1e-8;
            let angles: Vec<f64> =
                (0..gate.info().n_params).map(|i| angle + f64::from(i)).collect();
            circuit = circuit.gate(gate, 0, &angles, &[at(0)]);
            qubit += 1;
        }
    }
    circuit.measure_all()
}
