//! A plugin in a process of its own: whatever it does there, the host goes on, and says what
//! happened.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use ketch::{
    Backend, BackendError, Circuit, Event, Job, JobEvent, JobEvents, JobStatus, Limits, Message,
    Provider, Qobj, Registry, RunOptions, SearchPath,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sandbox::{built, local_plugin};

/// The longest that an error may take to arrive after the death of a worker: far more than the 100 ms
/// that are promised, for a machine that is busy with other tests, and far less than any deadline.
const SOON: Duration = Duration::from_secs(5);

/// The plugin `unruly` in a directory of its own.
struct Unruly {
    _directory: TempDir,
    registry: Registry,
    provider: Arc<dyn Provider>,
}

impl Unruly {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Limits)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::copy(built("examples/libunruly.so"), directory.path().join("unruly.so")).unwrap();
        let mut limits = Limits::default();
        change(&mut limits);
        let path = SearchPath::only([directory.path().to_owned()]);
        let registry = Registry::discover(&path).with_limits(limits);
        let provider = registry.provider("unruly").unwrap();
        Self { _directory: directory, registry, provider }
    }

    fn tell(&self, what: &str, how: Value) -> Result<Value, BackendError> {
        let answer = self.provider.extensions().unwrap().call(what, Message::json(&how));
        answer.map(|answer| answer.to_json().unwrap_or_default())
    }

    fn process(&self) -> u64 {
        self.tell("process", json!({})).unwrap().as_u64().unwrap()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        self.provider.get_backend("bench").unwrap()
    }
}

/// A job of the backend that does what its key says.
fn job(backend: &dyn Backend, key: &str) -> Arc<dyn Job> {
    let options = RunOptions { job_key: Some(key.to_owned()), ..RunOptions::default() };
    backend.run(Qobj::from_circuit(Circuit::new(1, 1).x(0).measure_all()), options).unwrap()
}

fn is_running(process: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    // A process that has ended and that nobody has asked about yet is a zombie.
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'))
}

/// What is said of a death in this call, within the time that it may take.
#[track_caller]
fn dies(unruly: &Unruly, what: &str, how: Value, expected: &str) {
    let start = Instant::now();
    let error = unruly.tell(what, how).unwrap_err();
    let took = start.elapsed();
    assert_eq!((error.code(), error.to_string().as_str()), ("plugin.died", expected));
    assert!(took < SOON, "{what}: {took:?}");
}

#[test]
fn every_end_of_a_worker_is_told_and_the_next_call_works() {
    let ends = [
        ("abort", "died of signal 6 (SIGABRT)"),
        ("segfault", "died of signal 11 (SIGSEGV)"),
        ("overflow", "died of signal 6 (SIGABRT)"),
        ("exit", "exited with code 3"),
    ];
    for (what, end) in ends {
        let unruly = Unruly::new();
        let backend = unruly.backend();
        let first = unruly.process();
        let expected = format!("provider `unruly` {end} in `{what}` of the provider");
        dies(&unruly, what, json!({"code": 3}), &expected);
        assert!(!is_running(first), "{what}");
        let second = unruly.process();
        assert!(is_running(second) && second != first, "{what}");
        // What was got from the first worker is found again in the second.
        assert!(backend.status().unwrap().operational, "{what}");
    }
}

#[test]
fn the_last_lines_are_part_of_the_error() {
    let unruly = Unruly::new();
    unruly.tell("print", json!({"lines": 10_000})).unwrap();
    let error = unruly.tell("abort", json!({})).unwrap_err();
    let causes = error.causes().join("\n");
    assert!(causes.starts_with("it printed:\n"), "{causes}");
    assert!(causes.contains("line 9999") && causes.ends_with("about to abort"), "{causes}");
    assert!(!causes.contains('\x1b') && causes.lines().count() <= 21, "{causes}");
}

#[test]
fn all_jobs_of_a_dead_worker_have_failed_and_those_of_others_go_on() {
    let unruly = Unruly::new();
    let neighbour = Unruly::new();
    let waiting = job(&*unruly.backend(), "waits");
    let unasked = job(&*unruly.backend(), "unasked");
    let spared = job(&*neighbour.backend(), "waits");
    assert_eq!(waiting.status().unwrap(), JobStatus::Running);
    let waiter = thread::spawn({
        let waiting = Arc::clone(&waiting);
        move || (waiting.result(None).unwrap_err(), Instant::now())
    });
    let dying = job(&*unruly.backend(), "dies");
    let before = Instant::now();
    let error = dying.result(Some(Duration::from_secs(60))).unwrap_err();
    let (other, told) = waiter.join().unwrap();
    assert!(told.saturating_duration_since(before) < SOON);
    for (error, job) in [(error, &dying), (other, &waiting)] {
        assert_eq!(error.code(), "plugin.died");
        assert!(error.to_string().contains("died of signal 6 (SIGABRT) in `result` of job `"));
        assert_eq!(job.status().unwrap(), JobStatus::Error);
        assert!(job.error_message().unwrap().unwrap().contains("SIGABRT"));
    }
    assert_eq!(unasked.status().unwrap(), JobStatus::Error);
    assert_eq!(unasked.result(None).unwrap_err().code(), "plugin.died");
    assert!(!unasked.cancel().unwrap());
    assert_eq!((unasked.job_id().as_str(), unasked.backend().name()), ("unasked", "bench"));
    // The provider next door has not noticed anything.
    assert_eq!(spared.status().unwrap(), JobStatus::Running);
    assert!(spared.cancel().unwrap());
    assert_eq!(spared.result(None).unwrap_err().code(), "job.cancelled");
}

#[test]
fn a_result_that_waits_delays_nothing_and_ends_at_its_deadline() {
    let unruly = Unruly::new();
    let backend = unruly.backend();
    for key in ["waits", "deaf"] {
        let job = job(&*backend, key);
        let start = Instant::now();
        let after = Duration::from_millis(200);
        match job.result(Some(after)).unwrap_err() {
            BackendError::Timeout { job, after: told } => {
                assert_eq!((job.as_str(), told), (key, after));
            }
            other => panic!("{other}"),
        }
        let took = start.elapsed();
        assert!(took >= after && took < after + SOON, "{key}: {took:?}");
    }
    let jobs: Vec<Arc<dyn Job>> = (0..20).map(|_| job(&*backend, "waits")).collect();
    let waiters: Vec<_> = jobs
        .iter()
        .map(Arc::clone)
        .map(|job| thread::spawn(move || job.result(None).unwrap_err().code().to_owned()))
        .collect();
    for job in &jobs {
        assert_eq!(job.status().unwrap(), JobStatus::Running);
        assert!(job.cancel().unwrap());
    }
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), "job.cancelled");
    }
}

#[test]
fn a_call_that_hangs_ends_its_worker_at_the_deadline() {
    let unruly = Unruly::with(|limits| limits.answer = Duration::from_millis(300));
    let job = job(&*unruly.backend(), "waits");
    let waiter = thread::spawn({
        let job = Arc::clone(&job);
        move || job.result(None).unwrap_err()
    });
    let start = Instant::now();
    let error = unruly.tell("hang", json!({})).unwrap_err();
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(300) && took < SOON, "{took:?}");
    let expected = "provider `unruly` gave no answer to `hang` of the provider for 0.3 s";
    assert_eq!((error.code(), error.to_string().as_str()), ("plugin.died", expected));
    assert_eq!(waiter.join().unwrap().to_string(), expected);
    assert!(is_running(unruly.process()));
}

#[test]
fn nonsense_on_the_socket_ends_the_worker() {
    let unruly = Unruly::new();
    let error = unruly.tell("junk", json!({})).unwrap_err().to_string();
    assert!(
        error.starts_with("provider `unruly` broke the rules of its socket: a frame"),
        "{error}"
    );
    let expected = "provider `unruly` exited with code 0 in `close_socket` of the provider";
    dies(&unruly, "close_socket", json!({}), expected);
    assert!(is_running(unruly.process()));
}

#[test]
fn limits_of_memory_files_and_processor_time() {
    const MIB: u64 = 1 << 20;
    let unruly = Unruly::with(|limits| {
        limits.memory = Some(256 * MIB);
        limits.open_files = 50;
        limits.cpu_time = Some(Duration::from_secs(1));
    });
    let sum = unruly.tell("allocate", json!({"bytes": 64 * MIB})).unwrap();
    assert_eq!(sum, json!(64 * MIB));
    let error = unruly.tell("allocate", json!({"bytes": 1024 * MIB})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "provider `unruly` died of signal 6 (SIGABRT) in `allocate` of the provider"
    );
    let said = error.causes().join("\n");
    assert!(said.contains("memory allocation of 1073741824 bytes failed"), "{said}");

    let opened = unruly.tell("open_files", json!({"count": 1000})).unwrap().as_u64().unwrap();
    assert!((20..50).contains(&opened), "{opened}");

    let error = unruly.tell("spin", json!({})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "provider `unruly` used up its 1 s of processor time in `spin` of the provider"
    );
}

#[test]
fn a_plugin_that_keeps_dying_is_paused() {
    let unruly = Unruly::new();
    for _ in 0..3 {
        assert_eq!(unruly.tell("abort", json!({})).unwrap_err().code(), "plugin.died");
    }
    let error = unruly.tell("process", json!({})).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("plugin.paused", true));
    let said = error.to_string();
    assert!(said.starts_with("provider `unruly` is paused for "), "{said}");
    assert!(said.contains("keeps dying: provider `unruly` died of signal 6 (SIGABRT)"), "{said}");
    assert_eq!(unruly.registry.get_backend("unruly/bench").unwrap_err().code(), "plugin.paused");
}

#[test]
fn a_worker_takes_along_what_it_started() {
    let unruly = Unruly::new();
    let child = unruly.tell("start_child", json!({})).unwrap().as_u64().unwrap();
    assert!(is_running(child));
    unruly.tell("abort", json!({})).unwrap_err();
    let second = unruly.tell("start_child", json!({})).unwrap().as_u64().unwrap();
    let worker = unruly.process();
    // A worker that nobody needs any more ends too.
    drop(unruly);
    let start = Instant::now();
    while [child, second, worker].into_iter().any(is_running) {
        assert!(start.elapsed() < 2 * SOON, "{child} {second} {worker}");
        thread::yield_now();
    }
}

#[test]
fn a_flood_of_output_and_events_is_survived_and_counted() {
    let unruly = Unruly::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    unruly.registry.listen(move |event| listener.lock().unwrap().push(event));
    unruly.tell("events", json!({"count": 50_000})).unwrap();
    unruly.tell("print", json!({"lines": 50_000})).unwrap();
    let told = heard.lock().unwrap().len();
    assert!(told >= 1000, "{told}");
    assert!(told < 50_000, "{told}");
    let first = Event::Log {
        provider: "unruly".to_owned(),
        level: "warn".to_owned(),
        message: "event 0".to_owned(),
    };
    assert!(heard.lock().unwrap().contains(&first));
    assert!(is_running(unruly.process()));
}

#[test]
fn the_events_of_a_job_end_with_its_worker() {
    let unruly = Unruly::new();
    let mut events = job(&*unruly.backend(), "deaf").events().unwrap();
    assert_eq!(events.next(), Some(JobEvent::State(JobStatus::Running)));
    unruly.tell("abort", json!({})).unwrap_err();
    let died = Instant::now();
    assert_eq!(events.next(), Some(JobEvent::State(JobStatus::Error)));
    assert!(died.elapsed() < SOON, "{:?}", died.elapsed());
    assert_eq!(events.next(), None);
}

#[test]
fn a_listener_that_panics_harms_nobody() {
    let unruly = Unruly::new();
    unruly.registry.listen(|event| panic!("heard {event:?}"));
    unruly.tell("events", json!({"count": 3})).unwrap();
    assert!(is_running(unruly.process()));
}

#[test]
fn a_plugin_asks_its_host_and_finds_nothing_on_its_standard_input() {
    let unruly = Unruly::new();
    let accounts = unruly.tell("accounts", json!({})).unwrap();
    assert_eq!(accounts, json!({"schema": "ketch.accounts/1", "accounts": []}));
    assert_eq!(unruly.tell("standard_input", json!({})).unwrap(), json!("/dev/null"));
}

#[test]
fn a_file_that_became_another_is_refused_when_the_worker_is_replaced() {
    let unruly = Unruly::new();
    let file = unruly._directory.path().join("unruly.so");
    fs::copy(local_plugin(), &file).unwrap();
    // The worker that there is has a copy of its own.
    assert!(is_running(unruly.process()));
    unruly.tell("abort", json!({})).unwrap_err();
    let error = unruly.tell("process", json!({})).unwrap_err();
    assert_eq!(error.code(), "plugin.refused");
    assert!(error.to_string().contains("another plugin than at discovery"), "{error}");
}

#[test]
fn workers_are_told_apart_in_the_list_of_processes() {
    let unruly = Unruly::new();
    let worker = Path::new("/proc").join(unruly.process().to_string());
    let line = fs::read_to_string(worker.join("cmdline")).unwrap();
    assert_eq!(line, "ketch\0plugin-host\0unruly\0");
    assert_eq!(fs::read_to_string(worker.join("oom_score_adj")).unwrap().trim(), "1000");
}
