//! The provider through its three interfaces.

use std::{sync::Arc, time::Duration};

use ketch_core::{
    Backend, BackendExt, Circuit, Error, Filter, Host, JobStatus, Provider, Qobj, RunOptions,
    RunResult,
    circuit::{
        Controls, Expr, Op, ParamArg, Qubit, SPELLINGS, Snapshot, TimeUnit, Value as Classical,
    },
    noise::{Channel, NoiseModel, ReadoutError, Relaxation},
    qobj::{Experiment, Program},
    result::Data,
};
use serde_json::{Map, json};

use crate::{ALIASES, LocalProvider};

fn provider() -> LocalProvider {
    LocalProvider::new(Host::none())
}

fn backend(name: &str) -> Arc<dyn Backend> {
    provider().get_backend(name).unwrap()
}

/// No part of it can be left out or run by itself, and no method but a state vector takes it.
fn tangled(n: u32) -> Circuit {
    let start = (0..n).fold(Circuit::new(n, n), |circuit, q| circuit.ry(0.4, q));
    let layers = (1..12).fold(start, |circuit, apart| {
        (0..n).fold(circuit, |circuit, q| circuit.cp(0.3, q, (q + apart) % n).rx(0.2, q))
    });
    layers.measure_all()
}

fn bell() -> Circuit {
    Circuit::new(2, 2).named("bell").h(0).cx(0, 1).measure_all()
}

fn run(name: &str, qobj: Qobj) -> RunResult {
    backend(name).run_and_wait(qobj, Some(Duration::from_secs(60))).unwrap()
}

fn refusal(name: &str, qobj: Qobj) -> Error {
    match backend(name).run(qobj, RunOptions::default()) {
        Ok(_) => panic!("`{name}` accepted it"),
        Err(error) => error,
    }
}

/// A circuit that never ends.
fn endless() -> Circuit {
    let mut circuit = Circuit::new(1, 1);
    let forever = circuit.add_expr(Expr::Literal(Classical::Bool(true)));
    circuit.push(Op::End, &[], &[], &[]).unwrap();
    let body = circuit.push_block(|_| {});
    circuit.set_op(0, Op::While { condition: forever, body });
    circuit.measure(0, 0)
}

#[test]
fn the_contract_is_kept() {
    ketch_conformance::assert_conformant(&provider());
}

#[test]
fn the_backends_of_the_seed_are_there_and_describe_themselves() {
    let backends = provider().backends(&Filter::new()).unwrap();
    let names: Vec<&str> = backends.iter().map(|backend| backend.name()).collect();
    assert_eq!(names, ["qasm_simulator", "statevector_simulator", "unitary_simulator"]);
    for backend in &backends {
        let configuration = backend.configuration().unwrap();
        let document = serde_json::to_value(&*configuration).unwrap();
        assert!(document["n_qubits"].as_u64().unwrap() >= 2);
        assert!(!configuration.gates.is_empty() && configuration.simulator && configuration.local);
        assert!(configuration.gates.iter().all(|g| configuration.basis_gates.contains(&g.name)));
        assert!(backend.properties().unwrap().is_none());
        let status = backend.status().unwrap();
        assert!(status.operational && status.pending_jobs == 0);
    }
    let state = backends[1].n_qubits().unwrap().unwrap();
    assert_eq!(backends[2].n_qubits().unwrap().unwrap(), state / 2);
    let filter = Filter::new().with("conditional", false);
    assert_eq!(provider().backends(&filter).unwrap().len(), 1);
}

#[test]
fn old_names_stand_for_new_ones() {
    for alias in ALIASES {
        assert_eq!(backend(alias.name).name(), alias.backend);
        let configuration = backend(alias.backend).configuration().unwrap();
        let listed = configuration.extra["aliases"].as_array().unwrap();
        assert!(listed.iter().any(|row| row["name"] == alias.name && row["note"] == alias.note));
    }
    match provider().get_backend("qasm_simulater") {
        Err(error @ Error::BackendNotFound { .. }) => {
            assert_eq!(error.hint().unwrap(), "did you mean `qasm_simulator`?");
        }
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn every_gate_that_is_promised_runs() {
    for spelling in SPELLINGS {
        let n_controls = match spelling.controls {
            Controls::Exactly(n) => n,
            Controls::Any => 3,
        };
        let info = spelling.gate.info();
        let qubits: Vec<u32> = (0..info.n_qubits + u32::from(n_controls)).collect();
        let params = vec![0.3; info.n_params as usize];
        let circuit = Circuit::new(6, 0).gate(spelling.gate, n_controls, &params, &qubits);
        for name in ["statevector_simulator", "unitary_simulator"] {
            let configuration = backend(name).configuration().unwrap();
            assert!(configuration.basis_gates.iter().any(|gate| gate == spelling.name));
            assert!(run(name, Qobj::from_circuit(circuit.clone())).success, "{}", spelling.name);
        }
    }
}

#[test]
fn a_bell_pair_comes_back_whole() {
    let qobj = Qobj::from_circuit(bell()).with_shots(2000).with_seed(5).with_memory();
    let result = run("qasm_simulator", qobj.clone());
    assert!(result.success && result.status == "COMPLETED");
    let counts = result.counts("bell").unwrap();
    assert_eq!(counts.get("00") + counts.get("11"), 2000);
    assert!(counts.get("00") > 850 && counts.get("11") > 850);
    assert_eq!(result.memory(0).unwrap().len(), 2000);
    let experiment = result.experiment(0).unwrap();
    assert_eq!((experiment.shots, experiment.seed), (2000, Some(5)));
    assert_eq!(experiment.metadata["method"], "statevector");
    assert_eq!(experiment.metadata["measure_sampling"], true);
    let again = run("qasm_simulator", qobj);
    assert_eq!(again.counts(0).unwrap(), counts);
    assert_eq!(again.memory(0).unwrap(), result.memory(0).unwrap());
}

#[test]
fn states_and_unitaries_are_given() {
    let result = run("statevector_simulator", Qobj::from_circuit(bell()).with_shots(500));
    let experiment = result.experiment(0).unwrap();
    assert_eq!(experiment.shots, 1);
    let half = 0.5_f64.sqrt();
    let state = result.statevector(0).unwrap();
    assert!((state[0].re - half).abs() < 1e-12 && (state[3].re - half).abs() < 1e-12);
    let notes = experiment.metadata["notes"].as_array().unwrap();
    assert!(notes[0].as_str().unwrap().contains("before the measurements"));
    let result = run("unitary_simulator", Qobj::from_circuit(bell()));
    let (dim, entries) = result.unitary(0).unwrap();
    assert!(dim == 4 && (entries[3 * 4].re - half).abs() < 1e-12);
    assert_eq!(result.experiment(0).unwrap().counts, None);
}

#[test]
fn options_are_checked_by_name_and_type() {
    let with = |name: &str, value| Qobj::from_circuit(bell()).with_option(name, value);
    let error = refusal("qasm_simulator", with("methd", json!("statevector")));
    assert_eq!(error.code(), "option.invalid");
    assert_eq!(error.hint().unwrap(), "did you mean `method`?");
    let wrong = [
        ("method", json!("magic")),
        ("method", json!(7)),
        ("precision", json!("half")),
        ("max_parallel_threads", json!(-1)),
        ("max_memory_mb", json!(-2)),
        ("seed_simulator", json!("x")),
        ("initial_statevector", json!([[1, 0, 0], 0])),
        ("shots", json!(1e9 as u64)),
    ];
    for (name, value) in wrong {
        match refusal("qasm_simulator", with(name, value)) {
            Error::InvalidOption { name: found, .. } => assert_eq!(found, name),
            other => panic!("{name}: {other}"),
        }
    }
    let error = refusal("unitary_simulator", with("method", json!("statevector")));
    assert!(error.to_string().contains("runs the method unitary only"));
    let good = [
        ("method", json!("statevector_cpu")),
        ("precision", json!("single")),
        ("max_parallel_threads", json!(1)),
        ("max_memory_mb", json!(100)),
        ("enable_truncation", json!(false)),
        ("memory_slots", json!(2)),
        ("max_credits", json!(10)),
        ("initial_statevector", json!([0, [0, 1], 0, 0])),
    ];
    for (name, value) in good {
        assert!(run("qasm_simulator", with(name, value)).success, "{name}");
    }
    let result = run("qasm_simulator", with("data", json!(["probabilities"])));
    let notes = &result.experiment(0).unwrap().metadata["notes"];
    assert_eq!(*notes, json!(["not served, ignored: data"]));
}

#[test]
fn a_seed_given_as_an_option_counts() {
    let with = |seed: u64| {
        let qobj = Qobj::from_circuits(vec![bell(), bell()]).with_option("seed_simulator", seed);
        run("qasm_simulator", qobj.with_seed(99))
    };
    let (a, b) = (with(3), with(3));
    assert_eq!(a.counts(0).unwrap(), b.counts(0).unwrap());
    assert_eq!(a.experiment(0).unwrap().seed, Some(3));
    assert_ne!(a.experiment(1).unwrap().seed, Some(3));
}

#[test]
fn noise_is_run_by_density_matrix_or_by_trajectories() {
    let flip = Channel::depolarizing(4.0 / 3.0, 1).unwrap();
    let mut circuit = Circuit::new(1, 1).x(0);
    circuit.push(flip.to_op(), &[Qubit(0)], &[], &[]).unwrap();
    let qobj = Qobj::from_circuit(circuit.measure(0, 0)).with_shots(3000);
    for (method, ran) in [
        ("automatic", "density_matrix"),
        ("density_matrix", "density_matrix"),
        ("statevector", "statevector"),
    ] {
        let result = run("qasm_simulator", qobj.clone().with_option("method", method));
        assert_eq!(result.experiment(0).unwrap().metadata["method"], json!(ran));
        // X, Y and Z are equally likely: 2000 of 3000, with a spread of 26. Six of them are passed
        // by chance less than once in 10^8.
        assert!(result.counts(0).unwrap().get("0").abs_diff(2000) < 156);
    }
}

#[test]
fn what_cannot_run_is_refused_at_once() {
    let mut opaque = Circuit::new(1, 0);
    opaque.push_unchecked(Op::Opaque("warp".into()), &[Qubit(0)], &[], &[]);
    let error = refusal("qasm_simulator", Qobj::from_circuit(opaque));
    assert_eq!(error.to_string(), "backend `qasm_simulator` does not know the instruction `warp`");
    let mut kraus = Circuit::new(1, 0);
    kraus.push_unchecked(Op::Kraus([].into()), &[Qubit(0)], &[], &[]);
    let error = refusal("qasm_simulator", Qobj::from_circuit(kraus));
    assert_eq!(error.to_string(), "invalid Qobj: `kraus`: a channel without Kraus operators");
    let reset = Circuit::new(1, 0).reset(0);
    assert_eq!(
        refusal("unitary_simulator", Qobj::from_circuit(reset)).code(),
        "instruction.unsupported"
    );
    let wide = tangled(60).named("wide");
    match refusal("qasm_simulator", Qobj::from_circuit(wide)) {
        Error::TooManyQubits { circuit, needed: 60, .. } => assert_eq!(circuit, "wide"),
        other => panic!("{other}"),
    }
    let mut pulse = Qobj::from_circuit(bell());
    pulse.program = Program::Pulse(Map::new());
    assert!(refusal("qasm_simulator", pulse).to_string().contains("`pulse`"));
    let large = tangled(20);
    let little = RunOptions { memory: Some(1 << 20), ..RunOptions::default() };
    match backend("qasm_simulator").run(Qobj::from_circuit(large), little) {
        Err(Error::OutOfMemory { needed, available }) => {
            assert!(needed >= 16 << 20 && available == 1 << 20, "{needed} of {available}");
        }
        other => panic!("{:?}", other.err()),
    }
    let unbound = Qobj::from_circuit(Circuit::new(1, 1).rx(ParamArg::from("theta"), 0));
    assert_eq!(refusal("qasm_simulator", unbound).code(), "qobj.invalid");
    let mut dangling = Qobj::from_circuit(bell());
    dangling.experiments_mut()[0].circuit = 7;
    assert!(refusal("qasm_simulator", dangling).to_string().contains("names circuit 7"));
}

/// One circuit with many numbers for its parameter.
fn sweep(numbers: impl IntoIterator<Item = f64>) -> Qobj {
    let circuit = Circuit::new(1, 1).named("sweep").rx("theta", 0).measure(0, 0);
    let experiments = numbers
        .into_iter()
        .map(|number| Experiment { bindings: vec![number], ..Experiment::default() });
    let mut qobj = Qobj::from_circuit(circuit.clone()).with_seed(1);
    qobj.program =
        Program::Circuits { circuits: vec![circuit], experiments: experiments.collect() };
    qobj
}

/// So many circuits that they are checked side by side.
#[test]
fn of_many_circuits_the_first_that_cannot_run_is_named() {
    let mut circuits: Vec<Circuit> = (0..300).map(|i| bell().ry(f64::from(i), 0)).collect();
    for (place, name) in [(260, "later"), (120, "first"), (299, "last")] {
        let mut circuit = bell();
        circuit.push_unchecked(Op::Opaque(name.into()), &[Qubit(0)], &[], &[]);
        circuits[place] = circuit;
    }
    let mut qobj = Qobj::from_circuits(circuits);
    match refusal("qasm_simulator", qobj.clone()) {
        Error::UnsupportedInstruction { instruction, .. } => assert_eq!(instruction, "first"),
        other => panic!("{other:?}"),
    }
    qobj.experiments_mut()[100].circuit = 300;
    let error = refusal("qasm_simulator", qobj).to_string();
    assert!(error.contains("names circuit 300, there are 300"), "{error}");
}

#[test]
fn what_experiments_say_of_themselves_is_shared_if_it_is_the_same() {
    let other = Circuit::new(2, 2).h(0).cx(0, 1).ry(0.3, 0).measure_all();
    let qobj = Qobj::from_circuits(vec![bell(), bell(), other, bell()]);
    // On two threads, both may be the first to say it.
    let options = RunOptions { threads: Some(1), ..RunOptions::default() };
    let job = backend("qasm_simulator").run(qobj, options).unwrap();
    let result = job.result(Some(Duration::from_secs(60))).unwrap();
    let metadata = |place: usize| &result.experiments[place].metadata;
    assert_eq!((&metadata(0)["gates"], &metadata(2)["gates"]), (&json!(2), &json!(3)));
    assert!(Arc::ptr_eq(metadata(0), metadata(3)) && !Arc::ptr_eq(metadata(0), metadata(2)));
}

#[test]
fn one_bad_experiment_leaves_the_others_alone() {
    let pi = std::f64::consts::PI;
    let job = backend("qasm_simulator")
        .run(sweep([0.0, f64::INFINITY, pi]), RunOptions::default())
        .unwrap();
    let result = job.result(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(job.status().unwrap(), JobStatus::Error);
    assert!(job.error_message().unwrap().unwrap().contains("expected a finite number"));
    let success: Vec<bool> = result.experiments.iter().map(|e| e.success).collect();
    assert_eq!(success, [true, false, true]);
    assert_eq!(result.counts(0).unwrap().get("0"), 1024);
    assert_eq!(result.counts(2).unwrap().get("1"), 1024);
    assert!(result.counts(1).is_err() && result.status == "1 of 3 experiments failed");
}

#[test]
fn experiments_side_by_side_count_as_one_by_one() {
    let counts = |threads| {
        let options = RunOptions { threads: Some(threads), ..RunOptions::default() };
        let qobj = sweep((0..300).map(|i| f64::from(i) / 100.0));
        let job = backend("qasm_simulator").run(qobj, options).unwrap();
        let result = job.result(Some(Duration::from_secs(60))).unwrap();
        result.experiments.into_iter().map(|e| e.counts.unwrap()).collect::<Vec<_>>()
    };
    let one = counts(1);
    assert_eq!(one, counts(2));
    assert_eq!(one, counts(3));
    assert!(one[299].get("1") > 1000);
}

#[test]
fn running_jobs_answer_and_are_cancelled() {
    let backend = backend("qasm_simulator");
    let job = backend.run(Qobj::from_circuit(endless()), RunOptions::default()).unwrap();
    match job.result(Some(Duration::from_millis(30))) {
        Err(Error::Timeout { .. }) => {}
        other => panic!("{other:?}"),
    }
    while job.status().unwrap() == JobStatus::Queued {
        std::thread::yield_now();
    }
    assert_eq!(job.status().unwrap(), JobStatus::Running);
    assert_eq!(backend.status().unwrap().pending_jobs, 1);
    assert_eq!(backend.retrieve_job(&job.job_id()).unwrap().job_id(), job.job_id());
    assert!(job.cancel().unwrap());
    assert!(matches!(job.result(Some(Duration::from_secs(60))), Err(Error::Cancelled { .. })));
    assert_eq!(job.status().unwrap(), JobStatus::Cancelled);
}

#[test]
fn snapshots_stand_in_the_result() {
    let mut circuit = Circuit::new(1, 1).h(0);
    let snapshot =
        Snapshot { kind: "probabilities".to_owned(), label: "half".to_owned(), paulis: Vec::new() };
    circuit.push(Op::Snapshot(Box::new(snapshot)), &[Qubit(0)], &[], &[]).unwrap();
    let result = run("qasm_simulator", Qobj::from_circuit(circuit.measure(0, 0)));
    let snapshot = &result.experiment(0).unwrap().snapshots[0];
    assert_eq!((snapshot.kind.as_str(), snapshot.label.as_str()), ("probabilities", "half"));
    let Data::Json(value) = &snapshot.values[0] else { panic!("{snapshot:?}") };
    assert!((value["0x1"].as_f64().unwrap() - 0.5).abs() < 1e-12);
}

/// The Qobjs that the C++ simulator of Qiskit 0.6 was tested with.
fn of_2018(name: &str) -> Qobj {
    let directory = "../../tests/golden/qiskit-schemas/terra-0.6.1/test-qobj";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(directory).join(name);
    Qobj::from_json(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_test_qobjs_of_2018_run() {
    let files = [
        ("cpp_conditionals.json", 4),
        ("cpp_measure_opt.json", 11),
        ("cpp_measure_opt_flag.json", 9),
        ("cpp_reset.json", 4),
        ("cpp_single_qubit_gates.json", 35),
        ("cpp_two_qubit_gates.json", 20),
    ];
    for (file, n_experiments) in files {
        let result = run("qasm_simulator", of_2018(file));
        assert!(result.success, "{file}");
        assert_eq!(result.experiments.len(), n_experiments, "{file}");
        for experiment in &result.experiments {
            let counts = experiment.counts.as_ref().unwrap();
            assert_eq!(counts.total(), experiment.shots, "{file}: {}", experiment.name);
            let mut values = experiment.snapshots.iter().flat_map(|snapshot| &snapshot.values);
            let state = |value: &Data| matches!(value, Data::Vector(_));
            assert!(values.all(state), "{file}: {experiment:?}");
            let taken = !experiment.snapshots.is_empty();
            assert!(taken, "{file}: {}", experiment.name);
        }
    }
    let reset = run("qasm_simulator", of_2018("cpp_reset.json"));
    assert!((0..4).all(|place| reset.counts(place).unwrap().get("0") == 1));
    let pairs = run("qasm_simulator", of_2018("cpp_two_qubit_gates.json"));
    let bell = pairs.experiment("h0 CX01").unwrap();
    let Data::Vector(state) = &bell.snapshots[0].values[0] else { panic!("{bell:?}") };
    assert!((state[0].norm() - state[3].norm()).abs() < 1e-12 && state[1].norm() < 1e-12);
    let error = refusal("qasm_simulator", of_2018("cpp_save_load.json"));
    assert!(error.to_string().ends_with("does not know the instruction `save`"));
}

#[test]
fn qubits_relax_for_as_long_as_each_experiment_says() {
    let t1 = 50e-6;
    let mut model = NoiseModel::new();
    model.add_relaxation(0, Relaxation { t1, t2: t1, excited: 0.0 });
    let delayed = Circuit::new(1, 1).x(0).delay("t", TimeUnit::Second, 0).measure(0, 0);
    let noisy = |numbers: [f64; 2]| {
        let mut qobj = sweep(numbers);
        let Program::Circuits { circuits, .. } = &mut qobj.program else { unreachable!() };
        circuits[0] = delayed.clone();
        qobj.with_option("noise_model", model.to_json())
    };
    let result = run("qasm_simulator", noisy([0.0, 100.0 * t1]));
    let counts = |i| result.counts(i).unwrap().to_string();
    assert_eq!([counts(0), counts(1)], ["{1: 1024}", "{0: 1024}"]);
    let refused = refusal("qasm_simulator", noisy([0.0, -1.0])).to_string();
    assert!(refused.contains("a delay of qubit 0, in seconds, is -1"), "{refused}");
}

#[test]
fn a_noise_model_comes_with_the_run() {
    let mut model = NoiseModel::new();
    let flip = |p: f64| Channel::pauli(&[("X", p), ("I", 1.0 - p)]).unwrap();
    model.add("x", flip(1.0));
    model.add_readout_on(1, ReadoutError::of_bit(1.0, 0.0).unwrap());
    let circuit = || Circuit::new(2, 2).named("c").x(0).h(1).h(1).measure_all();
    let noisy = Qobj::from_circuit(circuit()).with_option("noise_model", model.to_json());
    let result = run("qasm_simulator", noisy.clone());
    assert_eq!(result.counts(0).unwrap().to_string(), "{10: 1024}");
    let experiment = &result.experiments[0];
    assert_eq!(experiment.name, "c");
    assert_eq!(experiment.metadata["noise"], json!(true));
    let coverage = json!({"noisy": {"measure": 1, "x": 1}, "ideal": {"h": 2, "measure": 1}});
    assert_eq!(experiment.metadata["noise_coverage"], coverage);
    assert!(experiment.metadata["notes"].to_string().contains("nothing for 2 h"));

    // An experiment's own model, or none, comes before the Qobj's.
    let mut own = noisy.clone();
    let Program::Circuits { experiments, .. } = &mut own.program else { unreachable!() };
    *experiments = vec![experiments[0].clone(); 4];
    experiments[1].config.options.insert("noise_model".to_owned(), serde_json::Value::Null);
    let mut other = NoiseModel::new();
    other.add_readout(ReadoutError::of_bit(1.0, 1.0).unwrap());
    experiments[2].config.options.insert("noise_model".to_owned(), other.to_json());
    let result = run("qasm_simulator", own);
    let counts = |i| result.counts(i).unwrap().to_string();
    let found = [counts(0), counts(1), counts(2), counts(3)];
    assert_eq!(found.map(|c| c[1..3].to_owned()), ["10", "01", "10", "10"]);
    assert!(!result.experiments[1].metadata.contains_key("noise"));

    // Nothing at no strength: the same numbers as without a model.
    let ideal =
        |qobj: Qobj| run("qasm_simulator", qobj.with_seed(7)).counts(0).unwrap().to_string();
    let bell = || Qobj::from_circuit(bell());
    let none = bell().with_option("noise_model", NoiseModel::new().to_json());
    assert_eq!(ideal(none), ideal(bell()));

    // As Qiskit 0.6 said it.
    let early = json!({"X90": {"p_pauli": [0.0, 0.0, 1.0]}, "readout_error": [1.0, 0.0]});
    let circuit = || Circuit::new(2, 2).x(0).measure(0, 0).measure(1, 1);
    let result =
        run("qasm_simulator", Qobj::from_circuit(circuit()).with_option("noise_params", early));
    assert_eq!(result.counts(0).unwrap().to_string(), "{11: 1024}");

    for name in ["statevector_simulator", "unitary_simulator"] {
        assert!(refusal(name, noisy.clone()).to_string().contains("ideal states"), "{name}");
    }
    let bad = json!({"errors": [{"type": "qerror", "operations": ["x"], "probabilities": [2.0], "instructions": [[]]}]});
    let refused = refusal("qasm_simulator", bell().with_option("noise_model", bad)).to_string();
    assert!(
        refused.contains("errors[0]") && refused.contains("probabilities[0] is 2"),
        "{refused}"
    );
}
