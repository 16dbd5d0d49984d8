//! What becomes of jobs at the real service that another one might treat otherwise.

use std::time::Duration;

use ketch_core::{Circuit, Provider, Qobj, RunOptions, qobj::Program};

use crate::{
    service::{BACKEND, Service},
    support::{failure, fast, told},
};

const PATIENCE: Option<Duration> = Some(Duration::from_secs(120));

#[test]
fn experiments_that_are_sent_together_come_back_apart_also_to_another_process() {
    let service = Service::with(&[]);
    let backend = service.provider(&service.url(), fast()).get_backend(BACKEND).unwrap();
    let mut circuit = Circuit::new(2, 0).named("coin").h(0).x(1);
    circuit.add_creg("measure", 1);
    circuit.add_creg("b", 9);
    let coin = circuit.measure(0, 0).measure(1, 9);
    let unread = Circuit::new(1, 3).named("unread").x(0);
    let mut qobj = Qobj::from_circuits(vec![coin, unread]).with_shots(100).with_seed(5);
    qobj.qobj_id = "ours".to_owned();
    if let Program::Circuits { experiments, .. } = &mut qobj.program {
        let coin = experiments[0].clone();
        experiments.splice(0..1, vec![coin; 4]);
    }
    let own = [(0, "first", Some(7)), (1, "second", Some(8)), (2, "third", Some(7))];
    for (place, name, seed) in own {
        let experiment = &mut qobj.experiments_mut()[place];
        experiment.header.insert("name".to_owned(), name.into());
        experiment.config.seed = seed;
    }
    qobj.experiments_mut()[1].config.memory = Some(true);
    let job = backend.run(qobj, RunOptions::default()).unwrap();
    let result = job.result(PATIENCE).unwrap();
    let names: Vec<&str> = result.experiments.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["first", "second", "third", "coin", "unread"]);
    let counts = |name: &str| result.counts(name).unwrap().clone();
    assert_eq!(counts("first"), counts("third"), "the same seed");
    for name in &names[..4] {
        let counts = counts(name);
        assert_eq!(counts.get("100000000 0") + counts.get("100000000 1"), 100, "{counts}");
    }
    assert_eq!(counts("unread").get("000"), 100);
    assert_eq!(counts("unread").registers().len(), 1);
    assert_eq!(result.memory("second").unwrap().len(), 100);
    assert!(result.memory("first").is_err(), "nobody asked for it");
    assert_eq!((result.experiments[0].seed, result.qobj_id.as_str()), (Some(7), "ours"));

    let another = service.provider(&service.url(), fast()).get_backend(BACKEND).unwrap();
    let again = another.retrieve_job(&job.job_id()).unwrap().result(PATIENCE).unwrap();
    assert_eq!(again, result);
}

#[test]
fn a_job_that_is_too_large_is_refused_in_words() {
    let service = Service::with(&["--max-body", "1"]);
    let backend = service.provider(&service.url(), fast()).get_backend(BACKEND).unwrap();
    let mut qobj = Qobj::from_circuit(Circuit::new(1, 1).measure(0, 0));
    qobj.header.insert("large".to_owned(), "h".repeat(4 << 20).into());
    let error = failure(backend.run(qobj, RunOptions::default()));
    assert_eq!(error.code(), "service.refused", "{}", told(&error));
    let said = told(&error);
    assert!(said.contains("more than 1048576 bytes") && said.contains("fewer circuits"), "{said}");
}
