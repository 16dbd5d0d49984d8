//! Real amplitudes under `x`, `h`, `ry` and `cx`, and outcomes drawn from them.

use std::{collections::BTreeSet, f64::consts::FRAC_1_SQRT_2};

use ketch_core::{
    Circuit,
    circuit::{Gate, Op, Param, Qubit},
};

use super::Fault;

/// The clbits of each shot.
pub(super) fn sample(circuit: &Circuit, shots: u64, seed: u64, fault: Option<Fault>) -> Vec<u64> {
    let mut random = seed;
    let is_measure = |at: usize| matches!(circuit.instruction(at).op, Op::Measure);
    let first = (0..circuit.len()).find(|&at| is_measure(at)).unwrap_or(circuit.len());
    if (first..circuit.len()).all(is_measure) || fault == Some(Fault::MeasuresAtTheEnd) {
        let mut amplitudes = zero(circuit);
        (0..circuit.len()).for_each(|at| act(circuit, at, &mut amplitudes, fault));
        let state = |random: &mut u64| draw(&amplitudes, uniform(random));
        return (0..shots).map(|_| read(circuit, state(&mut random), fault)).collect();
    }
    (0..shots).map(|_| one_by_one(circuit, &mut random, fault)).collect()
}

/// Whether a measurement is not the last that happens to its qubit.
pub(super) fn uses_a_measured_qubit(circuit: &Circuit) -> bool {
    let mut measured: BTreeSet<Qubit> = BTreeSet::new();
    circuit.instructions().any(|instruction| {
        let again = instruction.qubits.iter().any(|qubit| measured.contains(qubit));
        if matches!(instruction.op, Op::Measure) {
            measured.extend(instruction.qubits);
        }
        again
    })
}

fn zero(circuit: &Circuit) -> Vec<f64> {
    let mut amplitudes = vec![0.0; 1 << circuit.n_qubits()];
    amplitudes[0] = 1.0;
    amplitudes
}

/// A shot whose measurements change the state.
fn one_by_one(circuit: &Circuit, random: &mut u64, fault: Option<Fault>) -> u64 {
    let mut amplitudes = zero(circuit);
    let mut read = 0;
    for at in 0..circuit.len() {
        act(circuit, at, &mut amplitudes, fault);
        let instruction = circuit.instruction(at);
        if !matches!(instruction.op, Op::Measure) {
            continue;
        }
        let state = draw(&amplitudes, uniform(random));
        for (qubit, clbit) in instruction.qubits.iter().zip(instruction.clbits) {
            let value = state >> qubit.0 & 1;
            read = read & !(1 << clbit.0) | (value as u64) << clbit.0;
            project(&mut amplitudes, 1 << qubit.0, value << qubit.0);
        }
    }
    read
}

/// Keeps what has this value of the qubit.
fn project(amplitudes: &mut [f64], qubit: usize, value: usize) {
    let kept = |(index, _): &(usize, &mut f64)| index & qubit == value;
    amplitudes.iter_mut().enumerate().filter(|one| !kept(one)).for_each(|(_, a)| *a = 0.0);
    let norm = amplitudes.iter().map(|a| a * a).sum::<f64>().sqrt();
    amplitudes.iter_mut().for_each(|a| *a /= norm);
}

/// The clbits of a state, all of them measured at once.
fn read(circuit: &Circuit, state: usize, fault: Option<Fault>) -> u64 {
    let n_clbits = circuit.n_clbits();
    let mut word = 0;
    for instruction in circuit.instructions().filter(|one| matches!(one.op, Op::Measure)) {
        for (qubit, clbit) in instruction.qubits.iter().zip(instruction.clbits) {
            let reversed = fault == Some(Fault::ReversedBits);
            let place = if reversed { n_clbits - 1 - clbit.0 } else { clbit.0 };
            word = word & !(1 << place) | (state as u64 >> qubit.0 & 1) << place;
        }
    }
    word
}

/// What an instruction does to the amplitudes.
fn act(circuit: &Circuit, at: usize, amplitudes: &mut [f64], fault: Option<Fault>) {
    let instruction = circuit.instruction(at);
    let bit = |place: usize| 1_usize << instruction.qubits[place].0;
    let Op::Gate(op) = instruction.op else { return };
    match (op.gate, op.controls) {
        (Gate::X, 0) => exchange(amplitudes, 0, bit(0)),
        (Gate::X, _) if fault != Some(Fault::NoEntanglement) => {
            exchange(amplitudes, bit(0), bit(1));
        }
        (Gate::H, _) => mix(amplitudes, bit(0)),
        (Gate::Ry, _) => {
            let Param::Number(angle) = instruction.params[0] else { return };
            let ignored = fault == Some(Fault::ParametersIgnored);
            turn(amplitudes, bit(0), if ignored { 0.0 } else { angle });
        }
        _ => {}
    }
}

/// A rotation about y, whose matrix is real.
fn turn(amplitudes: &mut [f64], target: usize, angle: f64) {
    let (sin, cos) = (angle / 2.0).sin_cos();
    for index in (0..amplitudes.len()).filter(|index| index & target == 0) {
        let (zero, one) = (amplitudes[index], amplitudes[index | target]);
        amplitudes[index] = cos * zero - sin * one;
        amplitudes[index | target] = sin * zero + cos * one;
    }
}

/// Exchanges the amplitudes that differ in `target` only, where all bits of `controls` are 1.
fn exchange(amplitudes: &mut [f64], controls: usize, target: usize) {
    for index in 0..amplitudes.len() {
        if index & target == 0 && index & controls == controls {
            amplitudes.swap(index, index | target);
        }
    }
}

fn mix(amplitudes: &mut [f64], target: usize) {
    for index in (0..amplitudes.len()).filter(|index| index & target == 0) {
        let (zero, one) = (amplitudes[index], amplitudes[index | target]);
        amplitudes[index] = (zero + one) * FRAC_1_SQRT_2;
        amplitudes[index | target] = (zero - one) * FRAC_1_SQRT_2;
    }
}

fn draw(amplitudes: &[f64], mut uniform: f64) -> usize {
    for (index, amplitude) in amplitudes.iter().enumerate() {
        uniform -= amplitude * amplitude;
        if uniform < 0.0 {
            return index;
        }
    }
    0
}

/// The splitmix64 sequence (Steele, Lea and Flood, OOPSLA 2014), as numbers from 0 to 1.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ z >> 31) as f64 / 2.0_f64.powi(64)
}
