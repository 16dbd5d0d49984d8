//! Events of jobs of real plugins: in this process through the ABI, and in one of their own.

use std::{
    fs,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use ketch::{
    Backend, Circuit, Isolation, Job, JobEvent, JobEvents, JobStatus, Progress, Qobj, Registry,
    RunOptions, SearchPath, events_of,
    jobs::{Store, StoredBackend, as_completed},
};
use tempfile::TempDir;

use crate::sandbox::{Sandbox, built, whole_machine};

/// Longer than anything here takes on a busy machine, so that a hang fails.
const LONG: Duration = Duration::from_secs(120);

/// The provider of this name, with and without a process of its own.
fn both(provider: &str) -> [(TempDir, Registry); 2] {
    [Isolation::Never, Isolation::Always].map(|isolation| {
        let directory = tempfile::tempdir().unwrap();
        let file = format!("libketch_provider_{provider}.so");
        fs::copy(built(&file), directory.path().join(file)).unwrap();
        let path = SearchPath::only([directory.path().to_owned()]);
        let registry = Registry::discover(&path).with_isolation(isolation);
        (directory, registry)
    })
}

/// Half a minute of work and more in one experiment, in passes of a millisecond.
fn endless() -> Qobj {
    let n = 18;
    let layer = |circuit: Circuit, turn: u32| {
        let turned = (0..n).fold(circuit, |c, q| c.rx(0.1 + f64::from(turn * n + q), q));
        (1..n).fold(turned, |c, q| c.cx(q - 1, q))
    };
    let circuit = (0..4000).fold(Circuit::new(n, n), layer);
    Qobj::from_circuit(circuit.measure_all()).with_shots(10)
}

/// Some time of work on a device of two qubits and more: each shot runs on its own.
fn endless_on_a_device(backend: &dyn Backend) -> Qobj {
    let turn = |circuit: Circuit, _| circuit.h(0).measure(0, 0).h(1).measure(1, 1);
    let circuit = (0..200).fold(Circuit::new(2, 2), turn);
    let fitted = ketch::fit(Qobj::from_circuit(circuit), backend, 0).unwrap().qobj;
    let shots = backend.configuration().unwrap().max_shots.unwrap();
    fitted.with_shots(shots)
}

fn run(backend: &dyn Backend, qobj: Qobj) -> Arc<dyn Job> {
    let options = RunOptions { threads: Some(1), ..RunOptions::default() };
    backend.run(qobj, options).unwrap()
}

/// Events until this many pieces of progress have come; the pieces.
#[track_caller]
fn pieces(events: &mut impl Iterator<Item = JobEvent>, count: usize) -> Vec<Progress> {
    let progress = |event| match event {
        JobEvent::Progress(progress) => Some(progress),
        JobEvent::State(state) => {
            assert!(!state.is_final(), "it ended");
            None
        }
        _ => None,
    };
    events.filter_map(progress).take(count).collect()
}

/// One experiment moves on, and no faster than ten times a second.
#[track_caller]
fn moves(found: &[Progress], took: Duration) {
    assert!(found.iter().all(|one| (one.done, one.of) == (0, 1)), "{found:?}");
    assert!(found.is_sorted_by(|a, b| a.within < b.within), "{found:?}");
    assert!(found.iter().all(|one| one.within > 0.0 && one.share() < 1.0), "{found:?}");
    // The first one may lie there already.
    let least = Duration::from_millis(100) * u32::try_from(found.len() - 2).unwrap();
    assert!(took >= least, "{} within {took:?}", found.len());
}

#[test]
fn an_experiment_tells_how_far_it_is_and_its_end() {
    let _machine = whole_machine();
    for (_directory, registry) in both("local") {
        let backend = registry.get_backend("local/statevector_simulator").unwrap();
        // Pieces that come while this thread waits for its turn are told at once.
        let start = Instant::now();
        let job = run(&*backend, endless());
        let mut events = job.events().unwrap();
        let found = pieces(&mut events, 4);
        moves(&found, start.elapsed());
        assert!(job.cancel().unwrap());
        let asked = Instant::now();
        assert_eq!(events.last(), Some(JobEvent::State(JobStatus::Cancelled)));
        assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    }
}

#[test]
fn a_noisy_experiment_tells_how_far_it_is() {
    let _machine = whole_machine();
    for (_directory, registry) in both("noisy") {
        let backend = registry.get_backend("noisy/ibmqx4").unwrap();
        // Each shot of a circuit that measures in between runs on its own.
        let job = run(&*backend, endless_on_a_device(&*backend));
        let start = Instant::now();
        let found = pieces(&mut job.events().unwrap(), 3);
        moves(&found, start.elapsed());
        job.cancel().unwrap();
    }
}

#[test]
fn listeners_hear_every_state_in_order() {
    let _machine = whole_machine();
    for (_directory, registry) in both("noisy") {
        // One that runs a job at a time.
        let backend = registry.get_backend("noisy/ibmqx4").unwrap();
        let first = run(&*backend, endless_on_a_device(&*backend));
        first.events().unwrap().find(|event| *event == JobEvent::State(JobStatus::Running));
        let second = run(&*backend, Qobj::from_circuit(Circuit::new(1, 1).measure(0, 0)));
        let (sender, heard) = mpsc::channel();
        let forward = move |event| sender.send(event).unwrap();
        second.on_event(forward).unwrap();
        assert_eq!(heard.recv_timeout(LONG).unwrap(), JobEvent::State(JobStatus::Queued));
        assert_eq!(heard.recv_timeout(LONG).unwrap(), JobEvent::Position(1));
        first.cancel().unwrap();
        // On a slow machine it may tell how far it is in between.
        let is_state = |event: &JobEvent| matches!(event, JobEvent::State(_));
        let rest: Vec<JobEvent> = heard.into_iter().filter(is_state).collect();
        assert_eq!(rest, [JobStatus::Running, JobStatus::Done].map(JobEvent::State));
    }
}

#[test]
fn many_jobs_come_in_the_order_of_their_ends() {
    for (_directory, registry) in both("local") {
        let backend = registry.get_backend("local/qasm_simulator").unwrap();
        let bell = || Qobj::from_circuit(Circuit::new(2, 2).h(0).cx(0, 1).measure_all());
        let jobs: Vec<_> = (0..200).map(|_| run(&*backend, bell())).collect();
        let ended = events_of(jobs.clone()).unwrap();
        let ended = ended.filter(|(_, event)| *event == JobEvent::State(JobStatus::Done));
        let mut places: Vec<usize> = ended.map(|(place, _)| place).collect();
        places.sort_unstable();
        assert!(places.into_iter().eq(0..200));
        assert!(as_completed(jobs).all(|(_, result)| result.unwrap().success));
    }
}

#[test]
fn a_kept_job_has_the_events_of_the_job_itself() {
    let _machine = whole_machine();
    for (directory, registry) in both("local") {
        let backend = registry.get_backend("local/statevector_simulator").unwrap();
        let store = Arc::new(Store::open(&directory.path().join("jobs")).unwrap());
        let inner = Arc::clone(&backend.backend);
        let kept = StoredBackend::new(Arc::clone(&store), &backend.name, inner);
        let job = run(&kept, endless());
        let mut events = job.events().unwrap();
        pieces(&mut events, 2);
        // Another process sees it as well.
        let start = Instant::now();
        let seen = loop {
            if let Some(progress) = store.progress(&job.job_id()) {
                break progress;
            }
            assert!(start.elapsed() < LONG);
            std::thread::yield_now();
        };
        assert!(seen.of == 1 && seen.within > 0.0, "{seen:?}");
        job.cancel().unwrap();
        assert_eq!(events.last(), Some(JobEvent::State(JobStatus::Cancelled)));
        assert_eq!(store.job(&job.job_id()).unwrap().state, JobStatus::Cancelled);
        assert_eq!(store.progress(&job.job_id()), None);
    }
}

#[test]
fn the_progress_of_a_workers_job_is_known_everywhere() {
    let _machine = whole_machine();
    let sandbox = Sandbox::new();
    sandbox.write("endless.json", endless().to_json().unwrap().to_string());
    let submit = ["submit", "endless.json", "-b", "local/statevector_simulator", "--threads", "1"];
    let id = sandbox.ketch(&submit).ok().trim().to_owned();
    let start = Instant::now();
    let share = loop {
        let job = sandbox.ketch(&["job", &id, "--json"]).json();
        if let Some(share) = job["progress"].as_f64().filter(|share| *share > 0.0) {
            break share;
        }
        assert!(start.elapsed() < LONG, "{job}");
    };
    assert!(share < 1.0, "{share}");
    let told = sandbox.ketch(&["job", &id]).ok();
    assert!(told.contains(" %"), "{told}");
    sandbox.ketch(&["cancel", &id]).ok();
    let job = sandbox.ketch(&["job", &id, "--json"]).json();
    assert_eq!((&job["status"], &job["progress"]), (&"CANCELLED".into(), &serde_json::Value::Null));
}
