//! A plugin that misbehaves in each of its calls. Its process may die; nobody else notices.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use ketch::{
    Backend, BackendError, BackendExt, Circuit, Extensions, Job, JobQuery, JobStatus, Limits,
    Message, Qobj, Registry, RunOptions,
};
use tempfile::TempDir;

use super::{Elf, ends, good, impatient, neighbours_work};
use crate::sandbox::{Sandbox, built, example, whole_machine};

/// What a call came to: a text of what was answered.
type Outcome = Result<String, BackendError>;

/// A call that reaches a place of the plugin.
type Call = fn(&Registry, &str) -> Outcome;

fn backend(registry: &Registry, name: &str) -> Result<Arc<dyn Backend>, BackendError> {
    registry.provider("museum").unwrap().get_backend(name)
}

fn qobj() -> Qobj {
    Qobj::from_circuit(Circuit::new(1, 1).x(0).measure_all())
}

fn job(registry: &Registry, name: &str) -> Result<Arc<dyn Job>, BackendError> {
    backend(registry, name)?.run(qobj(), RunOptions::default())
}

fn on_backend(
    registry: &Registry,
    name: &str,
    call: impl Fn(&dyn Extensions) -> Outcome,
) -> Outcome {
    call(backend(registry, name)?.extensions().unwrap())
}

fn on_job(registry: &Registry, name: &str, call: impl Fn(&dyn Extensions) -> Outcome) -> Outcome {
    call(job(registry, name)?.extensions().unwrap())
}

/// A job whose process died answers that it failed; the reason is what it came to.
fn on_job_itself(registry: &Registry, name: &str, ask: impl Fn(&dyn Job) -> Outcome) -> Outcome {
    let job = job(registry, name)?;
    let answer = ask(&*job)?;
    match job.status()? {
        JobStatus::Error => {
            let story = job.error_message()?.unwrap_or_default();
            let reason = story.lines().next().unwrap_or_default().to_owned();
            Err(BackendError::JobFailed { job: job.job_id(), reason })
        }
        _ => Ok(answer),
    }
}

fn call(object: &dyn Extensions) -> Outcome {
    object.call("test.any", Message::default()).map(|answer| format!("{} bytes", answer.head.len()))
}

fn open(object: &dyn Extensions) -> Result<Arc<dyn Extensions>, BackendError> {
    object.open("test.any", Message::default())
}

/// The places of the plugin, with a call that reaches each and reports what goes wrong there.
const PLACES: &[(&str, Call)] = &[
    ("get_backend", |registry, name| Ok(backend(registry, name)?.name().to_owned())),
    ("name", |registry, name| Ok(backend(registry, name)?.name().to_owned())),
    ("configuration", |registry, name| {
        Ok(backend(registry, name)?.configuration()?.backend_version.clone())
    }),
    ("properties", |registry, name| {
        let properties = backend(registry, name)?.properties()?;
        Ok(properties.map(|properties| properties.last_update_date.clone()).unwrap_or_default())
    }),
    ("status", |registry, name| Ok(backend(registry, name)?.status()?.status_msg)),
    ("run", |registry, name| Ok(job(registry, name)?.job_id())),
    ("retrieve_job", |registry, name| {
        Ok(backend(registry, name)?.retrieve_job("some job")?.job_id())
    }),
    ("jobs", |registry, name| {
        Ok(format!("{} jobs", backend(registry, name)?.jobs(&JobQuery::default())?.len()))
    }),
    ("call", |registry, name| on_backend(registry, name, call)),
    ("open", |registry, name| on_backend(registry, name, |it| open(it).map(|_| String::new()))),
    ("opened_call", |registry, name| on_backend(registry, name, |it| call(&*open(it)?))),
    ("job_id", |registry, name| Ok(job(registry, name)?.job_id())),
    ("job_status", |registry, name| {
        on_job_itself(registry, name, |it| Ok(it.status()?.to_string()))
    }),
    ("result", |registry, name| {
        Ok(job(registry, name)?.result(Some(Duration::from_secs(1)))?.status)
    }),
    ("cancel", |registry, name| on_job_itself(registry, name, |it| Ok(it.cancel()?.to_string()))),
    ("creation_date", |registry, name| {
        on_job_itself(registry, name, |it| Ok(format!("{:?}", it.creation_date()?)))
    }),
    ("queue_position", |registry, name| {
        on_job_itself(registry, name, |it| Ok(format!("{:?}", it.queue_position()?)))
    }),
    ("error_message", |registry, name| {
        on_job_itself(registry, name, |it| Ok(it.error_message()?.unwrap_or_default()))
    }),
    ("job_call", |registry, name| on_job(registry, name, call)),
    ("job_open", |registry, name| on_job(registry, name, |it| open(it).map(|_| String::new()))),
];

/// Places that answer no errors, or that nobody waits for.
const SILENT_PLACES: &[(&str, Call)] = &[
    ("supports", |registry, name| {
        on_backend(registry, name, |it| Ok(it.supports("test.any").to_string()))
    }),
    ("opened_supports", |registry, name| {
        on_backend(registry, name, |it| Ok(open(it)?.supports("test.any").to_string()))
    }),
    ("job_supports", |registry, name| {
        on_job(registry, name, |it| Ok(it.supports("test.any").to_string()))
    }),
    ("backend", |registry, name| Ok(job(registry, name)?.backend().name().to_owned())),
    ("drop", |registry, name| Ok(backend(registry, name)?.name().to_owned())),
    ("opened_drop", |registry, name| {
        on_backend(registry, name, |it| open(it).map(|_| String::new()))
    }),
    ("job_drop", |registry, name| Ok(job(registry, name)?.job_id())),
];

/// What ends a process, and how that is told.
const DEATHS: &[(&str, &str)] = &[
    ("abort", "died of signal 6 (SIGABRT)"),
    ("segfault", "died of signal 11 (SIGSEGV)"),
    ("overflow", "died of signal 6 (SIGABRT)"),
    ("exit", "exited with code 3"),
    ("exit-well", "exited with code 0"),
    ("hang", "no answer"),
    ("panic", "panicked"),
];

/// The museum, alone in a directory.
struct Building {
    directory: TempDir,
}

impl Building {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let museum = Elf::read(&built("examples/libmuseum.so")).stripped();
        museum.write(&directory.path().join("museum.so"));
        Self { directory }
    }

    /// Somebody who has not seen any of it die yet.
    fn visitor(&self) -> Registry {
        impatient(self.directory.path())
    }
}

/// After all that, the same plugin works in a fresh process.
fn is_calm(registry: &Registry) -> Result<(), BackendError> {
    let calm = backend(registry, "calm")?;
    let result = calm.run_and_wait(qobj(), Some(Duration::from_secs(10)))?;
    assert_eq!((result.success, result.status.as_str()), (true, "COMPLETED"));
    Ok(())
}

/// A line that may be printed as it stands.
fn is_clear(line: &str) -> bool {
    !line.is_empty() && line.len() < 2000 && !line.contains(char::is_control)
}

#[test]
fn whatever_ends_a_process_ends_no_other() {
    let _alone = whole_machine();
    let building = Building::new();
    let mut wrong = Vec::new();
    for (place, call) in PLACES {
        for (fault, says) in DEATHS {
            let name = format!("{fault}-in-{place}");
            let registry = building.visitor();
            let start = Instant::now();
            let outcome = call(&registry, &name);
            let time = start.elapsed();
            let told = match &outcome {
                // `result` comes back at its own time.
                Err(BackendError::Timeout { .. }) => (*fault, *place) == ("hang", "result"),
                Err(error) => error.to_string().contains(says) && is_clear(&error.to_string()),
                // Ids are asked for beforehand, and a panic there means none.
                Ok(id) => (*fault, *place) == ("panic", "job_id") && id.is_empty(),
            };
            if !told || time > Duration::from_secs(10) {
                wrong.push(format!("{name}, {time:?}: {outcome:?}\n  expected {says}"));
            }
            if let Err(error) = is_calm(&registry) {
                wrong.push(format!("{name}, then: {error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn deaths_that_nobody_waits_for_are_noticed_by_the_next_call() {
    let _alone = whole_machine();
    let building = Building::new();
    let mut wrong = Vec::new();
    for (place, call) in SILENT_PLACES {
        for (fault, _) in DEATHS {
            let name = format!("{fault}-in-{place}");
            let registry = building.visitor();
            let start = Instant::now();
            let outcome = call(&registry, &name);
            if outcome.as_ref().is_err_and(|error| !is_clear(&error.to_string())) {
                wrong.push(format!("{name}: {outcome:?}"));
            }
            // The first call after a death may be the one that finds it.
            let calm = is_calm(&registry).or_else(|_| is_calm(&registry));
            let time = start.elapsed();
            if calm.is_err() || time > Duration::from_secs(10) {
                wrong.push(format!("{name}, then after {time:?}: {calm:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What takes all of something, and what is said when the limit is reached.
const GLUTTONS: &[(&str, &str)] = &[
    ("eat-memory-in-run", "died of signal 6 (SIGABRT) in `run`"),
    ("eat-memory-in-configuration", "died of signal 6 (SIGABRT) in `configuration`"),
    ("spin-in-status", "used up its 1 s of processor time"),
    ("eat-descriptors-in-run", "panicked"),
];

#[test]
fn what_takes_too_much_is_ended_by_its_limits() {
    let _alone = whole_machine();
    let building = Building::new();
    let mut wrong = Vec::new();
    for (name, says) in GLUTTONS {
        let mut limits = Limits::default();
        limits.memory = Some(256 << 20);
        limits.cpu_time = Some(Duration::from_secs(1));
        let registry = building.visitor().with_limits(limits);
        let place = name.rsplit_once("-in-").unwrap().1;
        let (_, call) = PLACES.iter().find(|(known, _)| *known == place).unwrap();
        let outcome = call(&registry, name);
        if !outcome.as_ref().is_err_and(|error| error.to_string().contains(says)) {
            wrong.push(format!("{name}: {outcome:?}\n  expected {says}"));
        }
        if let Err(error) = is_calm(&registry) {
            wrong.push(format!("{name}, then: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_death_between_calls_fails_the_jobs_at_once() {
    let building = Building::new();
    let registry = building.visitor();
    // It dies 50 ms after `run` has answered; `hang-in-result` waits meanwhile.
    let doomed = job(&registry, "hang-in-result").unwrap();
    job(&registry, "die-later-in-run").unwrap();
    let error = doomed.result(Some(Duration::from_secs(20))).unwrap_err();
    assert!(error.to_string().contains("died of signal 6 (SIGABRT)"), "{error}");
    assert_eq!(doomed.status().unwrap(), JobStatus::Error);
    is_calm(&registry).unwrap();
}

/// What is no death: untruths and nonsense. Each is an error, or an answer that may be shown.
const UNTRUTHS: &[&str] = &["empty", "long", "control", "no-utf-8", "huge", "ask-for-too-much"];

#[test]
fn nonsense_is_an_error_or_harmless() {
    let _alone = whole_machine();
    let building = Building::new();
    let mut wrong = Vec::new();
    let more = [
        "other-name-in-configuration",
        "deep-in-configuration",
        "many-qubits-in-configuration",
        "many-couplings-in-configuration",
        "one-coupling-in-configuration",
        "many-jobs-in-status",
        "error-in-run",
        "other-id-in-retrieve_job",
        "many-in-jobs",
        "huge-in-call",
        "other-format-in-call",
        "other-id-in-result",
        "no-success-in-result",
        "no-time-in-result",
        "deep-in-result",
        "many-shots-in-result",
        "many-in-result",
        "far-in-creation_date",
        "early-in-creation_date",
        "far-in-queue_position",
    ];
    let texts = PLACES
        .iter()
        .flat_map(|(place, _)| UNTRUTHS.iter().map(move |untruth| format!("{untruth}-in-{place}")));
    for name in texts.chain(more.map(str::to_owned)) {
        let place = name.rsplit_once("-in-").unwrap().1;
        let (_, call) = PLACES.iter().find(|(known, _)| *known == place).unwrap();
        let registry = building.visitor();
        let start = Instant::now();
        let outcome = call(&registry, &name);
        let time = start.elapsed();
        let fine = match &outcome {
            // What crossed is text, whatever was sent.
            Ok(text) => std::str::from_utf8(text.as_bytes()).is_ok(),
            Err(error) => error.to_string().len() < 100_000 && !error.code().contains(' '),
        };
        if !fine || time > Duration::from_secs(10) {
            let outcome = outcome.map(|text| text.len());
            wrong.push(format!("{name}, {time:?}: {outcome:?}"));
        }
        if let Err(error) = is_calm(&registry) {
            wrong.push(format!("{name}, then: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever a plugin can do to its process, through `ketch run`: what is said of it.
const RUNS: &[(&str, &str)] = &[
    ("panic-in-run", "panicked"),
    ("unspeakable-panic-in-run", "panicked"),
    ("double-panic-in-run", "died of signal 6 (SIGABRT) in `run`"),
    ("abort-in-run", "died of signal 6 (SIGABRT) in `run`"),
    ("segfault-in-result", "died of signal 11 (SIGSEGV) in `result`"),
    ("overflow-in-run", "died of signal 6 (SIGABRT) in `run`"),
    ("exit-in-run", "exited with code 3 in `run`"),
    ("last-words-in-result", "the fridge is warm"),
    ("terminate-in-run", "died of signal 15 (SIGTERM)"),
    ("interrupt-in-run", "died of signal 2 (SIGINT)"),
    ("kill-in-run", "signal 9 (SIGKILL)"),
    ("divide-in-run", "died of signal 8 (SIGFPE)"),
    ("illegal-in-run", "died of signal 4 (SIGILL)"),
    ("read-beyond-a-file-in-run", "died of signal 7 (SIGBUS)"),
    ("alarm-in-run", "died of signal 14"),
    ("kill-group-in-run", "died of signal 15 (SIGTERM)"),
    ("leave-child-in-run", "exited with code 0"),
    ("leave-flood-in-run", "exited with code 0"),
    ("ask-for-too-much-in-run", "died of signal 6 (SIGABRT)"),
    ("eat-descriptors-in-run", "panicked"),
    ("close-all-in-run", "museum"),
    ("write-to-all-in-run", "museum"),
    ("no-utf-8-in-job_id", ""),
    ("error-in-run", ""),
];

/// What looks bad and does no harm: the circuit is run.
const HARMLESS: &[&str] = &[
    "break-pipe-in-run",
    "flood-stdout-in-run",
    "flood-stderr-in-run",
    "print-one-line-in-run",
    "print-bytes-in-run",
    "leave-directory-in-run",
    "panic-later-in-run",
    "many-threads-in-run",
    "control-in-result",
    "abort-in-drop",
    "hang-in-job_drop",
];

#[test]
fn commands_end_with_one_clear_error() {
    let sandbox = Sandbox::new();
    let museum = Elf::read(&built("examples/libmuseum.so")).stripped();
    museum.write(&sandbox.user_plugins().join("museum.so"));
    good().write(&sandbox.user_plugins().join("good.so"));
    let circuit = example("bell.qasm");
    let mut wrong = Vec::new();
    let run = |backend: &str| {
        let backend = format!("museum/{backend}");
        ends(sandbox.command(&["run", &circuit, "--backend", &backend]))
    };
    for (backend, says) in RUNS {
        let run = run(backend);
        let clean = !run.stderr.contains("\u{1b}[2J") && run.stderr.len() < 10_000;
        if run.exit.is_none_or(|exit| exit == 0) || !run.stderr.contains(says) || !clean {
            wrong.push(format!("{backend}: {run:?}\n  expected {says}"));
        }
    }
    for backend in HARMLESS {
        let run = run(backend);
        if run.exit != Some(0) || run.stdout.len() > 10_000 || run.stderr.len() > 10_000 {
            wrong
                .push(format!("{backend}: {:?} {:.300} {:.300}", run.exit, run.stdout, run.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    neighbours_work(&sandbox);
    nobody_is_left(&sandbox);
}

/// No process runs in the sandbox any more, not even one that a plugin left behind.
fn nobody_is_left(sandbox: &Sandbox) {
    let place = sandbox.path("work");
    let start = Instant::now();
    loop {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let mut here = processes.filter(|process| {
            fs::read_link(process.path().join("cwd")).is_ok_and(|directory| directory == place)
        });
        let Some(process) = here.next() else { return };
        let command = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        assert!(start.elapsed() < Duration::from_secs(10), "still there: {command:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
