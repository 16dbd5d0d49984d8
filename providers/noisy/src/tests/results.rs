//! What comes back.

use std::time::{Duration, Instant};

use ketch_conformance::Outcome;
use ketch_core::{Circuit, Qobj, circuit::TimeUnit, qobj::Program};
use serde_json::{Value, json};

use super::{backend, bell, bell_2018, provider, run};

fn metadata(name: &str, qobj: Qobj, field: &str) -> Value {
    run(name, qobj).experiment(0).unwrap().metadata[field].clone()
}

#[test]
fn the_contract_is_kept() {
    let mut failures = Vec::new();
    for (_, (name, check)) in ketch_conformance::provider_checks() {
        let found = check(&provider());
        failures.extend(failure(name, found));
    }
    // One of 2018 and one of today: the others differ in numbers only.
    for device in ["ibmqx4", "synthetic_27"] {
        for (_, (name, check)) in ketch_conformance::backend_checks() {
            failures.extend(failure(&format!("{device}: {name}"), check(&*backend(device))));
        }
    }
    assert_eq!(failures, Vec::<String>::new());
}

fn failure(check: &str, found: ketch_conformance::Check) -> Option<String> {
    match found {
        Err(Outcome::Failed(how)) => Some(format!("{check}: {how}")),
        _ => None,
    }
}

#[test]
fn a_bell_pair_is_as_bad_as_its_calibration_says() {
    let shots = 8000;
    let qobj = Qobj::from_circuit(bell_2018(5, 1, 0)).with_shots(shots).with_seed(5);
    let ideal = run("ibmqx4", qobj.clone().with_option("noise", false));
    let counts = ideal.counts(0).unwrap();
    assert_eq!(counts.get("00") + counts.get("11"), shots);
    let result = run("ibmqx4", qobj);
    let counts = result.counts(0).unwrap();
    let wrong = (counts.get("01") + counts.get("10")) as f64 / shots as f64;
    // Reading errs with 0.061 and 0.072: one of them alone gives 0.124; the gates' errors of
    // 0.0336 and 0.008 add some. The spread of 8000 shots is 0.004.
    assert!((0.11..0.18).contains(&wrong), "{wrong}");
    assert!(counts.get("00") > 2900 && counts.get("11") > 2900);
}

#[test]
fn qubits_relax_for_as_long_as_each_experiment_says() {
    let delayed = Circuit::new(1, 1).x(0).delay("t", TimeUnit::Millisecond, 0).measure(0, 0);
    let mut qobj = Qobj::from_circuit(delayed.bind(&[0.0]).unwrap()).with_seed(1);
    let Program::Circuits { circuits, experiments } = &mut qobj.program else { unreachable!() };
    circuits[0] = delayed;
    experiments.push(experiments[0].clone());
    experiments[0].bindings = vec![0.0];
    experiments[1].bindings = vec![100.0];
    let result = run("synthetic_5", qobj);
    let ones = |i| result.counts(i).unwrap().get("1");
    assert!(ones(0) > 900 && ones(1) < 100, "{} {}", ones(0), ones(1));
}

#[test]
fn exact_and_drawn_noise_agree() {
    let shots = 20_000;
    // A chain on 5 qubits with everything that errs, far more than one gate of each.
    let mut circuit = Circuit::new(5, 5).named("chain");
    for qubit in 0..5 {
        circuit =
            circuit.sx(qubit).rz(0.4, qubit).sx(qubit).delay(3.0, TimeUnit::Microsecond, qubit);
    }
    for round in 0..6 {
        for qubit in (round % 2..4).step_by(2) {
            circuit = circuit.cx(qubit, qubit + 1).x(qubit).sx(qubit + 1);
        }
    }
    let qobj = Qobj::from_circuit(circuit.measure_all()).with_shots(shots).with_seed(8);
    let by = |method: &str| {
        let result = run("synthetic_5", qobj.clone().with_option("method", method));
        let experiment = result.experiment(0).unwrap();
        assert_eq!(experiment.metadata["method"], json!(method));
        result.counts(0).unwrap().clone()
    };
    let (exact, drawn) = (by("density_matrix"), by("statevector"));
    // Two samples of one distribution: each term of the sum is a chi-square of one degree of
    // freedom. 31 degrees and the bound of 120 are passed by chance once in 10^11.
    let mut sum = 0.0;
    for outcome in 0..32_u64 {
        let key = format!("{outcome:05b}");
        let (a, b) = (exact.get(&key) as f64, drawn.get(&key) as f64);
        sum += if a + b > 0.0 { (a - b).powi(2) / (a + b) } else { 0.0 };
    }
    assert!(sum < 120.0, "{sum}");
}

#[test]
fn only_the_qubits_that_are_used_are_simulated() {
    let started = Instant::now();
    let qobj = Qobj::from_circuit(bell(27, 25, 26)).with_shots(1000);
    assert_eq!(metadata("synthetic_27", qobj.clone(), "active_qubits"), json!(2));
    assert_eq!(metadata("synthetic_27", qobj, "method"), json!("density_matrix"));
    assert!(started.elapsed() < Duration::from_secs(5));
    let wide = (0..11).fold(Circuit::new(27, 27), |circuit, qubit| circuit.sx(qubit));
    let qobj = Qobj::from_circuit(wide.measure_all()).with_shots(20);
    assert_eq!(metadata("synthetic_27", qobj.clone(), "method"), json!("statevector"));
    let reason = metadata("synthetic_27", qobj, "method_reason");
    assert_eq!(reason, json!("noise on many qubits is drawn for each shot"));
}

/// A cat state that grows over the couplings of a device, measured everywhere.
fn cat(name: &str) -> Circuit {
    let configuration = backend(name).configuration().unwrap();
    let coupling = configuration.coupling().unwrap().unwrap();
    let half = std::f64::consts::FRAC_PI_2;
    let n_qubits = configuration.n_qubits().unwrap();
    let mut circuit = Circuit::new(n_qubits, n_qubits).rz(half, 0).sx(0).rz(half, 0);
    let mut reached = vec![0];
    let mut next = 0;
    while let Some(&qubit) = reached.get(next) {
        next += 1;
        for neighbour in coupling.neighbours(qubit) {
            if !reached.contains(&neighbour) {
                reached.push(neighbour);
                circuit = circuit.cx(qubit, neighbour);
            }
        }
    }
    circuit.measure_all()
}

#[test]
fn a_device_of_127_qubits_runs_by_stabilizers() {
    let shots = 2000;
    let qobj = Qobj::from_circuit(cat("synthetic_127")).with_shots(shots).with_seed(3);
    let result = run("synthetic_127", qobj.clone());
    assert_eq!(result.experiment(0).unwrap().metadata["method"], json!("stabilizer"));
    // Without noise, all bits agree. With it, about one of fifty does not because of the readout,
    // and gates err besides: almost no shot is left without an error.
    let minority = |key: &str| {
        let ones = key.chars().filter(|bit| *bit == '1').count();
        ones.min(127 - ones)
    };
    let counts = result.counts(0).unwrap();
    let total: u64 = counts.iter().map(|(key, n)| minority(&key.to_string()) as u64 * n).sum();
    let mean = total as f64 / shots as f64;
    assert!((2.0..30.0).contains(&mean), "{mean}");
    assert!(counts.get(&"0".repeat(127)) + counts.get(&"1".repeat(127)) < shots / 5);
    let ideal = run("synthetic_127", qobj.with_option("noise", false));
    let ideal = ideal.counts(0).unwrap();
    assert_eq!(ideal.get(&"0".repeat(127)) + ideal.get(&"1".repeat(127)), shots);
}

#[test]
fn chains_of_tensors_run_a_part_of_it_as_density_matrices_do() {
    let chain = (0..5).fold(Circuit::new(127, 127).sx(0), |circuit, qubit| {
        circuit.rz(0.3, qubit).sx(qubit).cx(qubit, qubit + 1).rz(0.7, qubit + 1)
    });
    let qobj = Qobj::from_circuit(chain.measure_all()).with_shots(4000).with_seed(9);
    let by = |method: &str| {
        let result = run("synthetic_127", qobj.clone().with_option("method", method));
        let counts = result.counts(0).unwrap();
        // Of the chain alone; what else is measured is 0 but for the readout.
        let mut chain = [0_u64; 64];
        for (key, n) in counts.iter() {
            let key = key.to_string();
            chain[usize::from_str_radix(&key[key.len() - 6..], 2).unwrap()] += n;
        }
        chain
    };
    let (exact, drawn) = (by("automatic"), by("matrix_product_state"));
    // Chi-square of 63 degrees of freedom: 150 is passed by chance once in 10^8.
    let terms = exact.iter().zip(&drawn).filter(|(a, b)| *a + *b > 0);
    let sum: f64 = terms.map(|(a, b)| (*a as f64 - *b as f64).powi(2) / (a + b) as f64).sum();
    assert!(sum < 150.0, "{sum}");
}

#[test]
fn the_same_seed_gives_the_same_counts_on_any_number_of_threads() {
    let measured_in_the_middle = bell(5, 0, 1).if_equal(0, 3, |c| c.x(2).x(0)).measure(0, 0);
    for method in ["density_matrix", "statevector"] {
        let counts = |threads: u64| {
            let circuits = vec![bell(5, 0, 1), measured_in_the_middle.clone()];
            let qobj = Qobj::from_circuits(circuits).with_shots(500).with_memory();
            let qobj = qobj.with_option("method", method).with_option("seed", 4);
            let result = run("synthetic_5", qobj.with_option("max_parallel_threads", threads));
            let memory = |i: usize| result.experiment(i).unwrap().memory.clone();
            (memory(0), memory(1))
        };
        let alone = counts(1);
        assert!(alone.0.is_some());
        assert_eq!(alone, counts(2));
        assert_eq!(alone, counts(4));
    }
}

#[test]
fn parameters_are_bound_for_each_experiment() {
    let circuit = Circuit::new(1, 1).sx(0).rz("theta", 0).sx(0).measure(0, 0);
    let mut qobj = Qobj::from_circuits(vec![circuit]).with_shots(400);
    qobj.experiments_mut()[0].bindings = vec![std::f64::consts::PI];
    let result = run("synthetic_5", qobj);
    assert!(result.counts(0).unwrap().get("0") > 340);
}

#[test]
fn one_job_runs_at_a_time() {
    let backend = backend("synthetic_5");
    assert_eq!(backend.status().unwrap().pending_jobs, 0);
    let qobj = Qobj::from_circuit(bell(5, 0, 1)).with_shots(50_000);
    let qobj = qobj.with_option("method", "statevector");
    let jobs: Vec<_> = (0..3)
        .map(|_| backend.run(qobj.clone(), ketch_core::RunOptions::default()).unwrap())
        .collect();
    for job in &jobs {
        assert!(job.result(Some(Duration::from_secs(60))).unwrap().success);
    }
    assert_eq!(backend.status().unwrap().pending_jobs, 0);
}

#[test]
fn qubits_that_wait_relax_if_they_are_scheduled() {
    // Qubit 0 is excited first, and then waits for all that happens to the others.
    let circuit = (0..1000).fold(Circuit::new(5, 1).x(0), |c, _| c.x(1)).cx(0, 1).measure(0, 0);
    let qobj = Qobj::from_circuit(circuit).with_shots(4000).with_seed(1);
    let ones = |method: Value| {
        let result =
            run("synthetic_5", qobj.clone().with_option("scheduling_method", method.clone()));
        assert_eq!(result.experiment(0).unwrap().metadata["scheduling_method"], method);
        result.counts(0).unwrap().get("1")
    };
    let (none, late, soon) = (ones(Value::Null), ones(json!("alap")), ones(json!("asap")));
    // As late as possible, it is excited last. As soon as possible it waits for a good part of T1.
    assert!(soon + 300 < late, "{soon} of {late}");
    assert!(none.abs_diff(late) < 150, "{none}, {late}");
}

#[test]
fn what_cannot_be_scheduled_is_refused() {
    let refusal = |circuit: Circuit, method: &str| {
        let qobj = Qobj::from_circuit(circuit).with_option("scheduling_method", method);
        let options = ketch_core::RunOptions::default();
        backend("synthetic_5").run(qobj, options).map(|_| ()).unwrap_err().to_string()
    };
    let branching = Circuit::new(5, 1).measure(0, 0).if_equal(0, 1, |c| c.x(0));
    let found = refusal(branching, "alap");
    assert!(found.contains("scheduling_method"), "{found}");
    assert!(refusal(bell(5, 0, 1), "soon").contains("\"alap\", \"asap\" or null"));
}
