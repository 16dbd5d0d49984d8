//! Noise by frames and by drawn Clifford operations, against the density matrix.

use std::collections::BTreeMap;

use ketch_interface::{
    BitString, Circuit, Complex64, Matrix,
    circuit::{Clbit, Gate, Op, Qubit},
    noise::{Channel, ReadoutError},
};

use super::{Draw, gate, sampled, save, stabilizer};
use crate::{
    Method, Options, Saved,
    tests::{options, run, sampling::assert_distributed},
};
use ketch_interface::circuit::SaveKind;

fn push(mut circuit: Circuit, op: Op, qubits: &[u32], clbits: &[u32]) -> Circuit {
    let qubits: Vec<Qubit> = qubits.iter().map(|&qubit| Qubit(qubit)).collect();
    let clbits: Vec<Clbit> = clbits.iter().map(|&clbit| Clbit(clbit)).collect();
    circuit.push(op, &qubits, &clbits, &[]).unwrap();
    circuit
}

/// The probabilities of what a noisy circuit without measurement reads, by the density matrix.
fn distribution(circuit: &Circuit) -> BTreeMap<BitString, f64> {
    let all: Vec<u32> = (0..circuit.n_qubits()).collect();
    let circuit = save(circuit.clone(), SaveKind::ProbabilitiesDict, "p", &all);
    let options = Options { method: Method::DensityMatrix, shots: 1, ..options() };
    match run(&circuit, &options).data.remove("p") {
        Some(Saved::Probabilities(probabilities)) => probabilities,
        other => panic!("expected probabilities, found {other:?}"),
    }
}

fn scaled(gate: Gate, p: f64) -> Matrix {
    let matrix = gate.matrix(&[]);
    let entries = matrix.entries().iter().map(|entry| entry * p.sqrt()).collect();
    Matrix::new(matrix.dim(), entries).unwrap()
}

fn flip(gate: Gate, p: f64) -> Channel {
    Channel::new(vec![scaled(Gate::Id, 1.0 - p), scaled(gate, p)]).unwrap()
}

fn pauli_channels() -> Vec<Channel> {
    let c = |re: f64| Complex64::new(re, 0.0);
    let damped = vec![
        Matrix::diagonal(&[c(1.0), c(0.9_f64.sqrt())]),
        Matrix::diagonal(&[c(0.0), c(0.1_f64.sqrt())]),
    ];
    vec![
        Channel::depolarizing(0.05, 1).unwrap(),
        Channel::depolarizing(0.1, 2).unwrap(),
        Channel::depolarizing(1.0, 2).unwrap(),
        flip(Gate::X, 0.03),
        flip(Gate::Y, 0.5),
        flip(Gate::Z, 1.0),
        Channel::new(damped).unwrap(),
        Channel::depolarizing(0.2, 3).unwrap(),
    ]
}

/// Channels by their Kraus operators, and by their superoperators too if `superops`.
fn noisy(draw: &mut Draw, channels: &[Channel], n: u32, superops: bool) -> Circuit {
    let mut circuit = Circuit::new(n, n);
    for _ in 0..5 * n {
        circuit = gate(circuit, draw);
        let channel = &channels[draw.below(channels.len() as u32) as usize];
        let on = draw.different(channel.n_qubits(), n);
        let op = match draw.below(2) {
            0 => channel.to_op(),
            _ if superops && channel.n_qubits() < 3 => Op::Superop(Box::new(channel.superop())),
            _ => channel.to_op(),
        };
        circuit = push(circuit, op, &on, &[]);
    }
    circuit
}

/// The false-alarm rate of one comparison is below 10^-7.
#[test]
fn pauli_noise_by_frames_agrees_with_the_density_matrix() {
    for seed in 0..30 {
        let mut draw = Draw::new(seed);
        let n = 3 + draw.below(2);
        let channels = pauli_channels();
        // Few of them, so that not all is mixed in the end.
        let some: Vec<_> =
            (0..2).map(|_| channels[draw.below(channels.len() as u32) as usize].clone()).collect();
        let circuit = noisy(&mut draw, &some, n, true);
        let counts = sampled(&circuit.clone().measure_all(), 20_000).counts.unwrap();
        assert_distributed(&counts, &distribution(&circuit));
    }
}

/// A mixture of Clifford gates, thermal relaxation, a reset: no frame follows them.
#[test]
fn other_mixtures_are_drawn_for_each_shot() {
    let turned = Channel::new(vec![scaled(Gate::Sx, 0.8), scaled(Gate::H, 0.2)]).unwrap();
    let channels = [
        turned,
        Channel::thermal_relaxation(50.0, 40.0, 10.0, 0.2).unwrap(),
        Channel::amplitude_damping(1.0).unwrap(),
    ];
    for seed in 0..6 {
        let circuit = noisy(&mut Draw::new(50 + seed), &channels, 3, false);
        let outcome = run(&circuit.clone().measure_all(), &stabilizer(6000));
        assert!(!outcome.facts.sampled);
        assert_distributed(&outcome.counts.unwrap(), &distribution(&circuit));
    }
}

#[test]
fn bits_are_misread_by_their_value() {
    let error = ReadoutError::of_bit(0.1, 0.3).unwrap();
    let mut circuit = Circuit::new(2, 2).h(0).x(1).measure_all();
    for clbit in 0..2 {
        circuit = push(circuit, error.to_op(), &[], &[clbit]);
    }
    let counts = sampled(&circuit, 100_000).counts.unwrap();
    let expected = [("00", 0.4 * 0.3), ("01", 0.4 * 0.7), ("10", 0.4 * 0.7), ("11", 0.4 * 0.7)];
    let one: f64 = 0.5 * 0.1 + 0.5 * 0.7;
    let expected = expected.map(|(bits, _)| {
        let of = |bit: char, p: f64| if bit == '1' { p } else { 1.0 - p };
        let letters: Vec<char> = bits.chars().collect();
        (bits.parse::<BitString>().unwrap(), of(letters[0], 0.7) * of(letters[1], one))
    });
    assert_distributed(&counts, &expected.into_iter().collect());
    // Two bits at once cannot be drawn by frames.
    let swap = ReadoutError::new(vec![
        vec![0.7, 0.1, 0.1, 0.1],
        vec![0.0, 0.5, 0.5, 0.0],
        vec![0.0, 0.5, 0.5, 0.0],
        vec![0.1, 0.1, 0.1, 0.7],
    ]);
    let circuit =
        push(Circuit::new(2, 2).h(0).cx(0, 1).measure_all(), swap.unwrap().to_op(), &[], &[0, 1]);
    let outcome = run(&circuit, &stabilizer(20_000));
    assert!(!outcome.facts.sampled);
    let expected = [("00", 0.4), ("01", 0.1), ("10", 0.1), ("11", 0.4)];
    let expected = expected.map(|(bits, p)| (bits.parse::<BitString>().unwrap(), p));
    assert_distributed(&outcome.counts.unwrap(), &expected.into_iter().collect());
}

/// Noise in front of measurements and behind resets in the middle of a circuit, where few shots
/// err: a repetition code that reads its parities. The number of shots with an error is binomial;
/// the bound is six standard deviations, a false alarm in 5 * 10^8 runs.
#[test]
fn rare_errors_happen_as_often_as_they_should() {
    let p = 0.001;
    let mut circuit = Circuit::new(3, 20);
    for round in 0..20 {
        circuit = push(circuit, flip(Gate::X, p).to_op(), &[2], &[]);
        circuit = circuit.measure(2, round).reset(2);
        circuit = push(circuit, Channel::depolarizing(0.0, 1).unwrap().to_op(), &[2], &[]);
    }
    let shots = 200_000;
    let counts = sampled(&circuit, shots).counts.unwrap();
    let none = (1.0_f64 - p).powi(20);
    let found = counts.of(&BitString::zeros(20)) as f64;
    let deviation = (shots as f64 * none * (1.0 - none)).sqrt();
    assert!((found - shots as f64 * none).abs() < 6.0 * deviation, "{found}");
    // Each round errs alike.
    for round in 0..20 {
        let ones: u64 = counts.iter().filter(|(bits, _)| bits.get(round)).map(|(_, n)| n).sum();
        let (mean, deviation) = (shots as f64 * p, (shots as f64 * p).sqrt());
        assert!((ones as f64 - mean).abs() < 6.0 * deviation, "round {round}: {ones}");
    }
}
