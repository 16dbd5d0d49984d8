//! The energy of two spins over an angle: exact on a simulator, measured on a device with noise.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the answer goes to the terminal")]

use std::f64::consts::TAU;

use ketch::{
    prelude::*,
    primitives::{
        Estimator, EstimatorOptions, EstimatorPub, Observable, ParameterValues, estimator,
    },
};

fn main() -> ketch::Result<()> {
    let registry = Registry::discover(&SearchPath::standard());

    let circuit = Circuit::new(2, 0).named("spins").h(0).ry("theta", 1).cx(0, 1);
    let energy: Observable = "ZZ + 0.5 XI + 0.5 IX".parse().expect("three terms on two qubits");
    let angles: Vec<f64> = (0..=16).map(|step| TAU * f64::from(step) / 16.0).collect();
    let sweep = ParameterValues::one("theta", angles.clone());
    let pubs = [EstimatorPub::new(circuit, energy).with_parameters(sweep)];

    let simulator = registry.get_backend("local/qasm_simulator")?;
    let exact = Estimator::new(&*simulator).with_precision(0.0).run(&pubs, None)?;

    // What a device runs is compiled for it between planning and running.
    let device = registry.get_backend("noisy/ibmqx4")?;
    let options = EstimatorOptions { seed: Some(1), ..EstimatorOptions::default() };
    let plan = estimator::plan(&pubs, &options, &*device.configuration()?)?;
    let fitted = ketch::fit(plan, &*device, 0)?;
    let result = device.run_and_wait(fitted.qobj, None)?;
    let measured = estimator::collect(&pubs, &options, &result)?;

    let (exact, measured) = (&exact.pubs[0], &measured.pubs[0]);
    for (place, theta) in angles.iter().enumerate() {
        let of = |array: &ketch::primitives::NdArray<f64>| array.elements()[place];
        let (value, error) = (of(&measured.evs), of(&measured.stds));
        println!(
            "theta {theta:5.3}  exact {:7.4}  device {value:7.4} ± {error:.4}",
            of(&exact.evs)
        );
    }
    Ok(())
}
