//! Thousands of small circuits: one after the other, side by side, and as one Qobj through a
//! loaded plugin.

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result, ensure};
use ketch::{prelude::*, qobj::Qobj};
use ketch_interface::circuit::SaveKind;
use ketch_simulator::{Cancel, Method, Options, Threads, simulate_on};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// A file with a circuit a line: `{"id": …, "qasm": …}`.
    jobs: PathBuf,
    shots: u64,
    threads: usize,
    reps: usize,
    /// Where the plugin of the local provider lies.
    plugins: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Line {
    qasm: String,
}

/// Circuits a second, each way; the best of the repetitions.
pub(crate) fn answer(request: &Request) -> Result<Value> {
    let path = &request.jobs;
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let lines: Vec<Line> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("reading jobs")?;
    let begun = Instant::now();
    let circuits: Vec<Circuit> =
        lines.iter().map(|line| crate::parse(&line.qasm)).collect::<Result<_>>()?;
    let parse_s = begun.elapsed().as_secs_f64();
    let measured: Vec<Circuit> = circuits.iter().map(|c| c.clone().measure_all()).collect();
    // Without shots: the probabilities of all qubits at the end.
    let probabilities = circuits.into_iter().map(|c| crate::saving(c, SaveKind::Probabilities));
    let probabilities: Vec<Circuit> = probabilities.collect::<Result<_>>()?;

    let n_jobs = measured.len() as f64;
    let options =
        Options { method: Method::Statevector, shots: request.shots, ..Options::default() };
    let once = Options { shots: 1, ..options.clone() };
    let rate = |work: &mut dyn FnMut() -> Result<()>| -> Result<f64> {
        work()?;
        let mut best = f64::INFINITY;
        for _ in 0..request.reps.max(1) {
            let start = Instant::now();
            work()?;
            best = best.min(start.elapsed().as_secs_f64());
        }
        Ok(n_jobs / best)
    };
    let mut answer = json!({
        "jobs": measured.len(),
        "parse_per_s": n_jobs / parse_s,
        "one_by_one_per_s": rate(&mut || serially(&measured, &options))?,
        "side_by_side_per_s": rate(&mut || side_by_side(&measured, &options, request.threads))?,
        "probabilities_per_s": rate(&mut || side_by_side(&probabilities, &once, request.threads))?,
    });
    if let Some(folder) = &request.plugins {
        let registry = Registry::discover(&SearchPath::only([folder.clone()]));
        let backend = registry.get_backend("local/qasm_simulator")?;
        let qobj = Qobj::from_circuits(measured)
            .with_shots(request.shots)
            .with_seed(1)
            .with_option("max_parallel_threads", request.threads);
        // Each run takes a Qobj: to make one is not counted, as for other simulators.
        let mut qobjs = vec![qobj; request.reps.max(1) + 1];
        let per_s = rate(&mut || {
            let qobj = qobjs.pop().expect("one for each repetition and one to warm up");
            let result = backend.run_and_wait(qobj, None)?;
            let total = result.counts(0)?.total();
            ensure!(total == request.shots, "expected {} shots, found {total}", request.shots);
            Ok(())
        })?;
        answer["plugin_per_s"] = json!(per_s);
    }
    Ok(answer)
}

fn serially(circuits: &[Circuit], options: &Options) -> Result<()> {
    let threads = Threads::serial();
    for (seed, circuit) in (0..).zip(circuits) {
        let options = Options { seed, ..options.clone() };
        std::hint::black_box(simulate_on(&threads, circuit, &options, &Cancel::new())?);
    }
    Ok(())
}

/// Each thread takes an equal share: all circuits are of one size.
fn side_by_side(circuits: &[Circuit], options: &Options, threads: usize) -> Result<()> {
    let share = circuits.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = circuits
            .chunks(share)
            .map(|share| scope.spawn(move || serially(share, options)))
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("the engine does not panic"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_measured() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = folder.path().join("jobs.jsonl");
        let qasm = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; h q[0]; cx q[0],q[1];";
        let line = json!({ "id": 0, "qasm": qasm }).to_string();
        std::fs::write(&jobs, format!("{line}\n{line}\n{line}\n")).unwrap();
        let request = json!({ "jobs": jobs, "shots": 10, "threads": 2, "reps": 1 });
        let found = answer(&serde_json::from_value(request).unwrap()).unwrap();
        assert_eq!(found["jobs"], 3);
        for way in ["parse", "one_by_one", "side_by_side", "probabilities"] {
            assert!(found[format!("{way}_per_s")].as_f64().unwrap() > 0.0, "{way}");
        }
    }
}
