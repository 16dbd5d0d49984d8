//! The golden host: uses a plugin in every way that a host of ABI 1 could when it was new.
//!
//! `golden-host DIRECTORY PROVIDER/BACKEND` loads what lies in the directory, and says what worked.
//! The backend must know `x`, `cx` and `measure`, and be exact. `golden-host --layout` prints the
//! layout of all that crosses.

#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ketch_core::{
    Backend, Buffer, Circuit, Error, Extensions, Filter, Job, JobStatus, Message, Provider, Qobj,
    RunOptions, qobj::Program, result::Data,
};
use ketch_registry::{Event, Registry, SearchPath};
use serde_json::json;

/// Longer than anything here takes, unless it hangs.
const LONG: Option<Duration> = Some(Duration::from_secs(60));

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["--layout"] {
        print!("{}", ketch_abi::layout_text());
        return;
    }
    let [directory, name] = &arguments[..] else { panic!("golden-host DIRECTORY NAME") };
    let registry = Registry::discover(&SearchPath::only([directory.into()]));
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    registry.listen(move |event| heard.lock().unwrap().push(event));

    lists(&registry, name);
    let backend = registry.get_backend(name).unwrap();
    runs(&*backend);
    refuses(&*backend);
    cancels(&*backend);
    let provider = registry.provider(name.split('/').next().unwrap()).unwrap();
    refuses_names(&*provider);
    let mut worked = "lists, runs, refuses, cancels".to_owned();
    if provider.name() == "golden" {
        extends(&*provider);
        pushes(&events.lock().unwrap());
        worked.push_str(", extends, pushes");
    }
    // An extension that ketch-abi itself answers, from a later minor version on.
    let later = provider.extensions().unwrap();
    let minor = match later.supports("golden.minor") {
        0 => "no later extension",
        _ => {
            let answer = later.call("golden.minor", Message::default()).unwrap();
            assert_eq!(answer.to_json(), Some(json!({"minor": 2})));
            "the extension of 1.2"
        }
    };
    println!("{name}: {worked}; {minor}");
}

fn lists(registry: &Registry, name: &str) {
    let listing = registry.backends(&Filter::new());
    assert!(listing.problems.is_empty(), "{:?}", listing.problems);
    let names: Vec<&str> = listing.backends.iter().map(|found| found.name.as_str()).collect();
    assert!(names.contains(&name), "{names:?}");
    for found in &listing.backends {
        let backend: &dyn Backend = &**found;
        assert_eq!(found.name, format!("{}/{}", found.provider, backend.name()));
        assert_eq!(backend.configuration().unwrap().backend_name, backend.name());
        assert!(backend.status().unwrap().operational);
        if let Some(properties) = backend.properties().unwrap() {
            assert_eq!(properties.backend_name, backend.name());
        }
    }
}

fn classical() -> Circuit {
    Circuit::new(3, 3).named("classical").x(0).cx(0, 1).measure_all()
}

fn runs(backend: &dyn Backend) {
    let second = Circuit::new(2, 2).named("second").x(1).measure_all();
    let mut qobj = Qobj::from_circuits(vec![classical(), second]).with_shots(100).with_memory();
    qobj = qobj.with_seed(7);
    let options = RunOptions { job_key: Some("golden-key".to_owned()), ..Default::default() };
    let job = backend.run(qobj, options).unwrap();
    assert_eq!(job.job_id(), "golden-key");
    let result = job.result(LONG).unwrap();
    assert!(result.success, "{result:?}");
    assert_eq!(result.job_id, "golden-key");
    assert_eq!(
        (result.counts("classical").unwrap().get("011"), result.experiments.len()),
        (100, 2)
    );
    assert_eq!(result.counts(1).unwrap().get("10"), 100);
    assert_eq!(result.memory("second").unwrap().len(), 100);
    if let Some(Data::Vector(amplitudes)) = result.experiments[0].data.get("statevector") {
        assert_eq!((amplitudes.len(), amplitudes[3].re), (8, 1.0));
    }

    assert_eq!(job.status().unwrap(), JobStatus::Done);
    assert_eq!(job.error_message().unwrap(), None);
    assert_eq!(job.queue_position().unwrap(), None);
    assert!(job.creation_date().unwrap().is_some());
    assert_eq!(job.backend().name(), backend.name());
    assert!(!job.cancel().unwrap(), "it is done");
    let again = backend.retrieve_job(&job.job_id()).unwrap();
    assert_eq!(again.result(LONG).unwrap().experiments, result.experiments);
}

fn refuses(backend: &dyn Backend) {
    let qobj = || Qobj::from_circuit(classical());
    let run = |qobj| backend.run(qobj, RunOptions::default()).err().unwrap();
    match run(qobj().with_option("no_such_option", 1)) {
        Error::InvalidOption { name, .. } => assert_eq!(name, "no_such_option"),
        error => panic!("{error:?}"),
    }
    let mut pulse = qobj();
    pulse.program = Program::Pulse(serde_json::Map::new());
    let error = run(pulse).to_string();
    assert!(error.contains("pulse"), "{error}");
    if let Some(limit) = backend.configuration().unwrap().n_qubits() {
        let wide = Circuit::new(limit + 1, 1).x(limit).measure(limit, 0);
        match backend.run(Qobj::from_circuit(wide), RunOptions::default()) {
            // A simulator may look further than its limit.
            Ok(job) => assert_eq!(job.result(LONG).unwrap().counts(0).unwrap().get("1"), 1024),
            Err(Error::TooManyQubits { needed, .. }) => assert_eq!(needed, limit + 1),
            Err(error) => panic!("{error:?}"),
        }
    }
    match backend.retrieve_job("no such job").err() {
        Some(Error::JobNotFound { job }) => assert_eq!(job, "no such job"),
        other => panic!("{other:?}"),
    }
}

/// Something that is still running when it is cancelled.
fn endless(backend: &dyn Backend) -> Arc<dyn Job> {
    let gates = &backend.configuration().unwrap().basis_gates;
    let mut qobj = Qobj::from_circuit(layers(gates.iter().any(|gate| gate == "rx")));
    if let Program::Circuits { experiments, .. } = &mut qobj.program {
        *experiments = vec![experiments[0].clone(); 2_000];
    }
    match backend.run(qobj.clone().with_option("wait", true), RunOptions::default()) {
        Err(Error::InvalidOption { .. }) => backend.run(qobj, RunOptions::default()).unwrap(),
        other => other.unwrap(),
    }
}

/// Two thousand layers on 22 qubits, or on 3 of classical gates.
fn layers(quantum: bool) -> Circuit {
    let n = if quantum { 22 } else { 3 };
    let layer = |circuit: Circuit, number: u32| {
        (0..n).fold(circuit, |circuit, q| match (quantum, number % 2) {
            (true, 0) => circuit.rx(0.1, q),
            (false, 0) => circuit.x(q),
            _ => circuit.cx(q, (q + 1) % n),
        })
    };
    (0..2_000).fold(Circuit::new(n, n), layer).measure_all()
}

fn cancels(backend: &dyn Backend) {
    let job = endless(backend);
    let short = Duration::from_millis(30);
    match job.result(Some(short)) {
        Err(Error::Timeout { after, .. }) => assert_eq!(after, short),
        other => panic!("{other:?}"),
    }
    assert!(job.cancel().unwrap());
    assert_eq!(job.result(LONG).err().unwrap().code(), "job.cancelled");
    assert_eq!(job.status().unwrap(), JobStatus::Cancelled);
}

fn refuses_names(provider: &dyn Provider) {
    match provider.get_backend("no_such_backend").err() {
        Some(Error::BackendNotFound { name, known }) => {
            assert!(name == "no_such_backend" && !known.is_empty(), "{known:?}");
        }
        other => panic!("{other:?}"),
    }
    let extensions = provider.extensions().unwrap();
    assert_eq!(extensions.supports("no.such.extension"), 0);
    let refused = extensions.call("no.such.extension", Message::default()).unwrap_err();
    assert_eq!(refused.code(), "not_supported");
}

fn extends(provider: &dyn Provider) {
    let golden: &dyn Extensions = provider.extensions().unwrap();
    assert_eq!(golden.supports("golden.echo"), 3);
    let mut message = Message { format: 77, head: vec![0, 255, 7], buffers: Vec::new() };
    message.buffers.push(Buffer::Bytes(vec![1, 2, 3].into()));
    message.buffers.push(Buffer::Reals(vec![0.5; 9].into()));
    assert_eq!(golden.call("golden.echo", message.clone()).unwrap(), message);

    let answer = golden.call("golden.numbers", Message::default()).unwrap();
    let [Buffer::Reals(numbers)] = &answer.buffers[..] else { panic!("{answer:?}") };
    assert_eq!((numbers.len(), numbers[999_999]), (1_000_000, 999_999.0));

    let counter = golden.open("golden.counter", Message::default()).unwrap();
    let next = || counter.call("golden.next", Message::default()).unwrap().to_json().unwrap();
    assert_eq!((next(), next()), (json!({"next": 0}), json!({"next": 1})));

    let busy = golden.call("golden.busy", Message::default()).unwrap_err();
    assert_eq!((busy.code(), busy.is_retryable()), ("golden.busy", true));
    assert_eq!(busy.hint().as_deref(), Some("ask again"));
    assert_eq!(busy.causes(), ["the fridge is warm", "it is summer"]);

    match golden.call("golden.panic", Message::default()).unwrap_err() {
        Error::ProviderPanicked { message, .. } => assert_eq!(message, "golden panic"),
        error => panic!("{error:?}"),
    }

    let ask = |name: &str| {
        let question = Message::json(&json!({"name": name}));
        golden.call("golden.host", question).unwrap().to_json().unwrap()
    };
    let unknown = ask("no.such.extension");
    assert_eq!(unknown, json!({"supports": 0, "said": null, "refused": "not_supported"}));
    assert_eq!(ask("ketch.accounts/1")["said"]["accounts"], json!([]));
}

fn pushes(events: &[Event]) {
    let logged = |wanted: &str| {
        events.iter().any(|event| matches!(event, Event::Log { message, .. } if message == wanted))
    };
    assert!(logged("the golden provider was made"), "{events:?}");
    assert!(logged("running golden-key"), "{events:?}");
    let progress = events.iter().any(|event| match event {
        Event::Job { document, .. } => {
            document["job_id"] == "golden-key" && document["progress"] == 0.5
        }
        _ => false,
    });
    assert!(progress, "{events:?}");
}
