//! Times many circuits of 5 qubits and depth 20, and a sweep of one circuit's parameters:
//! `cargo run --release -p ketch-simulator --example small_circuits -- CIRCUITS THREADS`.
//! Prints one JSON object a line.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::{env, time::Instant};

use ketch_interface::{
    Circuit,
    circuit::{Gate, Op, Qubit, Save, SaveKind, SaveSubtype},
};
use ketch_simulator::{Cancel, Error, Options, Outcome, Threads, simulate_on};

/// The shots of a circuit that is measured.
const SHOTS: u64 = 1024;

/// Repetitions; the fastest counts.
const ROUNDS: usize = 7;

const QUBITS: u32 = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> =
        env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [n_circuits, n_threads] = numbers[..] else {
        return Err("expected two numbers: circuits, threads".into());
    };
    let threads = Threads::new(n_threads)?;
    let bare: Vec<Circuit> = (0..n_circuits as u64).map(small_circuit).collect();
    let measured: Vec<Circuit> = bare.iter().map(|circuit| circuit.clone().measure_all()).collect();
    let saved: Vec<Circuit> = bare.into_iter().map(probabilities).collect();

    let with_shots = Options { shots: SHOTS, ..Options::default() };
    let without = Options { shots: 1, ..Options::default() };
    let cancel = Cancel::new();
    time("shots", n_circuits, &threads, |i| {
        simulate_on(&Threads::serial(), &measured[i], &with_shots, &cancel)
    })?;
    time("probabilities", n_circuits, &threads, |i| {
        simulate_on(&Threads::serial(), &saved[i], &without, &cancel)
    })?;
    Ok(())
}

fn time(
    what: &str,
    n: usize,
    threads: &Threads,
    run: impl Fn(usize) -> Result<Outcome, Error> + Sync,
) -> Result<(), Error> {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let outcomes: Result<Vec<Outcome>, Error> = threads.map(n, &run).into_iter().collect();
        best = best.min(started.elapsed().as_secs_f64());
        outcomes?;
    }
    let (count, rate) = (threads.count(), n as f64 / best);
    println!(
        "{{\"bench\":\"small_circuits\",\"what\":\"{what}\",\"circuits\":{n},\"threads\":{count},\
         \"seconds\":{best:.6},\"per_second\":{rate:.0}}}"
    );
    Ok(())
}

fn probabilities(circuit: Circuit) -> Circuit {
    let qubits: Vec<Qubit> = (0..QUBITS).map(Qubit).collect();
    let (kind, key) = (SaveKind::Probabilities, "probabilities".to_owned());
    let save = Save { kind, key, subtype: SaveSubtype::Single };
    let mut circuit = circuit;
    circuit.push_unchecked(Op::Save(Box::new(save)), &qubits, &[], &[]);
    circuit
}

/// Layers of one-qubit gates and `cx` on qubits in random order.
fn small_circuit(seed: u64) -> Circuit {
    let mut random = Random(seed);
    let mut circuit = Circuit::new(QUBITS, QUBITS);
    for _ in 0..20 {
        let mut left: Vec<u32> = (0..QUBITS).collect();
        for last in (1..left.len()).rev() {
            left.swap(last, random.below(last as u64 + 1) as usize);
        }
        while let Some(qubit) = left.pop() {
            if !left.is_empty() && random.below(10) < 4 {
                circuit = circuit.cx(left.pop().unwrap_or(qubit), qubit);
                continue;
            }
            let gates =
                [Gate::H, Gate::X, Gate::T, Gate::S, Gate::Rx, Gate::Ry, Gate::Rz, Gate::U3];
            let gate = gates[random.below(8) as usize];
            let angles: Vec<f64> = (0..gate.info().n_params).map(|_| random.angle()).collect();
            circuit = circuit.gate(gate, 0, &angles, &[qubit]);
        }
    }
    circuit
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn angle(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64 * std::f64::consts::TAU
    }
}
