//! Planning and collecting expectation values, run by the simulator, in both ways.

use ketch_interface::{
    BackendConfiguration, Complex64, Matrix, RunResult,
    circuit::{Op, Param},
    result::ExperimentResult,
};

use super::*;
use crate::engine::{Engine, configuration, execute};

/// Numbers from a seed, one after the other.
struct Draw(u64, u64);

impl Draw {
    fn number(&mut self) -> f64 {
        self.1 += 1;
        noise::normal(self.0, 0, self.1)
    }

    fn below(&mut self, limit: usize) -> usize {
        // The fraction of a normal number is nearly uniform.
        ((self.number() * 1e4).rem_euclid(1.0) * limit as f64) as usize % limit
    }
}

/// A circuit with one angle as its parameter.
fn random_circuit(draw: &mut Draw, n_qubits: u32) -> Circuit {
    let mut circuit = Circuit::new(n_qubits, 0);
    for step in 0..12 {
        let a = draw.below(n_qubits as usize) as u32;
        let b = (a + 1 + draw.below(n_qubits as usize - 1) as u32) % n_qubits;
        circuit = match draw.below(5) {
            _ if step == 6 => circuit.rx("theta", a),
            0 => circuit.h(a).t(b),
            1 => circuit.cx(a, b),
            2 => circuit.ry(draw.number(), a),
            3 => circuit.rz(draw.number(), a).sx(b),
            _ => circuit.cz(a, b).u(draw.number(), draw.number(), draw.number(), a),
        };
    }
    circuit
}

fn random_observable(draw: &mut Draw, n_qubits: u32, n_terms: usize) -> Observable {
    let mut term = |_| {
        let string: String = (0..n_qubits).map(|_| ['I', 'X', 'Y', 'Z'][draw.below(4)]).collect();
        (string, draw.number())
    };
    Observable::new((0..n_terms).map(&mut term)).unwrap()
}

/// The expectation value by matrices on the whole, gate by gate.
fn by_matrices(circuit: &Circuit, observable: &Observable) -> f64 {
    let n_qubits = circuit.n_qubits();
    let zero = Complex64::ZERO;
    let mut state = vec![zero; 1 << n_qubits];
    state[0] = Complex64::ONE;
    let apply = |matrix: &Matrix, state: &[Complex64]| -> Vec<Complex64> {
        let row = |row| state.iter().enumerate().map(|(c, a)| matrix.at(row, c) * a).sum();
        (0..state.len()).map(row).collect()
    };
    for instruction in circuit.instructions() {
        let Op::Gate(gate) = instruction.op else { panic!("only gates") };
        let number = |param: &Param| param.as_number().expect("a bound circuit");
        let params: Vec<f64> = instruction.params.iter().map(number).collect();
        let places: Vec<usize> = instruction.qubits.iter().map(|q| q.0 as usize).collect();
        state = apply(&gate.matrix(&params).on_qubits(&places, n_qubits), &state);
    }
    let letter = |letter| match letter {
        'X' => Circuit::new(1, 0).x(0),
        'Y' => Circuit::new(1, 0).y(0),
        'Z' => Circuit::new(1, 0).z(0),
        _ => Circuit::new(1, 0).id(0),
    };
    let matrix = |circuit: Circuit| match circuit.instruction(0).op {
        Op::Gate(gate) => gate.matrix(&[]),
        _ => unreachable!("a gate was put there"),
    };
    let value = |(string, weight): (String, f64)| {
        let whole =
            string.chars().fold(Matrix::identity(0), |whole, l| whole.kron(&matrix(letter(l))));
        let turned = apply(&whole, &state);
        weight * state.iter().zip(turned).map(|(a, b)| (a.conj() * b).re).sum::<f64>()
    };
    observable.terms().map(value).sum()
}

fn offering() -> BackendConfiguration {
    configuration(&["save_expval", "measure"])
}

fn options(by: By, precision: f64, seed: u64) -> EstimatorOptions {
    EstimatorOptions {
        default_precision: precision,
        seed: Some(seed),
        by,
        ..EstimatorOptions::default()
    }
}

fn estimate(
    pubs: &[EstimatorPub],
    options: &EstimatorOptions,
    configuration: &BackendConfiguration,
) -> Result<PrimitiveResult<EstimatorPubResult>> {
    collect(pubs, options, &execute(plan(pubs, options, configuration)?))
}

fn only(result: &PrimitiveResult<EstimatorPubResult>) -> (f64, f64) {
    let of_pub = &result.pubs[0];
    assert_eq!(of_pub.evs.shape(), &[] as &[usize]);
    assert_eq!(of_pub.stds, of_pub.ensemble_standard_error);
    (of_pub.evs.elements()[0], of_pub.stds.elements()[0])
}

/// Some backends tell no seed of their experiments, and some the same one for all.
#[test]
fn experiments_have_noise_of_their_own_whatever_seeds_are_told() {
    let circuit = Circuit::new(1, 0).h(0).rz("theta", 0);
    let observable: Observable = "Z".parse().unwrap();
    let pubs = [EstimatorPub::new(circuit, observable)
        .with_parameters(ParameterValues::one("theta", vec![0.1, 0.2, 0.3]))];
    let noise = |told: Option<u64>, job_id: &str, seed: Option<u64>| {
        let options = EstimatorOptions { seed, ..options(By::Automatic, 0.1, 0) };
        let mut result = execute(plan(&pubs, &options, &offering()).unwrap());
        result.experiments.iter_mut().for_each(|experiment| experiment.seed = told);
        result.job_id = job_id.to_owned();
        collect(&pubs, &options, &result).unwrap().pubs[0].evs.elements().to_vec()
    };
    for (told, seed) in [(None, None), (None, Some(3)), (Some(5), Some(5))] {
        let values = noise(told, "a", seed);
        let differ = values[0] != values[1] && values[1] != values[2] && values[0] != values[2];
        assert!(values.len() == 3 && differ, "{told:?} {seed:?}: {values:?}");
        assert_eq!(noise(told, "a", seed), values);
        // Of another job only if nothing was seeded.
        assert_eq!(noise(told, "b", seed) != values, seed.is_none(), "{told:?} {seed:?}");
    }
}

/// On 40 random circuits. The measured value must be within six of the standard errors that it says
/// itself, or nearly so where hardly any shot differs from the others; of normal errors, one run in
/// ten million would fail. The seeds are fixed, so the same runs pass each time.
#[test]
fn both_ways_agree_with_matrices() {
    for seed in 0..40 {
        let mut draw = Draw(seed, 0);
        let n_qubits = 2 + draw.below(3) as u32;
        let circuit = random_circuit(&mut draw, n_qubits);
        let observable = random_observable(&mut draw, n_qubits, 8);
        let theta = draw.number();
        let expected = by_matrices(&circuit.bind(&[theta]).unwrap(), &observable);
        let pubs = [EstimatorPub::new(circuit, observable.clone()).with_parameters([theta])];
        let exact = estimate(&pubs, &options(By::Automatic, 0.0, seed), &offering()).unwrap();
        let (value, error) = only(&exact);
        assert!((value - expected).abs() < 1e-10, "seed {seed}: {value}, expected {expected}");
        assert_eq!(error, 0.0);
        assert_eq!(exact.pubs[0].metadata["by"], "expectation_values");
        // A backend that offers nothing of the kind.
        let measured =
            estimate(&pubs, &options(By::Automatic, 0.02, seed), &configuration(&[])).unwrap();
        let (value, error) = only(&measured);
        assert_eq!(measured.pubs[0].metadata["by"], "measurement");
        assert_eq!(measured.pubs[0].metadata["shots"], 2500);
        let weights: f64 = observable.terms().map(|(_, weight)| weight.abs()).sum();
        let apart = (value - expected).abs();
        assert!(
            apart < 6.0 * error + weights * 0.01,
            "seed {seed}: {value} ± {error}, expected {expected}"
        );
    }
}

/// 600 runs of 100 shots each. If the standard errors are right, the squared distances from the exact
/// value, in units of the standard error, have mean (N-1)/(N-3) = 1.02 and a variance of about 2: six
/// standard errors of their mean are 0.35.
#[test]
fn standard_errors_say_how_far_values_are() {
    let circuit = Circuit::new(3, 0).ry(0.8, 0).cx(0, 1).ry(1.1, 2).cx(1, 2);
    let text = "ZZI + 0.7 IZZ - 0.4 ZII + 0.5 XXI - 0.3 IXX + 2 III";
    let observable: Observable = text.parse().unwrap();
    let exact = by_matrices(&circuit, &observable);
    let pubs = [EstimatorPub::new(circuit, observable).with_precision(0.1)];
    let mut squares = 0.0;
    let mut values = Vec::new();
    for seed in 0..600 {
        let found = estimate(&pubs, &options(By::Measurement, 0.1, seed), &offering()).unwrap();
        let (value, error) = only(&found);
        squares += ((value - exact) / error).powi(2) / 600.0;
        values.push(value);
    }
    assert!((squares - 1.02).abs() < 0.35, "{squares}");
    let mean = values.iter().sum::<f64>() / 600.0;
    let spread = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 599.0;
    assert!((mean - exact).abs() < 6.0 * (spread / 600.0).sqrt(), "{mean}, expected {exact}");
}

#[test]
fn values_and_observables_are_broadcast_together() {
    let mut draw = Draw(7, 0);
    let circuit = random_circuit(&mut draw, 3);
    let observables: Vec<Observable> = (0..3).map(|_| random_observable(&mut draw, 3, 3)).collect();
    let angles = [0.3, -1.2, 2.5];
    let value = |angle: f64, observable: &Observable| {
        by_matrices(&circuit.bind(&[angle]).unwrap(), observable)
    };
    let grid = NdArray::new(vec![3, 1], observables.clone()).unwrap();
    let of = |observables: NdArray<Observable>| {
        EstimatorPub::new(circuit.clone(), observables)
            .with_parameters(ParameterValues::one("theta", angles))
    };
    let pubs = [of(grid), of(observables.clone().into()), of(observables[0].clone().into())];
    let found = estimate(&pubs, &options(By::Automatic, 0.0, 1), &offering()).unwrap();
    let close = |array: &NdArray<f64>, shape: &[usize], expected: &[f64]| {
        assert_eq!(array.shape(), shape);
        let pairs = array.elements().iter().zip(expected);
        assert!({ pairs }.all(|(a, b)| (a - b).abs() < 1e-10), "{array:?}, expected {expected:?}");
    };
    let all: Vec<f64> =
        observables.iter().flat_map(|o| angles.map(|angle| value(angle, o))).collect();
    close(&found.pubs[0].evs, &[3, 3], &all);
    close(&found.pubs[1].evs, &[3], &[all[0], all[4], all[8]]);
    close(&found.pubs[2].evs, &[3], &all[..3]);
    // Measured, each stands at the same place.
    let measured = estimate(&pubs, &options(By::Measurement, 0.02, 1), &offering()).unwrap();
    for (exact, measured) in found.pubs.iter().zip(&measured.pubs) {
        let values = exact.evs.elements().iter().zip(measured.evs.elements());
        for ((exact, value), error) in values.zip(measured.stds.elements()) {
            assert!((exact - value).abs() < 6.0 * error + 0.02, "{value} ± {error}, {exact}");
        }
    }
}

#[test]
fn what_is_asked_for_twice_is_run_once() {
    let circuit = Circuit::new(2, 0).rx("a", 0).cx(0, 1);
    let observables: Vec<Observable> =
        ["ZZ + XX", "ZI", "IX"].iter().map(|text| text.parse().unwrap()).collect();
    let pubs = [EstimatorPub::new(circuit, NdArray::new(vec![3, 1], observables).unwrap())
        .with_parameters(ParameterValues::one("a", vec![0.1; 50]))];
    let count = |by| {
        let qobj = plan(&pubs, &options(by, 0.1, 1), &offering()).unwrap();
        assert!(qobj.experiments().iter().all(|one| one.bindings == [0.1]));
        (qobj.circuits().len(), qobj.experiments().len())
    };
    assert_eq!(count(By::Automatic), (1, 50));
    // The bases XX and ZZ.
    assert_eq!(count(By::Measurement), (2, 100));
}

#[test]
fn a_precision_is_noise_that_the_result_decides() {
    let pubs = [EstimatorPub::new(
        Circuit::new(1, 0).ry(0.5, 0),
        vec!["Z".parse::<Observable>().unwrap(); 2],
    )];
    let options = options(By::Automatic, 0.05, 4);
    let run = execute(plan(&pubs, &options, &offering()).unwrap());
    let found = collect(&pubs, &options, &run).unwrap();
    assert_eq!(found, collect(&pubs, &options, &run).unwrap());
    assert_eq!(found.pubs[0].stds.elements(), [0.05; 2]);
    let apart: Vec<f64> =
        found.pubs[0].evs.elements().iter().map(|value| value - 0.5_f64.cos()).collect();
    assert!(apart.iter().all(|apart| *apart != 0.0 && apart.abs() < 6.0 * 0.05), "{apart:?}");
    assert_ne!(apart[0], apart[1]);
}

#[test]
fn circuits_may_measure_on_their_way() {
    // The second qubit follows the first, whatever was found.
    let circuit = Circuit::new(2, 1).h(0).measure(0, 0).if_equal(0, 1, |c| c.x(1));
    let observables: Vec<Observable> =
        ["ZZ", "ZI"].iter().map(|text| text.parse().unwrap()).collect();
    let pubs = [EstimatorPub::new(circuit, observables)];
    let found = estimate(&pubs, &options(By::Automatic, 0.05, 2), &offering()).unwrap();
    let of_pub = &found.pubs[0];
    assert_eq!((of_pub.evs.elements()[0], of_pub.stds.elements()[0]), (1.0, 0.0));
    assert!(of_pub.evs.elements()[1].abs() < 6.0 * 0.05);
    let exact = estimate(&pubs, &options(By::Automatic, 0.0, 2), &offering()).unwrap_err();
    assert_eq!(
        exact.to_string(),
        "pub 0: precision 0 asks for the exact value, but the circuit measures, and its state \
         depends on what is found"
    );
    assert!(exact.hint().unwrap().contains("measured"));
}

#[test]
fn constants_have_no_error() {
    let pubs = [EstimatorPub::new(
        Circuit::new(2, 0).h(0),
        ["3 II".parse::<Observable>().unwrap(), Observable::new([("XX", 0.0)]).unwrap()],
    )];
    for by in [By::ExpectationValues, By::Measurement] {
        let precision = if by == By::Measurement { 0.5 } else { 0.0 };
        let found = estimate(&pubs, &options(by, precision, 1), &offering()).unwrap();
        let values = found.pubs[0].evs.elements();
        assert!((values[0] - 3.0).abs() < 1e-12 && values[1] == 0.0, "{values:?}");
        assert_eq!(found.pubs[0].stds.elements(), [0.0, 0.0]);
    }
}

#[test]
fn observables_follow_a_layout_to_a_wider_circuit() {
    let narrow = Circuit::new(2, 0).h(0).cx(0, 1);
    let wide = Circuit::new(40, 0).h(31).cx(31, 7);
    let observable: Observable = "XX + 2 ZZ + IZ".parse().unwrap();
    let moved = observable.on(&[31, 7], 40).unwrap();
    let pubs = [EstimatorPub::new(narrow, observable), EstimatorPub::new(wide, moved)];
    let found = estimate(&pubs, &options(By::Automatic, 0.0, 1), &offering()).unwrap();
    for of_pub in &found.pubs {
        assert!((of_pub.evs.elements()[0] - 3.0).abs() < 1e-12, "{of_pub:?}");
    }
    let measured = estimate(&pubs, &options(By::Measurement, 0.1, 1), &offering()).unwrap();
    for of_pub in &measured.pubs {
        let (value, error) = (of_pub.evs.elements()[0], of_pub.stds.elements()[0]);
        assert!((value - 3.0).abs() < 6.0 * error, "{value} ± {error}");
    }
}

#[test]
fn an_estimator_runs_on_a_backend() {
    let engine = Engine(offering());
    let pubs =
        [EstimatorPub::new(Circuit::new(1, 0).ry(0.5, 0), "X".parse::<Observable>().unwrap())];
    let exact = Estimator::new(&engine).with_precision(0.0).run(&pubs, None).unwrap();
    assert!((only(&exact).0 - 0.5_f64.sin()).abs() < 1e-12);
    let with = |seed| {
        let estimator = Estimator::new(&engine).with_precision(0.05).with_seed(seed);
        only(&estimator.by(By::Measurement).run(&pubs, None).unwrap())
    };
    assert_eq!(with(1), with(1));
    assert_ne!(with(1), with(2));
}

#[test]
fn what_cannot_be_estimated_is_refused_by_pub() {
    let observable: Observable = "Z".parse().unwrap();
    let good = EstimatorPub::new(Circuit::new(1, 0).h(0), observable.clone());
    let options = options(By::Automatic, 0.1, 1);
    let says_with = |bad: EstimatorPub, options: &EstimatorOptions| {
        plan(&[good.clone(), bad], options, &offering()).unwrap_err().to_string()
    };
    let says = |bad: EstimatorPub| says_with(bad, &options);
    assert_eq!(
        plan(&[], &options, &offering()).unwrap_err().to_string(),
        "no pubs, expected at least one"
    );
    assert_eq!(
        says(EstimatorPub::new(Circuit::new(2, 0), vec![observable.clone()])),
        "pub 1: the observable at place 0 has 1 letters, the circuit has 2 qubits"
    );
    assert_eq!(
        says(good.clone().with_precision(-1.0)),
        "pub 1: precision -1, expected a number of at least 0"
    );
    assert_eq!(
        says(good.clone().with_parameters([1.0])),
        "pub 1: the last axis of the parameter values has 1 numbers, expected none: the circuit \
         has no parameters"
    );
    let turned = Circuit::new(1, 0).rx("a", 0);
    let apart = EstimatorPub::new(turned, vec![observable.clone(); 2])
        .with_parameters(ParameterValues::one("a", [1.0, 2.0, 3.0]));
    assert!(says(apart).starts_with("pub 1: shapes (3,) and (2,) do not go together"));
    let noisy = EstimatorOptions {
        default_precision: 0.0,
        backend: Map::from_iter([("noise_model".to_owned(), Map::new().into())]),
        ..options.clone()
    };
    assert_eq!(
        says_with(good.clone(), &noisy),
        "pub 0: precision 0 asks for the exact value, but there is noise, and the method is not \
         `density_matrix`"
    );
    let mut exact_noise = noisy;
    exact_noise.backend.insert("method".to_owned(), "density_matrix".into());
    plan(std::slice::from_ref(&good), &exact_noise, &offering()).unwrap();
    let demanding = EstimatorOptions { by: By::ExpectationValues, ..options.clone() };
    assert_eq!(
        plan(std::slice::from_ref(&good), &demanding, &configuration(&[])).unwrap_err().to_string(),
        "pub 0: the options ask for the backend's expectation values, but backend `engine` offers \
         no expectation values (`save_expval`)"
    );
    let mut ends = Circuit::new(1, 0);
    ends.push(Op::End, &[], &[], &[]).unwrap();
    assert_eq!(
        says(EstimatorPub::new(ends, observable)),
        "pub 1: the circuit ends shots early (`end`), so nothing can be measured after it"
    );
}

#[test]
fn results_that_are_not_those_of_the_pubs_are_refused() {
    let pubs = [EstimatorPub::new(Circuit::new(1, 0).h(0), "X + Z".parse::<Observable>().unwrap())];
    let says = |options: &EstimatorOptions, change: &dyn Fn(&mut RunResult)| {
        let mut result = execute(plan(&pubs, options, &offering()).unwrap());
        change(&mut result);
        collect(&pubs, options, &result).unwrap_err().to_string()
    };
    let measured = options(By::Measurement, 0.5, 1);
    assert_eq!(
        says(&measured, &|result| {
            result.experiments.pop();
        }),
        "pub 0: the result has no experiment 1"
    );
    assert_eq!(
        says(&measured, &|result| result.experiments.clear()),
        "the result has 0 experiments, these pubs need at least 1"
    );
    assert_eq!(
        says(&measured, &|result| result.experiments.push(ExperimentResult::default())),
        "the result has 3 experiments, these pubs need 2"
    );
    assert_eq!(
        says(&measured, &|result| result.experiments[1].counts = None),
        "pub 0: the result of experiment 1 has no counts"
    );
    assert_eq!(
        says(&measured, &|result| {
            let only = [("11".parse().unwrap(), 4)];
            result.experiments[0].counts =
                Some(ketch_interface::Counts::from_outcomes(vec![], only));
        }),
        "pub 0: experiment 0 has 2 clbits, expected 1"
    );
    let fails = |result: &mut RunResult| {
        result.experiments[0].success = false;
        result.experiments[0].data.clear();
        result.experiments[0].status = "needs 512 GiB".to_owned();
    };
    assert_eq!(says(&measured, &fails), "pub 0: experiment 0 failed: needs 512 GiB");
    let exact = options(By::Automatic, 0.0, 1);
    assert_eq!(says(&exact, &fails), "pub 0: experiment 0 failed: needs 512 GiB");
}
