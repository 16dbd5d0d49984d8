//! The boundary, with real libraries: what crosses it, and what must not.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use ketch::{
    Array, Buffer, Event, Filter, Isolation, JobQuery, JobStatus, Message, Qobj, Registry,
    RunOptions, SearchPath, State,
};
use serde_json::json;
use tempfile::TempDir;

/// A directory with copies of these test plugins.
fn directory_of(plugins: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in plugins {
        let built = test_plugin(name);
        let copy = directory.path().join(built.file_name().unwrap());
        std::fs::copy(&built, copy).unwrap_or_else(|error| {
            panic!("{}: {error}; build it with `cargo xtask test`", built.display())
        });
    }
    directory
}

fn test_plugin(name: &str) -> PathBuf {
    let executable = std::env::current_exe().unwrap();
    let profile = executable.parent().and_then(|deps| deps.parent()).unwrap();
    profile.join(format!("examples/lib{name}.so"))
}

/// The plugins in this very process: what crosses is the ABI alone.
fn registry_of(directory: &TempDir) -> Registry {
    registry_with(directory, Isolation::Never)
}

fn registry_with(directory: &TempDir, isolation: Isolation) -> Registry {
    let path = SearchPath::only([directory.path().to_owned()]);
    Registry::discover(&path).with_isolation(isolation)
}

/// What holds of the boundary holds on both roads.
const BOTH: [Isolation; 2] = [Isolation::Never, Isolation::Always];

#[test]
fn a_large_buffer_crosses_both_ways_without_a_copy() {
    const BYTES: usize = 256 << 20;
    let directory = directory_of(&["able"]);
    let registry = registry_of(&directory);
    let provider = registry.provider("able").unwrap();
    let able = provider.extensions().unwrap();

    let mut answer = able.call("test.numbers", Message::json(&json!({"bytes": BYTES}))).unwrap();
    let address = answer.to_json().unwrap()["address"].as_u64().unwrap();
    let Some(Buffer::Reals(numbers)) = answer.buffers.pop() else { panic!("numbers") };
    assert_eq!(numbers.len() * 8, BYTES);
    assert_eq!(numbers.as_ptr().addr() as u64, address, "the plugin's own memory");
    assert_eq!((numbers[0], numbers[numbers.len() - 1]), (0.0, (BYTES / 8 - 1) as f64));

    let mut message = Message::default();
    message.buffers.push(Buffer::Reals(Array::clone(&numbers)));
    let seen = able.call("test.address", message).unwrap().to_json().unwrap();
    assert_eq!(seen, json!({"address": address, "last": (BYTES / 8 - 1) as f64}));
    // The plugin's memory outlives everything but its last user.
    drop(provider);
    drop(registry);
    assert_eq!(numbers[1000], 1000.0);
}

#[test]
fn a_plugin_that_knows_more_than_the_host() {
    for isolation in BOTH {
        knows_more(isolation);
    }
}

fn knows_more(isolation: Isolation) {
    let directory = directory_of(&["able"]);
    let registry = registry_with(&directory, isolation);
    let provider = registry.provider("able").unwrap();
    let able = provider.extensions().unwrap();
    assert_eq!((able.supports("test.echo"), able.supports("test.unknown")), (3, 0));
    let host = able.call("test.host", Message::default()).unwrap().to_json().unwrap();
    assert_eq!(host, json!({"future": 0, "log": 1, "refused": "not_supported"}));
    let refused = able.call("test.unknown", Message::default()).unwrap_err();
    assert_eq!(refused.code(), "not_supported");

    let mut message = Message { format: 77, head: vec![0, 255, 7], buffers: Vec::new() };
    message.buffers.push(Buffer::Bytes(vec![1, 2, 3].into()));
    message.buffers.push(Buffer::Complexes(vec![ketch::Complex64::I; 5].into()));
    message.buffers.push(Buffer::Reals(Vec::new().into()));
    assert_eq!(able.call("test.echo", message.clone()).unwrap(), message);
}

#[test]
fn a_plugin_that_knows_less_than_the_host() {
    for isolation in BOTH {
        knows_less(isolation);
    }
}

fn knows_less(isolation: Isolation) {
    let directory = directory_of(&["simple"]);
    let registry = registry_with(&directory, isolation);
    let provider = registry.provider("simple").unwrap();
    let simple = provider.extensions().unwrap();
    assert_eq!(simple.supports("ketch.anything/1"), 0);
    let refused = simple.call("ketch.anything/1", Message::default()).unwrap_err();
    assert_eq!(refused.code(), "not_supported");
    assert!(provider.backends(&Filter::new()).unwrap().is_empty());
    assert_eq!(provider.get_backend("x").err().unwrap().code(), "backend.not_found");
}

#[test]
fn objects_of_kinds_that_the_abi_does_not_know() {
    for isolation in BOTH {
        objects(isolation);
    }
}

fn objects(isolation: Isolation) {
    let directory = directory_of(&["able"]);
    let registry = registry_with(&directory, isolation);
    let provider = registry.provider("able").unwrap();
    let able = provider.extensions().unwrap();
    let counter = able.open("test.counter", Message::default()).unwrap();
    let next = || counter.call("test.next", Message::default()).unwrap().to_json().unwrap();
    assert_eq!((next(), next()), (json!({"next": 0}), json!({"next": 1})));
    assert_eq!((counter.supports("test.next"), counter.supports("test.echo")), (1, 0));
    assert!(able.open("test.unknown", Message::default()).is_err());
}

#[test]
fn jobs_are_opened_by_id_and_answer_everything() {
    for isolation in BOTH {
        jobs(isolation);
    }
}

fn jobs(isolation: Isolation) {
    let directory = directory_of(&["able"]);
    let registry = registry_with(&directory, isolation);
    let backend = registry.get_backend("able/able").unwrap();
    let job = backend.retrieve_job("job 42").unwrap();
    assert_eq!(job.job_id(), "job 42");
    assert_eq!(job.backend().name(), "able");
    assert_eq!(job.status().unwrap(), JobStatus::Other("CALIBRATING".to_owned()));
    assert_eq!(job.queue_position().unwrap(), Some(7));
    assert_eq!(job.error_message().unwrap().unwrap(), "no calibration since 2018");
    let created = job.creation_date().unwrap().unwrap();
    let since = created.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(since, Duration::from_millis(1_530_835_200_123));
    let after = Duration::from_millis(20);
    match job.result(Some(after)) {
        Err(ketch::BackendError::Timeout { job, after: waited }) => {
            assert_eq!((job.as_str(), waited), ("job 42", after));
        }
        other => panic!("{other:?}"),
    }
    match backend.retrieve_job("nothing").err() {
        Some(ketch::BackendError::JobNotFound { job }) => assert_eq!(job, "nothing"),
        other => panic!("{other:?}"),
    }
    let query = JobQuery { limit: 2, skip: 5, status: None };
    let ids: Vec<String> = backend.jobs(&query).unwrap().iter().map(|job| job.job_id()).collect();
    assert_eq!(ids, ["job 5", "job 6"]);
}

#[test]
fn a_plugin_pushes_events_to_the_host() {
    for isolation in BOTH {
        events(isolation);
    }
}

fn events(isolation: Isolation) {
    let directory = directory_of(&["able"]);
    let registry = registry_with(&directory, isolation);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    registry.listen(move |event| listener.lock().unwrap().push(event));
    let backend = registry.get_backend("able/able").unwrap();
    let options = RunOptions { job_key: Some("key".to_owned()), ..RunOptions::default() };
    let qobj = Qobj::from_circuit(ketch::Circuit::new(1, 1).x(0).measure_all());
    assert_eq!(backend.run(qobj, options).unwrap().job_id(), "key");
    let document = json!({"schema": "ketch.job_event/1", "job_id": "key", "progress": 0.5});
    let expected = [
        Event::Log {
            provider: "able".to_owned(),
            level: "info".to_owned(),
            message: "running key".to_owned(),
        },
        Event::Job { provider: "able".to_owned(), document },
    ];
    assert_eq!(*heard.lock().unwrap(), expected);

    // Nobody keeps the listener, although the library stays.
    drop((backend, registry));
    let start = Instant::now();
    while Arc::strong_count(&heard) > 1 {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::yield_now();
    }
}

#[test]
fn twins_load_under_their_own_names() {
    for isolation in BOTH {
        twins(isolation);
    }
}

fn twins(isolation: Isolation) {
    let directory = directory_of(&["twin_a", "twin_b"]);
    let registry = registry_with(&directory, isolation);
    let listing = registry.backends(&Filter::new());
    let names: Vec<&str> = listing.backends.iter().map(|backend| backend.name.as_str()).collect();
    assert_eq!(names, ["twin_a/common", "twin_b/common"]);
    for backend in &listing.backends {
        let description = backend.configuration().unwrap().description.clone();
        assert_eq!(description.as_deref(), Some(backend.provider.as_str()));
        let status = backend.status().unwrap_err();
        assert!(status.to_string().contains(&format!("{} wants a token", backend.provider)));
    }
    let ambiguous = registry.get_backend("common").unwrap_err();
    let expected = "the backend name `common` is ambiguous: twin_a/common, twin_b/common";
    assert_eq!(ambiguous.to_string(), expected);
}

#[test]
fn no_panic_of_a_plugin_reaches_the_host() {
    let directory = directory_of(&["panics"]);
    let registry = registry_of(&directory);
    let provider = registry.provider("panics").unwrap();
    let message = |error: ketch::BackendError| match error {
        ketch::BackendError::ProviderPanicked { provider, message } => {
            format!("{provider}: {message}")
        }
        other => panic!("{other:?}"),
    };
    let asked = provider.get_backend("x").err().unwrap();
    assert_eq!(message(asked), "panics: asked for x");
    assert_eq!(provider.extensions().unwrap().supports("x"), 0);
    let called = provider.extensions().unwrap().call("x", Message::default()).unwrap_err();
    assert_eq!(message(called), "panics: a value that is not text");

    let backend = provider.backends(&Filter::new()).unwrap().remove(0);
    assert_eq!(message(backend.configuration().unwrap_err()), "panics: a configuration");
    assert!(message(backend.status().unwrap_err()).contains("swap_remove index"));
    let qobj = Qobj::from_circuit(ketch::Circuit::new(1, 0).x(0));
    let job = backend.run(qobj, RunOptions::default()).unwrap();
    assert_eq!(job.job_id(), "");
    assert_eq!(message(job.status().unwrap_err()), "panics: asked for its status");
    assert_eq!(message(job.result(None).unwrap_err()), "panics: asked for its result");
    assert_eq!(message(job.cancel().unwrap_err()), "panics: cancelled");
    assert_eq!(message(job.backend().status().unwrap_err()), "panics: asked for its backend");
    // Each of these panics in its destructor, on the plugin's side of the boundary.
    drop(job);
    drop(backend);
}

#[test]
fn what_is_no_plugin_of_this_abi_is_refused_in_one_line() {
    let bad = ["later_abi", "lying_abi", "junk_header", "panics_early", "misnamed"];
    let directory = directory_of(&[&bad[..], &["simple"]].concat());
    let registry = registry_of(&directory);
    let refused_at_discovery: Vec<String> = registry
        .candidates()
        .iter()
        .filter_map(|candidate| match &candidate.state {
            State::Refused(refusal) => Some(refusal.to_string()),
            _ => None,
        })
        .collect();
    let file = |name: &str| directory.path().join(format!("lib{name}.so")).display().to_string();
    let later = "abi: found ABI 2, expected ABI 1; update ketch";
    assert_eq!(refused_at_discovery, [format!("{}: {later}", file("later_abi"))]);

    let loading = |id: &str| {
        let error = registry.provider(id).err().expect(id).to_string();
        assert!(!error.contains('\n'), "{error}");
        error
    };
    let lying = loading("lying");
    assert!(lying.starts_with(&file("lying_abi")), "{lying}");
    assert!(lying.contains("built for ABI 7, this host knows ABI 1"), "{lying}");
    let junk = loading("junks");
    assert!(junk.contains("types differ from ABI 1"), "{junk}");
    assert!(junk.len() < 600, "{junk}");
    let early = loading("panics_early");
    assert!(early.contains("panicked: the licence: \"no licence server\""), "{early}");
    assert!(loading("misnamed").contains("found a provider named `local`, expected `misnamed`"));
    // And the good one beside them works.
    assert_eq!(registry.provider("simple").unwrap().name(), "simple");
    assert_eq!(registry.backends(&Filter::new()).problems.len(), 4);
}

#[test]
fn a_plugin_that_needs_a_newer_c_library_is_refused_by_its_version() {
    let directory = directory_of(&["simple"]);
    let file = directory.path().join("libsimple.so");
    let mut bytes = std::fs::read(&file).unwrap();
    let version = b"GLIBC_2.";
    let places: Vec<usize> =
        (0..bytes.len() - version.len()).filter(|&at| bytes[at..].starts_with(version)).collect();
    places.iter().for_each(|at| bytes[at + 6] = b'9');
    std::fs::write(&file, bytes).unwrap();
    let refused = registry_of(&directory).provider("simple").err().unwrap().to_string();
    let expected = "version `GLIBC_9.";
    assert!(refused.contains(expected) && refused.contains("not found"), "{refused}");
    assert!(refused.starts_with(&file.display().to_string()), "{refused}");
    assert!(!refused.contains("/proc/"), "{refused}");
}
