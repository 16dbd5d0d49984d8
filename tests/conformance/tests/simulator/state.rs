//! Real amplitudes under `x`, `h` and `cx`, and outcomes drawn from them.

use std::f64::consts::FRAC_1_SQRT_2;

use ketch_core::{
    Circuit,
    circuit::{Gate, Op},
};

use super::Fault;

/// The clbits of each shot; measurements are taken to be last.
pub(super) fn sample(circuit: &Circuit, shots: u64, seed: u64, fault: Option<Fault>) -> Vec<u64> {
    let mut amplitudes = vec![0.0; 1 << circuit.n_qubits()];
    amplitudes[0] = 1.0;
    let mut measured = Vec::new();
    for instruction in circuit.instructions() {
        let bit = |place: usize| 1_usize << instruction.qubits[place].0;
        match instruction.op {
            Op::Gate(op) if op.gate == Gate::X && op.controls == 0 => {
                exchange(&mut amplitudes, 0, bit(0))
            }
            Op::Gate(op) if op.gate == Gate::X && fault != Some(Fault::NoEntanglement) => {
                exchange(&mut amplitudes, bit(0), bit(1));
            }
            Op::Gate(op) if op.gate == Gate::H => mix(&mut amplitudes, bit(0)),
            Op::Measure => {
                let pairs = instruction.qubits.iter().zip(instruction.clbits);
                measured.extend(pairs.map(|(qubit, clbit)| (qubit.0, clbit.0)));
            }
            _ => {}
        }
    }
    let mut random = seed;
    (0..shots)
        .map(|_| {
            let state = draw(&amplitudes, uniform(&mut random));
            let n_clbits = circuit.n_clbits();
            measured.iter().fold(0, |word, (qubit, clbit)| {
                let reversed = fault == Some(Fault::ReversedBits);
                let place = if reversed { n_clbits - 1 - clbit } else { *clbit };
                word | (state as u64 >> qubit & 1) << place
            })
        })
        .collect()
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
