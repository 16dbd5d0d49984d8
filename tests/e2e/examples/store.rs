//! `store DIRECTORY ACTION NUMBER`: one thing done to a store of jobs by a process of its own, so
//! that a test can take the disk away from it.
//!
//! | action | |
//! | --- | --- |
//! | `submit` | keeps a job of so many experiments for a worker, and prints its id |
//! | `finish` | takes the next job, keeps a result of so many amplitudes, ends the job, and prints its id |
//! | `cancel` | stops the job that is so many jobs old (the newest is 1), and prints its id |

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for tests")]

use std::{env, error::Error, path::Path, process::ExitCode, sync::Arc};

use ketch::{
    Circuit, Qobj, RunOptions, RunResult,
    jobs::{Budget, NewJob, Runner, Store},
};

fn main() -> ExitCode {
    match act() {
        Ok(id) => {
            println!("{id}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  cause: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn act() -> Result<String, Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [directory, action, number] = words.as_slice() else {
        return Err("usage: store DIRECTORY ACTION NUMBER".into());
    };
    let (store, number) = (Arc::new(Store::open(Path::new(directory))?), number.parse()?);
    match action.as_str() {
        "submit" => {
            let circuits = vec![Circuit::new(2, 2).h(0).cx(0, 1).measure_all(); number];
            let job = NewJob::new("local/qasm_simulator", Runner::Worker, RunOptions::default());
            Ok(store.submit(&job, &Qobj::from_circuits(circuits))?)
        }
        "finish" => {
            store.recover()?;
            let claim = store.claim(Budget::whole_machine())?.ok_or("there is nothing to do")?;
            let id = claim.record.id.clone();
            claim.keep(0, &result(number))?;
            claim.finish(None)?;
            Ok(id)
        }
        "cancel" => {
            store.recover()?;
            let id = store.resolve(&format!("@{number}"))?;
            store.cancel(&id)?;
            Ok(id)
        }
        _ => Err(format!("no action `{action}`").into()),
    }
}

/// One experiment with so many amplitudes.
fn result(amplitudes: usize) -> RunResult {
    let mut experiment = ketch::result::ExperimentResult::default();
    let vector = vec![ketch::Complex64::ONE; amplitudes].into();
    experiment.success = true;
    experiment.data.insert("statevector".to_owned(), ketch::result::Data::Vector(vector));
    RunResult { success: true, experiments: vec![experiment], ..RunResult::default() }
}
