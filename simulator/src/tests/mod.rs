//! The engines against the reference, gate by gate and circuit by circuit.

pub(crate) mod branched;
mod control;
mod coverage;
pub(crate) mod dynamic;
mod gates;
mod limits;
mod mps;
mod noise;
mod plan;
mod sampling;
mod saves;
mod shapes;
mod sparse;
mod stabilizer;
mod unitary;

use ketch_interface::{Circuit, Complex64, Counts};

use crate::{Cancel, Method, Options, Outcome, Precision, Saved, simulate};

/// Options with a seed and one thread: what most tests need.
fn options() -> Options {
    Options { seed: 11, threads: 1, ..Options::default() }
}

fn run(circuit: &Circuit, options: &Options) -> Outcome {
    simulate(circuit, options, &Cancel::new()).unwrap()
}

fn state(circuit: &Circuit, precision: Precision) -> Vec<Complex64> {
    let options = Options {
        method: Method::Statevector,
        precision,
        final_state: true,
        shots: 1,
        ..options()
    };
    match run(circuit, &options).data.remove("statevector") {
        Some(Saved::Vector(amplitudes)) => amplitudes.to_vec(),
        other => panic!("expected a state, found {other:?}"),
    }
}

fn counts(circuit: &Circuit, shots: u64) -> Counts {
    run(circuit, &Options { shots, ..options() }).counts.unwrap()
}

fn distance(a: &[Complex64], b: &[Complex64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max)
}

/// A state of `n` qubits without any symmetry that could hide a mistake.
fn generic_state(n: u32) -> Vec<Complex64> {
    let raw: Vec<Complex64> = (0..1_u32 << n)
        .map(|i| Complex64::new((f64::from(i) * 0.7 + 0.3).sin(), (f64::from(i) * 1.3).cos()))
        .collect();
    let norm = raw.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
    raw.into_iter().map(|a| a / norm).collect()
}

/// A circuit that starts with [`generic_state`].
fn generic(n: u32) -> Circuit {
    let all: Vec<u32> = (0..n).collect();
    Circuit::new(n, 0).initialize(generic_state(n), &all)
}
