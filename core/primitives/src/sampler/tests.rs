//! Planning and collecting samples, run by the simulator.

use ketch_interface::Counts;

use super::*;
use crate::{
    NdArray,
    engine::{Engine, configuration, execute},
};

fn options(seed: u64) -> SamplerOptions {
    SamplerOptions { default_shots: 200, seed: Some(seed), ..SamplerOptions::default() }
}

/// Plans, runs and collects.
fn sample(pubs: &[SamplerPub]) -> Result<PrimitiveResult<SamplerPubResult>> {
    let qobj = plan(pubs, &options(3), &configuration(&[]))?;
    collect(pubs, &options(3), &execute(qobj))
}

fn says(pubs: &[SamplerPub]) -> String {
    sample(pubs).unwrap_err().to_string()
}

/// Two qubits turned by `a` and `b`, each measured into a register of its own.
fn turned() -> Circuit {
    let mut circuit = Circuit::new(2, 0);
    circuit.add_creg("first", 1);
    circuit.add_creg("second", 2);
    circuit.rx("a", 0).rx("b", 1).measure(0, 0).measure(1, 2)
}

#[test]
fn a_sweep_has_the_shape_of_its_values() {
    use std::f64::consts::PI;
    let column = NdArray::new(vec![2, 1], vec![0.0, PI]).unwrap();
    let values = ParameterValues::one("a", column).and_one("b", [PI, 0.0, PI]);
    let result = sample(&[SamplerPub::new(turned()).with_parameters(values)]).unwrap();
    let of_pub = &result.pubs[0];
    assert_eq!(of_pub.shape, [2, 3]);
    assert_eq!(of_pub.metadata["shots"], 200);
    let names: Vec<&str> = of_pub.registers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    let (first, second) = (of_pub.register("first").unwrap(), of_pub.register("second").unwrap());
    assert_eq!((first.n_bits(), second.n_bits(), second.n_shots()), (1, 2, 200));
    let always = |counts: Counts, outcome: &str| assert_eq!(counts.get(outcome), 200, "{counts}");
    for (place, (a, b)) in
        [("0", "10"), ("0", "00"), ("0", "10"), ("1", "10"), ("1", "00"), ("1", "10")]
            .into_iter()
            .enumerate()
    {
        always(first.counts(place), a);
        always(second.counts(place), b);
    }
}

#[test]
fn a_circuit_crosses_once_for_all_its_places() {
    let values = NdArray::from_rows(vec![vec![0.1, 0.2]; 50]).unwrap();
    let pubs = [SamplerPub::new(turned()).with_parameters(values).with_shots(7)];
    let qobj = plan(&pubs, &options(3), &configuration(&[])).unwrap();
    assert_eq!((qobj.circuits().len(), qobj.experiments().len()), (1, 50));
    assert!(qobj.experiments().iter().all(|one| qobj.shots(one) == 7 && qobj.memory(one)));
}

#[test]
fn shots_of_all_registers_belong_together() {
    let mut circuit = Circuit::new(2, 0);
    circuit.add_creg("a", 1);
    circuit.add_creg("b", 1);
    let pubs = [SamplerPub::new(circuit.h(0).cx(0, 1).measure(0, 0).measure(1, 1))];
    let pairs = |result: PrimitiveResult<SamplerPubResult>| {
        let of_pub = &result.pubs[0];
        let all = of_pub.register("a").unwrap().bitstrings(0);
        all.zip(of_pub.register("b").unwrap().bitstrings(0)).collect::<Vec<_>>()
    };
    let found = pairs(sample(&pubs).unwrap());
    assert!(found.iter().all(|(a, b)| a == b));
    assert!(!found.is_sorted(), "shots are not in the order in which they were run");
    // A backend that only counts: the same outcomes, sorted.
    let mut forgetful = configuration(&[]);
    forgetful.memory = false;
    let run = execute(plan(&pubs, &options(3), &forgetful).unwrap());
    assert!(run.experiments[0].memory.is_none());
    let counted = collect(&pubs, &options(3), &run).unwrap();
    assert_eq!(counted.pubs[0].metadata["shots_in_order"], false);
    let mut sorted = found;
    sorted.sort();
    assert_eq!(pairs(counted), sorted);
}

#[test]
fn circuits_may_depend_on_what_they_measured() {
    let circuit = Circuit::new(1, 2).h(0).measure(0, 0).if_equal(0, 1, |c| c.x(0)).measure(0, 1);
    let result = sample(&[SamplerPub::new(circuit)]).unwrap();
    let counts = result.pubs[0].register("c").unwrap().total_counts();
    assert_eq!(counts.get("00") + counts.get("01"), 200, "{counts}");
    assert!(counts.get("00").min(counts.get("01")) > 50, "{counts}");
}

#[test]
fn the_same_seed_gives_the_same_shots() {
    let pubs = [SamplerPub::new(Circuit::new(3, 3).h(0).h(1).h(2).measure_all())];
    let with = |seed| {
        let engine = Engine(configuration(&[]));
        let sampler = Sampler::new(&engine).with_shots(100).with_seed(seed);
        sampler.run(&pubs, None).unwrap()
    };
    assert_eq!(with(1), with(1));
    assert_ne!(with(1), with(2));
}

#[test]
fn what_cannot_be_sampled_is_refused_by_pub() {
    assert_eq!(says(&[]), "no pubs, expected at least one");
    let good = SamplerPub::new(Circuit::new(1, 1).measure_all());
    let second = |bad: SamplerPub| says(&[good.clone(), bad]);
    assert_eq!(
        second(SamplerPub::new(Circuit::new(1, 1).named("mute"))),
        "pub 1: the circuit `mute` measures nothing, so there is nothing to sample"
    );
    assert_eq!(second(good.clone().with_shots(0)), "pub 1: 0 shots, expected at least 1");
    assert_eq!(
        second(good.clone().with_shots(2_000_000)),
        "pub 1: 2000000 shots, backend `engine` runs at most 1000000"
    );
    assert_eq!(
        second(SamplerPub::new(turned()).with_parameters([1.0])),
        "pub 1: the last axis of the parameter values has 1 numbers, expected 2, for a, b"
    );
    let none = NdArray::new(vec![0, 2], vec![]).unwrap();
    assert_eq!(
        second(SamplerPub::new(turned()).with_parameters(none)),
        "pub 1: shape (0,) has no places, so there is nothing to run"
    );
    let many = NdArray::from_rows(vec![vec![0.5, 0.5]; 20_000]).unwrap();
    assert_eq!(
        second(SamplerPub::new(turned()).with_parameters(many).with_shots(1_000_000)),
        "pub 1: the samples take 40000000000 bytes, at most 8589934592; ask for fewer shots or \
         places"
    );
}

#[test]
fn a_job_has_no_more_experiments_than_its_backend_takes() {
    let values = NdArray::from_rows(vec![vec![0.1, 0.2]; 5]).unwrap();
    let pubs = [SamplerPub::new(turned()).with_parameters(values)];
    let mut small = configuration(&[]);
    small.max_experiments = Some(4);
    let refusal = plan(&pubs, &options(1), &small).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "5 experiments for one job, at most 4; run fewer pubs at a time"
    );
    assert_eq!(refusal.code(), "primitive.too_large");
}

#[test]
fn what_is_small_for_each_pub_may_be_too_much_for_a_job() {
    let says = |pubs: &[SamplerPub]| {
        let refusal = plan(pubs, &options(1), &configuration(&[])).unwrap_err();
        assert_eq!(refusal.code(), "primitive.too_large");
        refusal.to_string()
    };
    let row = NdArray::from_rows(vec![vec![0.5, 0.5]; 5_000]).unwrap();
    let one = SamplerPub::new(turned()).with_parameters(row).with_shots(600_000);
    plan(std::slice::from_ref(&one), &options(1), &configuration(&[])).unwrap();
    assert_eq!(
        says(&[one.clone(), one]),
        "12000000000 bytes of samples for one job, at most 8589934592; run fewer pubs at a time"
    );
    // One row of numbers, at a million places.
    let names: Vec<String> = (0..64).map(|number| format!("p{number}")).collect();
    let circuit =
        names.iter().fold(Circuit::new(1, 1), |circuit, name| circuit.rx(name.as_str(), 0));
    let places = NdArray::new(vec![1 << 20, 0], vec![]).unwrap();
    let values = ParameterValues::named(names, vec![0.0; 64]).and_named(Vec::new(), places);
    let one = SamplerPub::new(circuit.measure(0, 0)).with_parameters(values).with_shots(1);
    assert_eq!(
        says(&[one]),
        "67108864 numbers for parameters for one job, at most 33554432; run fewer pubs at a time"
    );
}

#[test]
fn results_that_are_not_those_of_the_pubs_are_refused() {
    let pubs = [SamplerPub::new(Circuit::new(1, 1).h(0).measure_all())];
    let result = execute(plan(&pubs, &options(1), &configuration(&[])).unwrap());
    let says = |pubs: &[SamplerPub], result: &RunResult| {
        collect(pubs, &options(1), result).unwrap_err().to_string()
    };
    let twice = [pubs[0].clone(), pubs[0].clone()];
    assert_eq!(says(&twice, &result), "the result has 1 experiments, these pubs need at least 2");
    let wider = [SamplerPub::new(Circuit::new(1, 9).measure(0, 0))];
    assert_eq!(says(&wider, &result), "pub 0: experiment 0 has 1 clbits, expected 9");
    let longer = [pubs[0].clone().with_shots(9)];
    assert_eq!(says(&longer, &result), "pub 0: experiment 0 has 200 shots, expected 9");
    let mut failed = result.clone();
    failed.experiments[0].success = false;
    failed.experiments[0].status = "out of memory".to_owned();
    assert_eq!(says(&pubs, &failed), "pub 0: experiment 0 failed: out of memory");
    let mut empty = result;
    (empty.experiments[0].memory, empty.experiments[0].counts) = (None, None);
    assert_eq!(
        says(&pubs, &empty),
        "pub 0: the result of experiment 0 has no memory and no counts"
    );
}
