//! One circuit with a parameter, many bindings, one job: the circuit crosses to the plugin once.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the answer goes to the terminal")]

use std::f64::consts::TAU;

use ketch::{
    prelude::*,
    qobj::{Experiment, Program},
};

fn main() -> ketch::Result<()> {
    let registry = Registry::discover(&SearchPath::standard());
    let backend = registry.get_backend("local/qasm_simulator")?;

    let circuit = Circuit::new(1, 1).named("rotated").ry("theta", 0).measure(0, 0);
    let angles: Vec<f64> = (0..=16).map(|step| TAU * f64::from(step) / 16.0).collect();
    let mut qobj = Qobj::from_circuit(circuit).with_shots(1000).with_seed(1);
    if let Program::Circuits { experiments, .. } = &mut qobj.program {
        *experiments = angles
            .iter()
            .map(|theta| Experiment { bindings: vec![*theta], ..Experiment::default() })
            .collect();
    }

    let result = backend.run_and_wait(qobj, None)?;
    for (place, theta) in angles.iter().enumerate() {
        let counts = result.counts(place)?;
        let ones = counts.get("1");
        let expected = 1000.0 * (theta / 2.0).sin().powi(2);
        println!("theta {theta:5.3}  ones {ones:4}  expected {expected:6.1}");
    }
    Ok(())
}
