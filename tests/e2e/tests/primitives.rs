//! The sampler and the estimator on real plugins.

use std::fs;

use ketch::{
    BackendExt, Circuit, Isolation, Registry, SearchPath, codec,
    primitives::{
        By, Estimator, EstimatorOptions, EstimatorPub, NdArray, Observable, ParameterValues,
        Sampler, SamplerOptions, SamplerPub, estimator, sampler,
    },
};
use serde_json::json;
use tempfile::TempDir;

use crate::sandbox::built;

/// The provider of this name.
fn provider(name: &str, isolation: Isolation) -> (TempDir, Registry) {
    let directory = tempfile::tempdir().unwrap();
    let file = format!("libketch_provider_{name}.so");
    fs::copy(built(&file), directory.path().join(file)).unwrap();
    let path = SearchPath::only([directory.path().to_owned()]);
    (directory, Registry::discover(&path).with_isolation(isolation))
}

/// A circuit with an angle, and three observables for each of five angles.
fn sweep() -> EstimatorPub {
    let circuit = Circuit::new(4, 0).h(0).cx(0, 1).cx(1, 2).ry("theta", 2).cx(2, 3).t(3).h(1);
    let observables = ["IIXZ + 0.5 IZXI - YIIY", "XXZY + 2 IIII + IZIZ", "ZIII + ZIXZ + 0.3 XYZX"];
    let observables: Vec<Observable> =
        observables.iter().map(|text| text.parse().unwrap()).collect();
    EstimatorPub::new(circuit, NdArray::new(vec![3, 1], observables).unwrap())
        .with_parameters(ParameterValues::one("theta", [0.0, 0.4, 0.8, 1.2, 1.6]))
}

/// Each of the values must be within six standard errors of the exact one. Of normal errors one value
/// in 500 million is not; the seeds are fixed.
fn agree(exact: &NdArray<f64>, evs: &NdArray<f64>, stds: &NdArray<f64>) {
    assert_eq!((exact.shape(), stds.shape()), (evs.shape(), evs.shape()));
    let values = exact.elements().iter().zip(evs.elements()).zip(stds.elements());
    for ((exact, value), error) in values {
        assert!((exact - value).abs() <= 6.0 * error + 1e-9, "{value} ± {error}, exact {exact}");
    }
}

#[test]
fn exact_and_measured_values_agree_in_any_process() {
    let pubs = [sweep()];
    let mut all = Vec::new();
    for isolation in [Isolation::Never, Isolation::Always] {
        let (_directory, registry) = provider("local", isolation);
        let backend = registry.get_backend("local/qasm_simulator").unwrap();
        let exact = Estimator::new(&*backend).with_precision(0.0).run(&pubs, None).unwrap();
        let exact = &exact.pubs[0];
        assert_eq!(exact.evs.shape(), [3, 5]);
        assert!(exact.stds.elements().iter().all(|error| *error == 0.0));
        let measured = Estimator::new(&*backend).with_precision(0.02).with_seed(5);
        let measured = measured.by(By::Measurement).run(&pubs, None).unwrap();
        let measured = &measured.pubs[0];
        assert_eq!(measured.metadata["shots"], 2500);
        agree(&exact.evs, &measured.evs, &measured.stds);
        all.push((exact.clone(), measured.clone()));
    }
    // The same seed, the same values, wherever they come from.
    assert_eq!(all[0], all[1]);
}

#[test]
fn noise_is_measured_or_held_exactly() {
    let pair = |a: &str, b: &str| json!([{"name": a, "qubits": [0]}, {"name": b, "qubits": [1]}]);
    let error = json!({
        "type": "qerror", "operations": ["cx"], "probabilities": [0.85, 0.15],
        "instructions": [pair("id", "id"), pair("y", "id")],
    });
    let model = json!({"errors": [error]});
    let (_directory, registry) = provider("local", Isolation::Never);
    let backend = registry.get_backend("local/qasm_simulator").unwrap();
    let pubs = [sweep()];
    let noisy = |precision| {
        let estimator = Estimator::new(&*backend).with_precision(precision).with_seed(11);
        estimator.with_option("noise_model", model.clone())
    };
    let refusal = noisy(0.0).run(&pubs, None).unwrap_err();
    assert!(refusal.to_string().contains("there is noise"), "{refusal}");
    let exact = noisy(0.0).with_option("method", "density_matrix").run(&pubs, None).unwrap();
    let measured = noisy(0.02).run(&pubs, None).unwrap();
    let (exact, measured) = (&exact.pubs[0], &measured.pubs[0]);
    assert_eq!(measured.metadata["by"], "measurement");
    agree(&exact.evs, &measured.evs, &measured.stds);
    let ideal = Estimator::new(&*backend).with_precision(0.0).run(&pubs, None).unwrap();
    let pairs = ideal.pubs[0].evs.elements().iter().zip(exact.evs.elements());
    let furthest = pairs.map(|(ideal, noisy)| (ideal - noisy).abs()).fold(0.0, f64::max);
    assert!(furthest > 0.3, "the noise changes the values by {furthest} at most");
}

#[test]
fn a_device_runs_what_was_planned_and_compiled() {
    let (_directory, registry) = provider("noisy", Isolation::Never);
    let device = registry.get_backend("noisy/ibmqx4").unwrap();
    let configuration = device.configuration().unwrap();
    let run = |plan| {
        let fitted = ketch::fit(plan, &*device, 0).unwrap();
        let result = device.run_and_wait(fitted.qobj, None).unwrap();
        // As it is kept on disk, and collected by another process.
        let (head, buffers) = codec::encode_result(&result);
        codec::decode_result(&head, &buffers).unwrap()
    };

    let ghz = Circuit::new(3, 0).h(0).cx(0, 1).cx(1, 2);
    let observables: Vec<Observable> =
        ["ZZI + IZZ", "XXX", "YYX"].iter().map(|text| text.parse().unwrap()).collect();
    let pubs = [EstimatorPub::new(ghz.clone(), observables)];
    let options = EstimatorOptions { seed: Some(3), ..EstimatorOptions::default() };
    let plan = estimator::plan(&pubs, &options, &configuration).unwrap();
    let values = estimator::collect(&pubs, &options, &run(plan)).unwrap();
    let of_pub = &values.pubs[0];
    assert_eq!(
        (&of_pub.metadata["by"], &of_pub.metadata["shots"]),
        (&json!("measurement"), &json!(4096))
    );
    // A device of 2018: the signs are right, and much is lost.
    for (value, ideal) in of_pub.evs.elements().iter().zip([2.0, 1.0, -1.0]) {
        let share = value / ideal;
        assert!((0.4..0.98).contains(&share), "{value} of {ideal}");
    }

    let mut circuit = ghz;
    circuit.add_creg("ends", 2);
    circuit.add_creg("middle", 1);
    let pubs = [SamplerPub::new(circuit.measure(0, 0).measure(2, 1).measure(1, 2))];
    let options = SamplerOptions { seed: Some(3), ..SamplerOptions::default() };
    let plan = sampler::plan(&pubs, &options, &configuration).unwrap();
    let samples = sampler::collect(&pubs, &options, &run(plan)).unwrap();
    let ends = samples.pubs[0].register("ends").unwrap();
    let middle = samples.pubs[0].register("middle").unwrap();
    assert_eq!((ends.n_bits(), middle.n_bits(), middle.n_shots()), (2, 1, 4096));
    let together = ends.bitstrings(0).zip(middle.bitstrings(0));
    let agree = together
        .filter(|(ends, middle)| ends == "00" && middle == "0" || ends == "11" && middle == "1");
    let agree = agree.count();
    assert!((2500..4000).contains(&agree), "{agree}");
}

#[test]
fn dynamic_circuits_are_sampled_shot_by_shot() {
    let (_directory, registry) = provider("local", Isolation::Never);
    let backend = registry.get_backend("local/qasm_simulator").unwrap();
    let mut circuit = Circuit::new(2, 0);
    circuit.add_creg("first", 1);
    circuit.add_creg("then", 1);
    let circuit = circuit.rx("a", 0).measure(0, 0).if_equal(0, 1, |c| c.x(1)).measure(1, 1);
    let pubs = [SamplerPub::new(circuit)
        .with_parameters(ParameterValues::one("a", [0.0, 1.0, 2.0]))
        .with_shots(500)];
    let sampler = Sampler::new(&*backend).with_seed(9);
    let found = sampler.run(&pubs, None).unwrap();
    assert_eq!(found, sampler.run(&pubs, None).unwrap());
    let (first, then) =
        (found.pubs[0].register("first").unwrap(), found.pubs[0].register("then").unwrap());
    for (place, a) in [0.0_f64, 1.0, 2.0].into_iter().enumerate() {
        assert!(first.bitstrings(place).eq(then.bitstrings(place)), "place {place}");
        let ones = first.counts(place).get("1") as f64;
        let p = (a / 2.0).sin().powi(2);
        let six = 6.0 * (500.0 * p * (1.0 - p)).sqrt();
        assert!((ones - 500.0 * p).abs() <= six, "place {place}: {ones} ones");
    }
}
