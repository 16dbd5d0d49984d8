//! Jobs as a program meets them: what else it can do while one runs, how soon it is answered, and
//! what is left of a job afterwards. One measurement a request.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use ketch::{
    jobs::{NewJob, Runner, Store, StoredBackend, StoredJob},
    prelude::*,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is measured, and with what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    measure: Measure,
    /// Where the plugin of the local provider lies.
    plugins: PathBuf,
    /// Where jobs are kept.
    store: PathBuf,
    /// A circuit that takes seconds.
    long: PathBuf,
    /// A small one.
    tiny: PathBuf,
    /// How often.
    reps: usize,
    /// The job to read back.
    #[serde(default)]
    job: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Measure {
    /// The longest that another thread stood still while the long circuit ran.
    Stall,
    /// A wait of 0.3 s for the long circuit.
    TimeOut,
    /// From asking the long circuit's job to stop to its end.
    Cancel,
    /// What is said of a circuit that does not fit into the memory that it may take.
    Failed,
    /// Jobs kept on disk, one after the other.
    Submit,
    /// The small circuit from its submission to its counts.
    Tiny,
    /// The same, kept on disk.
    TinyKept,
    /// A kept job, by a process that did not run it.
    ReadBack,
}

/// The name under which jobs are kept.
const BACKEND: &str = "local/qasm_simulator";

pub(crate) fn answer(request: &Request) -> Result<Value> {
    let registry = Registry::discover(&SearchPath::only([request.plugins.clone()]));
    let backend = registry.get_backend(BACKEND)?.backend;
    let read = |path: &PathBuf| -> Result<Qobj> {
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("reading {}", path.display()))?;
        Ok(Qobj::from_circuit(crate::parse(&text)?).with_shots(1024).with_seed(1))
    };
    let store = || Store::open(&request.store).map(Arc::new);
    let run = |qobj: Qobj| backend.run(qobj, RunOptions::default());
    match request.measure {
        Measure::Stall => stall(&*backend, read(&request.long)?),
        Measure::TimeOut => {
            let job = run(read(&request.long)?)?;
            let start = Instant::now();
            let answer = job.result(Some(Duration::from_millis(300)));
            let took = start.elapsed().as_secs_f64();
            end(&*job)?;
            let error = answer.err().context("it took less than 0.3 s")?;
            Ok(json!({ "seconds": took, "said": error.code() }))
        }
        Measure::Cancel => {
            let qobj = read(&request.long)?;
            let mut times = Vec::new();
            for _ in 0..request.reps.max(1) {
                let job = run(qobj.clone())?;
                // Well into its work, wherever that is.
                ensure!(job.result(Some(Duration::from_millis(100))).is_err(), "it was too fast");
                times.push(end(&*job)?);
                ensure!(job.status()? == JobStatus::Cancelled, "it ended as {}", job.status()?);
            }
            Ok(json!({ "seconds": median(times), "said": JobStatus::Cancelled.as_str() }))
        }
        Measure::Failed => {
            let qobj = read(&request.long)?;
            let qobj = qobj.with_option("method", "statevector").with_option("max_memory_mb", 64);
            let said = match backend.run(qobj, RunOptions::default()) {
                Err(refusal) => format!("refused by `run`: `{}`", refusal.code()),
                Ok(job) => {
                    let _ = job.result(None);
                    job.status()?.as_str().to_owned()
                }
            };
            Ok(json!({ "said": said }))
        }
        Measure::Submit => {
            let (store, qobj) = (store()?, read(&request.tiny)?);
            let job = NewJob::new(BACKEND, Runner::Worker, RunOptions::default());
            store.submit(&job, &qobj)?;
            let start = Instant::now();
            for _ in 0..request.reps.max(1) {
                store.submit(&job, &qobj)?;
            }
            let seconds = start.elapsed().as_secs_f64();
            Ok(json!({ "per_second": request.reps.max(1) as f64 / seconds }))
        }
        Measure::Tiny => each(&*backend, &read(&request.tiny)?, request.reps),
        Measure::TinyKept => {
            let kept = StoredBackend::new(store()?, BACKEND, backend);
            each(&kept, &read(&request.tiny)?, request.reps)
        }
        Measure::ReadBack => {
            let start = Instant::now();
            let job = StoredJob::new(store()?, &request.job, backend);
            let total = job.result(Some(Duration::ZERO))?.counts(0)?.total();
            Ok(json!({ "seconds": start.elapsed().as_secs_f64(), "shots": total }))
        }
    }
}

/// A thread that only sleeps, a millisecond at a time, beside the job; the same in Python.
fn stall(backend: &dyn Backend, qobj: Qobj) -> Result<Value> {
    const NAP: Duration = Duration::from_millis(1);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let naps = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                let start = Instant::now();
                thread::sleep(NAP);
                longest = longest.max(start.elapsed());
            }
            longest.saturating_sub(NAP)
        });
        let start = Instant::now();
        let ran = backend.run(qobj, RunOptions::default()).and_then(|job| job.result(None));
        let job = start.elapsed().as_secs_f64();
        done.store(true, Ordering::Relaxed);
        let Ok(longest) = naps.join() else { bail!("the other thread panicked") };
        ran?;
        Ok(json!({ "seconds": longest.as_secs_f64(), "job_seconds": job }))
    })
}

/// Stops a job; how long that took.
fn end(job: &dyn Job) -> Result<f64> {
    let start = Instant::now();
    job.cancel()?;
    while !job.status()?.is_final() {
        thread::sleep(Duration::from_micros(100));
    }
    Ok(start.elapsed().as_secs_f64())
}

/// The median of many runs, and the last job's id.
fn each(backend: &dyn Backend, qobj: &Qobj, reps: usize) -> Result<Value> {
    let mut times = Vec::new();
    let mut id = String::new();
    for _ in 0..reps.max(1) + 1 {
        let qobj = qobj.clone();
        let start = Instant::now();
        let job = backend.run(qobj, RunOptions::default())?;
        let shots = job.result(None)?.counts(0)?.total();
        times.push(start.elapsed().as_secs_f64());
        ensure!(shots == 1024, "{shots} shots");
        id = job.job_id();
    }
    // The first one warms up.
    times.remove(0);
    Ok(json!({ "seconds": median(times), "job": id }))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
