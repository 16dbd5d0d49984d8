//! Surface codes: the time to sample all measurements of a noisy stabilizer circuit.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ketch_interface::result::Memory;
use ketch_simulator::{Cancel, Method, Options, Threads, simulate_on};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    stim,
    timer::{self, Repetitions},
};

/// Shots that the shares of ones are taken of.
const LOOKED_AT: usize = 10_000;

/// What is timed, and how.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    /// A file in Stim's text format.
    circuit: PathBuf,
    threads: usize,
    shots: u64,
    #[serde(flatten)]
    repetitions: Repetitions,
}

/// The time of all shots with their outcomes in order, and the share of ones of each measurement.
pub(crate) fn answer(request: &Request) -> Result<Value> {
    let path = &request.circuit;
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let begun = std::time::Instant::now();
    let circuit = stim::circuit_of(&text)?;
    let construct_s = begun.elapsed().as_secs_f64();
    let options = Options {
        method: Method::Stabilizer,
        shots: request.shots,
        seed: 1,
        memory: true,
        ..Options::default()
    };
    let threads = Threads::new(request.threads)?;
    let (times, outcome) = timer::time(request.repetitions, || {
        Ok(simulate_on(&threads, &circuit, &options, &Cancel::new())?)
    })?;
    let memory = outcome.memory.context("the outcomes of the shots were asked for")?;
    Ok(json!({
        "construct_s": construct_s,
        "sample": times,
        "rss_mb": timer::peak_mib(),
        "marginals": marginals(&memory),
    }))
}

/// The share of the first shots in which each clbit was 1.
fn marginals(memory: &Memory) -> Vec<f64> {
    let mut ones = vec![0_u64; memory.width() as usize];
    let shots = memory.iter().take(LOOKED_AT);
    shots.for_each(|shot| {
        (0..).zip(&mut ones).for_each(|(clbit, ones)| *ones += u64::from(shot.get(clbit)));
    });
    ones.into_iter().map(|ones| ones as f64 / memory.len().min(LOOKED_AT) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_ones_follow_the_bits() {
        let memory = Memory::from_bytes(3, vec![0b101, 0b001].into()).unwrap();
        assert_eq!(marginals(&memory), [1.0, 0.0, 0.5]);
    }
}
